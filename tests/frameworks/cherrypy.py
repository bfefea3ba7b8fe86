"""CherryPy: the middleware around an application on its tree, its web test's client, its own server."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import cache
from threading import Event, Thread
from typing import Any

import cherrypy
from cheroot.test.webtest import openURL
from cherrypy._cpwsgi_server import CPWSGIServer
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wsgi import ClosingIterator

from dntguard.wsgi import DNTGuardMiddleware, Environ, StartResponse, WSGIApp
from tests.case_table import Request
from tests.frameworks.stage import LENGTHS, LINES, TARGETS, Answer, Framework, Stage
from tests.servers.client import TIMEOUT
from tests.servers.processes import free_port


def application(stage: Stage) -> WSGIApp:
    """An application that answers as the stage says."""

    class Root:
        @cherrypy.expose
        def default(self, *path: str, **query: str) -> Any:
            request, response = cherrypy.request, cherrypy.response
            given = stage.answer(
                request.method,
                request.scheme,
                request.headers["Host"],
                request.path_info,
                # CherryPy adds who asks.
                [pair for pair in request.headers.items() if pair[0] not in ("Remote-Addr", "Remote-Host")],
                request.wsgi_environ.get("dntguard.consent"),
            )

            def head() -> None:
                # `response.headers` is a dictionary; what goes out is this list. CherryPy has put the length in.
                headers = [(name.encode(), value.encode("latin-1")) for name, value in given.headers]
                if all(name.lower() != b"content-length" for name, _ in headers):
                    headers += [pair for pair in response.header_list if pair[0] == b"Content-Length"]
                response.header_list = headers

            request.hooks.attach("on_end_resource", head)
            response.status = given.status
            response.stream = given.stream
            return iter(given.pieces()) if given.stream else b"".join(given.pieces())

    app = cherrypy.Application(Root(), config={"/": {"request.process_request_body": False}})
    return app if stage.options is None else DNTGuardMiddleware(app, **stage.options)


@cache
def _served() -> int:
    """The port on which CherryPy's own server serves what is on its tree, as long as this process lives."""
    cherrypy.config.update({"environment": "test_suite"})
    server = CPWSGIServer()
    server.bind_addr = ("127.0.0.1", free_port())
    Thread(target=server.start, daemon=True).start()  # its workers are daemons then, for which no process waits
    while not server.ready:
        time.sleep(0.01)
    port: int = server.bind_addr[1]
    return port


def ask(app: WSGIApp, request: Request) -> Answer:
    """What the client gets from CherryPy's own server."""
    port = _served()
    done = Event()

    def served(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return ClosingIterator(app(environ, start_response), done.set)

    cherrypy.tree.graft(ProxyFix(served))
    headers = [("Host", request.host), ("X-Forwarded-Proto", request.scheme), ("Connection", "close"), *request.headers]
    status, fields, body = openURL(request.path, headers, request.method, port=port, raise_subcls=OSError)  # type: ignore[no-untyped-call]
    done.wait(TIMEOUT)  # dntguard reports at the end, which may come a moment after the answer
    return Answer(int(status[:3]), fields, body)


_REPEATED = "CherryPy's own server keeps the last of repeated fields"
CHERRYPY = Framework(
    "CherryPy",
    "wsgi",
    "examples.cherrypy_app",
    application,
    ask,
    not_carried={
        **TARGETS,
        **LINES,
        **LENGTHS,
        "of repeated sec-gpc fields one exact 1 is enough": _REPEATED,
        "repeated sec-gpc fields of which none is exactly 1 are no signal": _REPEATED,
        "of repeated dnt fields one refusal is enough": _REPEATED,
    },
    faithful=144,
)
