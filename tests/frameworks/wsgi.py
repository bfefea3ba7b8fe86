"""A WSGI function without a framework, asked by Werkzeug's test client."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from werkzeug.test import Client

from dntguard.wsgi import DNTGuardMiddleware, Environ, StartResponse, WSGIApp
from tests.case_table import Request
from tests.frameworks.stage import LINES, TARGETS, Answer, Framework, Stage


def application(stage: Stage) -> WSGIApp:
    """An application that answers as the stage says."""

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        headers = [(key[5:].replace("_", "-"), value) for key, value in environ.items() if key.startswith("HTTP_")]
        given = stage.answer(
            environ["REQUEST_METHOD"],
            environ["wsgi.url_scheme"],
            environ["HTTP_HOST"],
            environ["PATH_INFO"].encode("latin-1").decode(),
            headers,
            environ.get("dntguard.consent"),
        )
        start_response(f"{given.status} {HTTPStatus(given.status).phrase}", list(given.headers))
        return iter(given.pieces()) if given.stream else [b"".join(given.pieces())]

    return answer if stage.options is None else DNTGuardMiddleware(answer, **stage.options)


def ask(app: WSGIApp, request: Request) -> Answer:
    """What the test client gets."""
    base = f"{request.scheme}://{request.host}"
    client = Client(app, use_cookies=False)
    with client.open(request.path, method=request.method, base_url=base, headers=request.headers) as answer:
        body = answer.get_data()
        # A server would leave the body of an answer to HEAD out.
        return Answer(answer.status_code, list(answer.headers), b"" if request.method == "HEAD" else body)


WSGI = Framework(
    "WSGI",
    "wsgi",
    "examples.wsgi_app",
    application,
    ask,
    not_carried={**TARGETS, **LINES},
    faithful=152,
)
