"""A case of the table as any framework plays it: what its application is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dntguard import Consent
from dntguard.report import Report
from tests.case_outcome import Inside
from tests.case_table import Case, Pairs, Request, Response

METHODS = ["GET", "HEAD", "PUT", "POST"]
"""The methods of the cases, for frameworks that want to know them."""

PRIMING = "x-priming"
"""The request header that asks for the response by which dntguard learns a validator, see `Request.prime`."""


@dataclass(frozen=True)
class Answer:
    """What a client got; names of headers in any case."""

    status: int
    headers: Pairs
    body: bytes


@dataclass(frozen=True)
class Seen:
    """A request as the application saw it, by the words of its framework."""

    method: str
    scheme: str
    host: str
    path: str
    headers: Pairs


class Stage:
    """Where a case is played, bare or guarded.

    Attributes:
        options: the policy's, for the framework's own way to configure dntguard; None for an application without it.
        seen, consent: what the application saw last.
        report: what dntguard reported last.
    """

    def __init__(self, case: Case, *, guarded: bool) -> None:
        self.case = case
        self.options: dict[str, Any] | None = {**case.policy, "on_report": self._note} if guarded else None
        self.seen: Seen | None = None
        self.consent: Consent | None = None
        self.report: Report | None = None
        self._unreported = 0  # requests whose report is still to come

    def _note(self, report: Report) -> None:
        self.report = report
        self._unreported -= 1

    def answer(
        self, method: str, scheme: str, host: str, path: str, headers: Iterable[tuple[str, str]], consent: object
    ) -> Response:
        """What the application must answer.

        Args:
            method, scheme, host, path, headers: what the framework says of the request.
            consent: what it says of the consent; None where dntguard is not around it.
        """
        self._unreported += 1
        fields = [(name.lower(), value) for name, value in headers]
        primed = dict(fields).get(PRIMING)
        if primed is not None:
            known = [("Content-Type", "image/png"), ("ETag", primed), ("Last-Modified", primed)]
            return Response(headers=known, chunks=["x"])
        self.seen = Seen(method, scheme, host, path, [pair for pair in fields if pair[0] != "host"])
        assert consent is None or isinstance(consent, Consent)
        self.consent = consent
        if self.case.response.asks and consent is not None:
            assert consent.analytics in (True, False)
        return self.case.response

    @property
    def inside(self) -> Inside | None:
        """What was seen on the server's side; None while the report is not there."""
        if self.seen is None or self.consent is None or self.report is None or self._unreported:
            return None
        return Inside.of(self.seen.headers, self.consent, self.report)


Ask = Callable[[Any, Request], Answer]
"""Asks an application through its framework's own test client."""


@dataclass(frozen=True, eq=False)
class Framework:
    """How a framework plays.

    Attributes:
        interface: "asgi" or "wsgi"; "own" for an application that only its own server can serve.
        example: the module of its example; None where another framework of the list has it.
        application: makes the application that plays a case, guarded as the documentation says where the stage has
            options.
        ask: asks it, or the example, through the framework's own test client.
        not_carried: the cases that the framework or its client cannot carry, by name, and why; it is an error when
            they can.
        altered: the cases in which what stands outside of dntguard adds a header by which the core judges, and why;
            it is an error when they come out as they are.
        faithful: how many cases come out of the bare application with the headers of the table.
        not_served: the cases that the framework cannot carry on a real server.
    """

    name: str
    interface: str
    example: str | None
    application: Callable[[Stage], Any]
    ask: Ask
    not_carried: Mapping[str, str]
    faithful: int
    not_served: Mapping[str, str] = field(default_factory=dict)
    altered: Mapping[str, str] = field(default_factory=dict)


def primings(request: Request) -> list[Request]:
    """The requests before the case's own, by which dntguard learns the validators in its conditions."""
    conditions = [value for name, value in request.headers if name.lower() in ("if-none-match", "if-modified-since")]
    return [replace(request, method="GET", headers=[(PRIMING, value)]) for value in conditions if request.seen]


def joined(headers: Pairs) -> dict[str, str]:
    """Request headers for a client that takes each name once: repetitions are joined, as WSGI servers join them."""
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


TARGETS = dict.fromkeys(
    ("an absolute-form target names the page's host", "an absolute-form target is excluded by its path"),
    "the client takes the host out of the target",
)
NO_HOST = {"a host that is none makes every named host foreign": "the client mends the host"}
LINES = {"an included path is acted on": "the client mends the path, in which there is a line feed"}
COOKIE_LINES = "set-cookie lines of refused vendors go and the others keep bytes and order"
NOT_ASCII = {COOKIE_LINES: "the client takes ASCII values only"}
LENGTHS = dict.fromkeys(
    (
        "a page in several pieces loses its length",
        "what follows the declared length is no part of the page",
        "a length that is too short is put right for a whole page",
        "a length that is too long is put right for a whole page",
        "a length that is no number is put right for a whole page",
    ),
    "the server cuts the bare answer, or breaks off, where its length is wrong",
)
