"""The same site on every server: with a signal, without one, and without dntguard."""

import socket

import pytest

from tests.servers.client import TIMEOUT, Answer, Headers, raw
from tests.servers.running import Server
from tests.servers.site import DATA, PAUSE, REWRITTEN, ROWS

SIGNALS = [{"DNT": "1"}, {"Sec-GPC": "1"}]
IGNORED = {b"date", b"connection", b"vary"}
"""What differs between two answers of one server, and `Vary`, which is dntguard's to add."""


def comparable(answer: Answer) -> Headers:
    """The headers that must not depend on dntguard."""
    return [pair for pair in answer.headers if pair[0] not in IGNORED]


@pytest.mark.parametrize("path", ["/whole", "/stream", "/missing", "/cookies", "/data"])
def test_without_a_signal_the_answer_is_the_bare_sites(server: Server, path: str) -> None:
    cookie = {"Cookie": "_ga=1; a=2"}
    bare, guarded = server.get(path, cookie, way="bare"), server.get(path, cookie)
    assert guarded.status == bare.status == (404 if path == "/missing" else 200)
    assert guarded.body == bare.body
    assert comparable(guarded) == comparable(bare)


@pytest.mark.parametrize("signal", SIGNALS, ids=str)
def test_a_whole_page_is_rewritten_and_its_length_is_exact(server: Server, signal: dict[str, str]) -> None:
    answer = server.get("/whole", signal)
    assert answer.body == REWRITTEN
    assert answer.values(b"content-length") == [b"%d" % len(REWRITTEN)]
    assert answer.values(b"transfer-encoding") == []
    assert answer.values(b"vary") == [b"DNT, Sec-GPC"]


@pytest.mark.parametrize("signal", SIGNALS, ids=str)
def test_a_streamed_page_is_rewritten_and_chunked(server: Server, signal: dict[str, str]) -> None:
    answer = server.get("/stream", signal)
    assert answer.whole
    assert answer.body == REWRITTEN
    assert answer.values(b"content-length") == []
    assert answer.values(b"transfer-encoding") == ([b"chunked"] if server.kind.http == 1 else [])


@pytest.mark.parametrize(
    ("path", "headers", "status", "kind", "body"),
    [
        ("/missing", {"DNT": "1"}, 404, b"text/html; charset=utf-8", REWRITTEN),
        ("/rows", {}, 201, b"application/x-ndjson", b"".join(ROWS)),
    ],
)
def test_a_stream_keeps_its_status_and_headers(
    server: Server,
    path: str,
    headers: dict[str, str],
    status: int,
    kind: bytes,
    body: bytes,
) -> None:
    answer = server.get(path, headers)
    assert answer.body == body
    assert answer.status == status
    assert answer.values(b"content-type") == [kind]
    assert answer.values(b"set-cookie") == [b"session=1; Path=/"]


def test_a_streamed_page_arrives_in_pieces(server: Server) -> None:
    answers = []
    for _ in range(3):  # a slow machine may be late once
        answers.append(server.get("/slow", {"DNT": "1"}))
        assert answers[-1].last >= PAUSE
        if answers[-1].last - answers[-1].first >= PAUSE / 2:
            return
    pytest.fail(f"the first bytes waited for the last: {answers}")


def test_what_is_no_page_passes_with_its_validator(server: Server) -> None:
    bare, guarded = server.get("/data", way="bare"), server.get("/data", {"DNT": "1"})
    assert guarded.body == bare.body == DATA
    assert comparable(guarded) == comparable(bare)
    assert guarded.values(b"etag") == [b'"data"']


def test_refused_cookies_are_neither_seen_nor_set_and_are_expired(server: Server) -> None:
    answer = server.get("/cookies", {"Sec-GPC": "1", "Cookie": "a=1; _ga=GA1.2; session=2", "Host": "www.shop.example"})
    assert answer.body == b'<p>["a", "session"]</p>'
    assert answer.values(b"set-cookie") == [
        b"session=1; Path=/; HttpOnly",
        b"_ga=; Max-Age=0; Path=/",
        b"_ga=; Max-Age=0; Path=/; Domain=shop.example",
        b"_ga=; Max-Age=0; Path=/; Domain=www.shop.example",
    ]


def test_head_has_no_body_and_the_length_that_get_has_if_any(server: Server) -> None:
    answer = server.get("/whole", {"DNT": "1"}, method="HEAD")
    assert answer.body == b""
    assert answer.values(b"content-length") in ([], [b"%d" % len(REWRITTEN)])


def test_raw_bytes_in_a_signal_and_an_absolute_target_are_answered(server: Server) -> None:
    signals: Headers = [(b"Sec-GPC", b"0"), (b"Sec-GPC", b"1"), (b"DNT", b"\xff\xfe")]
    cookie = (b"Cookie", b"_ga\xff=1; \xc3\xa9=2")
    target = b"http://www.shop.example/whole" if server.kind.absolute_form else b"/whole"
    with server.client() as client:
        answer = client.ask(target + b"?way=guarded", [(b"Host", b"www.shop.example"), *signals, cookie])
    assert answer.status == 200
    assert answer.body in (REWRITTEN, DATA)


def test_a_client_that_goes_away_leaves_the_server_in_order(server: Server) -> None:
    with server.client() as client:
        answer = client.ask(
            b"/slow?way=guarded", [(b"Host", b"a.example"), (b"DNT", b"1")], enough=lambda answer: bool(answer.status)
        )
    assert answer.status == 200
    assert not answer.whole
    assert server.get("/whole", {"DNT": "1"}).body == REWRITTEN


def test_a_client_that_says_half_a_request_and_goes_leaves_the_server_in_order(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as connection:
        connection.sendall(b"GET /whole?way=guarded HTTP/1.1\r\nHost: shop.example\r\nDNT: ")
    assert server.get("/whole", {"DNT": "1"}).body == REWRITTEN


def test_a_client_of_http_1_0_is_answered(server: Server) -> None:
    answer = raw(server.port, b"GET /whole?way=guarded HTTP/1.0\r\nHost: shop.example\r\nDNT: 1\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.")
    assert body == REWRITTEN
