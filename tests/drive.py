"""Drives an ASGI or WSGI application as a server would, and records what comes out."""

import asyncio
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from dntguard.asgi import ASGIApp, Message, Receive, Scope, Send
from dntguard.wsgi import Environ, WSGIApp

Headers = list[tuple[bytes, bytes]]

TRACKER = b'<script src="https://www.google-analytics.com/analytics.js"></script>'
REFUSE: Headers = [(b"host", b"shop.example"), (b"dnt", b"1")]
NO_SIGNAL: Headers = [(b"host", b"shop.example")]


def http_scope(headers: Iterable[tuple[bytes, bytes]] = (), **more: Any) -> Scope:
    """An HTTP scope as servers make it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "headers": list(headers),
        "server": ("shop.example", 80),
        "client": ("192.0.2.1", 40000),
        **more,
    }


async def nothing_to_receive() -> Message:
    """A visitor who has sent the request and waits."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def live(receive: Receive, send: Send) -> None:
    """An application's part in a lifespan, to its end."""
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


def drive_asgi(app: ASGIApp, scope: Scope, receive: Receive = nothing_to_receive) -> list[Message]:
    """The messages that the application sends; what it raises goes through."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    asyncio.run(_call(app, scope, receive, send))
    return messages


async def _call(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)


def sends(*messages: Message) -> ASGIApp:
    """An application that sends these messages."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    """The start of a response; of an HTML page when no header is given."""
    return {
        "type": "http.response.start",
        "status": status,
        "headers": list(headers) or [(b"content-type", b"text/html")],
    }


def body(chunk: bytes, more: bool = False) -> Message:
    """A chunk of a response's body."""
    return {"type": "http.response.body", "body": chunk, "more_body": more}


def joined(messages: Iterable[Message]) -> bytes:
    """The whole body in recorded messages."""
    return b"".join(bytes(message.get("body", b"")) for message in messages)


@dataclass
class Served:
    """What a WSGI server got.

    Attributes:
        starts: the calls of `start_response`: status, headers, exc_info.
        pieces: the bytes of each `write()` and of each step of the iterable.
        iterable: what the application returned.
    """

    starts: list[tuple[str, list[tuple[str, str]], Any]] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    iterable: Any = None

    @property
    def status(self) -> str:
        """The status that counts: that of the last start."""
        return self.starts[-1][0]

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers that count: those of the last start."""
        return self.starts[-1][1]

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.pieces)


def environ_of(*pairs: tuple[str, str], **more: Any) -> Environ:
    """An environ as servers make it, with these CGI variables."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "shop.example",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **dict(pairs),
        **more,
    }


def drive_wsgi(app: WSGIApp, environ: Environ) -> Served:
    """What a server gets that follows PEP 3333: headers may be replaced until the first byte is out."""
    served = Served()

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        try:
            if exc_info and any(served.pieces):
                raise exc_info[1].with_traceback(exc_info[2])
            served.starts.append((status, headers, exc_info))
        finally:
            exc_info = None
        return served.pieces.append

    served.iterable = app(environ, start_response)
    try:
        for piece in served.iterable:
            assert served.starts, "a piece of the body came before the headers"
            served.pieces.append(piece)
    finally:
        if hasattr(served.iterable, "close"):
            served.iterable.close()
    return served
