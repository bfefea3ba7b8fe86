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
from functools import cache
from typing import cast

# --- tags (sections 13.2.5.6 to 13.2.5.40) ---------------------------------------------------------------------------

SPACE = rb"[\t\n\f\r ]"
NAME_END = rb"(?=[\t\n\f\r />])"
VALUE = rb"""(?:"[^"]*+"|'[^']*+'|[^\t\n\f\r >"'][^\t\n\f\r >]*+|(?=>))"""


def any_case(name: str) -> bytes:
    """A pattern for a name in any case."""
    # Not re.IGNORECASE: it makes the engine leave its fast paths.
    return b"".join(b"[%c%c]" % (c, c ^ 0x20) if chr(c).isalpha() else b"%c" % c for c in name.encode())


_ATTRIBUTE_REST = rb"[^\t\n\f\r />=]*+(?:" + SPACE + rb"*+=" + SPACE + rb"*+" + VALUE + rb"|(?!" + SPACE + rb"*+=))"
_ATTRIBUTES = rb"""(?: [a-zA-Z-]++="[^"]*+"|[\t\n\f\r /]++|[^\t\n\f\r />]""" + _ATTRIBUTE_REST + rb")*+"
REST = _ATTRIBUTES + rb">"


def _names_like(starts: str) -> bytes:
    return b"(?:" + b"|".join(map(any_case, starts.split())) + b")"


def _quiet_rest(loud: bytes, plain: bytes = b"") -> bytes:
    """The rest of a tag of which no attribute is `loud`; the `plain` forms are tried first."""
    # A tag that ends here need not be compared with every name first.
    return rb"(?:" + plain + rb"[\t\n\f\r /]++|(?!>|" + loud + rb")[^\t\n\f\r />]" + _ATTRIBUTE_REST + rb")*+>"


_LOUD = _names_like("on style data-dntguard background ping attri action formaction")
"""How the names of attributes begin that may matter on any element; a judge sees each tag that has one."""

_PAINTS = _names_like("fill stroke filter mask marker clip-path cursor")
"""How the names of attributes begin whose values are CSS in a drawing."""

_STILL_CSS = rb"(?:[^\"'(&\\]++|\(#)*+"
"""The value of a `style` attribute that loads nothing: no string, and no function but for those on a fragment."""

_RELATIVE = rb"/?+(?:[^\"&\\:/\t\n\r]++/?+)*+"
"""A value between double quotes that is no address, or a relative one: no scheme, no two slashes, nothing decoded."""

# Told by their first letters; what they leave out are the names of _LOUD.
_PLAIN_QUIET = (
    rb" [ceg-nqrt-z][a-z-]*+=\"[^\"]*+\"|"
    rb" (?:data-(?!dn)|a[lrsu]|s[rpi]|for=|p[lor]|b[eilou]|d[ei])[a-z-]*+=\"[^\"]*+\"|"
    rb" style=\"" + _STILL_CSS + rb"\"|"
)  # fmt: skip
_STRICT_REST = _quiet_rest(_LOUD, _PLAIN_QUIET)
"""The rest of a tag of which no attribute matters on any element."""
_QUIET_REST = _quiet_rest(_LOUD, _PLAIN_QUIET + rb" (?:form)?action=\"" + _RELATIVE + rb"\"|")
"""The same where relative addresses are the site's own."""


def _one_of(names: str) -> bytes:
    return b"(?:" + b"|".join(map(any_case, names.split())) + b")" + NAME_END


def _start_of(name: str, rest: bytes = REST) -> bytes:
    return rb"<" + any_case(name) + NAME_END + rest


def _text_of(name: str) -> bytes:
    return rb"[^<]*+(?:<(?!/" + any_case(name) + NAME_END + rb")[^<]*+)*+"


def _end_of(name: str) -> bytes:
    return rb"</" + any_case(name) + NAME_END + REST


def _raw_element(name: str) -> bytes:
    """A whole element whose content is text, and whose attributes do not matter."""
    return _start_of(name, _STRICT_REST) + _text_of(name) + _end_of(name)


