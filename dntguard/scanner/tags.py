"""Tags: their attributes, and those that a chunk cuts.

Sections are those of the HTML standard, https://html.spec.whatwg.org/multipage/parsing.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from html.entities import html5 as named_references

from dntguard.scanner.grammar import ATTRIBUTE, SPACE, TAG_NAME, VALUE, always


def tag_parts(tag: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """A start tag's lower-case name, and its attributes: lower-case names, values as written, no duplicates."""
    plain = _PLAIN_TAG(tag)
    if plain is not None:
        # The first of duplicates comes last, and stays.
        return plain[1].lower(), dict(_PLAIN_ATTRIBUTES(plain[2])[::-1])
    found: dict[bytes, bytes] = {}
    name = TAG_NAME(tag)
    pos = name.end() if name else len(tag)
    while (match := ATTRIBUTE(tag, pos)) is not None:
        pos = match.end()
        found.setdefault(match[1].lower(), match[2] or match[3] or match[4] or b"")
    return name[1].lower() if name else b"", found


def with_attributes(tag: bytes, changes: Mapping[bytes, str | None]) -> bytes:
    """A start tag with other values, or without attributes.

    All occurrences of a name change, for the second of duplicates counts once the first is gone.

    Args:
        tag: the tag.
        changes: from lower-case names to the new value, or to None for an attribute that goes.
    """
    out: list[bytes] = []
    done: set[bytes] = set()
    name = TAG_NAME(tag)
    pos = kept = name.end() if name else len(tag)
    out.append(tag[:kept])
    while (found := ATTRIBUTE(tag, pos)) is not None:
        pos = found.end()
        key = found[1].lower()
        if key not in changes:
            continue
        out.append(tag[kept : found.start(1)])
        value = changes[key]
        if value is not None and key not in done:
            done.add(key)
            out.append(b'%b="%b"' % (found[1], attribute_source(value)))
        elif _EQUALS_NEXT(tag, pos):
            out.append(b"/ ")  # what follows would become the value of what stands before
        elif not tag[found.start(1) - 1 : found.start(1)].isspace():
            out.append(b" ")  # a slash before would meet the end of the tag and close the element
        kept = pos
    return b"".join([*out, tag[kept:]])


def attribute_source(value: str) -> bytes:
    """How a value is written between double quotes.

    Without `<` and `>`: the tag may stand in a comment, or in text that an end tag or `-->` would end. XML reads a raw
    newline as a space. What is not ASCII is a reference, for the page may be in any encoding; bytes that were not read
    as UTF-8 come out as they were.
    """
    return _NOT_ASCII(lambda found: f"&#{ord(found[0])};", value.translate(_WRITTEN)).encode("ascii", "surrogateescape")


_WRITTEN = str.maketrans(
    {"&": "&amp;", '"': "&quot;", "<": "&lt;", ">": "&gt;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)
_NOT_ASCII = re.compile("[^\\x00-\\x7f\\udc80-\\udcff]").sub


_EQUALS_NEXT = re.compile(SPACE + rb"*+=").match


def whole_name(tag: bytes) -> bytes:
    """The lower-case name of a whole start or end tag."""
    found = _WHOLE_NAME(tag)
    return found[1].lower() if found else b""


_WHOLE_NAME = re.compile(rb"</?+([a-zA-Z][^\t\n\f\r />]*+)").match
_PLAIN_TAG = re.compile(rb"""<([a-zA-Z]++)((?: [a-z-]++="[^"]*+")*+)[ /]*+>""").fullmatch
_PLAIN_ATTRIBUTES = re.compile(rb""" ([a-z-]++)="([^"]*+)\"""").findall
"""Nearly every tag of nearly every page, in two calls."""


def attribute_value(value: bytes, errors: str = "replace") -> str:
    """An attribute's value as the parser hands it on: character references decoded (section 13.2.5.72)."""
    text = value.decode("utf-8", errors)
    return _REFERENCE.sub(_decode_reference, text) if "&" in text else text


_REFERENCE = re.compile(r"&(?:#[xX][0-9a-fA-F]+;?|#[0-9]+;?|([A-Za-z][A-Za-z0-9]*;?))")


_MOST_DIGITS = 16
"""More make no difference: no character has such a number (and CPython refuses to read thousands of digits)."""


def _character(number: int) -> str:
    """The character of a numeric reference (section 13.2.5.80)."""
    if number == 0 or number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        return "\ufffd"
    if 0x80 <= number <= 0x9F:
        return bytes([number]).decode("cp1252", "ignore") or chr(number)
    return chr(number)


def _decode_reference(found: re.Match[str]) -> str:
    """A character reference in an attribute: without a semicolon it is none when "=" or a letter follows."""
    name = found[1]
    if name is None:
        digits = found[0][2:].rstrip(";")
        return _character(int(digits[1:], 16) if digits[0] in "xX" else int(digits.lstrip("0")[:_MOST_DIGITS] or "0"))
    if name in named_references and name.endswith(";"):
        return named_references[name]
    following = found.string[found.end() : found.end() + 1]
    if name in named_references and following != "=":
        return named_references[name]
    return found[0]


def text_value(text: bytes) -> bytes:
    """Text as the parser hands it on: character references decoded (section 13.2.5.72); other bytes stay."""
    decoded = text.decode("utf-8", "surrogateescape")
    return _REFERENCE.sub(_decode_in_text, decoded).encode("utf-8", "surrogateescape")


def _decode_in_text(found: re.Match[str]) -> str:
    """A character reference in text: there a name without a semicolon counts whatever follows."""
    return _decode_reference(found) if found[1] is None else unescape(found[0])


def is_self_closing(tag: bytes) -> bool:
    """Whether the tag ends in `/>` with the slash outside of an unquoted value (section 13.2.5.40)."""
    if not tag.endswith(b"/>"):
        return False
    name = TAG_NAME(tag)
    pos = name.end() if name else 0
    while (found := ATTRIBUTE(tag, pos)) is not None:
        pos = found.end()
    return pos < len(tag) - 1


class CutTag:
    """A tag that a chunk cuts: the tokenizer's state inside it, so that no byte is looked at twice."""

    __slots__ = ("_state", "closes_raw", "dropped", "held", "held_back", "instead", "is_end", "name", "overflowed")

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
        self.instead = b""
        self.held_back = bytearray()
        self._state = _NAME

    @property
    def done(self) -> bool:
        """Whether the tag's `>` was read."""
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
    always(pattern)
    for pattern in (
        rb"[^\t\n\f\r />]*+",
        # Whole attributes in one go, but none whose end is not in sight.
        rb"(?:[\t\n\f\r /]++|[^\t\n\f\r />][^\t\n\f\r />=]*+(?:" + SPACE + rb"*+=" + SPACE + rb"*+"
        + VALUE + rb"(?=[\s\S])|(?=" + SPACE + rb"*+[^\t\n\f\r =])))*+",
        rb"[^\t\n\f\r />=]*+",
        SPACE + rb"*+",
        SPACE + rb"*+",
        rb'[^"]*+',
        rb"[^']*+",
        rb"[^\t\n\f\r >]*+",
    )
]  # fmt: skip
