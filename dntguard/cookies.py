"""`Set-Cookie` and `Cookie` lines to those that are kept and those that are refused.

Cookies fail closed: a line whose name cannot be read the standard's way is read the way the most lenient browser
would, and goes when that name is refused. All other lines keep their bytes and their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from dntguard.headers import Headers
from dntguard.report import Removal
from dntguard.urls import is_address, may_be_echoed, parents, site
from dntguard.verdicts import Refusal, Verdicts

MOST_EXPIRIES = 24
"""How many expiring `Set-Cookie` lines one response may carry: proxies refuse headers of more than a few KiB."""

_LONGEST_EXPIRED = 128
"""A longer name is not expired, for the same reason."""

_MAX_AGE = re.compile(rb";[\t ]*max-age[\t ]*=[\t ]*([^;]*)", re.IGNORECASE).findall
_PAST = re.compile(rb"(?:-[0-9]+|0+)[\t ]*\Z").match

_NAME = re.compile(rb"[\x00-\x20=]*+([^=;]*+)").match
"""A cookie's name as the most lenient browser reads it (RFC 6265bis section 5.6).

Leading whitespace, controls and `=` are skipped: a nameless cookie `=_ga=1` is sent back as `_ga=1`.
"""

_SAFE_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z:@/()<>?\[\]{}-]+\Z").match
"""Names that may be echoed into a response header: no whitespace, no control, no separator of cookie lines."""


def cookie_name(line: bytes) -> bytes:
    """The name in a `Set-Cookie` value or in one pair of a `Cookie` value."""
    found = _NAME(line)
    return found[1].rstrip(b"\x00\t\n\r ") if found else b""


def without_refused_set_cookies(headers: Headers, verdicts: Verdicts) -> tuple[Headers, list[Removal]]:
    """The response headers less the `Set-Cookie` fields that are refused, and those as removals."""
    kept: Headers = []
    removals: list[Removal] = []
    for pair in headers:
        if pair[0].lower() == b"set-cookie":
            name, refusal = _judge(pair[1], verdicts)
            if refusal is not None and not _deletes(pair[1]):
                removals.append(refusal.removal("set-cookie", name))
                continue
        kept.append(pair)
    return kept, removals


def without_refused_cookies(headers: Headers, verdicts: Verdicts) -> tuple[Headers, list[tuple[bytes, Removal]]]:
    """The request headers less the cookies that are refused, and those with their names.

    A `Cookie` field that holds nothing refused keeps its bytes; one that holds nothing else goes.
    """
    kept: Headers = []
    refused: list[tuple[bytes, Removal]] = []
    for pair in headers:
        if pair[0].lower() != b"cookie":
            kept.append(pair)
            continue
        pairs: list[bytes] = []
        before = len(refused)
        for piece in pair[1].split(b";"):
            name, refusal = _judge(piece, verdicts)
            if refusal is None:
                pairs.append(piece)
            else:
                refused.append((cookie_name(piece), refusal.removal("cookie", name)))
        if len(refused) == before:
            kept.append(pair)
        elif value := b";".join(pairs).strip(b" \t;"):
            kept.append((pair[0], value))
    return kept, refused


def expiries(names: Iterable[bytes], host: str, scheme: str, path: str) -> list[tuple[bytes, bytes]]:
    """`Set-Cookie` lines that make a browser forget cookies: (name, line) pairs, at most `MOST_EXPIRIES`.

    A cookie is only replaced by one of the same name, domain and path (RFC 6265 section 5.3), and a request does not
    say which those were. So each name is expired for the host alone and for every domain from the host up to its
    registrable domain, on `/` and on the request's first folder; the likeliest pairs first, for every name.

    Args:
        names: the cookies' names.
        host: the request's host.
        scheme: the request's scheme; over https the lines are `Secure`, or prefixed names would be ignored.
        path: the request's path.
    """
    registrable = site(host)
    domains: list[str] = [""]
    if may_be_echoed(host) and not is_address(host) and "." in host:
        between = [name for name in parents(host) if name == registrable or name.endswith("." + registrable)]
        domains.extend(sorted(between, key=len)[:4])
    folder = re.match(r"/[A-Za-z0-9._~-]+(?=/)", path)
    paths = ["/", folder[0]] if folder else ["/"]
    secure = b"; Secure" if scheme in ("https", "wss") else b""
    safe = [name for name in dict.fromkeys(names) if len(name) <= _LONGEST_EXPIRED and _SAFE_NAME(name)]
    lines: list[tuple[bytes, bytes]] = []
    # Each name for the host alone and for the registrable domain, where trackers set theirs, before any further pair.
    rounds = [("/", domains[:2]), ("/", domains[2:]), *((where, domains) for where in paths[1:])]
    for where, some in rounds:
        for name in safe:
            for domain in some:
                if len(lines) == MOST_EXPIRIES:
                    return lines
                of = f"; Domain={domain}".encode() if domain else b""
                lines.append((name, name + b"=; Max-Age=0; Path=" + where.encode() + of + secure))
    return lines


def with_expiries(
    headers: Headers, hidden: Iterable[tuple[bytes, Removal]], host: str, scheme: str, path: str
) -> tuple[Headers, list[Removal]]:
    """The response headers with lines that expire the refused cookies that the browser sent, and those as removals.

    Args:
        headers: the response's headers.
        hidden: the cookies' names, and why they are refused.
        host: the request's host.
        scheme: its scheme.
        path: its path.
    """
    reasons = dict(hidden)
    lines = expiries(reasons, host, scheme, path) if reasons else []
    removals = [replace(reasons[name], kind="expired-cookie") for name in dict.fromkeys(name for name, _ in lines)]
    return [*headers, *((b"set-cookie", line) for _, line in lines)], removals


def _deletes(line: bytes) -> bool:
    """Whether a `Set-Cookie` line makes a browser forget the cookie: that is what the visitor asked for."""
    ages = _MAX_AGE(line)
    return len(ages) == 1 and _PAST(ages[0]) is not None


def _judge(line: bytes, verdicts: Verdicts) -> tuple[str, Refusal | None]:
    name = cookie_name(line).decode("utf-8", "replace")
    return name, verdicts.cookie(name)
