"""An incremental HTML scanner: bytes in, the same bytes out, less the elements that a judge refuses.

It knows HTML and no vendor. Its place in the markup is always that of a browser reading the *output*: a tag that is
taken out has no effect on what follows, so what the scanner believes and what the browser does cannot drift apart.

How it stays fast: one regular expression with possessive quantifiers runs over text, comments, end tags and the
start tags that can never matter in a single C loop, and stops at the next tag that can. It cannot backtrack: each
construct either ends inside the chunk or runs to its end, and then a small resumable state takes over, so every byte
is looked at a bounded number of times however the input is cut.

The attacks it is built against, each a way to make a scanner and a browser disagree about where markup is:

1. Quotes count only after `=` in a tag, and tags may span chunks: the tag grammar is the standard's, everywhere.
2. `</script>` inside `<!-- <script>` does not end a script: the script's escaped states are tracked.
3. In SVG and MathML, `style`, `title`, `script` and the like hold markup, and `<![CDATA[` hides it: a stack of open
   elements is kept from `<svg>` or `<math>` to its end, as in the standard's tree construction (section 13.2.6.5).
4. `select`, `frameset` and column groups in templates make browsers ignore the start tag that would have begun raw
   text, and browsers of different years disagree. There, and after broken markup in foreign content, the scan is
   *uncertain*: an element whose content would be raw text in one reading and markup in the other is let through only
   when both readings end in the same place and neither holds anything refused. Otherwise the judge's word for what
   cannot be decided applies. Taking bytes out up to a point where both readings meet restores certainty.
5. `noscript` is raw text with scripting and markup without: its content is scanned as markup on its own, and must
   end where it began, in data.

Sections are those of the HTML standard, https://html.spec.whatwg.org/multipage/parsing.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from html import unescape
from html.entities import html5 as named_references
from typing import Final, Generic, Protocol, TypeVar, cast

INERT: Final = b"<!---->"
"""What a removed element leaves. Never nothing: the text around it must not join into a new tag."""


Verdict = TypeVar("Verdict")
"""Why something is taken out; the scanner only passes it on."""


class Inline(Enum):
    """The type of `INLINE`, a judge's answer for a script tag whose text must be judged."""

    INLINE = "inline"


INLINE: Final = Inline.INLINE


class Judge(Protocol[Verdict]):
    """What the scanner asks."""

    tags: Mapping[bytes, Verdict | Inline | None]
    """From the exact bytes of a start tag to why it is refused; None to keep it. May change after `base`."""

    ambiguous: Verdict | None
    """Why that which cannot be decided is taken out; None to keep it."""

    def inline(self, text: bytes) -> Verdict | None:
        """Why a script with this text is refused; None to keep it."""

    def base(self, tag: bytes) -> None:
        """Learn of a `base` element."""

    def removed(self, verdict: Verdict, tag: bytes) -> None:
        """Learn that the element that starts with `tag` was taken out."""


# --- the tag grammar (sections 13.2.5.6 to 13.2.5.40) -----------------------------------------------------------------
#
# Whitespace is TAB, LF, FF, CR, SPACE, and not \s. A quote opens a value only directly after "=". After a name that
# is followed by "=", a value must match or the tag is unfinished: without the look-ahead at the end of _ATTRIBUTE an
# unclosed quote would be read as the name of another attribute.
#
# CPython 3.11.0 to 3.11.4 mismatched possessive groups that had to backtrack inside: nothing here needs to.

_SPACE = rb"[\t\n\f\r ]"
_NAME_END = rb"(?=[\t\n\f\r />])"
_VALUE = rb"""(?:"[^"]*+"|'[^']*+'|[^\t\n\f\r >"'][^\t\n\f\r >]*+|(?=>))"""
_GENERAL_ATTRIBUTE = (
    rb"[^\t\n\f\r />][^\t\n\f\r />=]*+(?:" + _SPACE + rb"*+=" + _SPACE + rb"*+" + _VALUE + rb"|(?!" + _SPACE + rb"*+=))"
)
_ATTRIBUTES = rb"""(?: [a-zA-Z-]++="[^"]*+"|[\t\n\f\r /]++|""" + _GENERAL_ATTRIBUTE + rb")*+"
_REST = _ATTRIBUTES + rb">"


def _any_case(name: str) -> bytes:
    # Not re.IGNORECASE: it makes the engine leave its fast paths.
    return b"".join(b"[%c%c]" % (c, c ^ 0x20) if chr(c).isalpha() else b"%c" % c for c in name.encode())


def _one_of(names: str) -> bytes:
    return b"(?:" + b"|".join(map(_any_case, names.split())) + b")" + _NAME_END


def _start_of(name: str) -> bytes:
    return rb"<" + _any_case(name) + _NAME_END + _REST


def _text_of(name: str) -> bytes:
    return rb"[^<]*+(?:<(?!/" + _any_case(name) + _NAME_END + rb")[^<]*+)*+"


def _end_of(name: str) -> bytes:
    return rb"</" + _any_case(name) + _NAME_END + _REST


def _raw_element(name: str) -> bytes:
    """A whole element whose content is text."""
    return _start_of(name) + _text_of(name) + _end_of(name)


