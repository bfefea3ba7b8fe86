"""Sanic: the middleware around it, the ASGI client of sanic-testing."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote, unquote

import httpx
from sanic import HTTPResponse, Sanic
from sanic import Request as SanicRequest
from sanic.compat import Header
from sanic_testing.testing import SanicASGITestClient

from dntguard.asgi import AnyASGIApp, DNTGuardMiddleware
from tests.case_table import Request
from tests.frameworks.stage import METHODS, TARGETS, Answer, Framework, Stage

_DECODES = "the client decodes what it gets"
DECODED = {
    "an encoded file that is no page passes": _DECODES,
    "a page in a content coding": _DECODES,
    "report only leaves a compressed page and reports what is in it": _DECODES,
}
_HIDES = "Sanic keeps the server's error for itself, and the client waits for the rest"
LENGTHS = {
    "a page in several pieces loses its length": _HIDES,
    "a length that is too long is put right for a whole page": _HIDES,
}


def application(stage: Stage) -> AnyASGIApp:
    """An application that answers as the stage says."""
    Sanic.test_mode = True
    app = Sanic("stage", configure_logging=False)
    app.config.TOUCHUP = False  # else Sanic compiles methods of its own anew for each application

    async def answer(request: SanicRequest, path: str = "") -> HTTPResponse | None:
        given = stage.answer(
            request.method,
            request.scope["scheme"],  # Sanic's own word is always "http"
            request.host,
            unquote(request.path),
            request.headers.items(),
            request.scope.get("dntguard"),
        )
        headers = Header(given.headers)
        if not given.stream:
            return HTTPResponse(b"".join(given.pieces()), given.status, headers)
        response = await request.respond(status=given.status, headers=headers)
        for piece in given.pieces():
            await response.send(piece)
        await response.eof()
        return None

    app.add_route(answer, "/", METHODS, name="root")
    app.add_route(answer, "/<path:path>", METHODS)
    return app if stage.options is None else DNTGuardMiddleware(app, **stage.options)


def ask(app: Any, request: Request) -> Answer:
    """What the test client gets."""

    async def answer() -> Answer:
        site = app.app if isinstance(app, DNTGuardMiddleware) else app
        async with SanicASGITestClient(site) as client:
            # It takes a `Sanic` and nothing around it.
            client._transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            client.headers.clear()
            url = f"{request.scheme}://a" + quote(request.path, safe="/:")
            _, got = await client.request(request.method, url, headers=[("Host", request.host), *request.headers])
            return Answer(got.status_code, got.headers.multi_items(), got.content)

    return asyncio.run(answer())


SANIC = Framework(
    "Sanic",
    "asgi",
    "examples.sanic_app",
    application,
    ask,
    not_carried={**TARGETS, **DECODED},
    faithful=148,
    not_served=LENGTHS,
)
