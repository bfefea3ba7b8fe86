"""A bare ASGI function: the middleware around it, httpx as its client."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import httpx

from dntguard.asgi import ASGIApp, DNTGuardMiddleware, Receive, Scope, Send
from tests.case_table import Request
from tests.drive import body, live, start
from tests.frameworks.stage import TARGETS, Answer, Framework, Stage


def application(stage: Stage) -> ASGIApp:
    """An application that answers as the stage says."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send)
            return
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        host = dict(headers)["host"]
        given = stage.answer(scope["method"], scope["scheme"], host, scope["path"], headers, scope.get("dntguard"))
        fields = [(name.lower().encode(), value.encode()) for name, value in given.headers]
        await send({**start(status=given.status), "headers": fields})
        pieces = given.pieces()
        if given.stream:
            for piece in pieces:
                await send(body(piece, more=True))
        await send(body(b"" if given.stream else b"".join(pieces)))

    return app if stage.options is None else DNTGuardMiddleware(app, **stage.options)


async def answered(app: ASGIApp, request: Request) -> Answer:
    """What httpx gets of an ASGI application, with the request's headers alone."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = [("Host", request.host), *request.headers]
    async with httpx.AsyncClient(transport=transport, base_url=f"{request.scheme}://a") as client:
        client.headers.clear()
        async with client.stream(request.method, quote(request.path, safe="/:"), headers=headers) as answer:
            pieces = [piece async for piece in answer.aiter_raw()]
            return Answer(answer.status_code, answer.headers.multi_items(), b"".join(pieces))


def ask(app: ASGIApp, request: Request) -> Answer:
    """What the client gets."""
    return asyncio.run(answered(app, request))


ASGI = Framework(
    "ASGI function",
    "asgi",
    "examples.asgi_app",
    application,
    ask,
    not_carried=TARGETS,
    faithful=153,
)
