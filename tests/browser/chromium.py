"""Gives pages to a Chromium and tells which hosts it asked.

Chromium is told that its proxy for everything is a server on loopback. That server is the web: it answers the pages
that are under test, refuses every other host, and remembers who was asked. So nothing leaves the machine, and no
address needs to exist.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import urlsplit

SITE = "http://shop.example"
"""Where the pages are: page 7 is `/7`."""

WAIT = b"<script src=?slow></script>"
"""A script of the site's own, another for each page, that takes its time. While Chromium waits for it, its preload
scanner reads on ahead: that knows tokens and no tree, so it sees what no parser sees, and asks for it."""

MISSING = (
    "no Chromium: neither $CHROMIUM nor chromium, chromium-browser or google-chrome runs here; "
    "`make browser` installs it with apt-get where it may"
)

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--proxy-bypass-list=<-loopback>", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
)
_PATIENCE = 90.0
"""Seconds within which all pages must have loaded."""
_AT_ONCE = 200
"""How many pages one Chromium is given: a slow machine must be able to load them in time."""
_QUIET = 1.0
"""Seconds without a request after the last page has loaded: prefetches come late."""


@cache
def command() -> str | None:
    """The Chromium of this machine, or None when there is none that runs."""
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name) if name else None
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    return None


@dataclass(slots=True)
class Asked:
    """What a Chromium asked for.

    Attributes:
        pages: the numbers of the pages that it got.
        urls: what it asked other hosts for, as (URL, number of the page that asked); the number is None where it cannot
            be known, as for https, of which a proxy learns the host alone.
        loaded: whether every page came to the end of its loading.
    """

    pages: set[int] = field(default_factory=set)
    urls: list[tuple[str, int | None]] = field(default_factory=list)
    loaded: bool = False

    def hosts(self) -> set[str]:
        """The hosts other than the site's own."""
        return {urlsplit(url).hostname or "" for url, _ in self.urls}

    def by(self, hosts: Sequence[str]) -> list[tuple[str, int | None]]:
        """What it asked some hosts for."""
        return [(url, page) for url, page in self.urls if (urlsplit(url).hostname or "").rstrip(".") in hosts]


def asked(pages: Sequence[bytes]) -> Asked:
    """What Chromium asks for when it shows these pages, each in a frame of its own, so many at once."""
    together = Asked(loaded=True)
    for start in range(0, len(pages), _AT_ONCE):
        part = _asked_at_once(pages[start : start + _AT_ONCE])
        together.pages |= {start + page for page in part.pages}
        together.urls += [(url, None if page is None else start + page) for url, page in part.urls]
        together.loaded &= part.loaded
    return together


def _asked_at_once(pages: Sequence[bytes]) -> Asked:
    chromium = command()
    assert chromium is not None, MISSING
    with _web(pages) as web, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        port = web.server_address[1]
        options = [f"--user-data-dir={profile}", f"--proxy-server=http://127.0.0.1:{port}", SITE + "/"]
        process = subprocess.Popen([chromium, *_FLAGS, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + _PATIENCE
            while not web.loaded.wait(0.1) and process.poll() is None and time.monotonic() < end:
                pass
            web.asked.loaded = web.loaded.is_set()
            while time.monotonic() < min(web.last + _QUIET, end):
                time.sleep(0.1)
        finally:
            process.terminate()
            process.wait(10)
    return web.asked


class _Web(ThreadingHTTPServer):
    """The proxy that is the web."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, pages: Sequence[bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.pages = pages
        self.asked = Asked()
        self.loaded = Event()
        self.last = time.monotonic()

    def handle_error(self, request: object, client_address: object) -> None:
        """Chromium hangs up in the middle when it is ended."""


@contextmanager
def _web(pages: Sequence[bytes]) -> Iterator[_Web]:
    web = _Web(pages)
    thread = Thread(target=web.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield web
    finally:
        web.shutdown()
        web.server_close()
        thread.join()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Web

    def do_CONNECT(self) -> None:
        self.server.last = time.monotonic()
        self.server.asked.urls.append((f"https://{self.path}", None))
        self.send_error(403)

    def do_GET(self) -> None:
        self.server.last = time.monotonic()
        url = urlsplit(self.path)
        if f"{url.scheme}://{url.netloc}" != SITE:
            asker = urlsplit(self.headers.get("Referer", "")).path.removeprefix("/")
            self.server.asked.urls.append((self.path, int(asker) if asker.isdecimal() else None))
            self.send_error(404)
        elif url.path == "/":
            self._send(_index(len(self.server.pages)))
        elif url.query == "slow":
            time.sleep(0.05)
            self._send(b"")
        elif url.path == "/loaded":
            self.server.loaded.set()
            self._send(b"")
        elif (number := url.path.removeprefix("/")).isdecimal() and int(number) < len(self.server.pages):
            self.server.asked.pages.add(int(number))
            self._send(self.server.pages[int(number)])
        else:
            self.send_error(404)

    do_POST = do_HEAD = do_OPTIONS = do_GET  # noqa: N815  (the names are http.server's)

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Referrer-Policy", "unsafe-url")  # so that each request names the page that asks
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name is http.server's)
        """Say nothing."""


def _index(count: int) -> bytes:
    # The sandbox keeps pages from opening windows and dialogs and from leading the index away; scripts run.
    frames = "".join(
        f"<iframe sandbox='allow-scripts allow-same-origin' src=/{number}></iframe>" for number in range(count)
    )
    return f"<!doctype html><body onload=\"fetch('/loaded')\">{frames}".encode()
