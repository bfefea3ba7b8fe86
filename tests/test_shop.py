"""The demo shop, in Starlette and in Flask: what a visitor gets with a signal, without one, and without dntguard."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from html.parser import HTMLParser
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from examples.shop import demo, flask_app, pages, starlette_app
from examples.shop.catalogue import REVIEWS
from examples.shop.demo import COOKIES, PAGES, SIGNALS
from examples.shop.inventory import Tag, count_by_owner, marks_left, tags_of
from examples.shop.visitor import Answer, Headers, Send, Visitor

ROOT = Path(__file__).parent.parent
REFUSALS = [label for label, headers in SIGNALS.items() if headers]
LAYOUT = {"Google Tag Manager", "Google Analytics", "Meta Pixel", "Hotjar", "Clarity", "TikTok", "LinkedIn"}

Message = MutableMapping[str, Any]


def over_asgi(app: Any) -> Send:
    """Send requests straight to an ASGI application; each body message is one piece of the answer."""

    def send(method: str, path: str, headers: Headers, body: bytes) -> Answer:
        messages: list[Message] = []

        requests: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if not requests:
                await asyncio.Event().wait()  # the visitor stays
            return requests.pop()

        async def collect(message: Message) -> None:
            messages.append(message)

        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in [("Host", "shop.example"), *headers]]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": raw,
            "server": ("shop.example", 80),
            "client": ("192.0.2.1", 40000),
        }
        asyncio.run(app(scope, receive, collect))
        start, *rest = messages
        got = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        return Answer(start["status"], got, [message["body"] for message in rest if message.get("body")])

    return send


def over_wsgi(app: Any) -> Send:
    """Send requests straight to a WSGI application; what its iterable yields are the pieces of the answer."""

    def send(method: str, path: str, headers: Headers, body: bytes) -> Answer:
        builder = EnvironBuilder(
            path, "http://shop.example", method=method, headers=headers, input_stream=BytesIO(body)
        )
        builder.content_length = len(body)
        iterable, status, got = run_wsgi_app(app, builder.get_environ())
        try:
            pieces = [piece for piece in iterable if piece]
        finally:
            if close := getattr(iterable, "close", None):
                close()
        return Answer(int(status.split()[0]), list(got), pieces)

    return send


@dataclass(frozen=True)
class Shop:
    guarded: Send
    bare: Send


SHOPS = {
    "starlette": Shop(over_asgi(starlette_app.app), over_asgi(starlette_app.bare)),
    "flask": Shop(over_wsgi(flask_app.app), over_wsgi(flask_app.bare)),
}


@pytest.fixture(params=SHOPS)
def shop(request: pytest.FixtureRequest) -> Shop:
    return SHOPS[request.param]


@pytest.fixture(params=REFUSALS)
def refusal(request: pytest.FixtureRequest) -> Headers:
    return SIGNALS[request.param]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "REVIEW_PAUSE", 0)


def ask(send: Send, path: str, headers: Headers) -> Answer:
    """The page for a first visit; only the account is for somebody signed in."""
    visitor = Visitor(send, headers, dict(COOKIES))
    if path == "/account":
        assert sign_in(visitor).status == 303
    return visitor.get(path)


def sign_in(visitor: Visitor) -> Answer:
    return visitor.post("/login", email=pages.DEMO_EMAIL, password=pages.DEMO_PASSWORD)


class Words(HTMLParser):
    """The text of a page, without scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if not self._in_script:
            self.words += data.split()


def words_of(answer: Answer) -> str:
    reader = Words()
    reader.feed(answer.body.decode())
    reader.close()
    return " ".join(reader.words)


# What dntguard promises


@pytest.mark.parametrize("path", PAGES)
def test_without_a_signal_an_answer_is_the_bare_shops_piece_by_piece(shop: Shop, path: str) -> None:
    guarded, bare = ask(shop.guarded, path, []), ask(shop.bare, path, [])
    assert guarded.status == bare.status
    assert list(guarded.pieces) == list(bare.pieces)
    assert demo.comparable(guarded.headers) == demo.comparable(bare.headers)


