"""The public names: where they are, what they cost to import, and that the documented snippets type-check."""

import importlib
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SNIPPETS = Path(__file__).parent / "typing" / "snippets.py"
FRAMEWORKS = (
    "starlette", "werkzeug", "flask", "django", "fastapi", "quart", "aiohttp", "litestar", "falcon", "pyramid",
    "pytest", "_pytest", "hypothesis", "httpx", "requests", "webtest", "prometheus_client",
    "opentelemetry",
)  # fmt: skip

NAMES = [
    ("dntguard", "Policy"),
    ("dntguard", "Consent"),
    ("dntguard", "Purpose"),
    ("dntguard", "current_consent"),
    ("dntguard.asgi", "DNTGuardMiddleware"),
    ("dntguard.wsgi", "DNTGuardMiddleware"),
    ("dntguard.rewriter", "Rewriter"),
    ("dntguard.rewriter", "rewrite"),
    ("dntguard.exchange", "Guard"),
    ("dntguard.vendors", "Registry"),
    ("dntguard.testing", "assert_honors_signals"),
    ("dntguard.testing", "assert_no_refused"),
    ("dntguard.testing", "Client"),
    ("dntguard.testing", "Response"),
]
COUNTERS = ["dntguard.integrations.prometheus", "dntguard.integrations.opentelemetry"]


@pytest.mark.parametrize(("module", "name"), [*NAMES, *((module, "Counters") for module in COUNTERS)])
def test_each_public_name_is_where_the_documentation_says(module: str, name: str) -> None:
    """And has a docstring."""
    assert getattr(importlib.import_module(module), name).__doc__


def test_the_package_exports_its_four_names() -> None:
    """`from dntguard import *` brings nothing else."""
    assert sorted(importlib.import_module("dntguard").__all__) == ["Consent", "Policy", "Purpose", "current_consent"]


@pytest.mark.parametrize(
    "statement",
    ["from dntguard import Policy, Consent, Purpose, current_consent"]
    + [f"from {module} import {name}" for module, name in NAMES if module != "dntguard"],
)
def test_no_public_name_imports_a_framework(statement: str) -> None:
    """In a fresh interpreter, where nobody else has imported one."""
    code = f"import sys; {statement}; print([name for name in {FRAMEWORKS!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_says_that_it_is_typed() -> None:
    """PEP 561: type checkers read the annotations of a package that has `py.typed`."""
    assert (files("dntguard") / "py.typed").is_file()


def test_the_documented_snippets_type_check() -> None:
    """`mypy --strict` on what users copy."""
    command = [sys.executable, "-m", "mypy", "--strict", str(SNIPPETS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_documented_snippets_run() -> None:
    """As they stand, with what they assert about their results."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.typing.snippets"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
