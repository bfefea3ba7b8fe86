"""A small site, once as ASGI and once as WSGI, each bare and behind dntguard: what the real servers serve.

`/whole` is a page with its length, `/stream` the same page in pieces with a pause before the last, `/cookies` names the
cookies that the application sees and sets two, `/data` is no page.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from dntguard.asgi import DNTGuardMiddleware as ASGIGuard
from dntguard.asgi import Receive, Scope, Send
from dntguard.wsgi import DNTGuardMiddleware as WSGIGuard
from dntguard.wsgi import Environ, StartResponse

PAUSE = 0.4
"""Seconds between the first pieces of the stream and its last: a client must not wait for that."""

PIECES = [
    b"<!doctype html><title>shop</title><p>one</p>" + b"<!-- filler -->" * 200,
    b'<script src="https://www.google-analy',
    b'tics.com/analytics.js"></script><p>two</p>',
    b'<script src="/own.js"></script><p>three</p>',
]
PAGE = b"".join(PIECES)
REWRITTEN = PAGE.replace(b'<script src="https://www.google-analytics.com/analytics.js"></script>', b"<!---->")
DATA = b'{"html": "<script src=//www.google-analytics.com/analytics.js></script>"}'

Answer = tuple[list[tuple[str, str]], list[bytes]]


def answer(path: str, cookie: str) -> Answer:
    """The headers and pieces of the answer to a path."""
    if path == "/whole":
        return [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(PAGE)))], [PAGE]
    if path == "/stream":
        return [("Content-Type", "text/html; charset=utf-8")], PIECES
    if path == "/cookies":
        seen = json.dumps(sorted(filter(None, (pair.partition("=")[0].strip() for pair in cookie.split(";")))))
        body = f"<p>{seen}</p>".encode()
        cookies = [("Set-Cookie", "session=1; Path=/; HttpOnly"), ("Set-Cookie", "_ga=GA1.2; Path=/")]
        return [("Content-Type", "text/html"), ("Content-Length", str(len(body))), *cookies], [body]
    return [("Content-Type", "application/json"), ("Content-Length", str(len(DATA))), ("ETag", '"data"')], [DATA]


async def asgi_bare(scope: Scope, receive: Receive, send: Send) -> None:
    """The site as ASGI."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    cookie = dict(scope["headers"]).get(b"cookie", b"").decode("latin-1")
    headers, pieces = answer(scope["path"], cookie)
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": 200, "headers": encoded})
    if scope["path"] != "/stream":
        await send({"type": "http.response.body", "body": pieces[0]})
        return
    async for piece in _slowly(pieces):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _slowly(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces[:-1]:
        yield piece
    await asyncio.sleep(PAUSE)
    yield pieces[-1]


def wsgi_bare(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """The site as WSGI."""
    headers, pieces = answer(environ["PATH_INFO"], environ.get("HTTP_COOKIE", ""))
    start_response("200 OK", headers)
    return _slow(pieces) if environ["PATH_INFO"] == "/stream" else pieces


def _slow(pieces: list[bytes]) -> Iterator[bytes]:
    yield from pieces[:-1]
    time.sleep(PAUSE)
    yield pieces[-1]


asgi_guarded: Any = ASGIGuard(asgi_bare)
wsgi_guarded: Any = WSGIGuard(wsgi_bare)
