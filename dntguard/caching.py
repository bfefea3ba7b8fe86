"""What is said to caches about a response, and what their validators mean when they come back.

A page comes in variants: the application's own, and one for each set of granted purposes. Sections are those of
RFC 9110 (HTTP semantics) and RFC 9111 (caching); `docs/concepts/caching.md` is this module in prose.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from dntguard.headers import OWS, Headers, add_vary, get_all, members, remove, set_value

SIGNALS = (b"DNT", b"Sec-GPC")

OF_THE_BYTES = frozenset(b"content-md5 digest content-digest repr-digest unencoded-digest accept-ranges".split())
"""Fields that speak of the very bytes that the application wrote (RFC 9530, RFC 9110 section 14.3)."""

_TARGETED = re.compile(rb"(?:[a-z0-9-]+-)?cdn-cache-control|surrogate-control", re.IGNORECASE).fullmatch
"""Fields that certain caches read instead of `Cache-Control` (RFC 9213)."""

_TAG = re.compile(rb"(W/)?\"([\x21\x23-\x7e\x80-\xff]*+)\"")
_COMPONENT = re.compile(rb"\"([^\"]++)\"").findall
_SIGNATURES = frozenset({b"signature", b"signature-input"})


def varying(headers: Headers, *, by_choice: bool) -> Headers:
    """The headers of a response that another visitor could have got otherwise (RFC 9110 section 12.5.5).

    Args:
        headers: the response's headers.
        by_choice: whether the visitor's stored choice decided: then the cookie it is in counts, and no shared cache
            may keep the response, for the cookie is as good as a name.
    """
    if not by_choice:
        return add_vary(headers, SIGNALS)
    return _private(add_vary(headers, (*SIGNALS, b"Cookie")))


def _private(headers: Headers) -> Headers:
    """The headers less what lets a shared cache keep the response (RFC 9111 sections 3.5 and 5.2.2)."""
    directives = _directives(headers)
    # Of `private="field"` only that field is private.
    plain = {directive.lower() for directive in directives}
    if b"no-store" not in plain:
        shares = {b"public", b"s-maxage"} if b"private" in plain else {b"private", b"public", b"s-maxage"}
        kept = [] if b"private" in plain else [b"private"]
        kept += [directive for directive in directives if directive.partition(b"=")[0].lower() not in shares]
        if kept != directives:
            headers = set_value(headers, b"cache-control", b", ".join(kept))
    return [pair for pair in headers if _TARGETED(pair[0]) is None]


def _directives(headers: Headers) -> list[bytes]:
    """The directives of `Cache-Control` (RFC 9111 section 5.2)."""
    found = [it.strip(OWS) for value in get_all(headers, b"cache-control") for it in members(value)]
    return [directive for directive in found if directive]


def forbids_transforming(headers: Headers) -> bool:
    """Whether the response says `no-transform` (RFC 9111 section 5.2.2.6)."""
    return any(directive.lower() == b"no-transform" for directive in _directives(headers))


def of_variant(headers: Headers, variant: bytes) -> Headers:
    """The headers of a variant: with a validator that no other variant has, and that says so (section 8.8.3).

    The application's entity tag is in it, and whether that was a weak one, so that `for_application` gives it back. The
    new one is weak, for the bytes depend on how the page was cut. `Last-Modified` goes: it is the same for all
    variants, and a cache would take one for another by it (RFC 9111 section 4.3.4). So does a tag that is none.
    """
    headers = remove(headers, frozenset({b"last-modified"}))
    tags = get_all(headers, b"etag")
    if not tags:
        return headers
    found = _TAG.fullmatch(tags[0]) if len(tags) == 1 else None
    if found is None:
        return remove(headers, frozenset({b"etag"}))
    return set_value(headers, b"etag", b'W/"%s~%s%s"' % (found[2], variant, b"w" if found[1] else b"s"))


def for_application(
    headers: Headers, variant: bytes, *, reads: bool, whole: bool, knows: Callable[[bytes], bool]
) -> tuple[Headers, list[bytes]]:
    """The headers of a request for this variant, with the application's own validators instead (section 13.1).

    A validator of another variant, which a "not modified" would bring back to life, is taken out, and the condition
    with its last one.

    Args:
        headers: the request's headers.
        variant: the variant that this visitor gets.
        reads: whether the request is answered with what it asks for: the method is GET or HEAD.
        whole: whether only the whole of it can be answered: a part of a page cannot be read (section 14.2 allows to
            ignore `Range`).
        knows: whether a validator, as the application writes it, is of a response that is the same for everybody.

    Returns:
        The headers, and the tags of this variant that are in `If-None-Match`, as the application writes them.
    """
    result: Headers = []
    revalidated: list[bytes] = []
    for name, value in headers:
        field = name.lower()
        if field == b"if-none-match":
            value, own = _application_tags(value, variant, knows if reads else None)  # noqa: PLW2901
            revalidated += own
            keeps = bool(value)
        elif field in (b"if-match", b"if-range"):
            value, _ = _application_tags(value, variant, None)  # noqa: PLW2901
            keeps = not (whole and field == b"if-range")
        else:
            keeps = not (whole and field == b"range") and not (
                reads and field == b"if-modified-since" and not knows(value)
            )
        if keeps:
            result.append((name, value))
    return result, revalidated


def _application_tags(value: bytes, variant: bytes, knows: Callable[[bytes], bool] | None) -> tuple[bytes, list[bytes]]:
    """A list of entity tags with those of the variant as the application writes them, and these alone.

    `knows`: which others stay; None for all.
    """
    own: list[bytes] = []
    left: list[bytes] = []

    def original(found: re.Match[bytes]) -> bytes:
        opaque, _, of = found[2].rpartition(b"~")
        tag: bytes = found[0]
        if of[:-1] == variant and of[-1:] in (b"w", b"s"):
            tag = b'%s"%s"' % (b"W/" if of[-1:] == b"w" else b"", opaque)
            own.append(tag)
        elif knows is not None and not knows(tag):
            return b""
        left.append(tag)
        return tag

    mapped = _TAG.sub(original, value)
    return (mapped if knows is None or (mapped == value and left) else b", ".join(left)), own


class Seen:
    """Validators of responses that are the same for everybody. Forgets everything when it is full.

    So that who refuses may ask whether such a response was modified: of a validator that is not known here it cannot be
    told whether the browser has it from a page, and of which variant.
    """

    MOST = 16_384

    def __init__(self) -> None:
        self._keys: set[int] = set()

    def add(self, *key: object) -> None:
        """Learn of a validator, with all that tells what it is of."""
        if len(self._keys) >= self.MOST:
            self._keys = set()
        self._keys.add(hash(key))

    def knows(self, *key: object) -> bool:
        """Whether it was learned."""
        return hash(key) in self._keys


def without_stale_signatures(before: Headers, after: Headers) -> Headers:
    """The headers `after` less the signatures over fields that are not as they were `before` (RFC 9421 section 2).

    A signature whose covered components are not told, as in the drafts before the standard, goes with the first change.
    """
    for name, _ in after:
        if len(name) in (9, 15) and name.lower() in _SIGNATURES:
            break
    else:  # nearly every response
        return after
    left = [pair for pair in after if pair not in before] + [pair for pair in before if pair not in after]
    changed = {name.lower() for name, _ in left}
    if not changed:
        return after
    valid = {
        label
        for value in get_all(after, b"signature-input")
        for label, covered in _labelled(value)
        if changed.isdisjoint(name.lower() for name in _COMPONENT(covered))
    }
    result: Headers = []
    for name, value in after:
        if name.lower() in _SIGNATURES:
            signatures = _labelled(value)
            kept = [(label, it) for label, it in signatures if label in valid]
            if not kept:
                continue
            if len(kept) < len(signatures):
                value = b", ".join(map(b"=".join, kept))  # noqa: PLW2901
        result.append((name, value))
    return result


def _labelled(value: bytes) -> list[tuple[bytes, bytes]]:
    """The members of a dictionary of signatures, or of what they cover, by their labels (RFC 9421 section 4)."""
    pairs = (member.strip(OWS).partition(b"=") for member in members(value))
    return [(label, it) for label, _, it in pairs]
