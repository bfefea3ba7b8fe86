"""Vendor data to an immutable `Registry`: who a host, a cookie or an inline snippet belongs to.

Vendors are data: `dntguard/data/*.toml`, one file per purpose. The schema of an entry:

    [[vendor]]
    id = "meta-pixel"                                  # kebab-case, unique
    name = "Meta Pixel"
    purpose = "marketing"                              # necessary, functional, analytics, marketing
    source = "https://..."                             # the public page where the facts are found
    hosts = ["connect.facebook.net/en_US/fbevents.js"] # a host with its subdomains, or a path prefix on it
    cookies = ["_fbp", "_ga_*"]                        # names, "*" for any run of characters
    inline = ["connect.facebook.net/en_US/fbevents.js", "fbq('init'"]
    globals = ["fbq"]                                  # what page code calls on `window`

An inline mark is either a loader address, host and path as a snippet writes them in a JavaScript string, or a call
as a snippet writes it, with single quotes and without whitespace.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b
from importlib import resources
from typing import NamedTuple, cast

from dntguard.errors import VendorDataError
from dntguard.purposes import Purpose
from dntguard.urls import parents


@dataclass(frozen=True, slots=True)
class Vendor:
    """Who a host, cookie or inline snippet belongs to. The attributes are those of the schema above."""

    id: str
    name: str
    purpose: Purpose
    source: str
    hosts: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()
    inline: tuple[str, ...] = ()
    globals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A vendor and the pattern that named it."""

    vendor: Vendor
    rule: str


class Registry:
    """All vendors, compiled for look-up. Immutable, shared by threads and tasks.

    Args:
        vendors: the entries.

    Raises:
        VendorDataError: an entry breaks the schema, or two entries claim the same id or host pattern.
    """

    def __init__(self, vendors: Iterable[Vendor]) -> None:
        self.vendors = tuple(vendors)
        by_id: dict[str, Vendor] = {}
        self._hosts: dict[str, Match] = {}
        self._paths: dict[str, list[tuple[str, Match]]] = {}
        self._domains: set[str] = set()  # the last two labels of every host pattern
        self._cookies: dict[str, Match] = {}
        self._cookie_patterns: list[tuple[re.Pattern[str], Match]] = []
        for vendor in self.vendors:
            if vendor.id in by_id:
                raise VendorDataError(vendor.id, "the id is used twice")
            by_id[vendor.id] = vendor
            for pattern in vendor.hosts:
                self._add_host(pattern, Match(vendor, pattern))
            for pattern in vendor.cookies:
                self._add_cookie(pattern, Match(vendor, pattern))
        for prefixes in self._paths.values():
            prefixes.sort(key=lambda entry: -len(entry[0]))  # the longest prefix decides
        self._by_id = by_id
        self._inline = _InlineMarks(self.vendors)

    @staticmethod
    @cache
    def default() -> Registry:
        """The registry of the vendors that come with dntguard; read once per process."""
        folder = resources.files("dntguard") / "data"
        files = sorted(folder.iterdir(), key=lambda file: file.name)  # the first entry names a shared cookie
        texts = [file.read_text("utf-8") for file in files if file.name.endswith(".toml")]
        return Registry(vendor for text in texts for vendor in load(text))

    @cached_property
    def fingerprint(self) -> str:
        """A short name of what is in it: the same in every process that has the same vendors."""
        return blake2b(repr(self.vendors).encode(), digest_size=8).hexdigest()

    def __contains__(self, vendor_id: str) -> bool:
        return vendor_id in self._by_id

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
        return any(name in self._paths for name in parents(host))

    def knows(self, host: str) -> bool:
        """Whether any path on `host` may be a vendor's; False for most of the web's hosts."""
        return ".".join(host.rsplit(".", 2)[-2:]) in self._domains

    def find_url(self, host: str, path: str) -> Match | None:
        """The pattern behind `match_url`: the most specific host first, on it the longest path prefix first."""
        if not self.knows(host):
            return None
        for name in parents(host):
            for prefix, match in self._paths.get(name, ()):
                if path.startswith(prefix):
                    return match
            if name in self._hosts:
                return self._hosts[name]
        return None

    def match_cookie(self, name: str) -> Vendor | None:
        """Who sets a cookie of this name; names are case-sensitive (RFC 6265 section 5.3)."""
        match = self.find_cookie(name)
        return match.vendor if match else None

    def find_cookie(self, name: str) -> Match | None:
        """The pattern behind `match_cookie`: an exact name wins, then the longest pattern."""
        if name in self._cookies:
            return self._cookies[name]
        found = [match for pattern, match in self._cookie_patterns if pattern.fullmatch(name)]
        return max(found, key=lambda match: len(match.rule)) if found else None

    def find_inline(self, text: bytes) -> tuple[Match, ...]:
        """The vendors whose snippet an inline script holds, in the order of their marks in the text."""
        return tuple(dict.fromkeys(self._inline.find(text)))

    def each_inline(self, text: bytes) -> Iterator[Match]:
        """The same one by one, as far as somebody asks: the first that is refused decides, and the rest costs time."""
        return self._inline.find(text)

    def _add_host(self, pattern: str, match: Match) -> None:
        host, slash, path = pattern.partition("/")
        taken = any(prefix == slash + path for prefix, _ in self._paths.get(host, ())) if slash else host in self._hosts
        self._domains.add(".".join(host.rsplit(".", 2)[-2:]))
        if taken:
            raise VendorDataError(match.vendor.id, f"another vendor claims the host pattern {pattern!r}")
        if slash:
            self._paths.setdefault(host, []).append((slash + path, match))
        else:
            self._hosts[host] = match

    def _add_cookie(self, pattern: str, match: Match) -> None:
        if "*" in pattern:
            self._cookie_patterns.append((re.compile(name_pattern(pattern)), match))
        else:
            # Two vendors of one house may set the same cookie: the first entry names it.
            self._cookies.setdefault(pattern, match)


