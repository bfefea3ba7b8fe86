"""Three caches in front of the site: Varnish and nginx as processes on loopback, and a private one in the client.

Each answers requests, says whether it answered from what it had stored, and can be made to find its entries stale
without anybody waiting until they are.
"""

import gzip
import http.client
import os
import shutil
import sqlite3
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Protocol

import hishel
import hishel.httpx
import httpx

from tests.http_caches.site import HOST
from tests.servers.processes import free_port, running

SBIN = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
IGNORING_VARY = "never|invariant"
"""The guards behind which Varnish and nginx are told that `Vary` means nothing."""

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """What a visitor got, before decoding; `hit` if a stored response was served, whether validated or not."""

    status: int
    headers: Headers
    raw: bytes
    hit: bool

    def get(self, name: str) -> str | None:
        """The value of the field `name`."""
        return ", ".join(self.all(name)) or None

    def all(self, name: str) -> list[str]:
        """Every value of the field `name`."""
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def body(self) -> bytes:
        """The body without its content coding."""
        coding = self.get("content-encoding")
        if coding in (None, "identity"):
            return self.raw
        assert coding == "gzip", coding
        return gzip.decompress(self.raw)


class Cache(Protocol):
    """A cache, as a visitor and the test see it."""

    name: str
    shared: bool
    heads_are_true: bool

    def fetch(self, method: str, path: str, headers: Headers) -> Answer:
        """What a visitor gets through the cache."""

    def age(self, path: str) -> None:
        """Make what is stored of the path stale."""

    def forget(self) -> None:
        """A sequence is over."""


class NotInstalledError(Exception):
    """The program of a cache is missing; the text says which and how to get it."""


@dataclass
class Client:
    """A plain HTTP/1.1 client that keeps its connection, and adds nothing to a request."""

    port: int
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def fetch(self, method: str, path: str, headers: Headers) -> tuple[int, Headers, bytes]:
        """Status, headers and body of the answer."""
        for again in (True, False):
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                self._connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
                for name, value in (("Host", HOST), *headers):
                    self._connection.putheader(name, value)
                self._connection.endheaders()
                response = self._connection.getresponse()
                return response.status, response.getheaders(), response.read()
            except (OSError, http.client.HTTPException):
                self.close()
                if not again:
                    raise
        raise AssertionError

    def is_ready(self) -> bool:
        """Whether the site is there, asked here or through a cache."""
        with suppress(OSError, http.client.HTTPException):
            return self.fetch("GET", "/ready", [])[0] == 200
        return False

    def close(self) -> None:
        """Leave."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass
class Varnish:
    """Varnish with its built-in VCL, and a method that makes what is stored of a URL stale."""

    client: Client
    name: str = "Varnish"
    shared: bool = True
    heads_are_true: bool = False
    """Where it has to decompress, it says the length of what is compressed, without `Content-Encoding`."""

    def fetch(self, method: str, path: str, headers: Headers) -> Answer:
        status, got, body = self.client.fetch(method, path, headers)
        # A hit names two transactions: this one, and the one that fetched what is served.
        hit = any(name.lower() == "x-varnish" and len(value.split()) == 2 for name, value in got)
        return Answer(status, got, body, hit)

    def age(self, path: str) -> None:
        status, _, _ = self.client.fetch("STALE", path, [])
        assert status == 200, status

    def forget(self) -> None:
        pass


VCL = """
vcl 4.1;
import purge;
backend site { .host = "127.0.0.1"; .port = "%(backend)d"; }

