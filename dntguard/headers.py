"""Helpers over a header list: `list[tuple[bytes, bytes]]`, names in any case.

A list and never a dict: `Set-Cookie` repeats (RFC 9110 section 5.3), and the order, the case and the duplicates of
what nobody touches must survive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

OWS = b" \t"
"""Optional whitespace around a field value (RFC 9110 section 5.6.3)."""


def from_text(fields: Iterable[tuple[str, str]]) -> Headers:
    """The header list of fields whose characters are bytes, as frameworks show them; what is none becomes `?`."""
    return [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in fields]


def get_all(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """Every value of the field `name` (lower case), in order, without the whitespace around it."""
    return [value.strip(OWS) for key, value in headers if key.lower() == name]


def get(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The first value of the field `name` (lower case), or None."""
    for key, value in headers:
        if key.lower() == name:
            return value.strip(OWS)
    return None


_QUOTED = rb"\"(?:[^\"\\]++|\\[\x00-\xff])*+(?:\"|\\?+\Z)"
_MEMBERS = re.compile(rb"(?:\A|,)((?:[^\",]++|" + _QUOTED + rb")*+)").findall
_LINKS = re.compile(rb"(?:\A|,)((?:[^\"<,]++|" + _QUOTED + rb"|<[^>]*+(?:>|\Z))*+)").findall


def members(value: bytes, *, uris: bool = False) -> list[bytes]:
    """The members of a comma-separated list (RFC 9110 section 5.6.1), whitespace and empty ones included.

    A comma in a quoted-string (section 5.6.4) parts nothing, and a string that nobody closes reaches to the end. Joined
    by commas, the members are the value again.

    Args:
        value: the field's value.
        uris: whether `<` begins a URI that reaches to `>`, as in `Link` (RFC 8288 section 3).
    """
    if b'"' not in value and not (uris and b"<" in value):
        return value.split(b",")
    found: list[bytes] = (_LINKS if uris else _MEMBERS)(value)
    return found


def remove(headers: Iterable[tuple[bytes, bytes]], names: frozenset[bytes]) -> Headers:
    """The headers without the fields in `names` (lower case)."""
    return [pair for pair in headers if pair[0].lower() not in names]


def set_value(headers: Iterable[tuple[bytes, bytes]], name: bytes, value: bytes) -> Headers:
    """The headers with exactly one field `name` (lower case), in the place of the first one."""
    result: Headers = []
    missing = True
    for pair in headers:
        if pair[0].lower() != name:
            result.append(pair)
        elif missing:
            result.append((pair[0], value))
            missing = False
    if missing:
        result.append((name, value))
    return result


def add_vary(headers: Iterable[tuple[bytes, bytes]], names: tuple[bytes, ...]) -> Headers:
    """The headers with `names` in `Vary` (RFC 9110 section 12.5.5).

    A name that is listed already is not listed twice, `*` says it all, and the first `Vary` field is the one that
    grows.
    """
    result = list(headers)
    for pair in result:
        if len(pair[0]) == 4 and pair[0].lower() == b"vary":
            break
    else:  # nearly every response
        result.append((b"vary", b", ".join(names)))
        return result
    place = -1
    listed: set[bytes] = set()
    for index, (key, value) in enumerate(result):
        if key.lower() == b"vary":
            place = index if place < 0 else place
            listed.update(member.strip(OWS).lower() for member in value.split(b","))
    if b"*" in listed:
        return result
    added = b", ".join(name for name in names if name.lower() not in listed)
    if added:
        key, value = result[place]
        value = value.strip(OWS)
        result[place] = (key, value + b", " + added if value else added)
    return result
