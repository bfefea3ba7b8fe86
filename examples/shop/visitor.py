"""A visitor of the shop: keeps cookies as a browser does, sends a signal if told to, fills in forms."""

import http.client
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it arrived: `pieces` are the parts of the body, `times` the seconds after which each was there."""

    status: int
    headers: Headers
    pieces: Sequence[bytes]
    times: Sequence[float] = ()

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def html(self) -> bool:
        return any(value.startswith("text/html") for value in self.all("content-type"))

    def all(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header.lower() == name]


# Method, path, headers and body of a request; the answer to it.
Send = Callable[[str, str, Headers, bytes], Answer]


def over_http(address: str) -> Send:
    """Send requests to a real server, each over a connection of its own."""
    netloc = urlsplit(address).netloc

    def send(method: str, path: str, headers: Headers, body: bytes) -> Answer:
        connection = http.client.HTTPConnection(netloc, timeout=20)
        try:
            start = time.perf_counter()
            connection.request(method, path, body or None, dict(headers))
            response = connection.getresponse()
            pieces, times = [], []
            while piece := response.read1(1 << 16):
                pieces.append(piece)
                times.append(time.perf_counter() - start)
            return Answer(response.status, response.getheaders(), pieces, times)
        finally:
            connection.close()

    return send


@dataclass(slots=True)
class Visitor:
    """One browser: `signal` holds the headers that it adds to each request, `cookies` what the shop gave it."""

    send: Send
    signal: Headers = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Answer:
        return self._request("GET", path, [], b"")

    def post(self, path: str, csrf: str | None = None, **fields: str) -> Answer:
        """Send a form, with the token of the visitor's cookie unless told another one."""
        fields["csrf"] = self.cookies.get("csrf", "") if csrf is None else csrf
        kind = [("Content-Type", "application/x-www-form-urlencoded")]
        return self._request("POST", path, kind, urlencode(fields).encode())

    def _request(self, method: str, path: str, headers: Headers, body: bytes) -> Answer:
        cookies = [("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))]
        answer = self.send(method, path, self.signal + (cookies if self.cookies else []) + headers, body)
        for line in answer.all("set-cookie"):
            name, value, expired = read_set_cookie(line)
            if expired:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer


def read_set_cookie(line: str) -> tuple[str, str, bool]:
    """Name and value of a `Set-Cookie` line, and whether it takes the cookie back."""
    pair, *attributes = (part.strip() for part in line.split(";"))
    name, _, value = pair.partition("=")
    said = {attribute.lower().replace(" ", "") for attribute in attributes}
    return name, value, "max-age=0" in said or any(part.startswith("expires=thu,01jan1970") for part in said)
