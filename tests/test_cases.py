"""The case table through the core, through ASGI, and through WSGI between two checkers of the protocol."""

from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any
from wsgiref.validate import validator

import pytest
from werkzeug.middleware.lint import LintMiddleware

from dntguard import Consent, Policy
from dntguard.asgi import DNTGuardMiddleware as ASGIGuard
from dntguard.exchange import Guard
from dntguard.report import Report
from dntguard.wsgi import DNTGuardMiddleware as WSGIGuard
from dntguard.wsgi import WSGIApp
from tests.case_outcome import Inside, Outcome, asgi_application, check, decoded, encoded, wsgi_application
from tests.case_table import Case, Pairs, load_cases
from tests.drive import drive_asgi, drive_wsgi, environ_of, http_scope, joined

CASES = load_cases()


def through_core(case: Case) -> Outcome:
    """The case through the seam alone."""
    request, response = case.request, case.response
    exchange = request.prime(Guard(Policy.from_mapping(case.policy))).exchange(
        request.method, request.scheme, request.host, request.path, encoded(request.headers), 0
    )
    assert exchange.reply is None
    if response.asks:
        assert exchange.consent.analytics in (True, False)
    first, *rest = response.pieces() or [b""]
    headers, out = exchange.start(response.status, encoded(response.headers), first, response.stream)
    if response.stream:
        out += b"".join(map(exchange.feed, rest)) + exchange.finish()
    app_headers = [(name.lower(), value) for name, value in decoded(exchange.request_headers)]
    inside = Inside.of(app_headers, exchange.consent, exchange.report)
    return Outcome(response.status, decoded(headers), out, inside)


def through_asgi(case: Case) -> Outcome:
    """The case through the ASGI middleware."""
    request = case.request
    reports: list[Report] = []
    seen: list[tuple[Pairs, Consent]] = []
    app = asgi_application(case, lambda headers, consent: seen.append((headers, consent)))
    scope = http_scope(
        [(name.lower(), value) for name, value in encoded([("Host", request.host), *request.headers])],
        method=request.method,
        scheme=request.scheme,
        path=request.path,
    )
    guarded = ASGIGuard(app, **case.policy, on_report=reports.append)
    request.prime(guarded.guard)
    messages = drive_asgi(guarded, scope)
    ((app_headers, consent),) = seen
    inside = Inside.of(app_headers, consent, reports[0])
    return Outcome(messages[0]["status"], decoded(messages[0]["headers"]), joined(messages[1:]), inside)


def through_wsgi(case: Case, check: Callable[[WSGIApp], WSGIApp]) -> Outcome:
    """The case through the WSGI middleware inside a checker of the protocol."""
    request = case.request
    reports: list[Report] = []
    seen: list[tuple[Pairs, Consent]] = []
    app = wsgi_application(case, lambda headers, consent: seen.append((headers, consent)))
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
    guarded = WSGIGuard(app, **case.policy, on_report=reports.append)
    request.prime(guarded.guard)
    served = drive_wsgi(check(guarded), environ)
    ((app_headers, consent),) = seen
    headers = [(name, value.encode("latin-1").decode()) for name, value in served.headers]
    return Outcome(int(served.status[:3]), headers, served.body, Inside.of(app_headers, consent, reports[0]))


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
