"""The case table through the core, through ASGI, and through WSGI between two checkers of the protocol."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any
from wsgiref.validate import validator

import pytest
from werkzeug.middleware.lint import LintMiddleware

from dntguard import Consent, Policy, current_consent
from dntguard.asgi import DNTGuardMiddleware as ASGIGuard
from dntguard.asgi import Receive, Scope, Send
from dntguard.exchange import Guard
from dntguard.report import Report
from dntguard.wsgi import DNTGuardMiddleware as WSGIGuard
from dntguard.wsgi import Environ, StartResponse, WSGIApp
from tests.case_table import Case, Pairs, load_cases
from tests.drive import body, drive_asgi, drive_wsgi, environ_of, http_scope, joined, start

CASES = load_cases()
REASONS = {400: "Bad Request", 204: "No Content", 206: "Partial Content", 302: "Found", 304: "Not Modified"}


@dataclass
class Outcome:
    """What a case came to."""

    status: int
    headers: Pairs
    body: bytes
    app_headers: Pairs
    consent: Consent
    report: Report


def through_core(case: Case) -> Outcome:
    """The case through the seam alone."""
    request, response = case.request, case.response
    exchange = Guard(Policy.from_mapping(case.policy)).exchange(
        request.method, request.scheme, request.host, request.path, encoded(request.headers), 0
    )
    assert exchange.reply is None
    first, *rest = response.pieces() or [b""]
    headers, out = exchange.start(response.status, encoded(response.headers), first, response.stream)
    if response.stream:
        out += b"".join(map(exchange.feed, rest)) + exchange.finish()
    return Outcome(
        response.status,
        decoded(headers),
        out,
        [(name.lower(), value) for name, value in decoded(exchange.request_headers)],
        exchange.consent,
        exchange.report,
    )


def through_asgi(case: Case) -> Outcome:
    """The case through the ASGI middleware."""
    request, response = case.request, case.response
    reports: list[Report] = []
    seen: list[tuple[Scope, Consent]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope, current_consent()))
        await send(start(*encoded(response.headers), status=response.status))
        for chunk in response.pieces() if response.stream else []:
            await send(body(chunk, more=True))
        await send(body(b"" if response.stream else b"".join(response.pieces())))

    scope = http_scope(
        [(name.lower(), value) for name, value in encoded([("Host", request.host), *request.headers])],
        method=request.method,
        scheme=request.scheme,
        path=request.path,
    )
    messages = drive_asgi(ASGIGuard(app, **case.policy, on_report=reports.append), scope)
    ((inner, consent),) = seen
    app_headers = [pair for pair in decoded(inner["headers"]) if pair[0] != "host"]
    return Outcome(
        messages[0]["status"], decoded(messages[0]["headers"]), joined(messages[1:]), app_headers, consent, reports[0]
    )


def through_wsgi(case: Case, check: Callable[[WSGIApp], WSGIApp]) -> Outcome:
    """The case through the WSGI middleware inside a checker of the protocol."""
    request, response = case.request, case.response
    reports: list[Report] = []
    seen: list[tuple[Pairs, Consent]] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        shown = [
            (key[5:].replace("_", "-").lower(), value)
            for key, value in environ.items()
            if key.startswith("HTTP_") and key != "HTTP_HOST"
        ]
        seen.append((shown, current_consent()))
        start_response(
            f"{response.status} {REASONS.get(response.status, 'OK')}",
            [(name, value.encode().decode("latin-1")) for name, value in response.headers],
        )
        return iter(response.pieces()) if response.stream else response.pieces()

    fields: dict[str, str] = {}
    for name, value in request.headers:
        key = "HTTP_" + name.upper().replace("-", "_")
        fields[key] = f"{fields[key]},{value}" if key in fields else value
    environ = environ_of(
        *fields.items(),
        REQUEST_METHOD=request.method,
        HTTP_HOST=request.host,
        PATH_INFO=request.path,
        **{"wsgi.url_scheme": request.scheme, "wsgi.errors": Complaints()},
    )
    served = drive_wsgi(check(WSGIGuard(app, **case.policy, on_report=reports.append)), environ)
    ((app_headers, consent),) = seen
    headers = [(name, value.encode("latin-1").decode()) for name, value in served.headers]
    return Outcome(int(served.status[:3]), headers, served.body, app_headers, consent, reports[0])


class Complaints(StringIO):
    """Where `wsgiref.validate` complains when it may not raise."""

    def write(self, text: str) -> int:
        raise AssertionError(text)


def lint(app: WSGIApp) -> WSGIApp:
    """The application inside werkzeug's checker."""
    return LintMiddleware(app)


def validate(app: WSGIApp) -> WSGIApp:
    """The application inside the standard library's checker."""
    checked: Any = validator(app)
    return lambda environ, start_response: Closing(checked(environ, start_response))


class Closing:
    """`wsgiref.validate` complains about an iterable that nobody closed; this one can be asked to be closed."""

    def __init__(self, iterable: Any) -> None:
        self._iterable = iterable
        self.close = iterable.close

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._iterable)


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
    expect = case.expect
    assert outcome.status == case.response.status
    assert outcome.body == case.expected_body()
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
        assert pair in outcome.app_headers
    assert {name for name, _ in outcome.app_headers}.isdisjoint(expect.app_absent)
    if expect.source is not None:
        assert outcome.consent.source == expect.source
    if expect.removals is not None:
        assert [removal.kind for removal in outcome.report.removals] == expect.removals
    assert outcome.report.removal_count == len(outcome.report.removals)
    assert outcome.report.granted == outcome.consent.granted
    assert outcome.report.status == outcome.status
    check_the_rest_is_untouched(case, outcome)


def check_the_rest_is_untouched(case: Case, outcome: Outcome) -> None:
    """Fields that no rule speaks of come out with their bytes and in their order."""
    ruled = {"vary", "set-cookie", "content-length", "content-security-policy", "accept-ranges", "last-modified"}
    ruled |= {name.lower() for name, _ in case.response.headers if "etag" in name.lower() or "digest" in name.lower()}
    ruled |= {"content-md5"}
    mine = [pair for pair in case.response.headers if pair[0].lower() not in ruled]
    assert [pair for pair in outcome.headers if pair[0].lower() not in ruled] == mine


def cases(*ways: str) -> list[Any]:
    """The cases that can go this way."""
    return [pytest.param(case, id=case.name) for case in CASES if case.not_through.isdisjoint(ways)]


@pytest.mark.parametrize("case", cases("core"))
def test_core_does_as_the_table_says(case: Case) -> None:
    check(case, through_core(case))


@pytest.mark.parametrize("case", cases("asgi"))
def test_asgi_does_as_the_table_says(case: Case) -> None:
    check(case, through_asgi(case))


@pytest.mark.parametrize("case", cases("wsgi", "lint"))
def test_wsgi_inside_werkzeugs_lint_does_as_the_table_says(case: Case) -> None:
    check(case, through_wsgi(case, lint))


@pytest.mark.parametrize("case", cases("wsgi", "validator"))
def test_wsgi_inside_the_standard_validator_does_as_the_table_says(case: Case) -> None:
    check(case, through_wsgi(case, validate))


def test_each_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in CASES]
    assert sorted(set(names)) == sorted(names)
