"""`make configuration`: write docs/configuration.md from the fields and the documentation of `Policy`.

python scripts/configuration.py            # write it
python scripts/configuration.py --check    # whether it is what would be written; exit code 1 when not
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from dataclasses import MISSING, fields
from pathlib import Path

from dntguard.policy import Policy
from dntguard.purposes import Purposes, in_order

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs" / "configuration.md"

_HEAD = """\
# Configuration

The options are the same wherever they are written. This page is made from `Policy` by `make configuration`.

In the program, as keywords of the middleware or as a policy:

```python
from dntguard import Policy
from dntguard.asgi import DNTGuardMiddleware
from starlette.applications import Starlette

app = Starlette()
by_keywords = DNTGuardMiddleware(app, third_party="keep", allow=["stripe"], purposes={"youtube": "functional"})
by_a_file = DNTGuardMiddleware(app, Policy.from_toml("dntguard.toml"))
by_the_environment = DNTGuardMiddleware(app, Policy.from_env())
```

In a file, `dntguard.toml`, or under `[tool.dntguard]` in `pyproject.toml`; there a path of `vendors` is relative to it:

```toml
third_party = "keep"
allow = ["stripe"]
vendors = "vendors.toml"

[purposes]
youtube = "functional"
```

In the environment, for `Policy.from_env(prefix="DNTGUARD_")`: lists with commas or spaces, mappings as `name=value`,
switches as `true` or `false`:

```
DNTGUARD_THIRD_PARTY=keep
DNTGUARD_ALLOW=stripe,maps.example.net
DNTGUARD_PURPOSES=youtube=functional
DNTGUARD_REPORT_ONLY=true
```

A name that is no option, or a value that cannot be used, is an error at start: it names the option, the value and what
to write instead.

| option | default | environment | meaning |
|---|---|---|---|
"""


def main() -> int:
    """Write the page, or check it. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python scripts/configuration.py", description="Write docs/configuration.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; the exit code is 1 when it is not new")
    options = parser.parse_args()
    text = documentation()
    if DOCS.exists() and DOCS.read_text("utf-8") == text:
        return 0
    if options.check:
        print("docs/configuration.md is not what `make configuration` writes; run it")
        return 1
    DOCS.write_text(text, "utf-8")
    print("wrote docs/configuration.md")
    return 0


def documentation() -> str:
    """The text of docs/configuration.md."""
    rows = []
    meanings = _meanings(inspect.getdoc(Policy) or "")
    for option in fields(Policy):
        default = option.default_factory() if option.default_factory is not MISSING else option.default
        variable = "none: a function" if option.name == "on_report" else f"`DNTGUARD_{option.name.upper()}`"
        meaning = meanings[option.name].replace("|", "\\|")
        rows.append(f"| `{option.name}` | {_shown(default)} | {variable} | {meaning} |\n")
    return _HEAD + "".join(rows)


def _meanings(documented: str) -> dict[str, str]:
    """From each argument in a docstring to what it says of it."""
    arguments = documented.partition("Args:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^    (\w+): (.*(?:\n {6,}.*)*)", arguments, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def _shown(default: object) -> str:
    if isinstance(default, frozenset):
        return "`{" + ", ".join(f'"{purpose.value}"' for purpose in in_order(default)) + "}`"
    if isinstance(default, Purposes):
        return "`{}`"
    return f'`"{default}"`' if isinstance(default, str) else f"`{default}`"


if __name__ == "__main__":
    sys.exit(main())
