"""Whole pages, as two parsers see them before and after: `python -m tests.whole_pages FOLDER` for pages of one's own.

With everything granted a page must keep its bytes. With everything refused nothing refused may be left, and every
element of the site's own must still be there; what is refused is asked of dntguard's own verdicts, host by host, and
what an element is, and whom it asks, of html5lib and lexbor.

The host of each script of another site must be a vendor's, or be listed in `vendor_table/unclaimed.toml` with a reason;
and no inline script may be left that makes an element or an image and names a refused vendor's host.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ada_url import URL

from dntguard.consent import REFUSE_ALL, Consent
from dntguard.policy import Policy
from dntguard.purposes import ALL_PURPOSES
from dntguard.rewriter import rewrite
from dntguard.urls import Location, parse_host, parse_page_url
from dntguard.verdicts import verdicts_for
from tests.bench.pages import Page, own_pages, pages_in
from tests.oracles import Element, candidates, html5lib_elements, lexbor_elements

PARSERS = {"html5lib": html5lib_elements, "lexbor": lexbor_elements}
_CODE = frozenset(("script", "iframe", "frame", "embed", "object"))
_ADDRESSES = {
    "script": ("src",), "iframe": ("src",), "frame": ("src",), "embed": ("src",), "object": ("data",),
    "img": ("src",), "source": ("src",), "track": ("src",), "video": ("src", "poster"), "audio": ("src",),
    "form": ("action",), "link": ("href",),
}  # fmt: skip
_FETCHING_LINKS = frozenset(("stylesheet", "preload", "prefetch", "preconnect", "dns-prefetch", "icon", "manifest"))


_LISTED = tomllib.loads((Path(__file__).parent / "vendor_table" / "unclaimed.toml").read_text("utf-8"))
UNCLAIMED = {entry["address"]: entry["reason"] for entry in _LISTED["host"]}
LEFT = {entry["page"]: entry["reason"] for entry in _LISTED["script"]}
_MAKES = re.compile(r"createElement\(\s*[\"']script|document\.write|new Image|\.src\s*=").search
_NAMED = re.compile(r"//((?:[a-z0-9-]+\.)+[a-z]{2,})").findall


class Whom:
    """Whom the elements of a page ask, and which of them is refused."""

    def __init__(self, page: Page) -> None:
        self._url = page.url
        self._location = parse_page_url(page.url)
        self._verdicts = verdicts_for(Policy(), REFUSE_ALL.granted)

    def refused(self, element: Element) -> list[str]:
        """The addresses of an element that are refused."""
        if self._is_refused_tag(element):
            return [f"<{element.name}>"]
        return [url for url in self._asked(element) if self._refuses(url, element.name)]

    def _is_refused_tag(self, element: Element) -> bool:
        given = {key.encode("utf-8", "replace"): value for key, value in element.attributes.items()}
        name = element.name.encode()
        return self._verdicts.element(name, given, lambda key: given.get(key, ""), self._location) is not None

    def unknown(self, element: Element) -> list[str]:
        """The hosts of an element that are another site's and no vendor's."""
        hosts = [
            (parse_host(target.host), target.pathname) for url in self._asked(element) if (target := self._target(url))
        ]
        registry = self._verdicts.registry
        return [
            host
            for host, path in hosts
            if not self._verdicts.own(host, self._location.host) and registry.find_url(host, path) is None
        ]

    def loads(self, script: str) -> list[str]:
        """The refused vendors' hosts that a script names, if it makes an element or an image."""
        if _MAKES(script) is None:
            return []
        return [
            host
            for host in dict.fromkeys(_NAMED(script))
            if self._verdicts.registry.match_host(host) is not None
            and self._verdicts.host(Location("https", host, "/"), self._location, unclaimed=False) is not None
        ]

    def is_own(self, element: Element) -> bool:
        """Whether an element asks the site itself, and nobody else."""
        hosts = [parse_host(target.host) for url in self._asked(element) if (target := self._target(url))]
        return bool(hosts) and all(self._verdicts.own(host, self._location.host) for host in hosts)

    def _asked(self, element: Element) -> list[str]:
        attributes = element.attributes
        if element.name == "link" and _FETCHING_LINKS.isdisjoint(attributes.get("rel", "").lower().split()):
            return []
        if element.namespace != "html":
            return []
        urls = [attributes[name] for name in _ADDRESSES.get(element.name, ()) if attributes.get(name)]
        if element.name in ("img", "source"):
            urls += candidates(attributes.get("srcset", ""))
        return urls

    def _target(self, url: str) -> URL | None:
        try:
            target = URL(url, base=self._url)
        except ValueError:
            return None
        return target if target.protocol in ("http:", "https:") else None

    def _refuses(self, url: str, element: str) -> bool:
        target = self._target(url)
        if target is None:
            return False
        query = target.search.removeprefix("?")
        location = Location(target.protocol[:-1], parse_host(target.host), target.pathname, query)
        code, image = element in _CODE, element == "img"
        return self._verdicts.host(location, self._location, unclaimed=code, image=image) is not None


def faults(page: Page) -> list[str]:
    """What is wrong with a page after rewriting; nothing, if all is well."""
    found = []
    if rewrite(page.html, page_url=page.url, consent=Consent(ALL_PURPOSES)) != page.html:
        found.append("with everything granted it is not the same")
    out = rewrite(page.html, page_url=page.url)
    whom = Whom(page)
    for name, parse in PARSERS.items():
        for scripting in (True, False):
            before, after = parse(page.html, scripting=scripting), parse(out, scripting=scripting)
            left = [url for element in after for url in whom.refused(element)]
            found += [f"{name}, scripting {scripting}: {url} is left" for url in left]
            lost = _own(before, whom) - _own(after, whom)
            found += [f"{name}, scripting {scripting}: {number} of {own} are gone" for own, number in lost.items()]
            quiet = _quiet(before) - _quiet(after)
            found += [f"{name}, scripting {scripting}: {number} of <{kind}> are gone" for kind, number in quiet.items()]
    scripts = [element for element in html5lib_elements(page.html, scripting=True) if element.name == "script"]
    strangers = dict.fromkeys(host for element in scripts for host in whom.unknown(element) if host not in UNCLAIMED)
    found += [f"scripts of {host}, which no vendor claims and no list" for host in strangers]
    if page.url not in LEFT:
        left_scripts = [element.text for element in html5lib_elements(out, scripting=True) if element.name == "script"]
        found += [f"a script is left that names {host}" for text in left_scripts for host in whom.loads(text)]
    return found


def _quiet(elements: Iterable[Element]) -> Counter[str]:
    """The elements that ask nobody: none of them may go."""
    return Counter(element.name for element in elements if element.name not in _ADDRESSES and element.name != "meta")


def _own(elements: Iterable[Element], whom: Whom) -> Counter[str]:
    return Counter(
        f"<{element.name}> {' '.join(sorted(element.attributes.values()))[:120]}"
        for element in elements
        if whom.is_own(element) and not whom.refused(element)
    )


def main() -> None:
    """Check the pages of a folder, or the project's own."""
    parser = argparse.ArgumentParser(prog="python -m tests.whole_pages", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="with a pages.json that lists file and page_url of each")
    options = parser.parse_args()
    pages = pages_in(options.folder) if options.folder else own_pages()
    wrong = 0
    for page in pages:
        found = faults(page)
        wrong += bool(found)
        print(f"{'wrong' if found else 'ok':<6}{len(page.html):>10,} bytes  {page.url}")
        for fault in found[:20]:
            print(f"      {fault}")
    print(f"{len(pages) - wrong} of {len(pages)} pages are as they must be")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
