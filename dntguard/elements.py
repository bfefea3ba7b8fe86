"""Which attributes of which elements make a browser ask a host.

Sections are those of the HTML standard, https://html.spec.whatwg.org/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fetches:
    """What an element fetches.

    Attributes:
        kind: what a removal of it is called.
        urls: the attributes that hold one URL; `data-src` is what lazy loaders write.
        srcsets: the attributes that hold image candidates.
        runs: whether what is fetched is run or is a page of its own: then a host that no vendor claims matters too.
    """

    kind: str
    urls: tuple[bytes, ...]
    srcsets: tuple[bytes, ...] = ()
    runs: bool = False


_IMAGE = Fetches("img", (b"src", b"href", b"xlink:href", b"data-src"), (b"srcset", b"data-srcset"))

ELEMENTS: dict[bytes, Fetches] = {
    # `href` is what an SVG script loads; in HTML it does nothing, and then the text is what runs.
    b"script": Fetches("script", (b"src", b"href", b"xlink:href"), runs=True),
    b"iframe": Fetches("iframe", (b"src", b"data-src"), runs=True),
    b"frame": Fetches("frame", (b"src",), runs=True),
    b"embed": Fetches("embed", (b"src",), runs=True),
    b"img": _IMAGE,
    b"image": _IMAGE,  # read as img in HTML (section 13.2.6.4.7), and SVG's own
    b"input": Fetches("input", (b"src",)),
    b"link": Fetches("link", (b"href",), (b"imagesrcset",)),
    b"source": Fetches("source", (b"src", b"data-src"), (b"srcset", b"data-srcset")),
    b"track": Fetches("track", (b"src",)),
}

_FETCHING_LINKS = frozenset(
    (
        "stylesheet preload modulepreload prefetch prerender preconnect dns-prefetch icon apple-touch-icon "
        "apple-touch-icon-precomposed apple-touch-startup-image mask-icon fluid-icon manifest import"
    ).split()
)


def link_fetches(rel: str) -> bool:
    """Whether a link of these types makes a browser ask the host (4.6.7); `canonical` or `alternate` only name it."""
    return not _FETCHING_LINKS.isdisjoint(rel.lower().split())


_DATA_BLOCK = re.compile(
    r"json|^importmap$|^speculationrules$|template|html|handlebars|mustache|glsl|shader|^text/plain"
).search


def is_data_block(script_type: str) -> bool:
    """Whether a `script` of this type holds data and is never run (4.12.1)."""
    return _DATA_BLOCK(script_type.strip().lower()) is not None


_CANDIDATE = re.compile(r"[\t\n\f\r ,]*+([^\t\n\f\r ]*+)").match
_DESCRIPTORS = re.compile(r"(?:[^,(]++|\((?:[^)]*+\)|[^)]*+\Z))*+").match


def candidates(srcset: str) -> Iterator[str]:
    """The URLs of the image candidates in a `srcset` (4.8.4.2.2)."""
    pos = 0
    while (found := _CANDIDATE(srcset, pos)) is not None and found[1]:
        yield found[1].rstrip(",")
        pos = found.end()
        # A URL that ends in a comma has no descriptors.
        if not found[1].endswith(",") and (descriptors := _DESCRIPTORS(srcset, pos)) is not None:
            pos = descriptors.end()


_REFRESH = re.compile(
    r"[\t\n\f\r ]*[0-9.]*[\t\n\f\r ]*[;,]?[\t\n\f\r ]*(?:url[\t\n\f\r ]*=[\t\n\f\r ]*)?[\"']?", re.IGNORECASE
).match


def refresh_target(content: str) -> str:
    """The URL of a `meta http-equiv=refresh` (4.2.5.3), empty when it only reloads."""
    found = _REFRESH(content)
    return re.split(r"[\"']", content[found.end() :])[0] if found else ""
