"""`python -m dntguard serve`: any application behind a real server, guarded, without a change to its code."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dntguard.cli import main
from dntguard.interface import is_asgi
from tests.servers.processes import free_port

APPS = """
PAGE = b"<p>x</p><script src=https://static.hotjar.com/h.js></script>"
TYPE = "text/html; charset=utf-8"

async def function(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", TYPE.encode())]})
    await send({"type": "http.response.body", "body": PAGE})

class Instance:
    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            await function(scope, receive, send)

class Plain:
    def __call__(self, scope, receive, send):
        return function(scope, receive, send)

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", TYPE)])
    return [PAGE]

instance = Instance()
plain = Plain()
nothing = 7
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop_apps.py").write_text(APPS)
    return tmp_path


@contextmanager
def served(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "dntguard", "serve", *arguments, "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment)
    try:
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=30)


def get(port: int) -> bytes:
    """The page for a visitor with a signal, as soon as the server answers."""
    deadline = time.monotonic() + 30
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/", headers={"Sec-GPC": "1"})
            return connection.getresponse().read()
        except ConnectionError:
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)
        finally:
            connection.close()


@pytest.mark.parametrize("app", ["shop_apps:function", "shop_apps:instance", "shop_apps:plain", "shop_apps"])
def test_an_application_of_either_kind_is_served_guarded(folder: Path, app: str) -> None:
    """By a real server; without an attribute it is `app`."""
    with served(folder, app) as port:
        assert get(port) == b"<p>x</p><!---->"


def test_options_come_from_a_file_or_the_environment(folder: Path) -> None:
    """The file's count where one is named."""
    (folder / "policy.toml").write_text('allow = ["hotjar"]\n')
    with served(folder, "shop_apps:app", "--policy", "policy.toml") as port:
        assert b"hotjar" in get(port)
    with served(folder, "shop_apps:app", environment={**os.environ, "DNTGUARD_ALLOW": "hotjar"}) as port:
        assert b"hotjar" in get(port)


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("no_such_module:app", "no_such_module:app: cannot be loaded: No module named 'no_such_module'"),
        ("shop_apps:none", "shop_apps:none: cannot be loaded: module 'shop_apps' has no attribute 'none'"),
        (":app", ":app: cannot be loaded: Empty module name"),
        ("shop_apps:nothing", "shop_apps:nothing: is no application: 7 cannot be called"),
    ],
)
def test_what_is_no_application_gets_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], app: str, said: str
) -> None:
    """And code 2."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert main(["serve", app]) == 2
    assert capsys.readouterr().err == f"dntguard: {said}\n"


@pytest.mark.parametrize(("app", "server"), [("shop_apps:function", "uvicorn"), ("shop_apps:app", "waitress")])
def test_a_server_that_is_missing_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], app: str, server: str
) -> None:
    """With what to install."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, server, None)
    assert main(["serve", app]) == 2
    assert capsys.readouterr().err == (
        f"dntguard: {server} is missing, which serves such applications; pip install {server}\n"
    )


@pytest.mark.parametrize(
    ("app", "server"), [("shop_apps:function", "uvicorn.run"), ("shop_apps:app", "waitress.serve")]
)
def test_a_server_is_told_where_to_listen(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], app: str, server: str
) -> None:
    """The host and the port that were asked for; above, the servers are real."""
    calls: list[dict[str, object]] = []
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(server, lambda application, **where: calls.append({"guarded": application.guard, **where}))
    assert main(["serve", app, "--host", "::1", "--port", "8123"]) == 0
    assert [(call["host"], call["port"]) for call in calls] == [("::1", 8123)]
    said = "" if server == "uvicorn.run" else f"dntguard: serving {app} on http://[::1]:8123\n"
    assert capsys.readouterr().err == said


def test_a_wrong_variable_is_told_before_anything_is_served(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in the program."""
    monkeypatch.setenv("DNTGUARD_MODE", "nevre")
    assert main(["serve", "shop_apps:app"]) == 2
    assert "dntguard option 'mode': not a known value, got 'nevre'" in capsys.readouterr().err


def test_the_kind_of_an_application_is_told_by_how_it_is_called() -> None:
    """What cannot be asked is none of ASGI's."""
    assert is_asgi(lambda scope, receive, send: None)
    assert not is_asgi(lambda environ, start_response: [])
    assert not is_asgi(dict)
