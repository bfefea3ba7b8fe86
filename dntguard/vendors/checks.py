"""What an entry must have to come with dntguard, beyond the schema that a site's own entries follow too."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from dntguard.errors import VendorDataError
from dntguard.purposes import Purpose
from dntguard.vendors.kinds import KINDS
from dntguard.vendors.registry import Registry, packed
from dntguard.vendors.schema import KEYS, Vendor, load


def faults(files: Mapping[str, str], curated: str) -> list[str]:
    """What is wrong with the data files, a sentence each.

    Args:
        files: the TOML files, from their names to their texts.
        curated: the file that they are compiled to.
    """
    found: list[str] = []
    vendors: list[Vendor] = []
    for name, text in sorted(files.items()):
        try:
            entries = load(text)
        except VendorDataError as error:
            found.append(f"{name}: {error}")
            continue
        vendors.extend(entries)
        found.extend(f"{name}: {fault}" for fault in _of_file(name, text, entries))
    found.extend(conflicts(vendors))
    if not found and packed(vendors) != curated:
        found.append("the compiled file is not that of the entries; run `make vendors`")
    return found


def _of_file(name: str, text: str, vendors: list[Vendor]) -> Iterator[str]:
    for before, after in pairwise(vendor.id for vendor in vendors):
        if after < before:
            yield f"vendor {after}: entries are sorted by id; put it before {before}"
    for entry, vendor in zip(tomllib.loads(text).get("vendor", []), vendors, strict=True):
        fault = _of_entry(name, entry, vendor)
        if fault is not None:
            yield f"vendor {vendor.id}: {fault}"


def _of_entry(name: str, entry: Mapping[str, object], vendor: Vendor) -> str | None:
    missing = [key for key in ("name", "kind", "source") if key not in entry]
    if missing:
        return f"{missing[0]!r} is missing; entries that come with dntguard have a name, a kind and a source"
    if name != f"{vendor.purpose}.toml":
        return f"its purpose is {vendor.purpose}, so it belongs into {vendor.purpose}.toml"
    kind = KINDS[vendor.kind]
    if (vendor.purpose is kind.purpose) is bool(vendor.why):
        if vendor.why:
            return f"a {vendor.kind} is {vendor.purpose} anyway; leave out 'why'"
        return f"a {vendor.kind} is {kind.purpose}, and this one {vendor.purpose}; say in 'why' what makes it so"
    order = [key for key in KEYS if key in entry]
    if list(entry) != order:
        return f"write its keys in this order: {', '.join(order)}"
    return None


def conflicts(vendors: Iterable[Vendor]) -> list[str]:
    """Where two vendors claim the same, a sentence each: an id, a host pattern, a cookie under two purposes."""
    found: list[str] = []
    owners: dict[tuple[str, str], Vendor] = {}
    for vendor in vendors:
        names = [("id", vendor.id), *(("host", host) for host in vendor.hosts)]
        names += [("path", path) for path in vendor.paths] + [("element", element) for element in vendor.elements]
        for what, name in names:
            owner = owners.setdefault((what, name), vendor)
            if owner is not vendor:
                found.append(f"vendor {vendor.id}: {owner.id} has the {what} {name!r} too; one of them must give it up")
        for cookie in vendor.cookies:
            owner = owners.setdefault(("cookie", cookie.name), vendor)
            if owner.purpose is not vendor.purpose:
                found.append(
                    f"vendor {vendor.id}: the cookie {cookie.name!r} is {owner.id}'s too, which is {owner.purpose}; "
                    "what becomes of it must not depend on who is asked first"
                )
    return found


def beside(vendors: Iterable[Vendor], registry: Registry) -> list[str]:
    """What a site's own entries take over from the vendors of a registry, a sentence each."""
    found: list[str] = []
    for vendor in vendors:
        if vendor.id in registry:
            found.append(f"vendor {vendor.id}: takes the place of the entry that comes with dntguard")
        for pattern in vendor.hosts:
            host, slash, path = pattern.partition("/")
            match = registry.find_url(host, slash + path)
            if match is not None and match.vendor.id != vendor.id:
                found.append(f"vendor {vendor.id}: {pattern!r} is {match.vendor.id}'s by {match.rule!r}")
        for cookie in vendor.cookies:
            match = registry.find_cookie(cookie.name)
            if match is not None and match.vendor.id != vendor.id:
                found.append(f"vendor {vendor.id}: the cookie {cookie.name!r} is {match.vendor.id}'s by {match.rule!r}")
    return found


def count(vendors: Iterable[Vendor]) -> dict[str, dict[str, int]]:
    """How many vendors and facts there are, by purpose and in all, from the kind of fact to its number."""
    counts: dict[str, dict[str, int]] = {}
    for vendor in vendors:
        for row in (vendor.purpose.value, "all"):
            facts = counts.setdefault(row, dict.fromkeys(FACTS, 0))
            facts["vendors"] += 1
            facts["hosts"] += len(vendor.hosts)
            facts["cookies"] += len(vendor.cookies)
            facts["with inline"] += bool(vendor.inline)
            facts["inline"] += len(vendor.inline)
            facts["with globals"] += bool(vendor.globals)
            facts["globals"] += len(vendor.globals)
            facts["paths"] += len(vendor.paths)
            facts["elements"] += len(vendor.elements)
    rows = [*(purpose.value for purpose in Purpose), "all"]
    return {row: counts.get(row, dict.fromkeys(FACTS, 0)) for row in rows}


FACTS = ("vendors", "hosts", "cookies", "with inline", "inline", "with globals", "globals", "paths", "elements")
"""The columns of `count`: numbers of patterns, and of vendors that have any."""
