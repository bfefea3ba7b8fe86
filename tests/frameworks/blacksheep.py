"""BlackSheep: the middleware around it; httpx as its client.

`blacksheep.testing.TestClient` hands requests to the application's `handle`, past ASGI, so it sees nothing of what
stands around an application.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

from blacksheep import Application, Content, Response, Router, StreamedContent
from blacksheep import Request as BlackSheepRequest

from dntguard.asgi import AnyASGIApp, DNTGuardMiddleware, Receive, Scope, Send
from tests.case_table import Request
from tests.frameworks import asgi
from tests.frameworks.stage import METHODS, TARGETS, Answer, Framework, Stage

EMPTY = {"an empty first piece does not end a page": "BlackSheep ends a stream at an empty piece"}


SITE = Application(router=Router())
"""One for all stages: BlackSheep looks through the whole call stack for each one that is made."""


async def answer(request: BlackSheepRequest) -> Response:
    """What the stage in the request's scope says."""
    scope: Any = request.scope
    given = scope["stage"].answer(
        request.method,
        request.scheme,
        request.host,
        unquote(request.url.path.decode()),
        [(name.decode(), value.decode()) for name, value in request.headers.items()],
        scope.get("dntguard"),
    )

    async def pieces() -> AsyncIterator[bytes]:
        for piece in given.pieces():
            yield piece

    # BlackSheep writes type and length from the content.
    own = dict(reversed([(name.lower(), value) for name, value in given.headers]))
    kind = own.get("content-type", "").encode()
    headers = [(name.encode(), value.encode()) for name, value in given.headers]
    headers = [pair for pair in headers if pair[0].lower() not in (b"content-type", b"content-length")]
    if given.stream:
        length = int(own.get("content-length", -1))
        return Response(given.status, headers, StreamedContent(kind, pieces, length))
    return Response(given.status, headers, Content(kind, b"".join(given.pieces())))


for method in METHODS:
    SITE.router.add(method, "/", answer)
    SITE.router.add(method, "/{path:path}", answer)


def application(stage: Stage) -> AnyASGIApp:
    """An application that answers as the stage says."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await SITE({**scope, "stage": stage}, receive, send)

    return app if stage.options is None else DNTGuardMiddleware(app, **stage.options)


def ask(app: Any, request: Request) -> Answer:
    """What the client gets."""

    async def got() -> Answer:
        example: Any = getattr(app, "app", None)
        site: Any = example if isinstance(example, Application) else SITE
        await site.start()
        return await asgi.answered(app, request)

    return asyncio.run(got())


BLACKSHEEP = Framework(
    "BlackSheep",
    "asgi",
    "examples.blacksheep_app",
    application,
    ask,
    not_carried={**TARGETS, **EMPTY},
    faithful=138,
    not_served=EMPTY,
)
