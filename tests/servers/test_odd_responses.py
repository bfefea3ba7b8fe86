"""Odd responses over real sockets: where nothing is refused, as without dntguard; for who refuses, safe."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial

import pytest

from tests.drive import TRACKER
from tests.servers.client import TIMEOUT, Answer, Client, Headers
from tests.servers.odd import ALL, endless
from tests.servers.odd.shape import PAUSE, Odd, less_signals
from tests.servers.running import Server

NO_SIGNAL: Headers = [(b"Host", b"shop.example"), (b"TE", b"trailers")]
REFUSE: Headers = [*NO_SIGNAL, (b"DNT", b"1")]
CLIENTS = 8
"""How many ask at once: while one waits for its turn, or for a pause, another one is served."""

OF_THE_SERVER = {b"date", b"server", b"connection", b"keep-alive"}

_REPLACED = "it sends the headers of the replaced answer too, of which it knows nothing while dntguard holds them"
DIFFERS = {
    ("granian", "a start without headers, and markup"): "it demands headers, which the specification does not",
    ("granian", "a start without headers, and text"): "it demands headers, which the specification does not",
    ("daphne", "a page whose headers can be read once"): "it reads them twice",
    ("daphne", "json whose headers can be read once"): "it reads them twice",
    ("gunicorn sync", "json that is replaced before its first chunk"): _REPLACED,
    ("gunicorn gthread", "json that is replaced before its first chunk"): _REPLACED,
    ("cheroot", "json that is replaced before its first chunk"): _REPLACED,
    ("granian wsgi", "a list that wants to be closed"): "it joins every list and closes none; dntguard's is no list",
}
"""Where an answer can be told from the bare one although nothing is refused: it is an error when it cannot."""

DIFFERS_FOR_WHO_REFUSES = {
    ("granian", "a start without headers, and markup"): "it demands headers, which the specification does not",
    ("granian", "a start without headers, and text"): "it demands headers, which the specification does not",
    ("daphne", "a page whose headers can be read once"): "it reads them twice",
    ("gunicorn sync", "json that is replaced before its first chunk"): _REPLACED,
    ("gunicorn gthread", "json that is replaced before its first chunk"): _REPLACED,
    ("cheroot", "json that is replaced before its first chunk"): _REPLACED,
}


def carried(server: Server) -> dict[int, Odd]:
    """The odd responses, by number, that the server's interface can say and that the server ends."""
    return {
        number: odd
        for number, odd in enumerate(ALL)
        if odd.on_servers and getattr(odd, server.kind.interface) is not None and (odd.ends or server.kind.ends_all)
    }


def ask(server: Server, number: int, way: str, headers: Headers) -> Answer:
    """The answer to a client of its own: what came before it cannot matter."""
    odd = ALL[number]
    if not odd.ends and server.kind.http == 1:
        headers = [*headers, (b"Connection", b"close")]  # or the server waits for the next request
    with server.client() as client:
        return client.ask(b"/odd/%d?way=%s" % (number, way.encode()), headers, method=odd.method.encode())


def closed(client: Client) -> Counter[str]:
    """How often each response has been ended."""
    counts: dict[str, int] = json.loads(client.ask(b"/closed?way=bare", NO_SIGNAL).body)
    return Counter(counts)


@dataclass
class Round:
    """All the answers that a server gives one kind of visitor, by the number of the odd response.

    Attributes:
        ends: how often each of them was ended meanwhile.
    """

    answers: dict[int, Answer]
    ends: Counter[str]


@cache
def rounds(server: Server) -> tuple[Round, Round, Round]:
    """What the server answers without dntguard, with it, and with it to who refuses."""
    numbers = list(carried(server))
    made = []
    with server.client() as watching, ThreadPoolExecutor(CLIENTS) as pool:
        before = closed(watching)
        for way, headers in (("bare", NO_SIGNAL), ("guarded", NO_SIGNAL), ("guarded", REFUSE)):
            answers = pool.map(partial(ask, server, way=way, headers=headers), numbers)
            asked = dict(zip(numbers, answers, strict=True))
            after = settled(watching)
            made.append(Round(asked, after - before))
            before = after
    bare, guarded, refused = made
    return bare, guarded, refused


def settled(client: Client) -> Counter[str]:
    """The counts, once they stand still: an answer may be out before its response is ended."""
    counts, deadline = closed(client), time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        time.sleep(0.2)
        later = closed(client)
        if later == counts:
            break
        counts = later
    return counts


def compared(answer: Answer) -> dict[str, object]:
    """What must not depend on dntguard."""
    return {
        "status": answer.status,
        "whole": answer.whole,
        "headers": less_signals(less_the_servers(answer.headers)),
        "body": answer.body,
        "trailers": answer.trailers,
        "hints": [(status, less_the_servers(headers)) for status, headers in answer.hints],
    }


