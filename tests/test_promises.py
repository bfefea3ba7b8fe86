"""The promises of the rewriter as properties, over tidy pages and over markup that nobody writes but somebody may send.

pytest tests/test_promises.py --hypothesis-profile=fuzz      100,000 examples of each
"""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterable
from functools import partial

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dntguard.consent import REFUSE_ALL, Consent
from dntguard.elements import AMP_PURPOSES, ELEMENTS
from dntguard.policy import Policy
from dntguard.purposes import ALL_PURPOSES
from dntguard.rewriter import Rewriter, rewrite
from dntguard.scanner import INERT
from tests.endless import ENDLESS, cost
from tests.oracles import ORACLES, PAGE, Judgement, refusals, refused_elements
from tests.strategies import (
    Tidy,
    arbitrary_pages,
    at_every_chunking,
    chunk_sizes,
    cut,
    hostile_pages,
    tidy_pages,
)

KINDS = {"inline-script", "meta", "markup", "attribute", "css", "importmap", "speculationrules", "late-script"}
KINDS |= {element.kind for element in ELEMENTS.values()} | {name.decode() for name in AMP_PURPOSES}

EDITS = {"attribute", "css"} | {element.kind for element in ELEMENTS.values() if element.stays}
"""Removals after which the element is still there."""

GRANT_ALL = Consent(ALL_PURPOSES)
SMALL = Policy(max_undecided=1024)
POLICIES = st.sampled_from((Policy(), Policy(explain=True)))
NAMED = re.compile(rb"<!-- dntguard: [a-zA-Z0-9_.: -]+ -->")
"""What a removed element leaves with `explain`."""


def run(chunks: Iterable[bytes], policy: Policy | None = None, consent: Consent | None = None) -> bytes:
    rewriter = Rewriter(policy, consent, PAGE)
    return b"".join([*map(rewriter.feed, chunks), rewriter.close()])


# --- 1 identity -------------------------------------------------------------------------------------------------------


@given(arbitrary_pages, chunk_sizes)
def test_a_visitor_who_refuses_nothing_gets_the_bytes_of_the_application(page: bytes, sizes: list[int]) -> None:
    rewriter = Rewriter(None, GRANT_ALL, PAGE)
    for chunk in cut(page, sizes):
        assert rewriter.feed(chunk) is chunk
    assert rewriter.close() == b""
    assert not rewriter.removals
    assert rewriter.removal_count == 0


@given(arbitrary_pages, chunk_sizes)
def test_report_only_changes_no_byte_and_sees_what_would_be_removed(page: bytes, sizes: list[int]) -> None:
    watching = Rewriter(Policy(report_only=True), REFUSE_ALL, PAGE)
    acting = Rewriter(Policy(), REFUSE_ALL, PAGE)
    for chunk in cut(page, sizes):
        assert watching.feed(chunk) is chunk
        acting.feed(chunk)
    assert watching.close() == b""
    acting.close()
    assert watching.removals == acting.removals


@given(tidy_pages)
def test_a_page_without_anything_refused_keeps_its_bytes(page: Tidy) -> None:
    assert rewrite(page.kept, page_url=PAGE) == page.kept


# --- 2 soundness ------------------------------------------------------------------------------------------------------


@given(hostile_pages, chunk_sizes, POLICIES)
def test_no_parser_sees_anything_refused_in_the_output(page: bytes, sizes: list[int], policy: Policy) -> None:
    assert refusals(run(cut(page, sizes), policy)) == {}


@given(hostile_pages)
def test_no_parser_sees_anything_refused_when_nearly_nothing_may_be_held_back(page: bytes) -> None:
    filler = b"<div class='" + b"x" * 600 + b"'>"
    page = page.replace(b"<svg>", b"<svg>" + filler).replace(b" src", b" x='" + b"y" * 600 + b"' src")
    rewriter = Rewriter(SMALL, None, PAGE)
    out = b"".join([*map(rewriter.feed, cut(page, [100])), rewriter.close()])
    # A script over the limit is judged by what was seen of it; a mark that comes later is let through, and reported.
    assume(not any(removal.kind == "late-script" for removal in rewriter.removals))
    assert refusals(out) == {}


@given(hostile_pages)
def test_known_vendors_go_when_unclaimed_third_parties_are_kept(page: bytes) -> None:
    assert refusals(run([page], Policy(third_party="keep")), Judgement(unclaimed=False)) == {}


# --- 3 minimality -----------------------------------------------------------------------------------------------------


@given(tidy_pages, chunk_sizes, POLICIES)
def test_a_tidy_page_loses_exactly_what_is_refused(page: Tidy, sizes: list[int], policy: Policy) -> None:
    rewriter = Rewriter(policy, None, PAGE)
    out = b"".join([*map(rewriter.feed, cut(page.html, sizes)), rewriter.close()])
    assert NAMED.sub(INERT, out) == page.kept
    assert policy.explain or NAMED.search(out) is None
    assert rewriter.removal_count == page.removals


@given(tidy_pages, POLICIES)
def test_each_parser_sees_in_the_output_the_input_less_the_refused_elements(page: Tidy, policy: Policy) -> None:
    after = rewrite(page.html, page_url=PAGE, policy=policy)
    for parser, elements in ORACLES.items():
        before = elements(page.html)
        refused = set(map(id, refused_elements(before)))
        assert elements(after) == [element for element in before if id(element) not in refused], parser