RAW_TEXT = "style title textarea xmp iframe noembed noframes"
"""Elements whose content is text to an HTML parser: raw text and RCDATA (section 13.2.6.4)."""

AMP = (
    "amp-img amp-anim amp-iframe amp-ad amp-analytics amp-auto-ads amp-embed amp-pixel amp-sticky-ad "
    "amp-story-auto-ads amp-story-auto-analytics"
)
"""AMP's elements that load from an address, or are for advertising and analytics."""

JUDGED = f"img image link meta source track embed input frame object video audio applet use feImage animate set {AMP}"
"""Elements that a judge is always asked about, but for those whose content is text; HTML reads `image` as `img`."""

CHANGES_READING = "plaintext base svg math select template col frameset"
"""Elements without text of their own that change how what follows is read."""

_SPECIAL = f"script noscript {CHANGES_READING} {RAW_TEXT}"
STOPS = f"{_SPECIAL} {JUDGED}"
"""The start tags that the skipping pattern never runs over."""

_SVG_SHAPES = (
    "path g use defs symbol rect circle ellipse line polyline polygon text tspan textPath marker mask pattern "
    "clipPath linearGradient radialGradient stop filter feGaussianBlur feOffset feBlend feFlood feComposite "
    "feColorMatrix feMerge feMergeNode animateTransform animateMotion metadata"
)
"""SVG elements without any effect on how the rest is read."""

_COMMENT_REST = rb"(?:-?>|(?:[^-]++|-(?!-!?>))*+--!?>)"
_COMMENT = rb"<!--(?!\[[iI][fF])" + _COMMENT_REST
_BOGUS_COMMENT = rb"<!(?!--)[^>]*+>|<\?[^>]*+>|</(?![a-zA-Z])[^>]++>|</>"


def _letter(letters: str) -> bytes:
    return b"[" + "".join(sorted(set(letters.lower() + letters.upper()))).encode() + b"]"


def _quiet_starts(stops: str) -> list[bytes]:
    """The starts of names that are none of `stops`, told by their first two letters: no name need be compared."""
    seconds: dict[str, str] = {}
    for name in stops.split():
        seconds[name[0]] = seconds.get(name[0], "") + name[1]
    quiet = _letter("".join(letter for letter in "abcdefghijklmnopqrstuvwxyz" if letter not in seconds))
    others = (_letter(first) + b"(?!" + _letter(second) + b")" for first, second in sorted(seconds.items()))
    # These are everywhere, and some share two letters with a stop.
    return [rb"(?:a|p|li|div|span)" + NAME_END, quiet, *others]


_PLAIN_TITLE = rb"<" + any_case("title") + rb">[^<]*+</" + any_case("title") + rb">"
_PLAIN_ATTRIBUTES = (
    rb"(?:[\t\n\f\r ]++(?:"
    rb"xmlns(?::[a-z]++)?+=\"[^\"]*+\""
     rb"|(?:xlink:)?href=\"#[^\"&]*+\""
     rb"|(?!" + _LOUD + rb"|" + _names_like("href xlink:href") + rb")[a-zA-Z_:][a-zA-Z0-9_:.-]*+="
    + rb"\"(?:[^\"/&\\(]++|\((?<![lLcCtT]\()|\(#)*+\""
    + rb"|style=\"" + _STILL_CSS + rb"\""
    + rb"))*+[\t\n\f\r ]*+"
)  # fmt: skip
"""Attributes that load nothing in a drawing, where a `fill` is CSS and a `use` has an address."""


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
    rb"<(?:meta|input)(?: (?!(?:" + any_case("http-equiv") + rb"|" + any_case("charset") + rb"|" + any_case("src")
    + rb")=|" + _LOUD + rb"|" + _PAINTS + rb")[a-zA-Z:-]++=\"[^\"]*+\")*+[ /]*+>"
)  # fmt: skip
"""The plain form of two judged elements that are everywhere, without the attributes that a judge would look at."""

