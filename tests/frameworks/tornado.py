"""Tornado: its WSGI container around a guarded WSGI application, its HTTP client on a bound socket."""

from __future__ import annotations

import asyncio

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders
from tornado.testing import bind_unused_port
from tornado.wsgi import WSGIContainer

from tests.case_table import Request
from tests.frameworks import wsgi
from tests.frameworks.stage import COOKIE_LINES, LENGTHS, LINES, NO_HOST, TARGETS, Answer, Framework, Stage


def application(stage: Stage) -> WSGIContainer:
    """An application that answers as the stage says."""
    return WSGIContainer(wsgi.application(stage))


def ask(app: WSGIContainer, request: Request) -> Answer:
    """What the client gets from Tornado's server."""
    return asyncio.run(_ask(app, request))


async def _ask(app: WSGIContainer, request: Request) -> Answer:
    headers = HTTPHeaders({"Host": request.host, "X-Forwarded-Proto": request.scheme})
    for name, value in request.headers:
        headers.add(name, value)
    socket, port = bind_unused_port()
    server = HTTPServer(app, xheaders=True)
    server.add_socket(socket)
    client = AsyncHTTPClient(force_instance=True)
    asked = HTTPRequest(
        f"http://127.0.0.1:{port}/{request.path.removeprefix('/')}",
        request.method,
        headers,
        request_timeout=5,
        follow_redirects=False,
        decompress_response=False,
        body=b"" if request.method in ("PUT", "POST") else None,
    )
    try:
        answer = await client.fetch(asked, raise_error=False)
        return Answer(answer.code, list(answer.headers.get_all()), answer.body)
    finally:
        client.close()
        server.stop()
        await server.close_all_connections()


_LENGTH = "the server breaks off where the length of the bare answer is wrong"
_SPACE = "spaces at the ends of a value are an error for Tornado's headers"
TORNADO = Framework(
    "Tornado",
    "own",
    "examples.tornado_app",
    application,
    ask,
    not_carried={
        **dict.fromkeys(TARGETS, "the client asks for a path"),
        **LINES,
        **NO_HOST,
        **LENGTHS,
        "head of an application that sends the page all the same has the length of the rewritten page": _LENGTH,
        COOKIE_LINES: _SPACE,
        "a cookie field without refused cookies keeps its bytes": _SPACE,
        "sec-gpc with whitespace around it refuses": _SPACE,
    },
    faithful=139,
    altered={
        "without a type what does not look like markup is none": "the container calls what has no type HTML",
        "data in a stream without a length": "the container waits for the end, and tells the length",
    },
)