@pytest.mark.parametrize("path", PAGES)
def test_a_refusal_leaves_no_tracker_and_takes_nothing_else(shop: Shop, refusal: Headers, path: str) -> None:
    plain, refused = ask(shop.bare, path, []), ask(shop.guarded, path, refusal)
    assert refused.status == plain.status
    assert tags_of(refused) == [tag for tag in tags_of(plain) if not tag.tracks]
    assert marks_left(refused.body) == []
    if path != "/privacy":  # it shows the decision
        assert words_of(refused) == words_of(plain)


@pytest.mark.parametrize("path", [path for path in PAGES if not path.startswith("/static/")])
def test_every_page_carries_trackers_for_who_does_not_refuse(shop: Shop, path: str) -> None:
    tags = tags_of(ask(shop.guarded, path, []))
    assert {tag.owner for tag in tags if tag.tracks and tag.kind != "cookie"} >= LAYOUT
    assert {Tag("cookie", "_ga"), Tag("cookie", "_fbp"), Tag("cookie", "csrf")} <= set(tags)


def test_who_refuses_keeps_payment_captcha_bootstrap_and_own_scripts(shop: Shop, refusal: Headers) -> None:
    answer = ask(shop.guarded, "/checkout", refusal)
    assert {tag.owner for tag in tags_of(answer)} == {
        "csrf", "own file", "Bootstrap", "Stripe.js", "reCAPTCHA", "own script",
    }  # fmt: skip
    assert b"gtag('event', 'begin_checkout'" in answer.body


def test_who_refuses_gets_no_film_from_a_tracker(shop: Shop, refusal: Headers) -> None:
    path = "/product/morning-moss"
    assert b"www.youtube.com/embed/" in ask(shop.guarded, path, []).body
    assert b"youtube" not in ask(shop.guarded, path, refusal).body.lower()


def test_session_cookie_stays_for_who_refuses(shop: Shop, refusal: Headers) -> None:
    visitor = Visitor(shop.guarded, refusal)
    visitor.get("/product/pebble-cup")
    assert sorted(name.partition("_")[0] for name in visitor.cookies) == ["csrf", "session"]
    assert "You looked at Pebble Cup" in words_of(visitor.get("/product/tall-cup"))


def test_tracking_cookies_of_an_earlier_visit_are_hidden_and_taken_back(shop: Shop, refusal: Headers) -> None:
    visitor = Visitor(shop.guarded)
    visitor.get("/")
    assert set(visitor.cookies) == {"csrf", "_ga", "_fbp"}
    assert words_of(visitor.get("/privacy")).partition("reached us")[2].startswith(" _fbp , _ga , csrf Kettle")
    visitor.signal = refusal
    assert words_of(visitor.get("/privacy")).partition("reached us")[2].startswith(" csrf Kettle")
    assert set(visitor.cookies) == {"csrf"}


@pytest.mark.parametrize("headers", [*SIGNALS.values()], ids=[*SIGNALS])
def test_reviews_come_one_after_the_other(shop: Shop, headers: Headers) -> None:
    pieces = ask(shop.guarded, "/reviews", headers).pieces
    assert len(pieces) >= len(REVIEWS)
    assert max(piece.count(b"<blockquote>") for piece in pieces) == 1


def test_reviews_are_cut_inside_tags_of_trackers(shop: Shop) -> None:
    pieces = ask(shop.bare, "/reviews", []).pieces
    assert (
        sum(piece.endswith((b"<script as", b"<script de", b"<img width", b"<img heigh")) for piece in pieces)
        == len(REVIEWS) + 1
    )


# What the page about privacy says


def test_privacy_page_gives_the_decision_and_its_reason(shop: Shop) -> None:
    words = words_of(ask(shop.guarded, "/privacy", [("DNT", "1")]))
    assert "Your browser asked us not to track you. We do not." in words
    assert "DNT 1 Sec-GPC nothing" in words
    assert "Analytics refused" in words
    assert "Marketing refused" in words
    assert "Functional granted" in words
    assert "Decided by signal Do Not Track do not track Global Privacy Control no preference" in words


