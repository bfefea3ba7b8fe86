"""The WSGI middleware: environ and iterable to an `Exchange`. It decides nothing.

Written against PEP 3333; its small print is named where it counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any

from dntguard.consent import current
from dntguard.delivery import deliver
from dntguard.exchange import Exchange, Guard, host_of
from dntguard.headers import Headers, get
from dntguard.policy import Policy, make_policy

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType]
Write = Callable[[bytes], object]
StartResponse = Callable[..., Write]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]
_Held = tuple[str, list[tuple[str, str]], ExcInfo | None]

_LISTED = frozenset({"HTTP_DNT", "HTTP_SEC_GPC"})
"""Fields whose repetitions a server has joined with a comma, which their grammars do not know: taken apart again."""


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

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        headers = _request_headers(environ)
        exchange = self.guard.exchange(
            environ.get("REQUEST_METHOD", "GET"),
            environ.get("wsgi.url_scheme", "http"),
            host_of(headers, environ.get("SERVER_NAME", "")),
            _decoded(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")),
            headers,
            time.time(),
        )
        environ["dntguard.consent"] = exchange.consent
        if exchange.request_headers is not headers:
            _show(environ, headers, exchange.request_headers)
        response = _Response(exchange, start_response, self.guard.policy)
        token = current.set(exchange.consent)
        try:
            iterable = self.app(environ, response.start_response)
        except BaseException:
            deliver(self.guard.policy, exchange)
            raise
        finally:
            current.reset(token)
        if response.hand_over(iterable, environ.get("wsgi.file_wrapper")):
            deliver(self.guard.policy, exchange)
            return response.iterable
        return response


class _Response:
    """The application's iterable on its way out; what the server iterates over.

    One `next` here is one `next` there, so a generator is never advanced early.
    """

    def __init__(self, exchange: Exchange, start_response: StartResponse, policy: Policy) -> None:
        self.iterable: Iterable[bytes] = ()
        self._iterator: Iterator[bytes] | None = None
        self._exchange = exchange
        self._policy = policy
        self._server_start = start_response
        self._server_write: Write = start_response  # until it returns the real one; not every server has one
        self._started = False
        self._held: _Held | None = None
        self._ended = False
        self._closed = False

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None) -> Write:
        """What the application calls. May come late, and again with `exc_info` to replace an unsent response."""
        try:
            started = self._started
            if exc_info is None and (started or self._held is not None):
                raise AssertionError("start_response called a second time without exc_info")
            self._held = (status, list(headers), exc_info)
            # Once the server has headers it must say at once whether they can still be replaced; if they are out it
            # raises the application's error again.
            if started or not self._exchange.holds(_code(status), _encoded(headers)):
                self._start(self._held, b"", True)
        finally:
            del exc_info  # PEP 3333: avoid a circular reference
        return self.write

    def write(self, chunk: bytes) -> None:
        """The imperative way to send; what `start_response` returned."""
        body = self._exchange.feed(chunk) if self._held is None else self._start(self._held, chunk, True)
        if body:
            self._server_write(body)

    def _start(self, held: _Held, chunk: bytes, more: bool) -> bytes:
        self._held = None
        status, headers, exc_info = held
        decided, body = self._exchange.start(_code(status), _encoded(headers), chunk, more)
        shown = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in decided]
        self._started = True
        self._server_write = (
            self._server_start(status, shown, exc_info) if exc_info else self._server_start(status, shown)
        )
        return body

    def hand_over(self, iterable: Iterable[bytes], file_wrapper: object) -> bool:
        """Take what the application returned. Returns whether the server may have `iterable` as it is now."""
        self.iterable = iterable
        listed = type(iterable) in (list, tuple)
        if listed and self._held is not None:
            # All of it is there, so the server can tell its length.
            body = self._start(self._held, b"".join(iterable), False)
            if self._exchange.withholds:
                self.iterable = [body]
            return True
        # The server may know a better way to send a list or a file than chunk by chunk. Not every server's wrapper is
        # a class; where it is a function, the file is read through here.
        known = listed or (isinstance(file_wrapper, type) and isinstance(iterable, file_wrapper))
        return known and self._exchange.body_passes

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._ended:
            raise StopIteration
        token = current.set(self._exchange.consent)
        try:
            if self._iterator is None:
                self._iterator = iter(self.iterable)
            chunk = next(self._iterator, None)
        finally:
            current.reset(token)
        if chunk is None:
            return self._last()
        if self._held is not None:
            return self._start(self._held, chunk, True)
        if not self._started:
            raise AssertionError("the application yielded before it called start_response")
        return self._exchange.feed(chunk)

    def _last(self) -> bytes:
        self._ended = True
        rest = self._exchange.finish() if self._held is None else self._start(self._held, b"", False)
        if not rest:
            raise StopIteration
        return rest

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


def _code(status: str) -> int:
    return int(status[:3]) if status[:3].isdecimal() else 0


def _encoded(headers: list[tuple[str, str]]) -> Headers:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _decoded(path: str) -> str:
    """A path of the environ, whose bytes are disguised as latin-1 (PEP 3333, "Unicode Issues")."""
    return path.encode("latin-1", "replace").decode("utf-8", "replace")


def _request_headers(environ: Environ) -> Headers:
    headers: Headers = []
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            name = key[5:].replace("_", "-").lower().encode("latin-1", "replace")
            for part in value.split(",") if key in _LISTED else (value,):
                headers.append((name, part.encode("latin-1", "replace")))
    return headers


def _show(environ: Environ, before: Headers, after: Headers) -> None:
    """Let the application see the request headers `after` instead of `before`; what they share stays untouched."""
    for name, _ in set(before) - set(after):
        key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
        value = get(after, name)
        if value is None:
            environ.pop(key, None)
        else:
            environ[key] = value.decode("latin-1")
