"""Plain clients of HTTP/1.1 and HTTP/2 on loopback: they send the bytes they are told and show what came back.

The protocols are read by `h11` and `h2`; nothing is decoded, joined, sorted or followed.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import h11

Headers = list[tuple[bytes, bytes]]

TIMEOUT = 30.0
"""Seconds that a client waits for the next bytes: only what hangs takes so long, on a slow machine too."""

_MANY = 1 << 16


@dataclass
class Answer:
    """What a client got.

    Attributes:
        status: 0 when the connection ended before an answer.
        headers: names in lower case, in the order they came.
        hints: status and headers of each informational response before this one.
        whole: whether it came to its end; a connection that is cut or a stream that is reset leaves a part.
        head, first, last: seconds from the request to the headers, to the first byte of the body, and to the end.
    """

    status: int = 0
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    trailers: Headers = field(default_factory=list)
    hints: list[tuple[int, Headers]] = field(default_factory=list)
    whole: bool = False
    head: float = 0.0
    first: float = 0.0
    last: float = 0.0

    def values(self, name: bytes) -> list[bytes]:
        """Every value of the field `name` (lower case)."""
        return [value for key, value in self.headers if key == name]


class Client:
    """One client of one server, which keeps its connection as long as the server does.

    Args:
        port: where the server listens on loopback.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Go away."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(
        self, target: bytes, headers: Headers, *, method: bytes = b"GET", enough: Callable[[Answer], bool] | None = None
    ) -> Answer:
        """Send a request and read its answer.

        Args:
            target: the request's target as it stands in the request line; it carries no body.
            headers: the request's headers, with one `Host`.
            method: the request's method.
            enough: asked after each piece of the answer whether the client has seen what it wants and goes away.

        Raises:
            TimeoutError: the server is silent.
        """
        if not self._is_open():
            self.close()
        kept = self._socket is not None
        answer = self._ask(target, headers, method, enough)
        if kept and not answer.status and not answer.hints:
            # The server has closed the kept connection in the same moment (RFC 9112 section 9.3.1).
            answer = self._ask(target, headers, method, enough)
        return answer

    def _ask(self, target: bytes, headers: Headers, method: bytes, enough: Callable[[Answer], bool] | None) -> Answer:
        raise NotImplementedError

    def _connect(self) -> socket.socket:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _is_open(self) -> bool:
        """Whether the connection still stands: between two answers nothing comes but what ends it."""
        return self._socket is not None and not select.select([self._socket], [], [], 0)[0]


