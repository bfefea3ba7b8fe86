"""Cookie lines: which go, which keep their bytes, and what a browser makes of what is left."""

import re
from http.cookies import CookieError, SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.consent import REFUSE_ALL
from dntguard.cookies import (
    MOST_EXPIRIES,
    cookie_name,
    expiries,
    without_refused_cookies,
    without_refused_set_cookies,
)
from dntguard.policy import Policy
from dntguard.verdicts import verdicts_for

VERDICTS = verdicts_for(Policy(), REFUSE_ALL.granted)
REFUSED = [b"_ga", b"_ga_ABC123", b"_fbp", b"_gid", b"_hjid"]
KEPT = [b"session", b"csrftoken", b"theme", b"_gaq-own", b"x"]

SPACE = st.sampled_from([b"", b" ", b"\t", b"  ", b"\r\n", b"\x00"])
VALUE = st.binary(max_size=8).map(lambda raw: raw.replace(b";", b""))
LINE = st.one_of(
    st.binary(max_size=20),
    st.builds(
        lambda before, name, after, equals, value, rest: before + name + after + equals + value + rest,
        SPACE,
        st.sampled_from([*REFUSED, *KEPT, b"__Host-_ga", b"__secure-_fbp", b"", b"\xff\xfe"]),
        SPACE,
        st.sampled_from([b"=", b"", b"=="]),
        VALUE,
        st.sampled_from([b"", b"; Path=/", b";;", b"; Domain=.shop.example; Secure"]),
    ),
)


def browser_name(line: bytes) -> bytes:
    """The name under which a browser sends back what the line sets (RFC 6265bis section 5.6), read leniently: a pair
    without a name is sent back as its value alone, so the value's beginning is what the next reader takes for a name.
    """
    pair = line.split(b";", 1)[0]
    name, equals, value = pair.partition(b"=")
    stored = name.strip(b"\x00\t\n\r ") if equals else b""
    if stored:
        return stored
    sent_back = (value if equals else pair).strip(b"\x00\t\n\r ")
    return sent_back.split(b"=")[0].strip(b"\t ")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"_ga=1", b"_ga"),
        (b"  _ga = 1", b"_ga"),
        (b"_ga", b"_ga"),
        (b"=_ga=1", b"_ga"),
        (b"==_ga", b"_ga"),
        (b"\t\r\n\x00_ga\x00=1", b"_ga"),
        (b"_ga;x=1", b"_ga"),
        (b"", b""),
        (b";", b""),
        (b" = ", b""),
        (b"\xff\xfe=1", b"\xff\xfe"),
        (b'"_ga"=1', b'"_ga"'),
    ],
)
def test_a_name_is_read_as_the_most_lenient_browser_reads_it(line: bytes, name: bytes) -> None:
    assert cookie_name(line) == name


@given(st.lists(LINE, max_size=8))
def test_no_refused_cookie_is_set_and_every_other_line_keeps_its_bytes_and_place(lines: list[bytes]) -> None:
    headers = [(b"Set-Cookie", line) for line in lines]
    kept, removals = without_refused_set_cookies([(b"x", b"1"), *headers, (b"y", b"2")], VERDICTS)
    left = [line for name, line in kept if name == b"Set-Cookie"]
    assert kept == [(b"x", b"1"), *((b"Set-Cookie", line) for line in left), (b"y", b"2")]
    assert len(left) + len(removals) == len(lines)
    assert not [line for line in left if VERDICTS.cookie(browser_name(line).decode("utf-8", "replace"))]
    innocent = [line for line in lines if not VERDICTS.cookie(cookie_name(line).decode("utf-8", "replace"))]
    assert left == innocent


@given(st.lists(st.tuples(st.sampled_from(REFUSED + KEPT), st.text("abc0_", min_size=1, max_size=5)), max_size=8))
def test_the_standard_librarys_reader_finds_exactly_the_cookies_that_are_kept(pairs: list[tuple[bytes, str]]) -> None:
    line = b"; ".join(name + b"=" + value.encode() for name, value in pairs)
    kept, refused = without_refused_cookies([(b"cookie", line)], VERDICTS)
    jar: SimpleCookie = SimpleCookie()
    for _, value in kept:
        jar.load(value.decode())
    expected = {name.decode(): value for name, value in pairs if name in KEPT}
    assert {name: morsel.value for name, morsel in jar.items()} == expected
    assert [name for name, _ in refused] == [name for name, _ in pairs if name in REFUSED]


@given(st.lists(st.lists(LINE, min_size=1, max_size=6).map(b";".join), max_size=3))
def test_cookie_fields_of_any_bytes_lose_their_refused_pairs_and_nothing_else(fields: list[bytes]) -> None:
    headers = [(b"x", b"1"), *((b"cookie", field) for field in fields)]
    kept, refused = without_refused_cookies(headers, VERDICTS)
    assert kept[0] == (b"x", b"1")
    pieces = [piece for _, value in kept[1:] for piece in value.split(b";")]
    assert not [piece for piece in pieces if VERDICTS.cookie(cookie_name(piece).decode("utf-8", "replace"))]
    before = [piece.strip(b" \t") for field in fields for piece in field.split(b";")]
    gone = {name for name, _ in refused}
    expected = [piece for piece in before if piece and cookie_name(piece) not in gone]
    assert [piece.strip(b" \t") for piece in pieces if piece.strip(b" \t")] == expected
    if not refused:
        assert kept == headers


