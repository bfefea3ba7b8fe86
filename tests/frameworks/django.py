"""Django: its settings, its test clients; as a WSGI and as an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from http.cookies import SimpleCookie
from typing import Any

import django
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client, override_settings
from django.urls import re_path

import examples.django_app
from dntguard.asgi import Receive, Scope, Send
from dntguard.wsgi import Environ, StartResponse
from tests.case_table import Request
from tests.frameworks.stage import COOKIE_LINES, LINES, TARGETS, Answer, Framework, Stage, joined

COOKIES = {COOKIE_LINES: "Django writes no such lines"}
TRIMMED = dict.fromkeys(
    ("a cookie field of nothing but refused cookies goes", "a cookie field without refused cookies keeps its bytes"),
    "Django 6.1 takes the end of a Cookie field away that says nothing, by ASGI",
)
TRIMS = TRIMMED if django.VERSION >= (6, 1) else {}


def respond(stage: Stage, request: HttpRequest, *, by_async: bool) -> HttpResponseBase:
    """Django's response of what the stage answers."""
    fields = request.headers
    given = stage.answer(
        request.method or "",
        request.scheme or "",
        fields["Host"],
        request.path,
        fields.items(),
        getattr(request, "consent", None),
    )
    pieces = given.pieces()

    async def asynchronously() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    response: HttpResponseBase
    if given.stream:
        response = StreamingHttpResponse(asynchronously() if by_async else iter(pieces), status=given.status)
    else:
        response = HttpResponse(b"".join(pieces), status=given.status)
    del response.headers["Content-Type"]
    for name, value in given.headers:
        if name.lower() == "set-cookie":
            response.cookies.update(SimpleCookie(value))
        else:
            response.headers[name] = value
    return response


class Site:
    """A project with one view, for a while the process's: Django's settings are global."""

    def __init__(self, stage: Stage, view: Any) -> None:
        middleware = ["dntguard.integrations.django.middleware.DNTGuardMiddleware"]
        self.settings: dict[str, Any] = {
            "ROOT_URLCONF": (re_path("", view),),
            "MIDDLEWARE": [] if stage.options is None else middleware,
            "DNTGUARD": stage.options or {},
        }
        self.handler: Any = None


class WSGISite(Site):
    """One by WSGI."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, lambda request: respond(stage, request, by_async=False))
        self.client = Client(raise_request_exception=False)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as WSGI."""
        with override_settings(**self.settings):
            self.handler = self.handler or WSGIHandler()
            answer: Iterable[bytes] = self.handler(environ, start_response)
            return answer


class ASGISite(Site):
    """One by ASGI; of several requests that overlap, one after the other has the process's settings."""

    turn = asyncio.Lock()

    def __init__(self, stage: Stage) -> None:
        async def view(request: HttpRequest) -> HttpResponseBase:
            return respond(stage, request, by_async=True)

        super().__init__(stage, view)
        self.client = AsyncClient(raise_request_exception=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ASGI."""
        async with self.turn:
            with override_settings(**self.settings):
                self.handler = self.handler or ASGIHandler()
                await self.handler(scope, receive, send)


class Fields(list[tuple[bytes, bytes]]):
    """A header list to which the client, which has no cookies of its own, adds none."""

    def append(self, field: tuple[bytes, bytes]) -> None:
        assert field == (b"cookie", b"")


def ask(app: Any, request: Request) -> Answer:
    """What the test client gets."""
    site = app if isinstance(app, WSGISite) else None
    client = site.client if site else Client(raise_request_exception=False)
    named = [("HTTP_" + name.upper().replace("-", "_"), value) for name, value in request.headers]
    fields: dict[str, Any] = {"HTTP_HOST": request.host, **joined(named)}
    client.cookies.clear()
    with override_settings(**(site.settings if site else {})):
        response: Any = client.generic(request.method, request.path, secure=request.scheme == "https", **fields)
        return answer_of(response, b"".join(response))


def ask_async(app: Any, request: Request) -> Answer:
    """What the asynchronous test client gets."""
    site = app if isinstance(app, ASGISite) else None
    client = site.client if site else AsyncClient(raise_request_exception=False)
    pairs = [("host", request.host), *request.headers]
    headers = Fields((name.lower().encode(), value.encode("latin-1")) for name, value in pairs)
    scope = {"method": request.method, "path": request.path, "scheme": request.scheme, "query_string": b""}
    client.cookies.clear()

    async def asked() -> Answer:
        response: Any = await client.request(**scope, headers=headers)
        pieces = [piece async for piece in response] if response.streaming else list(response)
        return answer_of(response, b"".join(pieces))

    with override_settings(**(site.settings if site else {})):
        return asyncio.run(asked())


def answer_of(response: Any, body: bytes) -> Answer:
    """A response with its cookies among the headers."""
    cookies = [("Set-Cookie", morsel.OutputString()) for morsel in response.cookies.values()]
    return Answer(response.status_code, [*response.headers.items(), *cookies], body)


DJANGO = Framework(
    "Django",
    "wsgi",
    examples.django_app.__name__,
    WSGISite,
    ask,
    not_carried={**TARGETS, **LINES, **COOKIES},
    faithful=146,
)
DJANGO_ASYNC = Framework(
    "Django, asynchronous",
    "asgi",
    None,
    ASGISite,
    ask_async,
    not_carried={**TARGETS, **COOKIES, **TRIMS},
    faithful=147 - len(TRIMS),
    not_served=TRIMS,
)
