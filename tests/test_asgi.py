"""The ASGI middleware: what of the protocol passes, what is held and for how long, and what the application sees."""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from dntguard import Consent, Policy, current_consent
from dntguard.asgi import ASGIApp, DNTGuardMiddleware, Message, Receive, Scope, Send
from dntguard.errors import NoConsentError, PolicyError
from dntguard.report import Report
from tests.drive import (
    NO_SIGNAL,
    REFUSE,
    TRACKER,
    Headers,
    body,
    drive_asgi,
    http_scope,
    joined,
    nothing_to_receive,
    sends,
    start,
)

VARY = (b"vary", b"DNT, Sec-GPC")
JSON = (b"content-type", b"application/json")
HTML = (b"content-type", b"text/html")


def drive(app: ASGIApp, headers: Headers = REFUSE, **more: Any) -> list[Message]:
    """The messages that come out of the application behind a default middleware."""
    return drive_asgi(DNTGuardMiddleware(app), http_scope(headers, **more))


def drive_until_raised(app: ASGIApp, scope: Scope) -> tuple[list[Message], BaseException]:
    """The messages that came out before the application raised, and what it raised."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    async def call() -> None:
        await app(scope, nothing_to_receive, send)

    with pytest.raises(BaseException) as raised:  # noqa: PT011 - the caller compares the very object
        asyncio.run(call())
    return messages, raised.value


class AppError(Exception):
    """The application's own."""


# --- what is none of its business -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lifespan", "http.future", ""])
def test_other_scope_types_reach_the_application_as_the_very_same_objects(kind: str) -> None:
    seen: list[tuple[Any, ...]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope, receive, send))

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope: Scope = {"type": kind}
    asyncio.run(_awaited(DNTGuardMiddleware(app)(scope, nothing_to_receive, send)))
    assert seen == [(scope, nothing_to_receive, send)]
    assert seen[0][0] is scope
    assert scope == {"type": kind}


async def _awaited(it: Awaitable[None]) -> None:
    await it


@pytest.mark.parametrize("headers", [REFUSE, NO_SIGNAL])
def test_unknown_messages_pass_as_the_very_same_object(headers: Headers) -> None:
    before: Message = {"type": "http.response.future"}
    after: Message = {"type": "http.response.debug", "info": {}}
    out = drive(sends(before, start(), body(b"<p>"), after), headers)
    assert out[0] is before
    assert out[-1] is after
    assert [message["type"] for message in out] == [
        "http.response.future",
        "http.response.start",
        "http.response.body",
        "http.response.debug",
    ]


TRAILERS: Message = {
    "type": "http.response.trailers",
    "headers": [(b"content-digest", b"x"), (b"server-timing", b"x"), (b"set-cookie", b"_ga=1")],
    "more_trailers": False,
}


def test_trailers_of_a_rewritten_page_lose_what_is_stale_or_refused() -> None:
    out = drive(sends(start(), body(TRACKER), TRAILERS))
    assert out[-1] == {**TRAILERS, "headers": [(b"server-timing", b"x")]}


def test_trailers_of_something_else_lose_what_is_refused() -> None:
    out = drive(sends(start(JSON), body(b"{}"), TRAILERS))
    assert out[-1] == {**TRAILERS, "headers": TRAILERS["headers"][:2]}


def test_trailers_pass_as_the_very_same_object_for_who_refuses_nothing() -> None:
    assert drive(sends(start(), body(TRACKER), TRAILERS), NO_SIGNAL)[-1] is TRAILERS


@pytest.mark.parametrize(("headers", "count"), [(REFUSE, 0), (NO_SIGNAL, 1)])
def test_a_push_that_would_lack_the_signals_is_not_made(headers: Headers, count: int) -> None:
    push: Message = {"type": "http.response.push", "path": "/a.css", "headers": []}
    out = drive(sends(push, start(), body(b"<p>")), headers)
    assert [message["type"] for message in out].count("http.response.push") == count


