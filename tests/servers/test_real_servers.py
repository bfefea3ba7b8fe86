"""The same site on every server: with a signal, without one, and without dntguard."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers.site import DATA, PAUSE, REWRITTEN

ROOT = Path(__file__).parent.parent.parent

ASGI_SERVERS = {
    "uvicorn": "-m uvicorn {app} --port {port} --http h11 --no-access-log --log-level warning",
    "hypercorn": "-m hypercorn {app} --bind 127.0.0.1:{port} --log-level warning",
    "granian": "-m granian {app} --interface asgi --port {port} --no-ws --log-level warning",
}
WSGI_SERVERS = {
    "gunicorn sync": "-m gunicorn {app} --bind 127.0.0.1:{port} --worker-class sync",
    "gunicorn gthread": "-m gunicorn {app} --bind 127.0.0.1:{port} --worker-class gthread --threads 2",
    "waitress": "-m waitress --listen 127.0.0.1:{port} {app}",
    "granian wsgi": "-m granian {app} --interface wsgi --port {port} --no-ws --log-level warning",
}
SIGNALS = [{"DNT": "1"}, {"Sec-GPC": "1"}]
IGNORED = {"date", "connection", "vary"}
"""What differs between two answers of one server, and `Vary`, which is dntguard's to add."""


@dataclass
class Answer:
    """What a client got, and when: seconds from the request to the first bytes of the body and to the last."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    first: float
    last: float

    def values(self, name: str) -> list[str]:
        """Every value of the field `name`."""
        return [value for key, value in self.headers if key.lower() == name]


@dataclass
class Server:
    """One server that serves the site bare and guarded."""

    name: str
    ports: dict[str, int] = field(default_factory=dict)

    def get(self, path: str, headers: dict[str, str] | None = None, *, app: str = "guarded") -> Answer:
        """What a plain HTTP/1.1 client gets."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.ports[app], timeout=10)) as connection:
            began = time.monotonic()
            connection.request("GET", path, headers=headers or {})
            response = connection.getresponse()
            body = response.read1(1 << 16)
            first = time.monotonic() - began
            while piece := response.read1(1 << 16):
                body += piece
            return Answer(response.status, response.getheaders(), body, first, time.monotonic() - began)


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(command: str, app: str, port: int) -> Iterator[None]:
    """The server as a process of its own, until the end."""
    words = command.format(app=app, port=port).split()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        _wait_for(process, port)
        yield
    finally:
        process.terminate()
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the server answers a request; a server that ends before is an error that shows what it printed."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended: {process.communicate()[0].decode()}")
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            with closing(connection):
                connection.request("GET", "/data")
                connection.getresponse().read()
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not answer")


@pytest.fixture(scope="module", params=[*ASGI_SERVERS, *WSGI_SERVERS])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each server in turn, serving both applications."""
    name: str = request.param
    kind, commands = ("asgi", ASGI_SERVERS) if name in ASGI_SERVERS else ("wsgi", WSGI_SERVERS)
    served = Server(name)
    with ExitStack() as stack:
        for app in ("bare", "guarded"):
            served.ports[app] = free_port()
            stack.enter_context(running(commands[name], f"tests.servers.site:{kind}_{app}", served.ports[app]))
        yield served


def comparable(answer: Answer) -> list[tuple[str, str]]:
    """The headers that must not depend on dntguard."""
    return [(name, value) for name, value in answer.headers if name.lower() not in IGNORED]


@pytest.mark.parametrize("path", ["/whole", "/stream", "/cookies", "/data"])
def test_without_a_signal_the_answer_is_the_bare_sites(server: Server, path: str) -> None:
    cookie = {"Cookie": "_ga=1; a=2"}
    bare, guarded = server.get(path, cookie, app="bare"), server.get(path, cookie)
    assert guarded.status == 200
    assert guarded.body == bare.body
    assert comparable(guarded) == comparable(bare)
    assert guarded.values("vary") == ["DNT, Sec-GPC"]


@pytest.mark.parametrize("signal", SIGNALS, ids=str)
def test_a_whole_page_is_rewritten_and_its_length_is_exact(server: Server, signal: dict[str, str]) -> None:
    answer = server.get("/whole", signal)
    assert answer.body == REWRITTEN
    assert answer.values("content-length") == [str(len(REWRITTEN))]
    assert answer.values("transfer-encoding") == []
    assert answer.values("vary") == ["DNT, Sec-GPC"]


@pytest.mark.parametrize("signal", SIGNALS, ids=str)
def test_a_streamed_page_is_rewritten_and_chunked(server: Server, signal: dict[str, str]) -> None:
    answer = server.get("/stream", signal)
    assert answer.body == REWRITTEN
    assert answer.values("content-length") == []
    assert answer.values("transfer-encoding") == ["chunked"]


def test_a_streamed_page_arrives_in_pieces(server: Server) -> None:
    answer = server.get("/stream", {"DNT": "1"})
    assert answer.last >= PAUSE
    assert answer.last - answer.first >= PAUSE / 2, "the first bytes waited for the last"


def test_what_is_no_page_passes_with_its_validator(server: Server) -> None:
    bare, guarded = server.get("/data", app="bare"), server.get("/data", {"DNT": "1"})
    assert guarded.body == bare.body == DATA
    assert comparable(guarded) == comparable(bare)
    assert guarded.values("etag") == ['"data"']


def test_refused_cookies_are_neither_seen_nor_set_and_are_expired(server: Server) -> None:
    answer = server.get("/cookies", {"Sec-GPC": "1", "Cookie": "a=1; _ga=GA1.2; session=2", "Host": "www.shop.example"})
    assert answer.body == b'<p>["a", "session"]</p>'
    assert answer.values("set-cookie") == [
        "session=1; Path=/; HttpOnly",
        "_ga=; Max-Age=0; Path=/",
        "_ga=; Max-Age=0; Path=/; Domain=shop.example",
        "_ga=; Max-Age=0; Path=/; Domain=www.shop.example",
    ]


def test_head_has_no_body_and_the_length_that_get_has_if_any(server: Server) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.ports["guarded"], timeout=10)) as connection:
        connection.request("HEAD", "/whole", headers={"DNT": "1"})
        response = connection.getresponse()
        assert response.read() == b""
        assert response.headers.get("Content-Length", str(len(REWRITTEN))) == str(len(REWRITTEN))


def test_raw_bytes_in_a_signal_and_an_absolute_target_are_answered(server: Server) -> None:
    request = (
        b"GET http://www.shop.example/whole HTTP/1.1\r\nHost: www.shop.example\r\nSec-GPC: 0\r\nSec-GPC: 1\r\n"
        b"DNT: \xff\xfe\r\nCookie: _ga\xff=1; \xc3\xa9=2\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.ports["guarded"]), timeout=10) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert body in (REWRITTEN, DATA)


def test_a_client_that_goes_away_leaves_the_server_in_order(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.ports["guarded"]), timeout=10) as connection:
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: shop.example\r\nDNT: 1\r\n\r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 200")
    assert server.get("/whole", {"DNT": "1"}).body == REWRITTEN
