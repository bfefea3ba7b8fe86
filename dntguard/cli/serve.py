"""`python -m dntguard serve module:app`: an ASGI or WSGI application, guarded, without a change to its code."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable
from typing import Any

from dntguard import asgi, wsgi
from dntguard.cli.mistakes import UsageError
from dntguard.interface import is_asgi
from dntguard.policy import Policy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("app", metavar="MODULE:APP", help='where the application is, as in "shop.main:app"')
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on (8000)")
    parser.add_argument(
        "--policy", metavar="FILE.toml", help="a TOML file of policy options; else DNTGUARD_... variables"
    )


def run(options: argparse.Namespace, policy: Policy) -> int:
    """Serve until somebody stops it. Returns the exit code."""
    app = _load(options.app)
    if is_asgi(app):
        uvicorn = _server("uvicorn")
        uvicorn.run(asgi.DNTGuardMiddleware(app, policy), host=options.host, port=options.port)
    else:
        waitress = _server("waitress")
        host = f"[{options.host}]" if ":" in options.host else options.host
        print(f"dntguard: serving {options.app} on http://{host}:{options.port}", file=sys.stderr, flush=True)
        waitress.serve(wsgi.DNTGuardMiddleware(app, policy), host=options.host, port=options.port)
    return 0


def _load(place: str) -> Callable[..., Any]:
    name, _, attribute = place.partition(":")
    sys.path.insert(0, "")  # as for `python -m`: modules of the folder where one stands
    try:
        found: Any = importlib.import_module(name)
        for part in (attribute or "app").split("."):
            found = getattr(found, part)
    except (ImportError, ValueError, AttributeError) as error:
        raise UsageError(f"{place}: cannot be loaded: {error}") from None
    if not callable(found):
        raise UsageError(f"{place}: is no application: {found!r} cannot be called")
    application: Callable[..., Any] = found
    return application


def _server(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UsageError(f"{name} is missing, which serves such applications; pip install {name}") from None
