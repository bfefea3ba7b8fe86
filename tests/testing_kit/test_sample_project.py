"""A site that uses the kit with five lines: its test fails when a template gains a tracker that nothing takes out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import examples.django_app
from tests.testing_kit.test_plugin import run

APP = """
from flask import Flask, render_template
from dntguard.integrations.flask import DNTGuard

app = Flask(__name__)
app.config["DNTGUARD_EXCLUDE"] = ["/press"]
DNTGuard(app)

@app.get("/")
@app.get("/press")
def page():
    return render_template("page.html")
"""
TEST = """\
from dntguard.testing import assert_honors_signals
from shop import app

def test_our_pages_honor_the_signals():
    assert_honors_signals(app, ["/", "/press"])
"""
PAGE = "<!doctype html>\n<title>Tea</title>\n<p>Green tea.</p>\n"
PIXEL = """<script>
  fbq('init', '12345');
</script>
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The site, with no tracker in its template."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(PAGE, "utf-8")
    (tmp_path / "shop.py").write_text(APP, "utf-8")
    (tmp_path / "test_shop.py").write_text(TEST, "utf-8")
    return tmp_path


def told(output: str) -> list[str]:
    """What pytest shows of the error."""
    lines = [line[1:].strip() for line in output.splitlines() if line.startswith("E ")]
    return [line for line in lines if line]


def test_the_sites_test_is_five_lines() -> None:
    assert len(TEST.splitlines()) == 5


def test_it_passes_without_a_tracker(project: Path) -> None:
    done = run(project)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_it_fails_with_one_that_nothing_takes_out(project: Path) -> None:
    """On the path that is left alone, and not on the other; it says where, what, whose and what to do."""
    (project / "templates" / "page.html").write_text(PAGE + PIXEL, "utf-8")
    done = run(project)
    assert done.returncode == 1
    assert told(done.stdout) == [
        "AssertionError: not what a visitor with these signals may get:",
        "/press with DNT: 1, and with Sec-GPC: 1",
        "line 4: inline <script>: fbq('init', '12345');",
        "Meta Pixel (meta-pixel), marketing; rule: fbq('init'",
        "to do: dntguard leaves /press alone (exclude=('/press',), or an exempt view): let it act there",
    ]


def test_it_passes_again_where_the_middleware_takes_it_out(project: Path) -> None:
    (project / "templates" / "page.html").write_text(PAGE + PIXEL, "utf-8")
    (project / "shop.py").write_text(APP.replace('["/press"]', "[]"), "utf-8")
    done = run(project)
    assert done.returncode == 0, done.stdout


def test_it_fails_where_the_middleware_is_gone(project: Path) -> None:
    (project / "templates" / "page.html").write_text(PAGE + PIXEL, "utf-8")
    (project / "shop.py").write_text(APP.replace("DNTGuard(app)", ""), "utf-8")
    done = run(project)
    assert done.returncode == 1
    lines = told(done.stdout)
    assert [line for line in lines if line.startswith("/")] == [
        "/ with DNT: 1, and with Sec-GPC: 1",
        "/press with DNT: 1, and with Sec-GPC: 1",
    ]
    assert sum(line.startswith("to do: no middleware of dntguard was seen to answer") for line in lines) == 2


def test_the_tests_in_the_documentation_pass(pytester: pytest.Pytester) -> None:
    """Each block of the page is a file of tests; the project of Django's is the example's."""
    assert examples.django_app.app
    page = (Path(__file__).parent.parent.parent / "docs" / "testing.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    pytester.makepyfile(**{f"test_{number}": block for number, block in enumerate(blocks)})
    pytester.runpytest("-W", "error", "--strict-markers").assert_outcomes(passed=6)
    assert TEST.partition("def ")[2].splitlines()[0] in page


def test_the_message_in_the_documentation_is_the_true_one(project: Path) -> None:
    (project / "templates" / "page.html").write_text(PAGE + PIXEL, "utf-8")
    page = (Path(__file__).parent.parent.parent / "docs" / "testing.md").read_text("utf-8")
    shown = [line.strip() for line in page[page.index("AssertionError:") :].split("```")[0].splitlines()]
    assert [line for line in shown if line] == told(run(project).stdout)
