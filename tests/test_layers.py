"""The layers of docs/decisions: who may import whom, and who may touch the world outside."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import dntguard

PACKAGE = Path(dntguard.__file__).parent
MODULES = {
    ".".join(("dntguard", *path.relative_to(PACKAGE).with_suffix("").parts)): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

LAYERS: dict[str, float] = {
    "errors": 0,
    "purposes": 0,
    "headers": 0,
    "scanner": 0,
    "urls": 0,
    "charsets": 0,
    "maps": 0,
    "stylesheets": 0,
    "caches": 0,
    "interface": 0,
    "codings": 0,
    "release": 0,
    "caching": 1,
    "elements": 1,
    "environ": 1,
    "settings": 1,
    "signals": 1,
    "vendors": 1,
    "choice": 1,
    "report": 1,
    "policy": 2,
    "consent": 3,
    "csp": 3,
    "paths": 3,
    "verdicts": 3,
    "cookies": 4,
    "rewriter": 4,
    "third_parties": 4,
    "bodies": 5,
    "fields": 5,
    "request": 5,
    "stream": 5,
    "pages": 5,
    "exchange": 6,
    "delivery": 6.5,
    "fuse": 6.5,
    "explained": 6.75,
    "asgi": 7,
    "wsgi": 7,
    "integrations": 8,
    "testing": 8,
    "cli": 9,
    "__main__": 10,
}
"""A folder has one layer; its own modules may import each other."""

PROJECT = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text("utf-8"))["project"]
DEPENDENCIES = {re.split(r"[^\w-]", requirement)[0].replace("-", "_") for requirement in PROJECT["dependencies"]}
OPTIONAL = {"codings": {"brotli", "backports", "compression"}}
"""Packages of the extras, which a module does without; `compression` is of the standard library from Python 3.14 on."""
CLOCK = {"time", "datetime"}
CLOCK_OWNERS = {"explained", "asgi", "wsgi", "integrations", "cli"}
WORLD = set("socket ssl http.client http.server urllib.request subprocess os io pathlib shutil tempfile glob".split())
WORLD_OWNERS = {"cli", "settings"}
IN_MEMORY = {"io.BytesIO", "io.StringIO"}
"""Of these modules, what is no file."""
WORLD_CALLS = {"open", "urlopen", "read_text", "read_bytes", "write_text", "write_bytes"}
DATA = {"importlib.resources", "pkgutil"}
DATA_OWNERS = {"vendors"}


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, anywhere in the code, as a dotted name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                # `from importlib import resources` imports a module too; `from re import compile` does no harm.
                yield f"{module}.{alias.name}" if node.module else f"{module}{alias.name}"


def within(name: str, modules: set[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def faults(module: str, source: str) -> list[str]:
    """What breaks the rules in the module of that name (`dntguard.cookies`)."""
    owner = module.split(".")[1]
    if owner == "__init__":
        return []  # the package's own face: public names, nothing else
    if owner not in LAYERS:
        return [f"{owner} has no layer"]
    tree = ast.parse(source)
    found: list[str] = []
    for name in imports(tree):
        root = name.partition(".")[0]
        if name.startswith("."):
            found.append(f"relative import {name}")
        elif root == "dntguard":
            target = name.split(".")[1] if "." in name else ""
            if target not in LAYERS:
                found.append(f"imports {name}: the package root, or a module without a layer")
            elif target != owner and LAYERS[target] >= LAYERS[owner]:
                found.append(f"imports {target}, layer {LAYERS[target]}, from layer {LAYERS[owner]}")
        elif root not in sys.stdlib_module_names and owner not in ("integrations", "testing"):
            if root not in DEPENDENCIES | OPTIONAL.get(owner, set()):
                found.append(f"imports {root}, a framework or a package that is no dependency")
        elif within(name, CLOCK) and owner not in CLOCK_OWNERS:
            found.append(f"looks at the clock: {name}")
        elif within(name, WORLD) and name not in IN_MEMORY and owner not in WORLD_OWNERS:
            found.append(f"touches files or the network: {name}")
        elif within(name, DATA) and owner not in DATA_OWNERS:
            found.append(f"reads package data: {name}")
    if owner not in WORLD_OWNERS | DATA_OWNERS:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in WORLD_CALLS:
                    found.append(f"opens something: {called}()")
    return found


@pytest.mark.parametrize("module", MODULES)
def test_each_module_keeps_to_its_layer(module: str) -> None:
    """It imports from smaller layers only, and leaves the clock, files, network and package data to their owners."""
    assert faults(module, MODULES[module].read_text("utf-8")) == []


def test_the_package_itself_only_shows_public_names() -> None:
    """`dntguard/__init__.py` imports from its own modules and defines nothing but names about names."""
    tree = ast.parse(MODULES["dntguard.__init__"].read_text("utf-8"))
    assert all(name.startswith("dntguard.") for name in imports(tree))
    assert {type(node) for node in tree.body} <= {ast.Expr, ast.ImportFrom, ast.Assign}


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("headers", "from dntguard.urls import site", "imports urls, layer 0, from layer 0"),
        ("policy", "import dntguard.consent", "imports consent, layer 3, from layer 2"),
        ("cookies", "def f():\n    from dntguard.exchange import Guard", "imports exchange, layer 6, from layer 4"),
        ("cookies", "from dntguard import Policy", "imports dntguard.Policy: the package root"),
        ("cookies", "import dntguard", "imports dntguard: the package root"),
        ("cookies", "from dntguard.helpers import x", "imports dntguard.helpers.x: the package root"),
        ("cookies", "from . import policy", "relative import .policy"),
        ("helpers", "", "helpers has no layer"),
        ("asgi", "from starlette.requests import Request", "imports starlette, a framework"),
        ("exchange", "import flask", "imports flask, a framework"),
        ("exchange", "import time", "looks at the clock: time"),
        ("choice", "from datetime import datetime", "looks at the clock: datetime.datetime"),
        ("rewriter", "from pathlib import Path", "touches files or the network: pathlib.Path"),
        ("rewriter", "from urllib.request import urlopen", "touches files or the network: urllib.request.urlopen"),
        ("rewriter", "import http.client", "touches files or the network: http.client"),
        ("testing", "from io import FileIO", "touches files or the network: io.FileIO"),
        ("urls", "from importlib import resources", "reads package data: importlib.resources"),
        ("policy", "def f(path):\n    return open(path).read()", "opens something: open()"),
        ("policy", "def f(path):\n    return path.read_text()", "opens something: read_text()"),
    ],
)
def test_a_module_that_breaks_a_rule_is_found(module: str, source: str, fault: str) -> None:
    """The checks above can fail: each rule on a small module that breaks it."""
    found = faults(f"dntguard.{module}", source)
    assert len(found) == 1
    assert found[0].startswith(fault)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("dntguard.cookies", "from dntguard.policy import Policy\nfrom urllib.parse import unquote\nimport re"),
        ("dntguard.scanner.grammar", "from dntguard.scanner.states import State"),
        ("dntguard.integrations.starlette", "from starlette.requests import Request\nfrom dntguard.asgi import Scope"),
        ("dntguard.asgi", "import time"),
        ("dntguard.vendors", "from importlib import resources"),
        ("dntguard.testing.client", "from io import BytesIO"),
        ("dntguard.testing.strategies", "from hypothesis import strategies"),
        ("dntguard.cli", "from pathlib import Path\nPath('x').read_bytes()"),
    ],
)
def test_what_the_rules_allow_is_no_fault(module: str, source: str) -> None:
    """The owners of the clock, the files, the data and the frameworks may use them."""
    assert faults(module, source) == []
