"""What kind of body a response has: a page to rewrite, a page that cannot be read, or something else."""

from __future__ import annotations

import re
from enum import Enum

from dntguard.charsets import is_xhtml
from dntguard.headers import Headers, get_all


class Body(Enum):
    """The kinds of body."""

    PAGE = "page"
    """HTML that can be read."""
    HEAD = "head"
    """No body, but the headers of one that would be a page."""
    UNREADABLE = "unreadable"
    """HTML in a content coding that is not read here, or a part of it."""
    OTHER = "other"


_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HTML_TYPE = re.compile(rb"[\s\"']*text/html(?![!#$%&'*+.^_`|~0-9A-Za-z-])", re.IGNORECASE).match
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
    types = type_of_page(headers).split(b",")
    if not any(map(is_xhtml, types)) and not any(map(_HTML_TYPE, types)):
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
    # 3. A part of a page, which may begin anywhere in the markup.
    if status == 206:
        return Body.UNREADABLE
    # 4. A content coding (RFC 9110 section 8.4).
    codings = b",".join(get_all(headers, b"content-encoding")).lower().split(b",")
    if any(coding.strip(b" \t") not in (b"", b"identity") for coding in codings):
        return Body.UNREADABLE
    return Body.PAGE


def type_of_page(headers: Headers) -> bytes:
    """The response's `Content-Type`; repeated fields are one list."""
    return b",".join(get_all(headers, b"content-type"))
