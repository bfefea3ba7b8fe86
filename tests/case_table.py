"""The case table: `tests/cases/*.toml` to typed values. Each case is run through the core and every adapter."""

import gzip
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from dntguard.consent import decide
from dntguard.exchange import Guard
from dntguard.policy import Policy
from dntguard.signals import read_signals
from dntguard.verdicts import verdicts_for

Pairs = list[tuple[str, str]]
_Record = TypeVar("_Record", "Request", "Response", "Expect")

TRACKER = '<script async src="https://www.google-analytics.com/analytics.js"></script>'
PAGE = f"<p>one</p>{TRACKER}<p>two</p>\n"
"""The body of a case that names none: 96 bytes with a tracker ..."""
REWRITTEN = "<p>one</p><!----><p>two</p>\n"
"""... and what of it is left for who refuses."""


@dataclass(frozen=True)
class Request:
    """What the visitor sends; `seen` when it asks again for what is the same for everybody."""

    method: str = "GET"
    scheme: str = "http"
    host: str = "www.shop.example"
    path: str = "/"
    headers: Pairs = field(default_factory=list)
    seen: bool = False

    def prime(self, guard: Guard, query: str = "") -> Guard:
        """The guard; where the case says so, it has seen the validators of the conditions on something else before.

        A server asks for the case with a query.
        """
        if self.seen:
            for name, value in self.headers:
                if name.lower() in ("if-none-match", "if-modified-since"):
                    response = [("content-type", "image/png"), ("etag", value), ("last-modified", value)]
                    exchange = guard.exchange("GET", self.scheme, self.host, self.path, [], 0, query)
                    exchange.start(200, [(key.encode(), it.encode()) for key, it in response], b"x", False)
        return guard


@dataclass(frozen=True)
class Response:
    """What the application answers.

    Attributes:
        coding: how its text becomes bytes.
        asks: whether it looks at the consent first.
    """

    status: int = 200
    headers: Pairs = field(default_factory=lambda: [("Content-Type", "text/html")])
    chunks: list[str] = field(default_factory=lambda: [PAGE])
    stream: bool = False
    coding: str = "utf-8"
    asks: bool = False

    def pieces(self) -> list[bytes]:
        """The body's chunks as bytes."""
        return [
            gzip.compress(chunk.encode(), mtime=0) if self.coding == "gzip" else chunk.encode(self.coding)
            for chunk in self.chunks
        ]


@dataclass(frozen=True)
class Expect:
    """What must come out. None stands for "not asked".

    Attributes:
        refused: whether the page's tracker goes; where it stays the body is byte for byte the application's.
        body: the whole body, for cases with a body of their own.
        headers: all response headers, in order.
        present, absent: response header names, lower case.
        set_cookies: the values of all `Set-Cookie` lines; `set_cookie_count` is how many.
        app_headers: request headers that the application sees; names are lower case.
        app_absent: request header names that it does not see.
        source: `Consent.source`.
        removals: the kinds in the report, in order.
    """

    refused: bool | None = None
    body: str | None = None
    headers: Pairs | None = None
    present: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    set_cookies: list[str] | None = None
    set_cookie_count: int | None = None
    app_headers: Pairs = field(default_factory=list)
    app_absent: list[str] = field(default_factory=list)
    source: str | None = None
    removals: list[str] | None = None


@dataclass(frozen=True)
class Case:
    """One request, the policy, the application's answer, and what must come of them.

    Attributes:
        not_through: the adapters ("wsgi") and checkers ("lint", "validator") that cannot carry the case.
    """

    name: str
    request: Request
    response: Response
    expect: Expect
    policy: dict[str, Any]
    not_through: frozenset[str]

    def has_expected(self, body: bytes) -> bool:
        """Whether these are the bytes that must come out; of a rewritten compressed page, those that it holds."""
        expect, coding = self.expect, self.response.coding
        if not expect.refused and expect.body is None:
            return body == b"".join(self.response.pieces())
        text = REWRITTEN if expect.body is None else expect.body
        return gzip.decompress(body) == text.encode() if coding == "gzip" else body == text.encode(coding)


def load_cases() -> list[Case]:
    """Every case of every file, checked: a misspelled key is an error, and each case says what its body must be."""
    cases = []
    for file in sorted((Path(__file__).parent / "cases").glob("*.toml")):
        for entry in _with_variants(tomllib.loads(file.read_text("utf-8"))["case"]):
            case = Case(
                entry.pop("name"),
                _record(Request, entry.pop("request", {})),
                _record(Response, entry.pop("response", {})),
                _record(Expect, entry.pop("expect")),
                entry.pop("policy", {}),
                frozenset(entry.pop("not_through", ())),
            )
            if entry:
                raise ValueError(f"{file.name}: {case.name}: no such keys: {sorted(entry)}")
            if case.expect.refused is None and case.expect.body is None:
                raise ValueError(f"{file.name}: {case.name}: says nothing about the body")
            cases.append(case)
    return cases


def _with_variants(entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The cases with the variant that each one's visitor gets in the place of "{v}"."""
    for entry in entries:
        policy = Policy.from_mapping(entry.get("policy", {}))
        headers = [(name.encode(), value.encode()) for name, value in entry.get("request", {}).get("headers", [])]
        variant = verdicts_for(policy, decide(read_signals(headers), None, policy).granted).variant.decode()
        for table in (entry.get("request", {}), entry["expect"]):
            if "headers" in table:
                table["headers"] = [[name, value.replace("{v}", variant)] for name, value in table["headers"]]
        yield entry


def _record(kind: type[_Record], table: dict[str, Any]) -> _Record:
    unknown = set(table) - {item.name for item in fields(kind)}
    if unknown:
        raise ValueError(f"{kind.__name__}: no such keys: {sorted(unknown)}")
    values: dict[str, Any] = {
        name: [(name, value) for name, value in entry] if name in ("headers", "app_headers") else entry
        for name, entry in table.items()
    }
    return kind(**values)