def test_a_removal_names_the_cookie_its_vendor_its_purpose_and_the_rule() -> None:
    (removal,) = without_refused_set_cookies([(b"set-cookie", b"_ga_X1=1")], VERDICTS)[1]
    assert removal.as_dict() == {
        "kind": "set-cookie",
        "what": "_ga_X1",
        "vendor": "google-analytics",
        "purpose": "analytics",
        "rule": "_ga_*",
    }


def lines_for(host: str, *names: bytes, scheme: str = "https", path: str = "/") -> list[bytes]:
    """The lines that expire these cookies."""
    return [line for _, line in expiries(names, host, scheme, path)]


def test_a_cookie_is_expired_on_every_domain_up_to_the_registrable_one() -> None:
    assert lines_for("a.b.shop.co.uk", b"_ga", scheme="http") == [
        b"_ga=; Max-Age=0; Path=/",
        b"_ga=; Max-Age=0; Path=/; Domain=shop.co.uk",
        b"_ga=; Max-Age=0; Path=/; Domain=b.shop.co.uk",
        b"_ga=; Max-Age=0; Path=/; Domain=a.b.shop.co.uk",
    ]


@pytest.mark.parametrize("host", ["", "localhost", "192.0.2.1", "[2001:db8::1]"])
def test_a_host_without_domains_above_it_gets_one_line(host: str) -> None:
    assert lines_for(host, b"_ga") == [b"_ga=; Max-Age=0; Path=/; Secure"]


@pytest.mark.parametrize(("scheme", "secure"), [("https", True), ("wss", True), ("http", False), ("ws", False)])
def test_lines_are_secure_where_the_request_was(scheme: str, secure: bool) -> None:
    (line,) = lines_for("localhost", b"_ga", scheme=scheme)
    assert line.endswith(b"; Secure") is secure


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("/", None),
        ("/page", None),
        ("/shop/", b"/shop"),
        ("/shop/item/1", b"/shop"),
        ("/a b/c", None),
        ("/x;y/c", None),
        ("//c", None),
        ("", None),
        ("/é/c", None),
        ("/a\r\nX: 1/", None),
    ],
)
def test_the_first_folder_is_a_path_too_where_it_can_be_written_in_a_header(path: str, folder: bytes | None) -> None:
    paths = [re.search(rb"Path=([^;]*)", line) for line in lines_for("localhost", b"_ga", path=path)]
    assert [found[1] for found in paths if found] == [b"/", *([folder] if folder else [])]


@pytest.mark.parametrize("name", [b"", b"a b", b"a,b", b"a\r\nSet-Cookie: x", b"\xff", b'"_ga"', b"a\x00", b"_ga\n"])
def test_a_name_that_may_not_stand_in_a_header_is_not_echoed(name: bytes) -> None:
    assert lines_for("localhost", name, b"_ga") == [b"_ga=; Max-Age=0; Path=/; Secure"]


@given(st.lists(st.binary(max_size=12), max_size=40), st.text(max_size=30), st.text(max_size=30))
def test_lines_are_few_and_each_is_one_a_cookie_reader_accepts(names: list[bytes], host: str, path: str) -> None:
    lines = expiries(names, host if host.isascii() else "", "https", path)
    assert len(lines) <= MOST_EXPIRIES
    for name, line in lines:
        assert name in names
        assert line.startswith(name + b"=; Max-Age=0; Path=/")
        assert not re.search(rb"[\r\n\x00]", line)


@given(st.sampled_from(REFUSED), st.sampled_from(["shop.example", "a.b.c.d.e.f.shop.example"]))
def test_the_standard_library_reads_each_line_as_an_expiry(name: bytes, host: str) -> None:
    for line in lines_for(host, name, path="/shop/x"):
        try:
            jar: SimpleCookie = SimpleCookie(line.decode())
        except CookieError as error:
            raise AssertionError(line) from error
        morsel = jar[name.decode()]
        assert (morsel.value, morsel["max-age"], morsel["secure"]) == ("", "0", True)


def test_with_many_cookies_each_is_expired_where_trackers_set_them() -> None:
    """Host alone and registrable domain come first, for each name, and long names not at all."""
    names = [b"_ga_%d" % number for number in range(30)] + [b"_ga_" + b"x" * 4000]
    lines = [line for _, line in expiries(names, "www.shop.example", "https", "/")]
    assert len(lines) == MOST_EXPIRIES
    assert sum(b"Domain=shop.example;" in line for line in lines) == MOST_EXPIRIES // 2
    assert sum(map(len, lines)) < 4096
