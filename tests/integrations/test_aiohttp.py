"""aiohttp: every kind of response on a real server, as the core says; the consent in handlers and templates."""

from __future__ import annotations

import asyncio
import gzip
import io
import zlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
import pytest
from aiohttp import ClientError, FormData, web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler
from hypothesis import given

from dntguard import Policy, current_consent
from dntguard.errors import NoConsentError, PolicyError
from dntguard.exchange import Exchange, Guard
from dntguard.integrations.aiohttp import CONSENT, GUARD, get_consent, in_templates, setup
from dntguard.report import Report
from tests.strategies import chunk_sizes, cut, nasty_pages

TRACKER = "<script src=https://static.hotjar.com/h.js></script>"
PAGE = f"<p>one</p>{TRACKER}<p>two</p>"
KEPT = "<p>one</p><!----><p>two</p>"
HALVES = [PAGE[:30].encode(), PAGE[30:].encode()]
GPC = {"Sec-GPC": "1"}

FOLDER = web.AppKey("FOLDER", Path)
"""Where an application has its files."""

Pairs = list[tuple[str, str]]
Client = TestClient[web.Request, web.Application]


@dataclass
class Answer:
    """What a client got; the body in the content coding in which it came."""

    status: int
    headers: Pairs
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[Client]:
    """A client of the application on a real server."""
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        yield client


async def asked(
    client: Client, path: str = "/", headers: dict[str, str] | None = None, method: str = "GET", data: Any = None
) -> Answer:
    async with client.request(
        method, path, headers=headers, data=data, allow_redirects=False, skip_auto_headers=["Accept-Encoding"]
    ) as answer:
        fields = [(name.decode(), value.decode()) for name, value in answer.raw_headers]
        return Answer(answer.status, [pair for pair in fields if pair[0] != "Date"], await answer.read())


def ask(
    app: web.Application, path: str = "/", headers: dict[str, str] | None = None, method: str = "GET", data: Any = None
) -> Answer:
    """What a client gets for one request."""

    async def run() -> Answer:
        async with serving(app) as client:
            return await asked(client, path, headers, method, data)

    return asyncio.run(run())