@pytest.mark.parametrize(("headers", "count"), [(REFUSE, 1), (NO_SIGNAL, 2)])
def test_early_hints_lose_the_links_that_are_refused(headers: Headers, count: int) -> None:
    links = [b"</a.css>; rel=preload; as=style", b"<https://www.google-analytics.com/>; rel=preconnect"]
    hint: Message = {"type": "http.response.early_hint", "links": links}
    out = drive(sends(hint, start(), body(b"<p>")), headers)
    assert out[0] == {"type": "http.response.early_hint", "links": links[:count]}


def test_an_unknown_message_while_the_start_is_held_comes_out_after_it() -> None:
    debug: Message = {"type": "http.response.debug", "info": {}}
    out = drive(sends(start(HTML, (b"content-length", b"%d" % len(b"<p>" + TRACKER))), debug, body(b"<p>" + TRACKER)))
    assert [message["type"] for message in out] == ["http.response.start", "http.response.debug", "http.response.body"]
    assert out[0]["headers"] == [HTML, VARY]
    assert joined(out) == b"<p><!---->"


@given(st.lists(st.sampled_from([b"", b"<p>", TRACKER, b"text"])), st.booleans(), st.booleans())
def test_without_a_signal_every_message_is_the_applications(chunks: list[bytes], typed: bool, ended: bool) -> None:
    app = sends(
        start(HTML if typed else JSON, (b"set-cookie", b"_ga=1"), (b"x", b"1")),
        *[body(chunk, more=True) for chunk in chunks],
        *([body(b"")] if ended else []),
    )
    bare = drive_asgi(app, http_scope(NO_SIGNAL))
    wrapped = drive(app, NO_SIGNAL)
    assert wrapped[1:] == bare[1:]
    assert wrapped[0] == {**bare[0], "headers": [*bare[0]["headers"], VARY]}


@given(st.lists(st.sampled_from([b"", b"<p>", TRACKER, b"text"])))
def test_report_only_sends_every_message_as_the_application_did(chunks: list[bytes]) -> None:
    app = sends(start(), *[body(chunk, more=True) for chunk in chunks], body(TRACKER))
    reports: list[Report] = []
    wrapped = drive_asgi(DNTGuardMiddleware(app, report_only=True, on_report=reports.append), http_scope(REFUSE))
    assert wrapped == drive_asgi(app, http_scope(REFUSE))
    assert reports[0].removal_count >= 1


@pytest.mark.parametrize("message", [body(b"", more=True), {"type": "http.response.body"}, body(b"{}")])
def test_body_messages_of_what_is_no_page_pass_as_the_very_same_object(message: Message) -> None:
    out = drive(sends(start(JSON), message, body(b"")))
    assert out[1] is message


def test_headers_may_be_any_iterable_of_pairs() -> None:
    def pairs() -> Iterator[Iterable[bytes]]:
        yield [b"content-type", b"text/html"]
        yield iter((b"x", b"1"))

    for headers in (REFUSE, NO_SIGNAL):
        out = drive(sends({**start(), "headers": pairs()}, body(b"<p>")), headers)
        assert out[0]["headers"] == [HTML, (b"x", b"1"), VARY]


