"""What becomes of a start tag, and of the text of a script or style.

Which attributes of which elements make a browser ask a host is in `dntguard.elements`; the verdict on the host is left
to `dntguard.verdicts`.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Final
from urllib.parse import unquote_to_bytes

from dntguard.caches import BoundedCache
from dntguard.charsets import codec_of_page, codec_of_type, of_meta
from dntguard.elements import (
    ADVERTISING_FLAGS,
    CONDITIONAL,
    ELEMENTS,
    Fetches,
    candidates,
    is_data_block,
    is_live,
    refresh_target,
    runs,
)
from dntguard.maps import map_without_refused
from dntguard.purposes import Purpose
from dntguard.report import Removal
from dntguard.scanner import Edit, Filter, Text, attribute_value, tag_parts, with_attributes
from dntguard.stylesheets import StyleSheet, css_without_refused, hosts_in_css
from dntguard.urls import Location, parse_host, resolve
from dntguard.verdicts import Refusal, Verdicts

Answer = Removal | Edit[Removal] | Text | None
"""What becomes of a start tag."""

_PLAIN_URL = re.compile(rb"(?:(?:https?:)?//([a-z0-9.-]++)(?![^/?#])|/?+[a-zA-Z0-9_.-]++(?![^/?#]))").match
"""A URL whose host needs no decoding and no resolving: 1 is the host, nothing for a relative one."""

_DECODES = re.compile(rb"&(?!amp;)|[\t\n\r]").search

TOO_MANY: Final = Location("https", "too-many-bases.invalid", "/")
"""Stands for all further bases of a page: what is relative to it cannot be judged."""

AMBIGUOUS: Final = Removal("markup", "", None, None, 'on_undecidable: "remove"')
_UNDECIDABLE = Refusal(None, None, 'on_undecidable: "remove"')
_BY_PATH = Refusal(None, None, "")
"""Stands for "ask again with the path"."""

MOST_TEXT: Final = 300
_MARK: Final = b"data-dntguard"
_MOST_NESTED = 4
"""How deep documents in `srcdoc` attributes and `data:` addresses are read."""

Nested = Callable[["TagJudge", bytes], tuple[bytes, tuple[Removal, ...]]]
"""From a document inside a page to what is left of it and what was taken out."""


class TagJudge:
    """The verdicts on start tags and texts of pages on one host, remembered in bounded caches.

    Args:
        verdicts: on hosts, cookies and snippets.
        page: the page's address; the path plays no part.
        bases: what relative URLs are judged against.
        codec: what the page is decoded with (see `dntguard.charsets`), as long as a `meta` element may change it;
            None when none can.
        texts: what the text of a script or style is decoded with before it is read; empty for nothing.
        nested: rewrites a document that stands in an attribute.
        depth: how many documents this one stands in.

    Attributes:
        own_bases: whether all bases are the site's own, and none of them is refused.
    """

    def __init__(
        self,
        verdicts: Verdicts,
        page: Location,
        bases: tuple[Location, ...],
        codec: str | None,
        texts: str,
        nested: Nested,
        depth: int = 0,
    ) -> None:
        self.verdicts = verdicts
        self.page = page
        self.bases = bases
        self.codec = codec
        self.texts = texts
        self.nested = nested
        self.depth = depth
        self.answers: BoundedCache[Answer] = BoundedCache(self._judge, entries=2048, size=512 * 1024, weigh=_weight)
        self._may_be_marked = verdicts.registry.may_be_marked
        self._removes_doubt = verdicts.policy.on_undecidable == "remove"
        self.own_bases = all(verdicts.own(base.host, page.host) for base in bases) and not any(
            verdicts.host(base, page, unclaimed=True) for base in bases
        )
        self._hosts = {
            unclaimed: BoundedCache(partial(self._by_host, unclaimed=unclaimed), entries=4096, size=128 * 1024)
            for unclaimed in (False, True)
        }
        self._styles: BoundedCache[Edit[Removal] | None] = BoundedCache(
            self._style, entries=256, size=5 * 1024 * 1024, weigh=_weight
        )

    # --- start tags ---------------------------------------------------------------------------------------------------

    def _judge(self, tag: bytes) -> Answer:
        """What becomes of a start tag; see `dntguard.scanner.Judge.tags`."""
        # 1. Nearly every tag: nothing in it needs decoding, and no host that it names is refused.
        if tag == b"<script>":
            return Text.SCRIPT
        simple = _SIMPLE_TAG(tag)
        if simple is not None and self.own_bases:
            name, hosts = simple[1], _HOSTS(tag)
            strict, lenient = self._hosts[True], self._hosts[False]
            if _may_be_tag(name, tag) and self._may_be_marked(tag):
                hosts = []  # not by its hosts alone
            elif name != b"script" or _HAS_SOURCE(tag):
                if not any(map(strict.__getitem__, hosts)):
                    return None
                if name in _SHOWN and not any(map(lenient.__getitem__, hosts)) and not _may_run(tag):
                    return None
            source = _ONE_SRC(tag) if len(hosts) == 1 else None
            if source is not None:
                refusal = (lenient if name == b"img" else strict)[source[2]]
                if refusal is not None and refusal is not _BY_PATH:
                    return refusal.removal(name.decode(), source[1].decode()[:MOST_TEXT])
        name, found = tag_parts(tag)

        def value(attribute: bytes) -> str:
            written = found.get(attribute)
            return "" if written is None else attribute_value(written)

        # 2. The author's own word.
        if _MARK in found:
            marked = self._marked(name, value(_MARK), tag)
            if marked is not None:
                return marked if isinstance(marked, Removal) else _kept(name)
        # 3. What the element is: a vendor's own, or one that is for analytics or advertising only.
        refusal = self.verdicts.element(name, found, value, self.page)
        if refusal is not None:
            return refusal.removal(name.decode(), (value(b"src") or value(b"type"))[:MOST_TEXT])
        if name == b"meta" and (removal := self._meta(value)) is not None:
            return removal
        # 4. What it fetches.
        removals: list[Removal] = []
        changes: dict[bytes, str | None] = {}
        element = ELEMENTS.get(name)
        if element is not None and (name not in CONDITIONAL or is_live(name, value)):
            unclaimed = runs(name, element, value, hidden=b"hidden" in found)
            for attribute, url, refusal in self._fetches(element, found, unclaimed):
                removal = refusal.removal(element.kind, url[:MOST_TEXT])
                if not element.stays:
                    return removal
                removals.append(removal)
                changes[attribute] = None
        # 5. What matters on any element.
        for attribute in found:
            if attribute in _CHECKED or attribute.startswith(b"on"):
                new, because = self._check(name, attribute, value, found)
                if because:
                    changes[attribute] = new
                    removals.extend(because)
        # 6. Its text.
        text = _text_of(name, found, value) if name in (b"script", b"style") else None
        return Edit(with_attributes(tag, changes), tuple(removals), text) if changes else text

    def _marked(self, name: bytes, mark: str, tag: bytes) -> Removal | bool | None:
        """What `data-dntguard` says: the removal, True to keep, None when it says nothing that is known."""
        mark = mark.strip().lower()
        if mark == "keep":
            return True
        if mark not in set(Purpose):
            return None
        purpose = Purpose(mark)
        if purpose in self.verdicts.granted:
            return True
        what = tag[:MOST_TEXT].decode("utf-8", "replace")
        return Removal(name.decode("utf-8", "replace"), what, None, purpose, f'data-dntguard="{mark}"')

    def _meta(self, value: Callable[[bytes], str]) -> Removal | None:
        does = value(b"http-equiv").strip().lower()
        content = value(b"content")
        declared = content if does == "content-type" else ""
        if self.codec is not None and not of_meta(value(b"charset"), declared, codec=self.codec):
            return AMBIGUOUS if self._removes_doubt else None
        refusal: Refusal | None = None
        if does == "refresh":
            target = refresh_target(content)
            refusal = self._url(target, unclaimed=False) if target else None
        elif does == "set-cookie":
            refusal = self.verdicts.cookie(content.split("=")[0].strip())
        return None if refusal is None else refusal.removal("meta", content[:MOST_TEXT])

    def _fetches(
        self, element: Fetches, found: Mapping[bytes, bytes], unclaimed: bool
    ) -> list[tuple[bytes, str, Refusal]]:
        """What is refused of that which an element fetches: the attribute, the URL and why."""
        refused: list[tuple[bytes, str, Refusal]] = []
        for name in element.urls:
            written = found.get(name)
            if written is not None and (refusal := self._value(written, unclaimed, element.image)) is not None:
                refused.append((name, attribute_value(written), refusal))
        for name in element.srcsets:
            if name in found:
                for url in candidates(attribute_value(found[name])):
                    if (refusal := self._url(url, unclaimed, element.image)) is not None:
                        refused.append((name, url, refusal))
                        break
        for name in element.lists:
            for url in attribute_value(found.get(name, b"")).split(";"):
                if (refusal := self._url(url, unclaimed, element.image)) is not None:
                    refused.append((name, url, refusal))
                    break
        return refused

    # --- attributes that matter on any element ------------------------------------------------------------------------

    def _check(
        self, name: bytes, attribute: bytes, value: Callable[[bytes], str], found: Mapping[bytes, bytes]
    ) -> _Change:
        """What becomes of an attribute that may matter on any element, and why; no reason, no change."""
        text = value(attribute)
        if attribute.startswith(b"on"):
            code = text.encode("utf-8", "replace")
            refusal = self.verdicts.inline(code, self.page) if b"(" in code or b"/" in code else None
        elif (
            attribute == b"style" or attribute in _PAINTED or (attribute in _ANIMATED and name in (b"animate", b"set"))
        ):
            edit = self._style(_exact(found[attribute]))
            return (None, ()) if edit is None else (edit.instead.decode("utf-8", "surrogateescape"), edit.verdicts)
        elif attribute == b"background" or (attribute == b"formaction" and name == b"input"):
            refusal = self._url(text, unclaimed=False)
        elif name in _PINGING.get(attribute, ()):
            # Addresses that are told of a click, or that an advertisement worked; without any, where the element leads.
            urls = text.split() or ([] if attribute == b"ping" else [value(b"src") or value(b"href")])
            refusal = next((refusal for url in urls if url and (refusal := self._url(url, unclaimed=True))), None)
        elif attribute == b"srcdoc" and name == b"iframe":
            return self._srcdoc(_exact(found[attribute]))
        elif attribute in ADVERTISING_FLAGS and name in (b"iframe", b"img"):
            if Purpose.MARKETING in self.verdicts.granted:
                return None, ()
            refusal = Refusal(None, Purpose.MARKETING, attribute.decode())
        else:
            return None, ()
        if refusal is None:
            return None, ()
        return None, (refusal.removal("attribute", f'{attribute.decode("utf-8", "replace")}="{text[:MOST_TEXT]}"'),)

    def _srcdoc(self, text: bytes) -> _Change:
        if self.depth >= _MOST_NESTED:
            return None, (AMBIGUOUS,) if self._removes_doubt else ()
        document, removals = self.nested(self, text)
        return document.decode("utf-8", "surrogateescape"), removals

    # --- texts --------------------------------------------------------------------------------------------------------

    def text(self, kind: Text, text: bytes) -> Removal | Edit[Removal] | None:
        """What becomes of the whole text of an element; see `dntguard.scanner.Judge.text`."""
        if not self.texts or text.isascii():
            return self._text(kind, text)
        answer = self._text(kind, text.decode(self.texts, "replace").encode())
        if not isinstance(answer, Edit):
            return answer
        return replace(answer, instead=answer.instead.decode().encode(self.texts, "xmlcharrefreplace"))

    def _text(self, kind: Text, text: bytes) -> Removal | Edit[Removal] | None:
        if kind is Text.STYLE:
            return self._styles[text]
        if kind in (Text.IMPORT_MAP, Text.SPECULATION_RULES):
            return self._map(kind, text)
        if kind is Text.KEEP:
            return None
        refusal = self.verdicts.script(text, self.page)
        if refusal is None and kind is Text.MODULE:
            urls = (found[1].replace(b"\\", b"").decode("utf-8", "replace") for found in _IMPORTS(text))
            refusal = next((refusal for url in urls if (refusal := self._url(url, unclaimed=True))), None)
        if refusal is None:
            return None
        return refusal.removal("inline-script", " ".join(text[:MOST_TEXT].decode("utf-8", "replace").split()))

    def _style(self, text: bytes) -> Edit[Removal] | None:
        # Nearly every sheet: no host that it names is refused. A look for hosts costs a fraction of reading tokens.
        hosts = hosts_in_css(text) if self.own_bases else None
        if hosts is not None and not any(map(self._hosts[False].__getitem__, hosts)):
            return None
        removals: list[Removal] = []
        left = css_without_refused(text, partial(self.refuses_style, removals))
        # An address too long to be judged is taken out without a question.
        return None if left is text else Edit(left, tuple(removals) or (AMBIGUOUS,))

    def style(self, removed: Callable[[Removal, bytes], None]) -> Filter:
        """What rewrites a style sheet that comes in pieces."""
        return StyleSheet(partial(self.refuses_style, _Told(removed)))

    def refuses_style(self, removals: list[Removal] | _Told, url: str) -> bool:
        """Whether a style sheet may not load `url`; if so, `removals` gets why."""
        refusal = self._url(url, unclaimed=False)
        if refusal is not None:
            removals.append(refusal.removal("css", url[:MOST_TEXT]))
        return refusal is not None

    def _map(self, kind: Text, text: bytes) -> Edit[Removal] | None:
        removals: list[Removal] = []

        def refuses(url: str) -> bool:
            # A module is run; a page that is only fetched before a click is not.
            refusal = self._url(url, unclaimed=kind is Text.IMPORT_MAP)
            if refusal is not None:
                removals.append(refusal.removal(kind.value, url[:MOST_TEXT]))
            return refusal is not None

        left = map_without_refused(text, refuses)
        return Edit(left, tuple(removals)) if removals else None

    # --- addresses ----------------------------------------------------------------------------------------------------

    def _value(self, value: bytes, unclaimed: bool, image: bool) -> Refusal | None:
        """Why the URL in an attribute, as written, is refused."""
        plain = _PLAIN_URL(value)
        if plain is not None:
            # A mark may stand in what any host serves, and be there only after decoding.
            if _DECODES(value) is not None or self._may_be_marked(value):
                pass
            elif plain[1] is None:
                if self.own_bases:
                    return None
            else:
                refusal = self._hosts[unclaimed][plain[1]]
                if refusal is not _BY_PATH:
                    return refusal
        return self._url(attribute_value(value), unclaimed, image)

    def _by_host(self, host: bytes, unclaimed: bool) -> Refusal | None:
        """The verdict on all URLs of a host that needs no decoding, or `_BY_PATH`."""
        target = Location(self.page.scheme, parse_host(host.decode("ascii")), "/")
        if self.verdicts.registry.knows_paths(target.host):
            return _BY_PATH
        return self.verdicts.host(target, self.page, unclaimed=unclaimed)

    def _url(self, url: str, unclaimed: bool, image: bool = False) -> Refusal | None:
        for base in self.bases:
            target = resolve(url, base)
            if target.scheme == "javascript":
                return self.verdicts.inline(unquote_to_bytes(target.path), self.page) if unclaimed else None
            if target.scheme == "data":
                return self._data(target.path) if unclaimed else None  # the same against every base
            if target.host == TOO_MANY.host:
                refusal = _UNDECIDABLE if self._removes_doubt else None
            else:
                refusal = self.verdicts.host(target, self.page, unclaimed=unclaimed, image=image)
            if refusal is not None:
                return refusal
        return None

    def _data(self, path: str) -> Refusal | None:
        """Why the script or document in a `data:` URL (RFC 2397) is refused."""
        kind, _, body = path.partition("#")[0].partition(",")
        data = unquote_to_bytes(body)
        if kind.lower().rstrip().endswith("base64"):
            try:
                data = b64decode(data + b"==")
            except Base64Error:
                return None
        codec, _ = codec_of_page(data, codec_of_type(kind.encode("utf-8", "replace")), xml="xml" in kind.lower())
        if codec:
            data = data.decode(codec, "replace").encode("utf-8", "replace")
        if "html" not in kind.lower() and "xml" not in kind.lower():
            return self.verdicts.inline(data, self.page)
        if self.depth >= _MOST_NESTED:
            return _UNDECIDABLE if self._removes_doubt else None
        _, removals = self.nested(self, data)
        return Refusal(removals[0].vendor, removals[0].purpose, removals[0].rule) if removals else None


_Change = tuple[str | None, tuple[Removal, ...]]
"""An attribute's new value, None for an attribute that goes; and why. No reason, no change."""

