"""The WSGI middleware: environ and iterable to an `Exchange`. It decides nothing.

Written against PEP 3333; its small print is named where it counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from types import TracebackType
from typing import Any

from dntguard.consent import current
from dntguard.delivery import deliver
from dntguard.environ import request_headers, show
from dntguard.exchange import Guard
from dntguard.explained import fuse_of
from dntguard.fuse import Fuse
from dntguard.headers import Headers
from dntguard.policy import Policy, make_policy

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType]
Write = Callable[[bytes], object]
StartResponse = Callable[..., Write]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]
_Held = tuple[str, Headers, ExcInfo | None]


class DNTGuardMiddleware:
    """Honors the visitor's signals around a WSGI application.

    Args:
        app: the application.
        policy: the site's configuration; or give its options by name, as in `DNTGuardMiddleware(app, mode="opt-in")`.

    Raises:
        PolicyError: an option cannot be used.
    """

    def __init__(self, app: WSGIApp, policy: Policy | None = None, **options: Any) -> None:
        self.app = app
        self.guard = Guard(make_policy(policy, options))
        self._fuse = fuse_of(self.guard.policy)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        headers = request_headers(environ)
        exchange = self._fuse(
            self.guard,
            environ.get("REQUEST_METHOD", "GET"),
            environ.get("wsgi.url_scheme", "http"),
            environ.get("SERVER_NAME", ""),
            _decoded(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")),
            headers,
            time.time(),
            environ.get("QUERY_STRING", ""),
        )
        environ["dntguard.consent"] = exchange.consent
        if exchange.request_headers is not headers:
            show(environ, headers, exchange.request_headers)
        hints = environ.get("wsgi.early_hints")
        if hints is not None and not exchange.passes:
            environ["wsgi.early_hints"] = _Hints(exchange, hints)
        response = _Response(exchange, start_response, self.guard.policy)
        token = current.set(exchange.consent)
        try:
            iterable = self.app(environ, response.start_response)
        except BaseException:
            response.fail()
            deliver(self.guard.policy, exchange)
            raise
        finally:
            current.reset(token)
        try:
            handed_over = response.hand_over(iterable, environ.get("wsgi.file_wrapper"))
        except BaseException:
            response.close()  # the server gets nothing that it could close
            raise
        if handed_over:
            deliver(self.guard.policy, exchange)
            return response.iterable
        return response if response.size is None else _Sized(response, response.size)


class _Response:
    """The application's iterable on its way out; what the server iterates over.

    One `next` here is one `next` there, but that the first chunk of a page is asked for before there is anybody to
    iterate.
    """

    def __init__(self, exchange: Fuse, start_response: StartResponse, policy: Policy) -> None:
        self.iterable: Iterable[bytes] = ()
        self.size: int | None = None  # how many chunks the server will get, where the application's iterable tells
        self._iterator: Iterator[bytes] | None = None
        self._exchange = exchange
        self._policy = policy
        self._server_start = start_response
        self._server_write: Write = start_response  # until it returns the real one; not every server has one
        self._started = False
        self._held: _Held | None = None
        self._ready: list[bytes | None] = []
        self._ended = False
        self._closed = False

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None) -> Write:
        """What the application calls. May come late, and again with `exc_info` to replace an unsent response."""
        try:
            started = self._started
            if exc_info is None and (started or self._held is not None):
                raise AssertionError("start_response called a second time without exc_info")
            encoded = _encoded(headers)
            self._held = (status, encoded, exc_info)
            # Once the server has headers it must say at once whether they can still be replaced; if they are out it
            # raises the application's error again.
            if started or not self._exchange.holds(_code(status), encoded):
                self._start(self._held, b"", True)
        finally:
            del exc_info  # PEP 3333: avoid a circular reference
        return self.write

    def write(self, chunk: bytes) -> None:
        """The imperative way to send; what `start_response` returned."""
        body = self._exchange.feed(chunk) if self._held is None else self._start(self._held, chunk, True)
        # An empty string sends the headers.
        if body or self._exchange.body_passes:
            self._server_write(body)

    def _start(self, held: _Held, chunk: bytes, more: bool) -> bytes:
        self._held = None
        status, headers, exc_info = held
        code, decided, body = self._exchange.start(_code(status), headers, chunk, more)
        if code != _code(status):
            status = f"{code} Internal Server Error"  # the only status of our own
        shown = _as_text(decided)
        self._started = True
        self._server_write = (
            self._server_start(status, shown, exc_info) if exc_info else self._server_start(status, shown)
        )
        return body

    def fail(self) -> None:
        """The application has failed: of a page that was held back, nothing is out, and the server can say so."""
        if self._held is not None and not self._reads(self._held):
            self._start(self._held, b"", True)

    def hand_over(self, iterable: Iterable[bytes], file_wrapper: object) -> bool:
        """Take what the application returned. Returns whether the server may have `iterable` as it is now.

        A start that is held goes out here, for not every server waits for the first chunk before it reads status and
        headers. So a page is advanced to its first chunk.
        """
        self.iterable = iterable
        listed = type(iterable) in (list, tuple)
        if listed and self._held is not None:
            # All of it is there, so the server can tell its length.
            whole = b"".join(iterable)
            body = self._start(self._held, whole, False)
            if body != whole:
                self.iterable = [body]
            return True
        # The server may know a better way to send a list or a file than chunk by chunk. Not every server's wrapper is
        # a class; where it is a function, the file is read through here.
        by_server = listed or (isinstance(file_wrapper, type) and isinstance(iterable, file_wrapper))
        size = len(iterable) if isinstance(iterable, Sized) else None
        if size == 1 or self._exchange.passes:
            self.size = size
        if self._held is not None and not self._reads(self._held):
            # A file does not ask for the consent any more, and one chunk is all there is.
            error_page = self._start(self._held, b"", not by_server and size != 1)
            self._ready += [error_page] if error_page else []
        if by_server and self._held is None and self._exchange.body_passes:
            return True
        if self._held is not None:
            self._ready.append(self._advance())
        return False

    def _reads(self, held: _Held) -> bool:
        return self._exchange.reads(_code(held[0]), held[1])

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = self._ready.pop() if self._ready else self._advance()
        if chunk is None:
            raise StopIteration
        return chunk

    def _advance(self) -> bytes | None:
        """One step of the application; None when there is nothing more."""
        if self._ended or (self._exchange.over and self._started):
            return None
        token = current.set(self._exchange.consent)
        try:
            if self._iterator is None:
                self._iterator = iter(self.iterable)
            chunk = next(self._iterator, None)
        except BaseException:
            self.fail()
            raise
        finally:
            current.reset(token)
        if chunk is None:
            self._ended = True
            return (self._exchange.finish() if self._held is None else self._start(self._held, b"", False)) or None
        if self._held is not None:
            # PEP 3333, "Handling the Content-Length Header": of one chunk, it is all there is.
            return self._start(self._held, chunk, self.size != 1)
        if not self._started:
            raise AssertionError("the application yielded before it called start_response")
        return self._exchange.feed(chunk)

    def close(self) -> None:
        """Called by the server at the end of the request, however it came; hands it on once."""
        if self._closed:
            return
        self._closed = True
        token = current.set(self._exchange.consent)
        try:
            close = getattr(self.iterable, "close", None)
            if close is not None:
                close()
        finally:
            current.reset(token)
            deliver(self._policy, self._exchange)


class _Sized:
    """A response whose number of chunks is known, which servers look for to tell its length (PEP 3333)."""

    def __init__(self, response: _Response, size: int) -> None:
        self.close = response.close
        self._response = response
        self._size = size

    def __iter__(self) -> Iterator[bytes]:
        return self._response

    def __len__(self) -> int:
        return self._size


class _Hints:
    """The server's way to send early hints (RFC 8297), less the links that are refused."""

    def __init__(self, exchange: Fuse, send: Callable[[list[tuple[str, str]]], object]) -> None:
        self._exchange = exchange
        self._send = send

    def __call__(self, headers: list[tuple[str, str]]) -> object:
        return self._send(_as_text(self._exchange.accept(_encoded(headers))))


def _code(status: str) -> int:
    return int(status[:3]) if status[:3].isdecimal() else 0


def _encoded(headers: list[tuple[str, str]]) -> Headers:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _as_text(headers: Headers) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _decoded(path: str) -> str:
    """A path of the environ, whose bytes are disguised as latin-1 (PEP 3333, "Unicode Issues")."""
    return path.encode("latin-1", "replace").decode("utf-8", "replace")
