"""A small client for an ASGI or WSGI application in this process; it needs no framework."""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio import Event, Queue
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from io import BytesIO
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import SplitResult, quote, unquote_to_bytes, urljoin, urlsplit

from dntguard.cookies import cookie_name
from dntguard.interface import is_asgi
from dntguard.testing.loop import Loop
from dntguard.testing.responses import BASE_URL, Fields, Response

_DELETED = re.compile(r";\s*max-age\s*=\s*(?:-|0+\s*(?:;|\Z))", re.IGNORECASE).search

_WRITTEN = "%:/?#[]@!$&'()*+,;=~"
"""What of an address stays as it is written (RFC 3986 section 2)."""


class Client:
    """Asks an application as a browser does that sends certain header fields with every request.

    In a `with` statement the application lives through its lifespan (ASGI) once; without one, for each request. What
    the application raises goes through. Redirects are not followed. Cookies are kept by their names alone.

    Args:
        app: an ASGI or WSGI application as it is served: of a framework, or a function.
        headers: the header fields of every request, as in `{"Sec-GPC": "1"}`.
        base_url: where the site is.

    Attributes:
        cookies: what the browser holds, from names to values.

    Raises:
        TypeError: `app` cannot be called.
    """

    def __init__(self, app: Any, headers: Mapping[str, str] | None = None, *, base_url: str = BASE_URL) -> None:
        if not callable(app):
            raise TypeError(f"not an ASGI or WSGI application: {app!r}; give the object that a server serves")
        self.cookies: dict[str, str] = {}
        self._app = app
        self._headers = dict(headers or {})
        self._base_url = base_url
        self._server: _Server | None = None
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        self._server = server = _Asgi(self._app) if is_asgi(self._app) else _Wsgi(self._app)
        self._ends.callback(server.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server = None
        self._ends.close()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Response:
        """The response to a GET; the arguments are those of `request`."""
        return self.request("GET", path, headers)

    def request(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Response:
        """The response to one request, read to its end.

        Args:
            method: its method.
            path: its path with its query, or an absolute URL.
            headers: further header fields, and other values for those of every request.
            body: its content.
        """
        if self._server is None:
            with self:
                return self.request(method, path, headers, body)
        url = urljoin(self._base_url, quote(path, safe=_WRITTEN))
        fields = self._fields(urlsplit(url), {**self._headers, **(headers or {})}, body)
        status, given, content = self._server.ask(method, urlsplit(url), fields, body)
        for name, value in given:
            if name.lower() == "set-cookie":
                self._keep(value)
        return Response(status, tuple(given), content, url, tuple(fields))

    def _fields(self, url: SplitResult, headers: Mapping[str, str], body: bytes) -> list[tuple[str, str]]:
        fields = {"host": url.netloc, "accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
        fields.update({name.lower(): value for name, value in headers.items()})
        if body:
            fields["content-length"] = str(len(body))
        held = [f"{name}={value}" for name, value in self.cookies.items()]
        cookies = "; ".join([*filter(None, [fields.pop("cookie", "")]), *held])
        return [*fields.items(), *([("cookie", cookies)] if cookies else [])]

    def _keep(self, line: str) -> None:
        name = cookie_name(line.encode("latin-1", "replace")).decode("latin-1")
        if _DELETED(line):
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = line.partition(";")[0].partition("=")[2]


_Answer = tuple[int, Fields, bytes]


class _Server(Protocol):
    """What plays the server's part."""

    def ask(self, method: str, url: SplitResult, fields: Fields, body: bytes) -> _Answer: ...

    def close(self) -> None: ...


class _Asgi:
    """Written against the ASGI specification 3.0, with the Lifespan Protocol 2.0."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._loop = Loop()
        try:
            self._lifespan = self._loop.run(_Lifespan.begun(app))
        except BaseException:
            self._loop.close()
            raise

    def ask(self, method: str, url: SplitResult, fields: Fields, body: bytes) -> _Answer:
        return self._loop.run(self._ask(method, url, fields, body))

    def close(self) -> None:
        try:
            self._loop.run(self._lifespan.reach("shutdown"))
        finally:
            self._loop.close()

    async def _ask(self, method: str, url: SplitResult, fields: Fields, body: bytes) -> _Answer:
        asked, over = False, Event()
        start: dict[str, Any] = {}
        pieces: list[bytes] = []

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": body, "more_body": False}
            await over.wait()
            return {"type": "http.disconnect"}

        async def send(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                pieces.append(bytes(message.get("body", b"")))
                if not message.get("more_body", False):
                    over.set()

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": "1.1",
            "method": method,
            "scheme": url.scheme,
            "path": _path(url).decode("utf-8", "replace"),
            "raw_path": url.path.encode(),
            "query_string": url.query.encode(),
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields],
            "server": (url.hostname, _port(url)),
            "client": ("127.0.0.1", 50000),
            "state": self._lifespan.state.copy(),
        }
        await self._app(scope, receive, send)
        if not over.is_set():
            raise RuntimeError("the application ended before its response did")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start.get("headers", ())]
        return start["status"], headers, b"".join(pieces)


class _Lifespan:
    """An application's lifespan; not every application has one."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self._events: Queue[str] = Queue()
        self._answers: Queue[Mapping[str, Any]] = Queue()
        self._over = False
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def begun(cls, app: Any) -> Self:
        """The lifespan of an application that has started up."""
        lifespan = cls()
        lifespan._task = asyncio.create_task(lifespan._live(app))
        await lifespan.reach("startup")
        return lifespan

    async def reach(self, event: str) -> None:
        """Let it start up, or shut down.

        Raises:
            RuntimeError: the application says that this failed.
        """
        if self._over:
            return
        self._events.put_nowait(event)
        answer = await self._answers.get()
        if answer["type"] == f"lifespan.{event}.failed":
            raise RuntimeError(f"the application's {event} failed: {answer.get('message', '')}")

    async def _live(self, app: Any) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": f"lifespan.{await self._events.get()}"}

        async def send(message: Mapping[str, Any]) -> None:
            if not message["type"].startswith("lifespan."):
                raise RuntimeError(f"not a message of a lifespan: {message['type']}")
            self._answers.put_nowait(message)

        with suppress(Exception):  # that is how applications say that they have none
            await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}, receive, send)
        self._over = True
        self._answers.put_nowait({"type": "over"})


class _Wsgi:
    """Written against PEP 3333."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def ask(self, method: str, url: SplitResult, fields: Fields, body: bytes) -> _Answer:
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": _path(url).decode("latin-1"),
            "QUERY_STRING": url.query,
            "SERVER_NAME": url.hostname or "",
            "SERVER_PORT": str(_port(url)),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": url.scheme,
            "wsgi.input": BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in fields:
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{key}"] = value
        started: list[tuple[str, Fields]] = []
        pieces: list[bytes] = []

        def start_response(status: str, headers: Fields, exc_info: Any = None) -> Callable[[bytes], object]:
            del exc_info  # nothing has gone out: a response may always be replaced
            started.append((status, headers))
            return pieces.append

        iterable: Iterable[bytes] = self._app(environ, start_response)
        try:
            pieces += iterable
        finally:
            close = getattr(iterable, "close", None)
            if close is not None:
                close()
        if not started:
            raise RuntimeError("the application ended without a call of start_response")
        status, headers = started[-1]
        return int(status[:3]), headers, b"".join(pieces)

    def close(self) -> None:
        pass


def _path(url: SplitResult) -> bytes:
    return unquote_to_bytes(url.path or "/")


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "https" else 80)
