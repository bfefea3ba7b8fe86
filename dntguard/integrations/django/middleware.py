"""The Django middleware: request and response to an `Exchange`. It decides nothing.

Written against Django's middleware protocol, for synchronous and asynchronous sites, and for responses that are whole
or stream, by iterators of both kinds.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from http.cookies import CookieError, Morsel
from inspect import iscoroutinefunction
from typing import Any, cast

from asgiref.sync import async_to_sync, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from dntguard.consent import current
from dntguard.delivery import deliver
from dntguard.environ import request_headers, show
from dntguard.exchange import Guard
from dntguard.explained import fuse_of
from dntguard.headers import Headers, set_value
from dntguard.integrations.django.conf import policy_of_settings
from dntguard.integrations.django.requests import give_consent, says_that_it_varies

GetResponse = Callable[[HttpRequest], Any]


class DNTGuardMiddleware:
    """Honors the visitor's signals around the middleware and views that follow; it should be the first.

    Args:
        get_response: what follows.

    Attributes:
        guard: the policy of `settings.DNTGUARD`, compiled.

    Raises:
        PolicyError: an option in `settings.DNTGUARD` is unknown or cannot be used.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        policy = policy_of_settings()
        self.guard = Guard(policy)
        self._left_alone = Guard(replace(policy, include=(), exclude=("*",)))
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
            # One that is not asynchronous would be run in a thread, for every request.
            self.process_view: Callable[..., Any] = self._process_view_async
        else:
            self.process_view = self._process_view

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Handle one request."""
        if self._is_async:
            return self._call_async(request)
        visit = _Visit(self.guard, request)
        token = current.set(visit.exchange.consent)
        try:
            response: HttpResponseBase = self.get_response(request)
            if visit.reads(response):
                streaming = cast("StreamingHttpResponse", response)
                if streaming.is_async:
                    # Django itself makes one list of it where the server is synchronous.
                    streaming.streaming_content = async_to_sync(_all)(streaming)
                pieces = cast("Iterator[bytes]", streaming.streaming_content)
                visit.stream(streaming, pieces, next(pieces, None))
            else:
                visit.respond(response)
        except BaseException:
            visit.deliver()
            raise
        finally:
            current.reset(token)
        return response

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        visit = _Visit(self.guard, request)
        token = current.set(visit.exchange.consent)
        try:
            response: HttpResponseBase = await self.get_response(request)
            if visit.reads(response):
                streaming = cast("StreamingHttpResponse", response)
                pieces = streaming.streaming_content
                if streaming.is_async:
                    first = await anext(cast("AsyncIterator[bytes]", pieces), None)
                else:
                    first = await sync_to_async(next)(pieces, None)  # type: ignore[call-arg,arg-type]  # `next` has two forms
                visit.stream(streaming, pieces, first)
            else:
                visit.respond(response)
        except BaseException:
            visit.deliver()
            raise
        finally:
            current.reset(token)
        return response

    def _process_view(self, request: HttpRequest, view: Callable[..., Any], *_: Any) -> None:
        """Leave a view alone that is exempt."""
        if getattr(view, "dntguard_exempt", False):
            request.__dict__["_dntguard_visit"].leave_alone(self._left_alone)

    async def _process_view_async(self, request: HttpRequest, view: Callable[..., Any], *_: Any) -> None:
        self._process_view(request, view)


class _Visit:
    """One request and its response."""

    __slots__ = ("_delivered", "_fields", "_headers", "_policy", "_sent", "exchange", "request")

    def __init__(self, guard: Guard, request: HttpRequest) -> None:
        self.request = request
        self._delivered = False
        self._fields: Headers = []
        self._sent: dict[str, str] = {}
        self._headers = request_headers(request.META)
        host = _host(request)
        if host is not None:
            self._headers = set_value(self._headers, b"host", host.encode("latin-1", "replace"))
        self._begin(guard)
        give_consent(request, self.exchange.consent)
        if self.exchange.request_headers is not self._headers:
            self._sent = {key: value for key, value in request.META.items() if key.startswith("HTTP_")}
            show(request.META, self._headers, self.exchange.request_headers)
            self._forget()
        request.__dict__["_dntguard_visit"] = self

    def _begin(self, guard: Guard) -> None:
        request = self.request
        self._policy = guard.policy
        self.exchange = fuse_of(guard.policy)(
            guard,
            request.method or "GET",
            request.scheme or "http",
            request.META.get("SERVER_NAME", ""),
            request.path,
            self._headers,
            time.time(),
            request.META.get("QUERY_STRING", ""),
        )

    def leave_alone(self, guard: Guard) -> None:
        """Let the view see the request as it came, and its response go as it is."""
        self.request.META.update(self._sent)
        self._forget()
        self._begin(guard)

    def _forget(self) -> None:
        """Let Django read again what it may have read of the headers."""
        for name in ("headers", "COOKIES"):
            if hasattr(type(self.request), name):
                self.request.__dict__.pop(name, None)

    def reads(self, response: HttpResponseBase) -> bool:
        """Whether the response streams and may be a page, so that its first piece is needed."""
        self._fields = _fields(response)
        return response.streaming and self.exchange.reads(response.status_code, self._fields)

    def respond(self, response: HttpResponseBase) -> None:
        """Let a response go out that is whole, or whose pieces need not be looked at to begin it."""
        if not response.streaming:
            whole = cast("HttpResponse", response)
            content = whole.content
            body = self._start(response, content, more=False)
            if body is not content:
                whole.content = body
            self.deliver()
            return
        streaming = cast("StreamingHttpResponse", response)
        if getattr(streaming, "file_to_stream", None) is None:
            self.stream(streaming, streaming.streaming_content, b"")
            return
        # The server may know a better way to send a file than piece by piece; a file asks for no consent.
        body = self._start(response, b"", more=False)
        if body:
            streaming.streaming_content = [body]
        self.deliver()

    def stream(self, response: StreamingHttpResponse, pieces: Any, first: bytes | None) -> None:
        """Let a response go out piece by piece.

        Args:
            response: the response.
            pieces: its pieces.
            first: the first of them; None when there was none, empty when nobody has looked yet.
        """
        body = self._start(response, first or b"", more=first is not None)
        kind = _AsyncPieces if response.is_async else _Pieces
        response.streaming_content = cast("Iterator[bytes]", kind(self, body, pieces))

    def _start(self, response: HttpResponseBase, chunk: bytes, *, more: bool) -> bytes:
        status, headers, body = self.exchange.start(response.status_code, self._fields, chunk, more)
        if status != response.status_code:
            response.status_code = status
        if headers != self._fields:
            _put(response, self._fields, headers)
        # What stands outside of dntguard may keep it: `Vary` is on it now.
        says_that_it_varies(self.request)
        return body

    def deliver(self) -> None:
        """Hand the report on, once."""
        if not self._delivered:
            self._delivered = True
            deliver(self._policy, self.exchange)


class _Outgoing:
    """A page on its way out; what Django iterates over, and closes."""

    def __init__(self, visit: _Visit, body: bytes, pieces: Any) -> None:
        self._visit = visit
        self._ready = body
        self._pieces = pieces
        self._ended = visit.exchange.over

    def _take(self, piece: bytes | None) -> None:
        """One piece of the response's; None for the end."""
        exchange = self._visit.exchange
        self._ready = exchange.finish() if piece is None else exchange.feed(piece)
        self._ended = piece is None or exchange.over

    def _given(self) -> bytes:
        ready, self._ready = self._ready, b""
        return ready

    def close(self) -> None:
        """Called by Django at the end of the request, however it came."""
        self._visit.deliver()


