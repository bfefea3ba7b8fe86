"""`assert_honors_signals`: which faults of an application it finds, and what it says of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import chain, count
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from flask import Flask, Response, redirect, request
from starlette.applications import Starlette
from werkzeug.wsgi import ClosingIterator

import dntguard.testing.judgement
from dntguard import Policy
from dntguard.asgi import DNTGuardMiddleware, Receive, Scope, Send
from dntguard.exchange import Exchange
from dntguard.testing import assert_honors_signals
from dntguard.wsgi import DNTGuardMiddleware as WSGIMiddleware
from dntguard.wsgi import Environ, StartResponse
from tests.testing_kit.clients import Site, flask_app, quart_app, starlette_app
from tests.testing_kit.sites import HTML, JSON, PAGE, SITES, TRACKER, asgi_site, wsgi_site

kinds = pytest.mark.parametrize("kind", SITES)
GUARDS: dict[str, Any] = {"asgi": DNTGuardMiddleware, "wsgi": WSGIMiddleware}
BOTH = "with DNT: 1, and with Sec-GPC: 1"
THE_TRACKER = [
    "  line 3: <script> https://www.google-analytics.com/analytics.js",
    "      Google Analytics (google-analytics), analytics; rule: google-analytics.com",
]
UNSEEN = (
    "  to do: no middleware of dntguard was seen to answer (the default policy judged, unless one was given): "
    "put it around the application"
)


def said(app: object, *paths: str, **more: Any) -> list[str]:
    """The lines of what the assertion says, which must fail, after the first."""
    with pytest.raises(AssertionError) as caught:
        assert_honors_signals(app, paths, **more)
    first, *rest = str(caught.value).split("\n")
    assert first == "not what a visitor with these signals may get:"
    return [line for line in rest if line]


# --- what passes ------------------------------------------------------------------------------------------------------


@kinds
def test_a_guarded_application_honors_the_signals(kind: str) -> None:
    answers = {
        "/": (200, [HTML, ("Set-Cookie", "_ga=1"), ("Link", "<https://static.hotjar.com/>; rel=preconnect")], PAGE),
        "/cookies": (200, [JSON, ("Set-Cookie", "_ga=1")], b"{}"),
        "/old": (302, [("Location", "/"), ("Set-Cookie", "_ga=1")], b""),
    }
    assert_honors_signals(GUARDS[kind](SITES[kind](answers)), ["/", "/cookies", "/old"])


@pytest.mark.parametrize("make", [flask_app, quart_app, starlette_app])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_applications_of_frameworks_are_asked_as_they_are(make: Any, stream: bool) -> None:
    assert_honors_signals(make(Site(PAGE, {}, stream)), ["/shop"])
    assert said(make(Site(PAGE, None, stream)), "/shop") == [f"/shop {BOTH}", *THE_TRACKER, UNSEEN]


def test_fastapi_is_asked_as_it_is() -> None:
    app = FastAPI()

    @app.get("/", response_class=HTMLResponse)
    def home() -> str:
        return PAGE.decode()

    assert said(app, "/")[:3] == [f"/ {BOTH}", *THE_TRACKER]
    app.middleware_stack = None
    app.add_middleware(DNTGuardMiddleware)
    assert_honors_signals(app, ["/"])


@kinds
def test_an_application_without_trackers_needs_no_middleware(kind: str) -> None:
    """Nor `Vary`, when everybody gets the same."""
    assert_honors_signals(SITES[kind]({"/": (200, [HTML], b"<p>Tea</p>")}), ["/"])


def test_what_is_the_sites_own_depends_on_its_host() -> None:
    page = b"<script src=https://shop.example/a.js></script>"
    app = DNTGuardMiddleware(asgi_site({"/": (200, [HTML], page)}))
    assert_honors_signals(app, ["/"], base_url="https://www.shop.example")
    bare = asgi_site({"/": (200, [HTML], page)})
    assert_honors_signals(bare, ["/"], base_url="https://www.shop.example")
    assert said(bare, "/")[1:3] == [
        "  line 1: <script> https://shop.example/a.js",
        '      no known vendor\'s; rule: third_party: "remove"',
    ]


@pytest.mark.parametrize("options", [{"cache": "invariant"}, {"mode": "never"}, {"mode": "opt-in"}])
def test_where_everybody_refuses_nothing_varies(options: dict[str, Any]) -> None:
    assert_honors_signals(DNTGuardMiddleware(asgi_site({"/": (200, [HTML], PAGE)}), **options), ["/"])


# --- what comes through -----------------------------------------------------------------------------------------------


@kinds
def test_everything_that_comes_through_is_in_one_message(kind: str) -> None:
    """Of all paths, with what it is, whose, by which rule; visitors of whom the same is true stand together."""
    page = (
        b"<p>Tea\n<script>\nfbq('init', '1');\n</script>\n<p onclick=\"fbq('init')\">\n"
        b"<style>p{background:url(//static.hotjar.com/p.gif)}</style>\n"
        b'<div data-dntguard="marketing">x</div><script src="//cdn.nobody-knows.example/'
        + b"a" * 200
        + b'.js"></script>'
    )
    answers = {
        "/": (200, [HTML, ("Set-Cookie", "_ga=1"), ("Link", "<https://static.hotjar.com/>; rel=preconnect")], PAGE),
        "/shop": (200, [HTML], page),
    }
    assert said(SITES[kind](answers), "/", "/shop") == [
        f"/ {BOTH}",
        "  Set-Cookie: _ga",
        "      Google Analytics (google-analytics), analytics; rule: _ga",
        "  header field link: https://static.hotjar.com/",
        "      Hotjar (hotjar), analytics; rule: hotjar.com",
        *THE_TRACKER,
        UNSEEN,
        f"/shop {BOTH}",
        "  line 2: inline <script>: fbq('init', '1');",
        "      Meta Pixel (meta-pixel), marketing; rule: fbq('init'",
        "  line 5: attribute onclick=\"fbq('init')\"",
        "      Meta Pixel (meta-pixel), marketing; rule: fbq('init'",
        "  line 6: style that loads //static.hotjar.com/p.gif",
        "      Hotjar (hotjar), analytics; rule: hotjar.com",
        '  line 7: <div data-dntguard="marketing">',
        '      no known vendor\'s, marketing; rule: data-dntguard="marketing"',
        f"  line 7: <script> //cdn.nobody-knows.example/{'a' * 73}...",
        '      no known vendor\'s; rule: third_party: "remove"',
        UNSEEN,
    ]


@kinds
@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"exclude": ["/sh*"]}, "dntguard leaves /shop alone (exclude=('/sh*',), or an exempt view): let it act there"),
        ({"include": ["/tea"]}, "dntguard leaves /shop alone (include=('/tea',), or an exempt view): let it act there"),
        ({"report_only": True}, "report_only is on, so dntguard changes nothing: switch it off"),
    ],
)
def test_what_the_policy_lets_through_is_said_with_what_to_do(kind: str, options: dict[str, Any], advice: str) -> None:
    app = GUARDS[kind](SITES[kind]({"/shop": (200, [HTML], PAGE)}), **options)
    assert said(app, "/shop") == [f"/shop {BOTH}", *THE_TRACKER, f"  to do: {advice}"]


def test_what_is_added_outside_of_dntguard_is_found() -> None:
    guarded = WSGIMiddleware(wsgi_site({"/": (200, [HTML], b"<p>Tea</p>\n\n")}))

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        page = guarded(environ, start_response)
        return ClosingIterator(chain(page, [TRACKER]), page.close)  # type: ignore[attr-defined]

    advice = "something that stands outside of dntguard adds it, or the policy lets it through: put dntguard outermost"
    assert said(app, "/") == [f"/ {BOTH}", *THE_TRACKER, f"  to do: {advice}"]


def test_an_error_of_dntguards_own_is_named(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The middleware then lets the page go; the kit's own judgement does not fail with it."""
    start = Exchange.start

    def fails(exchange: Exchange, *arguments: Any) -> Any:
        if exchange._guard is app.guard:
            raise RuntimeError("out of order")
        return start(exchange, *arguments)

    app = DNTGuardMiddleware(asgi_site({"/": (200, [HTML], PAGE)}))
    monkeypatch.setattr(Exchange, "start", fails)
    with caplog.at_level(logging.CRITICAL, logger="dntguard"):
        advice = "dntguard itself failed on this response: RuntimeError('out of order')"
        assert said(app, "/") == [f"/ {BOTH}", *THE_TRACKER, f"  to do: {advice}"]


