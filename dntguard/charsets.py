"""Which character encoding a page is in, and whether its bytes must be decoded before they can be scanned.

Nearly every encoding of the web is read byte by byte: a byte below 0x80 is that ASCII character. In the few others
such a byte may be half of something else, and markup can hide in them or behind them: they are named here by Python's
codecs.

A byte order mark goes before the header, the header before what the page declares (HTML section 13.2.3.2). Sections are
those of the Encoding standard, https://encoding.spec.whatwg.org/, where no other is named.
"""

from __future__ import annotations

import re
from enum import Enum

UTF8_MARK = b"\xef\xbb\xbf"
_MARKS = (
    # UTF-32 is none of the web's encodings: browsers take its mark for UTF-16's, and then see no markup at all.
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (UTF8_MARK, ""),
)
_LONGEST_MARK = 4

_CODECS = {
    **dict.fromkeys(
        b"utf-16 utf-16le unicode unicodefeff csunicode ucs-2 iso-10646-ucs-2".split(), "utf-16-le"
    ),  # section 4.2
    **dict.fromkeys(b"utf-16be unicodefffe".split(), "utf-16-be"),
    **dict.fromkeys(b"iso-2022-jp csiso2022jp".split(), "iso2022_jp_ext"),
    # Browsers read none of what follows: they show nothing of some, and take others for an encoding of their own.
    **dict.fromkeys(b"utf-32 utf-32le utf32 ucs-4 iso-10646-ucs-4".split(), "utf-32-le"),
    b"utf-32be": "utf-32-be",
    **dict.fromkeys(b"hz-gb-2312 hz hz-gb csiso58gb231280hz".split(), "hz"),
    **dict.fromkeys(b"iso-2022-kr csiso2022kr".split(), "iso2022_kr"),
    **dict.fromkeys(b"utf-7 unicode-1-1-utf-7 csutf7 csunicode11utf7".split(), "utf-7"),
}
"""From labels to the codec that decodes and encodes them."""

_TRAILING = {
    **dict.fromkeys(b"csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis".split(), "cp932"),
    **dict.fromkeys(
        b"chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk gb18030".split(), "gb18030"
    ),
    **dict.fromkeys(b"big5 big5-hkscs cn-big5 csbig5 x-x-big5".split(), "big5hkscs"),
}
"""Encodings in which the second byte of a character may be a backslash or a brace: nothing to HTML, but to a style."""

_ESCAPING = frozenset({b"iso-2022-jp", b"csiso2022jp"})
"""Those of them that a page itself can declare: in a `meta` element, a UTF-16 label means UTF-8 (HTML 13.2.3.2)."""

_KNOWN = re.compile(
    rb"(?:utf-?8|x-?unicode20utf8|unicode-?1-1-?utf-?8|us-ascii|ascii|latin[1-6]|l[1-9]|iso-?_?8859|windows-|cp[0-9]|x-cp|gb|chinese|"
    rb"big5|euc|x-euc|shift|sjis|x-sjis|ms_?kanji|koi8?|ks_?c|korean|macintosh|x-mac|ibm8|dos-874|tis-620|arabic|greek|hebrew|cyrillic)"
).match
"""How labels of encodings that browsers know begin. A label that they do not know declares nothing."""

_PARAMETER = re.compile(rb";\s*charset\s*=\s*[\"']?\s*([^\s;\"']+)", re.IGNORECASE).search
_PRESCANNED = 1024


_XHTML_TYPE = re.compile(rb"\s*application/xhtml\+xml\s*(?:;|\Z)", re.IGNORECASE).match


def is_xhtml(content_type: bytes) -> bool:
    """Whether a media type, of several the last (Fetch section 2.2.2), says that XML's rules hold (HTML section 14)."""
    types = [part for part in content_type.split(b",") if b"/" in part.partition(b";")[0]]
    return bool(types) and _XHTML_TYPE(types[-1]) is not None


class Declared(Enum):
    """What says that a page is in the encoding it is read in."""

    OUTSIDE = "outside"
    """A byte order mark or a header, or the rules of XML: no `meta` element changes it any more."""
    META = "meta"
    """The page's own `meta` element; another one may still change it."""
    NOTHING = "nothing"


def codec_of_type(content_type: bytes) -> str | None:
    """The codec that the `charset` of a media type needs, empty for none; None when it declares nothing."""
    found = _PARAMETER(content_type)
    return None if found is None else _codec(found[1].lower())


def codec_of_texts(content_type: bytes, first_bytes: bytes) -> str:
    """The codec that the text of a script or style must be decoded with before it is read; empty for none."""
    found = _PARAMETER(content_type)
    label = found[1].lower() if found else b""
    if _codec(label) is None:
        label = _prescan(first_bytes[:_PRESCANNED]) or b""
    return _TRAILING.get(label, "")