def less_the_servers(headers: Headers) -> Headers:
    """The headers without those that the server adds by itself."""
    return [pair for pair in headers if pair[0] not in OF_THE_SERVER]


def same(ours: Answer, theirs: Answer, *keys: str) -> bool:
    """Whether two answers are the same in all, or in these; where both are cut, it is chance how much has arrived."""
    if not ours.whole and not theirs.whole:
        return ours.body.startswith(theirs.body) or theirs.body.startswith(ours.body)
    one, other = compared(ours), compared(theirs)
    return all(one[key] == other[key] for key in keys or one)


def differences(bare_answer: Answer, guarded_answer: Answer) -> str:
    """What differs, two lines for each."""
    bare, guarded = compared(bare_answer), compared(guarded_answer)
    return "\n".join(
        f"    {key}: {str(guarded[key])[:300]}\n    bare:  {str(bare[key])[:300]}"
        for key in bare
        if bare[key] != guarded[key]
    )


def report(server: Server, said: list[str]) -> None:
    """Fail with all that was said, if anything was."""
    if said:
        pytest.fail(f"{server.name}: {len(said)} of {len(carried(server))}:\n\n" + "\n\n".join(said), pytrace=False)


def test_where_nothing_is_refused_the_client_gets_what_the_bare_application_sends(server: Server) -> None:
    bare, guarded, _ = rounds(server)
    said = []
    for number, odd in carried(server).items():
        ours, theirs = guarded.answers[number], bare.answers[number]
        if same(ours, theirs) == ((server.name, odd.says) in DIFFERS):
            said.append(f"{odd.says}:\n{differences(theirs, ours) or '    is the same now'}")
    report(server, said)


def test_who_refuses_gets_the_same_status_and_type_and_the_bytes_of_what_is_no_page(server: Server) -> None:
    bare, _, refused = rounds(server)
    said = []
    for number, odd in carried(server).items():
        ours, theirs = refused.answers[number], bare.answers[number]
        if odd.fails_unsent:
            right = TRACKER not in ours.body
        elif odd.page:
            right = ours.status == theirs.status and TRACKER not in ours.body and ours.whole >= theirs.whole
            types = [set(answer.values(b"content-type")) for answer in (ours, theirs)]
            right = right and types[0] == types[1]
        else:
            right = same(ours, theirs, "status", "whole", "body", "trailers")
        if right == ((server.name, odd.says) in DIFFERS_FOR_WHO_REFUSES):
            said.append(f"{odd.says}:\n{differences(theirs, ours) or '    is the same now'}")
    report(server, said)


def test_each_response_is_ended_as_often_as_without_dntguard(server: Server) -> None:
    bare, guarded, refused = rounds(server)
    assert bare.ends["a page in pieces"] == 1
    for ours in (guarded, refused):
        said = {
            says: (count, bare.ends[says])
            for says in bare.ends | ours.ends
            if (count := ours.ends[says]) != bare.ends[says] and (server.name, says) not in DIFFERS
        }
        assert said == {}


@pytest.mark.parametrize("headers", [NO_SIGNAL, REFUSE], ids=["nothing refused", "refused"])
def test_a_response_whose_client_goes_away_is_ended_once(server: Server, headers: Headers) -> None:
    with server.client() as watching:
        before = closed(watching)[endless.SAYS]
        with server.client() as client:
            answer = client.ask(b"/endless?way=guarded", headers, enough=lambda answer: bool(answer.body))
        assert answer.status == 200
        deadline = time.monotonic() + TIMEOUT
        while (count := closed(watching)[endless.SAYS]) == before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert count - before == 1


@pytest.mark.parametrize("headers", [NO_SIGNAL, REFUSE], ids=["nothing refused", "refused"])
def test_the_start_of_server_sent_events_comes_as_early_as_without_dntguard(server: Server, headers: Headers) -> None:
    (number,) = [number for number, odd in enumerate(ALL) if odd.says == "server-sent events"]
    bare = rounds(server)[0].answers[number]
    early = bare.first - bare.head > PAUSE / 2
    for _ in range(3):  # a slow machine may be late once
        guarded = ask(server, number, "guarded", headers)
        assert guarded.body == bare.body
        waited = []
        if guarded.last - guarded.first < PAUSE / 2:
            waited.append("the first event waited for the second")
        if early and guarded.first - guarded.head < PAUSE / 2:
            waited.append("the start waited for the first event")
        if not waited:
            return
    pytest.fail(", ".join(waited))
