"""`Policy.explain`: what a response says of what was done to it, and what it costs where nobody asked."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest

from dntguard import explained
from dntguard.asgi import DNTGuardMiddleware as ASGIGuard
from dntguard.asgi import Message
from dntguard.choice import Choice
from dntguard.consent import decide
from dntguard.exchange import Guard
from dntguard.explained import ExplainedFuse, account, fuse_of, timing
from dntguard.fuse import Fuse
from dntguard.policy import Policy
from dntguard.purposes import ALL_PURPOSES, OPTIONAL_PURPOSES
from dntguard.report import Report
from dntguard.rewriter import Rewriter, rewrite
from dntguard.signals import Signals
from dntguard.wsgi import DNTGuardMiddleware as WSGIGuard
from dntguard.wsgi import Environ, StartResponse
from tests.drive import NO_SIGNAL, REFUSE, TRACKER, body, drive_asgi, drive_wsgi, environ_of, http_scope, joined, sends
from tests.drive import start as starting

PAGE = "https://shop.example/"
HTML = (b"content-type", b"text/html")
COOKIE = [*REFUSE, (b"cookie", b"_ga=1; a=1")]
SIGNAL = b"source=signal, refused=(analytics marketing)"
TIMING = re.compile(rb'dntguard;dur=\d+\.\d{3};desc="[a-z :]+"').fullmatch


def fields(message: Message, name: bytes) -> list[bytes]:
    return [value for key, value in message["headers"] if key.lower() == name]


def answer(*messages: Message, headers: Any = REFUSE, method: str = "GET", **options: Any) -> list[Message]:
    app = ASGIGuard(sends(*messages), **{"explain": True, **options})
    return drive_asgi(app, http_scope(headers, method=method))


# --- comments ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("element", "name"),
    [
        (TRACKER, b"google-analytics"),
        (b"<script>fbq('init', 1)</script>", b"meta-pixel"),
        (b"<script src=//nobody.example/></script>", b"third_party: remove"),
        (b"<script src=//a.bad--host.example/></script>", b"block: bad- -host.example"),
        (b"<p data-dntguard=marketing><b>x</b></p>", b"data-dntguard marketing"),
        (b"<img src='//static.hotjar.com/a.gif' alt='-->'>", b"hotjar"),
    ],
)
def test_a_removed_element_leaves_a_comment_that_says_whose_it_was(element: bytes, name: bytes) -> None:
    """Of an element that no vendor claims it says the rule, and nothing that could end a comment."""
    policy = Policy(explain=True, block=("bad--host.example",))
    out = b"<p>one</p><!-- dntguard: %s -->two" % name
    assert rewrite(b"<p>one</p>" + element + b"two", page_url=PAGE, policy=policy) == out
    assert rewrite(out, page_url=PAGE, policy=policy) == out


def test_it_does_in_noscript_and_in_documents_in_attributes_too() -> None:
    page = b"<noscript>" + TRACKER + b"</noscript><iframe srcdoc='" + TRACKER.replace(b"'", b'"') + b"'></iframe>"
    out = rewrite(page, page_url=PAGE, policy=Policy(explain=True))
    assert b"<noscript><!-- dntguard: google-analytics --></noscript>" in out
    assert out.count(b"dntguard: google-analytics --") == 2


def test_in_a_conditional_comment_another_comment_would_end_it() -> None:
    page = b"<!--[if IE]><p>x</p>" + TRACKER + b"<![endif]-->"
    assert rewrite(page, page_url=PAGE, policy=Policy(explain=True)) == b"<!--[if IE]><p>x</p><!><![endif]-->"


def test_what_cannot_be_judged_is_told_by_the_rule() -> None:
    policy = Policy(explain=True, max_undecided=1024)
    rewriter = Rewriter(policy, None, PAGE)
    out = b"".join([*map(rewriter.feed, [b"a<img alt='", b"x" * 2000, b"'>b"]), rewriter.close()])
    assert out == b"a<!-- dntguard: on_undecidable: remove -->b"


def test_in_xhtml_it_is_the_same() -> None:
    kind = b"application/xhtml+xml"
    rewriter = Rewriter(Policy(explain=True), None, PAGE, content_type=kind)
    page = b"<!DOCTYPE p [<!ENTITY a '<b/>'>]><p>" + TRACKER + b"</p>"
    out = rewriter.feed(page) + rewriter.close()
    assert out == b"<!DOCTYPE p ><p><!-- dntguard: google-analytics --></p>"


# --- header fields ----------------------------------------------------------------------------------------------------


def test_a_page_says_what_was_decided_and_taken_out_by_asgi() -> None:
    """An application's own timing stays, in a field of its own."""
    own = (b"server-timing", b"db;dur=53")
    message, *rest = answer(starting(HTML, own, (b"set-cookie", b"_ga=1")), body(TRACKER * 2), headers=COOKIE)
    assert fields(message, b"x-dntguard") == [SIGNAL + b", removals=3"]
    assert fields(message, b"vary") == [b"DNT, Sec-GPC"]
    first, second = fields(message, b"server-timing")
    assert first == b"db;dur=53"
    assert TIMING(second)
    assert second.endswith(b'desc="signal refuses analytics and marketing"')
    assert joined(rest) == b"<!-- dntguard: google-analytics -->" * 2


