"""aiohttp: a middleware of its own, for aiohttp is neither ASGI nor WSGI; and the consent in handlers and templates.

In the program: `setup(app, third_party="keep")`. In a handler: `get_consent(request).analytics`. In a template of
aiohttp_jinja2, with `context_processors=[in_templates]`: `{% if consent.analytics %}`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple, cast

from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict, CIMultiDictProxy

from dntguard.consent import Consent, current
from dntguard.delivery import deliver
from dntguard.errors import NoConsentError
from dntguard.exchange import Guard
from dntguard.explained import fuse_of
from dntguard.fuse import Fuse
from dntguard.headers import Headers, get
from dntguard.policy import Policy, make_policy

CONSENT = web.RequestKey("CONSENT", Consent)
"""Where a request carries its consent: `request[CONSENT]`."""

GUARD = web.AppKey("GUARD", Guard)
"""Where an application carries the compiled policy, which counts errors: `app[GUARD].errors`."""

_EXCHANGE = web.RequestKey("_EXCHANGE", Fuse)


def setup(app: web.Application, policy: Policy | None = None, **options: Any) -> None:
    """Wrap an application and its subapplications, outside of all middleware that it has by now.

    Args:
        app: the application; before it runs.
        policy: the site's configuration.
        **options: its options by name instead, as in `setup(app, mode="opt-in")`.

    Raises:
        PolicyError: an option cannot be used.
    """
    app[GUARD] = guard = Guard(make_policy(policy, options))

    @web.middleware
    async def dntguard(request: web.Request, handler: Handler) -> web.StreamResponse:
        exchange = _begin(guard, request)
        response = _Response(exchange, request)
        # aiohttp sends what is returned when the middleware is done with it, in the request's own task; with that,
        # the response has ended, however it came. The context is the task's too.
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        task.add_done_callback(lambda _: response.close(guard.policy))
        current.set(exchange.consent)
        try:
            return await handler(request)
        except BaseException:
            await response.fail()
            raise

    app.middlewares.insert(0, dntguard)
    app.on_response_prepare.append(_read_file)


def get_consent(request: web.BaseRequest) -> Consent:
    """The consent of a request.

    Raises:
        NoConsentError: dntguard does not wrap the application.
    """
    consent = request.get(CONSENT)
    if not isinstance(consent, Consent):
        raise NoConsentError(
            "no consent was decided for this request: dntguard does not wrap the application; write setup(app)"
        )
    return consent


async def in_templates(request: web.Request) -> dict[str, object]:
    """What templates get, as a context processor: `aiohttp_jinja2.setup(app, context_processors=[in_templates])`.

    Raises:
        NoConsentError: dntguard does not wrap the application.
    """
    return {"consent": get_consent(request)}


# --- the request ------------------------------------------------------------------------------------------------------


def _begin(guard: Guard, request: web.Request) -> Fuse:
    headers = list(request.raw_headers)
    exchange = fuse_of(guard.policy)(
        guard,
        request.method,
        request.scheme,
        request.host,
        _target(request),
        headers,
        time.time(),
        request.rel_url.raw_query_string,
    )
    request[CONSENT] = exchange.consent
    outer = request.get(_EXCHANGE)  # of an application around this one, which may read what this one lets pass
    if outer is None or outer.passes:
        request[_EXCHANGE] = exchange
    if exchange.request_headers is not headers:
        _show(request, exchange.request_headers)
    return exchange


def _target(request: web.Request) -> str:
    """The path; in absolute form where another host than that of `Host` counts: the target's, or a proxy's that outer
    middleware has understood.
    """
    if request.headers.get("Host") == request.host:
        return request.path
    return f"http://{request.host}{request.path}"


def _show(request: web.Request, headers: Headers) -> None:
    """Let everybody see these request headers, aiohttp too, which asks the request for conditions and ranges when it
    sends a file.

    `request.clone(headers=...)` would be seen by the handler alone, cannot be made of bytes that are no UTF-8 or after
    the body was read, and leaves uploaded files open. What it replaces is replaced here.
    """
    fields = CIMultiDictProxy(
        CIMultiDict(
            (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
            for name, value in headers
        )
    )
    request._headers = fields  # noqa: SLF001
    request._message = request._message._replace(headers=fields, raw_headers=tuple(headers))  # noqa: SLF001
    # What was made of the headers before; but that an outer clone() said otherwise stays.
    kept = {name: value for name, value in request._cache.items() if name in _CLONED}  # noqa: SLF001
    request._cache = kept  # noqa: SLF001


_CLONED = frozenset({"scheme", "host", "remote", "url"})


# --- the response -----------------------------------------------------------------------------------------------------


async def _read_file(request: web.Request, response: web.StreamResponse) -> None:
    """`FileResponse` hands a file to the system, past everybody who would read it, unless it is to be compressed."""
    exchange = request.get(_EXCHANGE)
    if isinstance(response, web.FileResponse) and (exchange is None or not exchange.passes):
        response.enable_compression(web.ContentCoding.identity)


Bytes = bytes | bytearray | memoryview


class _Writer(NamedTuple):
    """What the server's writer does (`aiohttp.abc.AbstractStreamWriter`), as far as it is done otherwise here."""

    write_headers: Callable[[str, CIMultiDict[str]], Awaitable[None]]
    write: Callable[[Bytes], Awaitable[None]]
    write_eof: Callable[[Bytes], Awaitable[None]]
    enable_chunking: Callable[[], None]
    enable_compression: Callable[..., None]


