"""A case of the table as an application, and what it came to beside what it should.

The same for the core, for both adapters, and for every server: only the way between differs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from dntguard import Consent, current_consent
from dntguard.asgi import ASGIApp, Receive, Scope, Send
from dntguard.report import Report
from dntguard.wsgi import Environ, StartResponse, WSGIApp
from tests.case_table import Case, Pairs
from tests.drive import body, start

REASONS = {400: "Bad Request", 204: "No Content", 206: "Partial Content", 302: "Found", 304: "Not Modified"}

See = Callable[[Pairs, Consent], object]
"""Told by an application of the request headers (names in lower case, without `Host`) and the consent it sees."""


@dataclass(frozen=True)
class Inside:
    """What a case came to on the server's side; JSON can carry it.

    Attributes:
        app_headers: the request headers that the application saw.
        source, granted: of the consent that it saw.
        removals: the kinds in the report, which also says `removal_count`, `report_granted` and `report_status`.
    """

    app_headers: Pairs
    source: str
    granted: list[str]
    removals: list[str]
    removal_count: int
    report_granted: list[str]
    report_status: int

    @classmethod
    def of(cls, app_headers: Pairs, consent: Consent, report: Report) -> "Inside":
        """What the application saw, and what the site was told afterwards."""
        return cls(
            app_headers,
            consent.source,
            sorted(consent.granted),
            [removal.kind for removal in report.removals],
            report.removal_count,
            sorted(report.granted),
            report.status,
        )

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> "Inside":
        """From its fields, whose pairs have become lists."""
        return cls(**{**entry, "app_headers": [(name, value) for name, value in entry["app_headers"]]})


@dataclass(frozen=True)
class Outcome:
    """What a case came to: the response, and what was seen inside."""

    status: int
    headers: Pairs
    body: bytes
    inside: Inside


def asgi_application(case: Case, see: See) -> ASGIApp:
    """The case's application as ASGI."""
    response = case.response

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        see([pair for pair in decoded(scope["headers"]) if pair[0] != "host"], current_consent())
        if response.asks:
            assert scope["state"]["consent"].analytics in (True, False)
        await send(start(*encoded(response.headers), status=response.status))
        for chunk in response.pieces() if response.stream else []:
            await send(body(chunk, more=True))
        await send(body(b"" if response.stream else b"".join(response.pieces())))

    return app


def wsgi_application(case: Case, see: See) -> WSGIApp:
    """The case's application as WSGI."""
    response = case.response

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        shown = [
            (key[5:].replace("_", "-").lower(), value)
            for key, value in environ.items()
            if key.startswith("HTTP_") and key != "HTTP_HOST"
        ]
        see(shown, current_consent())
        if response.asks:
            assert environ["dntguard.consent"].analytics in (True, False)
        start_response(
            f"{response.status} {REASONS.get(response.status, 'OK')}",
            [(name, value.encode().decode("latin-1")) for name, value in response.headers],
        )
        return iter(response.pieces()) if response.stream else response.pieces()

    return app


def encoded(pairs: Pairs) -> list[tuple[bytes, bytes]]:
    """A header list as bytes."""
    return [(name.encode(), value.encode()) for name, value in pairs]


def decoded(pairs: Iterable[tuple[bytes, bytes]]) -> Pairs:
    """A header list as text."""
    return [(name.decode(), value.decode()) for name, value in pairs]


def values(pairs: Pairs, name: str) -> list[str]:
    """Every value of the field `name`."""
    return [value for key, value in pairs if key.lower() == name]


def check(case: Case, outcome: Outcome) -> None:
    """The outcome is what the case expects."""
    expect, inside = case.expect, outcome.inside
    assert outcome.status == case.response.status
    assert case.has_expected(outcome.body)
    if expect.headers is not None:
        assert outcome.headers == expect.headers
    names = {name.lower() for name, _ in outcome.headers}
    assert names.issuperset(expect.present)
    assert names.isdisjoint(expect.absent)
    if expect.set_cookies is not None:
        assert values(outcome.headers, "set-cookie") == expect.set_cookies
    if expect.set_cookie_count is not None:
        assert len(values(outcome.headers, "set-cookie")) == expect.set_cookie_count
    for pair in expect.app_headers:
        assert pair in inside.app_headers
    assert {name for name, _ in inside.app_headers}.isdisjoint(expect.app_absent)
    if expect.source is not None:
        assert inside.source == expect.source
    if expect.removals is not None:
        assert inside.removals == expect.removals
    assert inside.removal_count == len(inside.removals)
    assert inside.report_granted == inside.granted
    assert inside.report_status == outcome.status
    check_the_rest_is_untouched(case, outcome)


def check_the_rest_is_untouched(case: Case, outcome: Outcome) -> None:
    """Fields that no rule speaks of come out with their bytes and in their order."""
    ruled = {"vary", "set-cookie", "content-length", "content-security-policy", "accept-ranges", "last-modified"}
    ruled |= {name.lower() for name, _ in case.response.headers if "etag" in name.lower() or "digest" in name.lower()}
    ruled |= {"content-md5", "signature", "signature-input"}
    mine = [pair for pair in case.response.headers if pair[0].lower() not in ruled]
    assert [pair for pair in outcome.headers if pair[0].lower() not in ruled] == mine