class Http1(Client):
    """HTTP/1.1 (RFC 9112)."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._state = h11.Connection(h11.CLIENT)

    def _ask(self, target: bytes, headers: Headers, method: bytes, enough: Callable[[Answer], bool] | None) -> Answer:
        connection = self._socket
        if connection is None:
            connection = self._connect()
            self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        # `h11` is told of a request like this one, so that it can read the answer; the bytes are ours.
        self._state.send(h11.Request(method=method, target=b"/", headers=[(b"host", b"a")]))
        self._state.send(h11.EndOfMessage())
        lines = [b"%s %s HTTP/1.1" % (method, target), *(b"%s: %s" % pair for pair in headers), b"", b""]
        answer, began = Answer(), time.monotonic()
        try:
            connection.sendall(b"\r\n".join(lines))
            self._read(connection, answer, began, enough)
        except (ConnectionError, h11.RemoteProtocolError):
            pass  # the connection was cut: `whole` says so
        answer.last = time.monotonic() - began
        if answer.whole and self._state.our_state is h11.DONE and self._state.their_state is h11.DONE:
            self._state.start_next_cycle()
        else:
            self.close()
        return answer

    def _read(
        self, connection: socket.socket, answer: Answer, began: float, enough: Callable[[Answer], bool] | None
    ) -> None:
        while True:
            event = self._state.next_event()
            if event is h11.NEED_DATA:
                if enough is not None and enough(answer):
                    return
                self._state.receive_data(connection.recv(_MANY))
            elif isinstance(event, h11.InformationalResponse):
                answer.hints.append((event.status_code, list(event.headers)))
            elif isinstance(event, h11.Response):
                answer.status, answer.headers = event.status_code, list(event.headers)
                answer.head = time.monotonic() - began
            elif isinstance(event, h11.Data):
                answer.first = answer.first or time.monotonic() - began
                answer.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                answer.trailers, answer.whole = list(event.headers), True
                return
            else:  # ConnectionClosed, before an answer
                return


class Http2(Client):
    """HTTP/2 with prior knowledge (RFC 9113 section 3.3), without TLS."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._state = h2.connection.H2Connection()

    def _ask(self, target: bytes, headers: Headers, method: bytes, enough: Callable[[Answer], bool] | None) -> Answer:
        connection = self._socket or self._connect_h2()
        ((_, host),) = [pair for pair in headers if pair[0].lower() == b"host"]
        fields = [(b":method", method), (b":scheme", b"http"), (b":authority", host), (b":path", target)]
        fields += [(name.lower(), value) for name, value in headers if name.lower() != b"host"]
        stream = self._state.get_next_available_stream_id()
        answer, began = Answer(), time.monotonic()
        try:
            self._state.send_headers(stream, fields, end_stream=True)
            connection.sendall(self._state.data_to_send())
            over = False
            while not over and not (enough is not None and enough(answer)):
                received = connection.recv(_MANY)
                over = not received
                for event in self._state.receive_data(received):
                    over = self._take(event, stream, answer, began) or over
                connection.sendall(self._state.data_to_send())
        except (ConnectionError, h2.exceptions.ProtocolError):
            pass  # the connection was cut: `whole` says so
        answer.last = time.monotonic() - began
        if not answer.whole:
            self.close()
        return answer

    def _connect_h2(self) -> socket.socket:
        config = h2.config.H2Configuration(
            client_side=True, header_encoding=False, validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self._state = h2.connection.H2Connection(config)
        self._state.local_settings[h2.settings.SettingCodes.ENABLE_PUSH] = 0
        self._state.initiate_connection()
        return self._connect()

    def _take(self, event: h2.events.Event, stream: int, answer: Answer, began: float) -> bool:
        """Put an event into the answer; returns whether it is the last of the stream."""
        if isinstance(event, h2.events.ConnectionTerminated):
            return True
        if getattr(event, "stream_id", None) != stream:
            return False
        if isinstance(event, h2.events.InformationalResponseReceived):
            answer.hints.append(_split(event.headers))
        elif isinstance(event, h2.events.ResponseReceived):
            answer.status, answer.headers = _split(event.headers)
            answer.head = time.monotonic() - began
        elif isinstance(event, h2.events.DataReceived):
            self._state.acknowledge_received_data(event.flow_controlled_length, stream)
            answer.first = answer.first or time.monotonic() - began
            answer.body += bytes(event.data)
        elif isinstance(event, h2.events.TrailersReceived):
            answer.trailers = [(bytes(name), bytes(value)) for name, value in event.headers]
        elif isinstance(event, h2.events.StreamEnded):
            answer.whole = True
            return True
        return isinstance(event, h2.events.StreamReset)


def _split(fields: object) -> tuple[int, Headers]:
    """The status, and the headers that are fields."""
    pairs: Headers = [(bytes(name), bytes(value)) for name, value in fields]  # type: ignore[attr-defined]
    return int(dict(pairs)[b":status"]), [pair for pair in pairs if not pair[0].startswith(b":")]


def raw(port: int, request: bytes) -> bytes:
    """All that comes back on a connection of its own; the request asks to close it."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        connection.sendall(request)
        answer = b""
        with suppress(ConnectionError):
            while received := connection.recv(_MANY):
                answer += received
        return answer