# What is not said here is the built-in VCL's.
sub vcl_recv {
    if (req.method == "STALE") {
        set req.hash_always_miss = true;
        return (hash);
    }
}
sub vcl_miss {
    if (req.method == "STALE") {
        purge.soft(0s);
        return (synth(200, "Stale"));
    }
}
sub vcl_backend_response {
    if (bereq.url ~ "^/(%(ignoring)s)/") { unset beresp.http.Vary; }
}
"""


@contextmanager
def varnish(backend: int, folder: Path) -> Iterator[Cache]:
    """Varnish in front of the port `backend`."""
    program = found("varnishd", "varnish")
    (folder / "site.vcl").write_text(VCL % {"backend": backend, "ignoring": IGNORING_VARY})
    port = free_port()
    # Stale entries stay for an hour, to be validated; none is served stale unless its response says that it may be.
    parameters = {
        "default_grace": 0, "default_keep": 3600, "timeout_idle": 600, "thread_pools": 1, "thread_pool_min": 10,
    }  # fmt: skip
    command = [
        program, "-F", "-j", "none", "-n", str(folder / "varnish"), "-a", f"127.0.0.1:{port}", "-T", "none",
        "-f", str(folder / "site.vcl"), "-s", "malloc,256m",
        *(word for name, value in parameters.items() for word in ("-p", f"{name}={value}")),
    ]  # fmt: skip
    with closing(Client(port)) as client, running(command, client.is_ready):
        yield Varnish(client)


@dataclass
class Nginx:
    """nginx as a cache."""

    client: Client
    folder: Path
    name: str = "nginx"
    shared: bool = True
    heads_are_true: bool = True

    def fetch(self, method: str, path: str, headers: Headers) -> Answer:
        status, got, body = self.client.fetch(method, path, headers)
        served = {value for name, value in got if name.lower() == "x-cache-status"}
        return Answer(status, got, body, bool(served & {"HIT", "STALE", "UPDATING", "REVALIDATED"}))

    def age(self, path: str) -> None:
        # An entry's file begins with a version number and the time until which it is valid, eight bytes each. nginx
        # reads both whenever it opens the file, so an entry becomes stale where it lies.
        now = int(time.time())
        for entry in self._entries():
            with entry.open("r+b") as file:
                start = file.read(4096)
                valid = struct.unpack_from("=q", start, 8)[0]
                assert abs(valid - now) < 100_000, f"{entry} does not begin as an entry of nginx's cache does"
                if f"KEY: {path}\n".encode() in start:
                    file.seek(8)
                    file.write(struct.pack("=q", now - 10))

    def forget(self) -> None:
        # Nobody asks for the sequence's paths again; `age` has less to look through.
        for entry in self._entries():
            entry.unlink()

    def _entries(self) -> list[Path]:
        """The entries' files, when nginx is done with writing them."""
        # It answers before it writes that an entry was found valid again; but one thing after the other.
        assert self.client.fetch("GET", "/idle", [])[0] == 204
        # What it fetches for later has a longer name until it is whole.
        deadline = time.monotonic() + 30
        while True:
            entries = list(self.folder.iterdir())
            if all(len(entry.name) == 32 for entry in entries):
                return entries
            assert time.monotonic() < deadline, f"nginx is still writing: {entries}"
            time.sleep(0.001)


NGINX = """
daemon off;
worker_processes 1;
pid %(folder)s/nginx.pid;
error_log %(folder)s/error.log warn;
%(user)s
events { worker_connections 64; }
http {
    access_log off;
    keepalive_timeout 600;
    keepalive_requests 1000000;
    client_body_temp_path %(folder)s/bodies;
    proxy_temp_path %(folder)s/parts;
    fastcgi_temp_path %(folder)s/fastcgi;
    uwsgi_temp_path %(folder)s/uwsgi;
    scgi_temp_path %(folder)s/scgi;
    proxy_cache_path %(folder)s/entries keys_zone=entries:16m max_size=256m inactive=1h use_temp_path=off;
    upstream site { server 127.0.0.1:%(backend)d; keepalive 4; keepalive_requests 1000000; }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_cache entries;
    proxy_cache_key $request_uri;
    proxy_cache_revalidate on;
    proxy_cache_background_update on;
    add_header X-Cache-Status $upstream_cache_status always;
    server {
        listen 127.0.0.1:%(port)d;
        # RFC 9111 lets a cache store responses that set cookies (section 7.3), and other caches than nginx do.
        location = /idle { return 204; }
        location / { proxy_pass http://site; proxy_ignore_headers Set-Cookie; }
        location ~ ^/(%(ignoring)s)/ { proxy_pass http://site; proxy_ignore_headers Set-Cookie Vary; }
    }
}
"""