async def raw(client: Client, request: bytes) -> bytes:
    """What comes for the bytes of a request, until the server closes the connection."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


def ask_raw(app: web.Application, request: bytes) -> bytes:
    async def run() -> bytes:
        async with serving(app) as client:
            return await raw(client, request)

    return asyncio.run(run())


def bare(handler: Handler, *middlewares: Any) -> web.Application:
    """An application that answers everything with one handler."""
    app = web.Application(middlewares=middlewares)
    app.router.add_route("*", "/{path:.*}", handler)
    return app


def guarded(handler: Handler, *middlewares: Any, **options: Any) -> web.Application:
    app = bare(handler, *middlewares)
    setup(app, **options)
    return app


def html(text: str = PAGE, **more: Any) -> web.Response:
    return web.Response(text=text, content_type="text/html", **more)


async def page(request: web.Request) -> web.Response:
    return html()


# --- settings and consent ---------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:It is recommended to use web.RequestKey")  # aiohttp_jinja2 uses a text
def test_a_page_is_rewritten_and_knows_the_consent() -> None:
    """For who sends a signal; for who does not, nothing changes. In handlers, in templates, and anywhere."""
    template = "<p>{{ consent.reason }}</p>{% if consent.analytics %}<p>counted</p>{% endif %}" + TRACKER

    async def home(request: web.Request) -> web.Response:
        assert get_consent(request) is request[CONSENT]
        assert get_consent(request).analytics == current_consent().analytics
        return aiohttp_jinja2.render_template("home", request, {})

    def app() -> web.Application:
        app = guarded(home)
        aiohttp_jinja2.setup(app, loader=jinja2.DictLoader({"home": template}), context_processors=[in_templates])
        return app

    granted = ask(app())
    assert "<p>counted</p>" in granted.text
    assert "hotjar" in granted.text
    refused = ask(app(), headers=GPC)
    assert refused.text == "<p>The browser sends Sec-GPC: 1, which refuses analytics and marketing.</p><!---->"
    assert refused.values("Vary") == ["DNT, Sec-GPC"]
    assert refused.values("Content-Length") == [str(len(refused.body))]


def test_only_who_looks_at_the_consent_varies() -> None:
    """Having it on the request, and giving it to a template that does not ask, are no look."""

    async def answer(request: web.Request) -> web.Response:
        assert await in_templates(request)
        if request.path == "/look":
            assert get_consent(request).analytics
        return web.Response(text="x")

    assert ask(guarded(answer), "/plain").values("Vary") == []
    assert ask(guarded(answer), "/look").values("Vary") == ["DNT, Sec-GPC"]


def test_options_are_those_of_every_middleware() -> None:
    """By name, or a ready policy; a wrong one is an error at start."""
    assert ask(guarded(page, report_only=True), headers=GPC).text == PAGE
    app = bare(page)
    setup(app, Policy(allow=("hotjar",)))
    assert ask(app, headers=GPC).text == PAGE
    with pytest.raises(PolicyError, match="did you mean 'mode'"):
        setup(web.Application(), modes="never")
    with pytest.raises(PolicyError, match="given beside a ready policy"):
        setup(web.Application(), Policy(), mode="never")


def test_it_stands_outside_of_the_middleware_that_is_there() -> None:
    """What answers instead of a handler is read, and knows the consent."""

    @web.middleware
    async def instead(request: web.Request, handler: Handler) -> web.StreamResponse:
        return html(TRACKER + get_consent(request).source)

    assert ask(guarded(page, instead), headers=GPC).text == "<!---->signal"


def test_an_application_that_is_not_wrapped_is_told_how() -> None:
    """Instead of a consent that nobody decided."""

    async def answer(request: web.Request) -> web.Response:
        with pytest.raises(NoConsentError, match=r"write setup\(app\)"):
            get_consent(request)
        return web.Response()

    assert ask(bare(answer)).status == 200


def test_with_explain_a_response_says_what_was_done_to_it() -> None:
    async def timed(request: web.Request) -> web.Response:
        return html(headers={"Server-Timing": "db;dur=53"})

    answer = ask(guarded(timed, explain=True), headers=GPC)
    assert answer.text == "<p>one</p><!-- dntguard: hotjar --><p>two</p>"
    assert answer.values("X-DNTGuard") == ["source=signal, refused=(analytics marketing), removals=1"]
    assert [value.partition(";")[0] for value in answer.values("Server-Timing")] == ["db", "dntguard"]


# --- every kind of response, as the core says -------------------------------------------------------------------------


async def a_text(request: web.Request) -> web.StreamResponse:
    return html()


async def bytes_in_chunks(request: web.Request) -> web.StreamResponse:
    response = web.Response(body=PAGE.encode(), content_type="text/html")
    response.enable_chunked_encoding()
    return response


async def an_iterable(request: web.Request) -> web.StreamResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in HALVES:
            yield piece

    return web.Response(body=pieces(), content_type="text/html")


async def a_file_object(request: web.Request) -> web.StreamResponse:
    return web.Response(body=io.BytesIO(PAGE.encode()), content_type="text/html")


async def a_stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/html"})
    await response.prepare(request)
    for piece in HALVES:
        await response.write(b"")
        await response.write(memoryview(piece))
    await response.write_eof()
    return response


async def a_stream_that_ends_with_bytes(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/html"})
    await response.prepare(request)
    await response.write(bytearray(HALVES[0]))
    await response.write_eof(HALVES[1])
    return response


async def a_stream_that_the_server_ends(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/html"})
    await response.prepare(request)
    await response.write(PAGE.encode())
    return response


async def a_stream_of_declared_length(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/html", "Content-Length": str(len(PAGE))})
    await response.prepare(request)
    for piece in HALVES:
        await response.write(piece)
    return response


async def an_empty_stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/html"})
    await response.prepare(request)
    await response.write(b"")
    return response


async def an_error(request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound(text=PAGE, content_type="text/html")


async def a_redirect(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/there", headers={"Refresh": "1; url=https://static.hotjar.com/"})


async def a_file(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(Path(request.app[FOLDER], "page.html"), headers={"X-Own": "1"})


async def a_picture(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(Path(request.app[FOLDER], "leaf.png"))


async def data(request: web.Request) -> web.StreamResponse:
    return web.json_response({"page": PAGE})


async def a_stream_of_data(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/csv"})
    await response.prepare(request)
    for piece in HALVES:
        await response.write(piece)
    return response


async def data_in_chunks(request: web.Request) -> web.StreamResponse:
    response = web.json_response({"page": PAGE})
    response.enable_chunked_encoding()
    return response


async def a_whole_page_after_nothing(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/html", "Content-Length": str(len(PAGE))})
    await response.prepare(request)
    await response.write(b"")
    await response.write(PAGE.encode())
    return response


async def not_modified(request: web.Request) -> web.StreamResponse:
    return web.Response(status=304, headers={"Content-Type": "text/html", "Content-Length": "96", "ETag": '"1"'})


async def no_content(request: web.Request) -> web.StreamResponse:
    return web.Response(status=204)


async def no_type(request: web.Request) -> web.StreamResponse:
    return web.Response(body=PAGE.encode(), headers={"Content-Type": "unknown/unknown"})


async def cookies(request: web.Request) -> web.StreamResponse:
    response = html()
    response.set_cookie("_ga", "1")
    response.set_cookie("session", "2")
    response.headers.add("Set-Cookie", "session=3; Path=/x")
    response.headers.add("Set-Cookie", "_hjid=4")
    response.headers["Link"] = "<https://static.hotjar.com/>; rel=preconnect, </a.css>; rel=preload; as=style"
    return response


async def compressed(request: web.Request) -> web.StreamResponse:
    response = html()
    response.enable_compression(web.ContentCoding.gzip)
    return response


async def a_compressed_stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"X-First": "1", "Content-Type": "text/html", "X-Last": "1"})
    response.enable_compression(web.ContentCoding.deflate)
    await response.prepare(request)
    for piece in HALVES:
        await response.write(piece)
    return response


WHOLE, STREAM = [PAGE.encode()], HALVES
KINDS: dict[Handler, list[bytes]] = {
    a_text: WHOLE,
    bytes_in_chunks: WHOLE,
    an_iterable: [*STREAM, b""],
    a_file_object: [*WHOLE, b""],
    a_stream: [*STREAM, b""],
    a_stream_that_ends_with_bytes: STREAM,
    a_stream_that_the_server_ends: [*WHOLE, b""],
    a_stream_of_declared_length: [*STREAM, b""],
    an_empty_stream: [b""],
    an_error: WHOLE,
    a_redirect: [b"302: Found"],
    a_file: [*WHOLE, b""],
    a_picture: [b"\x89PNG", b""],
    data: [b'{"page": "' + PAGE.encode() + b'"}'],
    a_stream_of_data: [*STREAM, b""],
    data_in_chunks: [b'{"page": "' + PAGE.encode() + b'"}'],
    a_whole_page_after_nothing: [*WHOLE, b""],
    not_modified: [b""],
    no_content: [b""],
    no_type: WHOLE,
    cookies: WHOLE,
    compressed: [],  # as it comes from the bare application
    a_compressed_stream: [*STREAM, b""],
}
"""Every kind of response that aiohttp knows, and the pieces in which its body is made."""

OTHERWISE = {
    a_redirect, a_picture, data, a_stream_of_data, data_in_chunks, not_modified, no_content, an_empty_stream,
    compressed,
}  # fmt: skip
"""Those whose body is not the page."""

FRAMING = {"transfer-encoding", "connection"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "leaf.png").write_bytes(b"\x89PNG")
    return tmp_path


def in_folder(app: web.Application, folder: Path) -> web.Application:
    app[FOLDER] = folder
    return app


def by_the_core(given: Answer, pieces: Iterable[bytes], headers: dict[str, str]) -> tuple[list[tuple[str, str]], bytes]:
    """The headers and the body that the core makes of an answer of the bare application."""
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    exchange = Guard().exchange("GET", "http", "127.0.0.1", "/", sent, 0)
    first, *rest = pieces
    fields = [(name.encode(), value.encode()) for name, value in given.headers]
    decided, body = exchange.start(given.status, fields, first, bool(rest))
    if rest:
        body += b"".join(map(exchange.feed, rest)) + exchange.finish()
    return [(name.decode(), value.decode()) for name, value in decided], body


def without(names: set[str], fields: Pairs) -> Pairs:
    return [pair for pair in fields if pair[0].lower() not in names]


@pytest.mark.parametrize("headers", [{}, GPC], ids=["grants", "refuses"])
@pytest.mark.parametrize("handler", KINDS, ids=lambda handler: handler.__name__)
def test_each_kind_of_response_comes_out_as_the_core_says(
    handler: Handler, headers: dict[str, str], folder: Path
) -> None:
    """Headers in their order, and the bytes of the body; its framing is the server's."""
    plain = ask(in_folder(bare(handler), folder), headers=headers)
    answer = ask(in_folder(guarded(handler), folder), headers=headers)
    assert answer.status == plain.status
    framing, body = set(FRAMING), answer.body
    if handler is a_compressed_stream:
        framing.add("content-encoding")  # the server puts it on what the core has read
        body = zlib.decompress(body)
        assert answer.values("Content-Encoding") == ["deflate"]
    given = Answer(plain.status, without(framing, plain.headers), b"")
    expected, expected_body = by_the_core(given, KINDS[handler] or [plain.body], headers)
    assert without(framing, answer.headers) == expected
    assert body == expected_body
    if not headers:
        assert answer.body == plain.body
        assert without({"vary"}, answer.headers) == plain.headers
    elif handler not in OTHERWISE:
        assert body == KEPT.encode()
    if answer.status in (204, 304):
        assert answer.values("Transfer-Encoding") == answer.values("Content-Length") == []


