"""`python -m dntguard vendors`: list the vendors, count them, check them, and see whom a page asks."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from dntguard.cli.mistakes import UsageError
from dntguard.errors import VendorDataError
from dntguard.policy import Policy
from dntguard.purposes import Purpose
from dntguard.third_parties import ThirdParty, in_har, in_page
from dntguard.vendors import KINDS, Registry, Vendor, load_file
from dntguard.vendors.checks import FACTS, beside, count, faults
from dntguard.vendors.registry import CURATED, LONG_TAIL_ID, compiled, sources
from dntguard.vendors.schema import LIFETIMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("text", metavar="TEXT", nargs="?", default="", help="what the id, name or a pattern holds")
    parser.add_argument("--purpose", choices=[purpose.value for purpose in Purpose], help="only these")
    parser.add_argument("--kind", choices=sorted(KINDS), metavar="KIND", help=f"only these: {', '.join(KINDS)}")
    parser.add_argument("--policy", metavar="FILE.toml", help="a TOML file of policy options, with vendors of your own")
    parser.add_argument("--json", action="store_true", help="write the entries, or the third parties, as JSON")
    parser.add_argument("--url", help="with --coverage: the page's address, which says what is first party")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--stats", action="store_true", help="count vendors and facts by purpose")
    what.add_argument(
        "--check", metavar="FILE.toml", nargs="?", const="",
        help="check a file of your own entries, and what they take over; without a file, the entries of dntguard",
    )  # fmt: skip
    what.add_argument("--coverage", metavar="FILE", help="whom an HTML page or a HAR file asks: who is known, who not")


def run(options: argparse.Namespace, policy: Policy) -> int:
    """Run the command. Returns the exit code: 0 for success, 1 when a check found something or nothing was found."""
    if options.check is not None:
        return _check(options.check)
    registry = policy.registry
    if options.coverage is not None:
        return _coverage(Path(options.coverage), options.url, policy, as_json=options.json)
    vendors = [vendor for vendor in registry.vendors if _wanted(vendor, options)]
    if options.stats:
        return _stats(vendors)
    if options.json:
        print(json.dumps([_as_dict(vendor) for vendor in vendors], indent=1))
    else:
        rows = [
            (vendor.id, vendor.kind or "-", vendor.purpose.value, vendor.name, ", ".join(_patterns(vendor)[:4]))
            for vendor in vendors
        ]
        _table(("ID", "KIND", "PURPOSE", "NAME", "PATTERNS"), rows)
        print(f"{len(vendors)} vendors")
    return 0 if vendors else 1


def _wanted(vendor: Vendor, options: argparse.Namespace) -> bool:
    return (
        options.purpose in (None, vendor.purpose.value)
        and options.kind in (None, vendor.kind)
        and any(options.text.lower() in text.lower() for text in (vendor.id, vendor.name, *_patterns(vendor)))
    )


def _patterns(vendor: Vendor) -> tuple[str, ...]:
    cookies = tuple(cookie.name for cookie in vendor.cookies)
    return (*vendor.hosts, *cookies, *vendor.inline, *vendor.paths, *vendor.elements)


def _as_dict(vendor: Vendor) -> dict[str, object]:
    entry: dict[str, object] = vendor._asdict()
    entry["cookies"] = [cookie._asdict() for cookie in vendor.cookies]
    return entry


# --- counts -----------------------------------------------------------------------------------------------------------


def _stats(vendors: Sequence[Vendor]) -> int:
    curated = [vendor for vendor in vendors if not vendor.id.startswith(LONG_TAIL_ID)]
    for title, some in (("curated", curated), ("with the long tail", vendors)):
        rows = [(row, *map(str, facts.values())) for row, facts in count(some).items()]
        _table((title.upper(), *(fact.upper() for fact in FACTS)), rows)
        print()
    kinds = Counter(vendor.kind or "-" for vendor in curated)
    lifetimes = Counter((cookie.lifetime, cookie.third_party) for vendor in curated for cookie in vendor.cookies)
    _table(("KIND", "VENDORS"), [(kind, str(number)) for kind, number in kinds.most_common()])
    print()
    rows = [(life, str(lifetimes[life, False]), str(lifetimes[life, True])) for life in LIFETIMES]
    _table(("LIFETIME", "FIRST-PARTY COOKIES", "THIRD-PARTY"), rows)
    return 0


# --- checks -----------------------------------------------------------------------------------------------------------


def _check(path: str) -> int:
    if not path:
        found = faults(sources(), compiled(CURATED))
        for fault in found:
            print(fault)
        print(f"{len(found)} faults" if found else "ok: schema, order, ids, hosts, cookies and sources")
        return 1 if found else 0
    try:
        own = Registry(load_file(path)).vendors
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except VendorDataError as error:
        print(error)
        return 1
    taken = beside(own, Registry.default())
    for line in taken:
        print(line)
    print(f"ok: {len(own)} vendors, and {len(taken)} of what they claim was another's")
    return 0


# --- whom a page asks -------------------------------------------------------------------------------------------------


def _coverage(path: Path, url: str | None, policy: Policy, *, as_json: bool) -> int:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    try:
        if (text := _json_text(data)) is not None:
            parties = in_har(json.loads(text), url, policy)
        elif url is None:
            raise UsageError("--url: say which address the page has, so that its own hosts are known")
        else:
            parties = in_page(data, url, policy)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON: {error}") from None
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    if as_json:
        print(json.dumps([_party(party) for party in parties], indent=1))
        return 0
    rows = [
        (
            party.kind,
            str(party.times),
            party.match.vendor.id if party.match else "-",
            party.match.vendor.purpose.value if party.match else "-",
            "".join(char if char.isprintable() else " " for char in party.what)[:100],
        )
        for party in parties
    ]
    _table(("KIND", "TIMES", "VENDOR", "PURPOSE", "WHAT"), rows)
    hosts = {party.what: party for party in parties if party.kind == "host"}
    known = [party for party in hosts.values() if party.match is not None]
    by_purpose = Counter(party.match.vendor.purpose.value for party in known if party.match)
    said = ", ".join(f"{purpose} {number}" for purpose, number in by_purpose.most_common())
    print(
        f"{len(hosts)} third-party hosts: {len(known)} known{f' ({said})' if said else ''}, "
        f"{len(hosts) - len(known)} not"
    )
    return 0


def _json_text(data: bytes) -> str | None:
    """The text of a JSON object, in UTF-8 or UTF-16; None for what is none."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = data.decode(encoding, "replace")
    return text if text.lstrip().startswith("{") else None


def _party(party: ThirdParty) -> dict[str, object]:
    vendor = party.match.vendor if party.match else None
    return {
        "kind": party.kind,
        "what": party.what,
        "times": party.times,
        "vendor": vendor.id if vendor else None,
        "purpose": vendor.purpose.value if vendor else None,
        "rule": party.match.rule if party.match else None,
    }


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head) - 1)]
    for line in lines:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip())
