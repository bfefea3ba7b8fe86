"""SVG and MathML inside HTML: the elements that are open since `<svg>` or `<math>`, and what they make of a tag.

Sections are those of the HTML standard, https://html.spec.whatwg.org/multipage/parsing.html.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from dntguard.scanner.tags import attribute_value, tag_parts, text_value

HTML, SVG, MATH = "html", "svg", "math"
ROOTS = {b"svg": SVG, b"math": MATH}

BREAKOUT = frozenset(
    b"b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta "
    b"nobr ol p pre ruby s small span strong strike sub sup table tt u ul var".split()
)
_VOID = frozenset(b"area base br col embed hr image img input link meta param source track wbr".split())
_TEXT_INTEGRATION = frozenset(b"mi mo mn ms mtext".split())
_HTML_INTEGRATION = frozenset(b"foreignobject desc title".split())
MAY_INTEGRATE = _TEXT_INTEGRATION | _HTML_INTEGRATION | {b"annotation-xml"}
_LOSES_TRACK = frozenset(
    # Parts of a table may end an outer one with all that is in it; mglyph and malignmark depend on the current node.
    b"select template frameset table caption col colgroup tbody td tfoot th thead tr mglyph malignmark".split()
)


class Element(NamedTuple):
    """An open element: its lower-case name, its namespace, and whether HTML is allowed inside it."""

    name: bytes
    space: str
    takes_html: bool


class OpenElements:
    """The stack of open elements from `<svg>` or `<math>` on (section 13.2.4.2); empty in HTML content.

    It is right for tidy markup and for what the rules of foreign content say of untidy markup. What would need HTML's
    own tree construction (implied end tags, foster parenting, adoption) is not followed: then a method says so, and
    the scan goes on without the stack, wary.
    """

    def __init__(self) -> None:
        self._open: list[Element] = []

    def __len__(self) -> int:
        return len(self._open)

    def copy(self) -> OpenElements:
        """The same elements on a stack of its own."""
        other = OpenElements()
        other._open = self._open.copy()
        return other

    def clear(self) -> None:
        """Forget all."""
        self._open.clear()

    @property
    def in_html(self) -> bool:
        """Whether the current node is an HTML element."""
        return bool(self._open) and self._open[-1].space is HTML

    @property
    def in_svg(self) -> bool:
        """Whether the current node is an SVG element."""
        return bool(self._open) and self._open[-1].space is SVG

    @property
    def takes_html(self) -> bool:
        """Whether the current node is an HTML element or a place in foreign content where HTML stands."""
        return bool(self._open) and self._open[-1].takes_html

    def reads_as_html(self, name: bytes) -> bool:
        """Whether a start tag follows HTML's rules here (section 13.2.6, the tree construction dispatcher)."""
        top = self._open[-1]
        if top.space is MATH and top.name == b"annotation-xml" and name == b"svg":
            return True
        return top.takes_html and not (
            top.space is MATH and top.name in _TEXT_INTEGRATION and name in (b"mglyph", b"malignmark")
        )

    @property
    def holds_html(self) -> bool:
        """Whether HTML stands or may stand anywhere inside."""
        return any(element.takes_html for element in self._open)

    @staticmethod
    def loses_track(name: bytes) -> bool:
        """Whether the effect of an HTML start tag in foreign content depends on what is open outside or was ignored."""
        return name in _LOSES_TRACK

    def breaks_out(self, name: bytes, tag: bytes) -> bool:
        """Whether a start tag ends foreign content (section 13.2.6.5)."""
        return name in BREAKOUT or (name == b"font" and not tag_parts(tag)[1].keys().isdisjoint(_FONT_ATTRIBUTES))

    def break_out(self) -> None:
        """Close elements up to one that takes HTML."""
        while self._open and not self._open[-1].takes_html:
            self._open.pop()

    def push_root(self, name: bytes) -> None:
        """Open `svg` or `math`."""
        self._open.append(Element(name, ROOTS[name], False))

    def push_foreign(self, name: bytes, tag: bytes) -> None:
        """Open an element in the current node's namespace."""
        space = self._open[-1].space
        self._open.append(Element(name, space, _integrates(name, space, tag)))

    def push_html(self, name: bytes) -> None:
        """Open an HTML element, if it is one that can hold something."""
        if name not in _VOID:
            self._open.append(Element(name, HTML, True))

    def close(self, name: bytes) -> bool:
        """Follow an end tag. Returns False when its effect cannot be told."""
        if self._open[-1].space is HTML:
            if self._open[-1].name != name:
                return False
            self._open.pop()
            return True
        for place in reversed(range(len(self._open))):
            if self._open[place].space is HTML:
                return False
            if self._open[place].name == name:
                del self._open[place:]
                return True
        return False


_FONT_ATTRIBUTES = frozenset({b"color", b"face", b"size"})


def _integrates(name: bytes, space: str, tag: bytes) -> bool:
    """Whether HTML stands in an element: integration points (section 13.2.6.5)."""
    if space is SVG:
        return name in _HTML_INTEGRATION
    if name == b"annotation-xml":
        encoding = attribute_value(tag_parts(tag)[1].get(b"encoding", b""))
        return encoding.lower() in ("text/html", "application/xhtml+xml")
    return name in _TEXT_INTEGRATION


_PLAIN_TEXT = rb"(?:[^<]++|<(?![a-zA-Z/!?]))*+"
_PLAIN_SCRIPT = re.compile(
    _PLAIN_TEXT + rb"(?:<!\[CDATA\[(?:(?!\]\]>|</script)[\s\S])*+\]\]>" + _PLAIN_TEXT + rb")*+\Z", re.IGNORECASE
).match
_CDATA = re.compile(rb"<!\[CDATA\[([\s\S]*?)\]\]>")


def is_plain_text(text: bytes) -> bool:
    """Whether a script's content in SVG is text and whole CDATA sections; other markup would leave parts out."""
    return _PLAIN_SCRIPT(text) is not None


def text_content(text: bytes) -> bytes:
    """What runs of a script in SVG: its text with references decoded and CDATA sections unwrapped."""
    return b"".join(piece if place % 2 else text_value(piece) for place, piece in enumerate(_CDATA.split(text)))
