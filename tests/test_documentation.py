"""Every code block of the documentation: Python is type-checked and run, settings are read, commands are given.

The quickstart is followed in `test_quickstart.py`.
"""

from __future__ import annotations

import configparser
import json
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dntguard import Policy
from dntguard.cli import main
from dntguard.integrations.pyramid import policy_of

ROOT = Path(__file__).parent.parent
PAGES = sorted(set(ROOT.glob("*.md")) | set((ROOT / "docs").rglob("*.md")) | set((ROOT / "examples").rglob("*.md")))
ELSEWHERE = {"docs/quickstart.md", "docs/decisions.md"}
VENDORS = '[[vendor]]\nid = "our-counter"\nname = "Our counter"\npurpose = "analytics"\nhosts = ["count.example.net"]\n'


def blocks(page: Path, kind: str) -> list[str]:
    """The fenced blocks of one kind; "" for those that name none."""
    parts = re.split(r"^```(\w*)$\n?", page.read_text("utf-8"), flags=re.MULTILINE)
    # Text, the kind of a block, the block, the empty kind of the fence that ends it, and so on.
    assert len(parts) % 4 == 1, f"{page}: a fence is missing"
    return [block for named, block in zip(parts[1::4], parts[2::4], strict=True) if named == kind]


def python_blocks() -> dict[str, str]:
    """Every block of Python, by the page's name and its number in it."""
    return {
        f"{page.relative_to(ROOT)}".replace("/", "_").removesuffix(".md") + f"_{number}": block
        for page in PAGES
        if str(page.relative_to(ROOT)) not in ELSEWHERE
        for number, block in enumerate(blocks(page, "python"))
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of which the pages speak."""
    (settings,) = blocks(ROOT / "docs" / "configuration.md", "toml")
    (tmp_path / "dntguard.toml").write_text(settings, "utf-8")
    (tmp_path / "policy.toml").write_text('third_party = "keep"\n', "utf-8")
    (tmp_path / "vendors.toml").write_text(VENDORS, "utf-8")
    (tmp_path / "page.html").write_text("<script src=https://www.google-analytics.com/analytics.js></script>", "utf-8")
    (tmp_path / "page.xhtml").write_text('<html xmlns="http://www.w3.org/1999/xhtml"/>', "utf-8")
    entry = {"request": {"url": "https://www.google-analytics.com/analytics.js"}}
    (tmp_path / "visit.har").write_text(json.dumps({"log": {"entries": [entry]}}), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_python_block_type_checks_and_runs(folder: Path) -> None:
    found = python_blocks()
    assert {"README_0", "docs_configuration_0", "docs_frameworks_django_1", "docs_testing_0"} <= found.keys()
    written = folder / "blocks"
    written.mkdir()
    for name, block in found.items():
        (written / f"{name}.py").write_text(block, "utf-8")
    checked = subprocess.run(
        # Not every framework ships types for its decorators.
        [sys.executable, "-m", "mypy", "--strict", "--allow-untyped-decorators", "--no-incremental", str(written)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout
    for file in sorted(written.glob("*.py")):
        runpy.run_path(str(file))


def test_the_settings_of_the_documentation_can_be_used(folder: Path) -> None:
    """The file, the environment and Pyramid's ini say what the page on configuration says."""
    from_file = Policy.from_toml(str(folder / "dntguard.toml"))
    assert (from_file.third_party, from_file.allow) == ("keep", ("stripe",))
    (variables,) = [block for block in blocks(ROOT / "docs" / "configuration.md", "") if "DNTGUARD_" in block]
    from_env = Policy.from_env(environment=dict(line.split("=", 1) for line in variables.splitlines()))
    assert from_env.report_only
    (ini,) = [block for block in blocks(ROOT / "docs" / "frameworks" / "pyramid.md", "") if "[app:main]" in block]
    parser = configparser.ConfigParser()
    parser.read_string(ini)
    assert policy_of(parser["app:main"]).allow == ("stripe", "maps.example.net")


def test_the_commands_of_the_documentation_do_something(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each `python -m dntguard ...` but `serve`, which a test of its own starts."""
    lines = [line for page in PAGES for block in blocks(page, "") for line in block.splitlines()]
    commands = [line.partition(" > ")[0] for line in lines if line.startswith("python -m dntguard ")]
    given = [shlex.split(command)[3:] for command in commands]
    assert {words[0] for words in given} == {"explain", "vendors", "rewrite", "serve"}
    for words in given:
        if words[0] != "serve":
            assert main(words) == 0, words
            assert capsys.readouterr().out
