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

_PARAMETER = re.compile(rb";\s*charset\s*=\s*[\"']?\s*([^\s;\"']+)", re.IGNORECASE).search
_META = re.compile(rb"<meta[\t\n\f\r /][^>]*?charset\s*=\s*[\"']?\s*([^\s\"'/>;]+)", re.IGNORECASE).search
_PRESCANNED = 1024


def of_type(content_type: bytes) -> bool | None:
    """Whether the `charset` of a media type can be read byte by byte; None when it has none."""
    found = _PARAMETER(content_type)
    return None if found is None else found[1].lower() not in _NOT_ASCII


def of_page(first_bytes: bytes) -> bool | None:
    """Whether the encoding that a page declares can be read byte by byte; None when it declares none so far."""
    found = _META(first_bytes[:_PRESCANNED])
    return None if found is None else found[1].lower() not in _ESCAPING
