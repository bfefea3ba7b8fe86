"""A page and a consent to the page less what is refused.

`Rewriter` is the judge that the scanner asks: it knows which attributes of which elements make a browser ask a host,
and leaves the verdict on the host to `dntguard.verdicts`.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from functools import lru_cache, partial
from urllib.parse import unquote_to_bytes

from dntguard.caches import BoundedCache
from dntguard.charsets import of_meta
from dntguard.consent import REFUSE_ALL, Consent
from dntguard.elements import ELEMENTS, Fetches, candidates, is_data_block, link_fetches, refresh_target
from dntguard.policy import Policy
from dntguard.report import Removal
from dntguard.scanner import INLINE, Inline, Scanner, attribute_value, tag_parts
from dntguard.urls import INVALID_HOST, Location, parse_host, parse_page_url, resolve
from dntguard.verdicts import Refusal, Verdicts, verdicts_for

MOST_REMOVALS = 10_000
"""How many removals of one page are kept one by one: a page of nothing but trackers must not fill the memory."""

_PLAIN_URL = re.compile(rb"(?:(?:https?:)?//([a-z0-9.-]++)(?![^/?#])|/?+[a-zA-Z0-9_.-]++(?![^/?#]))").match
"""A URL whose host needs no decoding and no resolving: 1 is the host, nothing for a relative one."""

_OTHER_ATTRIBUTES = (
    rb"(?: (?!(?:src|href|srcset|rel|data-src|data-srcset|imagesrcset)=)[a-z-]++=\"[^\"]*+\""
    rb"| rel=\"[^\"&]*+\"| async| defer)*+"
)
_ONE_PLAIN_URL = re.compile(
    rb"<(img|link|script|iframe)" + _OTHER_ATTRIBUTES
    + rb" (src|href)=\"((?:https?:)?//([a-z0-9.-]++)(?![^/?#\"])[^\"]*+)\"" + _OTHER_ATTRIBUTES + rb"[ /]*+>"
).fullmatch  # fmt: skip
"""A tag with one URL, whose host needs no decoding: the tag's name, the attribute's name, the URL, the host."""

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
        return refusal.removal("inline-script", " ".join(text[:_MOST_TEXT].decode("utf-8", "replace").split()))

    def base(self, tag: bytes) -> None:
        """Learn of a `base` element.

        A browser honors the first in the tree (HTML section 4.2.3), which is not always the first in the source: one
        may stand in a template or be moved out of a table. So a relative URL is judged against all of them.
        """
        href = tag_parts(tag)[1].get(b"href")
        if href is None or len(self._bases) > _MOST_BASES:
            return
        base = resolve(attribute_value(href), self._page)
        if base.host in ("", INVALID_HOST):
            return  # no browser resolves against data: or javascript:, or an address that it cannot read
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
    return rewriter.feed(html.encode("utf-8", "replace") if isinstance(html, str) else html) + rewriter.close()


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
        if simple is not None and (simple[2] == b"href") is (simple[1] == b"link"):  # most tags of most pages
            element = ELEMENTS[simple[1]]
            refusal = self._hosts[element.runs][simple[4]]
            if refusal is None:
                return None
            if refusal is not _BY_PATH and simple[1] != b"link":
                return refusal.removal(element.kind, attribute_value(simple[3])[:_MOST_TEXT])
        name, found = tag_parts(tag)
        if name == b"meta":
            return self._meta(found)
        fetches = ELEMENTS.get(name)
        if fetches is None or not _is_live(name, found):
            return None
        refused = self._fetches(fetches, found)
        if refused is not None or name != b"script" or b"src" in found:
            return refused
        kind = found.get(b"type")
        return None if kind and is_data_block(attribute_value(kind)) else INLINE

    def _meta(self, found: dict[bytes, bytes]) -> Removal | None:
        does = attribute_value(found.get(b"http-equiv", b"")).strip().lower()
        content = attribute_value(found.get(b"content", b""))
        if not self._encoding_is_known and not of_meta(attribute_value(found.get(b"charset", b"")), content):
            return _AMBIGUOUS if self._verdicts.policy.on_undecidable == "remove" else None
        refusal: Refusal | None = None
        if does == "refresh":
            target = refresh_target(content)
            refusal = self._url(target, unclaimed=False) if target else None
        elif does == "set-cookie":
            refusal = self._verdicts.cookie(content.split("=")[0].strip())
        return None if refusal is None else refusal.removal("meta", content[:_MOST_TEXT])

    def _fetches(self, element: Fetches, found: dict[bytes, bytes]) -> Removal | None:
        """Why what an element fetches is refused."""
        for name in element.urls:
            value = found.get(name)
            if value is not None and (refusal := self._value(value, element.runs)) is not None:
                return refusal.removal(element.kind, attribute_value(value)[:_MOST_TEXT])
        for name in element.srcsets:
            if name in found:
                for url in candidates(attribute_value(found[name])):
                    if (refusal := self._url(url, element.runs)) is not None:
                        return refusal.removal(element.kind, url[:_MOST_TEXT])
        return None

    def _value(self, value: bytes, unclaimed: bool) -> Refusal | None:
        """Why the URL in an attribute, as written, is refused."""
        plain = _PLAIN_URL(value)
        if plain is not None and plain[1] is None and self._own_bases:
            return None
        if plain is not None and plain[1] is not None:
            refusal = self._hosts[unclaimed][plain[1]]
            if refusal is not _BY_PATH:
                return refusal
        return self._url(attribute_value(value), unclaimed)

    def _by_host(self, host: bytes, unclaimed: bool) -> Refusal | None:
        """The verdict on all URLs of a host that needs no decoding, or `_BY_PATH`."""
        target = Location(self._page.scheme, parse_host(host.decode("ascii")), "/")
        if self._verdicts.registry.knows_paths(target.host):
            return _BY_PATH
        return self._verdicts.host(target, self._page, unclaimed=unclaimed)

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


def _is_live(name: bytes, found: dict[bytes, bytes]) -> bool:
    """Whether an element's other attributes let it fetch what its URL says."""
    if name == b"link":
        return link_fetches(attribute_value(found.get(b"rel", b"")))
    return name != b"input" or attribute_value(found.get(b"type", b"")).lower() == "image"


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


@lru_cache(maxsize=32)
def _tag_verdicts(
    verdicts: Verdicts, scheme: str, host: str, bases: tuple[Location, ...], encoding_is_known: bool
) -> BoundedCache[Removal | Inline | None]:
    """The remembered verdicts for pages of one host; few hosts are remembered, for a `Host` may be anything."""
    tags = _Tags(verdicts, Location(scheme, host, "/"), bases, encoding_is_known)
    return BoundedCache(tags.judge, entries=2048, size=256 * 1024)