def name_pattern(pattern: str) -> str:
    """The regular expression of a pattern in which `*` stands for any run of characters."""
    first, *others = map(re.escape, pattern.split("*"))
    if not others:
        return first
    # Each piece where it comes first, and never again: otherwise several stars would backtrack over each other.
    middle = "".join(rf"(?>[\s\S]*?{piece})" for piece in others[:-1])
    return rf"{first}{middle}[\s\S]*{others[-1]}"


# --- the schema -----------------------------------------------------------------------------------------------------

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z").match
_HOST_PATTERN = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z0-9-]+(?:/\S*)?\Z").match
_COOKIE_PATTERN = re.compile(r"[^\s=;,\"\\]+\Z").match
_ADDRESS_MARK = re.compile(r"((?:[a-z0-9-]+\.)+([a-z]+))(/[^\s\"'\\]*)\Z").match
_CALL_MARK = re.compile(r"([A-Za-z_$][\w$.]*)\((\[?)(?:'([\w:./ -]+))?'?\Z").match
_GLOBAL = re.compile(r"[A-Za-z_$][\w$]*\Z").match
_LISTS = ("hosts", "cookies", "inline", "globals")
_TEXTS = ("id", "name", "purpose", "source")


def load(text: str) -> list[Vendor]:
    """The vendors of one TOML text.

    Raises:
        VendorDataError: the text or an entry breaks the schema.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise VendorDataError("file", f"not TOML: {error}") from None
    if set(data) - {"vendor"}:
        raise VendorDataError("file", f"only [[vendor]] tables belong here, not {sorted(set(data) - {'vendor'})}")
    entries = data.get("vendor", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise VendorDataError("file", "each vendor must be a [[vendor]] table, with two brackets")
    return [parse_vendor(entry, place) for place, entry in enumerate(entries, start=1)]


def parse_vendor(entry: Mapping[str, object], place: int = 1) -> Vendor:
    """One entry of the schema.

    Raises:
        VendorDataError: a key is missing, unknown or has a value that cannot be used.
    """
    label = str(entry.get("id", f"number {place}"))
    unknown = sorted(set(entry) - set(_TEXTS) - set(_LISTS))
    if unknown:
        raise VendorDataError(label, f"unknown key {unknown[0]!r}; the keys are {', '.join(_TEXTS + _LISTS)}")
    texts: dict[str, str] = {}
    for key in _TEXTS:
        value = entry.get(key)
        if not isinstance(value, str) or not value:
            raise VendorDataError(label, f"{key!r} must be a text")
        texts[key] = value
    lists: dict[str, tuple[str, ...]] = {}
    for key in _LISTS:
        value = entry.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise VendorDataError(label, f"{key!r} must be a list of texts")
        lists[key] = tuple(value)
    if not _ID(texts["id"]):
        raise VendorDataError(label, 'the id must be kebab-case, as in "google-analytics"')
    if texts["purpose"] not in set(Purpose):
        raise VendorDataError(label, f"no such purpose: {texts['purpose']!r}; choose from {', '.join(Purpose)}")
    if not texts["source"].startswith("https://"):
        raise VendorDataError(label, "the source must be an https address")
    checks = (
        ("hosts", _HOST_PATTERN, 'a lower-case host, with a path or without: "www.example.com/tag/"'),
        ("cookies", _COOKIE_PATTERN, 'a cookie name, "*" for any run of characters: "_ga_*"'),
        ("globals", _GLOBAL, 'a plain identifier: "fbq"'),
    )
    for key, check, fix in checks:
        for item in lists[key]:
            if not check(item):
                raise VendorDataError(label, f"{key} entry {item!r} must be {fix}")
    for item in lists["inline"]:
        call = _CALL_MARK(item)
        if not (_ADDRESS_MARK(item) or (call and ("." in call[1] or call[3]))):
            raise VendorDataError(
                label,
                f'inline entry {item!r} must be a loader address ("cdn.example.com/tag.js") or an initialising call '
                '("fbq(\'init\'", "mixpanel.init(")',
            )
    return Vendor(
        id=texts["id"],
        name=texts["name"],
        purpose=Purpose(texts["purpose"]),
        source=texts["source"],
        hosts=lists["hosts"],
        cookies=lists["cookies"],
        inline=lists["inline"],
        globals=lists["globals"],
    )


# --- inline marks ---------------------------------------------------------------------------------------------------

_URL_START = re.compile(
    rb"(?:[^\n]*src\s*+=\s*+)?(?:\.|(?:https?:)?(?:\\?/\\?/)?(?:[\w-]++\.)*+)(?:[\w-]++\.)*+"
).fullmatch
"""What may stand between a quote and a loader address: the start of a URL, after `src=` or not."""

_PUNCTUATION = rb"[(,=:\[!&|?{};+*%~^>-]"
_KEYWORDS = b"return typeof case in of delete void throw new instanceof do else".split()
_AFTER_KEYWORD = b"|".join(rb"(?<=\b%b)|(?<=\b%b[ ])" % (word, word) for word in _KEYWORDS)
_REGULAR = rb"/(?![*/])(?:[^/\\\[\n]++|\\.|\[(?:[^\]\\\n]++|\\.)*+\])++/"
_TOKEN = (
    rb"""(?: [^"'`/<(,=:\[!&|?{};+*%~^>-]++
    | """ + _PUNCTUATION + rb"(?:" + _PUNCTUATION + rb"|\s)*+(?:" + _REGULAR + rb"|(?!/(?![*/])))"
    + rb"|(?:" + _AFTER_KEYWORD + rb")" + _REGULAR
    + rb"""| <(?!!--)
    | "(?:[^"\\\n]++|\\[\s\S])*+" | '(?:[^'\\\n]++|\\[\s\S])*+' | `(?:[^`\\]++|\\[\s\S])*+`
    | //[^\n\r]*+[\n\r] | <!--[^\n\r]*+[\n\r] | /\*(?:[^*]++|\*(?!/))*+\*/
    | /(?![*/])
    )"""
)  # fmt: skip
_JAVASCRIPT = cast("Callable[[bytes, int, int], re.Match[bytes]]", re.compile(_TOKEN + rb"*+", re.VERBOSE).match)
"""Whole tokens of JavaScript, as far as they can hide or hold a mark: comments, strings, regular expressions."""

_JAVASCRIPT_TOKEN = re.compile(_TOKEN, re.VERBOSE).match
_PUNCTUATION_RUN = re.compile(_PUNCTUATION + rb"(?:" + _PUNCTUATION + rb"|\s)*+").match
_SOURCE = re.compile(rb"src\s*+=\s*+\\?+[\"'`]\Z").search
"""Before a quote inside a string: the address is one that markup in the string loads."""

_QUOTES = (b'"', b"'", b"`")
_ANYTHING = b"anything"
"""Stands for a place that may be code or string."""


_LABEL = b"abcdefghijklmnopqrstuvwxyz0123456789-"
_IDENTIFIER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$."
_LONGEST_CALL = 80
"""How far before a call's end its name is looked for, in bytes."""
_LONGEST_LABEL = 63
"""In bytes (RFC 1035 section 2.3.4)."""

