"""What kind of body a response has: a page to rewrite, a page that cannot be read, or something else."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from dntguard.charsets import is_xhtml
from dntguard.codings import MOST_STACKED, READABLE, Malformed, Recoding, codings_of
from dntguard.headers import OWS, Headers, get_all


class Body(Enum):
    """The kinds of body."""

    PAGE = "page"
    """HTML that can be read."""
    HEAD = "head"
    """No body, but the headers of one that would be a page."""
    UNREADABLE = "unreadable"
    """HTML in a content coding that is not read here, or a part of it, or a file that only the server sees."""
    OTHER = "other"


_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HTML_TYPE = re.compile(rb"[\s\"']*text/html(?![!#$%&'*+.^_`|~0-9A-Za-z-])", re.IGNORECASE).match
_KNOWN_TYPE = re.compile(
    rb"\s*(?!(?:unknown/unknown|application/unknown|\*/\*)\s*(?:;|\Z))" + _TOKEN + rb"/" + _TOKEN + rb"\s*(?:;|\Z)",
    re.IGNORECASE,
).match
"""A type that keeps a browser from sniffing; what is no media type at all does not (Fetch section 2.2.2)."""


_BY_SERVER = frozenset(b"x-sendfile x-accel-redirect x-lighttpd-send-file x-reproxy-url".split())
"""Fields by which a server in front takes the body from somewhere else."""


def kind_of_body(method: str, status: int, headers: Headers, first_chunk: bytes | None) -> Body:
    """What kind of body the response has.

    Args:
        method: the request's method.
        status: the response's status code.
        headers: the response's headers.
        first_chunk: the first bytes of the body; None when they are not known yet, then `PAGE` may still become
            anything else, but `OTHER` is final.
    """
    if not may_be_page(method, status, headers, first_chunk):
        return Body.OTHER
    # 1. No body (RFC 9110 section 6.4.1).
    if status == 304 or (method == "HEAD" and not first_chunk):
        return Body.HEAD
    # 2. A part of a page, which may begin anywhere in the markup, and one that does not come through here.
    if status == 206 or any(name.lower() in _BY_SERVER for name, _ in headers):
        return Body.UNREADABLE
    # 3. A content coding (RFC 9110 section 8.4).
    return Body.PAGE if _are_readable(codings_of_page(headers)) else Body.UNREADABLE


def may_be_page(method: str, status: int, headers: Headers, first_chunk: bytes | None) -> bool:
    """Whether the response is a page, or HEAD or "not modified" speaks of one. The arguments are as above."""
    # 1. Not HTML: by its type (RFC 9110 section 8.3), or without a type by its first byte (MIME Sniffing section 7.1).
    #    Repeated fields are one list to a browser (Fetch section 2.2.2). "Not modified" often comes without a type,
    #    and then it is the answer to a request whose conditions were left in: one for an image or a script.
    is_page, is_known = _kind_of_type(type_of_page(headers))
    if not is_page:
        if status == 304 or is_known:
            return False
        begin = b"" if first_chunk is None else _decoded(headers, first_chunk).lstrip(b"\t\n\f\r \xef\xbb\xbf")
        if begin and not begin.startswith((b"<", b"\xfe", b"\xff")):
            return False
    # 2. No body at all (sections 15.2, 15.3.5 and 15.3.6 of RFC 9110), but for HEAD, which has none of what GET has.
    return status == 304 or (method == "HEAD" and not first_chunk) or (status >= 200 and status not in (204, 205))


@lru_cache(maxsize=256)
def _kind_of_type(value: bytes) -> tuple[bool, bool]:
    """Whether a `Content-Type` is that of a page, and whether it keeps a browser from sniffing."""
    types = value.split(b",")
    return any(map(is_xhtml, types)) or any(map(_HTML_TYPE, types)), any(map(_KNOWN_TYPE, types))


def codings_of_page(headers: Headers) -> tuple[bytes, ...]:
    """The response's content codings, in the order they were applied."""
    return codings_of(get_all(headers, b"content-encoding"))


def _are_readable(codings: tuple[bytes, ...]) -> bool:
    return len(codings) <= MOST_STACKED and READABLE.issuperset(codings)


def _decoded(headers: Headers, first_chunk: bytes) -> bytes:
    """The first bytes of a body, which a browser sees when it has decoded them."""
    codings = codings_of_page(headers)
    if not codings:
        return first_chunk
    if not _are_readable(codings):
        return b""
    try:
        return next(Recoding(codings).decode(first_chunk), b"")
    except Malformed:
        return b""


def type_of_page(headers: Headers) -> bytes:
    """The response's `Content-Type`; repeated fields are one list."""
    values = [value for name, value in headers if len(name) == 12 and name.lower() == b"content-type"]
    return values[0].strip(OWS) if len(values) == 1 else b",".join(values)