def test_privacy_page_says_that_an_explicit_permission_was_read(shop: Shop) -> None:
    words = words_of(ask(shop.guarded, "/privacy", [("DNT", "0")]))
    assert "DNT 0" in words
    assert "Analytics granted" in words


def test_privacy_page_of_the_bare_shop_says_that_nothing_decides(shop: Shop, refusal: Headers) -> None:
    words = words_of(ask(shop.bare, "/privacy", refusal))
    assert "nothing decides what follows from it: this shop runs without dntguard" in words
    assert "refused," in words
    assert "Marketing granted" in words


# The shop itself


@pytest.mark.parametrize("headers", [*SIGNALS.values()], ids=[*SIGNALS])
def test_signing_in_and_out(shop: Shop, headers: Headers) -> None:
    visitor = Visitor(shop.guarded, headers)
    assert visitor.get("/account").status == 303
    visitor.get("/login")
    assert sign_in(visitor).status == 303
    assert "Good to see you, Ines" in words_of(visitor.get("/account"))
    assert visitor.post("/logout").status == 303
    assert visitor.get("/account").status == 303


def test_wrong_password_and_missing_or_wrong_token_are_refused(shop: Shop, refusal: Headers) -> None:
    visitor = Visitor(shop.guarded, refusal)
    assert sign_in(visitor).status == 403  # no page was visited, so there is no token yet
    visitor.get("/login")
    wrong = visitor.post("/login", email=pages.DEMO_EMAIL, password="espresso")
    assert wrong.status == 403
    assert "That was not it" in words_of(wrong)
    for token in ("", "x" * 43, "é"):
        forged = visitor.post("/login", csrf=token, email=pages.DEMO_EMAIL, password=pages.DEMO_PASSWORD)
        assert forged.status == 403
    assert visitor.get("/account").status == 303


def test_a_token_that_is_not_one_of_ours_is_replaced(shop: Shop) -> None:
    visitor = Visitor(shop.guarded, cookies={"csrf": "short"})
    visitor.get("/")
    assert len(visitor.cookies["csrf"]) == 43


@pytest.mark.parametrize("headers", [*SIGNALS.values()], ids=[*SIGNALS])
def test_cart_order_and_account(shop: Shop, headers: Headers) -> None:
    visitor = Visitor(shop.guarded, headers)
    visitor.get("/")
    assert visitor.post("/checkout").status == 400
    assert visitor.post("/cart/add", slug="pebble-cup", quantity="2").status == 303
    visitor.post("/cart/add", slug="hay-loft")
    assert "Together € 67.80" in words_of(visitor.get("/cart"))
    visitor.post("/cart/change", slug="hay-loft", quantity="0")
    assert "Hay Loft" not in words_of(visitor.get("/cart"))
    sign_in(visitor)
    assert visitor.post("/checkout").status == 303
    assert "KM-0001 Pebble Cup (2) € 56.00" in words_of(visitor.get("/account"))
    assert "There is nothing in it yet" in words_of(visitor.get("/cart"))


def test_script_gets_the_new_count_as_json(shop: Shop, refusal: Headers) -> None:
    visitor = Visitor(shop.guarded, refusal)
    visitor.get("/")
    visitor.signal = [*refusal, ("Accept", "application/json")]
    answer = visitor.post("/cart/add", slug="tall-cup", quantity="3")
    assert answer.all("content-type") == ["application/json"]
    assert answer.body.replace(b" ", b"").strip() == b'{"count":3}'


@pytest.mark.parametrize(
    ("slug", "quantity", "status"),
    [("pebble-cup", "-1", 400), ("pebble-cup", "", 400), ("pebble-cup", "9999", 400), ("coffee", "1", 404)],
)
def test_bad_forms_get_a_page_that_says_so(shop: Shop, slug: str, quantity: str, status: int) -> None:
    visitor = Visitor(shop.guarded)
    visitor.get("/")
    answer = visitor.post("/cart/add", slug=slug, quantity=quantity)
    assert answer.status == status
    assert "Back to the shelves" in words_of(answer)


