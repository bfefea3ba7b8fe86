"""The kit's strategies, in property tests as sites write them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from dntguard import Consent, Policy, Purpose
from dntguard.asgi import ASGIApp, DNTGuardMiddleware, Receive, Scope, Send
from dntguard.signals import read_signals
from dntguard.testing import Client, Response, assert_no_refused
from dntguard.testing.strategies import Request, chunkings, consents, pages, requests, signals, trackers
from tests.testing_kit.sites import HTML


def streaming(chunks: list[bytes]) -> ASGIApp:
    """An application that streams one page in these chunks."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body"})

    return app


@given(request=requests(("/", "/tea?x=1")), data=st.data())
def test_no_page_at_any_chunking_brings_a_visitor_what_was_refused(request: Request, data: st.DataObject) -> None:
    """What a site's property test says of its guarded application."""
    app = DNTGuardMiddleware(streaming(data.draw(chunkings(data.draw(pages())))))
    assert_no_refused(Client(app).get(request.path, request.headers))


@given(signal=signals(), data=st.data())
def test_without_the_middleware_a_page_with_a_tracker_does(signal: dict[str, str], data: st.DataObject) -> None:
    """So the property above can fail."""
    app = streaming(data.draw(chunkings(data.draw(pages(min_trackers=1)))))
    with pytest.raises(AssertionError, match="no middleware of dntguard was seen to answer"):
        assert_no_refused(Client(app).get("/", signal))


@given(pages(max_trackers=0))
def test_a_page_without_trackers_holds_nothing_refused(page: bytes) -> None:
    assert_no_refused(Response(200, [HTML], page))
    assert page.decode().startswith("<!doctype html>\n")


@given(trackers())
def test_each_tracker_is_refused(tracker: bytes) -> None:
    """Each is one thing that goes, whole."""
    with pytest.raises(AssertionError) as caught:
        assert_no_refused(Response(200, [HTML], tracker))
    assert str(caught.value).count("  line 1: ") == 1


@given(st.data())
def test_chunks_are_the_data(data: st.DataObject) -> None:
    page = data.draw(pages())
    assert b"".join(data.draw(chunkings(page))) == page


@pytest.mark.parametrize("count", [0, 1, 5])
def test_chunkings_have_every_size(count: int) -> None:
    assert find(chunkings(b"tea"), lambda chunks: len([chunk for chunk in chunks if not chunk]) == count)
    assert find(chunkings(b"tea"), lambda chunks: chunks == [b"t", b"e", b"a"])


@given(signals())
def test_signals_refuse(headers: dict[str, str]) -> None:
    assert read_signals([(name.encode(), value.encode()) for name, value in headers.items()]).refuse


def test_signals_may_be_asked_for_that_refuse_nothing() -> None:
    assert find(signals(refusing=False), lambda headers: not headers) == {}
    assert find(signals(refusing=False), lambda headers: headers.get("Sec-GPC") == "0")


def test_signals_are_the_tests_own() -> None:
    """One that a test has changed is not drawn again."""

    @given(signals())
    def change(headers: dict[str, str]) -> None:
        assert "X" not in headers
        headers["X"] = "1"

    change()


@given(requests(["/a", "/b"], refusing=False))
def test_requests_have_paths_and_fields_of_browsers(request: Request) -> None:
    assert request.path in ("/a", "/b")
    assert set(request.headers) <= {
        "DNT", "Sec-GPC", "Cookie", "Accept-Language", "Accept-Encoding", "User-Agent",
    }  # fmt: skip


def test_requests_may_have_cookies_of_trackers() -> None:
    assert find(requests(), lambda request: "_ga=" in request.headers.get("Cookie", ""))


@pytest.mark.parametrize(
    ("policy", "granted"),
    [
        (None, {4, 2}),
        (Policy(mode="never"), {1}),
        (Policy(mode="opt-in"), {1}),
        (Policy(dnt_refuses=frozenset({Purpose.ANALYTICS})), {4, 3, 2}),
    ],
)
def test_consents_are_what_a_policy_can_come_to(policy: Policy | None, granted: set[int]) -> None:
    seen: Counter[int] = Counter()

    @given(consents(policy))
    def draw(consent: Consent) -> None:
        seen[len(consent.granted)] += 1

    draw()
    assert set(seen) == granted


@pytest.mark.parametrize("kind", [b"<script async", b"<img", b"<iframe", b"<script>!"])
def test_trackers_are_of_many_kinds(kind: bytes) -> None:
    assert find(trackers(), lambda tracker: tracker.startswith(kind))
