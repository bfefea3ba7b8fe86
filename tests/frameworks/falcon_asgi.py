"""Falcon as an ASGI application: the middleware around it, and what its test client is made of.

Of several fields of one name, cookies too, `falcon.testing.Result` keeps the last alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from falcon.asgi import App
from falcon.asgi import Request as FalconRequest
from falcon.asgi import Response as FalconResponse
from falcon.testing import ASGIRequestEventEmitter, ASGIResponseEventCollector, create_scope

from dntguard.asgi import AnyASGIApp, DNTGuardMiddleware
from tests.case_table import Request
from tests.frameworks.stage import COOKIE_LINES, TARGETS, Answer, Framework, Stage

COOKIES = {COOKIE_LINES: "Falcon writes ASCII only"}


def application(stage: Stage) -> AnyASGIApp:
    """An application that answers as the stage says."""

    async def answer(req: FalconRequest, resp: FalconResponse | None, **kwargs: Any) -> None:
        assert resp is not None
        given = stage.answer(
            req.method,
            req.scheme,
            req.headers["host"],
            req.path,
            req.headers.items(),
            req.scope.get("dntguard"),
        )

        async def pieces() -> AsyncIterator[bytes]:
            for piece in given.pieces():
                yield piece

        resp.status = given.status
        for name, value in given.headers:
            resp.append_header(name, value)
        if given.stream:
            resp.stream = pieces()
        else:
            resp.data = b"".join(given.pieces())

    app = App()
    app.add_sink(answer)
    return app if stage.options is None else DNTGuardMiddleware(app, **stage.options)


def ask(app: Any, request: Request) -> Answer:
    """What the test client gets."""
    scope = create_scope(
        quote(request.path),
        method=request.method,
        headers=request.headers,
        scheme=request.scheme,
        host=request.host,
    )
    told = ASGIResponseEventCollector()
    asyncio.run(app(scope, ASGIRequestEventEmitter(), told))
    assert told.status is not None
    return Answer(int(told.status), told.headers, b"".join(told.body_chunks))


FALCON_ASGI = Framework(
    "Falcon, ASGI",
    "asgi",
    "examples.falcon_asgi_app",
    application,
    ask,
    not_carried={**TARGETS, **COOKIES},
    faithful=144,
)
