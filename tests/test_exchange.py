"""The seam: what a `Guard` shares, what an `Exchange` keeps, and what no input can break."""

import gzip
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.choice import Choice
from dntguard.consent import decide
from dntguard.exchange import Exchange, Guard, host_of
from dntguard.headers import Headers
from dntguard.policy import Policy
from dntguard.purposes import OPTIONAL_PURPOSES
from dntguard.signals import Signals
from tests.drive import TRACKER

HTML: Headers = [(b"content-type", b"text/html")]
GUARD = Guard()


def begin(headers: Headers, guard: Guard = GUARD, host: str = "www.shop.example", path: str = "/") -> Exchange:
    """An exchange of a request with these headers."""
    return guard.exchange("GET", "https", host, path, headers, 0)


@pytest.mark.parametrize(
    ("headers", "host"),
    [
        ([], "fallback"),
        ([(b"host", b"")], "fallback"),
        ([(b"Host", b" a.example:80 ")], "a.example:80"),
        ([(b"host", b"a.example"), (b"HOST", b"a.example")], "a.example"),
        ([(b"host", b"a.example"), (b"host", b"b.example")], ""),
        ([(b"host", b"b\xfccher")], "b\xfccher"),
    ],
)
def test_the_host_is_the_one_that_all_host_fields_name(headers: Headers, host: str) -> None:
    assert host_of(headers, "fallback") == host


@given(st.lists(st.binary(max_size=20), max_size=4))
def test_no_host_fields_make_it_raise(values: list[bytes]) -> None:
    host = host_of([(b"host", value) for value in values])
    body = begin([(b"dnt", b"1")], host=host).start(200, HTML, b"<p>" + TRACKER, False)[1]
    assert body == b"<p><!---->"


def test_without_a_signal_the_request_headers_are_the_very_same_list() -> None:
    headers: Headers = [(b"cookie", b"_ga=1"), (b"accept-encoding", b"gzip")]
    assert begin(headers).request_headers is headers


def test_a_refusing_request_does_not_change_the_list_it_was_given() -> None:
    headers: Headers = [(b"dnt", b"1"), (b"cookie", b"_ga=1; a=1"), (b"if-none-match", b"x")]
    copy = list(headers)
    assert begin(headers).request_headers == [(b"dnt", b"1"), (b"cookie", b"a=1")]
    assert headers == copy


def test_the_response_headers_that_were_given_are_not_changed() -> None:
    given_headers = [*HTML, (b"set-cookie", b"_ga=1"), (b"vary", b"x")]
    copy = list(given_headers)
    begin([(b"dnt", b"1"), (b"cookie", b"_ga=1")]).start(200, given_headers, TRACKER, False)
    assert given_headers == copy


@pytest.mark.parametrize(
    ("headers", "policy", "passes", "withholds"),
    [
        ([], {}, True, False),
        ([(b"dnt", b"1")], {}, False, True),
        ([(b"dnt", b"1")], {"report_only": True}, False, False),
        ([(b"dnt", b"1")], {"exclude": ["/"]}, True, False),
        ([], {"block_cookies": ["x"]}, False, True),
    ],
)
def test_an_exchange_says_before_the_application_runs_whether_it_will_touch_anything(
    headers: Headers, policy: dict[str, object], passes: bool, withholds: bool
) -> None:
    exchange = begin(headers, Guard(Policy.from_mapping(policy)))
    assert (exchange.passes, exchange.withholds) == (passes, withholds)
    assert exchange.body_passes is passes
    # When only cookies are blocked, the body is nobody's business.
    assert exchange.holds(200, HTML) is (not passes and "block_cookies" not in policy)
    assert exchange.holds(200, [(b"content-type", b"text/css"), (b"content-length", b"1")]) is False
    assert exchange.holds(200, [(b"content-type", b"text/event-stream")]) is False


@pytest.mark.parametrize(("content_type", "passes"), [(b"text/html", False), (b"text/css", True)])
def test_once_started_an_exchange_says_whether_the_body_passes(content_type: bytes, passes: bool) -> None:
    exchange = begin([(b"dnt", b"1")])
    exchange.start(200, [(b"content-type", content_type)], b"<p>", True)
    assert exchange.body_passes is passes
    assert exchange.feed(TRACKER) == (TRACKER if passes else b"<!---->")
    assert exchange.finish() == b""