def test_a_policy_that_is_given_judges() -> None:
    """Over that of the middleware; and where there is none."""
    page = b"<script src=//cdn.nobody-knows.example/a.js></script>"
    bare = asgi_site({"/": (200, [HTML], page)})
    assert_honors_signals(bare, ["/"], policy=Policy(third_party="keep"))
    lax = DNTGuardMiddleware(bare, third_party="keep")
    assert_honors_signals(lax, ["/"])
    assert said(lax, "/", policy=Policy())[1] == "  line 1: <script> //cdn.nobody-knows.example/a.js"


def test_of_two_policies_around_each_other_the_outer_one_judges() -> None:
    page = b"<script src=//cdn.nobody-knows.example/a.js></script>"
    inner = DNTGuardMiddleware(asgi_site({"/": (200, [HTML], page)}), third_party="keep")
    assert_honors_signals(inner, ["/"])
    assert said(DNTGuardMiddleware(inner, report_only=True), "/")[-1].startswith("  to do: report_only is on")


def test_a_signal_that_the_policy_does_not_heed_refuses_nothing() -> None:
    app = DNTGuardMiddleware(asgi_site({"/": (200, [HTML], PAGE)}), dnt_refuses=[], exclude=["/"])
    assert said(app, "/")[0] == "/ with Sec-GPC: 1"