class _Head(NamedTuple):
    """The beginning of a response as its maker wants it.

    Attributes:
        line: the status line.
        fields: its headers.
        chunked: whether the body is to be sent in chunks.
        compression: the arguments for the compressor; None where there is none.
    """

    line: str
    fields: Headers
    chunked: bool
    compression: tuple[Any, ...] | None

    @property
    def status(self) -> int:
        """The status code."""
        return int(self.line.split(" ")[1])

    @property
    def coding(self) -> int | None:
        """The place of `Content-Encoding`."""
        return next((place for place, (name, _) in enumerate(self.fields) if name.lower() == b"content-encoding"), None)


class _Response:
    """The response to one request on its way out.

    It takes the places of the methods of the server's writer, through which passes whatever answers the request:
    responses that a handler returns, raises or sends itself, prepared with the request or with a clone of it, and what
    outer middleware or aiohttp itself makes instead. The server's own are called when it is known what goes out.
    """

    def __init__(self, exchange: Fuse, request: web.Request) -> None:
        self._exchange = exchange
        self._request = request
        self._writer = writer = request.writer
        self._server = _Writer(*(getattr(writer, name) for name in _Writer._fields))
        for name in _Writer._fields:
            setattr(writer, name, getattr(self, name))
        self._chunked = False
        self._compression: tuple[Any, ...] | None = None
        self._held: _Head | None = None
        self._reads = False  # whether what is held may be a page

    def enable_chunking(self) -> None:
        self._chunked = True

    def enable_compression(self, *how: Any) -> None:
        self._compression = how

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        fields = [(name.encode(), value.encode()) for name, value in headers.items()]
        # One that is held already is replaced: nothing of it is out.
        self._held = head = _Head(status_line, fields, self._chunked, self._compression)
        self._chunked, self._compression = False, None
        self._reads = self._exchange.reads(head.status, fields)
        if not (self._reads or self._exchange.holds(head.status, fields)):
            body = await self._start(head, b"", more=True)
            if self._exchange.over:
                await self._end(body)

    async def write(self, chunk: Bytes) -> None:
        await self._body(chunk, self._server.write, more=True)

    async def write_eof(self, chunk: Bytes = b"") -> None:
        await self._body(chunk, self._server.write_eof, more=False)

    async def _body(self, chunk: Bytes, send: Callable[[Bytes], Awaitable[None]], *, more: bool) -> None:
        exchange = self._exchange
        if self._held is not None:
            if self._reads and more and not chunk and exchange.withholds:
                return  # an empty chunk before the end does not tell what it is
            body: Bytes = await self._start(self._held, bytes(chunk), more=more)
        elif exchange.body_passes:
            body = chunk
        else:
            body = exchange.feed(bytes(chunk))
            if not more:
                body += exchange.finish()
        if exchange.over:
            await self._end(body)
        else:
            await send(body)  # an empty one sends the headers

    async def _end(self, body: Bytes) -> None:
        """Nothing more goes out, whatever is still written, or given to the system to send."""
        await self._server.write_eof(body)
        self._request.protocol.force_close()

    async def _start(self, head: _Head, chunk: bytes, *, more: bool) -> bytes:
        """Hand the headers to the server. Returns what is to be sent of the body."""
        self._held = None
        exchange, server = self._exchange, self._server
        # What the server's writer compresses comes here before that.
        place = head.coding if head.compression is not None else None
        given = [pair for number, pair in enumerate(head.fields) if number != place]
        status, fields, body = exchange.start(head.status, given, chunk, more)
        line = head.line
        if exchange.over:
            line = f"{line.split(' ')[0]} {status} Internal Server Error"  # the only status of our own
        else:
            if place is not None:
                fields.insert(place, head.fields[place])
            if head.compression is not None:
                server.enable_compression(*head.compression)
            if head.chunked:
                server.enable_chunking()
        headers = CIMultiDict((name.decode(), value.decode()) for name, value in fields)
        length = headers.get("Content-Length")
        self._writer.length = None if length is None else int(length)
        if length is None and get(given, b"content-length") is not None:
            self._frame(headers)
        await server.write_headers(line, headers)
        return body

    def _frame(self, headers: CIMultiDict[str]) -> None:
        """Say in another way where a body ends whose length is not known any more (RFC 9112 section 6.3)."""
        if self._request.method == "HEAD":
            return  # a status that has no body has no length either, aiohttp sees to that
        if self._request.version >= HttpVersion11:
            headers["Transfer-Encoding"] = "chunked"
            self._server.enable_chunking()
        else:
            headers["Connection"] = "close"
            self._request.protocol.close()

    async def fail(self) -> None:
        """The handler has failed. Headers that wait go out; but not those of a page, so that another response can take
        its place.
        """
        if self._held is not None:
            with suppress(ConnectionError):  # the visitor has gone
                await self.write(b"")

    def close(self, policy: Policy) -> None:
        """The response has ended, however it came."""
        for name in _Writer._fields:
            vars(self._writer).pop(name, None)  # they hold one another; two guards have one writer
        deliver(policy, self._exchange)