def _codec(label: bytes) -> str | None:
    return _CODECS[label] if label in _CODECS else "" if _KNOWN(label) else None


def may_become_mark(first_bytes: bytes) -> bool:
    """Whether more bytes could make a byte order mark of these, or another one."""
    return len(first_bytes) < _LONGEST_MARK and any(mark.startswith(first_bytes) for mark, _ in _MARKS)


def codec_of_page(first_bytes: bytes, from_header: str | None, *, xml: bool) -> tuple[str, Declared]:
    """The codec that a page needs, empty for none, and what says so.

    Args:
        first_bytes: those of the page, `may_become_mark` no longer.
        from_header: what `codec_of_type` says of its `Content-Type`.
        xml: whether XML's rules hold (XML 1.0 appendix F).
    """
    # 1. A byte order mark.
    for mark, codec in _MARKS:
        if first_bytes.startswith(mark):
            return codec, Declared.OUTSIDE
    # 2. The header. UTF-7 may write markup as it is, and browsers do not know it: then its bytes are what they read.
    if from_header == "utf-7" and _MARKUP(first_bytes):
        return "", Declared.OUTSIDE
    if from_header is not None:
        return from_header, Declared.OUTSIDE
    # 3. The page.
    if xml:
        found = _XML_DECLARATION(first_bytes)
        named = (_codec(found[1].lower()) if found else "") or ""
        return "" if named.startswith("utf") else named, Declared.OUTSIDE
    label = _prescan(first_bytes[:_PRESCANNED])
    if label is None:
        return "", Declared.NOTHING
    return _CODECS[label] if label in _ESCAPING else "", Declared.META


def of_meta(charset: str, content: str, *, codec: str) -> bool:
    """Whether a `meta` element with these attributes leaves a page in the encoding it is read in.

    Args:
        charset: the value of the element's `charset`.
        content: the value of its `content`.
        codec: the codec that the page is read with.
    """
    text = f"{charset} {content}".lower()
    escaping = any(label.decode() in text for label in _ESCAPING)
    return escaping if codec and (charset or "charset" in text) else not escaping or bool(codec)


_MARKUP = re.compile(rb"<[a-zA-Z/!?]").search
_XML_DECLARATION = re.compile(rb"<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([^\"']+)").match

# --- prescan a byte stream to determine its encoding (HTML section 13.2.3.2) ------------------------------------------

_SKIPPED = re.compile(
    rb"[^<]++|<!--(?:-?>|(?:[^-]++|-(?!->))*+-->)|<(?:!(?!--)|\?|/(?![a-zA-Z]))[^>]*+>|<(?![a-zA-Z/!?])"
).match
_TEXT = re.compile(
    rb"<(title|script|style|textarea|xmp|iframe|noembed|noframes|noscript)(?=[\t\n\f\r />])"
    rb"[\s\S]*?(?:</\1(?=[\t\n\f\r />])|\Z)",
    re.IGNORECASE,
).match
"""Browsers look for the element with a tokenizer, which sees none in text."""
_TAG = re.compile(rb"</?+([a-zA-Z][^\t\n\f\r >]*+)").match
_ATTRIBUTE = re.compile(
    rb"[\t\n\f\r /]*+([^\t\n\f\r />][^\t\n\f\r />=]*+)[\t\n\f\r ]*+"
    rb"(?:=[\t\n\f\r ]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r >\"'][^\t\n\f\r >]*+)|(?=>)))?+"
).match
_CHARSET = re.compile(rb"[cC][hH][aA][rR][sS][eE][tT]").search
_IN_CONTENT = re.compile(
    rb"charset[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\"'\t\n\f\r ;][^\t\n\f\r ;]*+))"
).search


def _prescan(data: bytes) -> bytes | None:
    """The label of the encoding that the first `meta` element declares which declares one."""
    if _CHARSET(data) is None:
        return None  # most often: a header has said it, or nobody does
    pos = 0
    while pos < len(data):
        skipped = _SKIPPED(data, pos)
        if skipped is not None:
            pos = skipped.end()
            continue
        text = _TEXT(data, pos)
        if text is not None:
            pos = text.end()
            continue
        tag = _TAG(data, pos)
        if tag is None:
            return None  # the rest is one unfinished construct
        found: dict[bytes, bytes] = {}
        pos = tag.end()
        while (attribute := _ATTRIBUTE(data, pos)) is not None:
            pos = attribute.end()
            found.setdefault(attribute[1].lower(), (attribute[2] or attribute[3] or attribute[4] or b"").lower())
        if data[tag.start() : tag.end()].lower() == b"<meta" and b">" in data[pos:]:
            label = found.get(b"charset")
            if label is None and found.get(b"http-equiv") == b"content-type":
                inner = _IN_CONTENT(found.get(b"content", b""))
                label = (inner[1] or inner[2] or inner[3] or b"") if inner else None
            if label is not None and _codec(label.strip()) is not None:
                return label.strip()
    return None
