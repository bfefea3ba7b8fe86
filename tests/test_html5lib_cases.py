"""The inputs of html5lib-tests, as they are and with something refused at each of their places.

pytest tests/test_html5lib_cases.py                                every third place or fewer, in turn
pytest tests/test_html5lib_cases.py --hypothesis-profile=fuzz      each place
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.consent import Consent
from dntguard.policy import Policy
from dntguard.purposes import ALL_PURPOSES
from dntguard.rewriter import Rewriter, rewrite
from tests.html5lib_cases import MISSING, HTML5Case, cases, files
from tests.oracles import PAGE, refusals

pytestmark = pytest.mark.skipif(not files(), reason=MISSING)

GRANT_ALL = Consent(ALL_PURPOSES)
KEEP = Policy(on_undecidable="keep")

PLANTS = {
    "script": b"<script src=https://static.hotjar.com/h.js></script>",
    "snippet": b"<script>fbq('init', '1');</script>",
    "image": b"<img src=//static.hotjar.com/p.gif>",
}
EACH = {"script": 3, "snippet": 10, "image": 10}
"""Without the fuzz profile, a plant goes to one place of so many, in each case to others."""

_OF_ITS_OWN = re.compile(rb"src|href|fbq", re.IGNORECASE).search
"""What a case must hold to make a browser ask anybody, or run a snippet, when no plant is left in it."""


def places(case: HTML5Case, each: int) -> Iterator[int]:
    """One place of `each`, starting at another in each case; 1 for all."""
    return (place for place in range(len(case.html) + 1) if (place + case.number) % each == 0)


@pytest.fixture
def every(request: pytest.FixtureRequest) -> bool:
    """Whether to go to every place."""
    return bool(request.config.getoption("--hypothesis-profile") == "fuzz")


def test_the_files_hold_the_cases_that_we_know_of() -> None:
    assert sum(len(cases(file)) for file in files()) == 8738
    assert sum(len(case.html) + 1 for file in files() for case in cases(file)) == 141_274


# --- as they are ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", files())
def test_a_case_keeps_its_bytes_when_everything_is_granted(file: str) -> None:
    for case in cases(file):
        assert rewrite(case.page, page_url=PAGE, consent=GRANT_ALL) == case.page


@pytest.mark.parametrize("file", files())
def test_a_case_without_anything_refused_keeps_its_bytes_when_what_cannot_be_decided_is_kept(file: str) -> None:
    for case in cases(file):
        if not refusals(case.page):
            assert rewrite(case.page, page_url=PAGE, policy=KEEP) == case.page


@pytest.mark.parametrize("file", files())
def test_a_case_without_anything_refused_loses_only_what_cannot_be_decided(file: str) -> None:
    for case in cases(file):
        rewriter = Rewriter(None, None, PAGE)
        out = rewriter.feed(case.page) + rewriter.close()
        if refusals(case.page):
            assert refusals(out) == {}
        else:
            assert out == case.page or {removal.rule for removal in rewriter.removals} == {'on_undecidable: "remove"'}


def test_little_of_the_cases_cannot_be_decided() -> None:
    changed = [case for file in files() for case in cases(file) if rewrite(case.page, page_url=PAGE) != case.page]
    # Twenty noscripts, selects and the like that two browsers read in two ways, and two titles of drawings that never
    # end for a browser that looks ahead.
    assert len(changed) == 22


# --- with a plant -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("file", files())
def test_no_parser_sees_a_plant_at_any_place_of_a_case(file: str, plant: str, every: bool) -> None:
    seen: set[bytes] = set()
    failures = []
    for case in cases(file):
        of_its_own = _OF_ITS_OWN(case.page)
        for place in places(case, 1 if every else EACH[plant]):
            page = case.planted(place, PLANTS[plant])
            out = rewrite(page, page_url=PAGE)
            # An address that is not in the bytes is in no parser's tree, and other places may have led to these bytes.
            if (not of_its_own and b"hotjar" not in out and b"fbq" not in out) or out in seen:
                continue
            seen.add(out)
            if found := refusals(out):
                failures.append((page, out, found))
    assert failures == []


@pytest.mark.parametrize("plant", PLANTS)
def test_the_parsers_see_a_plant_in_about_half_of_the_pages_that_are_not_rewritten(plant: str) -> None:
    sample = [
        case.planted(place, PLANTS[plant])
        for file in files()
        for case in cases(file)[::20]
        for place in places(case, 7)
    ]
    assert sum(bool(refusals(page)) for page in sample) > 0.4 * len(sample)


@st.composite
def broken_off(draw: st.DrawFn) -> bytes:
    """A case with or without a plant, up to some place."""
    of_file = cases(draw(st.sampled_from(files())))
    case = of_file[draw(st.integers(0, 1000)) % len(of_file)]
    planted = case.planted(draw(st.integers(0, 200)) % (len(case.html) + 1), draw(_plants))
    return planted[: draw(st.none() | st.integers(0, len(planted)))]


_plants = st.sampled_from((*PLANTS.values(), b""))


@given(st.lists(broken_off(), min_size=2, max_size=4).map(b"".join))
def test_no_parser_sees_a_plant_where_one_case_breaks_off_and_the_next_begins(page: bytes) -> None:
    assert refusals(rewrite(page, page_url=PAGE)) == {}


# --- in chunks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", files())
def test_byte_by_byte_a_planted_case_comes_out_as_in_one_piece(file: str, every: bool) -> None:
    for case in cases(file):
        for place in places(case, 5 if every else 20):
            page = case.planted(place, PLANTS["script"])
            rewriter = Rewriter(None, None, PAGE)
            bytewise = [rewriter.feed(page[index : index + 1]) for index in range(len(page))]
            assert b"".join([*bytewise, rewriter.close()]) == rewrite(page, page_url=PAGE)