def test_no_more_than_twenty_of_one(shop: Shop) -> None:
    visitor = Visitor(shop.guarded)
    visitor.get("/")
    for _ in range(2):
        visitor.post("/cart/add", slug="pebble-cup", quantity="15")
    assert "Together € 560.00" in words_of(visitor.get("/cart"))


def test_wrong_method_names_the_right_one(shop: Shop) -> None:
    answer = Visitor(shop.guarded).get("/cart/add")
    assert answer.status == 405
    assert "POST" in ", ".join(answer.all("allow"))


@pytest.mark.parametrize("path", PAGES)
def test_both_frameworks_serve_the_same_bytes(path: str) -> None:
    for headers in SIGNALS.values():
        assert ask(SHOPS["starlette"].guarded, path, headers).body == ask(SHOPS["flask"].guarded, path, headers).body


# The demo


def page(body: str, *cookies: str) -> Answer:
    return Answer(200, [("Content-Type", "text/html"), *(("Set-Cookie", line) for line in cookies)], [body.encode()])


def test_the_demo_names_what_is_left_and_what_is_gone() -> None:
    plain = page(
        "<script src=https://js.stripe.com/v3/></script><script src=https://www.clarity.ms/tag/x></script>", "a=1"
    )
    assert list(demo.judge(plain, plain)) == ["Clarity is left (script https://www.clarity.ms/tag/x)"]
    assert list(demo.judge(plain, page(""))) == [
        "a is gone (cookie a)",
        "Stripe.js is gone (script https://js.stripe.com/v3/)",
    ]
    assert list(demo.judge(page(""), page("<!-- www.clarity.ms -->"))) == [
        "Clarity is left (www.clarity.ms occurs in the bytes)"
    ]
    assert list(demo.judge(page(""), Answer(500, [], []))) == ["the status is 500 instead of 200"]


def test_the_demo_does_not_count_a_cookie_that_is_taken_back() -> None:
    assert tags_of(page("", "_ga=; Max-Age=0", "_fbp=; expires=Thu, 01 Jan 1970 00:00:00 GMT", "csrf=x")) == [
        Tag("cookie", "csrf")
    ]


def test_the_demo_sums_up_by_owner() -> None:
    tags = [
        Tag("img", "https://www.facebook.com/tr?id=1"),
        Tag("link", "https://connect.facebook.net"),
        Tag("cookie", "a"),
    ]
    assert count_by_owner(tags) == "Meta Pixel 2; cookies a"
    assert count_by_owner([]) == "nothing"


@pytest.fixture
def running_demo() -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if name != "ONCE"}
    command = [sys.executable, "-m", "examples.shop.demo", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as program:
        try:
            yield program
        finally:
            program.kill()


def test_the_demo_reports_serves_and_closes_on_ctrl_c(running_demo: subprocess.Popen[str]) -> None:
    assert running_demo.stdout is not None
    lines = []
    for line in running_demo.stdout:
        lines.append(line)
        if "curl -s" in line:
            break
    report = "".join(lines)
    assert "DOES NOT HOLD" not in report
    assert "Starlette on uvicorn at http://127.0.0.1:" in report
    assert "Flask on waitress at http://127.0.0.1:" in report
    port = int(report.rpartition("http://127.0.0.1:")[2].partition("/")[0])
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/privacy", headers={"Sec-GPC": "1"})
    assert b"asked us not to track you" in connection.getresponse().read()
    connection.close()
    running_demo.send_signal(signal.SIGINT)
    rest, _ = running_demo.communicate(timeout=30)
    assert rest == "\nClosed.\n"
    assert running_demo.returncode == 0


def test_the_demo_stops_after_the_report_if_told_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.shop.demo", "--port", "0"],
        cwd=ROOT, env=os.environ | {"ONCE": "1"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "Ctrl-C" not in done.stdout