@given(nasty_pages, chunk_sizes)
def test_any_page_comes_out_as_the_core_says(content: bytes, sizes: list[int]) -> None:
    """Whole, and in pieces of any size."""
    pieces = list(cut(content, sizes))

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/whole":
            return web.Response(body=content, content_type="text/html")
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        return response

    async def run() -> tuple[Answer, Answer]:
        async with serving(guarded(answer)) as client:
            return await asked(client, "/whole", GPC), await asked(client, "/stream", GPC)

    whole, stream = asyncio.run(run())
    page_of = Answer(200, [("Content-Type", "text/html")], b"")
    assert whole.body == by_the_core(page_of, [content], GPC)[1]
    assert whole.values("Content-Length") == [str(len(whole.body))]
    assert stream.body == by_the_core(page_of, [*pieces, b""], GPC)[1]


def test_pieces_arrive_as_they_are_written() -> None:
    """The first one is with the visitor while the handler waits to make the next; what is undecided waits alone."""

    async def run() -> None:
        arrived = asyncio.Event()

        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": request.path[1:]})
            await response.prepare(request)
            await response.write(f"<p>one</p>{TRACKER}<scr".encode())
            await arrived.wait()
            await response.write(b"ipt src=/own.js></script>")
            return response

        async with serving(guarded(answer)) as client:
            for kind, first in (("text/html", b"<p>one</p><!---->"), ("text/csv", f"<p>one</p>{TRACKER}<scr".encode())):
                arrived.clear()
                async with client.get(f"/{kind}", headers=GPC) as response:
                    assert await response.content.readany() == first
                    arrived.set()
                    assert (first + await response.read()).endswith(b"<script src=/own.js></script>")

    asyncio.run(run())


