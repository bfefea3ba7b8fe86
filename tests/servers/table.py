"""The case tables as applications: `?case=7` is a case of `tests/cases`, `?markup=7` one of `tests/cases_markup.py`.

The number stands in the query, by which dntguard decides nothing, so that the middleware gets the path as the server
made it. What is behind a proxy that speaks TLS is asked with `X-Forwarded-Proto`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from functools import cache, partial
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from dntguard import Consent
from dntguard.asgi import ASGIApp, Receive, Scope, Send
from dntguard.asgi import DNTGuardMiddleware as ASGIGuard
from dntguard.purposes import OPTIONAL_PURPOSES
from dntguard.report import Report
from dntguard.wsgi import DNTGuardMiddleware as WSGIGuard
from dntguard.wsgi import Environ, StartResponse, WSGIApp
from tests.case_outcome import Inside, asgi_application, wsgi_application
from tests.case_table import Pairs, load_cases
from tests.cases_markup import ALL
from tests.drive import body, sends, start

CASES = load_cases()
HTML = (b"content-type", b"text/html")
MARKUP: dict[str, Any] = {"dnt_refuses": OPTIONAL_PURPOSES}
"""The policy of every case of markup."""

OUTCOMES: dict[int, dict[str, Any]] = {}
"""What was seen inside of each case that was asked, once its report is there: an `Inside` as JSON carries it."""

_seen: dict[int, tuple[Pairs, Consent]] = {}


@cache
def _asgi_case(number: int) -> ASGIApp:
    app = asgi_application(CASES[number], partial(_see, number))
    guarded = ASGIGuard(app, **CASES[number].policy, on_report=partial(_report, number))
    CASES[number].request.prime(guarded.guard, f"case={number}")
    return _behind_asgi_proxy(guarded)


@cache
def _wsgi_case(number: int) -> WSGIApp:
    app = wsgi_application(CASES[number], partial(_see, number))
    guarded = WSGIGuard(app, **CASES[number].policy, on_report=partial(_report, number))
    CASES[number].request.prime(guarded.guard, f"case={number}")
    return ProxyFix(guarded)


def _see(number: int, headers: Pairs, consent: Consent) -> None:
    _seen[number] = (headers, consent)


def _report(number: int, report: Report) -> None:
    headers, consent = _seen[number]
    OUTCOMES[number] = asdict(Inside.of(headers, consent, report))


def _halves(page: bytes) -> list[bytes]:
    """The page in two pieces, cut somewhere."""
    return [page[: len(page) // 2], page[len(page) // 2 :]]


async def _asgi_markup_bare(scope: Scope, receive: Receive, send: Send) -> None:
    _, number = asked(scope["query_string"].decode())
    messages = [start(HTML), *(body(piece, more=True) for piece in _halves(ALL[number].html)), body(b"")]
    await sends(*messages)(scope, receive, send)


def _wsgi_markup_bare(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    _, number = asked(environ["QUERY_STRING"])
    start_response("200 OK", [(HTML[0].decode(), HTML[1].decode())])
    return iter(_halves(ALL[number].html))


def _behind_asgi_proxy(app: ASGIApp) -> ASGIApp:
    behind: Any = ProxyHeadersMiddleware(app, trusted_hosts="*")  # type: ignore[arg-type]  # narrower types
    fixed: ASGIApp = behind
    return fixed


_asgi_markup = _behind_asgi_proxy(ASGIGuard(_asgi_markup_bare, **MARKUP))
_wsgi_markup = ProxyFix(WSGIGuard(_wsgi_markup_bare, **MARKUP))


def asked(query: str) -> tuple[str, int]:
    """Which table a query asks, "case" or "markup", and for which of its cases."""
    table, _, number = query.partition("=")
    return table, int(number)


def asgi(query: str) -> ASGIApp:
    """The application of a case, as ASGI."""
    table, number = asked(query)
    return _asgi_case(number) if table == "case" else _asgi_markup


def wsgi(query: str) -> WSGIApp:
    """The application of a case, as WSGI."""
    table, number = asked(query)
    return _wsgi_case(number) if table == "case" else _wsgi_markup
