"""What looks at the answers under load would see a wrong one. The load itself is `make bench`."""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from examples.shop.serving import listen, on_waitress, wait_for
from examples.shop.visitor import Answer
from tests.bench import load as bench
from tests.bench.load import BOUNDED, SERVERS, VISITORS, WRK, Checking, Row, Shop, Turn, load, variant, verdict
from tests.servers.processes import processor_seconds

PAGES = {"": b"<p>everything" + b"." * 5000, "1": b"<p>little"}
EVERY = 5

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


def page(environ: dict[str, Any], start_response: Any, *, wrong: bool = False, status: str = "200 OK") -> list[bytes]:
    """A page for each visitor; `wrong` gives the other visitor's."""
    sent = environ.get("HTTP_SEC_GPC", "")
    body = PAGES[sent] if not wrong else PAGES["" if sent else "1"]
    start_response(status, [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
    return [body]


def honest() -> App:
    return page


def mixing_up() -> App:
    asked = count(1)
    return lambda environ, start_response: page(environ, start_response, wrong=next(asked) % EVERY == 0)


def failing() -> App:
    asked = count(1)
    return lambda environ, start_response: page(
        environ, start_response, status="200 OK" if next(asked) % EVERY else "503 Service Unavailable"
    )


def setting_a_cookie() -> App:
    """The right body, but a header that the other visitor should get."""
    asked = count(1)

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        def start(status: str, headers: list[tuple[str, str]]) -> None:
            start_response(status, [*headers, *([] if next(asked) % EVERY else [("Set-Cookie", "_ga=1")])])

        return page(environ, start)

    return app


@contextmanager
def served(app: App) -> Iterator[Shop]:
    """The app on a real server, and what its visitors must get."""
    listener, address = listen(0)
    with on_waitress(app, listener):
        wait_for(address)
        headers = [("Content-Type", "text/html"), ("Server", "waitress")]
        yield Shop(
            address,
            {
                name: variant(Answer(200, sorted([*headers, ("Content-Length", str(len(body)))]), [body]))
                for name, body in zip(VISITORS, PAGES.values(), strict=True)
            },
        )


def checked(app: App) -> Checking:
    """The second client, after half a second with the app."""
    with served(app) as shop, Checking(shop) as checking:
        time.sleep(0.5)
    assert checking.counts["checked"] > 2 * EVERY
    return checking


def test_the_second_client_is_content_with_the_right_pages() -> None:
    checking = checked(honest())
    assert checking.counts["as expected"] == checking.counts["checked"]
    assert checking.problems == {}


def test_the_second_client_finds_one_visitors_page_given_to_the_other() -> None:
    checking = checked(mixing_up())
    assert 0 < checking.counts["wrong"] < checking.counts["checked"]
    assert checking.counts["errors"] == 0
    assert "the bodies differ" in checking.problems["wrong"]


def test_the_second_client_finds_a_header_that_the_visitor_should_not_get() -> None:
    checking = checked(setting_a_cookie())
    assert 0 < checking.counts["wrong"] < checking.counts["checked"]
    assert "the headers differ" in checking.problems["wrong"]


def test_the_second_client_counts_answers_that_are_no_page() -> None:
    checking = checked(failing())
    assert 0 < checking.counts["errors"] < checking.counts["checked"]
    assert checking.counts["wrong"] == 0
    assert "the status is 503" in checking.problems["errors"]


def test_the_second_client_counts_a_server_that_is_gone() -> None:
    listener, address = listen(0)
    listener.close()
    with Checking(Shop(address, {})) as checking:
        pass
    assert checking.counts["errors"] == checking.counts["checked"] > 0


needs_wrk = pytest.mark.skipif(shutil.which(WRK) is None, reason="wrk is missing: see tests/bench/install")


@needs_wrk
def test_wrk_is_content_with_the_right_pages() -> None:
    with served(honest()) as shop:
        turns = [load(shop, visitor, 1, connections=4) for visitor in VISITORS]
    for turn in turns:
        assert turn.rate > 0
        assert (turn.errors, turn.wrong, turn.problems) == (0, 0, ())


@needs_wrk
def test_wrk_finds_wrong_pages_and_errors() -> None:
    with served(mixing_up()) as shop:
        turn = load(shop, "no signal", 1, connections=4)
    assert any("wrk counts" in problem and "bodies" in problem for problem in turn.problems)
    assert turn.wrong > turn.asked / EVERY / 2
    with served(failing()) as shop:
        turn = load(shop, "no signal", 1, connections=4)
    assert any("wrk counts" in problem and "errors" in problem for problem in turn.problems)
    assert turn.errors > turn.asked / EVERY / 2


GOOD = Turn(100, 0.001, 100, 10, 0, 0, ())


@pytest.mark.parametrize(
    ("guarded", "status"),
    [
        (GOOD, 0),
        (GOOD._replace(rate=91), 0),
        (GOOD._replace(rate=89), 1),
        (GOOD._replace(errors=1, problems=("a socket",)), 1),
        (GOOD._replace(wrong=1, problems=("a body",)), 1),
    ],
)
def test_the_exit_status_says_whether_all_holds(guarded: Turn, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Row(server, visitor, [GOOD], [GOOD]) for server in SERVERS for visitor in VISITORS]
    place = next(number for number, row in enumerate(rows) if (row.server, row.visitor) == BOUNDED)
    assert verdict([*rows[:place], rows[place]._replace(guarded=[guarded]), *rows[place + 1 :]]) == status
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1].startswith(f"with no refusal the middleware leaves {guarded.rate / 100:.2f} of the requests")
    assert all(any(problem in line for line in printed) for problem in guarded.problems)


def test_only_the_bounded_row_has_a_bound() -> None:
    slow = GOOD._replace(rate=10)
    rows = [
        Row(server, visitor, [GOOD], [GOOD if (server, visitor) == BOUNDED else slow])
        for server in SERVERS
        for visitor in VISITORS
    ]
    assert verdict(rows) == 0


def test_without_wrk_it_is_said_that_nothing_was_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "WRK", "no-such-program")
    assert bench.main([]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "cannot be measured: wrk is missing" in printed.err


def test_processor_time_grows_with_work_or_is_not_told() -> None:
    before = processor_seconds(os.getpid())
    deadline = time.process_time() + 0.1
    while time.process_time() < deadline:
        pass
    after = processor_seconds(os.getpid())
    assert (before is None and after is None) or (before is not None and after is not None and after > before)