@pytest.mark.parametrize("headers", [REFUSE, NO_SIGNAL])
def test_the_servers_headers_and_its_own_address_may_be_iterables_that_can_be_read_once(headers: Headers) -> None:
    """Falcon's test client sends such, for the specification speaks of iterables."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    unnamed = headers[1:]  # so that the address is the page's host
    drive(app, map(iter, unnamed), server=iter(("shop.example", 80)))  # type: ignore[arg-type]
    assert seen[0]["headers"] == unnamed
    assert list(seen[0]["server"]) == ["shop.example", 80]


@pytest.mark.parametrize("server", [None, ("/run/site.sock", None)])
def test_an_address_that_is_no_host_reaches_the_application_as_it_is(server: tuple[str, None] | None) -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    drive(app, server=server)
    assert seen[0]["server"] == server


def test_a_start_without_headers_is_one_with_none() -> None:
    out = drive(sends({"type": "http.response.start", "status": 200}, body(b"plain")))
    assert out == [{"type": "http.response.start", "status": 200, "headers": []}, body(b"plain")]


def test_other_keys_of_the_start_survive() -> None:
    out = drive(sends({**start(), "trailers": True}, body(TRACKER)))
    assert out[0]["trailers"] is True


def test_both_a_policy_and_options_are_an_error_at_construction() -> None:
    with pytest.raises(PolicyError, match="mode"):
        DNTGuardMiddleware(sends(), Policy(), mode="never")


# --- streaming --------------------------------------------------------------------------------------------------------


def test_each_chunk_is_out_before_the_application_goes_on() -> None:
    out: list[Message] = []
    seen_after_each: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        for chunk in (b"<p>one", b"<p>two" + TRACKER, b"<b", b">three"):
            await send(body(chunk, more=True))
            seen_after_each.append(joined(out))
        await send(body(b""))

    async def send(message: Message) -> None:
        out.append(message)

    asyncio.run(_awaited(DNTGuardMiddleware(app)(http_scope(REFUSE), nothing_to_receive, send)))
    assert seen_after_each == [
        b"<p>one",
        b"<p>one<p>two<!---->",
        b"<p>one<p>two<!---->",
        b"<p>one<p>two<!----><b>three",
    ]
    assert out[-1] == body(b"")


@given(st.lists(st.integers(0, 110), max_size=8))
def test_every_chunking_gives_the_same_page(cuts: list[int]) -> None:
    page = b"<p>one</p>" + TRACKER + b"<p>two</p><b class"
    edges = [0, *sorted(cuts), len(page)]
    pieces = [page[begin:end] for begin, end in pairwise(edges)]
    out = drive(sends(start(), *[body(piece, more=True) for piece in pieces], body(b"")))
    assert joined(out) == b"<p>one</p><!----><p>two</p><b class"
    assert [message.get("more_body") for message in out[1:]] == [True] * (len(out) - 2) + [False]


def test_empty_chunks_of_a_page_hold_the_start_until_the_first_bytes_tell_what_it_is() -> None:
    untyped = start((b"content-length", b"2"))
    out = drive(sends(untyped, body(b"", more=True), body(b"{}", more=True), body(b"")))
    assert dict(out[0]["headers"])[b"content-length"] == b"2"
    out = drive(sends(untyped, body(b"", more=True), body(b"<p>", more=True), body(b"")))
    assert b"content-length" not in dict(out[0]["headers"])


def test_server_sent_events_start_at_once_and_are_not_held() -> None:
    out: list[Message] = []
    counts: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start((b"content-type", b"text/event-stream")))
        counts.append(len(out))
        await send(body(b"data: <script\n\n", more=True))
        counts.append(len(out))

    async def send(message: Message) -> None:
        out.append(message)

    asyncio.run(_awaited(DNTGuardMiddleware(app)(http_scope(REFUSE), nothing_to_receive, send)))
    assert counts == [1, 2]
    assert joined(out) == b"data: <script\n\n"


def test_a_page_whose_start_is_never_followed_by_a_body_is_sent_as_a_start() -> None:
    out = drive(sends(start(HTML, (b"set-cookie", b"_ga=1"))))
    assert out == [{"type": "http.response.start", "status": 200, "headers": [HTML, VARY]}]


@pytest.mark.parametrize("kind", [bytearray, memoryview])
@pytest.mark.parametrize("type_", [HTML, JSON])
def test_a_body_may_be_any_bytes_like_object(kind: Callable[[bytes], bytes], type_: tuple[bytes, bytes]) -> None:
    sent: Message = {"type": "http.response.body", "body": kind(b"<p>" + TRACKER)}
    out = drive(sends(start(type_), sent))
    assert joined(out) == (b"<p><!---->" if type_ is HTML else b"<p>" + TRACKER)


def test_a_body_after_the_end_reaches_the_server_which_knows_what_to_say() -> None:
    out = drive(sends(start(HTML, (b"content-length", b"3")), body(b"<p>"), body(b"<b>")))
    assert [message["type"] for message in out] == ["http.response.start", "http.response.body", "http.response.body"]
    assert joined(out) == b"<p>"


# --- applications and clients that fail -------------------------------------------------------------------------------


def failing(*messages: Message, error: BaseException) -> ASGIApp:
    """An application that sends these messages and raises."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)
        raise error

    return app


