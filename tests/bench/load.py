"""`python -m tests.bench.load`: requests per second of the demo shop, bare and behind dntguard, under load.

wrk keeps 256 connections busy at the shop's front page. Bare and guarded run in turns of two seconds, and a ratio is
taken of two turns that follow each other, under the same noise; the table shows medians. Each server is one worker
process; all of them have the first processor and the clients the others, so that a ratio compares servers. Beside it
stands the same ratio by the processor time that an answer takes the server: other programs on the machine move it less.

Every answer is compared. wrk compares the bodies that it asked for. Beside it, a second client asks over connections of
its own, by turns as a visitor who sends the signal and as one who does not, and compares status, headers and body with
what the server said before there was any load.
"""

from __future__ import annotations

import argparse
import http.client
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from examples.shop.demo import COOKIES, SIGNALS, ask, comparable, judge
from examples.shop.visitor import Answer, Headers
from tests.servers.processes import answers_at, free_port, processor_seconds, running

WRK = os.environ.get("WRK", "wrk")
SCRIPT = Path(__file__).with_suffix(".lua")
CONNECTIONS = 256
CHECKING_CONNECTIONS = 2
"""Few, for half of their questions make the guarded server work where the bare one does not."""
TIMEOUT = 10
"""Seconds after which an answer that has not come is an error; 256 wait at once."""
TURN = 2
BOUND = 0.9
"""The part of the bare shop's requests per second that is left where nothing is refused."""

VISITORS = {name: SIGNALS[name] for name in ("no signal", "Sec-GPC: 1")}
PAGE = "/"
COOKIE = [("Cookie", "; ".join(f"{name}={value}" for name, value in COOKIES.items()))]

SERVERS = {
    "Starlette, uvicorn": (
        "starlette_app",
        "-m uvicorn {app} --port {port} --workers 1 --no-access-log --log-level warning",
    ),
    "Flask, gunicorn": (
        "flask_app",
        "-m gunicorn {app} --bind 127.0.0.1:{port} --workers 1 --worker-class gthread --threads 4 --keep-alive 30",
    ),
}
BOUNDED = ("Starlette, uvicorn", "no signal")


class Variant(NamedTuple):
    """What one visitor must get: the headers but for what changes by the second, and the body."""

    headers: Headers
    body: bytes


class Shop(NamedTuple):
    """A site that is served: where, what each visitor must get of which page, and by which process."""

    address: str
    expected: Mapping[str, Variant]
    pid: int | None = None
    path: str = PAGE


class Turn(NamedTuple):
    """What one turn of wrk, and the second client beside it, came to: answers per second, seconds of processor time
    per answer (0 where the system does not tell) and counts."""

    rate: float
    cost: float
    asked: int
    checked: int
    errors: int
    wrong: int
    problems: tuple[str, ...]


# --- the second client ------------------------------------------------------------------------------------------------


class Checking:
    """Asks as both visitors, over and over, until the end of the `with` block; counts what is not as expected.

    Attributes:
        counts: `checked` answers; `errors`, for which no page came; `wrong` ones, which are not this visitor's.
        problems: the first of each kind, in words.
    """

    def __init__(self, shop: Shop) -> None:
        self.counts: Counter[str] = Counter()
        self.problems: dict[str, str] = {}
        self._shop = shop
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._ask, args=(number,), daemon=True) for number in range(CHECKING_CONNECTIONS)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        # The answer to a last question comes after what the load left behind: the next turn finds a quiet server.
        connection = self._connection()
        for visitor in VISITORS:
            self._check(connection, visitor)
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self._shop.address).netloc, timeout=TIMEOUT)

    def _ask(self, number: int) -> None:
        # Both visitors share each connection: what a server remembers of one must not reach the other.
        connection = self._connection()
        visitors = list(VISITORS)
        for visitor in cycle(visitors[number % 2 :] + visitors[: number % 2]):
            if self._stop.is_set():
                break
            self._check(connection, visitor)
        connection.close()

    def _check(self, connection: http.client.HTTPConnection, visitor: str) -> None:
        try:
            connection.request("GET", self._shop.path, headers=dict(VISITORS[visitor] + COOKIE))
            response = connection.getresponse()
            answer = Answer(response.status, response.getheaders(), [response.read()])
        except (OSError, http.client.HTTPException) as problem:
            connection.close()
            self._count("errors", f"{visitor}: {type(problem).__name__}: {problem}")
            self._stop.wait(0.1)
            return
        if answer.status != 200:
            self._count("errors", f"{visitor}: the status is {answer.status}")
        elif (got := variant(answer)) != (expected := self._shop.expected[visitor]):
            differing = "headers" if got.body == expected.body else "bodies"
            self._count(
                "wrong",
                f"{visitor}: the {differing} differ; {len(got.body)} bytes came, {len(expected.body)} were expected",
            )
        else:
            self._count("as expected", "")

    def _count(self, kind: str, problem: str) -> None:
        with self._lock:
            self.counts["checked"] += 1
            self.counts[kind] += 1
            if problem:
                self.problems.setdefault(kind, problem)


