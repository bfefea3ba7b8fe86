"""Which of the two interfaces an application has."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def is_asgi(app: Callable[..., Any]) -> bool:
    """Whether an application is called as ASGI 3 says, with scope, receive and send; as WSGI says it, with two."""
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(type(app).__call__):
        return True
    try:
        return len(inspect.signature(app).parameters) == 3
    except (TypeError, ValueError):
        return False  # written in C, as no ASGI application that we know is
