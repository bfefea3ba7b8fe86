"""The kit's client: an ASGI or WSGI application, asked as servers ask."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any
from wsgiref.validate import validator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from dntguard.asgi import Receive, Scope, Send
from dntguard.testing import Client, Response
from dntguard.wsgi import Environ, StartResponse
from tests.testing_kit.sites import HTML, SITES

TEXT = ("Content-Type", "text/plain")


async def told_by_asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it was asked."""
    message = await receive()
    fields = [f"{name.decode()}={value.decode()}" for name, value in scope["headers"]]
    query = scope["query_string"].decode()
    told = [scope["method"], scope["scheme"], scope["path"], query, *sorted(fields), message["body"].decode()]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": "\n".join(told).encode()})
    assert await receive() == {"type": "http.disconnect"}


def told_by_wsgi(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """The same by WSGI."""
    names = {"CONTENT_LENGTH": "content-length", "CONTENT_TYPE": "content-type"}
    names.update({key: key[5:].lower().replace("_", "-") for key in environ if key.startswith("HTTP_")})
    fields = [f"{name}={environ[key]}" for key, name in names.items() if key in environ]
    path = environ["PATH_INFO"].encode("latin-1").decode()
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH", "0")))
    told = [environ["REQUEST_METHOD"], environ["wsgi.url_scheme"], path, environ["QUERY_STRING"]]
    start_response("200 OK", [TEXT])
    return ["\n".join([*told, *sorted(fields), body.decode()]).encode()]


both = pytest.mark.parametrize("app", [told_by_asgi, told_by_wsgi], ids=["asgi", "wsgi"])
ACCEPT = "accept=text/html,application/xhtml+xml,*/*;q=0.8"


@both
def test_the_application_is_asked_what_the_test_asks(app: Any) -> None:
    """Method, scheme, path as text, query, fields and body; the fields of one request count over those of all."""
    client = Client(app, {"DNT": "1", "X-One": "1"}, base_url="https://shop.example:8443")
    response = client.request("POST", "/tee/grün?a=ü&b=%20", {"x-one": "2", "Content-Type": "text/plain"}, b"body")
    assert response.text.split("\n") == [
        "POST",
        "https",
        "/tee/grün",
        "a=%C3%BC&b=%20",
        ACCEPT,
        "content-length=4",
        "content-type=text/plain",
        "dnt=1",
        "host=shop.example:8443",
        "x-one=2",
        "body",
    ]
    assert response.url == "https://shop.example:8443/tee/gr%C3%BCn?a=%C3%BC&b=%20"
    assert response.status == 200
    assert ("dnt", "1") in (response.request_headers or ())


@both
def test_an_absolute_address_names_the_host(app: Any) -> None:
    assert "host=other.example" in Client(app).get("http://other.example").text


@pytest.mark.parametrize("kind", SITES)
def test_cookies_are_kept_sent_and_deleted(kind: str) -> None:
    """By name; what the test itself sends stays."""
    answers = {
        "/set": (200, [HTML, ("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=x=y")], b""),
        "/delete": (200, [HTML, ("Set-Cookie", "a=; Max-Age=0; Path=/"), ("Set-Cookie", "c=; max-age=-1")], b""),
    }
    with Client(SITES[kind](answers)) as client:
        client.get("/set")
        assert client.cookies == {"a": "1", "b": "x=y"}
        assert ("cookie", "own=1; a=1; b=x=y") in (client.get("/", {"Cookie": "own=1"}).request_headers or ())
        client.get("/delete")
        assert client.cookies == {"b": "x=y"}


def test_a_response_cannot_be_changed_and_shows_its_fields() -> None:
    response = Response(200, (("Vary", "DNT"), ("vary", "Sec-GPC")), b"caf\xc3\xa9 \xff")
    assert response.header("VARY") == "DNT, Sec-GPC"
    assert response.header("etag") is None
    assert response.text == "café �"
    with pytest.raises(AttributeError):
        response.status = 500  # type: ignore[misc]


@pytest.mark.parametrize("app", [None, "shop:app", object()])
def test_what_cannot_be_called_is_no_application(app: object) -> None:
    with pytest.raises(TypeError, match="not an ASGI or WSGI application"):
        Client(app)


def test_an_application_may_be_a_partial_of_a_function() -> None:
    async def app(name: str, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": name.encode()})

    assert Client(functools.partial(app, "tea")).get("/").text == "tea"


# --- ASGI -------------------------------------------------------------------------------------------------------------


def test_a_lifespan_is_lived_once_in_a_with_statement_and_its_state_is_there() -> None:
    said: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
        said.append("startup")
        yield {"tea": "green"}
        said.append("shutdown")

    def home(request: Request) -> PlainTextResponse:
        said.append("home")
        return PlainTextResponse(request.state.tea)

    app = Starlette(routes=[Route("/", home)], lifespan=lifespan)
    with Client(app) as client:
        assert [client.get("/").text, client.get("/").text] == ["green", "green"]
    assert said == ["startup", "home", "home", "shutdown"]
    assert Client(app).get("/").text == "green"
    assert said[4:] == ["startup", "home", "shutdown"]


def test_requests_share_the_loop_of_the_lifespan() -> None:
    loops: list[object] = []

    async def home(request: Request) -> PlainTextResponse:
        loops.append(asyncio.get_running_loop())
        return PlainTextResponse("tea")

    with Client(Starlette(routes=[Route("/", home)])) as client:
        client.get("/")
        client.get("/")
    assert loops[0] is loops[1]


@pytest.mark.parametrize("event", ["startup", "shutdown"])
def test_a_lifespan_that_fails_says_so(event: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            came = (await receive())["type"]
            failed = came.endswith(event)
            await send({"type": came + (".failed" if failed else ".complete"), "message": "no database"})

    client = Client(app)
    with pytest.raises(RuntimeError, match=f"the application's {event} failed: no database"), client:
        assert event == "shutdown"


def test_who_takes_a_lifespan_for_a_request_has_none() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    with Client(app) as client:
        assert client.get("/").status == 204


def test_an_application_whose_lifespan_ends_early_is_served() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            return
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    with Client(app) as client:
        assert client.get("/").status == 204
        assert client.get("/").headers == ()


def test_a_client_works_inside_of_an_event_loop() -> None:
    """An asynchronous test has one running."""

    async def test() -> str:
        return Client(told_by_asgi).get("/inside").text

    assert "/inside" in asyncio.run(test())


seen: ContextVar[str] = ContextVar("seen")


async def asgi_reader(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": seen.get("nothing").encode()})


def wsgi_reader(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [TEXT])
    return [seen.get("nothing").encode()]


@pytest.mark.parametrize("app", [asgi_reader, wsgi_reader])
def test_the_application_sees_the_context_of_the_test(app: Any) -> None:
    token = seen.set("the test's")
    try:
        assert Client(app).get("/").text == "the test's"
    finally:
        seen.reset(token)


def test_a_stream_is_read_to_its_end() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(3):
            await asyncio.sleep(0)
            yield b"%d" % number

    def home(request: Request) -> StreamingResponse:
        return StreamingResponse(pieces())

    assert Client(Starlette(routes=[Route("/", home)])).get("/").body == b"012"


def test_messages_that_are_no_response_are_left_out() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.debug", "info": {}})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    assert Client(app).get("/").body == b"ab"


def test_a_response_without_an_end_is_an_error() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})

    with pytest.raises(RuntimeError, match="ended before its response did"):
        Client(app).get("/")


# --- WSGI -------------------------------------------------------------------------------------------------------------


def test_a_wsgi_application_is_asked_by_the_rules() -> None:
    """As the standard library's validator reads them."""
    assert Client(validator(told_by_wsgi)).get("/tea").text.startswith("GET\nhttp\n/tea\n\n")


def test_what_is_written_comes_before_what_is_returned() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [TEXT])
        write(b"a")
        return [b"b", b"c"]

    assert Client(app).get("/").body == b"abc"


def test_a_response_may_be_replaced_before_it_is_out() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TEXT])
        start_response("500 Internal Server Error", [HTML], (ValueError, ValueError("x"), None))
        return [b"sorry"]

    response = Client(app).get("/")
    assert (response.status, response.headers) == (500, (HTML,))


class Closing:
    """A body that knows whether it was closed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.closed = 0
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        yield b"a"
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self.closed += 1


def returning(body: Closing) -> Callable[..., Iterable[bytes]]:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TEXT])
        return body

    return app


def test_what_the_application_returned_is_closed_once() -> None:
    body = Closing()
    assert Client(returning(body)).get("/").body == b"a"
    assert body.closed == 1


def test_it_is_closed_when_the_application_fails_and_the_error_goes_through() -> None:
    body = Closing(ValueError("out of tea"))
    with pytest.raises(ValueError, match="out of tea"):
        Client(returning(body)).get("/")
    assert body.closed == 1


def test_an_application_that_starts_no_response_is_an_error() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return []

    with pytest.raises(RuntimeError, match="without a call of start_response"):
        Client(app).get("/")