_RAW_TEXT = "style title textarea xmp iframe noembed noframes"
"""Elements whose content is text to an HTML parser: raw text and RCDATA (section 13.2.6.4)."""

_VOID_JUDGED = "img image link"
"""Elements without content that a judge is asked about; `image` is read as `img` in HTML."""

_STOPS = f"script noscript plaintext base svg math select template col frameset {_RAW_TEXT} {_VOID_JUDGED}"
"""The start tags that the skipping pattern never runs over."""

_SVG_SHAPES = (
    "path g use defs symbol rect circle ellipse line polyline polygon text tspan textPath marker mask pattern "
    "clipPath linearGradient radialGradient stop filter feGaussianBlur feOffset feBlend feFlood feComposite "
    "feColorMatrix feMerge feMergeNode animate animateTransform animateMotion set metadata"
)
"""SVG elements without any effect on how the rest is read: drawings made of these are skipped whole."""

_COMMENT = rb"<!--(?:-?>|(?:[^-]++|-(?!-!?>))*+--!?>)"
_BOGUS_COMMENT = rb"<!(?!--)[^>]*+>|<\?[^>]*+>|</(?![a-zA-Z])[^>]++>|</>"


def _letter(letters: str) -> bytes:
    return b"[" + "".join(sorted(set(letters.lower() + letters.upper()))).encode() + b"]"


def _quiet_start(stops: str) -> bytes:
    """The start of a name that is none of `stops`, told by its first two letters: no name need be compared."""
    seconds: dict[str, str] = {}
    for name in stops.split():
        seconds[name[0]] = seconds.get(name[0], "") + name[1]
    quiet = _letter("".join(letter for letter in "abcdefghijklmnopqrstuvwxyz" if letter not in seconds))
    others = (_letter(first) + b"(?!" + _letter(second) + b")" for first, second in sorted(seconds.items()))
    # "li" shares two letters with "link", and is everywhere.
    return b"(?:" + b"|".join((quiet, _one_of("li"), *others)) + b")"


_PLAIN_TITLE = rb"<" + _any_case("title") + rb">[^<]*+</" + _any_case("title") + rb">"
_SIMPLE_SVG = (
    rb"<" + _any_case("svg") + _NAME_END + _REST
    + rb"(?:[^<]++|</?+" + _one_of(_SVG_SHAPES) + _REST + rb"|" + _COMMENT
    + rb"|" + _PLAIN_TITLE + rb")*+</" + _any_case("svg") + rb">"
)  # fmt: skip


_Always = Callable[[bytes, int], re.Match[bytes]]


def _always(pattern: bytes) -> _Always:
    """The `match` of a pattern that matches the empty string too."""
    return cast("_Always", re.compile(pattern).match)


def _skipping(stops: str, *, whole: tuple[bytes, ...] = (), end_stops: str = "", cdata_stops: bool = False) -> bytes:
    """The pattern that runs over everything but the start tags in `stops` and the end tags in `end_stops`.

    `whole` elements it runs over too; with `cdata_stops` it does not run over what may be a CDATA section.
    """
    quick_end = b"" if end_stops else rb"|</[a-zA-Z]++[0-9]?+>"
    end = rb"|</" + (rb"(?!" + _one_of(end_stops) + rb")" if end_stops else b"") + rb"[a-zA-Z][^\t\n\f\r />]*+" + _REST
    return (
        rb"(?:[^<]++"
        + quick_end
        + rb"|<" + _quiet_start(stops) + rb"[^\t\n\f\r />]*+" + _REST
        + rb"|<(?=[a-zA-Z])(?!" + _one_of(stops) + rb")[^\t\n\f\r />]++" + _REST
        + end
        + rb"|" + _COMMENT
        + rb"|" + (rb"(?!<!\[CDATA\[)" if cdata_stops else b"") + rb"(?:" + _BOGUS_COMMENT + rb")"
        + rb"|<(?=[^a-zA-Z/!?])"
        + b"".join(rb"|" + element for element in whole)
        + rb")*+"
    )  # fmt: skip


_STEP = _always(
    _skipping(_STOPS, whole=(*map(_raw_element, ("style", "title", "textarea")), _SIMPLE_SVG))
    # 1: a judged tag without content
    + rb"(?:(<" + _one_of(_VOID_JUDGED) + _REST + rb")"
    # 2, 3: a script's start tag and its text, when it is all here and never escaped
    + rb"|(" + _start_of("script") + rb")"
    + rb"([^<]*+(?:<(?!/" + _any_case("script") + _NAME_END + rb"|!--)[^<]*+)*+)"
    + _end_of("script")
    # 4: a whole frame's start tag
    + rb"|(" + _start_of("iframe") + rb")" + _text_of("iframe") + _end_of("iframe")
    # 5, 6: a whole noscript element's start tag and content
    + rb"|(" + _start_of("noscript") + rb")(" + _text_of("noscript") + rb")" + _end_of("noscript")
    + rb")?+"
)  # fmt: skip

_SCRIPT, _NOSCRIPT = 3, 6
_WARY_STEP = _always(
    _skipping(_STOPS, whole=(_SIMPLE_SVG,), end_stops="select", cdata_stops=True)
    + rb"(?:(<" + _one_of(_VOID_JUDGED) + _REST + rb"))?+"
)  # fmt: skip
"""`_STEP` for uncertain places: no element is read whole but drawings, which are the same in every reading."""

