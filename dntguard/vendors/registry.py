"""All vendors, compiled for look-up: who a host, a path, a cookie or an inline snippet belongs to."""

from __future__ import annotations

import gc
import json
import pkgutil
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache, cached_property, lru_cache
from threading import Lock

from dntguard.errors import VendorDataError
from dntguard.purposes import Purpose
from dntguard.urls import parents
from dntguard.vendors.inline import InlineMarks, Snippet
from dntguard.vendors.marks import Marks, Match, Value
from dntguard.vendors.schema import Cookie, Vendor, name_pattern

CURATED = "vendors.json"
"""The entries of `dntguard/data/*.toml` in one file, which is read in a twentieth of the time."""
LONG_TAIL = "third-party-web.json"
"""What is known of further hosts from the data of third-party-web; see the notice beside it."""
LONG_TAIL_ID = "tpw-"
"""How the ids of these begin."""

_INDEXED = 4
"""By how many characters cookie patterns are indexed."""


class Registry:
    """All vendors, compiled for look-up. Immutable, shared by threads and tasks.

    Args:
        vendors: the entries.

    Raises:
        VendorDataError: two entries claim the same id or host pattern.
    """

    def __init__(self, vendors: Iterable[Vendor]) -> None:
        self.vendors = tuple(vendors)
        self._by_id: dict[str, Vendor] = {}
        self._hosts: dict[str, dict[str, Vendor]] = {}  # by host, and on it by path prefix: "" for the whole host
        self._cookies: dict[str, Vendor] = {}
        # By how they begin: what is before the first star and after the last, the pattern and whose it is.
        self._cookie_patterns: dict[str, list[tuple[str, str, str, Vendor]]] = {}
        for vendor in self.vendors:
            if vendor.id in self._by_id:
                raise VendorDataError(vendor.id, "the id is used twice")
            self._by_id[vendor.id] = vendor
            for pattern in vendor.hosts:
                host, slash, path = pattern.partition("/")
                if self._hosts.setdefault(host, {}).setdefault(slash + path, vendor) is not vendor:
                    raise VendorDataError(vendor.id, f"another vendor claims the host pattern {pattern!r}")
            for name, _, _ in vendor.cookies:
                start, star, rest = name.partition("*")
                if star:
                    entry = start, rest.rpartition("*")[2], name, vendor
                    self._cookie_patterns.setdefault(start[:_INDEXED], []).append(entry)
                else:
                    # Two vendors of one house may set the same cookie: the first entry names it.
                    self._cookies.setdefault(name, vendor)
        for host, prefixes in self._hosts.items():
            if len(prefixes) > 1:  # the longest decides
                self._hosts[host] = dict(sorted(prefixes.items(), key=lambda entry: -len(entry[0])))
        self._inline = InlineMarks(self.vendors, self.find_url)
        self._marks = Marks(self.vendors)
        self.may_be_marked = self._marks.may_stand_in

    @staticmethod
    def default() -> Registry:
        """The registry of the vendors that come with dntguard; read once per process."""
        with _LOCK:  # threads that start together build one
            return _default()

    @staticmethod
    @lru_cache(maxsize=64)
    def of(vendors: tuple[Vendor, ...], purposes: Mapping[str, Purpose]) -> Registry:
        """The registry of a site: the default one with entries of its own and purposes as it files them.

        Args:
            vendors: the site's own entries. One with the id of a known vendor takes its place; of what another claims
                too, the site's own entry has it.
            purposes: from the ids of vendors to the purposes that they are to have; hashable.

        Raises:
            VendorDataError: two of the site's own entries claim the same id or host pattern.
        """
        default = Registry.default()
        if not vendors and not purposes:
            return default
        own = Registry(vendors)
        others = (own.left_of(vendor) for vendor in default.vendors if vendor.id not in own)
        everybody = (*own.vendors, *others)
        return Registry(
            vendor._replace(purpose=purposes[vendor.id]) if vendor.id in purposes else vendor for vendor in everybody
        )

    @cached_property
    def fingerprint(self) -> str:
        """A short name of what is in it: the same in every process that has the same vendors."""
        from hashlib import blake2b  # noqa: PLC0415  # costs every start milliseconds; it is asked for once, if ever

        return blake2b(repr(self.vendors).encode(), digest_size=8).hexdigest()

    def __contains__(self, vendor_id: object) -> bool:
        return vendor_id in self._by_id

    def get(self, vendor_id: str) -> Vendor | None:
        """The vendor of that id."""
        return self._by_id.get(vendor_id)

    def left_of(self, vendor: Vendor) -> Vendor:
        """What a vendor claims that none in this registry does; names and globals are nobody's own."""
        taken = self._claimed

        def left(key: str) -> tuple[str, ...]:
            return tuple(pattern for pattern in getattr(vendor, key) if pattern not in taken[key])

        return vendor._replace(
            hosts=left("hosts"),
            cookies=tuple(cookie for cookie in vendor.cookies if self.find_cookie(cookie.name) is None),
            inline=left("inline"),
            paths=left("paths"),
            elements=left("elements"),
        )

    @cached_property
    def _claimed(self) -> dict[str, frozenset[str]]:
        """All patterns but cookies, by the attribute of a vendor that holds them."""
        keys = ("hosts", "inline", "paths", "elements")
        return {key: frozenset(it for vendor in self.vendors for it in getattr(vendor, key)) for key in keys}

    # --- hosts and paths ----------------------------------------------------------------------------------------------

    def match_host(self, host: str) -> Vendor | None:
        """Who the whole host belongs to (`"www.google-analytics.com"`), whatever the path."""
        match = self.find_url(host.lower().removesuffix("."), "")
        return match.vendor if match else None

    def match_url(self, host: str, path: str) -> Vendor | None:
        """Who a host and path belong to; a path prefix on a host wins over the host."""
        match = self.find_url(host, path)
        return match.vendor if match else None

    def knows_paths(self, host: str) -> bool:
        """Whether it depends on the path whom a URL on `host` belongs to."""
        return any(any(self._hosts.get(name, ())) for name in parents(host))

    def find_url(self, host: str, path: str) -> Match | None:
        """The pattern behind `match_url`: the most specific host first, on it the longest path prefix first."""
        for name in parents(host):
            if name in self._hosts:
                for prefix, vendor in self._hosts[name].items():
                    if path.startswith(prefix):
                        return Match(vendor, name + prefix)
        return None

    def find_path(self, path: str, query: str, *, runs: bool) -> Iterator[Match]:
        """Whose tags any host serves under this path and query; see `Marks.find_path`."""
        return self._marks.find_path(path, query, runs=runs)

    def find_element(self, name: bytes, attributes: Collection[bytes], value: Value) -> Iterator[Match]:
        """Whose tag it is by its name and attributes; see `Marks.find_element`."""
        return self._marks.find_element(name, attributes, value)

    # --- cookies ------------------------------------------------------------------------------------------------------

    def match_cookie(self, name: str) -> Vendor | None:
        """Who sets a cookie of this name; names are case-sensitive (RFC 6265 section 5.3)."""
        match = self.find_cookie(name)
        return match.vendor if match else None

    def find_cookie(self, name: str) -> Match | None:
        """The pattern behind `match_cookie`: an exact name wins, then the longest pattern."""
        exact = self._cookies.get(name)
        if exact is not None:
            return Match(exact, name)
        found = [
            Match(vendor, pattern)
            for length in range(_INDEXED + 1)
            for start, end, pattern, vendor in self._cookie_patterns.get(name[:length], ())
            if name.startswith(start) and name.endswith(end) and _takes(pattern, name)
        ]
        return max(found, key=lambda match: len(match.rule)) if found else None

    # --- inline scripts -----------------------------------------------------------------------------------------------

    def find_inline(self, text: bytes) -> tuple[Match, ...]:
        """The vendors whose snippet an inline script holds, in the order of their marks in the text."""
        return tuple(dict.fromkeys(snippet.match for snippet in self._inline.find(text)))

    def each_inline(self, text: bytes) -> Iterator[Snippet]:
        """The snippets one by one, as far as somebody asks: the first that is refused decides, the rest costs time."""
        return self._inline.find(text)


