"""What is asked of the entries that come with dntguard: each rule on a file that breaks it."""

from typing import Any

import pytest

from dntguard.purposes import Purpose
from dntguard.vendors import Cookie, Registry, Vendor, load
from dntguard.vendors.checks import beside, conflicts, count, faults
from dntguard.vendors.registry import packed

GOOD = """\
[[vendor]]
id = "acme"
name = "Acme"
kind = "analytics"
purpose = "analytics"
source = "https://acme.example/docs"
hosts = ["acme.example"]
cookies = ["_acme"]

[[vendor]]
id = "box"
name = "Box"
kind = "chat"
purpose = "analytics"
why = "It records what is said."
source = "https://box.example/docs"
hosts = ["box.example"]
"""
OTHER = """\
[[vendor]]
id = "chat"
name = "Chat"
kind = "chat"
purpose = "functional"
source = "https://chat.example/docs"
hosts = ["chat.example"]
"""
FILES = {"analytics.toml": GOOD, "functional.toml": OTHER}
COMPILED = packed([*load(GOOD), *load(OTHER)])


def test_files_that_keep_every_rule_have_no_fault() -> None:
    """In whatever order they come."""
    assert faults(FILES, COMPILED) == []
    assert faults(dict(reversed(FILES.items())), COMPILED) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('id = "acme"', 'id = "c-acme"', "analytics.toml: vendor box: entries are sorted by id; put it before c-acme"),
        ('name = "Acme"\n', "", "analytics.toml: vendor acme: 'name' is missing; entries that come with dntguard have"),
        ('kind = "analytics"\n', "", "analytics.toml: vendor acme: 'kind' is missing;"),
        ('source = "https://acme.example/docs"\n', "", "analytics.toml: vendor acme: 'source' is missing;"),
        (
            'kind = "analytics"\npurpose = "analytics"',
            'kind = "chat"\npurpose = "functional"',
            "analytics.toml: vendor acme: its purpose is functional, so it belongs into functional.toml",
        ),
        (
            'kind = "analytics"',
            'kind = "chat"',
            "analytics.toml: vendor acme: a chat is functional, and this one analytics",
        ),
        (
            'kind = "chat"',
            'kind = "surveys"',
            "analytics.toml: vendor box: a surveys is analytics anyway; leave out 'why'",
        ),
        (
            'hosts = ["acme.example"]\ncookies = ["_acme"]',
            'cookies = ["_acme"]\nhosts = ["acme.example"]',
            "analytics.toml: vendor acme: write its keys in this order: id, name, kind, purpose, source, hosts",
        ),
        ('"_acme"', '"session"', "analytics.toml: vendor acme: cookies entry 'session' would take 'session'"),
        ("[[vendor]]", "[[vendors]]", "analytics.toml: vendor file: only [[vendor]] tables belong here"),
        ("[[vendor]]", "[[vendor", "analytics.toml: vendor file: not TOML: "),
        ('id = "box"', 'id = "chat"', "vendor chat: chat has the id 'chat' too; one of them must give it up"),
        (
            "box.example",
            "chat.example",
            "vendor chat: box has the host 'chat.example' too; one of them must give it up",
        ),
        ('"Acme"', '"Acme Inc"', "the compiled file is not that of the entries; run `make vendors`"),
    ],
)
def test_each_fault_is_a_sentence_that_says_what_to_write(old: str, new: str, fault: str) -> None:
    """The file, the vendor, what is wrong and what to do."""
    found = faults({**FILES, "analytics.toml": GOOD.replace(old, new)}, COMPILED)
    assert len(found) == 1
    assert found[0].startswith(fault)


def vendor(vendor_id: str, purpose: Purpose = Purpose.ANALYTICS, **facts: Any) -> Vendor:
    cookies = tuple(map(Cookie, facts.pop("cookies", ())))
    return Vendor(vendor_id, vendor_id, purpose, cookies=cookies, **facts)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"hosts": ("a.example/x",)}, "the host 'a.example/x'"),
        ({"paths": ("/a.js",)}, "the path '/a.js'"),
        ({"elements": ("script[data-a]",)}, "the element 'script[data-a]'"),
    ],
)
def test_what_two_vendors_claim_is_a_conflict(facts: dict[str, Any], said: str) -> None:
    """It can be only one's."""
    assert conflicts([vendor("a", **facts), vendor("b", **facts)]) == [
        f"vendor b: a has {said} too; one of them must give it up"
    ]


def test_a_cookie_may_be_of_two_vendors_of_one_purpose_only() -> None:
    """Those of one house share theirs; under two purposes its fate would depend on the order."""
    a, b = vendor("a", cookies=("_a",)), vendor("b", cookies=("_a",))
    assert conflicts([a, b]) == []
    fault = conflicts([a, vendor("c", Purpose.MARKETING, cookies=("_a",))])[0]
    assert fault.startswith("vendor c: the cookie '_a' is a's too, which is analytics; what becomes of it must not")


def test_a_site_is_told_what_its_own_entries_take_over() -> None:
    """Vendors, hosts and cookies; its own things are nobody's."""
    registry = Registry([vendor("a", hosts=("a.example",), cookies=("_a_*",)), vendor("b", hosts=("b.example/x",))])
    own = [
        vendor("own", hosts=("cdn.a.example", "b.example", "own.example"), cookies=("_a_1", "_own")),
        vendor("b", hosts=("b.example/x",)),
    ]
    assert beside(own, registry) == [
        "vendor own: 'cdn.a.example' is a's by 'a.example'",
        "vendor own: the cookie '_a_1' is a's by '_a_*'",
        "vendor b: takes the place of the entry that comes with dntguard",
    ]


def test_vendors_and_facts_are_counted_by_purpose_and_in_all() -> None:
    """Patterns, and vendors that have any; a purpose without vendors is a row of zeros."""
    counts = count(
        [
            vendor("a", hosts=("a.example", "b.example"), cookies=("_a",), inline=("a.example/x",), globals=("a", "b")),
            vendor("b", Purpose.MARKETING, paths=("/a.js",), elements=("script[data-a]",)),
        ]
    )
    assert list(counts) == ["necessary", "functional", "analytics", "marketing", "all"]
    assert list(counts["all"].values()) == [2, 2, 1, 1, 1, 1, 2, 1, 1]
    assert list(counts["analytics"].values()) == [1, 2, 1, 1, 1, 1, 2, 0, 0]
    assert set(counts["necessary"].values()) == {0}