_TOKEN_PATTERN = (
    rb"[^<]++|<(?=[^a-zA-Z/!?])|<(?P<name>[a-zA-Z][^\t\n\f\r />]*+)" + _REST
    + rb"|</(?P<end>[a-zA-Z][^\t\n\f\r />]*+)" + _REST
    + rb"|" + _COMMENT + rb"|(?!<!\[CDATA\[)(?:" + _BOGUS_COMMENT + rb")"
)  # fmt: skip
_TOKEN = re.compile(_TOKEN_PATTERN).match
"""One token, for HTML inside foreign content."""

_LEAF = (
    rb"<(?P<leaf>" + _one_of(_SVG_SHAPES) + rb")(?: [a-zA-Z:-]++=\"[^\"]*+\")*+ ?+(?:/>|></(?P=leaf)>)"
)  # fmt: skip
_FOREIGN_TOKEN = re.compile(rb"(?:[^<]++|" + _LEAF + rb"|" + _PLAIN_TITLE + rb")++|" + _TOKEN_PATTERN).match
"""One token of foreign content, or a run of text and of elements that are closed at once."""

_CONSTRUCT = re.compile(
    rb"<(?:(?P<slash>/?+)(?P<name>[a-zA-Z][^\t\n\f\r />]*+)(?P<named>" + _NAME_END + rb")?+"
    rb"|(?P<cdata>!\[CDATA\[)|(?P<comment>!--)|(?P<bogus>[!?/]))"
).match
"""What an unfinished or special construct is."""

_LONGEST_NAME = 16
"""A longer tag name is none of those that matter."""

_SHORTEST_UNDECIDED = re.compile(rb"<(?:!(?:-(?:--?)?|\[(?:C(?:D(?:A(?:T(?:A)?)?)?)?)?)?|/)?\Z").match
"""The end of a chunk where it is not yet known which construct begins."""

_TAG_REST = re.compile(_REST).match
_ATTRIBUTE = re.compile(
    rb"[\t\n\f\r /]*+([^\t\n\f\r />][^\t\n\f\r />=]*+)(?:" + _SPACE + rb"*+=" + _SPACE + rb"*+"
    rb"""(?:"([^"]*+)"|'([^']*+)'|([^\t\n\f\r >"'][^\t\n\f\r >]*+)|(?=>))"""
    rb"|(?!" + _SPACE + rb"*+=))"
).match
_TAG_NAME = re.compile(rb"<([a-zA-Z][^\t\n\f\r />]*+)").match

# --- raw text ends (sections 13.2.5.12 to 13.2.5.31) ------------------------------------------------------------------

_RAW_END = {
    name.encode(): re.compile(rb"</" + _any_case(name) + _NAME_END).search
    for name in [*_RAW_TEXT.split(), "noscript", "script"]
}
_CLOSE = rb"(?P<close>/" + _any_case("script") + _NAME_END + rb")"
_OPEN = rb"(?P<open>" + _any_case("script") + _NAME_END + rb")"
_SCRIPT_MARKS = (
    re.compile(rb"<(?:" + _CLOSE + rb"|(?P<escape>!--))").search,
    re.compile(rb"<(?:" + _CLOSE + rb"|" + _OPEN + rb")|(?P<unescape>-->)").search,
    re.compile(rb"<" + _CLOSE + rb"|(?P<unescape>-->)").search,
)
"""What changes the state of a script's text: in plain, escaped and double escaped script data."""

_COMMENT_END = re.compile(rb"--!?>").search

# --- foreign content (section 13.2.6.5) -------------------------------------------------------------------------------

_BREAKOUT = frozenset(
    b"b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta "
    b"nobr ol p pre ruby s small span strong strike sub sup table tt u ul var".split()
)
_VOID = frozenset(b"area base br col embed hr image img input link meta param source track wbr".split())
_TEXT_INTEGRATION = frozenset(b"mi mo mn ms mtext".split())
_HTML_INTEGRATION = frozenset(b"foreignobject desc title".split())
_LOSES_TRACK = frozenset(b"select template frameset".split())
_JUDGED = frozenset((_VOID_JUDGED + " script iframe").encode().split())
_TABLE_PARTS = frozenset(b"caption col colgroup tbody td tfoot th thead tr".split())
_CHANGES_READING = frozenset(b"plaintext base svg math select template col frameset".split())
_RAW_NAMES = frozenset(_RAW_TEXT.encode().split())
_FOREIGN = frozenset(b"svg math".split())
_HTML, _SVG, _MATH = "html", "svg", "math"
_CDATA_TEXT = re.compile(rb"[^<]*+(?:<!\[CDATA\[(?:(?!\]\]>|</script)[\s\S])*+\]\]>[^<]*+)*+\Z", re.IGNORECASE).match


