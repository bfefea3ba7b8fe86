"""What the registry says of cookies and hosts that everybody meets, beside a table that was not written from it.

`vendor_table/cookies.toml` and `vendor_table/hosts.toml` were written from vendors' documentation by people who did not
look at the registry. Where data-protection officers differ, a row lists each purpose that can be defended; `own` are
names that sites give to cookies of their own.
"""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dntguard.consent import decide
from dntguard.policy import Policy
from dntguard.purposes import Purpose
from dntguard.signals import Signals
from dntguard.urls import parse_page_url, resolve
from dntguard.verdicts import verdicts_for

TABLES = Path(__file__).parent / "vendor_table"
POLICY = Policy()
REFUSED = POLICY.gpc_refuses
VERDICTS = verdicts_for(POLICY, decide(Signals(gpc=True), None, POLICY).granted)
PAGE = parse_page_url("https://www.shop.example/")

TOO_GENERIC = {
    "RT": "two letters that a site may well use itself",
    "SM": "two letters, on the vendor's own domain",
    "fr": "a site's cookie for French, too",
    "test_cookie": "what sites call it when they try whether cookies work",
    "CurrentContact": "what a site with customers may call its own",
    "_ly_su": "of one vendor by memory only, and short",
    "dm_timezone_offset": "a time zone, and no identifier",
}
"""Cookies of vendors that the registry leaves alone, and why: no pattern may take a name that could be a site's own."""


def rows(name: str, kind: str) -> list[Any]:
    table = tomllib.loads((TABLES / name).read_text("utf-8"))[kind]
    for row in table:
        row["purpose"] = [row["purpose"]] if isinstance(row["purpose"], str) else row["purpose"]
    return [pytest.param(row, id=row.get("name") or row["address"]) for row in table]


COOKIES = rows("cookies.toml", "cookie")
HOSTS = rows("hosts.toml", "host")


def kept(purposes: list[str]) -> bool:
    """Whether all that can be defended is kept for a visitor who sends a signal."""
    return REFUSED.isdisjoint(purposes)


@pytest.mark.parametrize("row", COOKIES)
def test_a_cookie_is_judged_as_its_documentation_says(row: dict[str, Any]) -> None:
    """What is not a tracker's stays; what is gets claimed, for a purpose that can be defended."""
    name, purposes = row["name"], row["purpose"]
    match = VERDICTS.registry.find_cookie(name)
    if purposes == ["own"]:
        assert match is None or match.vendor.purpose is Purpose.NECESSARY
    elif kept(purposes):
        assert VERDICTS.cookie(name) is None
        assert match is None or match.vendor.purpose not in REFUSED
    elif name not in TOO_GENERIC:
        assert match is not None
        # Where some officers would keep it, keeping it under another name of theirs is right too.
        keeps = match.vendor.purpose not in REFUSED and not set(purposes) <= REFUSED
        assert keeps or match.vendor.purpose in purposes
    else:
        assert match is None


@pytest.mark.parametrize("row", HOSTS)
def test_a_host_is_judged_as_its_documentation_says(row: dict[str, Any]) -> None:
    """As a script of another site: what must stay is claimed, or it would go as nobody's."""
    target = resolve(f"https://{row['address']}", PAGE)
    refusal = VERDICTS.host(target, PAGE, unclaimed=True)
    if kept(row["purpose"]):
        assert refusal is None
    elif set(row["purpose"]) <= REFUSED:
        assert refusal is not None
        assert refusal.vendor is not None
        assert refusal.purpose in row["purpose"]
    else:
        assert refusal is None or refusal.vendor is not None


def test_the_tables_are_as_large_as_we_say() -> None:
    """At least 300 cookies, 100 of them necessary or functional; at least 400 hosts, 150 of them must stay."""
    cookies = Counter(kept(row.values[0]["purpose"]) for row in COOKIES if row.values[0]["purpose"] != ["own"])
    hosts = Counter(kept(row.values[0]["purpose"]) for row in HOSTS)
    assert cookies.total() >= 300
    assert cookies[True] >= 100
    assert hosts.total() >= 400
    assert hosts[True] >= 150
    assert {str(row.id) for row in COOKIES}.issuperset(TOO_GENERIC)
