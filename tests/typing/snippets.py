"""What the documentation shows users, as one program: `mypy --strict` checks it, and it runs.

A snippet that must change here has changed for every user: say so in the changelog.
"""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from dntguard import Consent, Policy, Purpose, asgi, current_consent, wsgi
from dntguard.exchange import Guard
from dntguard.report import Report
from dntguard.rewriter import Rewriter, rewrite
from dntguard.vendors import Registry, Vendor

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PAGE = b'<p>Hello</p><script src="https://www.google-analytics.com/analytics.js"></script>'


# --- ASGI -------------------------------------------------------------------------------------------------------------


def privacy(request: Request) -> PlainTextResponse:
    consent: Consent = request.state.consent
    return PlainTextResponse(consent.reason)


starlette_app = Starlette(routes=[Route("/privacy", privacy)])
wrapped = asgi.DNTGuardMiddleware(starlette_app)
filed_otherwise = asgi.DNTGuardMiddleware(
    starlette_app,
    purposes={"youtube": "functional"},
    vendors=[{"id": "our-counter", "purpose": "analytics", "hosts": ["count.example.net"], "cookies": ["_ourc_*"]}],
)
as_policy = Policy(
    purposes={"youtube": "functional"}, vendors=(Vendor("own", "Own", Purpose.ANALYTICS, paths=("/own-count.js",)),)
)
with_options = asgi.DNTGuardMiddleware(
    starlette_app, mode="opt-in", third_party="keep", first_party=["cdn.example.net"]
)
with_policy = asgi.DNTGuardMiddleware(starlette_app, Policy(mode="never"))
starlette_app.add_middleware(asgi.DNTGuardMiddleware, gpc_refuses=["marketing"])


# --- WSGI -------------------------------------------------------------------------------------------------------------

flask_app = Flask(__name__)
flask_app.wsgi_app = wsgi.DNTGuardMiddleware(flask_app.wsgi_app)  # type: ignore[method-assign]


@flask_app.get("/privacy")
def flask_privacy() -> str:
    return current_consent().reason


def plain_app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    consent: Consent = environ["dntguard.consent"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [consent.reason.encode()]


guarded = wsgi.DNTGuardMiddleware(plain_app, cookies="all-but-necessary")


# --- policy and consent -----------------------------------------------------------------------------------------------


def log(report: Report) -> None:
    for removal in report.removals:
        print(removal.kind, removal.what, removal.vendor, removal.purpose, removal.rule)


policy = Policy(
    mode="opt-in",
    dnt_refuses=frozenset({Purpose.ANALYTICS, Purpose.MARKETING}),
    allow=("plausible", "cdn.example.net"),
    allow_cookies=("cart_*",),
    on_report=log,
)
from_settings = Policy.from_mapping({"mode": "opt-out", "block": ["hotjar"]})


def show(consent: Consent) -> str:
    if consent.analytics and consent.allows(Purpose.MARKETING) and consent.allows("functional"):
        return consent.reason
    return f"{consent.source}: {sorted(consent.granted)}, honored: {consent.opt_out_honored}"


# --- pages without a server -------------------------------------------------------------------------------------------

clean: bytes = rewrite(PAGE, page_url="https://shop.example/")
cleaner: bytes = rewrite(PAGE.decode(), page_url="https://shop.example/", policy=Policy(third_party="keep"))

rewriter = Rewriter(Policy(), None, "https://shop.example/")
streamed: bytes = rewriter.feed(PAGE[:30]) + rewriter.feed(PAGE[30:]) + rewriter.close()
removed: list[str | None] = [removal.vendor for removal in rewriter.removals]


# --- an adapter of one's own ------------------------------------------------------------------------------------------

guard = Guard(Policy())
exchange = guard.exchange("GET", "https", "shop.example", "/", [(b"sec-gpc", b"1")], time.time())
decided: Consent = exchange.consent
seen_by_the_application: list[tuple[bytes, bytes]] = exchange.request_headers
headers, body = exchange.start(200, [(b"content-type", b"text/html; charset=utf-8")], PAGE[:30], True)
body += exchange.feed(PAGE[30:])
body += exchange.finish()
report: Report = exchange.report


# --- vendors ----------------------------------------------------------------------------------------------------------

vendor: Vendor | None = Registry.default().match_host("www.google-analytics.com")
cookie_vendor: Vendor | None = Registry.default().match_cookie("_ga")


if __name__ == "__main__":
    assert clean == cleaner == streamed == body
    assert b"google-analytics" not in clean
    assert removed == ["google-analytics"]
    assert [removal.vendor for removal in report.removals] == removed
    assert decided.opt_out_honored
    assert show(decided).startswith("signal: ")
    assert (b"sec-gpc", b"1") in seen_by_the_application
    assert any(name.lower() == b"vary" for name, _ in headers)
    assert vendor is not None
    assert vendor == cookie_vendor
    assert (vendor.id, vendor.name, vendor.purpose) == ("google-analytics", "Google Analytics", "analytics")
    assert from_settings.block == ("hotjar",)
