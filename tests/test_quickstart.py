"""The quickstart, followed step by step: its files, its commands, its requests and what it says they answer.

Only the commands that make the environment and install into it are left out: the tests have theirs.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.servers.client import Http1
from tests.servers.processes import answers_at, free_port, running

TEXT = (Path(__file__).parent.parent / "docs" / "quickstart.md").read_text("utf-8")
FRAMEWORKS = ("Flask", "Django", "FastAPI")
ENVIRONMENT = ("python3 -m venv", ". .venv", "pip install")


class Block(NamedTuple):
    """A fenced block."""

    kind: str
    text: str


def blocks(section: str) -> list[Block]:
    """The blocks of a section, in order."""
    text = TEXT.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return [Block(kind, text) for kind, text in re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)]


def write(folder: Path, text: str) -> None:
    """Write the file that the first line names; one "at its end" is there already."""
    name, _, where = text.partition("\n")[0].removeprefix("# ").partition(", ")
    file = folder / name
    before = file.read_text("utf-8") if where == "at its end" else ""
    file.write_text(before + text, "utf-8")


def command(line: str, port: int) -> list[str]:
    """A command of the environment that the tests run in."""
    program, *words = shlex.split(line.replace("8000", str(port)))
    # Django's reloader would leave a process behind that nobody ends.
    return [str(Path(sys.executable).parent / program), *words, *(["--noreload"] if "runserver" in words else [])]


def ask(line: str, port: int) -> str:
    """What `curl` would show."""
    words = shlex.split(line)
    assert words[:2] == ["curl", "-s"]
    fields = [words[index + 1].partition(": ") for index, word in enumerate(words) if word == "-H"]
    headers = [(b"Host", b"127.0.0.1:%d" % port), *((name.encode(), value.encode()) for name, _, value in fields)]
    with Http1(port) as client:
        answer = client.ask(urlsplit(words[-1]).path.encode(), headers)
    assert (answer.status, answer.whole) == (200, True)
    return answer.body.decode()


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_who_follows_it_sees_what_it_says(framework: str, tmp_path: Path) -> None:
    port = free_port()
    server: list[str] = []
    for block in blocks(framework):
        if block.kind == "python":
            write(tmp_path, block.text)
            continue
        for line in block.text.splitlines():
            if line.startswith(ENVIRONMENT):
                continue
            words = command(line, port)
            if "8000" in line:
                server = words
            else:
                done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stderr
    with running(server, lambda: answers_at(port, "/"), folder=tmp_path):
        questions = blocks("Ask it")
        assert len(questions) == 6
        for question, answer in zip(questions[::2], questions[1::2], strict=True):
            assert ask(question.text, port).rstrip("\n") == answer.text.rstrip("\n")


def test_every_framework_of_the_quickstart_is_followed() -> None:
    assert re.findall(r"^## (.*)$", TEXT, re.MULTILINE) == [*FRAMEWORKS, "Ask it"]
