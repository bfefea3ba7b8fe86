"""Litestar: the middleware around it, its test client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from litestar import HttpMethod, Litestar, route
from litestar import Request as LitestarRequest
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse
from litestar.testing import TestClient

from dntguard.asgi import AnyASGIApp, DNTGuardMiddleware
from tests.case_table import Request
from tests.frameworks.stage import COOKIE_LINES, METHODS, TARGETS, Answer, Framework, Stage

_JOINED = "the client joins repeated fields"
REPEATED = {
    "of repeated sec-gpc fields one exact 1 is enough": _JOINED,
    "repeated sec-gpc fields of which none is exactly 1 are no signal": _JOINED,
    "of repeated dnt fields one refusal is enough": _JOINED,
}
NO_HOST = {"a host that is none makes every named host foreign": "Litestar answers 400"}
COOKIES = {COOKIE_LINES: "Litestar writes Latin-1, which its client reads as UTF-8"}


def application(stage: Stage) -> AnyASGIApp:
    """An application that answers as the stage says."""

    @route(["/", "/{path:path}"], http_method=[HttpMethod(method) for method in METHODS])
    async def answer(request: LitestarRequest[Any, Any, Any]) -> ASGIResponse:
        given = stage.answer(
            request.method,
            request.scope["scheme"],
            request.headers["host"],
            request.scope["path"],
            request.headers.multi_items(),
            request.state.get("consent"),
        )

        async def pieces() -> AsyncIterator[bytes]:
            for piece in given.pieces():
                yield piece

        head = request.method == "HEAD"
        if given.stream:
            return ASGIStreamingResponse(
                iterator=pieces(), status_code=given.status, headers=dict(given.headers), is_head_response=head
            )
        body = b"" if head else b"".join(given.pieces())
        return ASGIResponse(body=body, status_code=given.status, headers=given.headers, is_head_response=head)

    app = Litestar([answer], openapi_config=None)
    return app if stage.options is None else DNTGuardMiddleware(app, **stage.options)


def ask(app: Any, request: Request) -> Answer:
    """What the test client gets."""
    names = [name.lower() for name, _ in request.headers]
    if len(set(names)) < len(names):
        raise ValueError(_JOINED)
    path, headers = quote(request.path, safe="/:"), [("Host", request.host), *request.headers]
    with TestClient(app, f"{request.scheme}://a.local", raise_server_exceptions=False) as client:
        client.headers.clear()
        with client.stream(request.method, path, headers=headers, follow_redirects=False) as answer:
            return Answer(answer.status_code, answer.headers.multi_items(), b"".join(answer.iter_raw()))


LITESTAR = Framework(
    "Litestar",
    "asgi",
    "examples.litestar_app",
    application,
    ask,
    not_carried={**TARGETS, **REPEATED, **NO_HOST, **COOKIES},
    faithful=146,
    not_served=NO_HOST,
)
