"""What both protocols can say: a status, headers and steps."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final

from dntguard.asgi import ASGIApp, Receive, Scope, Send
from dntguard.wsgi import Environ, StartResponse, WSGIApp
from tests.drive import TRACKER, body
from tests.servers.odd import shape
from tests.servers.odd.shape import (
    CLOSED,
    HTML,
    IMAGE,
    JSON,
    PAGE,
    PAUSE,
    PLAIN,
    PNG,
    Closing,
    Headers,
    Odd,
    OddError,
    as_text,
    length_of,
)

FAIL: Final = None
Step = bytes | float | None
"""A chunk of the body, a pause in seconds, or `FAIL`: the application raises."""


def _odd(says: str, headers: Headers, *steps: Step, status: int = 200, whole: bool = False, **more: Any) -> Odd:
    """A response of a status, headers and steps; `whole` sends one chunk as the whole body."""
    return Odd(
        says, _as_asgi(says, status, headers, steps, whole), _as_wsgi(says, status, headers, steps, whole), **more
    )


def _as_asgi(says: str, status: int, headers: Headers, steps: tuple[Step, ...], whole: bool) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": status, "headers": list(headers)})
            for step in steps:
                if step is None:
                    raise OddError(says)
                if isinstance(step, float):
                    await asyncio.sleep(step * shape.pace)
                else:
                    await send(body(step, more=not whole))
            if not whole:
                await send(body(b""))
        finally:
            CLOSED[says] += 1

    return app


def _as_wsgi(says: str, status: int, headers: Headers, steps: tuple[Step, ...], whole: bool) -> WSGIApp:
    line = _status_line(status)

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response(line, as_text(headers))
        return [step for step in steps if isinstance(step, bytes)] if whole else Closing(says, _stepping(says, steps))

    return app


def _stepping(says: str, steps: tuple[Step, ...]) -> Iterator[bytes]:
    for step in steps:
        if step is None:
            raise OddError(says)
        if isinstance(step, float):
            time.sleep(step * shape.pace)
        else:
            yield step


def _status_line(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase if status in set(HTTPStatus) else 'Odd'}"


_PIECES = (PAGE[:50], PAGE[50:70], PAGE[70:])
_NEXT = (b"Location", b"/next")
_UTF_16 = (b"content-type", b"text/html; charset=utf-16le")
_GZIPPED = gzip.compress(PAGE, mtime=0)
_PARTS = (
    b"--odd\r\nContent-Type: text/html\r\nContent-Range: bytes 0-9/99\r\n\r\n<!doctype \r\n"
    b"--odd\r\nContent-Type: text/html\r\nContent-Range: bytes 20-29/99\r\n\r\n<script sr\r\n--odd--\r\n"
)
_SPEAKING = [
    (b"ETag", b'W/"odd"'),
    (b"Last-Modified", b"Mon, 02 Mar 2020 08:00:00 GMT"),
    (b"Content-MD5", b"Q2hlY2sgSW50ZWdyaXR5IQ=="),
    (b"Digest", b"sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="),
    (b"Content-Digest", b"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
    (b"Repr-Digest", b"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
    (b"Signature-Input", b'sig=("content-digest");created=1618884473;keyid="odd"'),
    (b"Signature", b"sig=:Q2hlY2sgSW50ZWdyaXR5IQ==:"),
    (b"Accept-Ranges", b"bytes"),
]
_COOKIES = [
    (b"Set-Cookie", b"session=1; Path=/; HttpOnly"),
    (b"Set-Cookie", b"_ga=GA1.2.3; Path=/"),
    (b"Set-Cookie", b"_fbp=fb.1; Expires=Wed, 09 Jun 2100 10:18:14 GMT"),
    (b"set-cookie", b"basket=a,b"),
]
_ORDER = [
    (b"X-Twice", b"b"),
    (b"CONTENT-TYPE", b"text/html"),
    (b"x-twice", b"a"),
    (b"Link", b"</a.css>; rel=preload"),
    (b"X-EMPTY", b""),
    (b"Link", b"<https://www.shop.example/>; rel=canonical"),
    (b"x-raw", b"caf\xe9 \xc3\xa9"),
    (b"WWW-Authenticate", b"Basic realm=odd"),
    (b"Www-Authenticate", b'Bearer realm="odd, too"'),
]


def _bodies(name: str, kind: tuple[bytes, bytes], first: bytes, *rest: bytes, page: bool) -> list[Odd]:
    """The shapes of a body that do not depend on what it is."""
    whole = b"".join((first, *rest))
    size = length_of(len(whole))

    def one(says: str, headers: Headers, *steps: Step, **more: Any) -> Odd:
        return _odd(says.format(name), headers, *steps, page=page, **more)

    return [
        one("{} at once", [kind], whole, whole=True),
        one("{} at once, with its length", [kind, size], whole, whole=True),
        one("{} in pieces", [kind], first, *rest),
        one("{} in pieces, with its length", [kind, size], first, *rest),
        one("{} with empty chunks at start, middle and end", [kind], b"", b"", first, b"", *rest, b"", b""),
        one("{} byte by byte", [kind], *(bytes([byte]) for byte in whole)),
        one("{} with a pause after the first piece", [kind], first, 0.05, *rest),
        one("{} whose body is empty", [kind], b"", whole=True),
        one("{} whose body is empty, with its length", [kind, length_of(0)], b"", whole=True),
        one("{} whose body is a stream of nothing", [kind]),
        one("{} whose body is a stream of empty chunks", [kind], b"", b""),
        one("HEAD of {}", [kind], b"", whole=True, method="HEAD"),
        one("HEAD of {} with a length", [kind, size], b"", whole=True, method="HEAD"),
        one("HEAD of {} that is a stream of nothing", [kind], method="HEAD"),
        one("{} that fails after its start", [kind], FAIL, fails_unsent=page, ends=False),
        one("{} that fails after an empty chunk", [kind], b"", FAIL, fails_unsent=page, ends=False),
        one("{} that fails in its middle", [kind], first, 0.05, FAIL, ends=False),
        one("{} that fails in its middle, with its length", [kind, size], first, 0.05, FAIL, ends=False),
        one("{} that fails after its last chunk", [kind], first, *rest, FAIL, ends=False),
    ]


ALL = [
    # --- shapes of the body
    *_bodies("a page", HTML, *_PIECES, page=True),
    *_bodies("json", JSON, b'{"html": "', TRACKER, b'"}', page=False),
    *_bodies("an image", PNG, IMAGE[:9], IMAGE[9:30], IMAGE[30:], page=False),
    _odd("a large page", [HTML], *[b"<p>" + b"x" * 100_000 + TRACKER] * 5, page=True),
    _odd("a large file", [(b"content-type", b"application/zip")], *[bytes(range(256)) * 400] * 5),
    _odd("json with a length that is too long", [JSON, length_of(99)], b'{"a": 1}', ends=False),
    # --- headers
    _odd("no headers and markup", [], PAGE, page=True),
    _odd("no headers and text", [], b"x" + PAGE),
    _odd("no headers and nothing", [], page=True),
    _odd("no type and an image", [length_of(len(IMAGE))], IMAGE, whole=True),
    _odd("no type and a NUL", [], b"\0" + PAGE),
    _odd("no type and a compressed file", [], b"\x1f\x8b\x08\x00" + PAGE),
    _odd("duplicates, odd case and odd order, of a page", _ORDER, PAGE, whole=True, page=True),
    _odd("duplicates, odd case and odd order, of json", [*_ORDER[:1], JSON, *_ORDER[2:]], b"{}", whole=True),
    _odd("two content types that are no page", [PLAIN, (b"Content-Type", b"text/css")], PAGE),
    *(
        _odd(f"the content type {kind.decode()!r}", [(b"content-type", kind)], PAGE, page=is_page)
        for kind, is_page in (
            (b"TEXT/HTML", True),
            (b"text/html;charset=utf-8;x=y", True),
            (b"application/xhtml+xml", True),
            (b"", True),
            (b"html", True),
            (b"text/plain", False),
            (b"text/htmlx", False),
            (b"text/css", False),
            (b"text/javascript", False),
            (b"image/svg+xml", False),
            (b"application/pdf", False),
            (b"application/octet-stream", False),
            (b"application/x-ndjson", False),
            (b"multipart/mixed; boundary=odd", False),
            (b"video/mp4", False),
        )
    ),
    _odd("cookies with a page", [HTML, *_COOKIES], PAGE, whole=True, page=True),
    _odd("cookies with json", [JSON, *_COOKIES], b"{}", whole=True),
    _odd("validators, digests and signatures of a page", [HTML, *_SPEAKING], PAGE, page=True),
    _odd("validators, digests and signatures of json", [JSON, *_SPEAKING], b"{}"),
    _odd("a page in gzip", [HTML, (b"Content-Encoding", b"gzip"), length_of(len(_GZIPPED))], _GZIPPED, page=True),
    _odd("a page in gzip, in pieces", [HTML, (b"content-encoding", b"gzip")], _GZIPPED[:20], _GZIPPED[20:], page=True),
    _odd("a page in an unknown coding", [HTML, (b"content-encoding", b"odd")], PAGE),
    _odd("a page in utf-16", [_UTF_16], PAGE.decode().encode("utf-16-le"), page=True),
    *(
        _odd(f"a page that varies by {value.decode()!r}", [HTML, (b"Vary", value)], PAGE, whole=True, page=True)
        for value in (b"Accept-Encoding", b"*", b"Cookie,dnt", b"Sec-GPC, DNT", b"")
    ),
    _odd("json that varies twice", [(b"vary", b"Cookie"), JSON, (b"Vary", b"Accept")], b"{}", whole=True),
    _odd("a page that must not be transformed", [HTML, (b"Cache-Control", b"private, no-transform")], PAGE, page=True),
    _odd("a page with a policy", [HTML, (b"Content-Security-Policy", b"default-src 'self'")], PAGE, page=True),
    # --- statuses
    *(
        _odd(f"status {status} with {name}", [kind], content, whole=True, status=status, page=is_page)
        for status in (201, 203, 299, 300, 400, 404, 418, 451, 500, 503, 599)
        for name, kind, content, is_page in (("a page", HTML, PAGE, True), ("json", JSON, b"{}", False))
    ),
    _odd("status 204", [(b"X-Own", b"1")], b"", whole=True, status=204, page=True),
    _odd("status 204 of a page", [HTML, *_COOKIES], b"", whole=True, status=204, page=True),
    _odd("status 204 that is a stream of nothing", [], status=204, page=True),
    _odd("status 205", [length_of(0)], b"", whole=True, status=205, page=True),
    _odd("status 304", [(b"ETag", b'"odd"'), (b"X-Own", b"1")], b"", whole=True, status=304),
    _odd("status 304 of a page", [HTML, (b"ETag", b'"odd"')], b"", whole=True, status=304, page=True),
    _odd("status 302 with no length", [_NEXT], b"", whole=True, status=302, page=True),
    _odd("status 302 with a length", [_NEXT, HTML, length_of(0)], b"", whole=True, status=302, page=True),
    _odd(
        "status 206 with one part of a page",
        [HTML, (b"Content-Range", b"bytes 0-9/99"), length_of(10)], PAGE[:10],
        whole=True, status=206,
    ),
    _odd(
        "status 206 with one part of an image",
        [PNG, (b"Content-Range", b"bytes 0-9/99"), length_of(10)], IMAGE[:10],
        whole=True, status=206,
    ),
    _odd(
        "status 206 with several parts",
        [(b"Content-Type", b"multipart/byteranges; boundary=odd"), length_of(len(_PARTS))], _PARTS[:40], _PARTS[40:],
        status=206,
    ),
    _odd("status 416", [(b"Content-Range", b"bytes */99")], b"", whole=True, status=416, page=True),
    *(
        _odd(f"status {status} as the last one", [], b"", whole=True, status=status, on_servers=False)
        for status in (100, 101, 102, 199)
    ),
    # --- over time
    _odd(
        "server-sent events",
        [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")],
        PAUSE, b"data: <script\n\n", PAUSE, b"data: src=//www.google-analytics.com/>\n\n",
    ),
    _odd("json that waits", [JSON], 0.1, b"{", 0.1, b"}"),
    _odd("a page that waits", [HTML], 0.1, PAGE[:70], 0.1, PAGE[70:], page=True),
]  # fmt: skip
