"""Starlette: `add_middleware`, its test client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dntguard.asgi import DNTGuardMiddleware
from tests.case_table import Request
from tests.frameworks.stage import LINES, METHODS, NO_HOST, NOT_ASCII, TARGETS, Answer, Framework, Stage


def respond(stage: Stage, request: StarletteRequest, consent: object) -> Response:
    """Starlette's response of what the stage answers."""
    url = request.url
    given = stage.answer(
        request.method, url.scheme, request.headers["host"], url.path, request.headers.items(), consent
    )

    async def pieces() -> AsyncIterator[bytes]:
        for piece in given.pieces():
            yield piece

    response = StreamingResponse(pieces(), given.status) if given.stream else Response(b"".join(given.pieces()))
    response.status_code = given.status
    response.raw_headers = [(name.lower().encode(), value.encode()) for name, value in given.headers]
    return response


def application(stage: Stage) -> Starlette:
    """An application that answers as the stage says."""

    async def answer(request: StarletteRequest) -> Response:
        return respond(stage, request, getattr(request.state, "consent", None))

    app = Starlette(routes=[Route("/{path:path}", answer, methods=METHODS)])
    if stage.options is not None:
        app.add_middleware(DNTGuardMiddleware, **stage.options)
    return app


def answered(client: TestClient, request: Request) -> Answer:
    """What a client gets, with the request's headers alone."""
    with client:
        client.headers.clear()
        with client.stream(request.method, request.path, headers=request.headers, follow_redirects=False) as answer:
            return Answer(answer.status_code, answer.headers.multi_items(), b"".join(answer.iter_raw()))


def ask(app: Any, request: Request) -> Answer:
    """What the test client gets."""
    base = f"{request.scheme}://{request.host}"
    return answered(TestClient(app, base, raise_server_exceptions=False), request)


STARLETTE = Framework(
    "Starlette",
    "asgi",
    "examples.starlette_app",
    application,
    ask,
    not_carried={**TARGETS, **LINES, **NO_HOST, **NOT_ASCII},
    faithful=150,
)
