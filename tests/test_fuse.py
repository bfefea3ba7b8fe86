"""An error of our own, at every call of the core: what the visitor, the site and the log get."""

import gzip
import logging
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import pytest

import dntguard
from dntguard.asgi import DNTGuardMiddleware as ASGIGuard
from dntguard.asgi import Receive, Scope, Send
from dntguard.policy import Policy
from dntguard.report import Report
from dntguard.rewriter import Rewriter
from dntguard.wsgi import DNTGuardMiddleware as WSGIGuard
from dntguard.wsgi import Environ, StartResponse
from tests.drive import REFUSE, body, drive_asgi, drive_wsgi, environ_of, http_scope, joined, sends, start

PACKAGE = str(Path(dntguard.__file__).parent)
NOT_CORE = {"asgi.py", "wsgi.py", "environ.py", "fuse.py", "delivery.py", "witness.py"}
ON_ERROR: list[Literal["keep", "remove"]] = ["keep", "remove"]
SORRY = b"Internal Server Error"


class PlantedError(Exception):
    """An error of our own, planted."""


def page(number: int) -> list[bytes]:
    """A page in three chunks; no verdict on this one's trackers is remembered from another."""
    tracker = b'<script src="https://www.google-analytics.com/%d.js"></script>' % number
    snippet = b"<script>fbq('init', %d)</script>" % number
    return [
        b"<!doctype html><p>one</p>" + tracker + b"<style>a{background:url(/%d.png)}</style><p cla" % number,
        b'ss="two">two</p>' + snippet + b"<svg><title>t</title></svg><p>three</p>" + tracker[:20],
        tracker[20:] + b"<p>four</p>",
    ]


OWN_LINK = b"</a.css>; rel=preload; as=style"
REFUSED_LINK = b"<https://www.google-analytics.com/>; rel=preconnect"
MARKS = [b"<p>one</p>", b'<p class="two">two</p>', b"<p>three</p>", b"<p>four</p>"]


@dataclass
class Fall:
    """A way through an adapter."""

    name: str
    run: Callable[[int, str, "Injector"], "Outcome"]


@dataclass
class Outcome:
    """What came of one response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    reports: list[Report]
    errors: int
    calls: int
    closed: int = 1
    coded: bool = False
    problems: list[str] = field(default_factory=list)

    def text(self) -> bytes:
        """The body without its content coding, as far as it goes."""
        if not self.coded or self.status == 500:
            return self.body
        return zlib.decompressobj(31).decompress(self.body)


def headers_of(*more: tuple[str, str]) -> list[tuple[str, str]]:
    """The application's headers."""
    return [("Content-Type", "text/html"), ("ETag", '"e"'), ("Set-Cookie", "_ga=1"), ("Set-Cookie", "session=1"), *more]


def through_asgi(number: int, on_error: str, injector: "Injector", *, coded: bool = False) -> Outcome:
    """A stream through the ASGI middleware."""
    calls: list[int] = []
    reports: list[Report] = []
    chunks, more = shaped(number, coded)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        calls.append(1)
        headers = [(name.lower().encode(), value.encode()) for name, value in headers_of(*more)]
        await send({"type": "http.response.early_hint", "links": [OWN_LINK, REFUSED_LINK]})
        await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": True})
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        await send({"type": "http.response.trailers", "headers": [(b"set-cookie", b"_ga=1")], "more_trailers": False})

    guard = ASGIGuard(app, on_error=on_error, on_report=reports.append)
    with injector:
        hint, *messages = drive_asgi(guard, http_scope([*REFUSE, (b"cookie", b"_ga=1; a=1")]))
    trailers = [message for message in messages if message["type"] == "http.response.trailers"]
    messages = [message for message in messages if message not in trailers]
    headers = [(name.decode(), value.decode()) for name, value in messages[0]["headers"]]
    outcome = Outcome(
        messages[0]["status"], headers, joined(messages[1:]), reports, guard.guard.errors, len(calls), coded=coded
    )
    if [message.get("more_body", False) for message in messages[1:]] != [True] * (len(messages) - 2) + [False]:
        outcome.problems.append("the response does not end")
    if hint["links"] not in ([OWN_LINK], []):
        outcome.problems.append("a refused link is in the hints")
    if any(message["headers"] for message in trailers):
        outcome.problems.append("the trailers set a refused cookie")
    if bool(messages[0].get("trailers")) is not bool(trailers):
        outcome.problems.append("the trailers are not as announced")
    return outcome


