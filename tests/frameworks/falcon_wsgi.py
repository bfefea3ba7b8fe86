"""Falcon on WSGI: the middleware around its application, its test helpers."""

from __future__ import annotations

from typing import Any

import falcon
from falcon import testing

from dntguard.wsgi import DNTGuardMiddleware, WSGIApp
from tests.case_table import Request
from tests.frameworks.stage import TARGETS, Answer, Framework, Stage


def application(stage: Stage) -> WSGIApp:
    """An application that answers as the stage says."""

    def answer(req: falcon.Request, resp: falcon.Response, **kwargs: Any) -> None:
        given = stage.answer(
            req.method,
            req.scheme,
            req.get_header("Host", required=True),
            req.path,
            req.headers.items(),
            req.env.get("dntguard.consent"),
        )
        resp.status = given.status
        for name, value in given.headers:
            resp.append_header(name, value)
        if given.stream:
            resp.stream = iter(given.pieces())
        else:
            resp.data = b"".join(given.pieces())

    app = falcon.App()
    app.add_sink(answer)
    return app if stage.options is None else DNTGuardMiddleware(app, **stage.options)


def ask(app: WSGIApp, request: Request) -> Answer:
    """What Falcon's test helpers get; its `TestClient` is made of them, and shows one header of each name."""
    environ = testing.create_environ(
        request.path, method=request.method, headers=request.headers, host=request.host, scheme=request.scheme
    )
    started = testing.StartResponseMock()
    body = b"".join(testing.closed_wsgi_iterable(app(environ, started)))
    assert started.status is not None
    assert started.headers is not None
    return Answer(int(started.status[:3]), list(started.headers), body)


FALCON_WSGI = Framework(
    "Falcon (WSGI)",
    "wsgi",
    "examples.falcon_wsgi_app",
    application,
    ask,
    not_carried=TARGETS,
    faithful=145,
)