_SHOWN = rb"/?+(?:[^\"&\\:/?\t\n\r]++/?+)*+"
"""A relative address without a query."""
_OWN_ATTRIBUTES = (
    rb" (?:[ceg-nqt-z]|a(?!tt|da|s=)|b(?!a|row)|d(?!ata-dn)|f(?!orma)|o(?!n)|p(?!ing)|r(?!el=\"[^\"mM]*+[mM])"
    rb"|s(?!ty|rcd|ha))"
    rb"[a-z-]*+(?:=\"" + _RELATIVE + rb"\"|(?=[ />]))| style=\"" + _STILL_CSS + rb"\""
)  # fmt: skip
_SHOWN_ATTRIBUTES = (
    # The usual ones first: text that nobody takes for an address, and sizes that no pixel has.
    rb" (?:alt|class|id|loading|sizes|title)=\"[^\"]*+\"| (?:width|height)=\"[2-9][0-9]*+\"|"
    rb" (?:[cegi-nqrt-vx-z]|a(?!tt|da)|b(?!a|row)|d(?!ata-dn)|f(?!orma)|h(?!idden|eight=\"(?:[\t-\r 0]|1[\"p.\t-\r ]))"
    rb"|o(?!n)|p(?!ing)|s(?!ty|rcd|ha)|w(?!idth=\"(?:[\t-\r 0]|1[\"p.\t-\r ])))"
    rb"[a-z-]*+(?:=\"" + _SHOWN + rb"\"|(?=[ />]))"
)  # fmt: skip
_OWN = rb"<(?:link|source|track)(?:" + _OWN_ATTRIBUTES + rb")*+[ /]*+>"
_OWN_IMAGE = rb"<(?:img|input)(?:" + _SHOWN_ATTRIBUTES + rb")*+[ /]*+>"
"""Judged elements in plain form whose addresses are all relative, and that load no script and can be no pixel."""

Always = Callable[[bytes, int], re.Match[bytes]]


def always(pattern: bytes) -> Always:
    """The `match` of a pattern that matches the empty string too."""
    return cast("Always", re.compile(pattern).match)


def _skipping(
    stops: str,
    *,
    rest: bytes = _STRICT_REST,
    first: bytes = b"",
    whole: tuple[bytes, ...] = (),
    end_stops: str = "",
    cdata_stops: bool = False,
) -> bytes:
    """The pattern that runs over everything but the start tags in `stops` and the end tags in `end_stops`.

    Of other start tags it runs over those that end in `rest`. `whole` elements it runs over too, and `first` those of
    which a page may have many; with `cdata_stops` it does not run over what may be a CDATA section.
    """
    quick_end = b"" if end_stops else rb"/[a-zA-Z]++[0-9]?+>|"
    end = rb"/" + (rb"(?!" + _one_of(end_stops) + rb")" if end_stops else b"") + rb"[a-zA-Z][^\t\n\f\r />]*+" + REST
    # Each alternative takes the text behind it along: one turn of the loop for a tag and a text.
    return (
        rb"[^<]*+(?:<(?:"
        + quick_end
        + (first[1:] + rb"|" if first else b"")
        + b"".join(start + rb"[^\t\n\f\r />]*+" + rest + rb"|" for start in _quiet_starts(stops))
        + _HARMLESS[1:]
        + b"".join(rb"|" + element[1:] for element in whole)
        + rb"|(?=[a-zA-Z])(?!" + _one_of(stops) + rb")[^\t\n\f\r />]++" + rest
        + rb"|" + end
        + rb"|" + _COMMENT[1:]
        + rb"|(?=[^a-zA-Z/!?])"
        + rb")[^<]*+"
        + rb"|" + (rb"(?!<!\[CDATA\[)" if cdata_stops else b"") + rb"(?:" + _BOGUS_COMMENT + rb")[^<]*+"
        + rb")*+"
    )  # fmt: skip


def _tag(special: str) -> bytes:
    """A start tag that is none of the special ones."""
    return rb"(?P<tag><(?=[a-zA-Z])(?!" + _one_of(special) + rb")[^\t\n\f\r />]++" + REST + rb")"


