"""What an odd response is, and what the descriptions share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dntguard.asgi import ASGIApp
from dntguard.wsgi import WSGIApp
from tests.drive import TRACKER

Headers = list[tuple[bytes, bytes]]

PAGE = b"<!doctype html><title>odd</title><p>one</p>" + TRACKER + b"<p>two</p>"
FILE = Path(__file__).with_name("page.html")
"""The same as a file."""
PAUSE: Final = 0.3
"""Seconds before each event of the server-sent events."""
HTML = (b"content-type", b"text/html; charset=utf-8")
JSON = (b"content-type", b"application/json")
PLAIN = (b"content-type", b"text/plain")
PNG = (b"content-type", b"image/png")
IMAGE = b"\x89PNG\r\n\x1a\n\x00<script src=//www.google-analytics.com/analytics.js></script>"

pace = 1.0
"""By what pauses are multiplied: who does not measure them need not wait."""

CLOSED: Counter[str] = Counter()
"""How often each response was ended: as WSGI the calls of `close()`, as ASGI the ends of the application."""


class OddError(Exception):
    """The application's own."""


@dataclass(frozen=True)
class Odd:
    """One odd response.

    Attributes:
        says: what is odd about it.
        asgi, wsgi: the applications; None where the protocol cannot say it.
        page: whether it is a page, so that who refuses may get other bytes.
        method: of the request.
        on_servers: whether a server could be asked to carry it; else it is only driven in the process of the test.
        fails_unsent: it fails when no byte of its page is out. Who refuses gets the server's error page, for the
            start is held back until the first byte.
        ends: whether it is brought to its end; else the application fails or stops in its midst.
    """

    says: str
    asgi: ASGIApp | None = None
    wsgi: WSGIApp | None = None
    page: bool = False
    method: str = "GET"
    on_servers: bool = True
    fails_unsent: bool = False
    ends: bool = True


class Closing:
    """An iterable, without a length, that counts the calls of its `close()`."""

    def __init__(self, says: str, chunks: Iterable[bytes], error: type[Exception] | None = None) -> None:
        self._says = says
        self._chunks = iter(chunks)
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._chunks)

    def close(self) -> None:
        CLOSED[self._says] += 1
        if self._error is not None:
            raise self._error(self._says)


def length_of(size: int) -> tuple[bytes, bytes]:
    """The field of a length."""
    return b"content-length", b"%d" % size


def as_text(headers: Headers) -> list[tuple[str, str]]:
    """The headers as WSGI wants them."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def less_signals(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers without what dntguard adds to `Vary`; a `Vary` of nothing is none."""
    kept: Headers = []
    for name, value in headers:
        if bytes(name).lower() != b"vary":
            kept.append((name, value))
            continue
        members = [member.strip() for member in value.split(b",")]
        if rest := [member for member in members if member.lower() not in (b"", b"dnt", b"sec-gpc")]:
            kept.append((name, b", ".join(rest)))
    return kept
