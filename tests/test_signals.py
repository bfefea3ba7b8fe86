"""The grammars of `DNT` and `Sec-GPC`, to the letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.signals import NO_SIGNALS, Signals, read_signals

OFF_GPC = [
    b"",
    b"0",
    b"true",
    b"1;x",
    b'"1"',
    b"?1",
    b"11",
    b"01",
    b"1 1",
    b"1,1",
    b"on",
    b"\xef\xbc\x91",
    b"1\x00",
    b"1\n",
]
NAMES = st.sampled_from([b"DNT", b"dnt", b"Dnt", b"Sec-GPC", b"sec-gpc", b"SEC-GPC", b"sec_gpc", b"dnt ", b"x"])
VALUES = st.one_of(
    st.sampled_from([b"1", b"0", b" 1", b"1 ", b"\t1", b"1x", b"0x", b"", b"yes"]), st.binary(max_size=6)
)


@pytest.mark.parametrize("value", [b"1", b" 1", b"1 ", b"\t1 \t"])
def test_gpc_is_on_when_the_value_is_exactly_1(value: bytes) -> None:
    """Whitespace around a field value is not part of it (RFC 9110 section 5.5)."""
    assert read_signals([(b"sec-gpc", value)]) == Signals(dnt=None, gpc=True)


@pytest.mark.parametrize("value", OFF_GPC)
def test_nothing_else_turns_gpc_on(value: bytes) -> None:
    """Global Privacy Control section 3.2: the field value is `1`; there is no other grammar."""
    assert read_signals([(b"sec-gpc", value)]) == NO_SIGNALS


@pytest.mark.parametrize(
    ("value", "dnt"),
    [
        (b"1", True),
        (b"1xyz", True),
        (b"1;x", True),
        (b"10", True),
        (b" 1", True),
        (b"0", False),
        (b"0abc", False),
        (b"01", False),
        (b"", None),
        (b" ", None),
        (b"x1", None),
        (b"-1", None),
        (b'"1"', None),
        (b"true", None),
        (b"\xff1", None),
        (b"\xc2\xb9", None),
    ],
)
def test_the_first_character_decides_dnt(value: bytes, dnt: bool | None) -> None:
    """Tracking Preference Expression section 5.2: `0` or `1`, then extensions."""
    assert read_signals([(b"dnt", value)]) == Signals(dnt=dnt, gpc=False)


@pytest.mark.parametrize(
    ("values", "gpc"),
    [([b"0", b"1"], True), ([b"1", b"0"], True), ([b"1", b"1"], True), ([b"0", b"0"], False), ([b"1;x", b""], False)],
)
def test_one_gpc_field_that_is_on_is_enough(values: list[bytes], gpc: bool) -> None:
    """Fields that are not in the grammar do not take the signal back."""
    assert read_signals([(b"sec-gpc", value) for value in values]).gpc is gpc


@pytest.mark.parametrize(
    ("values", "dnt"),
    [([b"0", b"1"], True), ([b"1", b"0"], True), ([b"0", b"x"], False), ([b"x", b"0"], False), ([b"x", b"y"], None)],
)
def test_one_dnt_field_that_refuses_is_enough(values: list[bytes], dnt: bool | None) -> None:
    """Among several fields "do not track" wins over "may track", and that over nonsense."""
    assert read_signals([(b"DNT", value) for value in values]).dnt is dnt


@pytest.mark.parametrize("name", [b"DNT", b"dnt", b"Dnt"])
def test_field_names_are_case_insensitive(name: bytes) -> None:
    """HTTP/1.1 clients send `DNT`, HTTP/2 ones `dnt`."""
    assert read_signals([(name, b"1")]).dnt is True


@pytest.mark.parametrize("name", [b"Sec-GPC ", b"sec_gpc", b"x-sec-gpc", b"dnt1", b"xdnt", b""])
def test_other_fields_are_no_signal(name: bytes) -> None:
    """A name that only looks like a signal's is somebody else's field."""
    assert read_signals([(name, b"1")]) == NO_SIGNALS


@given(st.lists(st.tuples(st.one_of(NAMES, st.binary(max_size=8)), VALUES), max_size=6))
def test_any_header_list_is_read_field_by_field(headers: list[tuple[bytes, bytes]]) -> None:
    """No bytes raise, and the signals of a list are those of its fields put together."""
    alone = [read_signals([pair]) for pair in headers]
    said = {signals.dnt for signals in alone}
    expected = True if True in said else False if False in said else None
    assert read_signals(headers) == Signals(dnt=expected, gpc=any(signals.gpc for signals in alone))


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6))
def test_the_order_of_the_fields_does_not_matter(headers: list[tuple[bytes, bytes]]) -> None:
    """A proxy that reorders fields changes no decision."""
    assert read_signals(headers) == read_signals(headers[::-1])


@pytest.mark.parametrize(
    ("signals", "refuse"),
    [
        (Signals(), False),
        (Signals(dnt=False), False),
        (Signals(dnt=True), True),
        (Signals(gpc=True), True),
        (Signals(dnt=False, gpc=True), True),
    ],
)
def test_either_signal_refuses(signals: Signals, refuse: bool) -> None:
    """`DNT: 0` is no refusal and takes no other signal's back."""
    assert signals.refuse is refuse
