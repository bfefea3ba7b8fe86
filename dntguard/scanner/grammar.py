"""The grammar of HTML's tokens as regular expressions over bytes.

Sections are those of the HTML standard, https://html.spec.whatwg.org/multipage/parsing.html.

Whitespace is TAB, LF, FF, CR, SPACE, and no other. A quote opens a value only directly after "=". After a name that is
followed by "=", a value must match or the tag is unfinished: without the look-ahead at the end of an attribute an
unclosed quote would be read as the name of another attribute.

CPython 3.11.0 to 3.11.4 mismatched possessive groups that had to backtrack inside: nothing here needs to. No capture
group in a possessive repeat may open and then fail (CPython issue 101955).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, Self, cast

# --- tags (sections 13.2.5.6 to 13.2.5.40) ---------------------------------------------------------------------------

SPACE = rb"[\t\n\f\r ]"
NAME_END = rb"(?=[\t\n\f\r />])"
VALUE = rb"""(?:"[^"]*+"|'[^']*+'|[^\t\n\f\r >"'][^\t\n\f\r >]*+|(?=>))"""
_GENERAL_ATTRIBUTE = (
    rb"[^\t\n\f\r />][^\t\n\f\r />=]*+(?:" + SPACE + rb"*+=" + SPACE + rb"*+" + VALUE + rb"|(?!" + SPACE + rb"*+=))"
)
_ATTRIBUTES = rb"""(?: [a-zA-Z-]++="[^"]*+"|[\t\n\f\r /]++|""" + _GENERAL_ATTRIBUTE + rb")*+"
REST = _ATTRIBUTES + rb">"


def any_case(name: str) -> bytes:
    """A pattern for a name in any case."""
    # Not re.IGNORECASE: it makes the engine leave its fast paths.
    return b"".join(b"[%c%c]" % (c, c ^ 0x20) if chr(c).isalpha() else b"%c" % c for c in name.encode())


def _one_of(names: str) -> bytes:
    return b"(?:" + b"|".join(map(any_case, names.split())) + b")" + NAME_END


def _start_of(name: str) -> bytes:
    return rb"<" + any_case(name) + NAME_END + REST


def _text_of(name: str) -> bytes:
    return rb"[^<]*+(?:<(?!/" + any_case(name) + NAME_END + rb")[^<]*+)*+"


def _end_of(name: str) -> bytes:
    return rb"</" + any_case(name) + NAME_END + REST


def _raw_element(name: str) -> bytes:
    """A whole element whose content is text."""
    return _start_of(name) + _text_of(name) + _end_of(name)


RAW_TEXT = "style title textarea xmp iframe noembed noframes"
"""Elements whose content is text to an HTML parser: raw text and RCDATA (section 13.2.6.4)."""

VOID_JUDGED = "img image link meta source track embed input frame"
"""Elements without content that a judge is asked about; `image` is read as `img` in HTML."""

STOPS = f"script noscript plaintext base svg math select template col frameset {RAW_TEXT} {VOID_JUDGED}"
"""The start tags that the skipping pattern never runs over."""

_SVG_SHAPES = (
    "path g use defs symbol rect circle ellipse line polyline polygon text tspan textPath marker mask pattern "
    "clipPath linearGradient radialGradient stop filter feGaussianBlur feOffset feBlend feFlood feComposite "
    "feColorMatrix feMerge feMergeNode animate animateTransform animateMotion set metadata"
)
"""SVG elements without any effect on how the rest is read."""

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


_PLAIN_TITLE = rb"<" + any_case("title") + rb">[^<]*+</" + any_case("title") + rb">"
_PLAIN_ATTRIBUTES = rb"(?:[\t\n\f\r ]++[a-zA-Z_:][a-zA-Z0-9_:.-]*+=\"[^\"]*+\")*+[\t\n\f\r ]*+"


