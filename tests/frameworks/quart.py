"""Quart: its extension, its test client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import quart
from werkzeug.datastructures import Headers

from dntguard.integrations.quart import DNTGuard
from tests.case_table import Request
from tests.frameworks.stage import METHODS, TARGETS, Answer, Framework, Stage

LINES = {"an included path is acted on": "no route of Quart's has a path with a line feed"}
HEAD = {
    "head of an application that sends the page all the same has the length of the rewritten page": "the client shows "
    "the body of an answer to HEAD"
}


def application(stage: Stage) -> quart.Quart:
    """An application that answers as the stage says."""
    app = quart.Quart("stage", static_folder=None)
    if stage.options is not None:
        app.config.update({f"DNTGUARD_{name.upper()}": value for name, value in stage.options.items()})
        DNTGuard(app)

    @app.route("/", defaults={"path": ""}, methods=METHODS)
    @app.route("/<path:path>", methods=METHODS)
    async def answer(path: str) -> quart.Response:
        request = quart.request
        headers = request.headers
        given = stage.answer(
            request.method, request.scheme, headers["Host"], request.path, headers.items(), quart.g.get("consent")
        )

        async def pieces() -> AsyncIterator[bytes]:
            for piece in given.pieces():
                yield piece

        response = quart.Response(pieces() if given.stream else b"".join(given.pieces()), given.status)
        length = response.content_length
        response.headers.clear()
        response.headers.extend(given.headers)
        if length is not None:
            response.headers.setdefault("Content-Length", str(length))
        return response

    return app


def ask(app: quart.Quart, request: Request) -> Answer:
    """What the test client gets."""

    async def answer() -> Answer:
        client = app.test_client(use_cookies=False)
        headers = Headers([("Host", request.host), *request.headers])
        # Not `client.open`: it makes a `Response` of what came, with a type and a length of its own.
        connection: Any = client.request(
            quote(request.path, safe="/:"), method=request.method, scheme=request.scheme, headers=headers
        )
        async with connection:
            await connection.send_complete()
        return Answer(connection.status_code, list(connection.headers), bytes(connection.response_data))

    return asyncio.run(answer())


QUART = Framework(
    "Quart",
    "asgi",
    "examples.quart_app",
    application,
    ask,
    not_carried={**TARGETS, **LINES, **HEAD},
    faithful=152,
)
