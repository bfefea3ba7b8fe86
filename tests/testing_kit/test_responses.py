"""`assert_no_refused` on the responses of every test client."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask
import httpx
import pytest
import quart
import webob
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, override_settings
from django.urls import path
from starlette.responses import HTMLResponse, StreamingResponse

from dntguard import Policy
from dntguard.integrations.aiohttp import setup
from dntguard.integrations.django.decorators import dntguard_exempt
from dntguard.testing import Response, assert_no_refused
from tests.testing_kit.clients import CLIENTS, GPC, Site
from tests.testing_kit.sites import HTML, PAGE, TRACKER

every = pytest.mark.parametrize("ask", CLIENTS.values(), ids=CLIENTS)
either = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
UNCLAIMED = b'<!doctype html>\n<script src="https://cdn.nobody-knows.example/a.js"></script>'
Ask = Callable[[Site, dict[str, str]], Any]


def said(response: object, **more: Any) -> str:
    """What the assertion says, which must fail."""
    with pytest.raises(AssertionError) as caught:
        assert_no_refused(response, **more)
    return str(caught.value)


@every
@either
def test_a_guarded_page_passes(ask: Ask, stream: bool) -> None:
    assert_no_refused(ask(Site(PAGE, {}, stream), GPC))


@every
@either
def test_what_came_through_is_named_with_line_vendor_and_rule(ask: Ask, stream: bool) -> None:
    message = said(ask(Site(PAGE, None, stream), GPC), url="/shop")
    signals = "DNT: 1 and Sec-GPC: 1" if "quart" in ask.__name__ else "Sec-GPC: 1"
    assert message.split("\n")[:5] == [
        "not what a visitor with these signals may get:",
        "",
        f"/shop with {signals}",
        "  line 3: <script> https://www.google-analytics.com/analytics.js",
        "      Google Analytics (google-analytics), analytics; rule: google-analytics.com",
    ]


@every
def test_each_refused_cookie_is_named(ask: Ask) -> None:
    """`Set-Cookie` is no list: every client has its own way to keep the lines apart."""
    cookies = (("session", "a"), ("_ga", "GA1.2"), ("_fbp", "fb.1"))
    message = said(ask(Site(b"<p>Tea</p>", None, cookies=cookies), GPC), url="/shop")
    assert [line.strip() for line in message.split("\n") if "Set-Cookie" in line] == [
        "Set-Cookie: _ga",
        "Set-Cookie: _fbp",
    ]


@every
def test_a_page_in_a_content_coding_is_read(ask: Ask) -> None:
    """Some clients decode, others do not."""
    message = said(ask(Site(gzip.compress(PAGE), None, coding="gzip"), GPC), url="/shop")
    assert "line 3: <script> https://www.google-analytics.com/analytics.js" in message


@every
@either
def test_the_policy_of_the_middleware_judges(ask: Ask, stream: bool) -> None:
    """Without that the test must name it; one that is named counts over it."""
    response = ask(Site(UNCLAIMED, {"third_party": "keep"}, stream), GPC)
    url = "/shop" if "quart" in ask.__name__ else None
    assert_no_refused(response, url=url)
    message = said(response, url=url, policy=Policy())
    assert 'no known vendor\'s; rule: third_party: "remove"' in message


@every
def test_a_request_that_refuses_nothing_is_a_mistake(ask: Ask) -> None:
    """The check could not fail. Quart's responses do not know it; there both signals are taken for granted."""
    response = ask(Site(PAGE, {}), {})
    if "quart" in ask.__name__:
        assert "with DNT: 1 and Sec-GPC: 1" in said(response, url="/shop")
        return
    with pytest.raises(ValueError, match="carried no signal that refuses something, so this check could not fail"):
        assert_no_refused(response)
    assert "/shop with DNT: 1\n" in said(response, signals={"DNT": "1"})


@either
@pytest.mark.parametrize("name", ["Flask", "Django", "Starlette", "httpx", "WebTest", "requests"])
def test_the_body_can_be_read_again(name: str, stream: bool) -> None:
    response = CLIENTS[name](Site(b"<p>Tea</p>", {}, stream), GPC)
    assert_no_refused(response)
    assert_no_refused(response)
    body = {"Flask": "data", "WebTest": "body"}.get(name, "content")
    left = response.getvalue() if name == "Django" else getattr(response, body)
    assert left == b"<p>Tea</p>"