def test_a_page_may_grow_beyond_the_length_that_was_declared() -> None:
    """As when what was compressed in one go is compressed again piece by piece."""
    content = "".join(f"<p>{number % 7}</p>" for number in range(5000)) + TRACKER
    packed = gzip.compress(content.encode())

    async def answer(request: web.Request) -> web.StreamResponse:
        fields = {"Content-Type": "text/html", "Content-Encoding": "gzip", "Content-Length": str(len(packed))}
        response = web.StreamResponse(headers=fields)
        await response.prepare(request)
        for start in range(0, len(packed), 8):
            await response.write(packed[start : start + 8])
        return response

    answered = ask(guarded(answer), headers=GPC)
    assert len(answered.body) > len(packed)
    assert gzip.decompress(answered.body).decode() == content.replace(TRACKER, "<!---->")


def test_what_is_beyond_the_declared_length_of_data_is_left_out() -> None:
    """As aiohttp does."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/csv", "Content-Length": "3"})
        await response.prepare(request)
        await response.write(b"a,b,c")
        return response

    request = b"GET / HTTP/1.1\r\nHost: a\r\nSec-GPC: 1\r\nConnection: close\r\n\r\n"
    assert ask_raw(guarded(answer), request).endswith(b"\r\n\r\na,b")


@pytest.mark.parametrize(
    ("kind", "options"), [("text/event-stream", {}), ("text/html", {"report_only": True})], ids=["events", "reports"]
)
def test_headers_do_not_wait_for_the_first_bytes_where_nothing_hangs_on_them(
    kind: str, options: dict[str, Any]
) -> None:
    """The browser waits for those of an event stream; who only reports holds no page back."""

    async def run() -> None:
        arrived = asyncio.Event()

        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": kind})
            await response.prepare(request)
            await response.write(b"")
            await arrived.wait()
            return response

        async with serving(guarded(answer, **options)) as client, client.get("/", headers=GPC) as response:
            assert response.status == 200
            arrived.set()

    asyncio.run(run())


def test_a_first_piece_that_is_all_undecided_sends_the_headers() -> None:
    """As a handler that prepares its response itself wants."""

    async def run() -> None:
        arrived = asyncio.Event()

        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "text/html"})
            await response.prepare(request)
            await response.write(b"<scr")
            await arrived.wait()
            await response.write(b"ipt src=/own.js></script>")
            return response

        async with serving(guarded(answer)) as client, client.get("/", headers=GPC) as response:
            arrived.set()
            assert await response.text() == "<script src=/own.js></script>"

    asyncio.run(run())


def test_the_consent_is_there_while_a_body_is_made() -> None:
    """Also when aiohttp makes it after the handler has returned."""

    async def answer(request: web.Request) -> web.Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield current_consent().source.encode()

        return web.Response(body=pieces())

    assert ask(guarded(answer), headers=GPC).text == "signal"


@pytest.mark.parametrize("handler", [a_text, a_file, compressed])
def test_an_answer_to_head_has_the_headers_of_a_page(handler: Handler, folder: Path) -> None:
    """Without a length that nobody knows, and without chunks."""
    plain = ask(in_folder(bare(handler), folder), method="HEAD")
    answer = ask(in_folder(guarded(handler), folder), headers=GPC, method="HEAD")
    gone = {"content-length", "last-modified", "etag", "accept-ranges", "vary"}
    assert without(gone, answer.headers) == without(gone, plain.headers)
    assert answer.values("Content-Length") == answer.values("Transfer-Encoding") == []
    assert answer.values("Vary") == ["DNT, Sec-GPC"]


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_file_in_parts_comes_whole_when_it_is_a_page(folder: Path) -> None:
    """A part of a page cannot be read; of a picture it is what was asked for, and so it is for who grants."""
    part = {"Range": "bytes=1-3"}
    refused = ask(in_folder(guarded(a_file), folder), headers={**GPC, **part})
    assert (refused.status, refused.text) == (200, KEPT)
    assert refused.values("Content-Length") == [str(len(KEPT))]
    granted = ask(in_folder(guarded(a_file), folder), headers=part)
    assert (granted.status, granted.text) == (206, PAGE[1:4])
    picture = ask(in_folder(guarded(a_picture), folder), "/leaf.png", {**GPC, **part})
    assert (picture.status, picture.body) == (206, b"PNG")


def test_a_file_is_validated_by_the_tag_of_its_variant(folder: Path) -> None:
    """Neither the other variant's tag nor a date brings a page back that the browser has from before."""

    async def run() -> None:
        async with serving(in_folder(guarded(a_file), folder)) as client:
            granted, refused = await asked(client), await asked(client, headers=GPC)
            (theirs,), (ours,) = granted.values("ETag"), refused.values("ETag")
            assert theirs != ours
            assert refused.values("Last-Modified") == []
            again = await asked(client, headers={**GPC, "If-None-Match": ours})
            assert (again.status, again.body, again.values("ETag")) == (304, b"", [ours])
            assert (await asked(client, headers={"If-None-Match": theirs})).status == 304
            for condition in ({"If-None-Match": theirs}, {"If-Modified-Since": granted.values("Last-Modified")[0]}):
                other = await asked(client, headers={**GPC, **condition})
                assert (other.status, other.text) == (200, KEPT)

    asyncio.run(run())


