"""What the application may see of a request whose visitor refuses something."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from dntguard.caching import for_application
from dntguard.codings import narrowed
from dntguard.cookies import without_refused_cookies
from dntguard.headers import Headers, get, get_all, set_value
from dntguard.report import Removal
from dntguard.verdicts import Verdicts

_SUBRESOURCES = frozenset(
    b"audio audioworklet font image manifest paintworklet report script serviceworker sharedworker style track video "
    b"worker".split()
)
"""Values of `Sec-Fetch-Dest` (Fetch Metadata section 2.1) whose response no browser reads as a page."""

_SEEKABLE = re.compile(
    r".*\.(?:7z|aac|apk|avi|avif|bin|bz2|deb|dmg|epub|exe|flac|gif|gz|iso|jpe?g|m4[av]|mkv|mov|mp[34]|mpe?g|msi"
    r"|og[agv]|opus|pdf|png|rpm|tar|tgz|wav|web[mp]|xz|zip|zst)",
    re.IGNORECASE | re.DOTALL,
).fullmatch
"""Paths of what is asked for in parts and is no page. A part of a page that comes all the same cannot be read."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A request as the application may see it.

    Attributes:
        headers: the request's headers.
        hidden: the names of the refused cookies that are not among them, and why.
        may_be_page: whether what is asked for may be a page.
        revalidated: the tags of this visitor's variant in its conditions, as the application writes them.
    """

    headers: Headers
    hidden: list[tuple[bytes, Removal]]
    may_be_page: bool
    revalidated: list[bytes]


def shown(method: str, path: str, headers: Headers, verdicts: Verdicts, knows: Callable[[bytes], bool]) -> Shown:
    """The request without refused cookies and, where pages are read, without what a page cannot be answered by.

    A page must come in a coding that can be read, whole, and under no condition but one by this variant's validator:
    the copy that the browser holds may be the one from before the visitor refused.

    Args:
        method: the request's method.
        path: its path.
        headers: its headers.
        verdicts: what the visitor refuses.
        knows: whether a validator is of a response that is the same for everybody; whether there was any, when asked
            about an empty one.
    """
    headers, hidden = without_refused_cookies(headers, verdicts)
    if not verdicts.rewrites:
        return Shown(headers, hidden, may_be_page=True, revalidated=[])
    destination = get(headers, b"sec-fetch-dest")
    may_be_page = destination not in _SUBRESOURCES
    reads = method in ("GET", "HEAD")
    in_parts = destination in (b"audio", b"video") or _SEEKABLE(path) is not None or knows(b"")
    whole = reads and not in_parts
    headers, revalidated = for_application(headers, verdicts.variant, reads=reads, whole=whole, knows=knows)
    if may_be_page:
        codings = b", ".join(get_all(headers, b"accept-encoding"))
        readable = narrowed(codings) if codings else codings
        if readable != codings:
            headers = set_value(headers, b"accept-encoding", readable)
    return Shown(headers, hidden, may_be_page, revalidated)