def test_a_policy_of_an_earlier_application_does_not_judge_a_bare_one() -> None:
    page = b"<script src=//cdn.nobody-knows.example/a.js></script>"
    bare = asgi_site({"/": (200, [HTML], page)})
    assert_honors_signals(DNTGuardMiddleware(bare, third_party="keep"), ["/"])
    assert said(bare, "/")[-1] == UNSEEN


def test_an_element_is_found_where_it_begins() -> None:
    """However long it is, and whatever went before it."""
    parts = (
        b"a < b\n\n" + TRACKER,
        b"<p>\n<script\n async\n src=//static.hotjar.com/h.js>\n</script>\n",
        b"<script>\n" + b"if (a > b) c();\n" * 3000 + b"fbq('init', '1');\n</script>\n",
        b"<noscript>\n<img src=//static.hotjar.com/p.gif>\n</noscript>\n",
        b"<div data-dntguard=marketing>\n<p>\n</p>\n</div>Tea" + TRACKER,
        b"<div data-dntguard=marketing>\n<p>\n</p>\n</div>" + TRACKER,
        b"\n<img src=//static.hotjar.com/p",
    )
    lines = said(asgi_site({"/": (200, [HTML], b"".join(parts))}), "/")
    assert [line.split(":")[0].strip() for line in lines if line.startswith("  line")] == [
        "line 3", "line 4", "line 8", "line 3012", "line 3014", "line 3017", "line 3017", "line 3020",
    ]  # fmt: skip


def test_an_inline_script_over_the_limit_is_found_where_it_begins() -> None:
    code = b"x > 1;\n" * 400
    page = b"<p>\n<script>" + code + b"fbq('init', '1');" + code + b"</script>\n" + TRACKER
    app = DNTGuardMiddleware(asgi_site({"/": (200, [HTML], page)}), max_undecided=1024, exclude=["/"])
    lines = said(app, "/")
    assert "  line 803: <script> https://www.google-analytics.com/analytics.js" in lines[1:-1]
    assert any("longer than max_undecided" in line for line in lines)


# --- cookies ----------------------------------------------------------------------------------------------------------


def renewing() -> Flask:
    """Renews the cookies that a browser has, and gives none to one that refuses: but for the ones it has."""
    app = Flask("shop")

    @app.get("/")
    def home() -> Response:
        response = Response("{}", content_type="application/json", headers={"Vary": "DNT, Sec-GPC, Cookie"})
        if "_ga" in request.cookies or not {"DNT", "SEC-GPC"} & {name.upper() for name, _ in request.headers}:
            response.set_cookie("_ga", "2")
            response.set_cookie("lang", "en")
        return response

    return app


def test_a_browser_that_still_has_its_cookies_asks_too() -> None:
    """Who refuses after having agreed."""
    assert said(renewing(), "/") == [
        "/ with DNT: 1 and the cookies _ga, and with Sec-GPC: 1 and the cookies _ga",
        "  Set-Cookie: _ga",
        "      Google Analytics (google-analytics), analytics; rule: _ga",
        UNSEEN,
    ]
    app = renewing()
    app.wsgi_app = WSGIMiddleware(app.wsgi_app)  # type: ignore[method-assign]
    assert_honors_signals(app, ["/"])


def test_what_every_browser_gets_is_said_once() -> None:
    app = asgi_site({"/": (200, [JSON, ("Set-Cookie", "_ga=1")], b"{}")})
    assert [line for line in said(app, "/") if line.startswith("/")] == [f"/ {BOTH}"]


# --- caches -----------------------------------------------------------------------------------------------------------


