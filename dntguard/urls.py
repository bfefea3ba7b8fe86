"""A URL as a browser resolves it inside a page: scheme, host, path, query.

This is the WHATWG URL standard's parser, cut down to what a verdict needs: which host would be asked, and for which
path. Where the standard says "failure" a browser asks nobody; we answer with a host that is nobody's, so that a
parser's mistake can only make us remove too much, never too little.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import unquote_to_bytes

from publicsuffixlist import PublicSuffixList

NETWORK_SCHEMES = frozenset({"http", "https", "ws", "wss", "ftp"})
"""The standard's special schemes that have a host (section 4.2); `file` is special too, and asks no host."""

INVALID_HOST = "invalid."
"""Stands for a host that no browser could resolve. The trailing dot keeps it out of every host pattern."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a URL leads.

    Attributes:
        scheme: lower case, without the colon.
        host: as a browser would look it up: lower case, punycode, no port, no user-info, no trailing dot, IPv6 in
            brackets; empty for schemes that ask no host (`data`, `about`, `javascript`, `blob`, `file` ...).
        path: the path with its leading slash and without query; for schemes without a host, all after the colon.
        query: without its question mark; empty for none, and for schemes without a host.
    """

    scheme: str
    host: str
    path: str
    query: str = ""


# Nearly every URL in nearly every page: nothing to decode, nothing to resolve, no number that might be an address.
_PLAIN = re.compile(
    r"(?:(https?):)?//((?:[a-z0-9_-]++\.)++(?!xn--)[a-z][a-z0-9-]*+)(?::[0-9]{1,4}+)?+(/[^\\\x00-\x20\s?#%]*+)?+(?:\?([^#\s]*+))?+(?:#[^\s]*+)?+\Z"
).match
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):").match
_AUTHORITY_END = re.compile(r"[/\\?#]").search
_PATH_END = re.compile(r"[?#]").search
_PORT = re.compile(r":([0-9]*)\Z").search
_DOT_SEGMENT = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|\Z)", re.IGNORECASE).search
_C0_OR_SPACE = "".join(map(chr, range(0x21)))
_TAB_OR_NEWLINE = str.maketrans("", "", "\t\n\r")
_FORBIDDEN = re.compile(r"[\x00-\x20#%/:<>?@\[\\\]^|\x7f]").search
"""The forbidden domain code points (URL section 3.1)."""
_LONGEST_NAME = 253
"""No DNS name is longer (RFC 1035 section 2.3.4, written out), so no browser resolves one that is."""
_LONGEST_TEXT = 2048
"""An internationalized name of more code points than this is not read: mapping and punycode are not linear in time."""
_NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)\Z").match


def resolve(url: str, base: Location) -> Location:
    """The location of `url`, a URL string of a page, against `base` (URL section 4.4)."""
    plain = _PLAIN(url)
    if plain is not None and len(plain[2]) <= _LONGEST_NAME and "/." not in (path := plain[3] or "/"):
        return Location(plain[1] or base.scheme, plain[2], path, plain[4] or "")
    text = url.strip(_C0_OR_SPACE).translate(_TAB_OR_NEWLINE)
    found = _SCHEME(text)
    scheme = base.scheme
    if found is not None:
        scheme = found[1].lower()
        text = text[found.end() :]
        if scheme not in NETWORK_SCHEMES:
            return Location(scheme, "", text)
    slashes = _slashes(text)
    if slashes >= 2 or (found is not None and scheme != base.scheme):
        # "Special authority ignore slashes": any number of slashes, either way round, before the authority.
        authority, rest = _split_authority(text[slashes:])
        return Location(scheme, parse_host(authority), _path(rest), _query(rest))
    end = _PATH_END(text)
    relative = text[: end.start()] if end else text
    if not relative:
        return Location(base.scheme, base.host, base.path, _query(text) if text.startswith("?") else base.query)
    if not slashes:
        relative = base.path[: base.path.rfind("/") + 1] + relative
    return Location(base.scheme, base.host, _path(relative), _query(text))


def _slashes(text: str) -> int:
    return len(text) - len(text.lstrip("/\\"))


def _split_authority(text: str) -> tuple[str, str]:
    """The authority and what follows it."""
    end = _AUTHORITY_END(text)
    return (text[: end.start()], text[end.start() :]) if end else (text, "")


def _query(text: str) -> str:
    return text.partition("#")[0].partition("?")[2]


def _path(text: str) -> str:
    """The path without query and fragment, its dot segments resolved (URL section 4.4, path state)."""
    end = _PATH_END(text)
    path = (text[: end.start()] if end else text).replace("\\", "/") or "/"
    if not path.startswith("/"):
        path = "/" + path
    if _DOT_SEGMENT(path) is None:
        return path
    kept: list[str] = []
    segments = path[1:].split("/")
    for place, segment in enumerate(segments):
        dots = segment.lower().replace("%2e", ".")
        last = place == len(segments) - 1
        if dots == "..":
            del kept[-1:]
        if dots in (".", ".."):
            if last:
                kept.append("")
        else:
            kept.append(segment)
    return "/" + "/".join(kept)


