"""One small site in every framework, asked by that framework's test client or by a general one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import flask
import httpx
import quart
import requests
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, override_settings
from django.test import Client as DjangoClient
from django.urls import path
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from webtest import TestApp

import examples.django_app  # noqa: F401  # the settings of this process
from dntguard.asgi import DNTGuardMiddleware
from dntguard.integrations.flask import DNTGuard as FlaskGuard
from dntguard.integrations.quart import DNTGuard as QuartGuard
from dntguard.wsgi import DNTGuardMiddleware as WSGIMiddleware

GPC = {"Sec-GPC": "1"}


@dataclass(frozen=True)
class Site:
    """What the site answers on `/shop`.

    Attributes:
        body: its page.
        options: of the policy; None for a site without dntguard.
        stream: whether the page comes in pieces.
        cookies: from names to values.
        coding: the page's content coding; empty for none.
    """

    body: bytes
    options: dict[str, Any] | None = None
    stream: bool = False
    cookies: tuple[tuple[str, str], ...] = ()
    coding: str = ""

    @property
    def pieces(self) -> list[bytes]:
        """The page in pieces."""
        return [self.body[place : place + 7] for place in range(0, len(self.body), 7)]

    async def asynchronously(self) -> AsyncIterator[bytes]:
        """The same, awaited."""
        for piece in self.pieces:
            yield piece

    def dress(self, response: Any) -> Any:
        """The response with the coding and the cookies; all frameworks say these alike."""
        if self.coding:
            response.headers["Content-Encoding"] = self.coding
        for name, value in self.cookies:
            response.set_cookie(name, value)
        return response


Headers = dict[str, str]
Ask = Callable[[Site, Headers], Any]


def flask_app(site: Site) -> flask.Flask:
    app = flask.Flask("shop")
    if site.options is not None:
        FlaskGuard(app, **site.options)

    @app.get("/shop")
    def shop() -> flask.Response:
        body = iter(site.pieces) if site.stream else site.body
        answered: flask.Response = site.dress(flask.Response(body))
        return answered

    return app


def starlette_app(site: Site) -> Starlette:
    async def shop(request: Request) -> Response:
        if site.stream:
            streaming: Response = site.dress(StreamingResponse(site.asynchronously(), media_type="text/html"))
            return streaming
        whole: Response = site.dress(Response(site.body, media_type="text/html"))
        return whole

    app = Starlette(routes=[Route("/shop", shop)])
    if site.options is not None:
        app.add_middleware(DNTGuardMiddleware, **site.options)
    return app


def quart_app(site: Site) -> quart.Quart:
    app = quart.Quart("shop")
    if site.options is not None:
        QuartGuard(app, **site.options)

    @app.get("/shop")
    async def shop() -> quart.Response:
        body: Any = site.asynchronously() if site.stream else site.body
        answered: quart.Response = site.dress(quart.Response(body, content_type="text/html"))
        return answered

    return app


def django_settings(site: Site, *, by_async: bool) -> dict[str, Any]:
    def respond(request: HttpRequest) -> Any:
        if site.stream:
            return site.dress(StreamingHttpResponse(site.asynchronously() if by_async else iter(site.pieces)))
        return site.dress(HttpResponse(site.body))

    async def respond_async(request: HttpRequest) -> Any:
        return respond(request)

    return {
        "ROOT_URLCONF": (path("shop", respond_async if by_async else respond),),
        "MIDDLEWARE": [] if site.options is None else ["dntguard.integrations.django.middleware.DNTGuardMiddleware"],
        "DNTGUARD": site.options or {},
    }


def ask_flask(site: Site, headers: Headers) -> Any:
    return flask_app(site).test_client().get("/shop", headers=headers)


def ask_django(site: Site, headers: Headers) -> Any:
    with override_settings(**django_settings(site, by_async=False)):
        return DjangoClient().get("/shop", headers=headers)


def ask_django_async(site: Site, headers: Headers) -> Any:
    with override_settings(**django_settings(site, by_async=True)):
        # As inside of an asynchronous test, whose loop goes on: `asyncio.run` would end the streams in it.
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(_awaited(AsyncClient().get("/shop", headers=headers)))
        finally:
            loop.close()


async def _awaited(answer: Any) -> Any:
    return await answer


def ask_starlette(site: Site, headers: Headers) -> Any:
    return TestClient(starlette_app(site)).get("/shop", headers=headers)


def ask_quart(site: Site, headers: Headers) -> Any:
    return asyncio.run(_awaited(quart_app(site).test_client().get("/shop", headers=headers)))


def ask_httpx(site: Site, headers: Headers) -> Any:
    with httpx.Client(transport=httpx.WSGITransport(flask_app(site)), base_url="http://testserver") as client:
        return client.get("/shop", headers=headers)


def ask_webtest(site: Site, headers: Headers) -> Any:
    app = flask_app(Site(site.body, None, site.stream, site.cookies, site.coding))
    guarded = app if site.options is None else WSGIMiddleware(app, **site.options)
    return TestApp(guarded).get("/shop", headers=headers)


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base's name
        pass


def ask_requests(site: Site, headers: Headers) -> Any:
    """Over loopback, for it has no other way."""
    with make_server("127.0.0.1", 0, flask_app(site), handler_class=_Silent) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        with requests.Session() as session:
            response = session.get(f"http://127.0.0.1:{server.server_port}/shop", headers=headers, timeout=30)
        thread.join()
        return response


CLIENTS: dict[str, Ask] = {
    "Flask": ask_flask,
    "Django": ask_django,
    "Django, asynchronously": ask_django_async,
    "Starlette": ask_starlette,
    "Quart": ask_quart,
    "httpx": ask_httpx,
    "WebTest": ask_webtest,
    "requests": ask_requests,
}
