"""The purposes and the sets made of them."""

import json

from hypothesis import given
from hypothesis import strategies as st

from dntguard.purposes import ALL_PURPOSES, ALWAYS_GRANTED, OPTIONAL_PURPOSES, Purpose, in_order


def test_a_purpose_is_a_string() -> None:
    """It compares, formats and serializes as its lower-case name."""
    assert [purpose.value for purpose in Purpose] == ["necessary", "functional", "analytics", "marketing"]
    assert Purpose("analytics") is Purpose.ANALYTICS
    assert [*Purpose] == ["necessary", "functional", "analytics", "marketing"]
    assert f"{Purpose.MARKETING}" == "marketing"
    assert json.dumps(Purpose.FUNCTIONAL) == '"functional"'


def test_only_necessary_is_always_granted() -> None:
    """The always granted and the optional purposes are all purposes, and share none."""
    assert frozenset({Purpose.NECESSARY}) == ALWAYS_GRANTED
    assert ALWAYS_GRANTED | OPTIONAL_PURPOSES == ALL_PURPOSES == frozenset(Purpose)
    assert not ALWAYS_GRANTED & OPTIONAL_PURPOSES


@given(st.frozensets(st.sampled_from(Purpose)))
def test_in_order_lists_each_purpose_once_in_the_order_of_the_enumeration(purposes: frozenset[Purpose]) -> None:
    """The order of a set does not show in texts."""
    listed = in_order(purposes)
    assert frozenset(listed) == purposes
    assert listed == sorted(listed, key=list(Purpose).index)
    assert len(listed) == len(purposes)
