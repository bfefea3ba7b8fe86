"""Vendors' marks in inline scripts, judged by what the code does.

Speed decides the shape: candidates are found by patterns that each start with a literal byte, so that the engine skips
with `memchr`; only a candidate costs a look at the JavaScript around it. An address counts at the start of a string
literal that is not a JSON value, or as the `src` in one; a call counts in code. Besides, any address of a vendor counts
that the script makes the source of something. What is in a comment, in data or in documentation is no snippet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, cast

from dntguard.vendors.marks import Match
from dntguard.vendors.schema import Vendor

_URL_START = re.compile(
    rb"(?:[^\n]*src\s*+=\s*+)?(?:\.|(?:https?:)?(?:\\?/\\?/)?(?:[\w-]++\.)*+)(?:[\w-]++\.)*+"
).fullmatch
"""What may stand between a quote and a loader address: the start of a URL, after `src=` or not."""

_PATH_START = re.compile(
    rb"(?:[^\n]*src\s*+=\s*+)?(?:(?:https?:)?\\?/\\?/([\w.-]++)(?::[0-9]++)?+)?(?:\\?/[\w.@%+~!-]*+)*+"
).fullmatch
"""What may stand between a quote and a path that any host may serve: a host, which is 1, or none, and folders."""

_Start = Callable[[bytes], re.Match[bytes] | None]

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
_SOURCE = re.compile(rb"(?<![.\w])src\s*+=\s*+\\?+[\"'`]?+\Z").search
"""Before a quote inside a string: the address is one that markup in the string loads."""

_QUOTES = (b'"', b"'", b"`")
_ANYTHING = b"anything"
"""Stands for a place that may be code or string."""


_LABEL = b"abcdefghijklmnopqrstuvwxyz0123456789-"
_IDENTIFIER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$."
_LONGEST_CALL = 80
"""How far before a call's end its name is looked for, in bytes."""
_HOST = _LABEL + b"."
_LONGEST_LABEL = 63
_LONGEST_HOST = 253
"""In bytes (RFC 1035 section 2.3.4)."""

_LEAD = 160
"""How far before a host it is looked for what a script does with the address, in bytes."""

_REACH = 240
"""How far before an address its opening quote is looked for, in bytes."""


_METHODS = re.compile(rb"\.([A-Za-z_$][\w$]*+)\s*+\(").finditer
"""A method that is called."""
_WORDS = re.compile(rb"\(\s*+(?:[\[{]\s*+)?+[\"']([\w:./ -]++)[\"']").finditer
"""The first argument of a call, or what is first in it, when it is a word in quotes."""
_ENDS = re.compile(rb"\.([a-z]++)(?:(?::[0-9]++)?+(\\?/)|(?=[\"'`?]))").finditer
"""Where a host ends (then 2 is the slash that begins the path), or a string or path does."""


class Snippet(NamedTuple):
    """A vendor's snippet in a script.

    Attributes:
        match: the vendor and the pattern that named it.
        host: the host of the address that it is; empty for a call, and for a file of the site's own.
        anywhere: whether it is a vendor's whichever host serves it, the site's own too.
    """

    match: Match
    host: str = ""
    anywhere: bool = False