def test_what_is_the_same_for_everybody_is_known_by_its_whole_address() -> None:
    """A condition reaches the handler where its validator was seen on something that is no page; the query counts."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(request.headers.get("If-None-Match"), headers={"ETag": '"1"'})

    async def run() -> list[str]:
        async with serving(guarded(answer)) as client:
            await asked(client, "/data?a=1")
            condition = {**GPC, "If-None-Match": '"1"'}
            return [(await asked(client, f"/data?a={number}", condition)).text for number in (1, 2)]

    assert asyncio.run(run()) == [r'"\"1\""', "null"]


def test_a_file_that_lies_there_compressed_is_read_too(folder: Path) -> None:
    """aiohttp takes it for who accepts it, and would have the system send it."""
    (folder / "page.html.gz").write_bytes(gzip.compress(PAGE.encode()))
    answer = ask(in_folder(guarded(a_file), folder), headers={**GPC, "Accept-Encoding": "gzip"})
    assert answer.values("Content-Encoding") == ["gzip"]
    assert gzip.decompress(answer.body).decode() == KEPT


def test_a_long_file_comes_in_pieces(folder: Path) -> None:
    """Its length is not known before its end."""
    text = "<p>" + "x" * 100 + "</p>"
    (folder / "page.html").write_text(text * 5000 + TRACKER)
    answer = ask(in_folder(guarded(a_file), folder), headers=GPC)
    assert answer.text == text * 5000 + "<!---->"
    assert answer.values("Content-Length") == []


def test_static_routes_are_read_and_the_system_sends_files_of_who_grants(folder: Path) -> None:
    """Only where nothing can be refused need nobody look at a file."""
    read: list[bool] = []

    async def note(request: web.Request, response: web.StreamResponse) -> None:
        read.append(response.compression)

    app = web.Application()
    app.router.add_static("/files", folder)
    app.on_response_prepare.append(note)
    setup(app)
    app.on_response_prepare.append(note)

    async def run() -> tuple[Answer, Answer]:
        async with serving(app) as client:
            return await asked(client, "/files/page.html"), await asked(client, "/files/page.html", GPC)

    granted, refused = asyncio.run(run())
    assert (granted.text, refused.text) == (PAGE, KEPT)
    assert read == [False, False, False, True]


# --- the request ------------------------------------------------------------------------------------------------------


def test_refused_cookies_are_hidden_and_expired() -> None:
    """From every look at the request, also one that outer middleware has taken before; other headers stay."""
    seen: list[object] = []

    @web.middleware
    async def outer(request: web.Request, handler: Handler) -> web.StreamResponse:
        seen.append(dict(request.cookies))
        return await handler(request)

    async def answer(request: web.Request) -> web.Response:
        seen.append(dict(request.cookies))
        seen.append(request.headers["Cookie"])
        seen.extend(value for name, value in request.raw_headers if name.lower() == b"cookie")
        return html()

    app = guarded(answer)
    app.middlewares.insert(0, outer)
    answered = ask(app, headers={**GPC, "Cookie": "_ga=1; session=2", "X-Own": "\xe9"})
    assert seen == [{"_ga": "1", "session": "2"}, {"session": "2"}, "session=2", b"session=2"]
    assert "_ga=; Max-Age=0; Path=/" in answered.values("Set-Cookie")
    assert answered.text == KEPT


def test_bytes_that_are_no_text_reach_the_application() -> None:
    """aiohttp hands them on as lone surrogates, which no clone of a request can hold."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=ascii(request.headers["Cookie"]) + repr(request.raw_headers[-2]))

    request = b"GET / HTTP/1.1\r\nHost: a\r\nSec-GPC: 1\r\nCookie: _ga=1; x=\xff\r\nConnection: close\r\n\r\n"
    assert b"""'x=\\udcff'(b'Cookie', b'x=\\xff')""" in ask_raw(guarded(answer), request)