@pytest.mark.parametrize("headers", [REFUSE, NO_SIGNAL])
@pytest.mark.parametrize(
    "sent",
    [[], [start(JSON)], [start(JSON), body(b"{", more=True)], [start(), body(b"<p>", more=True)]],
    ids=["before the start", "after the start", "after a chunk", "after a chunk of a page"],
)
@pytest.mark.parametrize("error", [AppError("x"), asyncio.CancelledError()], ids=["error", "cancelled"])
def test_what_the_application_raises_comes_out_after_the_messages_it_sent(
    headers: Headers, sent: list[Message], error: BaseException
) -> None:
    app = failing(*sent, error=error)
    messages, raised = drive_until_raised(DNTGuardMiddleware(app), http_scope(headers))
    assert raised is error
    assert [message["type"] for message in messages] == [message["type"] for message in sent]
    assert joined(messages) == joined(sent)


def test_without_a_signal_the_start_of_a_page_is_out_before_the_application_raises() -> None:
    error = AppError()
    messages, raised = drive_until_raised(DNTGuardMiddleware(failing(start(), error=error)), http_scope(NO_SIGNAL))
    assert raised is error
    assert [message["type"] for message in messages] == ["http.response.start"]


def test_who_refuses_gets_the_servers_error_page_where_a_page_fails_before_its_first_byte() -> None:
    """The start is held until the first byte, so that the server can still answer 500 (as PEP 3333 has it for WSGI)."""
    error = AppError()
    messages, raised = drive_until_raised(DNTGuardMiddleware(failing(start(), error=error)), http_scope(REFUSE))
    assert raised is error
    assert messages == []


@pytest.mark.parametrize("headers", [REFUSE, NO_SIGNAL])
@pytest.mark.parametrize("failing_at", [0, 1, 2])
def test_a_client_that_goes_away_is_the_applications_to_handle(headers: Headers, failing_at: int) -> None:
    """What `send` raises arrives where the application awaits it, and its clean-up still runs."""
    gone = OSError("the client is gone")
    count = 0
    caught: list[BaseException] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            for message in (start(), body(b"<p>", more=True), body(b"<p>", more=True), body(b"")):
                await send(message)
        except OSError as error:
            caught.append(error)
            raise

    async def send(message: Message) -> None:
        nonlocal count
        if count == failing_at:
            raise gone
        count += 1

    reports: list[Report] = []
    wrapped = DNTGuardMiddleware(app, on_report=reports.append)
    with pytest.raises(OSError, match="gone") as raised:
        asyncio.run(_awaited(wrapped(http_scope(headers), nothing_to_receive, send)))
    assert raised.value is gone
    assert caught == [gone]
    assert len(reports) == 1


def test_a_disconnect_reaches_the_application() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.disconnect"

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    assert drive_asgi(DNTGuardMiddleware(app), http_scope(REFUSE), receive) == []


# --- what the application sees ----------------------------------------------------------------------------------------


def test_the_application_finds_the_consent_in_scope_state_and_context() -> None:
    seen: list[Consent] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend([scope["dntguard"], scope["state"]["consent"], current_consent()])

    drive(app)
    assert seen[0] is seen[1] is seen[2]
    assert not seen[0].analytics
    assert seen[0].reason == "The browser sends DNT: 1, which refuses analytics and marketing."