def test_a_page_says_the_same_by_wsgi() -> None:
    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html"), ("Server-Timing", "db;dur=53")])
        return [TRACKER]

    served = drive_wsgi(WSGIGuard(app, explain=True), environ_of(("HTTP_DNT", "1")))
    headers = [(name.lower(), value) for name, value in served.headers]
    assert ("x-dntguard", SIGNAL.decode() + ", removals=1") in headers
    assert ("vary", "DNT, Sec-GPC") in headers
    timings = [value for name, value in headers if name == "server-timing"]
    assert timings[0] == "db;dur=53"
    assert TIMING(timings[1].encode())
    assert served.body == b"<!-- dntguard: google-analytics -->"


def test_for_who_refuses_nothing_only_headers_are_added() -> None:
    page = b"<p>" + TRACKER
    message, *rest = answer(starting(HTML), body(page), headers=NO_SIGNAL)
    assert fields(message, b"x-dntguard") == [b"source=policy, refused=(), removals=0"]
    assert fields(message, b"vary") == [b"DNT, Sec-GPC"]
    assert fields(message, b"server-timing")[0].endswith(b'desc="policy refuses nothing"')
    assert joined(rest) == page


@pytest.mark.parametrize("headers", [REFUSE, NO_SIGNAL])
def test_what_is_the_same_for_everybody_varies_now(headers: Any) -> None:
    """Its fields tell visitors apart. Its validators do not: the body is everybody's."""
    image = starting((b"content-type", b"image/png"), (b"etag", b'"a"'), (b"content-length", b"1"))
    for explain in (True, False):
        message, _ = answer(image, body(b"x"), headers=headers, explain=explain)
        assert fields(message, b"vary") == ([b"DNT, Sec-GPC"] if explain else [])
        assert fields(message, b"etag") == [b'"a"']
        assert len(fields(message, b"x-dntguard")) == len(fields(message, b"server-timing")) == explain


def test_an_account_is_never_there_twice() -> None:
    """Where one guard stands in another, the outer one has the last word."""
    message, _ = answer(starting(HTML, (b"X-DNTGuard", b"source=policy")), body(b""))
    assert fields(message, b"x-dntguard") == [SIGNAL + b", removals=0"]


def test_of_a_stream_the_removals_are_not_known_yet() -> None:
    message, *_ = answer(starting(HTML), body(TRACKER, more=True), body(TRACKER))
    assert fields(message, b"x-dntguard") == [SIGNAL]
    data = starting((b"content-type", b"text/plain"), (b"set-cookie", b"_ga=1"))
    message, *_ = answer(data, body(b"a", more=True), body(b"b"))
    assert fields(message, b"x-dntguard") == [SIGNAL + b", removals=1"]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304)])
def test_of_a_page_that_is_not_sent_nothing_is_counted(method: str, status: int) -> None:
    """A cache takes these fields for those of the page that it holds (RFC 9111 sections 4.3.4 and 4.3.5)."""
    for headers in ([HTML], [(b"etag", b'"x"')]):
        if method == "HEAD" and HTML not in headers:
            continue
        message, _ = answer(starting(*headers, status=status), body(b""), method=method)
        assert fields(message, b"x-dntguard") == [SIGNAL]
        assert fields(message, b"vary") == [b"DNT, Sec-GPC"]


def test_a_page_in_a_content_coding_is_counted_too() -> None:
    whole = gzip.compress(TRACKER)
    message, _ = answer(starting(HTML, (b"content-encoding", b"gzip")), body(whole))
    assert fields(message, b"x-dntguard") == [SIGNAL + b", removals=1"]


def test_a_path_that_is_left_alone_says_nothing() -> None:
    page = starting(HTML)
    assert answer(page, body(TRACKER), exclude=["/"])[0]["headers"] == page["headers"]


def test_report_only_changes_nothing_but_these_fields() -> None:
    page = starting(HTML, (b"etag", b'"x"'), (b"set-cookie", b"_ga=1"))
    message, chunk = answer(page, body(TRACKER), report_only=True)
    added = [pair for pair in message["headers"] if pair not in page["headers"]]
    assert message["headers"] == [*page["headers"], *added]
    assert [name for name, _ in added] == [b"vary", b"x-dntguard", b"server-timing"]
    assert fields(message, b"x-dntguard") == [SIGNAL + b", removals=2, report-only"]
    assert b'desc="report only: signal refuses' in fields(message, b"server-timing")[0]
    assert chunk["body"] == TRACKER