_PINGING = {b"ping": (b"a", b"area"), b"attributionsrc": (b"a", b"area", b"img", b"script")}
_PAINTED = frozenset(b"fill stroke filter mask marker marker-start marker-mid marker-end clip-path cursor".split())
"""Attributes of drawings that are CSS (SVG 2 section 6.6)."""
_ANIMATED = frozenset({b"to", b"from", b"by", b"values"})
_CHECKED = frozenset(
    {*_ANIMATED, b"style", b"background", b"formaction", b"srcdoc", *_PINGING, *_PAINTED, *ADVERTISING_FLAGS}
)

_SIMPLE_VALUE = (
    # No reference but the one that addresses need, nothing that a URL parser would drop or turn, and after two slashes
    # a host that is looked up as it is written.
    rb"(?![\x00-\x20]*+(?i:javascript|data):)"
    rb"(?:[^\"&\\\t\n\f\r/:]++|&amp;|/(?!/)|:(?=//|[ \"])|//[a-z0-9.-]++(?::[0-9]++)?+(?=[/?#\"]))*+"
)
_SIMPLE_TAG = re.compile(
    rb"<(img|script|link|source|iframe|a|li|div|span|video|object|embed|use)(?:"
    # Told by their first letters, the names of attributes that matter otherwise are left out.
    rb" (?:[egi-lnqrt-z]|a(?!tt|da)|b(?!a|row)|c(?!lip|ur)|d(?!ata-dn)|f(?!orma|il)|h(?!id)|m(?!a)|o(?!n)|p(?!ing)"
    rb"|s(?!ty|rcd|ha|tr))[a-z-]*+(?:=\"" + _SIMPLE_VALUE + rb"\"|(?=[ />]))"
    rb"| style=\"[^\"'(&\\]*+\")*+[ /]*+>"
).fullmatch  # fmt: skip
"""A tag that is judged by the hosts in it alone, and whose element's text need not be judged but for `<script>`."""