_LOCK = Lock()


@cache
def _default() -> Registry:
    collects = gc.isenabled()
    gc.disable()  # thousands of small objects that all stay: looking for garbage among them is a fifth of the time
    try:
        return Registry(vendor for name in (CURATED, LONG_TAIL) for vendor in unpacked(compiled(name)))
    finally:
        if collects:
            gc.enable()


def _takes(pattern: str, name: str) -> bool:
    """Whether a pattern takes a name that begins and ends as it does."""
    if pattern.count("*") == 1:
        return len(name) >= len(pattern) - 1  # what is before the star and what is after it do not overlap
    return _regular(pattern).fullmatch(name) is not None


@cache
def _regular(pattern: str) -> re.Pattern[str]:
    return re.compile(name_pattern(pattern))


# --- the data in one file -------------------------------------------------------------------------------------------


def sources() -> dict[str, str]:
    """The TOML files of the curated vendors, from their names to their texts."""
    return {name: _data(name) for name in (f"{purpose.value}.toml" for purpose in Purpose)}


def compiled(name: str) -> str:
    """The text of `CURATED` or `LONG_TAIL`."""
    return _data(name)


def _data(name: str) -> str:
    return (pkgutil.get_data("dntguard", f"data/{name}") or b"").decode()


def packed(vendors: Iterable[Vendor]) -> str:
    """The vendors as JSON, a vendor a line, for `CURATED` and `LONG_TAIL`."""
    rows = (json.dumps(_row(vendor), ensure_ascii=False, separators=(",", ":")) for vendor in vendors)
    return "[\n" + ",\n".join(rows) + "\n]\n"


def _row(vendor: Vendor) -> list[object]:
    row: list[object] = list(vendor)
    while not row[-1]:
        row.pop()  # the defaults
    return row


def unpacked(text: str) -> Iterator[Vendor]:
    """The vendors of a text that `packed` wrote."""
    purposes = {purpose.value: purpose for purpose in Purpose}
    for row in json.loads(text):
        row[2] = purposes[row[2]]
        row[6:] = map(tuple, row[6:])
        if len(row) > 7:
            row[7] = tuple([Cookie(*cookie) for cookie in row[7]])
        yield Vendor(*row)