@pytest.mark.parametrize("headers", [REFUSE, NO_SIGNAL])
def test_the_servers_scope_is_not_changed(headers: Headers) -> None:
    scope = http_scope([*headers, (b"cookie", b"_ga=1")], extensions={"http.response.pathsend": {}})
    before = copy.deepcopy(scope)
    drive_asgi(DNTGuardMiddleware(sends(start(), body(b""))), scope)
    assert scope == before


def test_the_requests_own_state_is_shared_with_outer_middleware() -> None:
    state: dict[str, Any] = {"pool": 1}
    drive(sends(), state=state)
    assert state["pool"] == 1
    assert isinstance(state["consent"], Consent)


@pytest.mark.parametrize(
    ("headers", "policy", "kept"),
    [
        (REFUSE, {}, {"tls"}),
        (NO_SIGNAL, {}, {"tls", "http.response.pathsend", "http.response.zerocopysend"}),
        (REFUSE, {"report_only": True}, {"tls", "http.response.pathsend", "http.response.zerocopysend"}),
        (REFUSE, {"exclude": ["/"]}, {"tls", "http.response.pathsend", "http.response.zerocopysend"}),
    ],
)
def test_files_may_not_be_sent_by_name_to_who_refuses(headers: Headers, policy: dict[str, Any], kept: set[str]) -> None:
    seen: list[set[str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(set(scope["extensions"]))

    extensions: dict[str, Any] = {"tls": {}, "http.response.pathsend": {}, "http.response.zerocopysend": {}}
    drive_asgi(DNTGuardMiddleware(app, **policy), http_scope(headers, extensions=extensions))
    assert seen == [kept]


def test_no_extensions_stay_no_extensions() -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope.get("extensions", "none"))

    drive(app)
    drive(app, extensions=None)
    assert seen == ["none", None]


def test_a_file_sent_by_name_passes_for_who_refuses_nothing() -> None:
    path_send: Message = {"type": "http.response.pathsend", "path": "/srv/page.html"}
    out = drive(sends(start(), path_send), NO_SIGNAL)
    assert out[1] is path_send


def test_concurrent_requests_each_see_their_own_consent() -> None:
    ready = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal ready
        ready += 1
        while ready < 20:  # noqa: ASYNC110 - all requests must be inside at once
            await asyncio.sleep(0)
        child = await asyncio.create_task(consent_of_a_child_task())
        assert current_consent() is scope["dntguard"] is child
        assert current_consent().analytics is ((b"dnt", b"1") not in scope["headers"])

    async def consent_of_a_child_task() -> Consent:
        await asyncio.sleep(0)
        return current_consent()

    async def send(message: Message) -> None:
        raise AssertionError(message)

    async def run() -> None:
        wrapped = DNTGuardMiddleware(app)
        await asyncio.gather(
            *(wrapped(http_scope((REFUSE, NO_SIGNAL)[n % 2]), nothing_to_receive, send) for n in range(20))
        )

    asyncio.run(run())
    assert ready == 20


@pytest.mark.parametrize("error", [None, AppError("x")])
def test_after_the_request_there_is_no_consent(error: AppError | None) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert current_consent().opt_out_honored
        if error is not None:
            raise error

    async def run() -> None:
        try:
            await DNTGuardMiddleware(app)(http_scope(REFUSE), nothing_to_receive, _no_send)
        except AppError:
            assert error is not None
        with pytest.raises(NoConsentError, match="no request is being handled"):
            current_consent()

    asyncio.run(run())


async def _no_send(message: Message) -> None:
    raise AssertionError(message)


def test_an_inner_middleware_hands_the_outer_consent_back_afterwards() -> None:
    seen: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(current_consent().functional)

    async def between(scope: Scope, receive: Receive, send: Send) -> None:
        await DNTGuardMiddleware(app, mode="never")(scope, receive, send)
        seen.append(current_consent().functional)

    drive(between)
    assert seen == [False, True]


# --- WebSocket --------------------------------------------------------------------------------------------------------


def websocket_scope(headers: Headers) -> Scope:
    """A WebSocket scope as servers make it: without a method."""
    scope = http_scope(headers, type="websocket", scheme="wss", subprotocols=[])
    del scope["method"]
    return scope


def accept(*cookies: bytes) -> Message:
    """The acceptance of a WebSocket that sets these cookies."""
    return {"type": "websocket.accept", "subprotocol": None, "headers": [(b"set-cookie", line) for line in cookies]}


@pytest.mark.parametrize(
    ("headers", "policy", "left"),
    [
        (REFUSE, {}, [b"session=1"]),
        (NO_SIGNAL, {}, [b"_ga=1", b"session=1"]),
        (REFUSE, {"report_only": True}, [b"_ga=1", b"session=1"]),
        (REFUSE, {"exclude": ["/"]}, [b"_ga=1", b"session=1"]),
    ],
)
def test_accepting_a_websocket_sets_no_refused_cookie(
    headers: Headers, policy: dict[str, Any], left: list[bytes]
) -> None:
    app = DNTGuardMiddleware(sends(accept(b"_ga=1", b"session=1"), {"type": "websocket.send", "text": "hi"}), **policy)
    out = drive_asgi(app, websocket_scope(headers))
    assert out == [accept(*left), {"type": "websocket.send", "text": "hi"}]


def test_report_only_reports_the_cookies_that_accepting_a_websocket_sets() -> None:
    reports: list[Report] = []
    app = DNTGuardMiddleware(sends(accept(b"_ga=1")), report_only=True, on_report=reports.append)
    drive_asgi(app, websocket_scope(REFUSE))
    assert [(removal.kind, removal.what) for removal in reports[0].removals] == [("set-cookie", "_ga")]


def test_an_acceptance_without_headers_passes() -> None:
    bare: Message = {"type": "websocket.accept"}
    assert drive_asgi(DNTGuardMiddleware(sends(bare)), websocket_scope(NO_SIGNAL))[0] is bare
    assert drive_asgi(DNTGuardMiddleware(sends(bare)), websocket_scope(REFUSE)) == [{**bare, "headers": []}]


def test_a_websocket_hides_refused_cookies_and_carries_the_consent() -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend([dict(scope["headers"])[b"cookie"], scope["dntguard"].marketing, "method" in scope])

    drive_asgi(DNTGuardMiddleware(app), websocket_scope([*REFUSE, (b"cookie", b"_fbp=1; a=1")]))
    assert seen == [b"a=1", False, False]


def test_the_page_that_denies_a_websocket_is_a_page() -> None:
    def renamed(message: Message) -> Message:
        return {**message, "type": "websocket." + message["type"]}

    denial = (start(HTML, (b"set-cookie", b"_ga=1"), status=403), body(b"<p>no", more=True), body(TRACKER))
    app = sends(*map(renamed, denial))
    assert drive_asgi(DNTGuardMiddleware(app), websocket_scope(REFUSE)) == [
        renamed(start(HTML, VARY, status=403)),
        renamed(body(b"<p>no", more=True)),
        renamed(body(b"<!---->")),
    ]


# --- bad input --------------------------------------------------------------------------------------------------------

HOSTILE_HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"host", b"dnt", b"sec-gpc", b"cookie", b"accept-encoding", b"sec-fetch-dest", b"x"])
        | st.binary(max_size=8),
        st.binary(max_size=30) | st.sampled_from([b"1", b"[::1", b"a:b:c", b"\xff", b"_ga=1", b"x" * 300]),
    ),
    max_size=8,
)


