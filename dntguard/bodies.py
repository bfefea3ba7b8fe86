"""What kind of body a response has: a page to rewrite, a page that cannot be read, or something else."""

from __future__ import annotations

import re
from enum import Enum

from dntguard.headers import Headers, get_all


class Body(Enum):
    """The kinds of body."""

    PAGE = "page"
    """HTML that can be read."""
    HEAD = "head"
    """No body, but the headers of one that would be a page."""
    UNREADABLE = "unreadable"
    """HTML in a coding or an encoding that is not read here, or a part of it."""
    OTHER = "other"


_HTML_TYPE = re.compile(rb"\s*(?:text/html|application/xhtml\+xml)\s*(?:;|\Z)", re.IGNORECASE).match
_NO_TYPE = re.compile(rb"\s*(?:unknown/unknown|application/unknown|\*/\*|[^/]*)\s*(?:;|\Z)", re.IGNORECASE).match
_CHARSET = re.compile(rb";\s*charset\s*=\s*\"?\s*([^\s;\"]+)", re.IGNORECASE).search
_META_CHARSET = re.compile(rb"<meta[^>]*?charset\s*=\s*[\"']?\s*([^\s\"'/>;]+)", re.IGNORECASE).search

_NOT_ASCII = frozenset(
    b"utf-16 utf-16le utf-16be unicode unicodefeff unicodefffe csunicode ucs-2 iso-10646-ucs-2 "
    b"iso-2022-jp csiso2022jp".split()
)
"""Labels of the encodings in which a byte below 0x80 need not be that ASCII character (Encoding section 4.2).

UTF-32 and UTF-7 are not among them: browsers do not know those labels and read such pages as windows-1252.
"""

_UTF16_MARKS = (b"\xfe\xff", b"\xff\xfe")


def kind_of_body(method: str, status: int, headers: Headers, first_chunk: bytes | None) -> Body:
    """What kind of body the response has.

    Args:
        method: the request's method.
        status: the response's status code.
        headers: the response's headers.
        first_chunk: the first bytes of the body; None when they are not known yet, then `PAGE` may still become
            anything else, but `OTHER` is final.
    """
    # 1. Not HTML: by its type (RFC 9110 section 8.3), or without a type by its first byte (MIME Sniffing section 7.1).
    #    Repeated fields are one list to a browser (Fetch section 2.2.2). "Not modified" often comes without a type,
    #    and then it is the answer to a request whose conditions were left in: one for an image or a script.
    types = [part for value in get_all(headers, b"content-type") for part in value.split(b",")]
    if not any(map(_HTML_TYPE, types)):
        if status == 304 or not all(map(_NO_TYPE, types)):
            return Body.OTHER
        begin = b"" if first_chunk is None else first_chunk.lstrip(b"\t\n\f\r \xef\xbb\xbf")
        if begin and not begin.startswith((b"<", *_UTF16_MARKS)):
            return Body.OTHER
    # 2. No body (RFC 9110 section 6.4.1).
    if status == 304 or (method == "HEAD" and not first_chunk):
        return Body.HEAD
    if status < 200 or status == 204:
        return Body.OTHER
    # 3. A part of a page, which may begin anywhere in the markup.
    if status == 206:
        return Body.UNREADABLE
    # 4. A content coding (RFC 9110 section 8.4).
    codings = b",".join(get_all(headers, b"content-encoding")).lower().split(b",")
    if any(coding.strip(b" \t") not in (b"", b"identity") for coding in codings):
        return Body.UNREADABLE
    # 5. A character encoding: a byte order mark goes before the header, the header before the page (HTML section
    #    13.2.3.2).
    if first_chunk is None or first_chunk.startswith(b"\xef\xbb\xbf"):
        return Body.PAGE
    if first_chunk.startswith(_UTF16_MARKS):
        return Body.UNREADABLE
    for value in types:
        found = _CHARSET(value)
        if found:
            return Body.UNREADABLE if found[1].strip(b"'").lower() in _NOT_ASCII else Body.PAGE
    found = _META_CHARSET(first_chunk[:1024])
    if found and found[1].lower() in (b"iso-2022-jp", b"csiso2022jp"):  # any UTF-16 label means UTF-8 here
        return Body.UNREADABLE
    return Body.PAGE
