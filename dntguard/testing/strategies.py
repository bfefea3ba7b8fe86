"""Hypothesis strategies for a site's property tests: visitors, pages with trackers in them, and ways to cut them.

    @given(page=pages(), signal=signals(), data=st.data())
    def test_no_page_keeps_a_tracker(page, signal, data):
        chunks = data.draw(chunkings(page))
        ...

Importing this module imports Hypothesis; nothing else of dntguard does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import pairwise

from hypothesis import strategies as st

from dntguard.consent import Consent, decide
from dntguard.policy import Policy
from dntguard.purposes import Purpose
from dntguard.signals import Signals
from dntguard.vendors import Registry, Vendor

_REFUSING: tuple[dict[str, str], ...] = ({"DNT": "1"}, {"Sec-GPC": "1"}, {"DNT": "1", "Sec-GPC": "1"})
_OTHERS: tuple[dict[str, str], ...] = ({}, {"DNT": "0"}, {"DNT": "unset"}, {"Sec-GPC": "0"})
_DESCRIBED = frozenset({Purpose.ANALYTICS, Purpose.MARKETING})
"""What both signals refuse by the default policy."""


def signals(*, refusing: bool = True) -> st.SearchStrategy[dict[str, str]]:
    """The header fields of a browser's signals, as in `{"Sec-GPC": "1"}`.

    Args:
        refusing: only those that refuse; else those too that do not, and none at all.
    """
    return st.sampled_from(_REFUSING if refusing else _REFUSING + _OTHERS).map(dict)


@dataclass(frozen=True, slots=True)
class Request:
    """What a visitor asks for.

    Attributes:
        path: the path.
        headers: the header fields, each name once.
    """

    path: str
    headers: Mapping[str, str]


def requests(paths: Sequence[str] = ("/",), *, refusing: bool = True) -> st.SearchStrategy[Request]:
    """A request as browsers send it: signals, languages, content codings, cookies of the site's and of trackers.

    Args:
        paths: those that are asked for.
        refusing: as of `signals`.
    """
    fields = {name: st.sampled_from(values) for name, values in _FIELDS.items()}
    return st.builds(
        _request,
        st.sampled_from(paths),
        signals(refusing=refusing),
        st.lists(st.sampled_from(_COOKIES), unique=True),
        st.fixed_dictionaries({}, optional=fields),
    )


def _request(path: str, signal: dict[str, str], cookies: list[str], fields: dict[str, str]) -> Request:
    held = {"Cookie": "; ".join(cookies)} if cookies else {}
    return Request(path, {**signal, **held, **fields})


_COOKIES = ("sessionid=a1", "csrftoken=b2", "_ga=GA1.1.2.3", "_fbp=fb.1.2.3", "_hjSessionUser_1=c3", "lang=en")
_FIELDS = {
    "Accept-Language": ("en", "de, en;q=0.5"),
    "Accept-Encoding": ("gzip", "gzip, deflate, br", "identity"),
    "User-Agent": ("Mozilla/5.0",),
}


def consents(policy: Policy | None = None) -> st.SearchStrategy[Consent]:
    """A decision that a policy can come to, to render a template with.

    Args:
        policy: the site's; None for the default.
    """
    site = Policy() if policy is None else policy
    every = [Signals(dnt, gpc) for dnt in (None, False, True) for gpc in (False, True)]
    return st.sampled_from(every).map(lambda said: decide(said, None, site))


def trackers() -> st.SearchStrategy[bytes]:
    """One element of a vendor that both signals refuse by the default policy, as pages have them."""
    return st.deferred(lambda: st.sampled_from(_trackers()))


@cache
def _trackers() -> tuple[bytes, ...]:
    return tuple(element for vendor in Registry.default().vendors for element in _elements(vendor))


def _elements(vendor: Vendor) -> Iterator[bytes]:
    """A script, a pixel and a frame of each host of a vendor's, and snippets that load its scripts."""
    if vendor.purpose not in _DESCRIBED:
        return
    for pattern in vendor.hosts:
        address = f"https://{pattern}".encode()
        yield b'<script async src="%s"></script>' % address
        yield b'<img src="%s" width="1" height="1" alt="">' % address
        yield b'<iframe src="%s" hidden></iframe>' % address
    for mark in vendor.inline:
        if "(" not in mark:  # an address, and no call, of which nobody knows how it goes on
            yield b"<script>%s</script>" % (_LOADER % mark.encode())


_LOADER = b"!function(d, s) { s = d.createElement('script'); s.src = 'https://%s'; d.head.append(s) }(document);"

_HARMLESS = (
    b'<script src="/static/site.js" defer></script>',
    b"<script>document.documentElement.className = 'js';</script>",
    b'<script type="application/json">{"src": "https://www.google-analytics.com/analytics.js"}</script>',
    b'<script src="https://js.stripe.com/v3/"></script>',
    b'<link rel="stylesheet" href="/static/site.css">',
    b'<img src="/static/logo.png" alt="a > b">',
    b"<p>Read <a href='https://www.facebook.com/example'>our page there</a>.</p>",
    b"<!-- <script src='https://www.google-analytics.com/analytics.js'></script> -->",
    b"<textarea><script src='https://static.hotjar.com/h.js'></script></textarea>",
    b"<form action='/search'><input name=q></form>",
    b"<style>p { color: #333 }</style>",
    b"<svg viewBox='0 0 1 1'><title>leaf</title><path d='M0 0'/></svg>",
    b"<ul><li>one<li>two</ul>",
    b"\n",
)

_texts = st.text(max_size=40).map(lambda text: escape(text).encode("utf-8", "replace"))


def pages(*, min_trackers: int = 0, max_trackers: int = 5) -> st.SearchStrategy[bytes]:
    """An HTML page in UTF-8: harmless markup, text, and trackers of real vendors between them.

    Args:
        min_trackers: how many trackers are in it at least.
        max_trackers: how many at most.
    """
    return _pages(
        st.lists(st.sampled_from(_HARMLESS) | _texts, max_size=8),
        st.lists(trackers(), min_size=min_trackers, max_size=max_trackers),
    )


@st.composite
def _pages(draw: st.DrawFn, harmless: st.SearchStrategy[list[bytes]], some: st.SearchStrategy[list[bytes]]) -> bytes:
    parts = draw(harmless)
    for tracker in draw(some):
        parts.insert(draw(st.integers(0, len(parts))), tracker)
    head = draw(st.integers(0, len(parts)))
    start = b"<!doctype html>\n<html>\n<head><meta charset=utf-8><title>A page</title>"
    return b"\n".join((start, *parts[:head], b"</head>\n<body>", *parts[head:], b"</body>\n</html>\n"))


def chunkings(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """The data in chunks, as a response streams; some may be empty.

    Args:
        data: all of it.
    """
    places = st.lists(st.integers(0, len(data)), max_size=12)
    return places.map(lambda cuts: [data[start:end] for start, end in pairwise((0, *sorted(cuts), len(data)))])