@contextmanager
def nginx(backend: int, folder: Path) -> Iterator[Cache]:
    """nginx in front of the port `backend`."""
    program = found("nginx", "nginx-light")
    port = free_port()
    user = "user root;" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""
    values = {"folder": folder, "user": user, "backend": backend, "port": port, "ignoring": IGNORING_VARY}
    (folder / "nginx.conf").write_text(NGINX % values)
    entries = folder / "entries"
    entries.mkdir()
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with closing(Client(port)) as client, running(command, client.is_ready):
        yield Nginx(client, entries)


@dataclass
class Private:
    """The cache of a browser, as hishel is one: of one visitor, whose signals may change."""

    client: httpx.BaseTransport
    direct: httpx.BaseTransport
    storage: hishel.BaseStorage
    origin: str
    name: str = "private cache"
    shared: bool = False
    heads_are_true: bool = True
    _keys: set[str] = field(default_factory=set)

    def fetch(self, method: str, path: str, headers: Headers) -> Answer:
        names = {name.lower() for name, _ in headers}
        # A request that brings its own conditions goes past a browser's cache (Fetch section 4.6, step 8.19).
        past = names & {"if-none-match", "if-modified-since", "if-range"}
        request = httpx.Request(method, self.origin + path, headers=[("Host", HOST), *headers])
        request.extensions["caching"] = {"key": path}
        self._keys.add(path)
        response = (self.direct if past else self.client).handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        with closing(response):
            raw = b"".join(response.stream)
        got = [(name.decode(), value.decode("latin-1")) for name, value in response.headers.raw]
        return Answer(response.status_code, got, raw, response.extensions.get("caching", {}).get("from_cache", False))

    def age(self, path: str) -> None:
        # It counts an entry's age from `Date`.
        past = formatdate(time.time() - 30 * 24 * 60 * 60, usegmt=True)
        for entry in self.storage.get_entries(path):
            lists = {name: entry.response.headers.get_list(name) or [] for name in entry.response.headers}
            self.storage.update_headers(entry.id, hishel.Headers({**lists, "date": [past]}))

    def forget(self) -> None:
        for key in self._keys:
            for entry in self.storage.get_entries(key):
                self.storage.remove_entry(entry.id)
        self._keys.clear()


@contextmanager
def private(backend: int, folder: Path) -> Iterator[Cache]:
    """A client with a cache, that talks to the port `backend`."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    storage = hishel.SqliteStorage(connection=connection)
    options = hishel.CacheOptions(shared=False)
    with closing(httpx.HTTPTransport()) as direct:
        caching = hishel.httpx.CacheTransport(direct, storage, rfc=options)
        with closing(caching):
            yield Private(caching, direct, storage, f"http://127.0.0.1:{backend}")


CACHES = {"varnish": varnish, "nginx": nginx, "private": private}


@contextmanager
def served() -> Iterator[int]:
    """The site on uvicorn; the port."""
    port = free_port()
    command = [
        sys.executable, "-m", "uvicorn", "tests.http_caches.site:app", "--port", str(port), "--http", "h11",
        "--no-access-log", "--log-level", "warning", "--timeout-keep-alive", "600",
    ]  # fmt: skip
    with closing(Client(port)) as client, running(command, client.is_ready):
        yield port


def found(program: str, package: str) -> str:
    """Where the program is."""
    path = shutil.which(program, path=SBIN)
    if path is None:
        raise NotInstalledError(f"{program} is missing: apt-get install {package}")
    return path
