"""Bottle: the middleware around its application, WebTest."""

from __future__ import annotations

from typing import Any

import bottle
from webtest import TestRequest

from dntguard.wsgi import DNTGuardMiddleware, WSGIApp
from tests.case_table import Request
from tests.frameworks.stage import TARGETS, Answer, Framework, Stage, joined


def application(stage: Stage) -> WSGIApp:
    """An application that answers as the stage says."""
    app = bottle.Bottle()

    @app.route(r"<path:re:[\s\S]*>", method=["GET", "HEAD", "PUT", "POST"])
    def answer(path: str) -> Any:
        request = bottle.request
        given = stage.answer(
            request.method,
            request.urlparts.scheme,
            request.urlparts.netloc,
            request.path,
            request.headers.items(),
            request.environ.get("dntguard.consent"),
        )
        response = bottle.HTTPResponse(iter(given.pieces()) if given.stream else b"".join(given.pieces()), given.status)
        for name, value in given.headers:
            response.add_header(name, value)
        return response

    return app if stage.options is None else DNTGuardMiddleware(app, **stage.options)


def ask(app: WSGIApp, request: Request) -> Answer:
    """What WebTest's request gets; a `TestApp` asks by it, and takes the body out of its content coding."""
    server = {"wsgi.url_scheme": request.scheme, "HTTP_HOST": request.host}
    asked = TestRequest.blank(request.path, server, method=request.method, headers=joined(request.headers))
    answer = asked.get_response(app, catch_exc_info=True)
    body = b"".join(answer.app_iter)
    if hasattr(answer.app_iter, "close"):
        answer.app_iter.close()
    return Answer(answer.status_int, answer.headerlist, body)


BOTTLE = Framework(
    "Bottle",
    "wsgi",
    "examples.bottle_app",
    application,
    ask,
    not_carried=TARGETS,
    faithful=148,
)
