"""Both shops on real servers of this machine, each in a thread of its own."""

import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import uvicorn
from waitress.server import create_server  # type: ignore[import-untyped]

from . import flask_app, starlette_app
from .visitor import over_http

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop and where it is served: behind dntguard, and bare for comparison."""

    name: str
    address: str
    bare: str


@contextmanager
def both_shops(port: int) -> Iterator[list[Shop]]:
    """Serve the Starlette shop at `port` and the Flask shop at the next one, or at the next ones that are free."""
    with ExitStack() as stack:
        first, first_address = listen(port)
        second, second_address = listen(int(first_address.rpartition(":")[2]) + 1)
        third, third_address = listen(0)
        fourth, fourth_address = listen(0)
        stack.enter_context(on_uvicorn(starlette_app.app, first))
        stack.enter_context(on_waitress(flask_app.app, second))
        stack.enter_context(on_uvicorn(starlette_app.bare, third))
        stack.enter_context(on_waitress(flask_app.bare, fourth))
        for address in (first_address, second_address, third_address, fourth_address):
            wait_for(address)
        yield [
            Shop("Starlette on uvicorn", first_address, third_address),
            Shop("Flask on waitress", second_address, fourth_address),
        ]


def listen(port: int) -> tuple[socket.socket, str]:
    """Listen at the port or, if it is taken, at the next free one. The socket is ours from here on: no race."""
    for candidate in [*range(port, min(port + 50, 65536)), 0] if port else [0]:
        listener = socket.socket()
        if os.name == "posix":  # elsewhere this option would take a port away from another program
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
            listener.listen(128)
        except OSError as problem:
            listener.close()
            if problem.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
        else:
            return listener, f"http://{HOST}:{listener.getsockname()[1]}"
    raise OSError(f"No port of {HOST} is free.")


@contextmanager
def on_uvicorn(app: Callable[..., Any], listener: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(5)


@contextmanager
def on_waitress(app: "WSGIApplication", listener: socket.socket) -> Iterator[None]:
    server = create_server(app, sockets=[listener], threads=8)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        # Its loop waits in select(): the trigger wakes it up, and closes in the thread that reads.
        server.trigger.pull_trigger(server.close)
        server.task_dispatcher.shutdown(timeout=1)
        thread.join(1)


def wait_for(address: str, seconds: float = 15) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            over_http(address)("GET", "/static/leaf.svg", [], b"")
        except (OSError, HTTPException) as problem:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{address} does not answer: {problem}") from problem
            time.sleep(0.05)
        else:
            return
