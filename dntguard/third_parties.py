"""Whom a page or a recorded visit asks beside the site itself, and which of them a registry knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from dntguard.elements import CONDITIONAL, ELEMENTS, candidates, is_data_block, is_live, runs
from dntguard.policy import Policy
from dntguard.purposes import ALWAYS_GRANTED
from dntguard.scanner import Filter, Scanner, Text, attribute_value, tag_parts
from dntguard.stylesheets import StyleSheet, css_without_refused
from dntguard.urls import INVALID_HOST, Location, parse_page_url, resolve
from dntguard.vendors import Match
from dntguard.verdicts import Verdicts, verdicts_for

_CHUNK = 16 * 1024


class ThirdParty(NamedTuple):
    """Somebody that a page asks, or that has a hand in it.

    Attributes:
        kind: `"host"`, `"cookie"`, `"inline-script"`; `"path"` for a vendor's tag that the site's own host serves,
            `"tag"` for one that is a vendor's by its attributes.
        what: the host, the cookie's name, the start of the script, the address, the pattern.
        times: how often.
        match: the vendor and the pattern; None when no vendor claims it.
    """

    kind: str
    what: str
    times: int
    match: Match | None


def in_page(html: bytes, page_url: str, policy: Policy) -> list[ThirdParty]:
    """The third parties of an HTML page: hosts that its elements and styles ask, and scripts that are a vendor's.

    Args:
        html: the page, in an encoding whose first 128 characters are ASCII's.
        page_url: its absolute http or https address.
        policy: what is the site's own, and further vendors.

    Raises:
        ValueError: `page_url` is no such address.
    """
    census = _Census(parse_page_url(page_url), policy)
    scanner = Scanner(census, policy.max_undecided)
    for begin in range(0, len(html), _CHUNK):
        scanner.feed(html[begin : begin + _CHUNK])
    scanner.close()
    return census.in_order()


def in_har(har: object, page_url: str | None, policy: Policy) -> list[ThirdParty]:
    """The third parties of a visit that a browser recorded: hosts that were asked, and cookies.

    Args:
        har: the value in a HAR file (HTTP Archive format 1.2).
        page_url: the address of the page; None for that of the first request.
        policy: what is the site's own, and further vendors.

    Raises:
        ValueError: it is no HAR, or there is no page.
    """
    entries = _at(_at(har, "log"), "entries")
    if not isinstance(entries, list):
        raise ValueError("no HAR: there is no list log.entries")
    urls = [url for entry in entries if isinstance(url := _at(_at(entry, "request"), "url"), str)]
    if page_url is None and not urls:
        raise ValueError("the HAR holds no request; say which page it is")
    census = _Census(parse_page_url(page_url or urls[0]), policy)
    for url in urls:
        census.asks(url, runs=True, image=True)
    for entry in entries:
        for side in ("request", "response"):
            cookies = _at(_at(entry, side), "cookies")
            for cookie in cookies if isinstance(cookies, list) else ():
                if isinstance(name := _at(cookie, "name"), str):
                    census.found["cookie", name, census.verdicts.registry.find_cookie(name)] += 1
    return census.in_order()


def _at(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, Mapping) else None


class _Census:
    """Counts whom a page asks, as the judge of a scanner that keeps everything."""

    relative_is_kept = False
    ambiguous = None

    def __init__(self, page: Location, policy: Policy) -> None:
        self.verdicts: Verdicts = verdicts_for(policy, ALWAYS_GRANTED)
        self.found: Counter[tuple[str, str, Match | None]] = Counter()
        self.tags: Any = self  # what a scanner looks up by a tag's bytes
        self._page = page
        self._base = page

    def in_order(self) -> list[ThirdParty]:
        """What was found, kind by kind, the most frequent first."""
        parties = [ThirdParty(kind, what, times, match) for (kind, what, match), times in self.found.items()]
        return sorted(parties, key=lambda party: (party.kind, -party.times, party.what))

    def asks(self, url: str, *, runs: bool, image: bool) -> None:
        """Count an address; see `Verdicts.host` for what `runs` and `image` are."""
        target = resolve(url, self._base)
        if not target.host or target.host == INVALID_HOST:
            return
        match = next(self.verdicts.claims(target, self._page, runs=runs, image=image), None)
        if not self.verdicts.own(target.host, self._page.host):
            self.found["host", target.host, match] += 1
        elif match is not None:
            self.found["path", f"{target.host}{target.path}", match] += 1

    def __getitem__(self, tag: bytes) -> Text | None:
        name, found = tag_parts(tag)

        def value(attribute: bytes) -> str:
            written = found.get(attribute)
            return "" if written is None else attribute_value(written)

        for match in self.verdicts.registry.find_element(name, found, value):
            self.found["tag", match.rule, match] += 1
        element = ELEMENTS.get(name)
        if element is not None and (name not in CONDITIONAL or is_live(name, value)):
            urls = [value(attribute) for attribute in element.urls if attribute in found]
            urls += [url for attribute in element.srcsets for url in candidates(value(attribute))]
            run = runs(name, element, value, hidden=b"hidden" in found)
            for url in urls:
                self.asks(url, runs=run, image=element.image)
        if name == b"script" and b"src" not in found and not is_data_block(value(b"type").strip().lower()):
            return Text.SCRIPT
        return Text.STYLE if name == b"style" else None

    def text(self, kind: Text, text: bytes) -> None:
        """Count whom a script or style asks."""
        if kind is Text.STYLE:
            css_without_refused(text, self._in_style)
            return
        for match in self.verdicts.registry.find_inline(text):
            start = " ".join(text.decode("utf-8", "replace").split())[:60]
            self.found["inline-script", start, match] += 1

    def style(self) -> Filter:
        """What reads a style over the limit."""
        return StyleSheet(self._in_style)

    def _in_style(self, url: str) -> bool:
        self.asks(url, runs=False, image=False)
        return False

    def base(self, tag: bytes) -> None:
        """Learn what relative addresses are relative to."""
        href = tag_parts(tag)[1].get(b"href")
        if href is not None and self._base is self._page:
            self._base = resolve(attribute_value(href), self._page)

    def removed(self, verdict: object, tag: bytes) -> None:
        """Nothing is."""

    def passed(self, verdict: object) -> None:
        """Nothing is refused."""
