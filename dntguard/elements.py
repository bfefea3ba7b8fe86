"""Which attributes of which elements make a browser ask a host, and what becomes of them.

`docs/concepts/what-is-removed.md` is this table in prose. Sections are those of the HTML standard,
https://html.spec.whatwg.org/, where no other is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from dntguard.purposes import Purpose


@dataclass(frozen=True, slots=True)
class Fetches:
    """What an element fetches.

    Attributes:
        kind: what a removal of it is called.
        urls: the attributes that hold one URL; `data-src` is what lazy loaders write.
        srcsets: the attributes that hold image candidates.
        lists: the attributes that hold URLs with semicolons between them.
        runs: whether what is fetched is run or is a page of its own: then a host that no vendor claims matters too.
        stays: whether it is the attribute that goes, and the element with its own content stays.
        image: whether it shows a picture, which may be a pixel in truth.
    """

    kind: str
    urls: tuple[bytes, ...]
    srcsets: tuple[bytes, ...] = ()
    lists: tuple[bytes, ...] = ()
    runs: bool = False
    stays: bool = False
    image: bool = False


_IMAGE = Fetches("img", (b"src", b"href", b"xlink:href", b"data-src"), (b"srcset", b"data-srcset"), image=True)
_ANIMATION = Fetches("animate", (b"to", b"from", b"by"), (), (b"values",))

ELEMENTS: dict[bytes, Fetches] = {
    # `href` is what an SVG script loads; in HTML it does nothing, and then the text is what runs.
    b"script": Fetches("script", (b"src", b"href", b"xlink:href"), runs=True),
    b"iframe": Fetches("iframe", (b"src", b"data-src"), runs=True),
    b"frame": Fetches("frame", (b"src",), runs=True),
    b"embed": Fetches("embed", (b"src",), runs=True),
    b"img": _IMAGE,
    b"image": _IMAGE,  # read as img in HTML (section 13.2.6.4.7), and SVG's own
    b"input": Fetches("input", (b"src",), image=True),
    b"link": Fetches("link", (b"href",), (b"imagesrcset",)),
    b"source": Fetches("source", (b"src", b"data-src"), (b"srcset", b"data-srcset")),
    b"track": Fetches("track", (b"src",)),
    # Without its address an object shows its content, and a player may find another source in it.
    b"object": Fetches("object", (b"data", b"codebase", b"classid"), runs=True, stays=True),
    b"applet": Fetches("applet", (b"code", b"archive", b"codebase", b"object"), runs=True, stays=True),
    b"video": Fetches("video", (b"src", b"poster", b"data-src", b"data-poster"), stays=True),
    b"audio": Fetches("audio", (b"src", b"data-src"), stays=True),
    b"form": Fetches("form", (b"action",), stays=True),
    b"button": Fetches("button", (b"formaction",), stays=True),
    # SVG 2 sections 5.6 and 17.2, Filter Effects section 9.17, SVG Animations section 2.
    b"use": Fetches("use", (b"href", b"xlink:href")),
    b"feimage": Fetches("feImage", (b"href", b"xlink:href")),
    b"animate": _ANIMATION,
    b"set": _ANIMATION,
    # What AMP's own scripts load.
    b"amp-img": Fetches("amp-img", (b"src",), (b"srcset",), image=True),
    b"amp-anim": Fetches("amp-anim", (b"src",), (b"srcset",)),
    b"amp-iframe": Fetches("amp-iframe", (b"src",), runs=True),
}

AMP_PURPOSES: dict[bytes, Purpose] = {
    **dict.fromkeys(b"amp-analytics amp-pixel amp-story-auto-analytics".split(), Purpose.ANALYTICS),
    **dict.fromkeys(b"amp-ad amp-auto-ads amp-embed amp-sticky-ad amp-story-auto-ads".split(), Purpose.MARKETING),
}
"""AMP's elements for analytics and advertising: what they load is not told by an address in the page."""

ADVERTISING_FLAGS = frozenset(b"browsingtopics sharedstoragewritable adauctionheaders".split())
"""Attributes of `iframe` and `img` that switch a browser's advertising interfaces on, whatever the host."""

_SCRIPT_LIKE = frozenset("script worker sharedworker serviceworker audioworklet paintworklet".split())
_FETCHING_LINKS = frozenset(
    (
        "stylesheet preload modulepreload prefetch prerender preconnect dns-prefetch icon apple-touch-icon "
        "apple-touch-icon-precomposed apple-touch-startup-image mask-icon fluid-icon manifest import "
        "compression-dictionary"
    ).split()
)


Value = Callable[[bytes], str]
"""An element's attributes: from a lower-case name to the value; empty when there is no such attribute."""


CONDITIONAL = frozenset({b"link", b"input", b"animate", b"set"})
"""Elements that fetch what their URL says only with certain other attributes."""


def is_live(name: bytes, value: Value) -> bool:
    """Whether the other attributes of one of the `CONDITIONAL` elements let it fetch what its URL says."""
    if name == b"link":
        # Section 4.6.7; `canonical` or `alternate` only name a host.
        return not _FETCHING_LINKS.isdisjoint(value(b"rel").lower().split())
    if name == b"input":
        return value(b"type").lower() == "image"
    return value(b"attributename") in ("href", "xlink:href")


def runs(name: bytes, element: Fetches, value: Value, *, hidden: bool) -> bool:
    """Whether what the element fetches is run, is a page of its own, or can only be a tracking pixel.

    `hidden`: whether the element has the attribute of that name.
    """
    if name == b"link":
        kinds = value(b"rel").lower().split()
        return "modulepreload" in kinds or ("preload" in kinds and value(b"as").lower() in _SCRIPT_LIKE)
    return element.runs or (name in (b"img", b"image") and (hidden or is_pixel(value)))


_DOT = re.compile(r"\s*0*[01](?:\.0*)?(?:px)?\s*\Z").match
_HIDDEN = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.IGNORECASE).search
_DOT_STYLE = tuple(
    re.compile(rf"(?:^|;)\s*{side}\s*:\s*0*[01](?:px)?\s*(?:;|!|\Z)", re.IGNORECASE).search
    for side in ("width", "height")
)


def is_pixel(value: Value) -> bool:
    """Whether an image is too small to be seen, or hidden."""
    if _DOT(value(b"width")) and _DOT(value(b"height")):
        return True
    style = value(b"style")
    return bool(style) and (bool(_HIDDEN(style)) or all(side(style) for side in _DOT_STYLE))


_DATA_BLOCK = re.compile(r"json|template|html|handlebars|mustache|glsl|shader|^text/plain").search


def is_data_block(script_type: str) -> bool:
    """Whether a `script` of this type holds data and is never run (4.12.1)."""
    return _DATA_BLOCK(script_type) is not None


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


_REFRESH = cast(
    "Callable[[str], re.Match[str]]",  # nothing in it must be there, so it always matches
    re.compile(
        r"[\t\n\f\r ]*[0-9.]*[\t\n\f\r ]*[;,]?[\t\n\f\r ]*(?:url[\t\n\f\r ]*=[\t\n\f\r ]*)?([\"']?)", re.IGNORECASE
    ).match,
)


def refresh_target(content: str) -> str:
    """The URL of a `meta http-equiv=refresh` (4.2.5.3), empty when it only reloads."""
    found = _REFRESH(content)
    rest = content[found.end() :]
    return rest.partition(found[1])[0] if found[1] else rest
