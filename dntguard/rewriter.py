"""A page and a consent to the page less what is refused.

`Rewriter` is the judge that the scanner asks: it knows which attributes of which elements make a browser ask a host,
and leaves the verdict on the host to `dntguard.verdicts`.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from urllib.parse import unquote_to_bytes

from dntguard.caches import BoundedCache
from dntguard.charsets import of_page
from dntguard.consent import REFUSE_ALL, Consent
from dntguard.policy import Policy
from dntguard.report import Removal
from dntguard.scanner import INLINE, Inline, Scanner, attribute_value, tag_parts
from dntguard.urls import Location, parse_host, parse_page_url, resolve
from dntguard.verdicts import Refusal, Verdicts, verdicts_for

MOST_REMOVALS = 10_000
"""How many removals of one page are kept one by one: a page of nothing but trackers must not fill the memory."""

_FETCHING = frozenset(
    (
        "stylesheet preload modulepreload prefetch prerender preconnect dns-prefetch icon apple-touch-icon "
        "apple-touch-icon-precomposed apple-touch-startup-image mask-icon fluid-icon manifest import"
    ).split()
)
"""The link types that make a browser ask the host (HTML section 4.6.7); `canonical` or `alternate` only name it."""

_DATA_BLOCK = re.compile(
    r"json|^importmap$|^speculationrules$|template|html|handlebars|mustache|glsl|shader|^text/plain"
)
"""Types of a `script` that hold data and are never run (HTML section 4.12.1)."""

_CANDIDATE = re.compile(r"[\t\n\f\r ,]*+([^\t\n\f\r ]*+)").match
_DESCRIPTORS = re.compile(r"(?:[^,(]++|\((?:[^)]*+\)|[^)]*+\Z))*+").match

_PLAIN_URL = re.compile(rb"(?:(?:https?:)?//([a-z0-9.-]++)(?![^/?#])|/?+[a-zA-Z0-9_.-]++(?![^/?#]))").match
"""A URL whose host needs no decoding and no resolving: 1 is the host, nothing for a relative one."""

_ONE_PLAIN_URL = re.compile(
    rb"<(img|link|script|iframe)(?: (?!(?:src|href|srcset|rel)=)[a-z-]++=\"[^\"]*+\"| rel=\"[^\"&]*+\"| async| defer)*+"
    rb" (src|href)=\"(?:https?:)?//([a-z0-9.-]++)(?![^/?#\"])[^\"]*+\""
    rb"(?: (?!(?:src|href|srcset)=)[a-z-]++=\"[^\"]*+\"| async| defer)*+[ /]*+>"
).fullmatch
"""A tag with one URL, whose host needs no decoding: the tag's name, the attribute's name, and the host."""

_RUN = (b"script", b"iframe")
_MOST_BASES = 4
_TOO_MANY = Location("https", "too-many-bases.invalid", "/")
"""Stands for all further bases of a page: what is relative to it cannot be judged."""

_UNDECIDABLE = Refusal(None, None, 'on_undecidable: "remove"')
_BY_PATH = Refusal(None, None, "")
"""Stands for "ask again with the path"."""

_AMBIGUOUS = Removal("markup", "", None, None, 'on_undecidable: "remove"')
_MOST_TEXT = 300
_DEFAULTS = Policy()


class Rewriter:
    """Takes what a consent refuses out of one page, chunk by chunk.

    Args:
        policy: the site's configuration; None for the defaults.
        consent: the decision; None refuses all optional purposes.
        page_url: the page's absolute http or https address, as the browser knows it.
        encoding_is_known: whether a byte order mark or a header says the page's character encoding. If not, a `meta`
            element that would switch to an encoding in which markup can hide is undecidable.

    Attributes:
        removals: what was taken out so far, at most `MOST_REMOVALS` of them.
        removal_count: how many things were taken out so far.

    Raises:
        ValueError: `page_url` is not an absolute http or https URL.
    """

    def __init__(
        self,
        policy: Policy | None,
        consent: Consent | None,
        page_url: str | Location,
        *,
        encoding_is_known: bool = False,
    ) -> None:
        policy = _DEFAULTS if policy is None else policy
        granted = REFUSE_ALL.granted if consent is None else consent.granted
        page = parse_page_url(page_url) if isinstance(page_url, str) else page_url
        self.removals: list[Removal] = []
        self.removal_count = 0
        self.ambiguous = _AMBIGUOUS if policy.on_undecidable == "remove" else None
        self._verdicts = verdicts_for(policy, granted)
        self._page = page
        self._bases: tuple[Location, ...] = (Location(page.scheme, page.host, "/"),)
        self._encoding_is_known = encoding_is_known
        self.tags: Mapping[bytes, Removal | Inline | None] = self._tag_verdicts()
        self._report_only = policy.report_only
        self._scanner: Scanner[Removal] | None = Scanner(self, policy.max_undecided) if self._verdicts.active else None

    def feed(self, data: bytes) -> bytes:
        """The next bytes of the page; returns those that are decided."""
        if self._scanner is None:
            return data
        rewritten = self._scanner.feed(data)
        return data if self._report_only else rewritten

    def close(self) -> bytes:
        """The end of the page; returns what was still held back."""
        if self._scanner is None:
            return b""
        rewritten = self._scanner.close()
        return b"" if self._report_only else rewritten

    # --- what the scanner asks ----------------------------------------------------------------------------------------

    def inline(self, text: bytes) -> Removal | None:
        """Why a script with this text is refused."""
        refusal = self._verdicts.inline(text, self._page)
        if refusal is None:
            return None
        return _removal("inline-script", " ".join(text[:_MOST_TEXT].decode("utf-8", "replace").split()), refusal)

    def base(self, tag: bytes) -> None:
        """Learn of a `base` element.

        A browser honors the first in the tree (HTML section 4.2.3), which is not always the first in the source: one
        may stand in a template or be moved out of a table. So a relative URL is judged against all of them.
        """
        href = tag_parts(tag)[1].get(b"href")
        if href is None or len(self._bases) > _MOST_BASES:
            return
        base = resolve(attribute_value(href), self._page)
        if not base.host:
            return  # no browser resolves against data: or javascript:
        if base.host == self._page.host:
            base = Location(base.scheme, base.host, "/")  # no path of the site's own plays a part
        if base not in self._bases:
            self._bases = (*self._bases, _TOO_MANY if len(self._bases) == _MOST_BASES else base)
            self.tags = _tag_verdicts(
                self._verdicts, self._page.scheme, self._page.host, self._bases, self._encoding_is_known
            )

    def _tag_verdicts(self) -> Mapping[bytes, Removal | Inline | None]:
        page = self._page
        return _tag_verdicts(self._verdicts, page.scheme, page.host, self._bases, self._encoding_is_known)

    def removed(self, verdict: Removal, tag: bytes) -> None:
        """Learn that an element was taken out."""
        self.removal_count += 1
        if len(self.removals) < MOST_REMOVALS:
            if verdict is _AMBIGUOUS:
                verdict = Removal(
                    "markup", tag[:_MOST_TEXT].decode("utf-8", "replace"), None, None, 'on_undecidable: "remove"'
                )
            self.removals.append(verdict)


def rewrite(html: bytes | str, *, page_url: str, policy: Policy | None = None, consent: Consent | None = None) -> bytes:
    """A whole page less what is refused.

    Args:
        html: the page; a str is encoded as UTF-8.
        page_url: its absolute http or https address.
        policy: the site's configuration; None for the defaults.
        consent: the decision; None refuses all optional purposes.

    Raises:
        ValueError: `page_url` is not an absolute http or https URL.
    """
    rewriter = Rewriter(policy, consent, page_url)
    return rewriter.feed(html.encode() if isinstance(html, str) else html) + rewriter.close()


class _Tags:
    """The verdicts on start tags of pages on one host, behind a bounded cache."""

    def __init__(
        self, verdicts: Verdicts, page: Location, bases: tuple[Location, ...], encoding_is_known: bool
    ) -> None:
        self._encoding_is_known = encoding_is_known
        self._verdicts = verdicts
        self._page = page
        self._bases = bases
        self._own_bases = all(verdicts.own(base.host, page.host) for base in bases) and not any(
            verdicts.host(base, page, unclaimed=True) for base in bases
        )
        self._hosts = {
            unclaimed: BoundedCache(partial(self._by_host, unclaimed=unclaimed), entries=4096, size=128 * 1024)
            for unclaimed in (False, True)
        }

    def judge(self, tag: bytes) -> Removal | Inline | None:
        """Why a start tag is refused: a `Removal`; `INLINE` for a script whose text decides; None to keep it."""
        simple = _ONE_PLAIN_URL(tag)
        if (
            simple is not None
            and (simple[1] != b"script" or simple[2] == b"src")
            and self._hosts[simple[1] in _RUN][simple[3]] is None
        ):
            return None  # most tags of most pages
        name, found = tag_parts(tag)
        if name == b"script":
            return self._script(found)
        if name == b"iframe":
            return self._first("iframe", found, b"src", unclaimed=True)
        if name == b"meta":
            return self._meta(tag)
        if name == b"link":
            types = attribute_value(found.get(b"rel", b"")).lower().split()
            return self._first("link", found, b"href") if not _FETCHING.isdisjoint(types) else None
        refused = self._first("img", found, b"src", b"href", b"xlink:href")
        if refused is None and b"srcset" in found:
            for url in _candidates(attribute_value(found[b"srcset"])):
                refused = self._judged("img", url)
                if refused is not None:
                    break
        return refused

    def _meta(self, tag: bytes) -> Removal | None:
        hides = not self._encoding_is_known and of_page(tag) is False
        return _AMBIGUOUS if hides and self._verdicts.policy.on_undecidable == "remove" else None

    def _script(self, found: dict[bytes, bytes]) -> Removal | Inline | None:
        # `href` is what an SVG script loads; in HTML it does nothing, and then the text is what runs.
        refused = self._first("script", found, b"src", b"href", b"xlink:href", unclaimed=True)
        if refused is not None or b"src" in found:
            return refused
        kind = attribute_value(found.get(b"type", b"")).strip().lower()
        return None if kind and _DATA_BLOCK.search(kind) else INLINE

    def _first(self, kind: str, found: dict[bytes, bytes], *names: bytes, unclaimed: bool = False) -> Removal | None:
        for name in names:
            value = found.get(name)
            if value is None:
                continue
            plain = _PLAIN_URL(value)
            if plain is None:
                refusal = self._url(attribute_value(value), unclaimed)
            elif plain[1] is None:
                refusal = None if self._own_bases else self._url(attribute_value(value), unclaimed)
            else:
                refusal = self._hosts[unclaimed][plain[1]]
                if refusal is _BY_PATH:
                    refusal = self._url(attribute_value(value), unclaimed)
            if refusal is not None:
                return _removal(kind, attribute_value(value)[:_MOST_TEXT], refusal)
        return None

    def _by_host(self, host: bytes, unclaimed: bool) -> Refusal | None:
        """The verdict on all URLs of a host that needs no decoding, or `_BY_PATH`."""
        target = Location(self._page.scheme, parse_host(host.decode("ascii")), "/")
        if self._verdicts.registry.knows_paths(target.host):
            return _BY_PATH
        return self._verdicts.host(target, self._page, unclaimed=unclaimed)

    def _judged(self, kind: str, url: str, unclaimed: bool = False) -> Removal | None:
        refusal = self._url(url, unclaimed)
        return None if refusal is None else _removal(kind, url[:_MOST_TEXT], refusal)

    def _url(self, url: str, unclaimed: bool) -> Refusal | None:
        for base in self._bases:
            target = resolve(url, base)
            if target.scheme in ("data", "javascript"):
                refusal = self._verdicts.inline(_script_of(target), self._page) if unclaimed else None
            elif target.host == _TOO_MANY.host:
                refusal = _UNDECIDABLE if self._verdicts.policy.on_undecidable == "remove" else None
            else:
                refusal = self._verdicts.host(target, self._page, unclaimed=unclaimed)
            if refusal is not None:
                return refusal
        return None


def _candidates(srcset: str) -> Iterator[str]:
    """The URLs of the image candidates in a `srcset` (HTML section 4.8.4.2.2)."""
    pos = 0
    while (found := _CANDIDATE(srcset, pos)) is not None and found[1]:
        yield found[1].rstrip(",")
        pos = found.end()
        # A URL that ends in a comma has no descriptors.
        if not found[1].endswith(",") and (descriptors := _DESCRIPTORS(srcset, pos)) is not None:
            pos = descriptors.end()


def _script_of(target: Location) -> bytes:
    """The text in a `data:` (RFC 2397) or `javascript:` URL."""
    if target.scheme == "javascript":
        return unquote_to_bytes(target.path)
    kind, _, body = target.path.partition(",")
    data = unquote_to_bytes(body)
    if kind.lower().rstrip().endswith("base64"):
        try:
            return b64decode(data + b"==")
        except Base64Error:
            return b""
    return data


def _removal(kind: str, what: str, refusal: Refusal) -> Removal:
    return Removal(kind, what, refusal.vendor, refusal.purpose, refusal.rule)


@lru_cache(maxsize=64)
def _tag_verdicts(
    verdicts: Verdicts, scheme: str, host: str, bases: tuple[Location, ...], encoding_is_known: bool
) -> BoundedCache[Removal | Inline | None]:
    """The remembered verdicts for pages of one host; 64 times 256 KiB is the most that hostile `Host`s can fill."""
    tags = _Tags(verdicts, Location(scheme, host, "/"), bases, encoding_is_known)
    return BoundedCache(tags.judge, entries=2048, size=256 * 1024)
