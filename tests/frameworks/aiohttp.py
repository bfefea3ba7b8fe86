"""aiohttp: `setup`, its test client on its own server."""

from __future__ import annotations

import asyncio
from functools import cache

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from dntguard.integrations.aiohttp import CONSENT, setup
from tests.case_table import Request
from tests.frameworks.stage import LENGTHS, LINES, TARGETS, Answer, Framework, Stage


@web.middleware
async def behind_a_proxy(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Takes the proxy's word for the scheme."""
    return await handler(request.clone(scheme=request.headers["X-Forwarded-Proto"]))


def application(stage: Stage) -> web.Application:
    """An application that answers as the stage says."""

    async def answer(request: web.Request) -> web.StreamResponse:
        given = stage.answer(
            request.method,
            request.scheme,
            request.host,
            request.path,
            request.headers.items(),
            request.get(CONSENT),
        )
        headers = CIMultiDict(given.headers)
        if not given.stream:
            return web.Response(body=b"".join(given.pieces()), status=given.status, headers=headers)
        response = web.StreamResponse(status=given.status, headers=headers)
        await response.prepare(request)
        for piece in given.pieces():
            await response.write(piece)
        return response

    app = web.Application()
    app.router.add_route("*", r"/{path:[\s\S]*}", answer)
    if stage.options is not None:
        setup(app, **stage.options)
    app.middlewares.insert(0, behind_a_proxy)
    return app


def ask(app: web.Application, request: Request) -> Answer:
    """What the test client gets."""
    return _runner().run(_ask(app, request))


@cache
def _runner() -> asyncio.Runner:
    """One event loop for all, for an application does not change from one to another."""
    return asyncio.Runner()


async def _ask(app: web.Application, request: Request) -> Answer:
    server = [("Host", request.host), ("X-Forwarded-Proto", request.scheme), ("Connection", "close")]
    async with (
        TestClient(TestServer(app), auto_decompress=False) as client,
        client.request(
            request.method,
            request.path,
            headers=CIMultiDict([*server, *request.headers]),
            skip_auto_headers=["Accept-Encoding", "Accept"],
            allow_redirects=False,
        ) as answer,
    ):
        fields = [(name.decode(), value.decode()) for name, value in answer.raw_headers]
        return Answer(answer.status, fields, await answer.read())


AIOHTTP = Framework(
    "aiohttp",
    "own",
    "examples.aiohttp_app",
    application,
    ask,
    not_carried={
        **TARGETS,
        **LINES,
        **LENGTHS,
    },
    faithful=145,
)