def _tidy(depth: int) -> bytes:
    """What a tidy drawing holds: text, comments, shapes that are closed, to a depth of nesting.

    Every start tag has its own end tag or closes itself, so it is read the same way whole or piece by piece.
    """
    name = b"shape%d" % depth
    inside = rb"(?:" + _tidy(depth - 1) + rb")*+" if depth else rb"[^<]*+"
    shape = _one_of(_SVG_SHAPES)
    return (
        # CPython issue 101955: in a possessive repeat, a group that opens and then fails is an error if something else
        # matches after it. The look-ahead lets the group open only where it will close, and comments come before it.
        rb"[^<]++|" + _COMMENT + rb"|" + _PLAIN_TITLE
        + rb"|<(?=" + shape + rb")(?P<" + name + rb">" + shape + rb")" + _PLAIN_ATTRIBUTES
        + rb"(?:/>|>" + inside + rb"</(?P=" + name + rb")>)"
    )  # fmt: skip


_SIMPLE_SVG = rb"<" + any_case("svg") + _PLAIN_ATTRIBUTES + rb">(?:" + _tidy(3) + rb")*+</" + any_case("svg") + rb">"
"""A whole drawing that can be run over."""


_HARMLESS = (
    rb"<(?:" + any_case("meta") + rb"|" + any_case("input") + rb")(?: (?!(?:" + any_case("http-equiv")
    + rb"|" + any_case("charset") + rb"|" + any_case("src") + rb")=)[a-zA-Z:-]++=\"[^\"]*+\")*+[ /]*+>"
)  # fmt: skip
"""The plain form of two judged elements that are everywhere, without the attributes that a judge would look at."""

Always = Callable[[bytes, int], re.Match[bytes]]


def always(pattern: bytes) -> Always:
    """The `match` of a pattern that matches the empty string too."""
    return cast("Always", re.compile(pattern).match)


def _skipping(stops: str, *, whole: tuple[bytes, ...] = (), end_stops: str = "", cdata_stops: bool = False) -> bytes:
    """The pattern that runs over everything but the start tags in `stops` and the end tags in `end_stops`.

    `whole` elements it runs over too; with `cdata_stops` it does not run over what may be a CDATA section.
    """
    quick_end = b"" if end_stops else rb"|</[a-zA-Z]++[0-9]?+>"
    end = rb"|</" + (rb"(?!" + _one_of(end_stops) + rb")" if end_stops else b"") + rb"[a-zA-Z][^\t\n\f\r />]*+" + REST
    return (
        rb"(?:[^<]++"
        + quick_end
        + rb"|<" + _quiet_start(stops) + rb"[^\t\n\f\r />]*+" + REST
        + rb"|" + _HARMLESS
        + rb"|<(?=[a-zA-Z])(?!" + _one_of(stops) + rb")[^\t\n\f\r />]++" + REST
        + end
        + rb"|" + _COMMENT
        + rb"|" + (rb"(?!<!\[CDATA\[)" if cdata_stops else b"") + rb"(?:" + _BOGUS_COMMENT + rb")"
        + rb"|<(?=[^a-zA-Z/!?])"
        + b"".join(rb"|" + element for element in whole)
        + rb")*+"
    )  # fmt: skip


_WHOLE = (*map(_raw_element, ("style", "title", "textarea")), _SIMPLE_SVG)
_TAKEN = (
    # TAG: a judged tag without content
    rb"(<" + _one_of(VOID_JUDGED) + REST + rb")"
    # SCRIPT, SCRIPT_TEXT: a script's start tag and its text, when it is all here and never escaped
    + rb"|(" + _start_of("script") + rb")"
    + rb"([^<]*+(?:<(?!/" + any_case("script") + NAME_END + rb"|!--)[^<]*+)*+)"
    + _end_of("script")
    # FRAME: a whole frame's start tag
    + rb"|(" + _start_of("iframe") + rb")" + _text_of("iframe") + _end_of("iframe")
)  # fmt: skip
# NOSCRIPT, NOSCRIPT_TEXT: a whole noscript element's start tag and content
_NOSCRIPT = rb"|(" + _start_of("noscript") + rb")(" + _text_of("noscript") + rb")" + _end_of("noscript")


class Step(NamedTuple):
    """A pattern that runs over all that does not matter, and then takes one tag or element that does.

    Attributes:
        match: the pattern's `match`.
        before: how many groups stand before those that tell what was taken.
    """

    match: Always
    before: int

    @classmethod
    def of(cls, skipping: bytes, taken: bytes) -> Self:
        """The step of what to skip and what to take."""
        return cls(always(skipping + rb"(?:" + taken + rb")?+"), re.compile(skipping).groups)


