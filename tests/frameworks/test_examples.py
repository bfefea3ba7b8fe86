"""Each framework's example, started by the command at its top, and asked by the framework's own test client."""

from __future__ import annotations

import importlib
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from examples.site import BROKEN, NOT_FOUND, PIECES
from tests.case_table import Pairs, Request
from tests.frameworks.every import FRAMEWORKS
from tests.frameworks.stage import Answer, Framework
from tests.servers.client import Http1
from tests.servers.processes import answers_at, free_port, running

ROOT = Path(__file__).parent.parent.parent
TRACKER = '<script async src="https://www.googletagmanager.com/gtag/js?id=G-EXAMPLE"></script>'
GRANTED = "No signal and no choice refuses anything."
REFUSED = "The browser sends Sec-GPC: 1, which refuses analytics and marketing."
COUNTED = "<p>This visit is counted.</p>"

EXAMPLES = [pytest.param(it, it.example, id=it.name) for it in FRAMEWORKS if it.example]

Ask = Callable[[Request], Answer]


def text(answer: Answer) -> str:
    return answer.body.decode()


def cookies(answer: Answer) -> list[str]:
    return sorted(value.partition("=")[0] for name, value in answer.headers if name.lower() == "set-cookie")


def varies(answer: Answer) -> bool:
    """Whether the response says that it depends on the signals."""
    listed = ",".join(value for name, value in answer.headers if name.lower() == "vary").lower()
    return {"dnt", "sec-gpc"} <= {name.strip() for name in listed.split(",")}


def check_site(ask: Ask) -> None:
    """What the site gives a visitor without a signal, and what one who refuses; it is the same site in each example."""

    def get(path: str, headers: Pairs | None = None) -> Answer:
        return ask(Request(host="www.leaves.example", path=path, headers=headers or []))

    gpc: Pairs = [("Sec-GPC", "1")]
    plain, refusing = get("/"), get("/", gpc)
    assert (plain.status, refusing.status) == (200, 200)
    # Request access and templates.
    assert GRANTED in text(plain)
    assert REFUSED in text(refusing)
    assert COUNTED in text(plain)
    assert COUNTED not in text(refusing)
    # The page, its cookies, and what caches are told.
    assert TRACKER in text(plain)
    assert "googletagmanager" not in text(refusing)
    for page in (plain, refusing):
        assert '<script src="/own.js"></script>' in text(page)
        assert '<img src="/leaf.png" alt="A leaf">' in text(page)
        assert varies(page)
    assert cookies(plain) == ["_ga", "session"]
    assert cookies(refusing) == ["session"]
    sent: Pairs = [*gpc, ("Cookie", "_ga=GA1.1.2; session=1")]
    assert cookies(get("/", sent)) == ["_ga", "_ga", "_ga", "session"]  # three lines, that the browser forgets one
    # What is no page depends on the visitor where it looks at the consent.
    assert (text(get("/consent")), text(get("/consent", gpc))) == (GRANTED, REFUSED)
    assert varies(get("/consent"))
    # Streaming.
    assert get("/stream").body == b"".join(PIECES)
    assert text(get("/stream", gpc)) == b"".join(PIECES).decode().replace(TRACKER, "<!---->")
    # Error pages.
    for path, status, sorry in (("/missing", 404, NOT_FOUND), ("/broken", 500, BROKEN)):
        kept, rewritten = get(path), get(path, gpc)
        assert (kept.status, rewritten.status) == (status, status)
        assert TRACKER in text(kept)
        assert text(rewritten) == text(kept).replace(TRACKER, "<!---->")
        assert sorry in text(rewritten)


@contextmanager
def started(example: str) -> Iterator[Ask]:
    """The example, run by the command at its top."""
    module = importlib.import_module(example)
    found = re.search(r"^    (\S.*)$", module.__doc__ or "", re.MULTILINE)
    assert found, "no command at its top"
    port = free_port()
    program, *words = shlex.split(found[1].replace("8000", str(port)))
    command = [str(Path(sys.executable).parent / program), *words]

    def ask(request: Request) -> Answer:
        pairs = [("Host", request.host), *request.headers]
        with Http1(port) as client:
            answer = client.ask(request.path.encode(), [(name.encode(), value.encode()) for name, value in pairs])
        assert answer.whole, answer
        headers = [(name.decode(), value.decode()) for name, value in answer.headers]
        return Answer(answer.status, headers, answer.body)

    with running(command, lambda: answers_at(port, "/")):
        yield ask


@pytest.mark.parametrize(("framework", "example"), EXAMPLES)
def test_the_example_does_what_it_shows_under_the_frameworks_test_client(framework: Framework, example: str) -> None:
    check_site(partial(framework.ask, importlib.import_module(example).app))


@pytest.mark.parametrize(("framework", "example"), EXAMPLES)
def test_the_example_does_what_it_shows_when_run_by_the_command_at_its_top(framework: Framework, example: str) -> None:
    with started(example) as ask:
        check_site(ask)


def test_each_example_has_its_tests() -> None:
    """A file in the folder that no framework's tests name would be run by nobody."""
    files = {f"examples.{file.stem}" for file in (ROOT / "examples").glob("*_app.py")}
    assert files == {framework.example for framework in FRAMEWORKS if framework.example}