def test_the_page_is_of_the_host_that_counts() -> None:
    """That of an absolute-form target, or of a proxy that outer middleware has understood, before `Host`."""
    text = "<script src=//cdn.shop.example/x.js></script>"

    @web.middleware
    async def proxied(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(scheme="https", host=request.headers["X-Forwarded-Host"]))

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.scheme, request.host))
        return html(text)

    seen: list[tuple[str, str]] = []
    app = guarded(answer)
    app.middlewares.insert(0, proxied)
    headers = {**GPC, "X-Forwarded-Host": "www.shop.example", "Cookie": "_ga=1"}
    answered = ask(app, headers=headers)
    assert answered.text == text
    assert seen == [("https", "www.shop.example")]
    assert "_ga=; Max-Age=0; Path=/; Domain=shop.example; Secure" in answered.values("Set-Cookie")
    for target, host in (("http://www.shop.example/", "a.example"), ("/", "www.shop.example")):
        request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nSec-GPC: 1\r\nConnection: close\r\n\r\n"
        assert ask_raw(guarded(answer), request.encode()).endswith(text.encode())
    for request in ("GET http://a.example/ HTTP/1.1\r\nHost: www.shop.example", "GET / HTTP/1.0"):
        assert ask_raw(guarded(answer), f"{request}\r\nSec-GPC: 1\r\nConnection: close\r\n\r\n".encode()).endswith(
            b"<!---->"
        )


def test_what_outer_middleware_makes_of_a_clone_or_of_the_answer_is_read(folder: Path) -> None:
    """The response goes out through the server's writer, whichever request it was prepared with."""

    @web.middleware
    async def outer(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request.clone())
        response.set_cookie("_ga", "1")
        assert isinstance(response, web.Response)
        response.text = f"{response.text}{TRACKER}"
        return response

    app = guarded(page)
    app.middlewares.insert(0, outer)
    answer = ask(app, headers=GPC)
    assert answer.text == KEPT + "<!---->"
    assert answer.values("Set-Cookie") == []

    @web.middleware
    async def cloning(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone())

    app = in_folder(guarded(a_file), folder)
    app.middlewares.insert(0, cloning)
    assert ask(app, headers=GPC).text == KEPT


def test_a_body_that_was_read_before_and_files_that_were_sent_are_no_trouble() -> None:
    """The handler has the body that outer middleware has read; files of a form are closed after the answer."""
    files: list[Any] = []

    @web.middleware
    async def outer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/read":
            await request.read()
        return await handler(request)

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/read":
            return html(await request.text())
        file = (await request.post())["file"]
        assert isinstance(file, web.FileField)
        files.append(file.file)
        return html(file.file.read().decode())

    app = guarded(answer)
    app.middlewares.insert(0, outer)
    form = FormData()
    form.add_field("file", PAGE.encode(), filename="page.html")

    async def run() -> None:
        async with serving(app) as client:
            cookie = {**GPC, "Cookie": "_ga=1"}
            assert (await asked(client, "/read", cookie, "POST", PAGE)).text == KEPT
            assert (await asked(client, "/form", cookie, "POST", form)).text == KEPT

    asyncio.run(run())
    assert files[0].closed


def test_a_visitor_who_asks_whether_to_send_a_body_is_told_to() -> None:
    """`Expect: 100-continue`."""

    async def answer(request: web.Request) -> web.Response:
        return html(await request.text())

    request = b"POST / HTTP/1.1\r\nHost: a\r\nSec-GPC: 1\r\nExpect: 100-continue\r\nConnection: close\r\n"
    length = f"Content-Length: {len(PAGE)}\r\n\r\n{PAGE}".encode()
    answered = ask_raw(guarded(answer), request + length)
    assert answered.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert answered.endswith(KEPT.encode())


def test_what_a_handler_writes_before_its_response_passes() -> None:
    """Such as early hints, which aiohttp does not know."""
    hints = b"HTTP/1.1 103 Early Hints\r\n\r\n"

    async def answer(request: web.Request) -> web.Response:
        await request.writer.write(hints)
        return html()

    answered = ask_raw(guarded(answer), b"GET / HTTP/1.1\r\nHost: a\r\nSec-GPC: 1\r\nConnection: close\r\n\r\n")
    assert answered.startswith(hints + b"HTTP/1.1 200 OK\r\n")
    assert answered.endswith(KEPT.encode())