@given(HOSTILE_HEADERS, st.text(max_size=20) | st.sampled_from(["http://", "https://x@[::", "*", ""]), st.text())
def test_no_request_makes_it_raise(headers: Headers, path: str, scheme: str) -> None:
    app = sends(start(HTML, (b"set-cookie", b"a=1")), body(b"<p>" + TRACKER))
    out = drive_asgi(DNTGuardMiddleware(app, mode="never"), http_scope(headers, path=path, scheme=scheme))
    assert joined(out) == b"<p><!---->"
    assert (b"set-cookie", b"a=1") in out[0]["headers"]


@pytest.mark.parametrize("server", [None, ("shop.example", None), ("/run/site.sock", None), (None, 80)])
@pytest.mark.parametrize("headers", [[(b"dnt", b"1")], [(b"dnt", b"1"), (b"host", b"a.example"), (b"host", b"b")]])
def test_a_request_without_one_host_is_answered_all_the_same(server: Any, headers: Headers) -> None:
    out = drive(sends(start(), body(b"<p>" + TRACKER + b"<script src=/own.js></script>")), headers, server=server)
    assert joined(out) == b"<p><!----><script src=/own.js></script>"


HOSTILE_RESPONSE = st.lists(
    st.tuples(
        st.sampled_from([b"content-type", b"content-encoding", b"content-length", b"set-cookie", b"vary"])
        | st.binary(max_size=8),
        st.binary(max_size=30) | st.sampled_from([b"text/html", b"gzip", b"-1", b"*", b"_ga=1"]),
    ),
    max_size=6,
)


