"""Starlette: `add_middleware`, its test client."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dntguard.asgi import DNTGuardMiddleware
from tests.case_table import Request
from tests.frameworks.stage import LINES, NO_HOST, NOT_ASCII, TARGETS, Answer, Framework, Stage


def application(stage: Stage) -> Starlette:
    """An application that answers as the stage says."""

    async def answer(request: StarletteRequest) -> Response:
        given = stage.answer(
            request.method,
            request.url.scheme,
            request.headers["host"],
            request.url.path,
            request.headers.items(),
            getattr(request.state, "consent", None),
        )

        async def pieces() -> AsyncIterator[bytes]:
            for piece in given.pieces():
                yield piece

        response = StreamingResponse(pieces(), given.status) if given.stream else Response(b"".join(given.pieces()))
        response.status_code = given.status
        response.raw_headers = [(name.lower().encode(), value.encode()) for name, value in given.headers]
        return response

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "HEAD", "PUT", "POST"])])
    if stage.options is not None:
        app.add_middleware(DNTGuardMiddleware, **stage.options)
    return app


def ask(app: Starlette, request: Request) -> Answer:
    """What the test client gets."""
    base = f"{request.scheme}://{request.host}"
    with TestClient(app, base, raise_server_exceptions=False, follow_redirects=False) as client:
        client.headers.clear()
        with client.stream(request.method, request.path, headers=request.headers) as answer:
            return Answer(answer.status_code, answer.headers.multi_items(), b"".join(answer.iter_raw()))


STARLETTE = Framework(
    "Starlette",
    "asgi",
    "examples.starlette_app",
    application,
    ask,
    not_carried={**TARGETS, **LINES, **NO_HOST, **NOT_ASCII},
    faithful=150,
)
