"""A small site, once as ASGI and once as WSGI.

`/whole` is a page with its length, `/stream` the same page in pieces, `/slow` the same with a pause before the last,
`/missing` the same with status 404 and a cookie. `/cookies` names the cookies that the application sees and sets two,
`/data` is no page, and neither is `/rows`, which comes in pieces.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from http import HTTPStatus

from dntguard.asgi import Receive, Scope, Send
from dntguard.wsgi import Environ, StartResponse

PAUSE = 0.4
"""Seconds between the first pieces of the slow stream and its last: a client must not wait for that."""

PIECES = [
    b"<!doctype html><title>shop</title><p>one</p>" + b"<!-- filler -->" * 200,
    b'<script src="https://www.google-analy',
    b'tics.com/analytics.js"></script><p>two</p>',
    b'<script src="/own.js"></script><p>three</p>',
]
PAGE = b"".join(PIECES)
REWRITTEN = PAGE.replace(b'<script src="https://www.google-analytics.com/analytics.js"></script>', b"<!---->")
DATA = b'{"html": "<script src=//www.google-analytics.com/analytics.js></script>"}'
ROWS = [DATA + b"\n"] * 3

Answer = tuple[int, list[tuple[str, str]], list[bytes]]


def answer(path: str, cookie: str) -> Answer:
    """The status, headers and pieces of the answer to a path."""
    if path == "/whole":
        return 200, [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(PAGE)))], [PAGE]
    if path in ("/stream", "/slow"):
        return 200, [("Content-Type", "text/html; charset=utf-8")], PIECES
    if path == "/missing":
        return 404, [("Content-Type", "text/html; charset=utf-8"), ("Set-Cookie", "session=1; Path=/")], PIECES
    if path == "/rows":
        return 201, [("Content-Type", "application/x-ndjson"), ("Set-Cookie", "session=1; Path=/")], ROWS
    if path == "/cookies":
        seen = json.dumps(sorted(filter(None, (pair.partition("=")[0].strip() for pair in cookie.split(";")))))
        body = f"<p>{seen}</p>".encode()
        cookies = [("Set-Cookie", "session=1; Path=/; HttpOnly"), ("Set-Cookie", "_ga=GA1.2; Path=/")]
        return 200, [("Content-Type", "text/html"), ("Content-Length", str(len(body))), *cookies], [body]
    return 200, [("Content-Type", "application/json"), ("Content-Length", str(len(DATA))), ("ETag", '"data"')], [DATA]


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """The site as ASGI."""
    cookie = dict(scope["headers"]).get(b"cookie", b"").decode("latin-1")
    status, headers, pieces = answer(scope["path"], cookie)
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    if len(pieces) == 1:
        await send({"type": "http.response.body", "body": pieces[0]})
        return
    async for piece in _slowly(pieces, PAUSE if scope["path"] == "/slow" else 0):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _slowly(pieces: list[bytes], pause: float) -> AsyncIterator[bytes]:
    for piece in pieces[:-1]:
        yield piece
    await asyncio.sleep(pause)
    yield pieces[-1]


def wsgi(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """The site as WSGI."""
    status, headers, pieces = answer(environ["PATH_INFO"], environ.get("HTTP_COOKIE", ""))
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return pieces if len(pieces) == 1 else _slow(pieces, PAUSE if environ["PATH_INFO"] == "/slow" else 0)


def _slow(pieces: list[bytes], pause: float) -> Iterator[bytes]:
    yield from pieces[:-1]
    time.sleep(pause)
    yield pieces[-1]