def parse_page_url(url: str) -> Location:
    """The location of a page's own address.

    Raises:
        ValueError: `url` is not an absolute http or https URL with a host.
    """
    found = _SCHEME(url.strip(_C0_OR_SPACE).translate(_TAB_OR_NEWLINE))
    if found is None or found[1].lower() not in ("http", "https"):
        raise ValueError(f"not an absolute http or https address: {url!r}")
    location = resolve(url, Location("", "", "/"))
    if location.host in ("", INVALID_HOST):
        raise ValueError(f"no usable host in the address: {url!r}")
    return location


def parse_host(authority: str) -> str:
    """The host of an authority (`user@host:port`) as a browser would look it up (URL section 3.5).

    Also reads the value of a `Host` field, which has no user-info. `INVALID_HOST` stands for what cannot be a host.
    """
    # A page chooses its authorities: only short ones are remembered, so that no page makes memory grow.
    return _remembered_host(authority) if len(authority) <= _LONGEST_NAME else _parse_host(authority)


def _parse_host(authority: str) -> str:
    text = authority.rpartition("@")[2]
    port = _PORT(text)
    if port is not None:
        digits = port[1].lstrip("0")
        if len(digits) > 5 or int(digits or "0") > 0xFFFF:
            return INVALID_HOST
        text = text[: port.start()]
    if text.startswith("["):
        return _ipv6(text)
    if "%" in text:
        text = unquote_to_bytes(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    host = text.lower() if text.isascii() else _to_ascii(text)
    if _FORBIDDEN(host):
        return INVALID_HOST
    host = host.removesuffix(".")
    if not host or ".." in f".{host}." or len(host) > _LONGEST_NAME:
        return INVALID_HOST
    if _NUMBER(host.rpartition(".")[2]):
        return _ipv4(host)
    return host


_remembered_host = lru_cache(maxsize=1024)(_parse_host)


def _to_ascii(text: str) -> str:
    """Domain to ASCII (URL section 3.3), as leniently as browsers do it: an emoji is a fine label. Empty: failure."""
    if len(text) > _LONGEST_TEXT:
        return ""
    import idna  # noqa: PLC0415  # costs every start milliseconds, and few pages have such a host

    try:
        mapped = idna.uts46_remap(text, std3_rules=False, transitional=False)
    except (idna.IDNAError, UnicodeError):
        return ""
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii") for label in mapped.split(".")
    )


def _ipv6(text: str) -> str:
    """The IPv6 parser and serializer (URL section 3.5); `text` has its brackets."""
    if not text.endswith("]") or "%" in text:  # a zone identifier is no part of a URL
        return INVALID_HOST
    try:
        address = IPv6Address(text[1:-1])
    except AddressValueError:
        return INVALID_HOST
    if address.ipv4_mapped is not None:
        # Python 3.13 writes these with dots; the standard never does.
        number = int(address)
        return f"[::ffff:{number >> 16 & 0xFFFF:x}:{number & 0xFFFF:x}]"
    return f"[{address}]"


def _ipv4(host: str) -> str:
    """The IPv4 parser (URL section 3.5): parts in decimal, octal or hexadecimal, the last one fills the rest."""
    parts = host.split(".")
    numbers: list[int] = []
    for part in parts:
        if not _NUMBER(part):
            return INVALID_HOST
        try:
            if part[:2].lower() == "0x":
                numbers.append(int(part[2:] or "0", 16))
            else:
                numbers.append(int(part, 8) if part.startswith("0") and len(part) > 1 else int(part))
        except ValueError:
            return INVALID_HOST
    *leading, last = numbers
    if len(numbers) > 4 or any(number > 255 for number in leading) or last >= 256 ** (5 - len(numbers)):
        return INVALID_HOST
    address = last + sum(number << 8 * (3 - place) for place, number in enumerate(leading))
    return str(IPv4Address(address))


def is_address(host: str) -> bool:
    """Whether `host`, as `parse_host` gives it, is an IP address."""
    return host.startswith("[") or host.rpartition(".")[2].isdigit()


@cache
def _public_suffixes() -> PublicSuffixList:
    # Read once per process, and only when a first host must be judged.
    return PublicSuffixList()


@lru_cache(maxsize=8192)
def site(host: str) -> str:
    """The registrable domain of `host`; the host itself where it has none (address, `localhost`, a public suffix)."""
    if is_address(host) or "." not in host:
        return host
    return _public_suffixes().privatesuffix(host) or host


def is_public_suffix(host: str) -> bool:
    """Whether anybody may register a domain below `host`, as below `com` or `co.uk`."""
    return _public_suffixes().publicsuffix(host, accept_unknown=False) == host


@lru_cache(maxsize=8192)
def parents(host: str) -> tuple[str, ...]:
    """`host` and every domain above it, the most specific first; an address has none above it."""
    if is_address(host):
        return (host,)
    labels = host.split(".")
    return tuple(".".join(labels[start:]) for start in range(len(labels)))


_ECHOED = re.compile(r"[a-z0-9._-]+\Z").match


def may_be_echoed(host: str) -> bool:
    """Whether `host`, which a request chose, may be written into a response header: it holds no separator."""
    return _ECHOED(host) is not None