def through_wsgi(number: int, on_error: str, injector: "Injector", *, listed: bool = False) -> Outcome:
    """A generator, or a list, through the WSGI middleware."""
    calls: list[int] = []
    closed: list[int] = []
    reports: list[Report] = []

    class Chunks:
        def __init__(self) -> None:
            self._chunks = iter(page(number))

        def __iter__(self) -> Iterator[bytes]:
            return self._chunks

        def close(self) -> None:
            closed.append(1)

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        calls.append(1)
        start_response("200 OK", headers_of())
        return page(number) if listed else Chunks()

    guard = WSGIGuard(app, on_error=on_error, on_report=reports.append)
    with injector:
        served = drive_wsgi(guard, environ_of(("HTTP_DNT", "1"), ("HTTP_COOKIE", "_ga=1; a=1")))
    return Outcome(
        int(served.status[:3]),
        served.headers,
        served.body,
        reports,
        guard.guard.errors,
        len(calls),
        closed=1 if listed else len(closed),
    )


def shaped(number: int, coded: bool) -> tuple[list[bytes], list[tuple[str, str]]]:
    """The page's chunks, or three parts of the compressed page, and what the headers say of it."""
    if not coded:
        return page(number), []
    whole = gzip.compress(b"".join(page(number)), mtime=0)
    return [whole[:60], whole[60:150], whole[150:]], [("Content-Encoding", "gzip")]


FALLS = [
    Fall("asgi", through_asgi),
    Fall("asgi, compressed", lambda *it: through_asgi(*it, coded=True)),
    Fall("wsgi", through_wsgi),
    Fall("wsgi, listed", lambda *it: through_wsgi(*it, listed=True)),
]


class Injector:
    """Raises at one call of the core, counted from 0; counts them all."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0
        self.where = ""

    def __enter__(self) -> None:
        sys.setprofile(self)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(PACKAGE):
            return
        if Path(code.co_filename).name in NOT_CORE or code.co_name in ("__getattribute__", "count_error"):
            return  # adapters; a look into the consent, which is the application's; the count itself
        if frame.f_back is not None and frame.f_back.f_code.co_filename.endswith("delivery.py"):
            return  # it reads a report that is made
        if code.co_name == "<genexpr>" or frame.f_lineno != code.co_firstlineno:
            return  # a generator goes on, or ends
        if self.count == self.at:
            self.where = f"{Path(code.co_filename).stem}.{code.co_qualname}"
            self.count += 1
            raise PlantedError(self.where)
        self.count += 1


def is_subsequence(part: bytes, whole: bytes) -> bool:
    """Whether `part` is `whole` with some bytes left out."""
    rest = iter(whole)
    return all(byte in rest for byte in part)


def complaints(outcome: Outcome, whole: bytes, on_error: str, records: list[logging.LogRecord]) -> list[str]:
    """What is not as `Policy.on_error` says, after a fault."""
    problems = list(outcome.problems)

    def expect(what: str, holds: bool) -> None:
        if not holds:
            problems.append(what)

    text = outcome.text()
    cookies = [value for name, value in outcome.headers if name.lower() == "set-cookie"]
    expect("the application is called once", outcome.calls == 1)
    expect("its iterable is closed once", outcome.closed == 1)
    expect("no refused cookie is set", not any(cookie.startswith("_ga=1") for cookie in cookies))
    expect("it is reported once, with the error", [bool(report.error) for report in outcome.reports] == [True])
    expect("it is counted once", outcome.errors == 1)
    expect("it is logged once, with its traceback", [bool(record.exc_info) for record in records] == [True])
    plain = text.replace(b"<!---->", b"")
    if outcome.status == 500:
        expect("only remove answers 500", on_error == "remove")
        expect("a 500 is nothing but that", outcome.body == SORRY and not cookies)
    else:
        expect("the site's cookie is set", "session=1" in cookies)
        expect("every byte is the page's", is_subsequence(plain, whole))
        found = [text.count(mark) for mark in MARKS]
        if on_error == "keep" and not outcome.coded:
            expect(f"nothing of the site's own is lost or doubled: {found}", found == [1, 1, 1, 1])
        else:
            expect(f"what is out is the beginning: {found}", found == sorted(found, reverse=True) and max(found) <= 1)
        if on_error == "remove":
            expect("no tracker is out", b"google-analytics" not in text and b"fbq" not in text)
    return problems


@pytest.mark.parametrize("on_error", ON_ERROR)
@pytest.mark.parametrize("fall", FALLS, ids=lambda fall: fall.name)
def test_a_fault_at_every_call_of_the_core_ends_as_the_policy_says(
    fall: Fall, on_error: str, caplog: pytest.LogCaptureFixture
) -> None:
    number = 10**6
    wrong: list[str] = []
    places: set[str] = set()
    fall.run(number, on_error, Injector(-1))  # what is remembered from page to page is remembered from here on
    while True:
        injector = Injector(number - 10**6)
        number += 1
        caplog.clear()
        outcome = fall.run(number, on_error, injector)
        if not injector.where:
            break
        places.add(injector.where)
        problems = complaints(outcome, b"".join(page(number)), on_error, caplog.records)
        wrong += [f"call {injector.at}, {injector.where}: {problem}" for problem in problems]
    assert not wrong, "\n".join(wrong[:40])
    assert {
        "exchange.Guard.exchange",
        "exchange.Exchange.start",
        "page.Rewriter.feed",
        "output.Output.remove",
    } <= places


@pytest.mark.parametrize("on_error", ON_ERROR)
def test_a_fault_at_every_call_while_a_websocket_is_accepted_sets_no_refused_cookie(
    on_error: str, caplog: pytest.LogCaptureFixture
) -> None:
    cookies = [(b"set-cookie", b"_ga=1"), (b"set-cookie", b"session=1")]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept", "headers": cookies})
        await send({"type": "websocket.send", "text": "x"})

    at = 0
    while True:
        guard = ASGIGuard(app, on_error=on_error)
        scope = http_scope(REFUSE, type="websocket", scheme="ws")
        caplog.clear()
        injector = Injector(at)
        with injector:
            accepted, sent = drive_asgi(guard, scope)
        if not injector.where:
            break
        assert accepted == {"type": "websocket.accept", "headers": cookies[1:]}, injector.where
        assert sent == {"type": "websocket.send", "text": "x"}
        assert guard.guard.errors == len(caplog.records) == 1
        at += 1
    assert at > 20


def test_when_the_cookie_filter_is_what_fails_all_cookies_go(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise PlantedError

    for place in ("request.without_refused_cookies", "exchange.without_refused_set_cookies"):
        monkeypatch.setattr("dntguard." + place, fail)
        monkeypatch.setattr("dntguard.fuse." + place.partition(".")[2], fail)
    seen: list[Environ] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(dict(environ))
        start_response("200 OK", headers_of())
        return [b"<p>"]

    served = drive_wsgi(WSGIGuard(app), environ_of(("HTTP_DNT", "1"), ("HTTP_COOKIE", "_ga=1; a=1")))
    assert served.headers == [("Content-Type", "text/html"), ("ETag", '"e"'), ("vary", "DNT, Sec-GPC")]
    assert "HTTP_COOKIE" not in seen[0]
    assert served.body == b"<p>"
    assert len(caplog.records) == 1


def test_an_error_page_of_head_has_no_body(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PlantedError

    monkeypatch.setattr("dntguard.exchange.may_be_page", fail)
    app = ASGIGuard(sends(start(), body(b"")), on_error="remove")
    first, second = drive_asgi(app, http_scope(REFUSE, method="HEAD"))
    assert first["status"] == 500
    assert second == {"type": "http.response.body", "body": b""}


def test_an_error_that_the_rewriter_survives_is_told_by_the_rewriter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The public `Rewriter` keeps to the policy too."""

    def fail(*_: object) -> None:
        raise PlantedError

    rewriter = Rewriter(Policy(), None, "https://shop.example/")
    out = rewriter.feed(b"<p>one</p><p cla")
    monkeypatch.setattr("dntguard.scanner.machine.Scanner.feed", fail)
    assert (
        out + rewriter.feed(b"ss=x>two") + rewriter.feed(b"three") + rewriter.close()
        == b"<p>one</p><p class=x>twothree"
    )
    assert isinstance(rewriter.error, PlantedError)
    rewriter = Rewriter(Policy(on_error="remove"), None, "https://shop.example/")
    with pytest.raises(PlantedError):
        rewriter.feed(b"<p>")