def test_a_body_without_length_ends_with_the_connection_in_http_1_0() -> None:
    """Which knows no chunks, and would have kept the connection."""
    request = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\nSec-GPC: 1\r\n\r\n"
    head, _, body = ask_raw(guarded(a_stream_of_declared_length), request).partition(b"\r\n\r\n")
    assert body == KEPT.encode()
    assert b"\r\nConnection: close" in head
    assert b"Transfer-Encoding" not in head
    assert b"Content-Length" not in head


def test_a_websocket_has_the_consent_and_sets_no_refused_cookie() -> None:
    """Its messages are untouched."""
    reports: list[Report] = []

    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        socket.set_cookie("_ga", "1")
        socket.set_cookie("session", "1")
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(get_consent(request).source + message.data)
        return socket

    async def run() -> None:
        async with serving(guarded(answer, on_report=reports.append)) as client:
            async with client.ws_connect("/", headers=GPC) as socket:
                await socket.send_str(TRACKER)
                assert await socket.receive_str() == "signal" + TRACKER
            names = [cookie.key for cookie in client.session.cookie_jar]
            assert names == ["session"]

    asyncio.run(run())
    assert [report.removal_count for report in reports] == [1]


# --- subapplications --------------------------------------------------------------------------------------------------


def with_sub(outer: dict[str, Any], inner: dict[str, Any] | None, folder: Path) -> web.Application:
    """An application with a subapplication; `inner` are the options of the latter's own guard."""
    sub = in_folder(bare(a_file), folder)
    if inner is not None:
        setup(sub, **inner)
    app = web.Application()
    app.add_subapp("/sub", sub)
    setup(app, **outer)
    return app


@pytest.mark.parametrize(
    ("outer", "inner", "headers", "text"),
    [
        ({}, None, GPC, KEPT),
        ({}, {}, GPC, KEPT),
        ({}, {"exclude": ["/sub"]}, GPC, KEPT),
        ({"exclude": ["/sub"]}, {}, GPC, KEPT),
        ({}, {"block": ["hotjar"]}, {}, KEPT),
        ({}, {}, {}, PAGE),
    ],
)
def test_a_subapplication_is_guarded_with_it_and_by_its_own_rules(
    outer: dict[str, Any], inner: dict[str, Any] | None, headers: dict[str, str], text: str, folder: Path
) -> None:
    """What either of two guards refuses goes; neither lets the system send a file that the other must read."""
    reports: list[Report] = []
    guards = [{**options, "on_report": reports.append} for options in (outer, inner) if options is not None]
    app = with_sub(guards[0], guards[1] if inner is not None else None, folder)
    assert ask(app, "/sub/page", headers).text == text
    assert len(reports) == len(guards)


def test_a_path_without_a_route_is_answered_through_it() -> None:
    """aiohttp's own error pages are text."""
    app = web.Application()
    setup(app)
    answer = ask(app, "/none", GPC)
    assert (answer.status, answer.text) == (404, "404: Not Found")


# --- what goes wrong --------------------------------------------------------------------------------------------------


class WrongError(Exception):
    """What a handler fails with."""


def failing(kind: str, after: bytes | None, error: BaseException | None) -> Handler:
    """A handler that fails after it has prepared a response of a type, and perhaps written something of it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        if after is not None:
            await response.write(after)
        if error is not None:
            raise error
        return html()

    return answer


def test_of_a_page_that_was_held_back_another_answer_can_take_the_place() -> None:
    """Nothing of it is out: aiohttp's own for an error, or an exception that is a response."""
    answer = ask(guarded(failing("text/html", None, WrongError())), headers=GPC)
    assert (answer.status, answer.text) == (500, "500 Internal Server Error\n\nServer got itself in trouble")
    answer = ask(guarded(failing("text/html", None, web.HTTPForbidden(text="no"))), headers=GPC)
    assert (answer.status, answer.text) == (403, "no")
    answer = ask(guarded(failing("text/html", None, None)), headers=GPC)
    assert (answer.status, answer.text) == (200, KEPT)