_REACH = 240
"""How far before an address its opening quote is looked for, in bytes."""


class _InlineMarks:
    """Finds vendors' marks in inline scripts.

    Speed decides the shape: each pass is one regular expression that starts with a literal byte, so that the engine
    skips with `memchr`, and what it finds is one dictionary look-up. Only a candidate that stands where a snippet
    would have it costs a look at the JavaScript around it: in code, not in a comment, not in data.
    """

    def __init__(self, vendors: tuple[Vendor, ...]) -> None:
        self._addresses: dict[bytes, list[tuple[bytes, bytes, Match]]] = {}
        self._calls: dict[tuple[bytes, bytes], list[Match]] = {}
        suffixes: set[bytes] = set()
        methods: set[bytes] = set()
        words: set[bytes] = set()
        for vendor in vendors:
            for mark in vendor.inline:
                match = Match(vendor, mark)
                address = _ADDRESS_MARK(mark)
                if address:
                    host = address[1].encode()
                    suffixes.add(address[2].encode())
                    domain = b".".join(host.split(b".")[-2:])
                    self._addresses.setdefault(domain, []).append((host, address[3].encode(), match))
                elif call := _CALL_MARK(mark):
                    name, word = call[1].encode(), (call[3] or "").encode()
                    self._calls.setdefault((name, word), []).append(match)
                    if word:
                        words.add(word)
                    else:
                        methods.add(name.rpartition(b".")[2])
        self._dotted = re.compile(
            rb"\.(?:(" + _alternatives(suffixes) + rb")\\?/|(" + _alternatives(methods) + rb")\s*+\()"
        ).finditer
        self._word = re.compile(rb"\(\s*+(?:\[\s*+)?+[\"'](" + _alternatives(words) + rb")[\"']").finditer

    def find(self, text: bytes) -> Iterator[Match]:
        candidates: list[_Candidate] = []
        for found in self._dotted(text):
            if found.lastindex == 1:
                dot = found.start()
                before = text[max(0, dot - _LONGEST_LABEL) : dot]
                domain = before[len(before.rstrip(_LABEL)) :] + text[dot : found.end(1)]
                if domain in self._addresses:
                    candidates.extend(self._at_address(text, found.end(1), domain))
            else:
                candidates.extend(self._at_call(text, found.start(), found.end(2), b""))
        for found in self._word(text):
            candidates.extend(self._at_call(text, found.start(), found.start(), found[1]))
        if not candidates:
            return iter(())
        candidates.sort(key=lambda candidate: candidate.place)
        return _in_place(text, candidates)

    def _at_call(self, text: bytes, place: int, end: int, word: bytes) -> Iterator[_Candidate]:
        """The marks that the function whose name ends at `end` is, called at `place` with `word`."""
        before = text[max(0, end - _LONGEST_CALL) : end].rstrip()
        name = before[len(before.rstrip(_IDENTIFIER)) :]
        # `window.fbq('init'` is the same call as `fbq('init'`.
        while True:
            for match in self._calls.get((name, word), ()):
                yield _Candidate(place, None, match)
            _, dot, name = name.partition(b".")
            if not dot:
                return

    def _at_address(self, text: bytes, end: int, domain: bytes) -> Iterator[_Candidate]:
        """The marks that the address is whose host ends at `end`, in `domain`."""
        for host, path, match in self._addresses[domain]:
            begin = end - len(host)
            if begin < 0 or text[begin:end] != host:
                continue
            after = text[end : end + 2 * len(path) + 2].replace(b"\\/", b"/")
            quote = _opening_quote(text, begin) if after.startswith(path) else -1
            if quote >= 0:
                yield _Candidate(begin, quote, match)