_HAS_SOURCE = re.compile(rb"<script(?: (?!src=)[a-z-]++(?:=\"[^\"]*+\"|(?=[ />])))*+ src=").match
_HOSTS = re.compile(rb"//([a-z0-9.-]++)").findall
_ONE_SRC = re.compile(
    rb"<(?:img|script|iframe)(?: (?!src=)[a-z-]++(?:=\"[^\"/&]*+\")?+)*+"
    rb" src=\"((?:https?:)?//([a-z0-9.-]++)(?::[0-9]++)?+(?:[/?#][^\"&]*+)?+)\""
).match
"""A simple tag of which `src` is the first attribute with a slash in it: 1 is the address, 2 its host."""
_RUN = frozenset({b"script", b"iframe", b"embed", b"object"})
_SHOWN = frozenset({b"img", b"source", b"link", b"a", b"video", b"use"})
"""Elements of which only what a refused vendor serves is refused, with exceptions."""
_PRELOADS = re.compile(rb"[pP][rR][eE][lL][oO][aA][dD]").search
_MAY_BE_DOT = re.compile(rb"=\"[\s0]*+[01]?+[.0]*+(?:px)?+\s*+\"").search
_MAY_HIDE = re.compile(rb" style=\"[^\"]*?(?:[nN][oO][nN][eE]|[hH][iI][dD]|[dD][tT][hH]|[gG][hH][tT])").search