def test_one_response_for_everybody_says_one_thing_to_everybody() -> None:
    answers = [
        answer(starting(HTML), body(TRACKER), headers=headers, cache="invariant") for headers in (COOKIE, NO_SIGNAL)
    ]
    for message, _ in answers:
        assert fields(message, b"x-dntguard") == [b"source=policy, refused=(analytics marketing), removals=1"]
        assert fields(message, b"vary") == []


def test_a_response_that_a_choice_decided_is_for_nobody_else() -> None:
    fuse = ExplainedFuse(Guard(Policy(explain=True)), "GET", "https", "shop.example", "/", [], 0, "")
    assert fuse._exchange is not None
    fuse._exchange._consent = decide(Signals(), Choice(OPTIONAL_PURPOSES, 0), Policy())
    _, headers, _ = fuse.start(200, [(b"content-type", b"image/png")], b"", False)
    assert (b"vary", b"DNT, Sec-GPC, Cookie") in headers
    assert (b"cache-control", b"private") in headers


def test_a_signature_over_what_is_added_goes() -> None:
    signed = [(b"signature-input", b'a=("vary"), b=("date")'), (b"signature", b"a=:AA==:, b=:AA==:")]
    message, _ = answer(starting((b"content-type", b"image/png"), *signed), body(b"x"), headers=NO_SIGNAL)
    assert fields(message, b"signature") == [b"b=:AA==:"]


def test_early_hints_and_trailers_have_no_account() -> None:
    hint = {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload; as=style"]}
    trailers = {"type": "http.response.trailers", "headers": [(b"x", b"y")], "more_trailers": False}
    page = {**starting(HTML), "trailers": True}
    first, _, *_, last = answer(hint, page, body(b"x"), trailers)
    assert (first, last) == (hint, trailers)


# --- errors -----------------------------------------------------------------------------------------------------------


class PlantedError(Exception):
    """An error of our own, planted."""


def fail(*_: object, **__: object) -> None:
    raise PlantedError


@pytest.mark.parametrize(
    ("on_error", "status", "out"), [("keep", 200, b"<p>" + TRACKER), ("remove", 500, b"Internal Server Error")]
)
@pytest.mark.parametrize("place", ["Guard.exchange", "Exchange.start"])
def test_an_error_is_a_part_of_the_account(
    place: str, on_error: str, status: int, out: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"dntguard.exchange.{place}", fail)
    message, *rest = answer(starting(HTML), body(b"<p>" + TRACKER), on_error=on_error)
    before = b"source=policy, refused=(functional analytics marketing)" if place == "Guard.exchange" else SIGNAL
    counted = b"" if place == "Guard.exchange" else b", removals=0"
    assert fields(message, b"x-dntguard") == [before + counted + b", error"]
    assert (message["status"], joined(rest)) == (status, out)
    assert fields(message, b"vary") == [b"DNT, Sec-GPC"]


@pytest.mark.parametrize("place", ["account", "timing", "varying", "set_value", "without_stale_signatures"])
def test_an_error_in_the_account_leaves_a_response_without_one(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explained, place, fail)
    reports: list[Report] = []
    message, *rest = answer(starting(HTML), body(TRACKER), on_report=reports.append)
    assert message["headers"] == [HTML, (b"vary", b"DNT, Sec-GPC")]
    assert joined(rest) == b"<!-- dntguard: google-analytics -->"
    assert [report.error for report in reports] == ["PlantedError()"]


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_without_it_nothing_is_measured_or_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fuse_of(Policy()) is Fuse
    assert fuse_of(Policy(explain=True)) is ExplainedFuse
    monkeypatch.setattr(explained, "perf_counter", fail)
    message, _ = answer(starting(HTML), body(TRACKER), explain=False)
    assert message["headers"] == [HTML, (b"vary", b"DNT, Sec-GPC")]


def test_the_time_is_what_dntguard_took_and_not_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 10.001, 70.0, 70.0005])
    monkeypatch.setattr(explained, "perf_counter", lambda: next(clock))
    message, _ = answer(starting(HTML), body(b""))
    assert fields(message, b"server-timing")[0].startswith(b"dntguard;dur=1.500;")


def test_the_values_are_made_of_what_the_grammars_allow() -> None:
    """Tokens, integers and inner lists (RFC 9651); a metric with a quoted string."""
    report = Report("GET", "h", "/", 200, None, False, ALL_PURPOSES, "policy", "why", (), 0, True, "E()")
    assert account(report, counted=True) == b"source=policy, refused=(), removals=0, report-only, error"
    assert account(report, counted=False) == b"source=policy, refused=(), report-only, error"
    assert timing(report, 0.0012) == b'dntguard;dur=1.200;desc="report only: policy refuses nothing"'