TAG, SCRIPT, SCRIPT_TEXT, FRAME, NOSCRIPT, NOSCRIPT_TEXT = range(1, 7)
"""The groups of what was taken, counted from `Step.before`; `SCRIPT` and `NOSCRIPT` come with their texts."""

STEP = Step.of(_skipping(STOPS, whole=_WHOLE), _TAKEN + _NOSCRIPT)
"""The step for plain data."""

NESTED_STEP = Step.of(_skipping(STOPS.replace("noscript ", ""), whole=_WHOLE), _TAKEN)
"""The step inside a noscript element, where another one is nothing special."""

WARY_STEP = Step.of(
    _skipping(STOPS, end_stops="select", cdata_stops=True), rb"(<" + _one_of(VOID_JUDGED) + REST + rb")"
)
"""The step for uncertain places: no element is read whole."""

_TOKEN_PATTERN = (
    rb"[^<]++|<(?=[^a-zA-Z/!?])|<(?P<name>[a-zA-Z][^\t\n\f\r />]*+)" + REST
    + rb"|</(?P<end>[a-zA-Z][^\t\n\f\r />]*+)" + REST
    + rb"|" + _COMMENT + rb"|(?!<!\[CDATA\[)(?:" + _BOGUS_COMMENT + rb")"
)  # fmt: skip
TOKEN = re.compile(_TOKEN_PATTERN).match
"""One token, for HTML inside foreign content."""

FOREIGN_TOKEN = re.compile(rb"(?:" + _tidy(0) + rb")++|" + _TOKEN_PATTERN).match
"""One token of foreign content, or a run of text and of elements that are closed at once."""

CONSTRUCT = re.compile(
    rb"<(?:(?P<slash>/?+)(?P<name>[a-zA-Z][^\t\n\f\r />]*+)(?P<named>" + NAME_END + rb")?+"
    rb"|(?P<cdata>!\[CDATA\[)|(?P<comment>!--)|(?P<bogus>[!?/]))"
).match
"""What an unfinished or special construct is."""

LONGEST_NAME = 16
"""A longer tag name is none of those that matter."""

SHORTEST_UNDECIDED = re.compile(rb"<(?:!(?:-(?:--?)?|\[(?:C(?:D(?:A(?:T(?:A)?)?)?)?)?)?|/)?\Z").match
"""The end of a chunk where it is not yet known which construct begins."""

TAG_REST = re.compile(REST).match
ATTRIBUTE = re.compile(
    rb"[\t\n\f\r /]*+([^\t\n\f\r />][^\t\n\f\r />=]*+)(?:" + SPACE + rb"*+=" + SPACE + rb"*+"
    rb"""(?:"([^"]*+)"|'([^']*+)'|([^\t\n\f\r >"'][^\t\n\f\r >]*+)|(?=>))"""
    rb"|(?!" + SPACE + rb"*+=))"
).match
TAG_NAME = re.compile(rb"<([a-zA-Z][^\t\n\f\r />]*+)").match

# --- raw text ends (sections 13.2.5.12 to 13.2.5.31) ------------------------------------------------------------------

RAW_END = {
    name.encode(): re.compile(rb"</" + any_case(name) + NAME_END).search
    for name in [*RAW_TEXT.split(), "noscript", "script"]
}
_CLOSE = rb"(?P<close>/" + any_case("script") + NAME_END + rb")"
_OPEN = rb"(?P<open>" + any_case("script") + NAME_END + rb")"
SCRIPT_MARKS = (
    re.compile(rb"<(?:" + _CLOSE + rb"|(?P<escape>!--))").search,
    re.compile(rb"<(?:" + _CLOSE + rb"|" + _OPEN + rb")|(?P<unescape>-->)").search,
    re.compile(rb"<" + _CLOSE + rb"|(?P<unescape>-->)").search,
)
"""What changes the state of a script's text: in plain, escaped and double escaped script data."""

COMMENT_END = re.compile(rb"--!?>").search
GREATER = re.compile(rb">").search
CDATA_END = re.compile(rb"\]\]>").search