def own_decision(*, vary: str | None = None, cache: str | None = None, noise: bool = False) -> Flask:
    """Leaves a tracker out for who refuses, by itself."""
    app = Flask("shop")
    numbers = count()

    @app.get("/")
    def home() -> Response:
        refuses = request.headers.get("DNT") == "1" or request.headers.get("Sec-GPC") == "1"
        body = b"<p>Tea</p>" + (b"%d" % next(numbers) if noise else b"") + (b"" if refuses else TRACKER)
        fields = {name: value for name, value in (("Vary", vary), ("Cache-Control", cache)) if value is not None}
        return Response(body, headers=fields)

    return app


@pytest.mark.parametrize("noise", [False, True], ids=["", "noise"])
def test_a_difference_that_vary_does_not_name_is_found(noise: bool) -> None:
    """Though every response is as it must be, and though none is ever the same."""
    advice = "  to do: put Vary: DNT, Sec-GPC on every answer that depends on the signals"
    told = "is answered otherwise than without a signal, and Vary does not name"
    assert said(own_decision(noise=noise), "/") == [
        "/ with DNT: 1",
        f"  {told} DNT (there is none): caches take one for the other",
        advice,
        "/ with Sec-GPC: 1",
        f"  {told} Sec-GPC (there is none): caches take one for the other",
        advice,
    ]
    assert said(own_decision(vary="Cookie, dnt", noise=noise), "/") == [
        "/ with Sec-GPC: 1",
        f"  {told} Sec-GPC (Vary: Cookie, dnt): caches take one for the other",
        advice,
    ]


@pytest.mark.parametrize("fields", [{"vary": "sec-gpc,DNT"}, {"vary": "*"}, {"cache": "private, No-Store"}])
def test_a_difference_that_no_cache_overlooks_is_none(fields: dict[str, Any]) -> None:
    assert_honors_signals(own_decision(**fields), ["/"])


def test_a_difference_in_what_is_not_refused_counts_too() -> None:
    app = Flask("shop")

    @app.get("/")
    def home() -> str:
        return "<p>Ask us</p>" if request.headers.get("DNT") == "1" else "<p>Tea</p>"

    assert said(app, "/")[0] == "/ with DNT: 1"


def test_the_answer_without_a_signal_must_vary_too() -> None:
    app = Flask("shop")

    @app.get("/")
    def home() -> Response:
        if request.headers.get("DNT") == "1" or request.headers.get("Sec-GPC") == "1":
            return Response("<p>Tea</p>", headers={"Vary": "DNT, Sec-GPC"})
        return Response(PAGE)

    assert len(said(app, "/")) == 6


def test_tokens_and_times_are_no_difference() -> None:
    """Nobody gets the same twice."""
    app, numbers = Flask("shop"), count()

    @app.get("/")
    def home() -> str:
        return f"<input type=hidden name=token value={next(numbers)}>"

    assert_honors_signals(app, ["/"])


def test_who_is_redirected_otherwise_got_a_difference() -> None:
    app = Flask("shop")

    @app.get("/")
    def home() -> Any:
        return redirect("/quiet" if request.headers.get("DNT") == "1" else "/loud")

    @app.get("/quiet")
    @app.get("/loud")
    def page() -> str:
        return "<p>Tea</p>"

    first, second, *_ = said(app, "/")
    assert first == "/ with DNT: 1"
    assert second.startswith("  is answered otherwise than without a signal, and Vary does not name DNT")


def test_an_application_that_looks_at_the_consent_varies_by_itself() -> None:
    app = Flask("shop")
    app.wsgi_app = WSGIMiddleware(app.wsgi_app)  # type: ignore[method-assign]

    @app.get("/")
    def home() -> dict[str, bool]:
        return {"counted": request.environ["dntguard.consent"].analytics}

    assert_honors_signals(app, ["/"])


# --- what cannot be checked -------------------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 503])
def test_an_error_is_not_a_page_that_passes(kind: str, status: int) -> None:
    app = GUARDS[kind](SITES[kind]({"/": (status, [HTML], b"Sorry.")}))
    assert said(app, "/") == [
        "/ without a signal, and with DNT: 1, and with Sec-GPC: 1",
        f"  answered {status}, so nothing was checked",
        "  to do: mend the path, or give headers=... (of a session) or base_url=... (the site's host)",
    ]


def test_a_path_that_does_not_exist_is_found_among_others() -> None:
    app = DNTGuardMiddleware(asgi_site({"/": (200, [HTML], PAGE)}))
    assert said(app, "/", "/shpo")[0].startswith("/shpo without a signal")


