"""The ASGI middleware: scope and messages to an `Exchange`. It decides nothing.

Written against the ASGI specification 3.0 (HTTP and WebSocket message format 2.5); needs no framework.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, overload

from dntguard.consent import current
from dntguard.delivery import deliver
from dntguard.exchange import Exchange, Guard, host_of
from dntguard.policy import Policy, make_policy

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_BY_NAME = frozenset({"http.response.pathsend", "http.response.zerocopysend"})
"""Extensions that send files past everybody who would read them."""


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
    def __init__(self, app: ASGIApp, /, policy: Policy | None = None, **options: Any) -> None: ...
    @overload
    def __init__(self, *, app: ASGIApp, policy: Policy | None = None, **options: Any) -> None: ...
    def __init__(  # type: ignore[misc]  # no option is called "app"
        self, app: ASGIApp, policy: Policy | None = None, **options: Any
    ) -> None:
        self.app = app
        self.guard = Guard(make_policy(policy, options))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = list(scope["headers"])
        exchange = self.guard.exchange(
            scope.get("method", "GET"),
            scope.get("scheme", "http"),
            host_of(headers, (scope.get("server") or ("",))[0] or ""),
            scope["path"],
            headers,
            time.time(),
        )
        consent = exchange.consent
        inner = {**scope, "headers": exchange.request_headers, "dntguard": consent}
        # The state belongs to the request already (a copy of the lifespan's): outer middleware may look into it.
        state = scope.get("state")
        inner["state"] = {} if state is None else state
        inner["state"]["consent"] = consent
        if exchange.withholds and scope.get("extensions"):
            inner["extensions"] = {name: it for name, it in scope["extensions"].items() if name not in _BY_NAME}
        response = _Response(exchange, send)
        token = current.set(consent)
        try:
            await self.app(inner, receive, response.send)
            await response.release()
        finally:
            current.reset(token)
            deliver(self.guard.policy, exchange)


class _Response:
    """The messages of one response on their way out."""

    __slots__ = ("_exchange", "_held", "_send")

    def __init__(self, exchange: Exchange, send: Send) -> None:
        self._exchange = exchange
        self._send = send
        self._held: Message | None = None

    async def send(self, message: Message) -> None:
        # The WebSocket denial response has the same messages under a longer name.
        kind = message["type"].removeprefix("websocket.")
        exchange = self._exchange
        if kind == "http.response.start":
            message = {**message, "headers": list(message.get("headers", ()))}
            if exchange.holds(message["status"], message["headers"]):
                self._held = message
            else:
                await self._start(message, b"", True)
        elif kind == "http.response.body" and not exchange.body_passes:
            await self._body(message, bytes(message.get("body", b"")), message.get("more_body", False))
        elif kind == "accept" and not exchange.passes:
            await self._send({**message, "headers": exchange.accept(message.get("headers", ()))})
        else:
            # Anything else passes on untouched, after what came before it.
            await self.release()
            await self._send(message)

    async def _body(self, message: Message, chunk: bytes, more: bool) -> None:
        droppable = more and self._exchange.withholds  # an empty chunk before the end says nothing
        if self._held is not None:
            if droppable and not chunk:
                return
            held, self._held = self._held, None
            chunk = await self._start(held, chunk, more)
        else:
            chunk = self._exchange.feed(chunk)
            if not more:
                chunk += self._exchange.finish()
        if chunk or not droppable:
            await self._send({**message, "body": chunk})

    async def _start(self, message: Message, chunk: bytes, more: bool) -> bytes:
        headers, body = self._exchange.start(message["status"], message["headers"], chunk, more)
        await self._send({**message, "headers": headers})
        return body

    async def release(self) -> None:
        """Send what is held back: the application sent no body, or something unknown comes next."""
        if self._held is not None:
            held, self._held = self._held, None
            await self._start(held, b"", True)
