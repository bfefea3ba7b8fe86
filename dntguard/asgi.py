"""The ASGI middleware: scope and messages to an `Exchange`. It decides nothing.

Written against the ASGI specification 3.0 (HTTP and WebSocket message format 2.5); needs no framework.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, overload

from dntguard.consent import current
from dntguard.delivery import deliver
from dntguard.exchange import Guard
from dntguard.explained import fuse_of
from dntguard.fuse import Fuse
from dntguard.headers import Headers
from dntguard.policy import Policy, make_policy

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
AnyASGIApp = Callable[[Any, Any, Any], Awaitable[None]]
"""An application of whatever framework: each has types of its own for scope and messages."""

_PAST_READERS = frozenset({"http.response.pathsend", "http.response.zerocopysend", "http.response.push"})
"""Extensions that send files past everybody who would read them, or pages for requests without any signal."""


class DNTGuardMiddleware:
    """Honors the visitor's signals around an ASGI application.

    Args:
        app: the application.
        policy: the site's configuration; or give its options by name, as in `DNTGuardMiddleware(app, mode="opt-in")`.

    Raises:
        PolicyError: an option cannot be used.
    """

    # Starlette's types want to give the application by place, Litestar gives it by name.
    @overload
    def __init__(self, app: AnyASGIApp, /, policy: Policy | None = None, **options: Any) -> None: ...
    @overload
    def __init__(self, *, app: AnyASGIApp, policy: Policy | None = None, **options: Any) -> None: ...
    def __init__(  # type: ignore[misc]  # no option is called "app"
        self, app: AnyASGIApp, policy: Policy | None = None, **options: Any
    ) -> None:
        self.app = app
        self.guard = Guard(make_policy(policy, options))
        self._fuse = fuse_of(self.guard.policy)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = _pairs(scope["headers"])
        server = tuple(scope.get("server") or ())
        exchange = self._fuse(
            self.guard,
            scope.get("method", "GET"),
            scope.get("scheme", "http"),
            (server and server[0]) or "",
            scope["path"],
            headers,
            time.time(),
            scope.get("query_string", b"").decode("latin-1"),
        )
        consent = exchange.consent
        inner = {**scope, "headers": exchange.request_headers, "server": server or None, "dntguard": consent}
        # The state belongs to the request already (a copy of the lifespan's): outer middleware may look into it.
        state = scope.get("state")
        inner["state"] = {} if state is None else state
        inner["state"]["consent"] = consent
        passes = exchange.passes
        if not passes and exchange.withholds and scope.get("extensions"):
            inner["extensions"] = {name: it for name, it in scope["extensions"].items() if name not in _PAST_READERS}
        response = _Response(exchange, send, passes=passes)
        token = current.set(consent)
        try:
            await self.app(inner, receive, response.send)
            await response.release()
        except BaseException:
            await response.fail()
            raise
        finally:
            current.reset(token)
            deliver(self.guard.policy, exchange)


def _pairs(fields: Iterable[Iterable[bytes]]) -> Headers:
    """A header list: in the specification, list and pairs are iterables, and some can be read only once."""
    if isinstance(fields, list) and fields and isinstance(fields[0], tuple):
        return fields[:]  # as nearly all servers make it
    return list(map(tuple, fields))  # type: ignore[arg-type]  # each is a pair


class _Response:
    """The messages of one response on their way out."""

    __slots__ = ("_announced", "_ended", "_exchange", "_held", "_passes", "_reads", "_send")

    def __init__(self, exchange: Fuse, send: Send, *, passes: bool) -> None:
        self._exchange = exchange
        self._passes = passes
        self._send = send
        self._held: Message | None = None
        self._reads = False  # whether what is held may be a page
        self._ended = False
        self._announced = False  # whether trailers must follow

    async def send(self, message: Message) -> None:
        # The WebSocket denial response has the same messages under a longer name.
        kind = message["type"].removeprefix("websocket.")
        exchange = self._exchange
        if kind == "http.response.start":
            if self._held is not None:
                await self.release()  # a second start is the server's to complain about
            status, headers = message["status"], _pairs(message.get("headers", ()))
            self._reads = not self._passes and exchange.reads(status, headers)
            if self._reads or exchange.holds(status, headers):
                self._held = {**message, "headers": headers}
            else:
                await self._start(message, headers, b"", True)
        elif self._ended and not (self._announced and kind == "http.response.trailers"):
            return  # dntguard has ended the response
        elif kind == "http.response.body" and (self._held is not None or not (self._passes or exchange.body_passes)):
            await self._body(message, bytes(message.get("body", b"")), message.get("more_body", False))
        elif self._passes and self._held is None:
            await self._send(message)
        elif self._passes:
            await self._pass(message)
        elif kind in ("accept", "http.response.trailers"):
            await self._send({**message, "headers": exchange.accept(_pairs(message.get("headers", ())))})
        elif kind == "http.response.early_hint":
            await self._send({**message, "links": exchange.links(message.get("links", ()))})
        elif kind != "http.response.push" or not exchange.withholds:
            # An application must not push where it was not offered: what it pushes would lack the signals.
            await self._pass(message)

    async def _pass(self, message: Message) -> None:
        """Anything else passes on untouched, after what came before it."""
        await self.release()
        await self._send(message)

    async def _body(self, message: Message, chunk: bytes, more: bool) -> None:
        exchange = self._exchange
        if self._held is not None:
            if self._reads and more and not chunk and exchange.withholds:
                return  # an empty chunk before the end does not tell what it is
            held, self._held = self._held, None
            body = await self._start(held, held["headers"], chunk, more)
            if self._ended:
                return
        else:
            body = exchange.feed(chunk)
            if not more:
                body += exchange.finish()
        if exchange.over:
            self._ended = True
            await self._send({**message, "body": body, "more_body": False})
        elif body is chunk and exchange.body_passes:
            await self._send(message)
        elif body or not (more and exchange.withholds):
            await self._send({**message, "body": body})

    async def _start(self, message: Message, headers: Headers, chunk: bytes, more: bool) -> bytes:
        status, headers, body = self._exchange.start(message["status"], headers, chunk, more)
        message = {**message, "status": status, "headers": headers}
        if self._exchange.over:
            message.pop("trailers", None)
        self._announced = message.get("trailers", False)
        await self._send(message)
        if self._exchange.over:
            self._ended = True
            await self._send({"type": message["type"].removesuffix("start") + "body", "body": body})
        return body

    async def fail(self) -> None:
        """The application has failed: of a page that was held back, nothing is out, and the server can say so."""
        if not self._reads:
            await self.release()

    async def release(self) -> None:
        """Send what is held back: the application sent no body, or something unknown comes next."""
        if self._held is not None:
            held, self._held = self._held, None
            await self._start(held, held["headers"], b"", True)