@given(st.integers(100, 599), HOSTILE_RESPONSE, st.lists(st.binary(max_size=10), max_size=4))
def test_no_response_makes_it_raise_and_no_message_is_lost(status: int, headers: Headers, chunks: list[bytes]) -> None:
    app = sends(
        {"type": "http.response.start", "status": status, "headers": headers},
        *[body(chunk, more=True) for chunk in chunks],
        body(b"end"),
    )
    out = drive(app)
    assert out[0]["type"] == "http.response.start"
    assert out[0]["status"] == status
    assert out[-1]["more_body"] is False


# --- in a framework ---------------------------------------------------------------------------------------------------


async def _page(request: Request) -> Response:
    response = HTMLResponse(f"<p>{request.state.consent.reason}</p>" + TRACKER.decode())
    response.set_cookie("_ga", "1")
    response.set_cookie("session", "1")
    return response


async def _cookies(request: Request) -> Response:
    return JSONResponse(request.cookies)


SITE = Starlette(
    routes=[Route("/", _page), Route("/cookies", _cookies)],
    middleware=[Middleware(DNTGuardMiddleware, third_party="keep")],
)


def fetch(path: str, headers: dict[str, str]) -> httpx.Response:
    """What httpx gets from the site."""

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(SITE)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(get())


def test_a_starlette_site_honors_the_signal_and_can_say_why() -> None:
    answer = fetch("/", {"Sec-GPC": "1"})
    assert answer.text == "<p>The browser sends Sec-GPC: 1, which refuses analytics and marketing.</p><!---->"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert list(answer.cookies) == ["session"]
    assert TRACKER in fetch("/", {}).content


def test_a_starlette_site_does_not_see_refused_cookies() -> None:
    assert fetch("/cookies", {"DNT": "1", "Cookie": "_ga=1; a=2"}).json() == {"a": "2"}
    assert fetch("/cookies", {"Cookie": "_ga=1; a=2"}).json() == {"_ga": "1", "a": "2"}


def test_headers_that_can_be_read_once_and_a_state_of_none_are_fine() -> None:
    """The specification allows any iterable of headers."""
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope["dntguard"].opt_out_honored, scope["state"]["consent"].analytics, list(scope["headers"])))
        await send(start(JSON))
        await send(body(b"{}"))

    scope = http_scope(REFUSE)
    scope["headers"] = iter(list(REFUSE))
    scope["state"] = None
    drive_asgi(DNTGuardMiddleware(app), scope)
    assert seen == [(True, False, list(REFUSE))]