class InlineMarks:
    """Finds vendors' snippets in the text of a script: their inline marks, the files among their path marks, and any
    address of theirs that the script makes the source of something.

    Args:
        vendors: the vendors.
        find_url: who a host and path belong to.
    """

    def __init__(self, vendors: Iterable[Vendor], find_url: Callable[[str, str], Match | None]) -> None:
        self._find_url = find_url
        self._addresses: dict[bytes, list[tuple[bytes, bytes, Snippet]]] = {}
        self._files: dict[bytes, list[tuple[bytes, bytes, Match]]] = {}
        self._calls: dict[tuple[bytes, bytes], list[Snippet]] = {}
        for vendor in vendors:
            for mark in vendor.inline:
                name, call, arguments = mark.partition("(")
                if call:
                    key = name.encode(), arguments.strip("[{'").encode()
                    self._calls.setdefault(key, []).append(Snippet(Match(vendor, mark)))
                else:
                    host, slash, path = mark.partition("/")
                    address = host.encode(), f"{slash}{path}".encode(), Snippet(Match(vendor, mark), host)
                    self._addresses.setdefault(_last_two(host), []).append(address)
            for mark in vendor.paths:
                path, _, query = mark.partition("?")
                if _FILE(path):
                    # Of a query the first parameter's name will do: a snippet may join its value on.
                    parameter = f"?{query.partition('=')[0]}=" if query else ""
                    marked = path.encode(), parameter.encode(), Match(vendor, mark)
                    self._files.setdefault(_last_two(path.rpartition("/")[2]), []).append(marked)
        self._methods = frozenset(name.rpartition(b".")[2] for name, word in self._calls if not word)
        self._words = frozenset(word for _, word in self._calls if word)
        self._names = frozenset([*self._addresses, *self._files])  # by their last two labels, hosts and files alike

    def find(self, text: bytes) -> Iterator[Snippet]:
        """The marks that stand where a snippet has them, in the order of the text."""
        candidates: list[_Candidate] = []
        for found in _ENDS(text):
            dot, end = found.span(1)
            slash = found.start(2)  # negative where no path follows
            before = text[max(0, dot - 1 - _LONGEST_LABEL) : dot - 1]
            name = before[len(before.rstrip(_LABEL)) :] + text[dot - 1 : end]
            marks = [*self._at_name(text, end, slash, name)] if name in self._names else ()
            candidates.extend(marks)
            if slash >= 0 and not marks:
                candidates.extend(self._at_source(text, end, slash))
        for found in _METHODS(text):
            if found[1] in self._methods:
                candidates.extend(self._at_call(text, found.start(), found.end(1), b""))
        for found in _WORDS(text):
            if found[1] in self._words:
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
            for snippet in self._calls.get((name, word), ()):
                yield _Candidate(place, None, snippet)
            _, dot, name = name.partition(b".")
            if not dot:
                return

    def _at_name(self, text: bytes, end: int, slash: int, name: bytes) -> Iterator[_Candidate]:
        """The marks that the address is whose host or path ends at `end`, with these last two labels."""
        for host, path, snippet in self._addresses.get(name, ()):
            begin = end - len(host)
            if begin < 0 or text[begin:end] != host or (slash < 0) is bool(path):
                continue
            after = text[slash : slash + 2 * len(path)].replace(b"\\/", b"/") if path else b""
            opening = _opening_quote(text, begin, _URL_START) if after.startswith(path) else None
            if opening is not None:
                yield _Candidate(begin, opening.place, snippet)
        for path, parameter, match in self._files.get(name, ()):
            begin = end - len(path)
            before = text[max(0, end - 2 * len(path)) : end].replace(b"\\/", b"/")
            if before.endswith(path) and text.startswith(parameter, end):
                opening = _opening_quote(text, begin + 1, _PATH_START)
                if opening is not None:
                    served_by = (opening.start[1] or b"").decode()
                    yield _Candidate(begin, opening.place, Snippet(match, served_by, anywhere=True))

    def _at_source(self, text: bytes, end: int, slash: int) -> Iterator[_Candidate]:
        """The vendor of the address whose host ends at `end`, where the script makes it the source of something."""
        before = text[max(0, end - _LONGEST_HOST) : end]
        host = before[len(before.rstrip(_HOST)) :]
        begin = end - len(host)
        lead = text[max(0, begin - _LEAD) : begin]
        if not lead.endswith(b"/") or not (b"src" in lead or b"+" in lead or b"(" in lead):
            return  # nearly every address, and no look at more of it
        source = _SOURCE_OF(lead)
        # A scheme that is put before it makes an address, and a source near it what the address is for.
        if source is None or (source[2] and b"src" not in lead and b"src" not in text[end : end + _LEAD]):
            return
        path = _PATH(text, slash)
        match = self._find_url(host.decode(), path[0].replace(b"\\", b"").decode() if path else "/")
        if match is not None:
            scheme = source[1] or source[2] or source[3]
            yield _Candidate(begin, begin - len(scheme) - 1, Snippet(match, host.decode()))


def _last_two(name: str) -> bytes:
    return name[name.rfind(".", 0, name.rfind(".")) + 1 :].encode()


_FILE = re.compile(r"(?:/[\w.@%+~!-]+)*/[\w.-]+\.[a-z]+\Z", re.ASCII).match
"""A path mark that a string in a script may be: whole, and with a file at its end."""

_SOURCE_OF = re.compile(
    rb"(?:(?<![-\w])src\s*+=\s*+(?:[\w.$]++\s*+\+\s*+)?\\?"
    rb"|\bsetAttribute\(\s*+[\"']src[\"']\s*+,\s*+"
    rb"|\b(?:sendBeacon|fetch|getScript|importScripts|import)\(\s*+)"
    rb"[\"'`]((?:https?:)?\\?/\\?/)\Z"
    rb"|\+\s*+[\"'](\\?/\\?/)\Z|\bdocument\.write(?:ln)?\([^;]*(?<![-\w])src=((?:https?:)?//)\Z"
).search
"""Before a host: what a script does with an address that it loads; 2 is of one that a scheme is put before."""
_PATH = re.compile(rb"(?:\\?/[\w.@%+~!-]*+)++").match


class _Candidate(NamedTuple):
    """A mark in a text: where, after which quote if it is an address, and what it is."""

    place: int
    quote: int | None
    snippet: Snippet


class _Opening(NamedTuple):
    """The quote before an address, and what is between them."""

    place: int
    start: re.Match[bytes]


def _opening_quote(text: bytes, place: int, start: _Start) -> _Opening | None:
    """The quote before the address at `place`, if it begins a string that is not a value in JSON.

    `start`: whether what is between the quote and the place begins a URL.
    """
    reach = max(0, place - _REACH)
    quote = max(text.rfind(mark, reach, place) for mark in _QUOTES)
    between = start(text[quote + 1 : place]) if quote >= 0 else None
    if between is None:
        return None
    before = text[max(0, quote - 40) : quote].rstrip()
    is_json = before.endswith(b":") and before[:-1].rstrip().endswith((b'"', b"'"))
    return None if is_json else _Opening(quote, between)


def _in_place(text: bytes, candidates: list[_Candidate]) -> Iterator[Snippet]:
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
            yield candidate.snippet
        elif candidate.quote is None:
            if not opening:
                yield candidate.snippet
        elif opening in _QUOTES and (
            candidate.quote == read or _SOURCE(text[max(read, candidate.quote - 20) : candidate.quote + 1])
        ):
            yield candidate.snippet


def _opening(text: bytes, place: int) -> bytes:
    """What a token begins with; before a regular expression, the punctuation that is nearest to it."""
    run = _PUNCTUATION_RUN(text, place)
    return run[0].rstrip()[-1:] if run else text[place : place + 1]