def test_a_response_that_replaces_another_is_reported_alone() -> None:
    exchange = begin([(b"dnt", b"1"), (b"cookie", b"_ga=1")])
    exchange.start(200, [*HTML, (b"set-cookie", b"_fbp=1")], b"<scr", True)
    exchange.start(500, [(b"content-type", b"text/plain"), (b"set-cookie", b"_gid=1")], b"", True)
    assert exchange.feed(TRACKER) == TRACKER
    assert [(removal.kind, removal.what) for removal in exchange.report.removals] == [
        ("cookie", "_ga"),
        ("set-cookie", "_gid"),
    ]


def test_nothing_follows_a_body_that_reached_its_declared_length() -> None:
    exchange = begin([(b"dnt", b"1")])
    headers, body = exchange.start(200, [*HTML, (b"content-length", b"7")], b"<p><scr", True)
    assert (dict(headers)[b"content-length"], body) == (b"7", b"<p><scr")
    assert exchange.feed(b"ipt src=//www.google-analytics.com/analytics.js></script>") == b""
    assert exchange.finish() == b""


def test_report_only_passes_what_follows_the_declared_length() -> None:
    exchange = begin([(b"dnt", b"1")], Guard(Policy(report_only=True)))
    assert exchange.start(200, [*HTML, (b"content-length", b"3")], b"<p>", True)[1] == b"<p>"
    assert exchange.feed(b"more") == b"more"


def test_the_report_counts_and_explains_everything() -> None:
    exchange = begin([(b"sec-gpc", b"1"), (b"cookie", b"_ga=1")], path="/a")
    exchange.start(200, [*HTML, (b"set-cookie", b"_fbp=1")], TRACKER, True)
    exchange.feed(TRACKER)
    exchange.finish()
    report = exchange.report
    assert [removal.kind for removal in report.removals] == [
        "cookie",
        "set-cookie",
        "expired-cookie",
        "script",
        "script",
    ]
    assert report.removal_count == 5
    assert (report.method, report.host, report.path, report.status) == ("GET", "www.shop.example", "/a", 200)
    assert (report.source, report.report_only) == ("signal", False)
    assert report.reason == "The browser sends Sec-GPC: 1, which refuses analytics and marketing."
    assert {removal.vendor for removal in report.removals} == {"google-analytics", "meta-pixel"}


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        ("http://a.example/x/y", "a.example", "/x/y"),
        ("HTTPS://u@a.example:8080", "a.example", "/"),
        ("http:///x", "", "/x"),
        ("http://[::", "", "/"),
        ("/http://a.example/", "www.shop.example", "/http://a.example/"),
        ("*", "www.shop.example", "*"),
        ("", "www.shop.example", ""),
    ],
)
def test_the_targets_authority_goes_before_host(target: str, host: str, path: str) -> None:
    report = begin([(b"dnt", b"1")], path=target).report
    assert (report.host, report.path) == (host, path)


def test_a_guard_is_shared_by_threads() -> None:
    def visit(number: int) -> bool:
        refuses = number % 2 == 0
        exchange = begin([(b"dnt", b"1")] if refuses else [])
        body = exchange.start(200, HTML, b"<p>", True)[1] + exchange.feed(TRACKER) + exchange.finish()
        return body == (b"<p><!---->" if refuses else b"<p>" + TRACKER)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(visit, range(200)))


BYTES = st.binary(max_size=20)


@given(
    st.text(max_size=5),
    st.text(max_size=5),
    st.text(max_size=20),
    st.text(max_size=20),
    st.lists(st.tuples(st.sampled_from([b"dnt", b"cookie", b"sec-gpc", b"host"]) | BYTES, BYTES), max_size=5),
    st.integers(),
    st.lists(st.tuples(st.sampled_from([b"content-type", b"set-cookie", b"vary"]) | BYTES, BYTES), max_size=5),
    st.lists(BYTES, max_size=3),
)
def test_no_input_makes_an_exchange_raise(
    method: str,
    scheme: str,
    host: str,
    path: str,
    request: Headers,
    status: int,
    response: Headers,
    chunks: list[bytes],
) -> None:
    guard = Guard(Policy(mode="never", include=("/*", "*x"), exclude=("*y*",)))
    exchange = guard.exchange(method, scheme, host, path, request, 0)
    exchange.start(status, response, b"", True)
    for chunk in chunks:
        exchange.feed(chunk)
    exchange.finish()
    assert exchange.report.status == status