class _Pieces(_Outgoing):
    """One for a synchronous iterator."""

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while not self._ready:
            if self._ended:
                raise StopIteration
            token = current.set(self._visit.exchange.consent)
            try:
                self._take(next(self._pieces, None))
            finally:
                current.reset(token)
        return self._given()


class _AsyncPieces(_Outgoing):
    """One for an asynchronous iterator."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while not self._ready:
            if self._ended:
                raise StopAsyncIteration
            token = current.set(self._visit.exchange.consent)
            try:
                self._take(await anext(self._pieces, None))
            finally:
                current.reset(token)
        return self._given()


async def _all(response: StreamingHttpResponse) -> list[bytes]:
    return [piece async for piece in cast("AsyncIterator[bytes]", response.streaming_content)]


def _host(request: HttpRequest) -> str | None:
    """The host as Django knows it behind its proxy; None where that is what `Host` says."""
    if not settings.USE_X_FORWARDED_HOST:
        return None
    try:
        return request.get_host()
    except DisallowedHost:
        return ""


def _fields(response: HttpResponseBase) -> Headers:
    """The header list of a response, its cookies last, as Django's handlers write it."""
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    return fields + [(b"Set-Cookie", _line(morsel).encode("latin-1")) for morsel in response.cookies.values()]


def _line(morsel: Morsel[str]) -> str:
    """A cookie as it is compared; what no header can carry is for the server to complain about."""
    return morsel.OutputString().encode("latin-1", "replace").decode("latin-1")


def _put(response: HttpResponseBase, before: Headers, after: Headers) -> None:
    """Give a response the headers `after` instead of `before`. Of each name but `Set-Cookie` a response has one field,
    so several become a list, which is the same (RFC 9110 section 5.2).
    """
    changed = {name.lower() for name, _ in set(before) ^ set(after)}
    if b"set-cookie" in changed:
        changed.remove(b"set-cookie")
        lines = [value.decode("latin-1") for name, value in after if name.lower() == b"set-cookie"]
        _put_cookies(response, {value.decode("latin-1") for _, value in before}, lines)
    for name in changed:
        fields = [(field.decode("latin-1"), value.decode("latin-1")) for field, value in after if field.lower() == name]
        if fields:
            response.headers[fields[0][0]] = ", ".join(value for _, value in fields)
        else:
            del response.headers[name.decode("latin-1")]


def _put_cookies(response: HttpResponseBase, before: set[str], after: list[str]) -> None:
    line_of_a_header = response.headers.get("Set-Cookie")  # it may stand there instead of in `cookies`
    if line_of_a_header is not None and line_of_a_header not in after:
        del response.headers["Set-Cookie"]
    for name, morsel in list(response.cookies.items()):
        if _line(morsel) not in after:
            del response.cookies[name]
    for number, line in enumerate(line for line in after if line not in before):
        expiring = _morsel(line)
        if expiring is not None:
            # `response.cookies` has one of each name; what must be expired may be there for several domains.
            response.cookies[f"dntguard {number}"] = expiring


def _morsel(line: str) -> Morsel[str] | None:
    """A line that expires a cookie, as Django writes cookies; None for a name that it cannot write."""
    pair, *attributes = line.split("; ")
    morsel: Morsel[str] = Morsel()
    try:
        morsel.set(pair.removesuffix("="), "", "")
    except CookieError:
        return None
    for attribute in attributes:
        name, _, value = attribute.partition("=")
        morsel[name] = value or True
    return morsel
