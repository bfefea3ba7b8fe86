"""What is asked of every framework: dntguard in it does to its responses what the core does, and what the table says.

A framework adds headers of its own, so the yardstick is the core on what the bare application sent. Where that is what
the table says, the table's expectations must hold too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from dntguard import Policy
from dntguard.exchange import Guard
from tests.case_outcome import Inside, Outcome, check, decoded, encoded
from tests.case_table import Case, Pairs
from tests.frameworks.stage import PRIMING, Answer, Seen

OF_THE_SERVER = {"date", "server", "connection", "keep-alive", "transfer-encoding"}
"""Fields that servers and clients add, and that no case speaks of."""
OF_THE_CLIENT = {"host", "connection", "content-length", "content-type", "user-agent", "accept", "remote-addr", PRIMING}
OF_THE_PROXY = {"x-forwarded-proto", "x-forwarded-for"}


@dataclass(frozen=True)
class Played:
    """What one playing came to."""

    answer: Answer
    seen: Seen
    inside: Inside | None  # None where dntguard is not around the application


def fields(pairs: Pairs, without: set[str]) -> Pairs:
    """A header list as it can be compared: names in lower case and in order, several values of one joined.

    That is the same for every field but `Set-Cookie` (RFC 9110 section 5.2), and some frameworks have no other way.
    """
    joined: dict[str, list[str]] = {}
    for name, value in pairs:
        joined.setdefault(name.lower(), []).append(value.strip(" \t"))
    cookies = [("set-cookie", _cookie(line)) for line in joined.pop("set-cookie", [])]
    return sorted((name, ", ".join(values)) for name, values in joined.items() if name not in without) + cookies


def _cookie(line: str) -> str:
    """A `Set-Cookie` line with its attributes in order, for frameworks write them each in its own."""
    pair, *attributes = line.split(";")
    return ";".join([pair, *sorted(attributes)])


def requested(pairs: Pairs) -> list[tuple[str, list[str]]]:
    """The headers of a request, each name once, as frameworks may join them."""
    found = []
    for name, value in fields(pairs, OF_THE_CLIENT | OF_THE_PROXY):
        parts = [part.strip() for part in re.split("[,;]", value)]  # several cookies are joined in another way
        if (name, parts) != ("cookie", [""]):  # Django's client always sends the field
            found.append((name, parts))
    return found


def responded(answer: Answer) -> Pairs:
    """The headers of a response, less the length of a body that is there, which any server may tell."""
    length = ("content-length", str(len(answer.body)))
    return [pair for pair in fields(answer.headers, OF_THE_SERVER) if pair != length]


def is_carried(case: Case, bare: Played) -> bool:
    """Whether request and response of the case came through the bare application as they are."""
    request, seen = case.request, bare.seen
    asked = (request.method, request.scheme, request.host.lower(), request.path, requested(request.headers))
    body = b"".join(case.response.pieces())
    return (
        asked == (seen.method, seen.scheme, seen.host.lower(), seen.path, requested(seen.headers))
        and bare.answer.status == case.response.status
        and bare.answer.body == (b"" if request.method == "HEAD" else body)
    )


def is_faithful(case: Case, bare: Played) -> bool:
    """Whether the bare application's headers are those of the case, also where the case has several of one name."""
    length = ("content-length", str(len(b"".join(case.response.pieces()))))
    names, answered = [[name.lower() for name, _ in pairs] for pairs in (case.response.headers, bare.answer.headers)]
    return [pair for pair in fields(case.response.headers, set()) if pair != length] == responded(bare.answer) and all(
        answered.count(name) == names.count(name) for name in {*names} - {"content-length"}
    )


def compare(case: Case, bare: Played, guarded: Played) -> None:
    """The guarded application did what the core does to the bare one's answer, and what the table says.

    Not every framework sends the body of an answer to HEAD, which a server would leave out, as far as dntguard.
    """
    answer, inside = guarded.answer, guarded.inside
    assert inside is not None, "dntguard is not around the application"
    expected = by_the_core(case, bare, case.response.pieces())
    bodiless = case.request.method == "HEAD" and responded(answer) != responded(as_answer(expected, answer))
    if bodiless:
        expected = by_the_core(case, bare, [])
    assert answer.status == expected.status
    assert answer.body == (b"" if case.request.method == "HEAD" else expected.body)
    assert responded(answer) == responded(as_answer(expected, answer))
    assert requested(inside.app_headers) == requested(expected.inside.app_headers)
    assert replace(inside, app_headers=expected.inside.app_headers) == expected.inside
    if is_faithful(case, bare) and not bodiless:
        check(comparable(case, answer), replace(expected, headers=responded(answer), body=answer.body))


def as_answer(expected: Outcome, answer: Answer) -> Answer:
    """The headers that are expected of an answer with this body."""
    return replace(answer, headers=expected.headers)


def by_the_core(case: Case, bare: Played, pieces: list[bytes]) -> Outcome:
    """What the core makes of the bare application's answer."""
    request, response = case.request, case.response
    exchange = request.prime(Guard(Policy.from_mapping(case.policy))).exchange(
        request.method, request.scheme, request.host, request.path, encoded(request.headers), 0
    )
    if response.asks:
        assert exchange.consent.analytics in (True, False)
    first, *rest = pieces or [b""]
    given = [(name, value) for name, value in bare.answer.headers if name.lower() not in OF_THE_SERVER]
    headers, out = exchange.start(response.status, encoded(given), first, response.stream)
    if response.stream:
        out += b"".join(map(exchange.feed, rest)) + exchange.finish()
    app_headers = [(name.lower(), value.strip()) for name, value in decoded(exchange.request_headers)]
    inside = Inside.of(app_headers, exchange.consent, exchange.report)
    return Outcome(response.status, decoded(headers), out, inside)


def comparable(case: Case, answer: Answer) -> Case:
    """The case with its headers as they can be compared after transport, and no body where there can be none."""
    expect, response = case.expect, case.response
    if case.request.method == "HEAD":
        expect = replace(expect, body="")
    if expect.headers is not None:
        expect = replace(expect, headers=responded(replace(answer, headers=expect.headers)))
    if expect.set_cookies is not None:
        expect = replace(expect, set_cookies=[_cookie(line) for line in expect.set_cookies])
    expect = replace(expect, app_headers=[(name, value.strip()) for name, value in expect.app_headers])
    return replace(case, expect=expect, response=replace(response, headers=fields(response.headers, set())))
