"""When nothing is refused, an answer through the middleware is the bare one: messages, order, headers, bytes, ends.

Every odd response of `tests/servers/odd.py`, message by message, in this process; `tests/servers` asks real servers for
them.
"""

import asyncio
import gzip
from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass, field
from io import StringIO
from itertools import groupby
from typing import Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest
from werkzeug.middleware.lint import LintMiddleware

from dntguard.asgi import ASGIApp, Message
from dntguard.asgi import DNTGuardMiddleware as ASGIGuard
from dntguard.wsgi import DNTGuardMiddleware as WSGIGuard
from dntguard.wsgi import Environ, WSGIApp
from tests.drive import NO_SIGNAL, REFUSE, TRACKER, environ_of, http_scope, nothing_to_receive
from tests.servers.odd import ALL, shape
from tests.servers.odd.shape import CLOSED, FILE, PAUSE, Odd, less_signals

EXTENSIONS = (
    "http.response.trailers http.response.early_hint http.response.pathsend http.response.zerocopysend "
    "http.response.debug http.response.push"
).split()


def decoded(body: bytes) -> bytes:
    """The body without its content coding."""
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


BY_NAME = {"http.response.pathsend", "http.response.zerocopysend"}


def encoded(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def odds(interface: str) -> list[Any]:
    """The odd responses that the interface can say."""
    return [pytest.param(odd, id=odd.says) for odd in ALL if getattr(odd, interface) is not None]


@dataclass
class Record:
    """What a server got of one response.

    Attributes:
        events: the messages of ASGI; of WSGI the starts, the writes and the steps.
        raised: what came out of the application.
        ends: how often the application, or its iterable, was ended.
        length: of what a WSGI application returned, where it tells.
    """

    events: list[Any] = field(default_factory=list)
    raised: str = ""
    ends: int = 0
    length: int | None = None

    def body(self) -> bytes:
        """All the bytes, also those of files that are sent by name."""
        sent = b""
        for event in self.events:
            if isinstance(event, bytes):
                sent += event
            elif event.get("type") in BY_NAME:
                sent += FILE.read_bytes()
            else:
                sent += event.get("body", b"")
        return sent


def said(error: Exception) -> str:
    """What an error says; those of the protocol each server and each checker says in words of its own."""
    return "AssertionError" if isinstance(error, AssertionError) else repr(error)


@pytest.fixture(autouse=True)
def _fast(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "measures" not in request.keywords:
        monkeypatch.setattr(shape, "pace", 0.0)


# --- ASGI -------------------------------------------------------------------------------------------------------------


def record_asgi(app: ASGIApp, odd: Odd, headers: list[tuple[bytes, bytes]], failing_at: int = -1) -> Record:
    """The messages, copied when they come; the client may be gone when message `failing_at` is sent."""
    record, before = Record(), CLOSED[odd.says]

    async def send(message: Message) -> None:
        if len(record.events) == failing_at:
            raise OSError("the client is gone")
        copied = dict(message)
        if "headers" in copied:
            copied["headers"] = less_signals((name, value) for name, value in copied["headers"])
        if "file" in copied:
            copied["file"] = copied["file"].name
        record.events.append(copied)

    async def call() -> None:
        extensions: dict[str, Any] = {name: {} for name in EXTENSIONS}
        scope = http_scope(headers, method=odd.method, extensions=extensions)
        await app(scope, nothing_to_receive, send)

    try:
        asyncio.run(call())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is recorded and compared
        record.raised = said(error)
    record.ends = CLOSED[odd.says] - before
    return record


def order(record: Record) -> list[str]:
    """The types of the messages in their order; a body may come in more or fewer pieces, or by its name."""
    kinds = ["http.response.body" if event["type"] in BY_NAME else event["type"] for event in record.events]
    return [kind for kind, _ in groupby(kinds)]


def with_headers(events: list[Any]) -> list[Any]:
    """The messages; a start without headers is one with none."""
    return [{"headers": [], **event} if event["type"] == "http.response.start" else event for event in events]


@pytest.mark.parametrize("odd", odds("asgi"))
def test_asgi_sends_what_the_application_sends_when_nothing_is_refused(odd: Odd) -> None:
    assert odd.asgi is not None
    bare, guarded = record_asgi(odd.asgi, odd, NO_SIGNAL), record_asgi(ASGIGuard(odd.asgi), odd, NO_SIGNAL)
    assert with_headers(guarded.events) == with_headers(bare.events)
    assert (guarded.raised, guarded.ends) == (bare.raised, bare.ends)


@pytest.mark.parametrize("odd", odds("asgi"))
def test_asgi_hands_a_client_that_is_gone_to_the_application_when_nothing_is_refused(odd: Odd) -> None:
    assert odd.asgi is not None
    for failing_at in range(3):
        bare = record_asgi(odd.asgi, odd, NO_SIGNAL, failing_at)
        guarded = record_asgi(ASGIGuard(odd.asgi), odd, NO_SIGNAL, failing_at)
        assert with_headers(guarded.events) == with_headers(bare.events)
        assert (guarded.raised, guarded.ends) == (bare.raised, bare.ends)


@pytest.mark.parametrize("odd", odds("asgi"))
def test_asgi_sends_who_refuses_the_same_status_and_the_bytes_of_what_is_no_page(odd: Odd) -> None:
    assert odd.asgi is not None
    bare, guarded = record_asgi(odd.asgi, odd, NO_SIGNAL), record_asgi(ASGIGuard(odd.asgi), odd, REFUSE)
    assert (guarded.raised, guarded.ends) == (bare.raised, bare.ends)
    if odd.fails_unsent:
        assert [event for event in guarded.events if event["type"] == "http.response.start"] == []
        return
    statuses = [
        [event["status"] for event in record.events if isinstance(event, dict) and "status" in event]
        for record in (guarded, bare)
    ]
    assert statuses[0] == statuses[1]
    # What is pushed would lack the signals.
    bare.events = [event for event in bare.events if event["type"] != "http.response.push"]
    assert order(guarded) == order(bare)
    if not odd.page:
        assert guarded.body() == bare.body()
    elif odd.method == "GET":
        assert TRACKER not in decoded(guarded.body())


@pytest.mark.measures
@pytest.mark.parametrize("headers", [NO_SIGNAL, REFUSE], ids=["nothing refused", "refused"])
def test_the_start_of_server_sent_events_does_not_wait_for_the_first(headers: list[tuple[bytes, bytes]]) -> None:
    (odd,) = [odd for odd in ALL if odd.says == "server-sent events"]
    assert odd.asgi is not None
    times: list[float] = []

    async def send(message: Message) -> None:
        times.append(asyncio.get_running_loop().time())

    async def call() -> None:
        await ASGIGuard(odd.asgi)(http_scope(headers), nothing_to_receive, send)  # type: ignore[arg-type]

    asyncio.run(call())
    assert times[1] - times[0] >= PAUSE * 0.9
    assert times[2] - times[1] >= PAUSE * 0.9


# --- WSGI -------------------------------------------------------------------------------------------------------------


def record_wsgi(app: WSGIApp, odd: Odd, *pairs: tuple[str, str], leave_after: int = -1) -> Record:
    """What a server gets that follows PEP 3333; the client may be gone after `leave_after` steps."""
    record, before = Record(), CLOSED[odd.says]
    out: list[bytes] = []

    def write(chunk: bytes) -> None:
        assert record.events, "a piece of the body came before the headers"
        out.append(chunk)
        record.events.append(chunk)

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        try:
            if exc_info and any(out):
                raise exc_info[1].with_traceback(exc_info[2])
            name = exc_info[0].__name__ if exc_info else ""
            record.events.append({"status": status, "headers": less_signals(encoded(headers)), "exc_info": name})
        finally:
            exc_info = None
        return write

    def call() -> None:
        iterable = app(environ, start_response)
        record.length = len(iterable) if isinstance(iterable, Sized) else None
        try:
            for steps, piece in enumerate(iterable):
                write(piece)
                if steps == leave_after:
                    break
        finally:
            if hasattr(iterable, "close"):
                iterable.close()

    errors = StringIO()
    more = {"wsgi.file_wrapper": FileWrapper, "wsgi.errors": errors}
    environ = environ_of(*pairs, REQUEST_METHOD=odd.method, **more)
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is recorded and compared
        record.raised = said(error)
    record.ends = CLOSED[odd.says] - before
    assert errors.getvalue() == ""
    return record


def effective(record: Record) -> list[Any]:
    """The events less the starts that another one replaced before the first byte."""
    starts = [index for index, event in enumerate(record.events) if isinstance(event, dict)]
    return [event for index, event in enumerate(record.events) if index not in starts[:-1]]


@pytest.mark.parametrize("odd", odds("wsgi"))
def test_wsgi_hands_over_what_the_application_does_when_nothing_is_refused(odd: Odd) -> None:
    assert odd.wsgi is not None
    for leave_after in (-1, 0, 1):
        bare = record_wsgi(odd.wsgi, odd, leave_after=leave_after)
        guarded = record_wsgi(WSGIGuard(odd.wsgi), odd, leave_after=leave_after)
        assert effective(guarded) == effective(bare)
        assert (guarded.raised, guarded.ends, guarded.length) == (bare.raised, bare.ends, bare.length)


@pytest.mark.parametrize("odd", odds("wsgi"))
def test_wsgi_gives_who_refuses_the_same_status_and_the_bytes_of_what_is_no_page(odd: Odd) -> None:
    assert odd.wsgi is not None
    bare, guarded = record_wsgi(odd.wsgi, odd), record_wsgi(WSGIGuard(odd.wsgi), odd, ("HTTP_DNT", "1"))
    assert (guarded.raised, guarded.ends) == (bare.raised, bare.ends)
    if odd.fails_unsent:
        assert guarded.body() == b""  # so that the server can still answer with an error
        return
    statuses = [
        [event["status"] for event in record.events if isinstance(event, dict) and "status" in event]
        for record in (guarded, bare)
    ]
    assert statuses[0][-1:] == statuses[1][-1:]
    if not odd.page:
        assert guarded.body() == bare.body()
    elif odd.method == "GET":
        assert TRACKER not in decoded(guarded.body())


def validated(app: WSGIApp) -> WSGIApp:
    """Inside the checker of the standard library."""
    checked: Any = validator(app)

    def call(environ: Environ, start_response: Any) -> Any:
        return Checked(checked(environ, start_response))

    return call


class Checked:
    """The iterable of a checker, which keeps back what is wrong when nobody closes it."""

    def __init__(self, iterable: Any) -> None:
        self._iterable = iterable
        self.close = iterable.close

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._iterable)


def linted(app: WSGIApp) -> WSGIApp:
    """Inside werkzeug's checker."""
    return LintMiddleware(app)


@pytest.mark.parametrize("check", [validated, linted])
@pytest.mark.parametrize("odd", odds("wsgi"))
@pytest.mark.filterwarnings("ignore::werkzeug.middleware.lint.WSGIWarning")
@pytest.mark.filterwarnings("ignore::werkzeug.middleware.lint.HTTPWarning")
def test_a_checker_of_the_protocol_sees_no_difference_on_either_side(
    odd: Odd, check: Callable[[WSGIApp], WSGIApp]
) -> None:
    assert odd.wsgi is not None
    bare = record_wsgi(check(odd.wsgi), odd)
    for app in (check(WSGIGuard(odd.wsgi)), WSGIGuard(check(odd.wsgi)), check(WSGIGuard(check(odd.wsgi)))):
        guarded = record_wsgi(app, odd)
        assert effective(guarded) == effective(bare)
        assert (guarded.raised, guarded.ends) == (bare.raised, bare.ends)
