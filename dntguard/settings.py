"""Settings from outside of the program: a TOML file, the environment. What they mean, `Policy` says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dntguard.errors import PolicyError

_TRUE = frozenset(("1", "true", "yes", "on"))
_FALSE = frozenset(("0", "false", "no", "off"))


def from_toml(path: str | os.PathLike[str]) -> dict[str, object]:
    """The options in a TOML file: those of its table `[tool.dntguard]`, or without such a table its top level.

    A relative path of vendors is relative to the file.

    Args:
        path: of the file: a `dntguard.toml`, or a project's `pyproject.toml`.

    Raises:
        PolicyError: the file cannot be read, or is not TOML.
    """
    import tomllib  # noqa: PLC0415  # costs every start milliseconds, and few processes read such a file

    try:
        data: dict[str, Any] = tomllib.loads(Path(path).read_text("utf-8-sig"))
    except OSError as error:
        raise PolicyError("file", str(path), f"cannot be read ({error.strerror})", "check the path") from None
    except (ValueError, RecursionError) as error:
        raise PolicyError("file", str(path), f"not TOML ({error})", "mend it") from None
    tool = data.get("tool")
    if isinstance(tool, Mapping):
        data = tool.get("dntguard", {})
        if not isinstance(data, dict):
            raise PolicyError("tool.dntguard", data, "not a table", "write [tool.dntguard]")
    options = dict(data)
    if isinstance(options.get("vendors"), str):
        options["vendors"] = str(Path(path).parent / options["vendors"])
    return options


def from_environment(
    prefix: str, kinds: Mapping[str, str], environment: Mapping[str, str] | None = None
) -> dict[str, object]:
    """The options in the environment variables whose names begin with a prefix, the rest in upper case.

    A list has commas or white space between its entries, a mapping such entries as `youtube=functional`; a switch is
    one of `1`, `true`, `yes`, `on` and `0`, `false`, `no`, `off`, in any case.

    Args:
        prefix: of the variables' names.
        kinds: from the name of each option to how its text is read: `"text"`, `"list"`, `"mapping"`, `"switch"`,
            `"number"`; `"code"` for what no text can be.
        environment: the variables; those of the process without it.

    Raises:
        PolicyError: a value cannot be read.
    """
    options: dict[str, object] = {}
    for variable, text in sorted((os.environ if environment is None else environment).items()):
        if variable.startswith(prefix):
            name = variable.removeprefix(prefix).lower()
            # What is no option is handed on as it is, so that `Policy` can say which one is near.
            options[name] = _read(variable, text.strip(), kinds.get(name, "text"))
    return options


def _read(variable: str, text: str, kind: str) -> object:
    if kind == "code":
        raise PolicyError(variable, text, "no text can say this", "give it to Policy in the program")
    if kind == "list":
        return text.replace(",", " ").split()
    if kind == "mapping":
        return _mapping(variable, text)
    if kind == "switch":
        if text.lower() not in _TRUE | _FALSE:
            raise PolicyError(variable, text, "not a switch", "write true or false")
        return text.lower() in _TRUE
    if kind == "number":
        if not text.isdecimal():
            raise PolicyError(variable, text, "not a whole number", "write digits only")
        return int(text)
    return text


def _mapping(variable: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in text.replace(",", " ").split():
        name, equals, value = entry.partition("=")
        if not (name and equals and value):
            raise PolicyError(variable, entry, "not a name and a value", 'write "youtube=functional"')
        found[name] = value
    return found
