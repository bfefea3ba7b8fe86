"""What kind of body a response has: a page to rewrite, a page that cannot be read, or something else."""

from __future__ import annotations

import re
from enum import Enum

from dntguard.charsets import UTF8_MARK, UTF16_MARKS, of_page, of_type
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


_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HTML_TYPE = re.compile(rb"[\s\"']*text/html(?![!#$%&'*+.^_`|~0-9A-Za-z-])", re.IGNORECASE).match
_XHTML_TYPE = re.compile(rb"\s*application/xhtml\+xml\s*(?:;|\Z)", re.IGNORECASE).match
_KNOWN_TYPE = re.compile(
    rb"\s*(?!(?:unknown/unknown|application/unknown|\*/\*)\s*(?:;|\Z))" + _TOKEN + rb"/" + _TOKEN + rb"\s*(?:;|\Z)",
    re.IGNORECASE,
).match
"""A type that keeps a browser from sniffing; what is no media type at all does not (Fetch section 2.2.2)."""


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
    is_xml = any(map(_XHTML_TYPE, types))
    if not is_xml and not any(map(_HTML_TYPE, types)):
        if status == 304 or any(map(_KNOWN_TYPE, types)):
            return Body.OTHER
        begin = b"" if first_chunk is None else first_chunk.lstrip(b"\t\n\f\r \xef\xbb\xbf")
        if begin and not begin.startswith((b"<", b"\xfe", b"\xff")):
            return Body.OTHER
    # 2. No body (RFC 9110 section 6.4.1).
    if status == 304 or (method == "HEAD" and not first_chunk):
        return Body.HEAD
    if status < 200 or status == 204:
        return Body.OTHER
    # 3. A part of a page, which may begin anywhere in the markup; or markup with the rules of XML, by which `<title/>`
    #    is a whole element.
    if status == 206 or is_xml:
        return Body.UNREADABLE
    # 4. A content coding (RFC 9110 section 8.4).
    codings = b",".join(get_all(headers, b"content-encoding")).lower().split(b",")
    if any(coding.strip(b" \t") not in (b"", b"identity") for coding in codings):
        return Body.UNREADABLE
    # 5. A character encoding: a byte order mark goes before the header, the header before the page (HTML section
    #    13.2.3.2).
    if first_chunk is None or first_chunk.startswith(UTF8_MARK):
        return Body.PAGE
    if first_chunk.startswith(UTF16_MARKS) or first_chunk in (b"\xfe", b"\xff"):
        return Body.UNREADABLE
    declared = [of_type(value) for value in types]
    if False in declared or (True not in declared and of_page(first_chunk) is False):
        return Body.UNREADABLE
    return Body.PAGE


def encoding_is_known(headers: Headers, first_chunk: bytes) -> bool:
    """Whether no declaration inside the page can change its encoding any more."""
    return first_chunk.startswith(UTF8_MARK) or any(
        of_type(value) is not None for value in get_all(headers, b"content-type")
    )