def test_an_exempt_view_of_django_must_hold_no_tracker() -> None:
    view = dntguard_exempt(lambda request: HttpResponse(PAGE))
    middleware = ["dntguard.integrations.django.middleware.DNTGuardMiddleware"]
    with override_settings(ROOT_URLCONF=(path("shop", view),), MIDDLEWARE=middleware):
        message = said(Client().get("/shop", headers=GPC))
    assert "to do: dntguard leaves /shop alone (exclude=('*',), or an exempt view): let it act there" in message


def test_an_asynchronous_stream_of_django_can_be_read_again() -> None:
    response = CLIENTS["Django, asynchronously"](Site(b"<p>Tea</p>", {}, stream=True), GPC)
    assert_no_refused(response)

    async def left() -> bytes:
        return b"".join([piece async for piece in response.streaming_content])

    assert asyncio.run(left()) == b"<p>Tea</p>"


MADE: list[Callable[[], Any]] = [
    lambda: flask.Response(PAGE),
    lambda: quart.Response(PAGE),
    lambda: HTMLResponse(PAGE),
    lambda: HttpResponse(PAGE),
    lambda: StreamingHttpResponse([PAGE]),
    lambda: httpx.Response(200, headers={"content-type": "text/html"}, content=PAGE),
    lambda: webob.Response(PAGE),
    lambda: Response(200, [HTML], PAGE),
]


@pytest.mark.parametrize("made", MADE, ids=["Flask", "Quart", "Starlette", "Django", "stream", "httpx", "WebOb", "own"])
def test_a_response_without_a_request_is_judged_for_both_signals(made: Callable[[], Any]) -> None:
    """As a view returns it. The address is the test's to say, and what is the site's own depends on it."""
    message = said(made(), url="/tea?x=1")
    assert "/tea with DNT: 1 and Sec-GPC: 1\n  line 3: <script>" in message
    assert "no middleware of dntguard was seen to answer" in message
    assert_no_refused(made(), url="https://www.google-analytics.com/tea")


@pytest.mark.parametrize("guarded", [False, True], ids=["bare", "guarded"])
def test_a_response_of_aiohttp_can_be_handed_over_as_the_documentation_says(guarded: bool) -> None:
    """Compressed, as its client asks for it."""
    page = (Path(__file__).parent.parent.parent / "docs" / "testing.md").read_text("utf-8")
    (block,) = [it for it in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "aiohttp" in it]
    documented: dict[str, Any] = {}
    exec(block, documented)  # noqa: S102  # the documentation's own words

    async def shop(request: web.Request) -> web.Response:
        response = web.Response(body=PAGE, content_type="text/html")
        response.enable_compression()
        return response

    async def asked() -> Response:
        app = web.Application()
        app.router.add_get("/shop", shop)
        if guarded:
            setup(app)
        async with TestClient(TestServer(app)) as client:
            read: Response = await documented["read"](await client.get("/shop", headers=GPC))
            return read

    response = asyncio.run(asked())
    if guarded:
        assert_no_refused(response, policy=Policy())
    else:
        assert "/shop with Sec-GPC: 1\n  line 3: <script>" in said(response, policy=Policy())


def test_what_is_no_page_is_judged_by_its_header_fields() -> None:
    fields = [("Content-Type", "application/json"), ("Link", "<https://static.hotjar.com/>; rel=preconnect")]
    message = said(Response(200, [*fields, ("Set-Cookie", "_ga=1")], TRACKER))
    assert "  Set-Cookie: _ga\n" in message
    assert "  header field link: https://static.hotjar.com/\n" in message
    assert "<script>" not in message


def test_a_page_that_cannot_be_read_is_no_page_that_passes() -> None:
    for body in (b"never zipped", gzip.compress(PAGE)[:-20] + b"x" * 30):
        message = said(Response(200, [HTML, ("Content-Encoding", "gzip")], body))
        assert "the whole page, which cannot be read and was not checked" in message
    message = said(Response(200, [HTML, ("Content-Encoding", "x-own")], b"?"))
    assert "the whole page, which cannot be read and was not checked: x-own, text/html" in message


@pytest.mark.parametrize("response", [None, b"<p>", {"status": 200}, StreamingResponse(iter([b"x"]))])
def test_what_is_no_response_is_a_mistake(response: object) -> None:
    with pytest.raises(TypeError, match=r"not a response that .* can read: .*; give what the test client"):
        assert_no_refused(response)


def test_a_stream_of_httpx_that_was_not_read_says_so_itself() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x"

    with pytest.raises(httpx.ResponseNotRead):
        assert_no_refused(httpx.Response(200, content=pieces()))