@pytest.mark.parametrize(
    ("headers", "policy", "left"),
    [
        ([(b"dnt", b"1")], {}, [b"a=1"]),
        ([], {}, [b"_ga=1", b"a=1"]),
        ([(b"dnt", b"1")], {"report_only": True}, [b"_ga=1", b"a=1"]),
    ],
)
def test_the_acceptance_of_a_websocket_loses_refused_cookies_alone(
    headers: Headers, policy: dict[str, object], left: list[bytes]
) -> None:
    exchange = begin(headers, Guard(Policy.from_mapping(policy)))
    accepted = exchange.accept(iter([(b"x", b"1"), (b"set-cookie", b"_ga=1"), (b"set-cookie", b"a=1")]))
    assert accepted == [(b"x", b"1"), *((b"set-cookie", line) for line in left)]
    assert len(exchange.report.removals) == (1 if headers else 0)


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("/static", "/static", True),
        ("/static", "/static/a/b.css", True),
        ("/static", "/statics", False),
        ("/static/", "/static/a.css", True),
        ("/static/", "/static", False),
        ("/", "/", True),
        ("/", "/page", False),
        ("/*.css", "/a/b.css", True),
        ("/*.css", "/a/b.css/c", False),
    ],
)
def test_a_path_pattern_without_a_star_covers_what_is_below_it(pattern: str, path: str, covered: bool) -> None:
    exchange = Guard(Policy(exclude=(pattern,))).exchange("GET", "https", "shop.example", path, [(b"dnt", b"1")], 0)
    assert exchange.passes is covered


def test_a_pattern_of_many_stars_takes_no_longer_than_the_path() -> None:
    guard = Guard(Policy(exclude=("*/a/*/a/*/b",)))
    begun = time.perf_counter()
    for _ in range(10):
        guard.exchange("GET", "https", "shop.example", "/a/" * 4000, [(b"dnt", b"1")], 0)
    assert time.perf_counter() - begun < 2


def test_blocked_cookies_alone_leave_a_page_as_it_is() -> None:
    """Conditions, coding and length are none of its business."""
    headers = [(b"if-none-match", b'"e"'), (b"accept-encoding", b"gzip")]
    exchange = begin(headers, Guard(Policy(block_cookies=("x",))))
    assert exchange.request_headers == headers
    answer = [(b"content-type", b"text/html"), (b"etag", b'"e"'), (b"set-cookie", b"x=1"), (b"set-cookie", b"y=1")]
    given, body = exchange.start(200, answer, TRACKER, True)
    assert body == TRACKER
    assert (b"etag", b'"e"') in given
    assert [value for name, value in given if name == b"set-cookie"] == [b"y=1"]


def test_a_blocked_host_is_not_worth_a_policy_for_who_refuses_nothing() -> None:
    exchange = begin([], Guard(Policy(block=("tracker.example",))))
    given, _ = exchange.start(200, [(b"content-type", b"text/html"), (b"content-encoding", b"compress")], b"x", False)
    assert b"content-security-policy" not in dict(given)


def test_a_host_that_would_write_into_a_header_is_not_echoed() -> None:
    request = [(b"dnt", b"1"), (b"cookie", b"_ga=1")]
    exchange = Guard().exchange("GET", "https", "a;domain=victim.example", "/", request, 0)
    given, _ = exchange.start(200, [(b"content-type", b"text/html"), (b"content-encoding", b"compress")], b"x", False)
    assert not any(b"victim" in value for _, value in given)