@pytest.mark.parametrize("on_error", ON_ERROR)
@pytest.mark.parametrize("coded", [False, True], ids=["plain", "compressed"])
def test_a_fault_at_every_call_changes_nothing_where_the_site_only_wants_to_see(
    on_error: str, coded: bool, caplog: pytest.LogCaptureFixture
) -> None:
    chunks, more = shaped(0, coded)
    app = sends(
        {"type": "http.response.early_hint", "links": [OWN_LINK, REFUSED_LINK]},
        {"type": "http.response.push", "path": "/a.css", "headers": []},
        start(*[(name.lower().encode(), value.encode()) for name, value in headers_of(*more)]),
        body(b"", more=True),
        *[body(chunk, more=True) for chunk in chunks],
        body(b""),
        {"type": "http.response.trailers", "headers": [(b"set-cookie", b"_ga=1")], "more_trailers": False},
    )
    scope = http_scope([*REFUSE, (b"cookie", b"_ga=1; a=1")])
    bare = drive_asgi(app, scope)
    at = 0
    while True:
        guard = ASGIGuard(app, on_error=on_error, report_only=True)
        caplog.clear()
        injector = Injector(at)
        with injector:
            messages = drive_asgi(guard, scope)
        assert messages == bare, injector.where
        if not injector.where:
            break
        assert guard.guard.errors == len(caplog.records) == 1, injector.where
        at += 1
    assert at > 100
