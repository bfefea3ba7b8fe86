"""The case tables over real sockets: what is true of the core is true of what a client gets from each server."""

import json
import time
from dataclasses import replace
from urllib.parse import quote

import pytest

from tests.case_outcome import Inside, Outcome, check
from tests.case_table import Case, Pairs
from tests.cases_markup import ALL
from tests.servers.client import TIMEOUT, Answer, Client, Headers
from tests.servers.running import Server
from tests.servers.table import CASES

OF_THE_SERVER = {"date", "server", "connection", "keep-alive", "transfer-encoding"}
"""Fields that servers add, and that no case speaks of."""

_LATIN = "it writes the characters of a header as UTF-8; by PEP 3333 they are bytes"
_TARGET = "it gives the application the path alone, so that the page's host is that of `Host`"
NOT_OVER: dict[str, dict[str, str]] = {
    "an absolute-form target names the page's host": {"uvicorn httptools": _TARGET, "granian": _TARGET},
    "set-cookie lines of refused vendors go and the others keep bytes and order": {"granian wsgi": _LATIN},
}
"""What a server cannot carry: case, server, reason. It is an error when it can."""


def on_the_wire(pairs: Pairs, keeps_order: bool = True) -> Pairs:
    """A header list as it can be compared after transport: names in lower case, values without white space around."""
    compared = [(name.lower(), value.strip(" \t")) for name, value in pairs]
    return compared if keeps_order else sorted(compared, key=lambda pair: pair[0])


def as_transported(case: Case, server: Server) -> Case:
    """The case with what transport changes: how fields are written, and a body where there can be none."""
    request, response, expect = case.request, case.response, case.expect
    if server.kind.http == 2:
        # There it is an error to send white space around a value (RFC 9113 section 8.2.1).
        request = replace(request, headers=[(name, value.strip(" \t")) for name, value in request.headers])
    if request.method == "HEAD":
        expect = replace(expect, body="")
    if expect.headers is not None:
        expect = replace(expect, headers=on_the_wire(expect.headers, server.kind.keeps_order))
    expect = replace(expect, app_headers=on_the_wire(expect.app_headers))
    response = replace(response, headers=on_the_wire(response.headers, server.kind.keeps_order))
    return replace(case, request=request, response=response, expect=expect)


def ask(client: Client, case: Case, number: int) -> Answer:
    """The case's request over a socket."""
    request = case.request
    fields = [("Host", request.host), *request.headers, ("X-Forwarded-Proto", request.scheme)]
    headers: Headers = [(name.encode(), value.encode()) for name, value in fields]
    target = quote(request.path, safe="/:") + f"?case={number}"
    return client.ask(target.encode(), headers, method=request.method.encode())


def outcome(case: Case, answer: Answer, inside: Inside, server: Server) -> Outcome:
    """What came of the case, less what is the server's own."""
    headers = [(name.decode(), value.decode()) for name, value in answer.headers]
    headers = [pair for pair in headers if pair[0] not in OF_THE_SERVER]
    if case.expect.headers is None or "content-length" not in dict(case.expect.headers):
        # The server may tell the length of a body that it has whole; told it must be the right one.
        headers = [pair for pair in headers if pair != ("content-length", str(len(answer.body)))]
    return Outcome(answer.status, on_the_wire(headers, server.kind.keeps_order), answer.body, inside)


def inside_of_all(client: Client, wanted: set[int]) -> dict[int, Inside]:
    """What was seen inside of each case; the report of the last may come a moment after its answer."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        answer = client.ask(b"/outcomes?way=bare", [(b"Host", b"shop.example")])
        outcomes = {int(number): Inside.from_json(entry) for number, entry in json.loads(answer.body).items()}
        if wanted <= outcomes.keys() or time.monotonic() > deadline:
            return outcomes
        time.sleep(0.05)


def mismatch(case: Case, answer: Answer, inside: Inside | None, server: Server) -> str:
    """What is wrong with the answer to a case; empty when nothing is."""
    if not answer.whole:
        return f"the answer is not whole: {answer}"
    if inside is None:
        return f"the application was not asked: {answer}"
    try:
        check(case, outcome(case, answer, inside, server))
    except AssertionError as error:
        return f"{error}\n{answer}"
    return ""


def report(server: Server, said: list[str], count: int) -> None:
    """Fail with all that was said, if anything was."""
    if said:
        pytest.fail(f"{server.name}: {len(said)} of {count} cases:\n\n" + "\n\n".join(said), pytrace=False)


def test_every_case_comes_out_of_the_server_as_the_table_says(server: Server) -> None:
    cases = {
        number: as_transported(case, server)
        for number, case in enumerate(CASES)
        if server.kind.interface not in case.not_through
    }
    with server.client() as client:
        answers = {number: ask(client, case, number) for number, case in cases.items()}
        inside = inside_of_all(client, {number for number, answer in answers.items() if answer.whole})
    said = []
    for number, case in cases.items():
        wrong = mismatch(case, answers[number], inside.get(number), server)
        excepted = server.name in NOT_OVER.get(case.name, {})
        if excepted and not wrong:
            wrong = "the server carries it now"
        elif excepted:
            continue
        if wrong:
            said.append(f"{case.name}: {wrong}")
    report(server, said, len(cases))


def test_every_case_of_markup_comes_out_of_the_server_as_the_table_says(server: Server) -> None:
    said = []
    with server.client() as client:
        for number, case in enumerate(ALL):
            headers = [(b"Host", b"shop.example"), (b"DNT", b"1"), (b"X-Forwarded-Proto", b"https")]
            answer = client.ask(b"/shelf/page.html?markup=%d" % number, headers)
            if (answer.status, answer.whole, answer.body) != (200, True, case.out):
                said.append(f"{case.says}: {case.html!r}\n    came out as {answer}\n    and not as {case.out!r}")
    report(server, said, len(ALL))


def test_each_exception_names_a_case() -> None:
    assert NOT_OVER.keys() <= {case.name for case in CASES}