@kinds
def test_what_the_application_raises_is_said_and_is_the_cause(kind: str) -> None:
    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("out of tea")

    def wsgi(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        raise ValueError("out of tea")

    app = {"asgi": asgi, "wsgi": wsgi}[kind]
    with pytest.raises(AssertionError) as caught:
        assert_honors_signals(app, ["/"])
    assert str(caught.value).split("\n")[2:] == [
        "/ without a signal, and with DNT: 1, and with Sec-GPC: 1",
        "  raised ValueError('out of tea'), so nothing was checked",
    ]
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_session_is_a_header_of_every_request() -> None:
    app = Flask("shop")

    @app.get("/account")
    def account() -> tuple[bytes, int]:
        return (PAGE, 200) if request.cookies.get("session") == "a" else (b"Log in", 401)

    assert said(app, "/account")[1].startswith("  answered 401")
    assert said(app, "/account", headers={"Cookie": "session=a"})[1:3] == THE_TRACKER


def test_no_paths_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="paths is empty, so nothing would be checked"):
        assert_honors_signals(Starlette(), [])
    with pytest.raises(TypeError, match="paths is one string"):
        assert_honors_signals(Starlette(), "/shop")


def test_signals_that_refuse_nothing_are_a_mistake() -> None:
    app = DNTGuardMiddleware(asgi_site({"/": (200, [HTML], PAGE)}), dnt_refuses=[], gpc_refuses=[])
    with pytest.raises(ValueError, match="neither signal refuses anything by the site's policy"):
        assert_honors_signals(app, ["/"])


def test_what_is_blocked_for_everybody_can_be_checked_without_signals() -> None:
    bare = asgi_site({"/": (200, [HTML], PAGE)})
    policy = Policy(dnt_refuses=[], gpc_refuses=[], block=["google-analytics"])  # type: ignore[arg-type]
    assert_honors_signals(DNTGuardMiddleware(bare, policy), ["/"])
    assert said(bare, "/", policy=policy)[0] == f"/ {BOTH}"


def test_what_is_no_application_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="not an ASGI or WSGI application"):
        assert_honors_signals("shop:app", ["/"])


# --- redirects --------------------------------------------------------------------------------------------------------


@kinds
def test_redirects_on_the_same_host_are_followed_and_checked(kind: str) -> None:
    """Also to https, and with the cookies that were set on the way."""
    answers = {
        "/old": (301, [("Location", "https://testserver/older")], b""),
        "/older": (303, [("Location", "new?a=b")], b""),
        "/new": (200, [HTML], PAGE),
    }
    assert said(SITES[kind](answers), "/old") == [f"/old -> /new {BOTH}", *THE_TRACKER, UNSEEN]


def test_what_a_redirect_sets_is_checked() -> None:
    answers = {"/old": (302, [("Location", "/"), ("Set-Cookie", "_ga=1")], b""), "/": (200, [HTML], b"<p>Tea</p>")}
    assert said(asgi_site(answers), "/old")[:2] == [f"/old {BOTH}", "  Set-Cookie: _ga"]


@pytest.mark.parametrize("location", [None, "https://pay.example/", "//pay.example/"])
def test_another_host_is_not_asked(location: str | None) -> None:
    fields = [] if location is None else [("Location", location)]
    assert_honors_signals(asgi_site({"/pay": (302, fields, b"")}), ["/pay"])


def test_cookies_are_carried_through_redirects() -> None:
    app = Flask("shop")

    @app.get("/")
    def home() -> Any:
        if "seen" in request.cookies:
            return PAGE
        response = redirect("/")
        response.set_cookie("seen", "1")
        return response

    assert said(app, "/")[0] == f"/ -> / {BOTH}"


def test_a_circle_ends() -> None:
    app = asgi_site({"/": (302, [("Location", "/")], b"")})
    assert said(app, "/") == [
        "/ without a signal, and with DNT: 1, and with Sec-GPC: 1",
        "  redirects more than 10 times",
    ]


def test_an_error_behind_a_redirect_is_named_with_the_way_to_it() -> None:
    app = asgi_site({"/old": (302, [("Location", "/nowhere")], b"")})
    assert said(app, "/old")[0] == "/old -> /nowhere without a signal, and with DNT: 1, and with Sec-GPC: 1"


def test_the_judgement_holds_the_policys_other_options() -> None:
    """All but where it acts, and who is told."""
    policy = Policy(exclude=["/"], report_only=True, third_party="keep", on_report=print)  # type: ignore[arg-type]
    assert dntguard.testing.judgement.strict(policy) == Policy(third_party="keep", on_error="remove")
    assert dntguard.testing.judgement.strict(policy).on_report is None