def _may_be_tag(name: bytes, tag: bytes) -> bool:
    """Whether a simple tag may load what is a vendor's by the path or an attribute, whoever serves it."""
    if name == b"img":
        return b"?" in tag or _may_run(tag)
    return name in _RUN or (name == b"link" and _PRELOADS(tag) is not None)


def _may_run(tag: bytes) -> bool:
    """Whether a simple tag may load a script early, or be a pixel: then what nobody claims matters."""
    return _MAY_BE_DOT(tag) is not None or _PRELOADS(tag) is not None or _MAY_HIDE(tag) is not None


_KINDS = {
    "module": Text.MODULE,
    "importmap": Text.IMPORT_MAP,
    "speculationrules": Text.SPECULATION_RULES,
}
_IMPORTS = re.compile(
    rb"(?:[\s}*]from|(?:^|[;{}\n\r/])[\t ]*+import)\s*+[\"']((?:https?:)?\\?/\\?/[^\"'\s]++)[\"']"
).finditer
"""What a module imports by address (ECMAScript section 16.2.2)."""


class _Told:
    """Hands each removal on when it is found."""

    def __init__(self, removed: Callable[[Removal, bytes], None]) -> None:
        self._removed = removed

    def append(self, removal: Removal) -> None:
        """One more."""
        self._removed(removal, b"")


