"""The servers, how each is started, and what each cannot do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.servers import processes
from tests.servers.client import Answer, Client, Headers, Http1, Http2
from tests.servers.processes import free_port

HOST = (b"Host", b"shop.example")


@dataclass(frozen=True)
class Kind:
    """A server.

    Attributes:
        interface: "asgi" or "wsgi".
        command: the words after `python`; `{port}` and `{app}` are filled in.
        http: the protocol's version that is spoken with it.
        absolute_form: whether it takes a target in absolute form (RFC 9112 section 3.2.2), which HTTP/2 has not.
        keeps_order: whether fields of different names stay in their order; those of one name always do.
        ends_all: whether it ends an answer that the application does not bring to its end; else the client waits.
    """

    interface: str
    command: str
    http: int = 1
    absolute_form: bool = True
    keeps_order: bool = True
    ends_all: bool = True


KINDS = {
    "uvicorn h11": Kind(
        "asgi", "-m uvicorn {app} --port {port} --http h11 --loop asyncio --no-access-log --log-level warning"
    ),
    "uvicorn httptools": Kind(
        "asgi", "-m uvicorn {app} --port {port} --http httptools --loop asyncio --no-access-log --log-level warning"
    ),
    "hypercorn": Kind("asgi", "-m hypercorn {app} --bind 127.0.0.1:{port} --log-level warning"),
    "hypercorn h2": Kind(
        "asgi",
        "-m hypercorn {app} --bind 127.0.0.1:{port} --log-level warning",
        http=2,
        absolute_form=False,
        ends_all=False,
    ),
    "granian": Kind(
        "asgi", "-m granian {app} --interface asgi --port {port} --no-ws --log-level warning", keeps_order=False
    ),
    "daphne": Kind(
        "asgi", "-m daphne --bind 127.0.0.1 --port {port} --verbosity 0 {app}", keeps_order=False, ends_all=False
    ),
    "gunicorn sync": Kind("wsgi", "-m gunicorn {app} --bind 127.0.0.1:{port} --worker-class sync"),
    "gunicorn gthread": Kind("wsgi", "-m gunicorn {app} --bind 127.0.0.1:{port} --worker-class gthread --threads 2"),
    "waitress": Kind(
        "wsgi",
        "-m waitress --listen 127.0.0.1:{port} --trusted-proxy 127.0.0.1"
        " --trusted-proxy-headers x-forwarded-proto {app}",
        keeps_order=False,
    ),
    "cheroot": Kind("wsgi", "-m cheroot {app} --bind 127.0.0.1:{port}", absolute_form=False),
    "werkzeug": Kind("wsgi", "-m tests.servers.run_werkzeug {port} {app}"),
    "granian wsgi": Kind(
        "wsgi",
        "-m granian {app} --interface wsgi --port {port} --no-ws --log-level warning",
        keeps_order=False,
    ),
}


@dataclass(frozen=True)
class Server:
    """One server that serves everything in `tests.servers.apps`."""

    name: str
    kind: Kind
    port: int

    def client(self) -> Client:
        """A client that speaks with it."""
        return Http2(self.port) if self.kind.http == 2 else Http1(self.port)

    def answers(self) -> bool:
        """Whether it serves already."""
        try:
            return self.get("/data").status == 200
        except OSError:
            return False  # nobody listens yet

    def get(
        self, path: str, headers: dict[str, str] | None = None, *, way: str = "guarded", method: str = "GET"
    ) -> Answer:
        """What a client of its own gets from the application behind dntguard, or bare."""
        pairs = {"Host": "shop.example", **(headers or {})}
        with self.client() as client:
            fields: Headers = [(name.encode(), value.encode()) for name, value in pairs.items()]
            return client.ask(f"{path}?way={way}".encode(), fields, method=method.encode())


@contextmanager
def running(name: str) -> Iterator[Server]:
    """The server as a process of its own, until the end."""
    kind = KINDS[name]
    server = Server(name, kind, free_port())
    words = kind.command.format(app=f"tests.servers.apps:{kind.interface}", port=server.port).split()
    with processes.running([sys.executable, *words], server.answers):
        yield server