@pytest.mark.parametrize(
    ("kind", "after", "body"), [("text/csv", None, b""), ("text/csv", b"a", b"a"), ("text/html", b"<p>", b"<p>")]
)
def test_what_has_begun_breaks_off_when_the_handler_fails(kind: str, after: bytes | None, body: bytes) -> None:
    """As without dntguard: the visitor sees that something is missing, and the site has one report."""
    reports: list[Report] = []
    app = guarded(failing(kind, after, WrongError()), on_report=reports.append)
    answer = ask_raw(app, b"GET / HTTP/1.1\r\nHost: a\r\nSec-GPC: 1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.partition(b"\r\n\r\n")[2] == (b"%x\r\n%s\r\n" % (len(body), body) if body else b"")
    assert [report.status for report in reports] == [200]


async def nothing(request: web.Request) -> Any:
    return None


async def wrong(request: web.Request) -> web.StreamResponse:
    raise WrongError


async def a_body_that_fails(request: web.Request) -> web.StreamResponse:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"<p>one</p>"
        raise WrongError

    return web.Response(body=pieces(), content_type="text/html")


@pytest.mark.parametrize("handler", [nothing, wrong])
def test_an_error_page_of_aiohttps_own_is_reported_as_the_answer_it_is(handler: Handler) -> None:
    """Once."""
    reports: list[Report] = []
    assert ask(guarded(handler, on_report=reports.append), headers=GPC).status == 500
    assert [report.status for report in reports] == [500]


def test_a_body_that_fails_is_reported_once() -> None:
    """It is made after the handler has returned."""
    reports: list[Report] = []
    with pytest.raises(ClientError):
        ask(guarded(a_body_that_fails, on_report=reports.append), headers=GPC)
    assert [report.status for report in reports] == [200]


@asynccontextmanager
async def running(app: web.Application, *, cancel: bool) -> AsyncIterator[int]:
    """The port of a server that cancels handlers whose visitors have gone, or does not."""
    runner = web.AppRunner(app, handler_cancellation=cancel)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("cancel", [False, True])
@pytest.mark.parametrize("kind", ["text/html", "text/csv"])
@pytest.mark.parametrize("first", [None, b"<p>one</p>"], ids=["before", "after"])
def test_a_visitor_who_goes_away_is_reported_once(
    kind: str, first: bytes | None, cancel: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Before or after something was sent, cancelled or not; nothing is logged that aiohttp would not log anyway."""
    reports: list[Report] = []
    ended: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        if first:
            await response.write(first)
        try:
            while request.transport is not None:  # noqa: ASYNC110  # aiohttp has no event for it
                await asyncio.sleep(0.001)
            await response.write(b"x")
        except BaseException as error:
            ended.append(type(error).__name__)
            raise
        return response

    async def run() -> None:
        done = asyncio.Event()

        def note(report: Report) -> None:
            reports.append(report)
            done.set()

        async with running(guarded(answer, on_report=note), cancel=cancel) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nSec-GPC: 1\r\n\r\n")
            await (reader.read(1) if first else asyncio.sleep(0.05))
            writer.close()
            async with asyncio.timeout(10):
                await done.wait()

    asyncio.run(run())
    assert len(reports) == 1
    assert ended == ["CancelledError" if cancel else "ClientConnectionResetError"]
    assert len(caplog.records) == (not cancel)


def test_the_writer_is_left_as_it_was() -> None:
    """When the response has ended: what stood in for it would keep the request alive."""
    writers: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        writers.append(request.writer)
        assert "write" in vars(request.writer)
        return html()

    assert ask(guarded(answer), headers=GPC).text == KEPT
    assert not {"write", "write_eof", "write_headers", "send_headers"} & set(vars(writers[0]))


# --- errors of our own ------------------------------------------------------------------------------------------------


class PlantedError(Exception):
    """An error of our own, planted."""


def planted(*arguments: object) -> Any:
    raise PlantedError


def test_an_error_of_our_own_lets_the_page_out_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `on_error="keep"`, less refused cookies; it is counted."""
    monkeypatch.setattr(Exchange, "start", planted)
    for handler in (cookies, a_compressed_stream):
        app = guarded(handler)
        answer = ask(app, headers=GPC)
        assert answer.status == 200
        assert app[GUARD].errors == 1
        body = zlib.decompress(answer.body) if handler is a_compressed_stream else answer.body
        assert body == PAGE.encode()
        assert not any("_ga" in value for value in answer.values("Set-Cookie"))


@pytest.mark.parametrize("headers", [{}, GPC], ids=["grants", "refuses"])
@pytest.mark.parametrize(
    "handler", [a_text, a_stream, bytes_in_chunks, a_compressed_stream, a_file, a_picture, a_stream_of_data]
)
def test_an_error_of_our_own_can_be_the_answer(
    handler: Handler, headers: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `on_error="remove"`: 500 and nothing after it, not even a file that the system would have sent."""
    monkeypatch.setattr(Exchange, "start", planted)
    request = b"GET / HTTP/1.1\r\nHost: a\r\n" + (b"Sec-GPC: 1\r\n" if headers else b"") + b"\r\n"
    head, _, body = ask_raw(in_folder(guarded(handler, on_error="remove"), folder), request).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"Content-Encoding" not in head
    assert body == b"Internal Server Error"


def test_an_error_of_our_own_can_end_what_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler does not notice; what it still writes, and another response, are dropped."""
    monkeypatch.setattr(Exchange, "feed", planted)
    written: list[bool] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        for _ in range(3):
            await response.write(b"<p>x</p>")
        written.append(True)
        raise web.HTTPForbidden

    request = b"GET / HTTP/1.1\r\nHost: a\r\nSec-GPC: 1\r\n\r\n"
    assert ask_raw(guarded(answer, on_error="remove"), request).endswith(b"\r\n\r\n8\r\n<p>x</p>\r\n0\r\n\r\n")
    assert written == [True]