def variant(answer: Answer) -> Variant:
    """What is compared of an answer."""
    # A server may close any connection when it likes.
    headers = [field for field in comparable(answer.headers) if field[0] not in ("connection", "keep-alive")]
    return Variant(headers, answer.body)


# --- the load ---------------------------------------------------------------------------------------------------------


def load(shop: Shop, visitor: str, seconds: int, connections: int = CONNECTIONS) -> Turn:
    """One turn: wrk asks as one visitor, the second client as both."""
    fields = [word for name, value in VISITORS[visitor] + COOKIE for word in ("-H", f"{name}: {value}")]
    options = f"--threads 1 --connections {connections} --duration {seconds}s --timeout {TIMEOUT}s".split()
    begun = processor_seconds(shop.pid) if shop.pid else None
    with tempfile.TemporaryDirectory() as folder, Checking(shop) as checking:
        body = Path(folder, "body")
        body.write_bytes(shop.expected[visitor].body)
        printed = subprocess.run(
            [WRK, *options, "--script", SCRIPT, *fields, shop.address + shop.path, "--", body],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
    spent = processor_seconds(shop.pid) if shop.pid else None
    told = json.loads(printed.splitlines()[-1])
    counts, problems = checking.counts, list(checking.problems.values())
    if told["errors"]:
        problems.append(f"{visitor}: wrk counts {told['errors']} errors of sockets and status")
    if told["wrong"]:
        problems.append(f"{visitor}: wrk counts {told['wrong']} bodies that differ")
    if not told["requests"]:
        problems.append(f"{visitor}: wrk got no answer")
    # When wrk stops, each of its connections waits for an answer that the server makes all the same.
    made = told["requests"] + counts["checked"] + connections
    return Turn(
        told["requests"] / told["microseconds"] * 1e6,
        0.0 if begun is None or spent is None else (spent - begun) / made,
        told["requests"],
        counts["checked"],
        counts["errors"] + told["errors"] + (not told["requests"]),
        counts["wrong"] + told["wrong"],
        tuple(problems),
    )


# --- the table --------------------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """One line of the table: both shops asked as one visitor, turn by turn."""

    server: str
    visitor: str
    bare: list[Turn]
    guarded: list[Turn]

    @property
    def ratios(self) -> list[float]:
        pairs = zip(self.bare, self.guarded, strict=True)
        return [guarded.rate / bare.rate if bare.rate else 0.0 for bare, guarded in pairs]

    @property
    def by_processor(self) -> str:
        pairs = zip(self.bare, self.guarded, strict=True)
        ratios = [bare.cost / guarded.cost for bare, guarded in pairs if guarded.cost]
        return f"{statistics.median(ratios):.2f}" if ratios else "-"

    def __str__(self) -> str:
        bare, guarded = (statistics.median(turn.rate for turn in turns) for turns in (self.bare, self.guarded))
        turns = self.bare + self.guarded
        return (
            f"{self.server:<20}{self.visitor:<12}{bare:>11.0f}{guarded:>15.0f}{statistics.median(self.ratios):>8.2f}"
            f"{self.by_processor:>14}{sum(turn.errors for turn in turns):>8}{sum(turn.wrong for turn in turns):>7}"
        )


HEAD = (
    f"{'server':<20}{'visitor':<12}{'bare req/s':>11}{'guarded req/s':>15}{'ratio':>8}"
    f"{'by processor':>14}{'errors':>8}{'wrong':>7}"
)


def rows_of(server: str, seconds: int) -> list[Row]:
    """Serve the shop bare and guarded and measure both, a row for each visitor."""
    module, command = SERVERS[server]
    rows = [Row(server, visitor, [], []) for visitor in VISITORS]
    with served(f"examples.shop.{module}", command) as (addresses, pids):
        bare, guarded = (shop._replace(pid=pid) for shop, pid in zip(quiet(*addresses), pids, strict=True))
        measure([(row, bare, guarded) for row in rows], seconds)
    return rows


@contextmanager
def served(module: str, command: str) -> Iterator[tuple[list[str], list[int]]]:
    """A module's `bare` and `app`, each on a server of its own: where, and by which processes."""
    ports = {app: free_port() for app in ("bare", "app")}
    with ExitStack() as stack:
        with on_processors(servers=True):
            pids = [
                stack.enter_context(
                    running(
                        [sys.executable, *command.format(app=f"{module}:{app}", port=port).split()],
                        partial(answers_at, port, PAGE),
                    )
                )
                for app, port in ports.items()
            ]
        stack.enter_context(on_processors(servers=False))
        yield [f"http://127.0.0.1:{port}" for port in ports.values()], pids


def measure(rows: Sequence[tuple[Row, Shop, Shop]], seconds: int) -> None:
    """Put the turns into the rows, each of which stands beside its bare and its guarded site."""
    each = TURN if seconds >= 2 * TURN else 1
    for number in range(-(-seconds // each)):
        for row, bare, guarded in rows:
            pair = [(bare, row.bare), (guarded, row.guarded)]
            for shop, turns in pair if number % 2 else reversed(pair):
                turns.append(load(shop, row.visitor, each))


def quiet(bare: str, guarded: str) -> tuple[Shop, Shop]:
    """Both shops and what each visitor must get there, as they say it without any load.

    Raises:
        ValueError: already now a visitor gets what is not for them.
    """
    plain = ask(bare, PAGE, [])
    answers = {visitor: ask(guarded, PAGE, signal) for visitor, signal in VISITORS.items()}
    problems = [
        f"{name}: {text}" for name, answer in answers.items() if VISITORS[name] for text in judge(plain, answer)
    ]
    if problems:
        raise ValueError(f"{guarded} without any load: {'; '.join(problems)}")
    expected = {name: variant(answers[name]) if signal else variant(plain) for name, signal in VISITORS.items()}
    return Shop(bare, dict.fromkeys(VISITORS, variant(plain))), Shop(guarded, expected)


@contextmanager
def on_processors(*, servers: bool) -> Iterator[None]:
    """Let what is started here run on the first processor, or on all the others, where there are two to choose from."""
    if not apart():
        yield
        return
    before = os.sched_getaffinity(0)
    first = {min(before)}
    os.sched_setaffinity(0, first if servers else before - first)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def apart() -> bool:
    return hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load", description=__doc__)
    parser.add_argument(
        "--seconds", type=int, default=20, help="how long each figure is measured, in all its turns (20)"
    )
    options = parser.parse_args(arguments)
    if options.seconds < 1:
        parser.error("--seconds: at least 1")
    if shutil.which(WRK) is None:
        print("The load table cannot be measured: wrk is missing (tests/bench/install says more).", file=sys.stderr)
        return 0
    print(preamble(options.seconds))
    print(HEAD)
    rows: list[Row] = []
    for server in SERVERS:
        for row in rows_of(server, options.seconds):
            rows.append(row)
            print(row, flush=True)
    return verdict(rows)


def preamble(seconds: int, frameworks: Sequence[str] = ("starlette", "flask")) -> str:
    parsers = ("httptools", "uvloop")
    faster = [name for name in parsers if importlib.util.find_spec(name)]
    names = ("uvicorn", "gunicorn", *frameworks)
    return (
        f"CPython {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in names)}; "
        f"uvicorn with {' and '.join(faster) or 'h11 and asyncio'}\n"
        f"wrk, {CONNECTIONS} keep-alive connections, {seconds} s for each figure, one worker process, "
        f"{'servers and clients on different processors' if apart() else 'servers and clients share the processors'}\n"
    )


def verdict(rows: Sequence[Row]) -> int:
    """Print what the rows come to; the exit status."""
    turns = [turn for row in rows for turn in row.bare + row.guarded]
    failed = any(turn.errors or turn.wrong for turn in turns)
    print(f"compared: {sum(turn.asked for turn in turns):,} bodies by wrk,", end=" ")
    print(f"{sum(turn.checked for turn in turns):,} whole answers by the second client")
    for problem, times in Counter(problem for turn in turns for problem in turn.problems).items():
        print(f"NOT AS EXPECTED, in {times} turns: {problem}")
    ratios = next(row.ratios for row in rows if (row.server, row.visitor) == BOUNDED)
    left = statistics.median(ratios)
    print(
        f"with no refusal the middleware leaves {left:.2f} of the requests per second "
        f"({min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} pairs of turns); the bound is {BOUND}"
    )
    return 1 if failed or left < BOUND else 0


if __name__ == "__main__":
    sys.exit(main())