class Scanner(Generic[Verdict]):
    """One pass over one document.

    Args:
        judge: is asked about each tag and script that may matter.
        limit: how many bytes may be held back for one undecided tag or script.
        nested: scan the content of a `noscript` element, as a browser without scripting reads it.
    """

    def __init__(self, judge: Judge[Verdict], limit: int, *, nested: bool = False) -> None:
        self._judge = judge
        self._limit = limit
        self._nested = nested
        self._out: list[bytes] = []
        self._pending = b""
        self._mode: Callable[[bytes, int], int] = self._data
        # Foreign content: (name, namespace, whether HTML is allowed inside) of the open elements since <svg> or <math>.
        self._stack: list[tuple[bytes, str, bool]] = []
        self._uncertain = False
        self._in_select = False
        self._foreign_in_select = False
        self._in_template = False
        # An unfinished tag.
        self._tag = _Tag()
        # An element whose content is text.
        self._raw_name = b""
        self._raw_action = _PASS
        self._raw_held: list[bytes] = []
        self._raw_size = 0
        self._raw_verdict: Verdict | Inline | None = None
        self._raw_doubtful = False
        self._escaped = 0

    @property
    def settled(self) -> bool:
        """Whether the scan is in plain data, with nothing held back and nothing open that changes how it reads."""
        return self._mode == self._data and not (self._pending or self._stack or self._in_select)

    @property
    def certain(self) -> bool:
        """Whether browsers of all years read the markup at this place as the scanner does."""
        return not (self._uncertain or self._in_select)

    def feed(self, data: bytes) -> bytes:
        """The next bytes of the document; returns those that are decided."""
        if self._pending:
            data = self._pending + data
            self._pending = b""
        pos = 0
        size = len(data)
        while pos < size:
            pos = self._mode(data, pos)
        return self._taken()

    def close(self) -> bytes:
        """The end of the document; returns what was still held back."""
        mode = self._mode
        if mode == self._in_tag:
            # A tag that never ends is dropped by the parser (section 13.2.5, "eof-in-tag"): it is no element.
            if not self._tag.dropped:
                self._out.extend(self._tag.parts)
        elif mode == self._raw:
            self._raw_text(self._pending)
            self._pending = b""
            if self._raw_action is _HOLD:
                self._finish_raw(at_end=True)
        self._out.append(self._pending)
        self._pending = b""
        self._mode = self._data
        return self._taken()

    def _taken(self) -> bytes:
        out = self._out
        self._out = []
        return out[0] if len(out) == 1 else b"".join(out)

    # --- data ---------------------------------------------------------------------------------------------------------

    def _data(self, data: bytes, pos: int) -> int:
        if self._stack:
            return self._foreign(data, pos)
        judge, out = self._judge, self._out
        step = _WARY_STEP if self._uncertain or self._in_select else _STEP
        tags = judge.tags
        start = pos
        while True:
            found = step(data, pos)
            pos = found.end()
            group = found.lastindex
            if group is None:
                if pos > start:
                    out.append(data[start:pos])
                return self._construct(data, pos) if pos < len(data) else pos
            if group == _NOSCRIPT:
                if self._readings_agree(found[_NOSCRIPT]):
                    continue
                out.append(data[start : found.start(_NOSCRIPT - 1)])
                self._begin_raw(b"noscript", found[_NOSCRIPT - 1], None, doubtful=False, hold=True)
                return found.start(_NOSCRIPT)
            first = 2 if group == _SCRIPT else group
            tag = found[first]
            verdict = tags[tag]
            if verdict is None:
                continue
            if verdict is INLINE:
                verdict = judge.inline(found[_SCRIPT])
                if verdict is None:
                    continue
            out.append(data[start : found.start(first)])
            start = pos
            self._remove(verdict, tag)

    def _remove(self, verdict: Verdict, tag: bytes) -> None:
        self._out.append(INERT)
        self._judge.removed(verdict, tag)

    def _construct(self, data: bytes, pos: int) -> int:
        """What begins at `pos`, a `<` that no fast path took: a tag that matters, or one that the chunk cuts."""
        found = _CONSTRUCT(data, pos)
        if found is None or (len(data) - pos <= 8 and _SHORTEST_UNDECIDED(data, pos)):
            self._pending = data[pos:]
            return len(data)
        end = found.end()
        if found["name"] is not None:
            name = found["name"].lower()
            if found["named"] is None and len(name) <= _LONGEST_NAME:
                self._pending = data[pos:]
                return len(data)
            complete = _TAG_REST(data, end)
            if complete is None:
                self._tag = _Tag(name, bool(found["slash"]), held=self._matters(name, bool(found["slash"])))
                self._mode = self._in_tag
                return self._in_tag(data, pos, skip=end)
            self._whole_tag(name, bool(found["slash"]), data[pos : complete.end()])
            return complete.end()
        if found["comment"]:
            self._out.append(data[pos:end])
            self._mode = self._comment
            return end
        if found["cdata"]:
            return self._cdata_start(data, pos)
        self._mode = self._bogus_comment
        return pos

    def _matters(self, name: bytes, is_end: bool) -> bool:
        """Whether a tag that the chunk cuts must be held back until it is whole."""
        return bool(self._stack) or (name in _STOP_NAMES and not is_end)

    def _whole_tag(self, name: bytes, is_end: bool, tag: bytes) -> None:
        if self._stack:
            if is_end:
                self._foreign_end(name, tag)
            else:
                self._foreign_start(name, tag)
        elif is_end:
            self._out.append(tag)
            self._end_tag(name)
        else:
            self._start_tag(name, tag)

    def _end_tag(self, name: bytes) -> None:
        """An end tag in HTML content; only one has an effect."""
        if name == b"select" and self._in_select:
            self._in_select = False
            # Some browsers may be in foreign content now, some are not.
            self._uncertain |= self._foreign_in_select

    def _start_tag(self, name: bytes, tag: bytes) -> bool:
        """A whole start tag in HTML content (section 13.2.6.4). Returns whether it stays."""
        verdict = self._judge.tags[tag] if name in _JUDGED else None
        if name == b"script" or name in _RAW_NAMES:
            self._begin_raw(name, tag, verdict, doubtful=not self.certain)
            return verdict is None or verdict is INLINE
        if name == b"noscript" and not self._nested:
            if self._stack:
                self._lose_track()  # without scripting its content may end what is open here
            self._begin_raw(name, tag, None, doubtful=False, hold=True)
            return True
        if verdict is not None and verdict is not INLINE:
            self._remove(verdict, tag)
            return False
        self._out.append(tag)
        if name == b"base":
            self._judge.base(tag)
        elif name == b"plaintext":
            if self.certain:
                self._mode = self._plaintext
        elif name in _FOREIGN:
            if self._in_select:
                self._foreign_in_select = True
            elif not self._uncertain and not _is_self_closing(tag):
                self._stack.append((name, _SVG if name == b"svg" else _MATH, False))
        elif name == b"select":
            self._in_select = not self._in_select
            self._foreign_in_select = False
            # A second <select> ends the first in older parsers and is ignored or nested by newer ones.
            self._uncertain |= not self._in_select
        elif name == b"template":
            self._in_template = True
            self._uncertain |= self._in_select
        elif name == b"frameset" or (name == b"col" and self._in_template):
            self._uncertain = True
        return True

    # --- tags that the chunk cuts -------------------------------------------------------------------------------------

    def _in_tag(self, data: bytes, pos: int, skip: int = 0) -> int:
        tag = self._tag
        end = tag.advance(data, max(pos, skip))
        if not tag.held:
            if not tag.dropped:
                self._out.append(data[pos:end])
        else:
            tag.parts.append(data[pos:end])
            tag.size += end - pos
        if tag.done:
            self._mode = self._data
            if tag.held:
                self._whole_tag(tag.name, tag.is_end, b"".join(tag.parts))
            elif tag.overflowed:
                self._begin_raw_after_overflow(tag)
            elif tag.is_end and not tag.dropped and not tag.closes_raw and not self._stack:
                self._end_tag(tag.name)
        elif tag.held and tag.size > self._limit:
            self._overflow(tag)
        return end

    def _overflow(self, tag: _Tag) -> None:
        """A tag over the limit: decided without having been read."""
        tag.held = False
        tag.overflowed = True
        verdict = self._judge.ambiguous
        if verdict is None:
            self._out.extend(tag.parts)
        else:
            tag.dropped = True
            self._remove(verdict, tag.parts[0][:_EXCERPT])
        tag.parts = []
        if not tag.dropped and (self._stack or tag.name in _CHANGES_READING):
            # Whether it closes itself, or what it integrates, is not known.
            self._lose_track()

    def _begin_raw_after_overflow(self, tag: _Tag) -> None:
        if tag.name in _RAW_END and not tag.is_end and not (tag.name == b"noscript" and self._nested):
            self._raw_doubtful = False
            self._raw_name = tag.name
            self._raw_action = _DROP if tag.dropped else _PASS
            self._escaped = 0
            self._mode = self._raw

    # --- comments -----------------------------------------------------------------------------------------------------

    def _comment(self, data: bytes, pos: int) -> int:
        return self._until(data, pos, _COMMENT_END, keep=3)

    def _bogus_comment(self, data: bytes, pos: int) -> int:
        return self._until(data, pos, _GREATER, keep=0)

    def _cdata(self, data: bytes, pos: int) -> int:
        return self._until(data, pos, _CDATA_END, keep=2)

    def _plaintext(self, data: bytes, pos: int) -> int:
        self._out.append(data[pos:])
        return len(data)

    def _until(self, data: bytes, pos: int, search: _Search, keep: int) -> int:
        """Pass everything up to the end mark; `keep` bytes may be the start of one that the chunk cuts."""
        found = search(data, pos)
        if found is not None:
            self._out.append(data[pos : found.end()])
            self._mode = self._data
            return found.end()
        safe = max(pos, len(data) - keep)
        self._out.append(data[pos:safe])
        self._pending = data[safe:]
        return len(data)

    def _cdata_start(self, data: bytes, pos: int) -> int:
        if self._stack and self._stack[-1][1] is not _HTML:
            self._mode = self._cdata
            return pos
        if self.certain and not self._stack:
            self._mode = self._bogus_comment
            return pos
        # A CDATA section in one reading, a comment up to the first ">" in the other. Without its first bytes it is
        # neither: both read on in data.
        verdict = self._judge.ambiguous
        if verdict is None:
            self._mode = self._bogus_comment
            return pos
        self._remove(verdict, data[pos : pos + 9])
        return pos + 9

    # --- raw text -----------------------------------------------------------------------------------------------------

    def _begin_raw(
        self, name: bytes, tag: bytes, verdict: Verdict | Inline | None, *, doubtful: bool, hold: bool = False
    ) -> None:
        """An element whose content an HTML parser reads as text. `doubtful`: another reading takes it as markup."""
        self._raw_name = name
        self._raw_verdict = verdict
        self._raw_doubtful = doubtful
        self._escaped = 0
        self._mode = self._raw
        if verdict is not None and verdict is not INLINE:
            self._raw_action = _DROP
            self._remove(verdict, tag)
        elif verdict is INLINE or doubtful or hold:
            self._raw_action = _HOLD
            self._raw_held = [tag]
            self._raw_size = 0
        else:
            self._raw_action = _PASS
            self._out.append(tag)

    def _raw(self, data: bytes, pos: int) -> int:
        if self._raw_name == b"script" and not self._raw_doubtful:
            end, safe = self._script_end(data, pos)
        else:
            found = _RAW_END[self._raw_name](data, pos)
            end = found.start() if found else -1
            safe = max(pos, len(data) - len(self._raw_name) - 2)
        if end < 0:
            self._raw_text(data[pos:safe])
            self._pending = data[safe:]
            return len(data)
        self._raw_text(data[pos:end])
        dropped = self._raw_action is _DROP
        if self._raw_action is _HOLD:
            dropped = self._finish_raw()
        # The end tag; what it closes is decided, so it follows.
        self._tag = _Tag(self._raw_name, True, held=False, dropped=dropped, closes_raw=True)
        self._mode = self._in_tag
        return self._in_tag(data, end, skip=end + 2 + len(self._raw_name))

    def _raw_text(self, text: bytes) -> None:
        if self._raw_action is _PASS:
            self._out.append(text)
        elif self._raw_action is _HOLD:
            self._raw_held.append(text)
            self._raw_size += len(text)
            if self._raw_size > self._limit:
                self._overflow_raw()

    def _overflow_raw(self) -> None:
        """An element over the limit: a plain script is judged by what was seen of it, the rest is ambiguous."""
        tag = self._raw_held[0]
        if self._raw_verdict is INLINE and not self._raw_doubtful:
            verdict = self._judge.inline(b"".join(self._raw_held[1:]))
        else:
            verdict = self._judge.ambiguous
        if verdict is None:
            self._out.extend(self._raw_held)
            self._raw_action = _PASS
        else:
            self._remove(verdict, tag)
            self._raw_action = _DROP
        self._raw_held = []

    def _finish_raw(self, at_end: bool = False) -> bool:
        """A held element is complete but for its end tag. Returns whether it is taken out."""
        tag = self._raw_held[0]
        text = b"".join(self._raw_held[1:])
        self._raw_held = []
        verdict: Verdict | None = None
        if self._raw_name == b"noscript":
            text, verdict = self._noscript(text, at_end)
        elif self._raw_verdict is INLINE:
            verdict = self._judge.inline(_svg_text(text) if self._stack else text)
        if verdict is None and self._raw_doubtful and not self._readings_agree(text):
            verdict = self._judge.ambiguous
        if verdict is None:
            self._out.append(tag)
            self._out.append(text)
            return False
        self._remove(verdict, tag)
        return True

    def _noscript(self, text: bytes, at_end: bool) -> tuple[bytes, Verdict | None]:
        inner: Scanner[Verdict] = Scanner(self._judge, self._limit, nested=True)
        inner._uncertain = not self.certain
        inner._in_template = self._in_template
        rewritten = inner.feed(text)
        settled = inner.settled and inner.certain == self.certain
        rewritten += inner.close()
        self._in_template |= inner._in_template
        return rewritten, None if settled or at_end else self._judge.ambiguous

    def _readings_agree(self, text: bytes) -> bool:
        """Whether `text` read as markup ends in data and holds nothing that matters; then it is no matter how."""
        if self._stack and self._raw_name == b"script":
            # Comments and elements are left out of what runs, and join what is around them.
            return _CDATA_TEXT(text) is not None
        pos = 0
        while pos < len(text):
            found = _WARY_STEP(text, pos)
            if found.lastindex is None:
                return found.end() == len(text)
            if self._judge.tags[found[1]] is not None:
                return False
            pos = found.end()
        return True

    def _script_end(self, data: bytes, pos: int) -> tuple[int, int]:
        """Where the script's end tag begins, or -1; and up to where its text is certain to be text.

        The script data states (sections 13.2.5.15 to 13.2.5.31): escaped after `<!--`, double escaped after a
        `<script` in there, where `</script` only goes one step back; `-->` ends both.
        """
        while True:
            found = _SCRIPT_MARKS[self._escaped](data, pos)
            if found is None:
                return -1, max(pos, len(data) - 8)  # len("</script"): the rest may be a mark's start
            mark = found.lastgroup
            pos = found.end()
            if mark == "close":
                if self._escaped < 2:
                    return found.start(), found.start()
                self._escaped = 1
            elif mark == "escape":
                self._escaped = 1
                pos -= 2  # "<!-->" and "<!--->" end at once
            elif mark == "unescape":
                self._escaped = 0
            else:
                self._escaped = 2

    # --- foreign content ----------------------------------------------------------------------------------------------

    def _foreign(self, data: bytes, pos: int) -> int:
        start = pos
        while self._stack and self._mode == self._data:
            found = (_TOKEN if self._takes_html(self._stack[-1]) else _FOREIGN_TOKEN)(data, pos)
            if found is None:
                self._out.append(data[start:pos])
                return self._construct(data, pos) if pos < len(data) else pos
            name = found["name"] or found["end"]
            if name is None:
                pos = found.end()
                continue
            self._out.append(data[start:pos])
            start = pos = found.end()
            self._whole_tag(name.lower(), found["end"] is not None, found[0])
        self._out.append(data[start:pos])
        return pos

    def _foreign_start(self, name: bytes, tag: bytes) -> None:
        top, space, _ = self._stack[-1]
        if (
            self._takes_html(self._stack[-1])
            and not (space is _MATH and top in _TEXT_INTEGRATION and name in (b"mglyph", b"malignmark"))
        ) or (space is _MATH and top == b"annotation-xml" and name == b"svg"):
            self._integrated_start(name, tag)
            return
        if name in _BREAKOUT or (name == b"font" and tag_parts(tag)[1].keys() & {b"color", b"face", b"size"}):
            verdict = self._judge.tags[tag] if name in _JUDGED else None
            if verdict is not None and verdict is not INLINE:
                self._remove(verdict, tag)
                return
            while self._stack and not self._takes_html(self._stack[-1]):
                self._stack.pop()
            if self._stack:
                self._integrated_start(name, tag)
            else:
                self._start_tag(name, tag)
            return
        verdict = self._judge.tags[tag] if name in _JUDGED else None
        closed = _is_self_closing(tag)
        if name == b"script" and not closed:
            # Here `src` means nothing, and the text runs beside it.
            self._begin_raw(name, tag, INLINE if verdict is None else verdict, doubtful=True)
        elif verdict is not None and verdict is not INLINE:
            self._remove(verdict, tag)
        else:
            self._out.append(tag)
            if not closed:
                self._stack.append((name, space, _integration(name, space, tag)))

    @staticmethod
    def _takes_html(element: tuple[bytes, str, bool]) -> bool:
        name, space, integrates = element
        return space is _HTML or integrates or (space is _MATH and name in _TEXT_INTEGRATION)

    def _integrated_start(self, name: bytes, tag: bytes) -> None:
        """A start tag where HTML stands inside foreign content."""
        if name in _LOSES_TRACK or (name in _TABLE_PARTS and not self._in_table()):
            self._lose_track()
            self._start_tag(name, tag)
        elif name in _FOREIGN:
            self._out.append(tag)
            if not _is_self_closing(tag):
                self._stack.append((name, _SVG if name == b"svg" else _MATH, False))
        elif self._start_tag(name, tag) and name not in _VOID and self._mode == self._data:
            self._stack.append((name, _HTML, False))

    def _in_table(self) -> bool:
        """Whether a table is open in the innermost HTML; if not, its parts may end an outer one and all in it."""
        for name, space, _ in reversed(self._stack):
            if space is not _HTML:
                return False
            if name == b"table":
                return True
        return False

    def _foreign_end(self, name: bytes, tag: bytes) -> None:
        self._out.append(tag)
        if self._stack[-1][1] is _HTML:
            if self._stack[-1][0] == name:
                self._stack.pop()
            else:
                self._lose_track()
            return
        for place in reversed(range(len(self._stack))):
            if self._stack[place][1] is _HTML:
                break
            if self._stack[place][0] == name:
                del self._stack[place:]
                return
        self._lose_track()

    def _lose_track(self) -> None:
        """Markup so broken that a tree would be needed to know where we are: be wary from here on."""
        self._stack.clear()
        self._uncertain = True


