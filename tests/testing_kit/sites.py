"""Small applications, bare and guarded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dntguard.asgi import ASGIApp, Receive, Scope, Send
from dntguard.wsgi import Environ, StartResponse, WSGIApp

TRACKER = b'<script async src="https://www.google-analytics.com/analytics.js"></script>'
PAGE = b"<!doctype html>\n<p>Tea</p>\n" + TRACKER + b"\n"
HTML = ("Content-Type", "text/html; charset=utf-8")
JSON = ("Content-Type", "application/json")

Answers = Mapping[str, tuple[int, list[tuple[str, str]], bytes]]
"""From paths to status, header fields and body; of other paths there is none."""


def asgi_site(answers: Answers) -> ASGIApp:
    """An ASGI application that gives these answers, byte by byte."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        status, fields, body = answers.get(scope["path"], (404, [HTML], b"Nothing is here."))
        headers = [(name.lower().encode(), value.encode()) for name, value in fields]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for place in range(len(body)):
            await send({"type": "http.response.body", "body": body[place : place + 1], "more_body": True})
        await send({"type": "http.response.body"})

    return app


def wsgi_site(answers: Answers) -> WSGIApp:
    """The same as a WSGI application."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        status, fields, body = answers.get(environ["PATH_INFO"], (404, [HTML], b"Nothing is here."))
        start_response(f"{status} Whatever", fields)
        return (body[place : place + 1] for place in range(len(body)))

    return app


SITES: dict[str, Any] = {"asgi": asgi_site, "wsgi": wsgi_site}
