"""A response and a visitor to what is in it that the visitor refused.

The response is put through the core once more, by the site's own policy: what would still be taken out of it has come
through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from dntguard.bodies import codings_of_page, type_of_page
from dntguard.codings import READABLE, Malformed, Recoding
from dntguard.consent import Consent, decide
from dntguard.exchange import Guard
from dntguard.headers import Headers, from_text, remove
from dntguard.policy import Policy
from dntguard.report import Removal
from dntguard.rewriter import Rewriter
from dntguard.signals import read_signals
from dntguard.testing.responses import BASE_URL, Fields, Response

_OUTSIDE_OF_PAGES = frozenset({"set-cookie", "header", "body"})
"""Kinds of removals that have no line."""

_LONG = 16 * 1024
_PIECES = re.compile(rb"[^>]*+>|[^>]++").findall
_CODINGS = frozenset({b"content-encoding"})


@dataclass(frozen=True, slots=True)
class Found:
    """Something refused that is in a response.

    Attributes:
        removal: what would be taken out, and why.
        line: the line of the page where it begins; None for what stands in no page.
    """

    removal: Removal
    line: int | None = None


def strict(policy: Policy) -> Policy:
    """The policy as it holds on every path, for what is left alone comes through too."""
    return replace(policy, include=(), exclude=(), report_only=False, on_report=None, on_error="remove")


def consent_for(signals: Fields, policy: Policy) -> Consent:
    """What the visitor consents to who sends these header fields."""
    return decide(read_signals(from_text(signals)), None, policy)


def refuses(consent: Consent, policy: Policy) -> bool:
    """Whether there is anything that this visitor does not get."""
    return bool(consent.refused or policy.block or policy.block_cookies)


def found_in(response: Response, signals: Fields, policy: Policy) -> list[Found]:
    """What a response holds that its visitor refused, in its order; header fields first.

    Args:
        response: the response.
        signals: the header fields of its request.
        policy: the site's.
    """
    policy = strict(policy)
    headers, body = _decoded(from_text(response.headers), response.body)
    address = response.url or BASE_URL
    url = urlsplit(address)
    exchange = Guard(policy).exchange(
        "GET", url.scheme, url.netloc, unquote(url.path) or "/", _only_signals(signals), 0, url.query
    )
    exchange.start(response.status, headers, body, False)
    removals = exchange.report.removals
    found = [Found(removal) for removal in removals if removal.kind in _OUTSIDE_OF_PAGES]
    if len(found) < len(removals):
        page = Rewriter(policy, consent_for(signals, policy), address, content_type=type_of_page(headers))
        found += _with_lines(body, page)
    return found


def _only_signals(fields: Fields) -> Headers:
    """Without conditions, cookies and all that would change what is asked for."""
    return [pair for pair in from_text(fields) if pair[0].lower() in (b"dnt", b"sec-gpc")]


def _decoded(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
    """The response out of its content codings, as far as it can be read."""
    codings = codings_of_page(headers)
    if not codings or not READABLE.issuperset(codings):
        return headers, body
    try:
        return remove(headers, _CODINGS), b"".join(Recoding(codings).decode(body))
    except Malformed:
        return headers, body


def _with_lines(body: bytes, page: Rewriter) -> Iterator[Found]:
    """What is taken out of a page, and where.

    The page is fed piece by piece, a piece for each tag. What is taken out with a piece begins in it, or where that
    began which was held back before it; and there, what comes out is no longer what went in.
    """
    fed = begin = counted = told = 0
    line = 1
    for piece in (*_PIECES(body), None):
        out = page.close() if piece is None else page.feed(piece)
        fed += len(piece or b"")
        if page.removal_count > told:
            place = max(counted, min(begin + _shared(out, body[begin:fed]), len(body)))
            line += body.count(b"\n", counted, place)
            counted = place
            for removal in page.removals[told:]:
                yield Found(removal, line)
            told = page.removal_count
        # Of a long script, each look at it costs as much as a copy; and while nothing comes out it begins where it did.
        if out or fed - begin < _LONG:
            begin = fed - len(page.undecided)


def _shared(one: bytes, other: bytes) -> int:
    """How many bytes two texts begin with that are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))