_WHOLE = (*map(_raw_element, ("title", "textarea")), _SIMPLE_SVG)
_ELEMENTS = (
    # A script and its text, when it is all here and never escaped.
    rb"|(?P<script>" + _start_of("script") + rb")"
    + rb"(?P<script_text>[^<]*+(?:<(?!/" + any_case("script") + NAME_END + rb"|!--)[^<]*+)*+)" + _end_of("script")
    + rb"|(?P<style>" + _start_of("style") + rb")(?P<style_text>" + _text_of("style") + rb")" + _end_of("style")
    + rb"|(?P<frame>" + _start_of("iframe") + rb")" + _text_of("iframe") + _end_of("iframe")
)  # fmt: skip
_NOSCRIPT = (
    rb"|(?P<noscript>" + _start_of("noscript", _STRICT_REST) + rb")"
    + rb"(?P<noscript_text>" + _text_of("noscript") + rb")" + _end_of("noscript")
)  # fmt: skip

TAKEN: dict[str | None, str] = {
    "tag": "tag", "script_text": "script", "style_text": "style", "frame": "frame", "noscript_text": "noscript",
}  # fmt: skip
"""The last group of each thing that a step takes, and the group of its start tag.

A step runs over all that does not matter, and then takes one tag or element that does.
"""


def _step(skipping: bytes, taken: bytes) -> Always:
    return always(skipping + rb"(?:" + taken + rb"|)")


@cache
def step(*, nested: bool, own: bool) -> Always:
    """The step for plain data.

    Args:
        nested: inside a noscript element, where another one is nothing special.
        own: where relative addresses are the site's own, so that tags without any other need no judge.
    """
    stops, special, taken = STOPS, _SPECIAL, _ELEMENTS + _NOSCRIPT
    if nested:
        stops, special, taken = stops.replace("noscript ", ""), special.replace("noscript ", ""), _ELEMENTS
    skipping = (
        _skipping(stops, rest=_QUIET_REST, first=_OWN_IMAGE, whole=(_OWN, *_WHOLE))
        if own
        else _skipping(stops, whole=_WHOLE)
    )
    return _step(skipping, _tag(special) + taken)


WARY_STEP = _step(
    _skipping(STOPS, rest=_quiet_rest(_LOUD + rb"|" + _PAINTS), end_stops="select", cdata_stops=True), _tag(_SPECIAL)
)
"""The step for uncertain places: no element is read whole."""

QUIET_TAG = re.compile(rb"<[a-zA-Z][^\t\n\f\r />]*+" + _STRICT_REST).fullmatch
"""Whether no attribute of a tag in HTML matters on any element."""

QUIET_SHAPE = re.compile(rb"<[a-zA-Z][^\t\n\f\r />]*+" + _PLAIN_ATTRIBUTES + rb"/?+>").fullmatch
"""Whether a tag in a drawing holds nothing that could be an address, in the plain form."""

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
    rb"|(?P<cdata>!\[CDATA\[)|(?P<conditional>!--\[[iI][fF])|(?P<comment>!--)|(?P<bogus>[!?/]))"
).match
"""What an unfinished or special construct is."""

LONGEST_NAME = 24
"""A longer tag name is none of those that matter."""

SHORTEST_UNDECIDED = re.compile(rb"<(?:!(?:-(?:-(?:-|\[[iI]?+)?+)?+|\[(?:C(?:D(?:A(?:T(?:A)?)?)?)?)?)?|/)?\Z").match
"""The end of a chunk where it is not yet known which construct begins."""

TAG_REST = re.compile(REST).match
WHOLE_ATTRIBUTES = re.compile(rb"<[a-zA-Z][^\t\n\f\r />]*+" + NAME_END + _ATTRIBUTES).match
"""A start tag as far as its attributes are whole."""

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

CONDITIONAL = re.compile(rb"<!--\[[^\]]*+\]>").match
"""What begins a downlevel-hidden conditional comment, markup to old browsers only."""

COMMENT_END = re.compile(rb"--!?>").search
GREATER = re.compile(rb">").search
CDATA_END = re.compile(rb"\]\]>").search