@given(hostile_pages)
def test_the_output_is_made_of_pieces_of_the_input_in_order_and_inert_comments(page: bytes) -> None:
    rewriter = Rewriter(None, None, PAGE)
    out = rewriter.feed(page) + rewriter.close()
    # What becomes of a tag that stays with fewer attributes is in test_scanner.py, of a style in test_stylesheets.py.
    assume(not any(removal.kind in EDITS for removal in rewriter.removals) and b"srcdoc" not in page)
    assume(b"<!--[if" not in page)  # in such a comment something else is left
    first, *others = out.split(INERT)
    assert page.startswith(first)
    position = len(first)
    for piece in others[:-1]:
        position = page.find(piece, position)
        assert position >= 0
        position += len(piece)
    assert not others or (page.endswith(others[-1]) and len(page) - len(others[-1]) >= position)
    if INERT not in page and b"[if" not in page:
        assert len(others) == rewriter.removal_count == len(rewriter.removals)


# --- 4 idempotence ----------------------------------------------------------------------------------------------------


@given(hostile_pages, POLICIES)
def test_rewriting_the_output_changes_nothing(page: bytes, policy: Policy) -> None:
    once = rewrite(page, page_url=PAGE, policy=policy)
    assert rewrite(once, page_url=PAGE, policy=policy) == once


@given(hostile_pages)
def test_explaining_changes_nothing_but_the_comments(page: bytes) -> None:
    """Neither what is taken out, nor what stays."""
    assume(b"srcdoc" not in page)  # in an attribute a comment is written otherwise
    plain, explained = (Rewriter(Policy(explain=explain), None, PAGE) for explain in (False, True))
    before, after = (rewriter.feed(page) + rewriter.close() for rewriter in (plain, explained))
    assert explained.removals == plain.removals
    assert NAMED.sub(INERT, after) == before


# --- 5 streaming ------------------------------------------------------------------------------------------------------


@given(arbitrary_pages | hostile_pages, chunk_sizes, POLICIES)
def test_every_chunking_gives_the_same_output(page: bytes, sizes: list[int], policy: Policy) -> None:
    at_every_chunking(partial(run, policy=policy), page, sizes)


@given(tidy_pages, chunk_sizes, POLICIES)
def test_the_end_of_a_paragraph_releases_everything_before_it(page: Tidy, sizes: list[int], policy: Policy) -> None:
    rewriter = Rewriter(policy, None, PAGE)
    out = b"".join(map(rewriter.feed, cut(page.html + b"<p>x</p>", sizes)))
    assert NAMED.sub(INERT, out) == page.kept + b"<p>x</p>"
    assert rewriter.close() == b""


@given(
    tidy_pages,
    st.sampled_from(
        (
            b"<script",
            b"<script src=",
            b"<script src='/a.js",
            b"<script>let a = 1; if (a < 2",
            b"<script>let a = '</scri",
            b"<img src=//static.hotjar.com/ alt='",
            b"<noscript><p>x</p>",
            b"<",
            b"</",
            b"<!",
        )
    ),
)
def test_only_the_one_undecided_tag_or_script_is_held_back(page: Tidy, undecided: bytes) -> None:
    rewriter = Rewriter(None, None, PAGE)
    assert rewriter.feed(page.html + undecided) == page.kept


@given(hostile_pages, chunk_sizes)
def test_what_is_held_back_is_bounded_by_the_policy(page: bytes, sizes: list[int]) -> None:
    big = page + b"x" * 1000 + page + b"y='" * 700 + page
    rewriter = Rewriter(SMALL, None, PAGE)
    for chunk in cut(big, sizes):
        rewriter.feed(chunk)
    assert len(rewriter.close()) <= 1024 + max(sizes) + 32


@pytest.mark.measures
@pytest.mark.parametrize("construct", ENDLESS)
@pytest.mark.parametrize(("chunk", "size"), [(1 << 30, 60_000), (64, 20_000), (1, 6_000)], ids=["whole", "64", "1"])
def test_four_times_the_input_takes_about_four_times_as_long(construct: str, chunk: int, size: int) -> None:
    before = cost(construct, size, chunk)
    after = cost(construct, 4 * size, chunk)
    assert after < 8 * max(before, 0.002), f"{before:.4f} s, then {after:.4f} s"


@pytest.mark.measures
@pytest.mark.parametrize("construct", ENDLESS)
@pytest.mark.parametrize("chunk", [4096, 3])
def test_memory_is_bounded_whatever_the_length_of_the_page(construct: str, chunk: int) -> None:
    start, middle, _ = ENDLESS[construct]
    limit = 16 * 1024
    total = 500_000 if chunk > 1000 else 60_000
    rewriter = Rewriter(Policy(max_undecided=limit), None, PAGE)
    rewriter.feed(b"<p>warm up</p><script>a()</script><img src=//static.hotjar.com/><!--[if IE]><p><![endif]-->")
    piece = middle * (chunk // len(middle) + 1)
    tracemalloc.start()
    try:
        rewriter.feed(start)
        for _ in range(total // len(piece)):
            rewriter.feed(piece)
            rewriter.removals.clear()  # they are bounded by count: `MOST_REMOVALS`
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * limit + 100_000


# --- 7 never in the way -----------------------------------------------------------------------------------------------


@given(arbitrary_pages | hostile_pages, st.sampled_from(("remove", "keep")), chunk_sizes)
def test_no_input_makes_the_rewriter_raise(page: bytes, undecidable: str, sizes: list[int]) -> None:
    policy = Policy.from_mapping({"max_undecided": 1024, "on_undecidable": undecidable})
    run(cut(page * 5, sizes), policy)


@given(hostile_pages)
def test_every_removal_says_why(page: bytes) -> None:
    rewriter = Rewriter(None, None, PAGE)
    rewriter.feed(page)
    rewriter.close()
    for removal in rewriter.removals:
        assert removal.rule
        assert removal.kind in KINDS or removal.rule.startswith("data-dntguard=")
        assert removal.vendor is None or removal.purpose is not None
