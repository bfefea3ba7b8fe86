"""The grammar of XML's constructs as regular expressions over bytes, and what follows from it without any state.

Sections are those of XML 1.0, https://www.w3.org/TR/xml/.

Tags are read by HTML's grammar. It reads every well-formed tag of XML in the same way, and goes on where an XML parser
stops at an error. HTML's whitespace has a form feed more; no XML document can hold one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from dntguard.scanner.grammar import ATTRIBUTE, REST, always
from dntguard.scanner.tags import attribute_value

_SPACE = rb"[\t\n\r ]"
_FIRST = rb"[a-zA-Z_:\x80-\xff]"
_NAME = _FIRST + rb"[^\t\n\f\r />]*+"
# What stands before the end mark of a comment, a CDATA section, an instruction (sections 2.5 to 2.7).
_COMMENT = rb"<!--(?:[^-]++|-(?!->))*+"
_CDATA_START = rb"<!\[CDATA\["
_CDATA_TEXT = rb"(?:[^\]]++|\](?!\]>))*+"
_CDATA = _CDATA_START + _CDATA_TEXT
_INSTRUCTION = rb"(?:[^?]++|\?(?!>))*+"
_IS_SHEET = rb"xml-stylesheet[\t\n\r ?]"
_ERROR = rb"<(?=[^a-zA-Z_:\x80-\xff/!?])|</(?=[^a-zA-Z_:\x80-\xff])|<!(?=[^\[D-])"
_SKIPPED = rb"[^<]++|" + _ERROR + rb"|" + _COMMENT + rb"-->|" + _CDATA + rb"\]\]>"

_QUIET = (
    rb"<(?!script|style)[a-zA-Z][a-zA-Z0-9]*+(?: (?:class|id|lang|xml:lang|dir|title|alt)=\"[^\"]*+\")*+"
    + _SPACE + rb"*+/?+>"
)  # fmt: skip
"""Start tags that no judge looks at, and that are everywhere."""

_PLAIN = (
    rb"<([a-z][a-z0-9-]*+)(?:" + _SPACE + rb"++(?:xlink:|xmlns:|xml:)?+[a-z0-9-]++=(?:\"[^\"]*+\"|'[^']*+'))*+"
    + _SPACE + rb"*+/?+>"
)  # fmt: skip
"""Start tags in which a judge that knows HTML sees what an XML parser sees: no capitals, no prefixes."""

STEP = always(
    rb"(?:" + _SKIPPED + rb"|</[a-zA-Z][a-zA-Z0-9:]*+>|" + _QUIET + rb"|</" + _NAME + REST
    + rb"|<\?(?!" + _IS_SHEET + rb")" + _INSTRUCTION + rb"\?>)*+"
    + rb"(?:(" + _PLAIN + rb")|(<(" + _NAME + rb")" + REST + rb"))?"
)  # fmt: skip
"""Runs over what does not matter, and takes one start tag: 1 and 2 are a plain one and its name, 3 and 4 any other."""

PLAIN, OTHER = 1, 3

INSIDE = always(rb"(?:" + _SKIPPED + rb"|<\?" + _INSTRUCTION + rb"\?>)*+(<(/?+)(" + _NAME + rb")" + REST + rb")?")
"""The step inside an element that is held back or dropped: 1 is any tag, 2 the slash of an end tag, 3 the name."""

CONSTRUCT = always(
    rb"<(?:(?P<tag>(?P<slash>/?+)" + _FIRST + rb")|(?P<run>!--|!\[CDATA\[|\?(?!" + _IS_SHEET + rb"))"
    rb"|(?P<sheet>\?xml-stylesheet)|(?P<doctype>!DOCTYPE(?=" + _SPACE + rb"))|(?P<error>[!/]))"
)
"""What begins at a `<` that no step ran over."""

BEGINNINGS: Final = (b"<!--", b"<![CDATA[", b"<!DOCTYPE", b"<?xml-stylesheet", b"</")
LONGEST_BEGINNING: Final = max(map(len, BEGINNINGS))
ENDS: Final = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>", b'"': b'"', b"'": b"'"}
QUALIFIED_NAME = always(rb"</?+([^\t\n\f\r />]*+)")
HEAD_MARK = always(rb"""(?:[^"'\[>]++|"[^"]*+"|'[^']*+')*+(["'\[>]?+)""")
SUBSET_MARK = re.compile(rb"[\"'\]]|<!--|<\?").search
"""What changes the reading of a document type declaration, outside of its internal subset and inside (section 2.8)."""

PSEUDO_ATTRIBUTES = re.compile(
    rb"""(?<![^\t\n\r "'])([^\t\n\r ="']++)[\t\n\r ]*+=[\t\n\r ]*+("[^"]*+"|'[^']*+')"""
).findall
"""Those of an `xml-stylesheet` instruction, as written; what is no well-formed one is skipped, as in some browsers."""

# --- what to ask about a tag ------------------------------------------------------------------------------------------

_ASKED = re.compile(rb"[a-z][^A-Z]*+|feImage").fullmatch
"""The names that a judge may be asked about: those in small letters, and the one with a capital that fetches."""


def questions(tag: bytes, name: bytes) -> tuple[bytes, bytes, Sequence[bytes]]:
    """What to ask about a tag that a judge, who reads as HTML does, might take for another.

    Args:
        tag: the start tag.
        name: its name, with the prefix.

    Returns:
        The tag to ask about; the name that it has there; further tags to ask about, one for each address that counts
        if a prefix is bound to XLink's namespace. A refusal of any is one of the element.
    """
    local = name.rpartition(b":")[2]
    asked = local if _ASKED(local) else b"x"
    pos = 1 + len(name)
    attributes: dict[bytes, bytes] = {}
    extra: list[bytes] = []
    while (found := ATTRIBUTE(tag, pos)) is not None:
        pos = found.end()
        key, source = found[1], tag[found.start(1) : pos]
        if key in attributes:
            continue
        attributes[key] = source
        if key.endswith(b":href") and key != b"xlink:href":
            extra.append(b" xlink" + source[len(key) - 5 :])
        elif key == b"attributeName" and attribute_value(found[2] or found[3] or b"").endswith(":href"):
            extra.insert(0, b' attributeName="href"')
    rest = tag[1 + len(name) :]
    if len({key.lower() for key in attributes}) < len(attributes):
        # HTML takes the first: that must be the one that XML knows.
        known = sorted(attributes, key=lambda key: (key != b"attributeName", key != key.lower()))
        rest = b"".join(b" " + attributes[key] for key in known) + tag[pos:]
    start = b"<" + asked
    # Only so many with all of the tag: thousands of prefixes must not cost its length a thousand times.
    return (
        start + rest,
        asked,
        [start + more + (rest if place < _MOST_EXTRA else b">") for place, more in enumerate(extra)],
    )


_MOST_EXTRA = 4


# --- text -------------------------------------------------------------------------------------------------------------

_PIECES = re.compile(
    # What has no end runs to the end of the text, so that nothing is looked at twice.
    rb"(?P<text>[^<]++)|" + _COMMENT + rb"(?:-->)?+|" + _CDATA_START + rb"(?P<cdata>" + _CDATA_TEXT + rb")(?:\]\]>)?+"
    + rb"|<\?" + _INSTRUCTION + rb"(?:\?>)?+|(?P<tag><(?P<slash>/?+)" + _NAME + rb"(?:" + REST + rb"|[\s\S]*+))|<"
).finditer  # fmt: skip
_REFERENCES = re.compile(rb"&[#a-zA-Z0-9]++;").sub


def child_text(content: bytes) -> tuple[bytes, bool]:
    """The child text content of an element, which is what runs of a script; and whether there are elements in it.

    References are decoded and CDATA sections unwrapped; comments, instructions and elements are no part of it.
    """
    if b"<" not in content:
        return _decoded(content), False
    text: list[bytes] = []
    depth = 0
    has_elements = False
    for found in _PIECES(content):
        if found["slash"]:
            depth = max(0, depth - 1)
        elif found["tag"] is not None:
            has_elements = True
            depth += not found["tag"].endswith(b"/>")
        elif depth == 0:
            text.append(_decoded(found["text"] or b"") + (found["cdata"] or b""))
    return b"".join(text), has_elements


def _decoded(text: bytes) -> bytes:
    return _REFERENCES(lambda found: attribute_value(found[0]).encode(), text)


def escaped(text: bytes) -> bytes:
    """How a text is written as the content of an element (section 2.4)."""
    return text.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")


# --- the internal subset ----------------------------------------------------------------------------------------------

_DECLARATION = re.compile(
    _SPACE + rb"++|" + _COMMENT + rb"-->|<!ELEMENT[^<>\"'%&\]]*+>"
    + rb"|<!ENTITY" + _SPACE + rb"++(?P<name>[a-zA-Z0-9]++)" + _SPACE
    + rb"""++(?P<value>"[^"%]*+"|'[^'%]*+')""" + _SPACE + rb"*+>"
).match  # fmt: skip


def is_harmless(subset: bytes) -> bool:
    """Whether an internal subset, from its `[` on, changes nothing about how a judge reads the rest (section 2.8).

    Parameter entities, external ones, defaults of attributes and instructions are never harmless; nor is an entity
    that is markup, or whose value is not what HTML means by its name.
    """
    pos = 1
    while (found := _DECLARATION(subset, pos)) is not None:
        pos = found.end()
        if found["name"] is not None:
            meaning = attribute_value(b"&" + found["name"] + b";")
            if meaning != attribute_value(found["value"][1:-1]) or "<" in meaning or "&" in meaning:
                return False
    return subset[pos:] in (b"]", b"")
