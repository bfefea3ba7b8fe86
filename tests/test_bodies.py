"""What kind of body a response has. What follows from it is in the case table."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.bodies import Body, kind_of_body
from dntguard.headers import Headers

HTML: Headers = [(b"Content-Type", b"text/html")]


def typed(value: bytes) -> Headers:
    """Headers with this type."""
    return [(b"content-type", value)]


@pytest.mark.parametrize(
    "value",
    [
        b"text/html",
        b" TEXT/HTML ;charset=utf-8",
        b"text/html;",
        b"text/plain, text/html",
        b"text/html, application/json",
    ],
)
def test_html_types_are_pages_whatever_the_first_bytes(value: bytes) -> None:
    assert kind_of_body("GET", 200, typed(value), b"{}") is Body.PAGE


@pytest.mark.parametrize(
    "value",
    [b"text/htmlx", b"text/plain", b"application/json", b"image/svg+xml", b"x-text/html", b"text/plain;text/html"],
)
def test_other_types_are_no_pages_whatever_the_first_bytes(value: bytes) -> None:
    assert kind_of_body("GET", 200, typed(value), b"<html>") is Body.OTHER
    assert kind_of_body("GET", 200, typed(value), None) is Body.OTHER


@pytest.mark.parametrize("headers", [[], typed(b""), typed(b"unknown/unknown"), typed(b"*/*"), typed(b"html")])
@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (b"<p>", Body.PAGE),
        (b" \r\n\t<p>", Body.PAGE),
        (b"\xef\xbb\xbf<p>", Body.PAGE),
        (b"", Body.PAGE),
        (b"  ", Body.PAGE),
        (b"\xff\xfe<\0", Body.PAGE),
        (b"{}", Body.OTHER),
        (b"\x89PNG", Body.OTHER),
    ],
)
def test_without_a_believed_type_the_first_bytes_decide(headers: Headers, first: bytes, kind: Body) -> None:
    assert kind_of_body("GET", 200, headers, first) is kind


@pytest.mark.parametrize(
    ("method", "status", "first", "kind"),
    [
        ("HEAD", 200, b"", Body.HEAD),
        ("HEAD", 200, None, Body.HEAD),
        ("HEAD", 200, b"<p>", Body.PAGE),
        ("GET", 304, b"", Body.HEAD),
        ("GET", 204, b"", Body.OTHER),
        ("GET", 103, b"", Body.OTHER),
        ("GET", 0, b"", Body.OTHER),
        ("GET", 206, b"<p>", Body.UNREADABLE),
        ("POST", 404, b"<p>", Body.PAGE),
        ("GET", 599, b"<p>", Body.PAGE),
    ],
)
def test_method_and_status_say_whether_there_is_a_body(
    method: str, status: int, first: bytes | None, kind: Body
) -> None:
    assert kind_of_body(method, status, HTML, first) is kind


@pytest.mark.parametrize(
    ("codings", "kind"),
    [
        ([b""], Body.PAGE),
        ([b"identity"], Body.PAGE),
        ([b" Identity , identity"], Body.PAGE),
        ([b"gzip"], Body.PAGE),
        ([b"deflate, X-Gzip", b"identity"], Body.PAGE),
        ([b"gzip, gzip, gzip, gzip, gzip"], Body.UNREADABLE),
        ([b"identity", b"compress"], Body.UNREADABLE),
        ([b"x-unknown"], Body.UNREADABLE),
    ],
)
def test_a_content_coding_that_is_not_read_makes_a_page_unreadable(codings: list[bytes], kind: Body) -> None:
    headers = [*HTML, *((b"content-encoding", coding) for coding in codings)]
    assert kind_of_body("GET", 200, headers, b"<p>") is kind


NAMES = st.sampled_from([b"content-type", b"Content-Encoding", b"x"])
VALUES = st.binary(max_size=20) | st.sampled_from(
    [b"text/html", b"text/html;charset=utf-16", b"gzip", b"text/css", b""]
)


@given(
    st.sampled_from(["GET", "HEAD", ""]),
    st.integers(-1, 999),
    st.lists(st.tuples(NAMES, VALUES), max_size=4),
    st.binary(max_size=10),
)
def test_what_is_no_page_before_the_first_chunk_is_none_after_it(
    method: str, status: int, headers: Headers, first: bytes
) -> None:
    if kind_of_body(method, status, headers, None) is Body.OTHER:
        assert kind_of_body(method, status, headers, first) is Body.OTHER


@pytest.mark.parametrize("name", [b"X-Sendfile", b"x-accel-redirect", b"X-LIGHTTPD-send-file", b"X-Reproxy-URL"])
def test_a_page_that_the_server_takes_from_elsewhere_cannot_be_read(name: bytes) -> None:
    assert kind_of_body("GET", 200, [*HTML, (name, b"/x")], b"") is Body.UNREADABLE
    assert kind_of_body("GET", 200, [*typed(b"image/png"), (name, b"/x")], b"") is Body.OTHER


@pytest.mark.parametrize(
    ("codings", "first", "kind"),
    [
        (b"gzip", gzip.compress(b"<p>"), Body.PAGE),
        (b"gzip", gzip.compress(b"{}"), Body.OTHER),
        (b"gzip", b"no gzip", Body.PAGE),
        (b"gzip", gzip.compress(b"{}")[:5], Body.PAGE),
        (b"compress", b"{}", Body.UNREADABLE),
        (b"gzip, gzip, gzip, gzip, gzip", b"{}", Body.UNREADABLE),
    ],
)
def test_without_a_type_the_first_bytes_that_a_browser_decodes_decide(codings: bytes, first: bytes, kind: Body) -> None:
    assert kind_of_body("GET", 200, [(b"content-encoding", codings)], first) is kind
