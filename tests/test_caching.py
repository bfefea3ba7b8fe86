"""What caches are told. The cases of `docs/concepts/caching.md` run with the case table."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.caching import (
    Seen,
    for_application,
    forbids_transforming,
    of_variant,
    varying,
    without_stale_signatures,
)
from dntguard.headers import Headers

ROOT = Path(__file__).parent.parent
V = b"0123456789"


def test_each_row_of_the_documentation_is_a_case_and_each_case_a_row() -> None:
    rows = re.findall(r"^\| ([a-z].*?) \|", (ROOT / "docs/concepts/caching.md").read_text("utf-8"), re.MULTILINE)
    cases = tomllib.loads((ROOT / "tests/cases/caching.toml").read_text("utf-8"))["case"]
    assert [row for row in rows if row not in ("response", "request or response")] == [case["name"] for case in cases]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [b"private"]),
        ([b"max-age=60"], [b"private, max-age=60"]),
        ([b"public, max-age=60", b"s-maxage=600"], [b"private, max-age=60"]),
        ([b"private"], [b"private"]),
        ([b" Private , max-age=1"], [b" Private , max-age=1"]),
        ([b"no-store"], [b"no-store"]),
        ([b"no-store, public"], [b"no-store, public"]),
        ([b"private, public, max-age=1"], [b"private, max-age=1"]),
        ([b'private="set-cookie, x", max-age=1'], [b"private, max-age=1"]),
        ([b'no-cache="a, public", public'], [b'private, no-cache="a, public"']),
        ([b'community="x'], [b'private, community="x']),
    ],
)
def test_what_a_choice_decided_is_no_shared_caches(before: list[bytes], after: list[bytes]) -> None:
    headers: Headers = [(b"CDN-Cache-Control", b"max-age=9"), *((b"Cache-Control", value) for value in before)]
    headers += [(b"x-cdn-cache-control", b"1"), (b"Surrogate-Control", b"1"), (b"x", b"1")]
    result = varying(headers, by_choice=True)
    assert [value for name, value in result if name.lower() == b"cache-control"] == after
    assert (b"vary", b"DNT, Sec-GPC, Cookie") in result
    assert not [name for name, _ in result if b"cdn" in name.lower() or b"surrogate" in name.lower()]
    assert (b"x", b"1") in result


def test_what_no_choice_decided_may_be_shared() -> None:
    headers: Headers = [(b"cache-control", b"public"), (b"cdn-cache-control", b"max-age=9")]
    assert varying(headers, by_choice=False) == [*headers, (b"vary", b"DNT, Sec-GPC")]


@pytest.mark.parametrize(
    ("value", "forbids"),
    [(b"no-transform", True), (b"a, No-Transform ", True), (b'x="no-transform"', False), (b"no-transform=1", False)],
)
def test_no_transform_is_a_directive(value: bytes, forbids: bool) -> None:
    assert forbids_transforming([(b"Cache-Control", b"max-age=1"), (b"cache-control", value)]) is forbids


def nothing(_: bytes) -> bool:
    return False


def everything(_: bytes) -> bool:
    return True


OPAQUE = st.text(st.sampled_from("!#ab~ws0\xff,-"), max_size=12).map(lambda text: text.encode("latin-1"))
TAGS = st.tuples(st.booleans(), OPAQUE).map(lambda it: b'%s"%s"' % (b"W/" if it[0] else b"", it[1]))


@given(TAGS, st.lists(TAGS), st.booleans())
def test_the_application_gets_its_own_tag_back(tag: bytes, others: list[bytes], spaced: bool) -> None:
    ((_, given_tag),) = of_variant([(b"etag", tag)], V)
    assert given_tag.startswith(b'W/"')
    assert given_tag != tag
    asked = (b", " if spaced else b",").join([*others, given_tag])
    headers, revalidated = for_application([(b"If-None-Match", asked)], V, reads=True, whole=True, knows=nothing)
    assert revalidated[-1] == tag
    assert headers == [(b"If-None-Match", b", ".join(revalidated))]
    # And to every other variant it is a stranger's.
    asking: Headers = [(b"if-none-match", given_tag)]
    assert for_application(asking, b"x", reads=True, whole=True, knows=nothing) == ([], [])
    # What is known to be of no page stays.
    assert for_application(asking, b"x", reads=True, whole=True, knows=everything) == (asking, [])


@given(TAGS)
def test_two_variants_never_share_a_tag(tag: bytes) -> None:
    tags = [of_variant([(b"etag", tag)], variant)[0][1] for variant in (V, b"9876543210")]
    assert len({tag, *tags}) == 3


@given(st.lists(st.tuples(st.sampled_from([b"If-None-Match", b"if-match", b"Range", b"if-range", b"x"]), st.binary())))
def test_no_condition_makes_it_raise_and_other_fields_stay(headers: Headers) -> None:
    result, _ = for_application(headers, V, reads=True, whole=True, knows=nothing)
    assert [pair for pair in result if pair[0] == b"x"] == [pair for pair in headers if pair[0] == b"x"]


@pytest.mark.parametrize("tags", [[b"e"], [b'"a"b"'], [b'"a" "b"'], [b'"a"', b'"b"'], [b'W/ "a"'], [b'"a\x00"']])
def test_what_is_no_tag_goes(tags: list[bytes]) -> None:
    assert of_variant([*((b"ETag", tag) for tag in tags), (b"x", b"1")], V) == [(b"x", b"1")]


SIGNED: Headers = [
    (b"x", b"1"),
    (b"Signature-Input", b'a=("x");p="q,r", b=("Y" "@path")'),
    (b"Signature", b"a=:A:, b=:B:"),
]


@pytest.mark.parametrize(
    ("after", "left"),
    [
        (SIGNED, SIGNED),
        ([(b"z", b"1"), *SIGNED], [(b"z", b"1"), *SIGNED]),
        (
            [(b"y", b"1"), *SIGNED],
            [(b"y", b"1"), (b"x", b"1"), (b"Signature-Input", b'a=("x");p="q,r"'), (b"Signature", b"a=:A:")],
        ),
        (SIGNED[1:], [(b"Signature-Input", b'b=("Y" "@path")'), (b"Signature", b"b=:B:")]),
        ([(b"y", b"1"), *SIGNED[1:]], [(b"y", b"1")]),
    ],
)
def test_a_signature_over_a_changed_field_goes(after: Headers, left: Headers) -> None:
    assert without_stale_signatures(SIGNED, after) == left


def test_a_signature_that_does_not_tell_what_it_covers_goes_with_the_first_change() -> None:
    old: Headers = [(b"signature", b'keyId="a",headers="date",signature="AA"')]
    assert without_stale_signatures(old, old) == old
    assert without_stale_signatures(old, [*old, (b"vary", b"DNT")]) == [(b"vary", b"DNT")]


def test_what_was_seen_is_forgotten_when_there_is_too_much_of_it() -> None:
    seen = Seen()
    for number in range(Seen.MOST):
        seen.add("shop.example", "/a", b'"%d"' % number)
    assert seen.knows("shop.example", "/a", b'"0"')
    assert not seen.knows("shop.example", "/b", b'"0"')
    seen.add("shop.example", "/a", b'"x"')
    assert seen.knows("shop.example", "/a", b'"x"')
    assert not seen.knows("shop.example", "/a", b'"0"')
