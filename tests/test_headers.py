"""Header lists: what nobody touches keeps its order, its case and its duplicates."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dntguard.headers import Headers, add_vary, get, get_all, remove, set_value

NAMES = [b"vary", b"Vary", b"VARY", b"set-cookie", b"Set-Cookie", b"X-Odd", b"", b"\xff"]
VALUES = st.one_of(
    st.sampled_from([b"", b"*", b"Accept-Encoding", b"accept, DNT ", b" cookie,*", b",", b"\xff,sec-gpc"]),
    st.binary(max_size=12),
)
HEADERS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=8)
MEMBERS = st.lists(st.sampled_from([b"DNT", b"Sec-GPC", b"Cookie", b"accept"]), unique=True, max_size=4).map(tuple)


def members(headers: Headers) -> set[bytes]:
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
    before, after = members(headers), members(result)
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
