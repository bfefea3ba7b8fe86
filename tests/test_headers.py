"""Header lists: what nobody touches keeps its order, its case and its duplicates."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dntguard.headers import Headers, add_vary, get, get_all, members, remove, set_value

NAMES = [b"vary", b"Vary", b"VARY", b"set-cookie", b"Set-Cookie", b"X-Odd", b"", b"\xff"]
VALUES = st.one_of(
    st.sampled_from([b"", b"*", b"Accept-Encoding", b"accept, DNT ", b" cookie,*", b",", b"\xff,sec-gpc"]),
    st.binary(max_size=12),
)
HEADERS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=8)
MEMBERS = st.lists(st.sampled_from([b"DNT", b"Sec-GPC", b"Cookie", b"accept"]), unique=True, max_size=4).map(tuple)


def vary_members(headers: Headers) -> set[bytes]:
    """The members of all `Vary` fields, read as RFC 9110 section 5.6.1 reads a list."""
    return {
        member.strip(b" \t").lower()
        for name, value in headers
        if name.lower() == b"vary"
        for member in value.split(b",")
    } - {b""}


@given(HEADERS)
def test_get_all_gives_every_value_in_order_whatever_the_case(headers: Headers) -> None:
    """The values are those of the pairs with that name, without the whitespace around them."""
    assert get_all(headers, b"vary") == [value.strip(b" \t") for name, value in headers if name.lower() == b"vary"]


@given(HEADERS)
def test_get_gives_the_first_value_or_none(headers: Headers) -> None:
    """`get` and `get_all` agree."""
    values = get_all(headers, b"set-cookie")
    assert get(headers, b"set-cookie") == (values[0] if values else None)


@given(HEADERS)
def test_remove_takes_the_named_fields_and_nothing_else(headers: Headers) -> None:
    """What stays is the same pairs in the same order."""
    assert remove(headers, frozenset({b"vary"})) == [pair for pair in headers if pair[0].lower() != b"vary"]
    assert remove(headers, frozenset()) == headers


@given(HEADERS, st.binary(max_size=8))
def test_set_value_leaves_exactly_one_field_in_the_place_of_the_first(headers: Headers, value: bytes) -> None:
    """All other pairs keep their order, and the field keeps the case it had."""
    result = set_value(headers, b"vary", value)
    assert get_all(result, b"vary") == [value.strip(b" \t")]
    assert remove(result, frozenset({b"vary"})) == remove(headers, frozenset({b"vary"}))
    first = next((place for place, pair in enumerate(headers) if pair[0].lower() == b"vary"), None)
    if first is None:
        assert result[-1] == (b"vary", value)
    else:
        assert result[first] == (headers[first][0], value)


@given(HEADERS, MEMBERS)
@example([(b"Vary", b"")], (b"DNT",))
@example([(b"vary", b"a"), (b"vary", b"b")], (b"b", b"c"))
def test_add_vary_lists_every_name_and_loses_none(headers: Headers, names: tuple[bytes, ...]) -> None:
    """After it, `Vary` has the old members and the new ones; `*` says it all and stays alone."""
    result = add_vary(headers, names)
    before, after = vary_members(headers), vary_members(result)
    assert after == (before if b"*" in before else before | {name.lower() for name in names})
    assert remove(result, frozenset({b"vary"})) == remove(headers, frozenset({b"vary"}))


@given(HEADERS, MEMBERS)
def test_add_vary_twice_is_add_vary_once(headers: Headers, names: tuple[bytes, ...]) -> None:
    """Two middlewares that add the same names do not make the field grow."""
    once = add_vary(headers, names)
    assert add_vary(once, names) == once


@given(HEADERS, MEMBERS)
def test_no_helper_changes_its_argument(headers: Headers, names: tuple[bytes, ...]) -> None:
    """Each gives a new list."""
    before = list(headers)
    add_vary(headers, names)
    set_value(headers, b"vary", b"x")
    remove(headers, frozenset({b"vary"}))
    assert headers == before


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], [(b"vary", b"DNT, Sec-GPC")]),
        ([(b"Vary", b"Cookie")], [(b"Vary", b"Cookie, DNT, Sec-GPC")]),
        ([(b"VARY", b"sec-gpc , Cookie")], [(b"VARY", b"sec-gpc , Cookie, DNT")]),
        ([(b"Vary", b"*")], [(b"Vary", b"*")]),
        ([(b"Vary", b" ")], [(b"Vary", b"DNT, Sec-GPC")]),
        ([(b"vary", b"dnt"), (b"a", b"b"), (b"Vary", b"*")], [(b"vary", b"dnt"), (b"a", b"b"), (b"Vary", b"*")]),
        (
            [(b"vary", b"Cookie"), (b"a", b"b"), (b"Vary", b"DNT")],
            [(b"vary", b"Cookie, Sec-GPC"), (b"a", b"b"), (b"Vary", b"DNT")],
        ),
    ],
)
def test_add_vary_merges_into_the_first_vary_field(headers: Headers, expected: Headers) -> None:
    """A name that is listed in any case is not listed twice, and a new field comes last."""
    assert add_vary(headers, (b"DNT", b"Sec-GPC")) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", [b""]),
        (b"a", [b"a"]),
        (b"a, b", [b"a", b" b"]),
        (b",a,", [b"", b"a", b""]),
        (b'W/"a,b", "c"', [b'W/"a,b"', b' "c"']),
        (b'",",', [b'","', b""]),
        (b'private="a, b", x', [b'private="a, b"', b" x"]),
        (rb'"a\",b",c', [rb'"a\",b"', b"c"]),
        (rb'"a\\",b', [rb'"a\\"', b"b"]),
        (b'"a"b"c,d",e', [b'"a"b"c,d"', b"e"]),
        (b'a,"b,c', [b"a", b'"b,c']),
        (b'"a,\\', [b'"a,\\']),
        (b"<a,b>,c", [b"<a", b"b>", b"c"]),
    ],
)
def test_a_comma_in_quotes_parts_no_members(value: bytes, expected: list[bytes]) -> None:
    """Nothing is stripped, and a string that nobody closes reaches to the end."""
    assert members(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a, b", [b"a", b" b"]),
        (b"<a,b>; rel=x, <c>", [b"<a,b>; rel=x", b" <c>"]),
        (b'<a",b>, "<", c', [b'<a",b>', b' "<"', b" c"]),
        (b"a, <b, c", [b"a", b" <b, c"]),
        (b'"a,b", c', [b'"a,b"', b" c"]),
    ],
)
def test_a_comma_in_a_uri_parts_no_links(value: bytes, expected: list[bytes]) -> None:
    """What begins with `<` ends with `>`, whatever quotes are in it."""
    assert members(value, uris=True) == expected


@given(
    st.lists(st.sampled_from([b",", b'"', b"<", b">", b"\\", b"a", b" ", b"\n", b"\xff"]), max_size=20), st.booleans()
)
def test_members_joined_are_the_value(pieces: list[bytes], uris: bool) -> None:
    """No byte is lost, whatever it is."""
    value = b"".join(pieces)
    assert b",".join(members(value, uris=uris)) == value