_PASS, _HOLD, _DROP = "pass", "hold", "drop"
_EXCERPT = 200
_STOP_NAMES = frozenset(_STOPS.encode().split())
_GREATER = re.compile(rb">").search
_CDATA_END = re.compile(rb"\]\]>").search
_Search = Callable[[bytes, int], re.Match[bytes] | None]


def _integration(name: bytes, space: str, tag: bytes) -> bool:
    """Whether an element is an HTML integration point (section 13.2.6.5)."""
    if space is _SVG:
        return name in _HTML_INTEGRATION
    if name == b"annotation-xml":
        encoding = tag_parts(tag)[1].get(b"encoding", b"")
        return attribute_value(encoding).lower() in ("text/html", "application/xhtml+xml")
    return False


def _svg_text(text: bytes) -> bytes:
    """What runs of a script in SVG: its child text content, with references decoded and CDATA sections unwrapped."""
    pieces = re.split(rb"<!\[CDATA\[([\s\S]*?)\]\]>", text)
    return b"".join(
        piece if place % 2 else unescape(piece.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogatepass")
        for place, piece in enumerate(pieces)
    )


def _is_self_closing(tag: bytes) -> bool:
    """Whether the tag ends in `/>` with the slash outside of an unquoted value (section 13.2.5.40)."""
    if not tag.endswith(b"/>"):
        return False
    name = _TAG_NAME(tag)
    pos = name.end() if name else 0
    while (found := _ATTRIBUTE(tag, pos)) is not None:
        pos = found.end()
    return pos < len(tag) - 1


class _Tag:
    """A tag that a chunk cuts: the tokenizer's state inside it, so that no byte is looked at twice."""

    __slots__ = ("_state", "closes_raw", "dropped", "held", "is_end", "name", "overflowed", "parts", "size")

    def __init__(
        self,
        name: bytes = b"",
        is_end: bool = False,
        *,
        held: bool = False,
        dropped: bool = False,
        closes_raw: bool = False,
    ) -> None:
        self.name = name
        self.is_end = is_end
        self.held = held
        self.dropped = dropped
        self.closes_raw = closes_raw
        self.overflowed = False
        self.parts: list[bytes] = []
        self.size = 0
        self._state = _NAME

    @property
    def done(self) -> bool:
        return self._state is _DONE

    def advance(self, data: bytes, pos: int) -> int:
        """Read on from `pos`; returns where the tag or the chunk ends."""
        state = self._state
        size = len(data)
        while pos < size and state is not _DONE:
            pos = _STATES[state](data, pos).end()
            if pos == size:
                break
            char = data[pos]
            if state is _BETWEEN:
                if char == _GT:
                    state, pos = _DONE, pos + 1
                else:
                    state, pos = _ATTRIBUTE_NAME, pos + 1
            elif state is _NAME or state is _UNQUOTED:
                state = _BETWEEN
            elif state is _ATTRIBUTE_NAME or state is _AFTER_NAME:
                if char == _EQUALS:
                    state, pos = _BEFORE_VALUE, pos + 1
                else:
                    state = _AFTER_NAME if char in b"\t\n\f\r " else _BETWEEN
            elif state is _BEFORE_VALUE:
                if char == _GT:
                    state, pos = _DONE, pos + 1
                elif char in b"\"'":
                    state, pos = (_DOUBLE if char == 0x22 else _SINGLE), pos + 1
                else:
                    state = _UNQUOTED
            else:
                state, pos = _BETWEEN, pos + 1  # the closing quote
        self._state = state
        return pos


_GT, _EQUALS = 0x3E, 0x3D
(
    _NAME,
    _BETWEEN,
    _ATTRIBUTE_NAME,
    _AFTER_NAME,
    _BEFORE_VALUE,
    _DOUBLE,
    _SINGLE,
    _UNQUOTED,
    _DONE,
) = range(9)
_STATES = [
    _always(pattern)
    for pattern in (
        rb"[^\t\n\f\r />]*+",
        # Whole attributes in one go, but none whose end is not in sight.
        rb"(?:[\t\n\f\r /]++|[^\t\n\f\r />][^\t\n\f\r />=]*+(?:" + _SPACE + rb"*+=" + _SPACE + rb"*+"
        + _VALUE + rb"(?=[\s\S])|(?=" + _SPACE + rb"*+[^\t\n\f\r =])))*+",
        rb"[^\t\n\f\r />=]*+",
        _SPACE + rb"*+",
        _SPACE + rb"*+",
        rb'[^"]*+',
        rb"[^']*+",
        rb"[^\t\n\f\r >]*+",
    )
]  # fmt: skip


# --- attributes -------------------------------------------------------------------------------------------------------


def tag_parts(tag: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """A start tag's lower-case name, and its attributes: lower-case names, values as written, no duplicates."""
    plain = _PLAIN_TAG(tag)
    if plain is not None:
        # The first of duplicates comes last, and stays.
        return plain[1].lower(), dict(_PLAIN_ATTRIBUTES(plain[2])[::-1])
    found: dict[bytes, bytes] = {}
    name = _TAG_NAME(tag)
    pos = name.end() if name else len(tag)
    while (match := _ATTRIBUTE(tag, pos)) is not None:
        pos = match.end()
        found.setdefault(match[1].lower(), match[2] or match[3] or match[4] or b"")
    return name[1].lower() if name else b"", found


_PLAIN_TAG = re.compile(rb"""<([a-zA-Z]++)((?: [a-z-]++="[^"]*+")*+)[ /]*+>""").fullmatch
_PLAIN_ATTRIBUTES = re.compile(rb""" ([a-z-]++)="([^"]*+)\"""").findall
"""Nearly every tag of nearly every page, in two calls."""


def attribute_value(value: bytes) -> str:
    """An attribute's value as the parser hands it on: character references decoded (section 13.2.5.72)."""
    text = value.decode("utf-8", "replace")
    return _REFERENCE.sub(_decode_reference, text) if "&" in text else text


_REFERENCE = re.compile(r"&(?:#[xX][0-9a-fA-F]+;?|#[0-9]+;?|([A-Za-z][A-Za-z0-9]*;?))")


def _decode_reference(found: re.Match[str]) -> str:
    """A character reference in an attribute: without a semicolon it is none when "=" or a letter follows."""
    name = found[1]
    if name is None:
        return unescape(found[0])
    if name in named_references and name.endswith(";"):
        return named_references[name]
    following = found.string[found.end() : found.end() + 1]
    if name in named_references and following != "=":
        return named_references[name]
    return found[0]