class _Candidate(NamedTuple):
    """A mark in a text: where, after which quote if it is an address, and whose."""

    place: int
    quote: int | None
    match: Match


def _opening_quote(text: bytes, place: int) -> int:
    """The quote before the address at `place`, if it begins a string that is not a value in JSON; or -1."""
    reach = max(0, place - _REACH)
    quote = max(text.rfind(mark, reach, place) for mark in _QUOTES)
    if quote < 0 or not _URL_START(text[quote + 1 : place]):
        return -1
    before = text[max(0, quote - 40) : quote].rstrip()
    is_json = before.endswith(b":") and before[:-1].rstrip().endswith((b'"', b"'"))
    return -1 if is_json else quote


def _in_place(text: bytes, candidates: list[_Candidate]) -> Iterator[Match]:
    """The candidates that stand in code (calls) or begin a string of the code (addresses)."""
    read = end = 0
    opening = b""
    for candidate in candidates:
        if candidate.place >= end:
            # Read on as far as whole tokens go: that stops before the place only at a token that the place is inside
            # of, whose end then answers for all that stand in it.
            read = end = _JAVASCRIPT(text, end, candidate.place).end()
            opening = b""
            if read < candidate.place:
                opening = _opening(text, read)
                token = _JAVASCRIPT_TOKEN(text, read)
                end = token.end() if token else len(text)
                if token is None and text[read : read + 2] not in (b"//", b"/*", b"<!"):
                    # The tokens do not work out: whoever wrote this, a browser may read it differently.
                    opening = _ANYTHING
        # After a closing brace a slash may begin a regular expression or divide.
        if opening in (_ANYTHING, b"}") or (opening == b"`" and b"${" in text[read : candidate.place]):
            yield candidate.match
        elif candidate.quote is None:
            if not opening:
                yield candidate.match
        elif opening in _QUOTES and (
            candidate.quote == read or _SOURCE(text[max(read, candidate.quote - 20) : candidate.quote + 1])
        ):
            yield candidate.match


def _opening(text: bytes, place: int) -> bytes:
    """What a token begins with; before a regular expression, the punctuation that is nearest to it."""
    run = _PUNCTUATION_RUN(text, place)
    return run[0].rstrip()[-1:] if run else text[place : place + 1]


def _alternatives(words: Iterable[bytes]) -> bytes:
    """A pattern for any of the words, the longest first; one that never matches when there are none."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    return b"|".join(map(re.escape, ordered)) if ordered else rb"(?!)"
