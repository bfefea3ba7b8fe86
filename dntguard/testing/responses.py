"""A response as the kit judges it, from whatever a test client calls a response.

No framework is imported: each kind is told by what only it has.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from dntguard.testing.loop import run

BASE_URL = "http://testserver"
"""Where a site is that does not say, as Django's and Starlette's test clients have it."""

Fields = Sequence[tuple[str, str]]
"""Header fields: names in any case, in order, `Set-Cookie` once for each cookie."""


@dataclass(frozen=True, slots=True)
class Response:
    """One response.

    Attributes:
        status: the status code.
        headers: its header fields.
        body: the whole body, as it came: in the content codings that `Content-Encoding` names.
        url: the absolute address that was asked for; empty where it is not known.
        request_headers: the header fields of the request; None where they are not known.
    """

    status: int
    headers: Fields
    body: bytes
    url: str = ""
    request_headers: Fields | None = None

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode("utf-8", "replace")

    def header(self, name: str) -> str | None:
        """The value of the field of that name; several are joined by commas (RFC 9110 section 5.3)."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None


def read_response(response: object, url: str | None) -> Response:
    """What the kit judges of a test client's response, read to its end.

    Args:
        response: of a test client.
        url: the address, or its path, that counts over what the response knows.

    Raises:
        TypeError: nobody knows what that is.
    """
    found = response if isinstance(response, Response) else _read(response)
    if url is None:
        return found
    return Response(found.status, found.headers, found.body, urljoin(found.url or BASE_URL, url), found.request_headers)


def _read(response: object) -> Response:
    for names, read in _KINDS:
        if all(hasattr(response, name) for name in names):
            return read(response)
    raise TypeError(
        f"not a response that dntguard.testing can read: {response!r}; give what the test client of Django, Flask, "
        "Quart, Starlette, FastAPI or WebTest returns, a response of httpx or requests, or a "
        "dntguard.testing.Response(status, headers, body, url)"
    )


def _django(response: Any) -> Response:
    """Of its test clients, and of a view that was called without one: then nobody knows the request."""
    if not response.streaming:
        body = response.content
    else:
        pieces = response.streaming_content
        body = run(_joined(pieces)) if response.is_async else b"".join(pieces)
        response.streaming_content = _again(body) if response.is_async else [body]  # for who reads it after us
    fields = [*response.items(), *(("Set-Cookie", morsel.OutputString()) for morsel in response.cookies.values())]
    request = getattr(response, "wsgi_request", None) or getattr(response, "asgi_request", None)
    if request is None:
        return Response(response.status_code, fields, body)
    asked = list(request.headers.items())
    return Response(response.status_code, fields, body, request.build_absolute_uri(), asked)


async def _joined(pieces: Any) -> bytes:
    return b"".join([piece async for piece in pieces])


async def _again(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _webob(response: Any) -> Response:
    """WebTest's, and other responses of WebOb."""
    request = response.request
    body = response.body  # closes what the application returned
    if request is None:
        return Response(response.status_int, response.headerlist, body)
    return Response(response.status_int, response.headerlist, body, request.url, list(request.headers.items()))


def _werkzeug(response: Any) -> Response:
    """Flask's and Quart's: the same methods, which of Quart must be awaited."""
    body = response.get_data(as_text=False)
    if not isinstance(body, bytes):
        body = run(body)
    fields = list(response.headers.items())
    request = getattr(response, "request", None)
    if request is None:
        return Response(response.status_code, fields, body)
    # As a client that has read it all. An exchange ends here, and only then its policy is known.
    response.close()
    return Response(response.status_code, fields, body, request.url, list(request.headers.items()))


def _starlette(response: Any) -> Response:
    """One that an endpoint has returned, without a client."""
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers]
    return Response(response.status_code, fields, bytes(response.body))


def _httpx(response: Any) -> Response:
    """Starlette's test client's; httpx and requests have decoded the body already."""
    raw = getattr(getattr(response, "raw", None), "headers", None)  # of requests: there cookies are apart
    fields = _pairs(response.headers if raw is None else raw)
    decoded = [(name, value) for name, value in fields if name.lower() != "content-encoding"]
    try:
        request = response.request
    except RuntimeError:  # httpx says so of a response that was made by hand
        return Response(response.status_code, decoded, response.content)
    return Response(response.status_code, decoded, response.content, str(response.url), _pairs(request.headers))


def _pairs(headers: Any) -> list[tuple[str, str]]:
    every: Callable[[], Iterable[tuple[str, str]]] = getattr(headers, "multi_items", headers.items)
    return list(every())


_KINDS: tuple[tuple[tuple[str, ...], Callable[[Any], Response]], ...] = (
    (("headerlist", "status_int"), _webob),
    (("streaming", "cookies", "items", "status_code"), _django),
    (("get_data", "headers", "status_code"), _werkzeug),
    (("raw_headers", "body", "status_code"), _starlette),
    (("content", "headers", "status_code"), _httpx),
)
"""What only the responses of one kind have, and what reads them."""
