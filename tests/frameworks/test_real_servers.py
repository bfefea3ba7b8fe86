"""The whole case table through every framework, over a real socket."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.case_outcome import Inside
from tests.case_table import Request, load_cases
from tests.frameworks.comparing import Played, compare, is_carried
from tests.frameworks.every import FRAMEWORKS
from tests.frameworks.stage import LENGTHS, Answer, Framework, Seen, primings
from tests.servers.client import TIMEOUT, Client, Headers, Http1
from tests.servers.processes import answers_at, free_port, running
from tests.servers.running import KINDS
from tests.servers.site import PAUSE, REWRITTEN

CASES = load_cases()
SERVERS = {"asgi": "uvicorn h11", "wsgi": "waitress"}
SERVED = [framework for framework in FRAMEWORKS if framework.interface in SERVERS]

_TARGET = "the server takes the host out of the target, or the path apart"
NOT_SERVED = {
    **LENGTHS,
    "set-cookie lines of refused vendors go and the others keep bytes and order": "the server refuses such bytes",
    "an included path is acted on": "the path has a line feed",
    "an absolute-form target names the page's host": _TARGET,
    "an absolute-form target is excluded by its path": _TARGET,
}
"""What a server cannot send for a bare application, so that there is nothing to compare with."""


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Client]]:
    """An interface, and a client of the server that serves all its frameworks."""
    port = free_port()
    command = KINDS[SERVERS[request.param]].command.format(app=f"tests.frameworks.serving:{request.param}", port=port)
    where = urlencode({"framework": SERVED[0].name, "case": 0, "way": "bare", "outcome": 1})
    with (
        running([sys.executable, *command.split()], lambda: answers_at(port, "/?" + where)),
        Http1(port) as client,
    ):
        yield request.param, client


class NotWholeError(Exception):
    """The connection ended before the answer did."""


def ask(client: Client, request: Request, query: str) -> Answer:
    """The answer to a request."""
    pairs = [("Host", request.host), *request.headers, ("X-Forwarded-Proto", request.scheme)]
    headers: Headers = [(name.encode(), value.encode()) for name, value in pairs]
    target = f"{quote(request.path, safe='/:')}?{query}"
    answer = client.ask(target.encode(), headers, method=request.method.encode())
    if not answer.whole:
        raise NotWholeError(answer)
    pairs = [(name.decode(), value.decode("utf-8", "replace")) for name, value in answer.headers]
    return Answer(answer.status, pairs, answer.body)


def play(client: Client, framework: Framework, number: int, way: str) -> Played | None:
    """The case over a socket; None when the application was not asked."""
    query = urlencode({"framework": framework.name, "case": number, "way": way})
    case = CASES[number]
    for priming in primings(case.request):
        ask(client, priming, query)
    answer = ask(client, case.request, query)
    deadline = time.monotonic() + TIMEOUT
    while True:
        told = client.ask(f"/?{query}&outcome=1".encode(), [(b"Host", b"shop.example")])
        found: dict[str, Any] = json.loads(told.body)
        # The report may come a moment after the answer.
        if way == "bare" or found["inside"] or not found["seen"] or time.monotonic() > deadline:
            break
        time.sleep(0.01)
    if not found["seen"]:
        return None
    seen = Seen(**{**found["seen"], "headers": [(name, value) for name, value in found["seen"]["headers"]]})
    return Played(answer, seen, Inside.from_json(found["inside"]) if found["inside"] else None)


def test_every_case_comes_out_of_the_server_as_the_core_and_the_table_say(served: tuple[str, Client]) -> None:
    interface, client = served
    said: list[str] = []
    for framework in [framework for framework in SERVED if framework.interface == interface]:
        for number, case in enumerate(CASES):
            if case.name in framework.not_served:
                continue
            try:
                bare = play(client, framework, number, "bare")
                if bare is not None and is_carried(case, bare):
                    guarded = play(client, framework, number, "guarded")
                    assert guarded is not None, "the application was not asked"
                    compare(case, bare, guarded)
                else:
                    assert case.name in NOT_SERVED, f"not carried: {bare}"
            except NotWholeError as error:
                if case.name not in NOT_SERVED:
                    said.append(f"{framework.name}: {case.name}: {error}")
            except AssertionError as error:
                said.append(f"{framework.name}: {case.name}: {error}")
    assert not said, f"{len(said)} cases:\n\n" + "\n\n".join(said)


def lag(client: Client, framework: Framework) -> float:
    """Seconds from the first bytes of the slow page to its end."""
    query = urlencode({"framework": framework.name, "case": len(CASES), "way": "guarded"})
    answer = client.ask(f"/?{query}".encode(), [(b"Host", b"shop.example"), (b"DNT", b"1")])
    assert answer.body == REWRITTEN
    assert answer.last >= PAUSE
    return answer.last - answer.first


def test_the_first_piece_of_a_page_arrives_before_the_last_is_made(served: tuple[str, Client]) -> None:
    interface, client = served
    for framework in [framework for framework in SERVED if framework.interface == interface]:
        lags = (lag(client, framework) for _ in range(3))  # a slow machine may be late once
        assert any(lag >= PAUSE / 2 for lag in lags), f"{framework.name}: the first bytes waited for the last"


def test_each_exception_names_a_case() -> None:
    names = {case.name for case in CASES}
    assert NOT_SERVED.keys() <= names
    assert all(framework.not_served.keys() <= names for framework in FRAMEWORKS)