def _text_of(name: bytes, found: Mapping[bytes, bytes], value: Callable[[bytes], str]) -> Text | None:
    """How the text of a script or style must be read, if it must be judged."""
    if name == b"style":
        return Text.STYLE  # whatever its type: browsers look ahead for imports in any
    kind = value(b"type").strip().lower()
    if b"src" in found:
        return None
    if kind in _KINDS:
        return _KINDS[kind]
    return None if is_data_block(kind) else Text.SCRIPT


def _weight(answer: Answer) -> int:
    return len(answer.instead) + 200 * len(answer.verdicts) if isinstance(answer, Edit) else 0


def _exact(written: bytes) -> bytes:
    """An attribute's value as UTF-8, with what is not UTF-8 as it stands."""
    return attribute_value(written, "surrogateescape").encode("utf-8", "surrogateescape")


def _kept(name: bytes) -> Text | None:
    """The answer for a tag that stays without a look at it."""
    return Text.KEEP if name in (b"script", b"style") else None


@lru_cache(maxsize=16)
def tag_judge(
    verdicts: Verdicts,
    scheme: str,
    host: str,
    bases: tuple[Location, ...],
    codec: str | None,
    texts: str,
    nested: Nested,
    depth: int,
) -> TagJudge:
    """The judge for pages of one host; few hosts are remembered, for a `Host` may be anything."""
    return TagJudge(verdicts, Location(scheme, host, "/"), bases, codec, texts, nested, depth)


def forget() -> None:
    """Empty every cache of verdicts on tags, as in a process that has just started."""
    tag_judge.cache_clear()
