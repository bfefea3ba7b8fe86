"""Which character encodings can be read byte by byte: those in which a byte below 0x80 is that ASCII character.

Sections are those of the Encoding standard, https://encoding.spec.whatwg.org/.
"""

from __future__ import annotations

import re

UTF8_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xfe\xff", b"\xff\xfe")

_NOT_ASCII = frozenset(
    b"utf-16 utf-16le utf-16be unicode unicodefeff unicodefffe csunicode ucs-2 iso-10646-ucs-2 "
    b"iso-2022-jp csiso2022jp".split()
)
"""Labels (section 4.2) of the encodings in which such a byte may be part of something else.

UTF-32 and UTF-7 are not among them: browsers do not know those labels and read such pages as windows-1252.
"""

_ESCAPING = frozenset({b"iso-2022-jp", b"csiso2022jp"})
"""Those that a page itself can declare: in a `meta` element, a UTF-16 label means UTF-8 (HTML section 13.2.3.2)."""

_KNOWN = re.compile(
    rb"(?:utf-?8|x-?unicode20utf8|unicode-?1-1-?utf-?8|us-ascii|ascii|latin[1-6]|l[1-9]|iso-?_?8859|windows-|cp[0-9]|x-cp|gb|chinese|"
    rb"big5|euc|x-euc|shift|sjis|x-sjis|ms_?kanji|koi8?|ks_?c|korean|macintosh|x-mac|ibm8|dos-874|tis-620|arabic|greek|hebrew|cyrillic)"
).match
"""How labels of encodings that browsers know begin. A label that they do not know declares nothing."""

_PARAMETER = re.compile(rb";\s*charset\s*=\s*[\"']?\s*([^\s;\"']+)", re.IGNORECASE).search
_DECLARES_ESCAPING = re.compile(rb"<meta[\s\S]*?charset[\s\S]*?iso-?2022-?jp", re.IGNORECASE).search
_PRESCANNED = 1024


def of_type(content_type: bytes) -> bool | None:
    """Whether the `charset` of a media type can be read byte by byte; None when it has none."""
    found = _PARAMETER(content_type)
    if found is None:
        return None
    label = found[1].lower()
    return False if label in _NOT_ASCII else True if _KNOWN(label) else None


def of_page(first_bytes: bytes) -> bool | None:
    """Whether the encoding that a page declares can be read byte by byte; None when nothing says that it cannot.

    The prescan of browsers works on bytes and knows no context (HTML section 13.2.3.2), so any place counts.
    """
    return False if _DECLARES_ESCAPING(first_bytes[:_PRESCANNED]) else None


def of_meta(charset: str, content: str) -> bool:
    """Whether a `meta` element with these attributes leaves an encoding that can be read byte by byte."""
    return not any(label.decode() in f"{charset} {content}".lower() for label in _ESCAPING)
