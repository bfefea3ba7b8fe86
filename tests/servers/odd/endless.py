"""A stream without an end, as ASGI and as WSGI, for clients that go away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator

from dntguard.asgi import Receive, Scope, Send
from dntguard.wsgi import Environ, StartResponse
from tests.drive import TRACKER, body, start
from tests.servers.odd.shape import CLOSED, HTML, Closing, as_text

SAYS = "a stream without an end"
_STEP = 0.02
_STEPS = 150
"""The end that it has all the same: not every server tells that the client is gone."""


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends pages of a page until the client is gone."""
    gone = asyncio.create_task(_gone(receive))
    try:
        await send(start(HTML))
        for _ in range(_STEPS):
            if gone.done():
                return
            await send(body(b"<p>" + b"x" * 5000 + TRACKER, more=True))
            await asyncio.sleep(_STEP)
        await send(body(b""))
    finally:
        gone.cancel()
        CLOSED[SAYS] += 1


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def wsgi(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Sends pages of a page until the client is gone."""
    start_response("200 OK", as_text([HTML]))
    return Closing(SAYS, _endless())


def _endless() -> Iterator[bytes]:
    for _ in range(_STEPS):
        yield b"<p>" + b"x" * 5000 + TRACKER
        time.sleep(_STEP)
