"""What only ASGI can say (HTTP message format 2.5, and the extensions of the specification)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from dntguard.asgi import ASGIApp, Message, Receive, Scope, Send
from tests.drive import body
from tests.servers.odd.shape import CLOSED, FILE, HTML, JSON, PAGE, Odd, OddError, length_of

Pair = tuple[bytes, bytes]


def _sends(says: str, *messages: Message, error: bool = False, **more: Any) -> Odd:
    """An application that sends these messages, and then ends or raises."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            for message in messages:
                await send(dict(message))
            if error:
                raise OddError(says)
        finally:
            CLOSED[says] += 1

    return Odd(says, asgi=app, **more)


def _offered(says: str, extension: str, *messages: Message, otherwise: bytes, **more: Any) -> Odd:
    """An application that sends these messages where the server offers the extension, and else only starts and ends."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if "http.response." + extension in (scope.get("extensions") or {}):
                for message in messages:
                    await send(dict(message))
            else:
                (start,) = [message for message in messages if message["type"] == "http.response.start"]
                await send({**start, "trailers": False})
                await send(body(otherwise))
        finally:
            CLOSED[says] += 1

    return Odd(says, asgi=app, **more)


def _start(*headers: Pair, **more: Any) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": list(headers), **more}


def _headers_once(kind: Pair, content: bytes) -> ASGIApp:
    """Gives an iterator of headers, as the specification allows."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**_start(), "headers": iter([kind, (b"x", b"1")])})
        await send(body(content))

    return app


def _by_descriptor(says: str, kind: Pair) -> ASGIApp:
    """Hands an open file to the server where it takes one."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with FILE.open("rb") as file:
            await send(_start(kind))
            if "http.response.zerocopysend" in (scope.get("extensions") or {}):
                await send({"type": "http.response.zerocopysend", "file": file})
            else:
                await send(body(file.read()))
        CLOSED[says] += 1

    return app


def _kinds(name: str, kind: Pair, content: bytes, *, page: bool) -> list[Odd]:
    """What is odd whatever the type of the content is."""
    start, whole = _start(kind), body(content)
    debug: Message = {"type": "http.response.debug", "info": {"template": "a.html", "context": {"a": 1}}}
    unknown: Message = {"type": "http.response.odd", "body": b"<script", "more_body": True}
    size = FILE.stat().st_size
    return [
        _sends(
            f"messages of {name} without a body",
            start,
            {"type": "http.response.body", "more_body": True},
            body(content, more=True),
            {"type": "http.response.body"},
            page=page,
        ),
        _sends(
            f"a body of {name} without more_body", start, {"type": "http.response.body", "body": content}, page=page
        ),
        _sends(
            f"{name} whose last chunk is the end", start, body(content[:1], more=True), body(content[1:]), page=page
        ),
        _sends(
            f"{name} whose headers are a tuple of lists",
            {**start, "headers": (list(kind), [b"x", b"1"])},
            whole,
            page=page,
        ),
        Odd(f"{name} whose headers can be read once", asgi=_headers_once(kind, content), page=page),
        _sends(
            f"{name} in other kinds of bytes",
            start,
            {"type": "http.response.body", "body": bytearray(content), "more_body": True},
            {"type": "http.response.body", "body": memoryview(content)},
            page=page,
            on_servers=False,  # the specification speaks of byte strings
        ),
        _sends(f"{name} with keys that nobody knows", {**start, "odd": 1}, {**whole, "odd": 2}, page=page),
        _sends(f"{name} that starts and is never sent", start, page=page, ends=False),
        _sends(f"{name} that never ends", start, body(content, more=True), page=page, ends=False),
        _sends(f"{name} and a body after the end", start, whole, body(b"more"), page=page),
        _sends(f"{name} that starts twice", start, start, whole, page=page, ends=False),
        _sends(f"{name} that fails after its end", start, whole, error=True, page=page),
        _sends(f"{name} without a start", whole, ends=False),
        _sends(
            f"unknown messages around {name}",
            unknown, start, unknown, body(content, more=True), unknown, body(b""), unknown,
            page=page,
            on_servers=False,  # that they pass is all that can be asked
        ),
        _offered(
            f"{name} with trailers",
            "trailers",
            _start(kind, (b"trailer", b"x-check"), trailers=True),
            body(content, more=True),
            body(b""),
            {"type": "http.response.trailers", "headers": [(b"x-check", b"1")], "more_trailers": True},
            {"type": "http.response.trailers", "headers": [(b"x-check", b"2")], "more_trailers": False},
            otherwise=content,
            page=page,
        ),
        _offered(
            f"{name} after early hints",
            "early_hint",
            {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload; as=style"]},
            start,
            whole,
            otherwise=content,
            page=page,
        ),
        _offered(
            f"{name} sent by its path",
            "pathsend",
            _start(kind, length_of(size)),
            {"type": "http.response.pathsend", "path": str(FILE)},
            otherwise=FILE.read_bytes(),
            page=page,
        ),
        Odd(
            f"{name} sent by its descriptor",
            asgi=_by_descriptor(f"{name} sent by its descriptor", kind),
            page=page,
        ),
        _offered(f"{name} and what explains it", "debug", debug, start, debug, whole, otherwise=content, page=page),
        _offered(
            f"{name} and a push",
            "push",
            {"type": "http.response.push", "path": "/data", "headers": []},
            start,
            whole,
            otherwise=content,
            page=page,
            on_servers=False,  # the clients here take no pushes
        ),
    ]  # fmt: skip


async def _silent(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends nothing."""


async def _failing(scope: Scope, receive: Receive, send: Send) -> None:
    """Fails before it sends anything."""
    raise OddError


_WATCHING = "a task of its own sends and another one watches the client"


async def _watching(scope: Scope, receive: Receive, send: Send) -> None:
    """As Starlette streams: one task sends, another one waits for the client to go away."""

    async def send_all() -> None:
        await send(_start(HTML))
        for piece in (PAGE[:50], PAGE[50:70], PAGE[70:]):
            await send(body(piece, more=True))
            await asyncio.sleep(0)
        await send(body(b""))

    watching = asyncio.create_task(_until_gone(receive))
    try:
        await asyncio.create_task(send_all())
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        CLOSED[_WATCHING] += 1


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":  # noqa: ASYNC110 - a driver may answer at once
        await asyncio.sleep(0)


def _bare_start(status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status}


ALL = [
    *_kinds("a page", HTML, PAGE, page=True),
    *_kinds("json", JSON, b'{"a": 1}', page=False),
    _sends("a start without headers, and markup", _bare_start(), body(PAGE), page=True),
    _sends("a start without headers, and text", _bare_start(), body(b"x" + PAGE)),
    Odd("no message at all", asgi=_silent, ends=False),
    Odd("an application that fails before its first message", asgi=_failing, ends=False),
    Odd(_WATCHING, asgi=_watching, page=True),
]