def test_an_encoded_page_under_a_policy_has_a_validator_of_its_own() -> None:
    answer = [(b"content-type", b"text/html"), (b"content-encoding", b"compress"), (b"etag", b'"e"')]
    given, _ = begin([(b"dnt", b"1")], Guard(Policy(allow=("cdn.example",)))).start(200, answer, b"x", False)
    assert dict(given)[b"etag"].startswith(b'W/"e~')
    assert b"cdn.example" in dict(given)[b"content-security-policy"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_is_asked_for_whole(method: str) -> None:
    names = (b"if-none-match", b"if-modified-since", b"range", b"if-range")
    exchange = Guard().exchange(method, "https", "shop.example", "/", [(b"dnt", b"1"), *((n, b"x") for n in names)], 0)
    assert exchange.request_headers == [(b"dnt", b"1")]


# --- who varies -------------------------------------------------------------------------------------------------------

JSON: Headers = [(b"content-type", b"application/json")]
VARY = (b"vary", b"DNT, Sec-GPC")


@pytest.mark.parametrize("headers", [[], [(b"dnt", b"1")]])
@pytest.mark.parametrize("looks", [False, True])
def test_who_looks_at_the_decision_varies_and_who_hands_it_on_does_not(headers: Headers, looks: bool) -> None:
    exchange = begin(headers)
    consent = {"consent": exchange.consent}["consent"]
    if looks:
        assert consent.reason
    assert exchange.start(200, JSON, b"{}", False)[0] == [*JSON, *([VARY] if looks else [])]


def test_a_look_at_the_decision_after_the_response_has_begun_needs_a_response_that_varies() -> None:
    """Of a stream nobody knows what the application will ask; for one with a length, or no body, it asks nothing."""
    assert VARY in begin([]).start(200, JSON, b"{", True)[0]
    assert VARY not in begin([]).start(200, [*JSON, (b"content-length", b"2")], b"{", True)[0]
    for status in (204, 205, 304):
        assert VARY not in begin([]).start(status, JSON, b"", True)[0]
    head = GUARD.exchange("HEAD", "https", "shop.example", "/", [], 0)
    assert VARY not in head.start(200, JSON, b"", True)[0]


def test_a_choice_that_decided_is_no_shared_caches_business() -> None:
    exchange = begin([])
    exchange._consent = decide(Signals(), Choice(OPTIONAL_PURPOSES, 0), Policy())
    headers, _ = exchange.start(200, [*JSON, (b"set-cookie", b"_ga=1")], b"{}", False)
    assert headers[-2:] == [(b"vary", b"DNT, Sec-GPC, Cookie"), (b"cache-control", b"private")]


def test_one_response_for_everybody_is_made_from_one_decision_and_reports_the_real_one() -> None:
    guard = Guard(Policy(cache="invariant"))
    exchanges = [begin(headers, guard) for headers in ([], [(b"dnt", b"1")], [(b"sec-gpc", b"1")])]
    assert len({exchange.consent for exchange in exchanges}) == 1
    assert [exchange.report.gpc for exchange in exchanges] == [False, False, True]
    responses = [exchange.start(200, HTML, b"<p>" + TRACKER, True) for exchange in exchanges]
    assert responses == [(HTML, b"<p><!---->")] * 3


# --- content codings --------------------------------------------------------------------------------------------------


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


GZIP: Headers = [*HTML, (b"content-encoding", b"gzip")]


def test_a_page_without_a_type_is_known_by_what_a_browser_decodes() -> None:
    coded: Headers = [(b"content-encoding", b"gzip")]
    body = begin([(b"dnt", b"1")]).start(200, coded, gzipped(b" <p>" + TRACKER), False)[1]
    assert gzip.decompress(body) == b" <p><!---->"
    other = gzipped(b"x" + TRACKER)
    assert begin([(b"dnt", b"1")]).start(200, coded, other, False)[1] == other


@pytest.mark.parametrize("coding", [b"gzip", b"compress"])
def test_what_cannot_be_decoded_goes_out_under_a_policy(coding: bytes) -> None:
    exchange = begin([(b"dnt", b"1")])
    headers, body = exchange.start(200, [*HTML, (b"content-encoding", coding)], b"no gzip" + TRACKER, True)
    assert b"content-security-policy" in dict(headers)
    assert body == b"no gzip" + TRACKER
    assert exchange.feed(TRACKER) == TRACKER
    assert [removal.kind for removal in exchange.report.removals] == ["body"]


@pytest.mark.parametrize("first", [0, 5, 40])
def test_what_turns_out_to_be_malformed_ends_there_and_is_reported(first: int) -> None:
    writer = zlib.compressobj(wbits=31)
    good = writer.compress(b"<p>one</p>" * 50 + TRACKER) + writer.flush(zlib.Z_SYNC_FLUSH)
    exchange = begin([(b"dnt", b"1")])
    out = exchange.start(200, GZIP, good[: first or len(good)], True)[1] + exchange.feed(good[first or len(good) :])
    out += exchange.feed(b"\xff" * 50)  # a block of a kind that there is not
    out += exchange.feed(TRACKER) + exchange.finish()
    decoder = zlib.decompressobj(31)
    assert decoder.decompress(out).startswith(b"<p>one</p>" * 50 + b"<!---->")
    assert not decoder.eof, "a visitor's browser must see that something is missing"
    assert [removal.kind for removal in exchange.report.removals] == ["script", "body"]
    assert exchange.report.removal_count == 2


def test_a_stream_that_ends_too_early_ends_too_early() -> None:
    exchange = begin([(b"dnt", b"1")])
    out = exchange.start(200, GZIP, gzipped(b"<p>one</p>" + TRACKER)[:-9], True)[1] + exchange.finish()
    decoder = zlib.decompressobj(31)
    assert decoder.decompress(out) == b"<p>one</p><!---->"
    assert not decoder.eof


def test_what_follows_the_end_of_a_coded_page_is_left_out_and_reported() -> None:
    exchange = begin([(b"dnt", b"1")])
    out = exchange.start(200, GZIP, gzipped(b"<p>") + TRACKER, False)[1]
    assert gzip.decompress(out) == b"<p>"
    assert [removal.kind for removal in exchange.report.removals] == ["body"]


def test_each_chunk_of_a_coded_page_can_be_read_before_the_next() -> None:
    exchange = begin([(b"dnt", b"1")])
    writer = zlib.compressobj(wbits=31)
    decoder = zlib.decompressobj(31)
    out = exchange.start(200, GZIP, writer.compress(b"<p>one</p>") + writer.flush(zlib.Z_SYNC_FLUSH), True)[1]
    assert decoder.decompress(out) == b"<p>one</p>"
    out = exchange.feed(writer.compress(TRACKER + b"<p>two</p>") + writer.flush(zlib.Z_SYNC_FLUSH))
    assert decoder.decompress(out) == b"<!----><p>two</p>"
    assert decoder.decompress(exchange.feed(writer.flush()) + exchange.finish()) == b""
    assert decoder.eof


def test_a_length_bounds_a_coded_page_too() -> None:
    whole = gzipped(b"<p>" + TRACKER)
    exchange = begin([(b"dnt", b"1")])
    headers, out = exchange.start(200, [*GZIP, (b"content-length", b"%d" % len(whole))], whole[:30], True)
    assert b"content-length" not in dict(headers)
    out += exchange.feed(whole[30:] + gzipped(TRACKER)) + exchange.feed(gzipped(TRACKER)) + exchange.finish()
    assert gzip.decompress(out) == b"<p><!---->"


def test_early_hints_pass_as_they_are_for_who_refuses_nothing() -> None:
    links = [b"<https://www.google-analytics.com/>; rel=preconnect"]
    assert begin([]).links(iter(links)) == links
    assert begin([(b"dnt", b"1")]).links(iter(links)) == []
    assert begin([(b"dnt", b"1")], Guard(Policy(report_only=True))).links(iter(links)) == links


def test_what_went_before_the_response_stays_reported() -> None:
    exchange = begin([(b"dnt", b"1")])
    exchange.links([b"<https://www.google-analytics.com/>; rel=preconnect"])
    exchange.start(200, HTML, TRACKER, False)
    exchange.start(500, HTML, b"", False)
    assert [removal.kind for removal in exchange.report.removals] == ["header"]


# --- conditions on what is the same for everybody ---------------------------------------------------------------------


def asked_again(path: str, *headers: tuple[bytes, bytes]) -> Headers:
    """What the application sees of a refusing visitor's request, after everybody's image was served once."""
    guard = Guard()
    image: Headers = [(b"content-type", b"image/png"), (b"etag", b'"e"'), (b"last-modified", b"yesterday")]
    guard.exchange("GET", "https", "shop.example", "/image", [], 0).start(200, image, b"x", False)
    return guard.exchange("GET", "https", "shop.example", path, [(b"dnt", b"1"), *headers], 0).request_headers[1:]


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ((b"if-none-match", b'"e"'), True),
        ((b"if-none-match", b'W/"e"'), False),
        ((b"if-modified-since", b"yesterday"), True),
        ((b"if-modified-since", b"today"), False),
        ((b"range", b"bytes=0-"), True),
    ],
)
def test_only_validators_that_were_seen_on_no_page_reach_the_application(
    header: tuple[bytes, bytes], kept: bool
) -> None:
    assert asked_again("/image", header) == ([header] if kept else [])
    assert asked_again("/page", header) == []


def test_of_several_validators_those_that_were_seen_stay() -> None:
    assert asked_again("/image", (b"if-none-match", b'"x", "e", W/"y"')) == [(b"if-none-match", b'"e"')]


def test_what_was_sent_with_a_refused_cookie_is_not_the_same_for_everybody() -> None:
    guard = Guard()
    sets: Headers = [(b"content-type", b"image/png"), (b"etag", b'"e"'), (b"set-cookie", b"_ga=1")]
    guard.exchange("GET", "https", "shop.example", "/a", [], 0).start(200, sets, b"x", False)
    asks = [(b"dnt", b"1"), (b"if-none-match", b'"e"')]
    assert guard.exchange("GET", "https", "shop.example", "/a", asks, 0).request_headers == asks[:1]
