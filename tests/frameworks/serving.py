"""What the real servers serve: every framework's applications for every case, as one ASGI and one WSGI application.

`?framework=Flask&case=7&way=guarded` is one of them; its path is the case's own. `?outcome=...` with the same words is
what was seen inside.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from werkzeug.middleware.proxy_fix import ProxyFix

from dntguard.asgi import ASGIApp, Message, Receive, Scope, Send
from dntguard.wsgi import Environ, StartResponse, WSGIApp
from tests.case_table import load_cases
from tests.drive import body, live, start
from tests.frameworks.every import FRAMEWORKS
from tests.frameworks.slow import SLOW
from tests.frameworks.stage import Stage

CASES = [*load_cases(), SLOW]
_frameworks = {framework.name: framework for framework in FRAMEWORKS}


@cache
def staged(name: str, number: int, way: str) -> tuple[Stage, Any]:
    """A case's stage, and the application that plays it."""
    stage = Stage(CASES[number], guarded=way == "guarded")
    return stage, _frameworks[name].application(stage)


def asked(query: str) -> tuple[tuple[str, int, str], bool]:
    """Which application the query asks, and whether for what was seen inside."""
    words = {name: values[0] for name, values in parse_qs(query).items()}
    return (words["framework"], int(words["case"]), words["way"]), "outcome" in words


def outcome(stage: Stage) -> bytes:
    """What was seen inside, as JSON."""
    inside = stage.inside
    return json.dumps(
        {"seen": stage.seen and asdict(stage.seen), "inside": inside and asdict(inside)},
    ).encode()


JSON = (b"content-type", b"application/json")
_lives: dict[int, asyncio.Task[None]] = {}


async def begun(app: ASGIApp) -> None:
    """Let the application live its lifespan, from its first request on; not every application has one."""
    if id(app) in _lives:
        return
    ready = asyncio.Event()
    first = iter([{"type": "lifespan.startup"}])

    async def receive() -> Message:
        message = next(first, None)
        if message is None:
            await asyncio.Event().wait()  # until the server ends
        return message or {}

    async def send(message: Message) -> None:
        ready.set()

    async def lifespan() -> None:
        with suppress(Exception):  # that is how applications say that they have none (ASGI, "Lifespan Protocol")
            await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
        ready.set()

    _lives[id(app)] = asyncio.create_task(lifespan())
    await ready.wait()


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Every framework that is ASGI."""
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    which, about_it = asked(scope["query_string"].decode())
    stage, app = staged(*which)
    if about_it:
        await send(start(JSON))
        await send(body(outcome(stage)))
        return
    await begun(app)
    await app(scope, receive, send)


def _wsgi(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    which, about_it = asked(environ["QUERY_STRING"])
    stage, app = staged(*which)
    if about_it:
        start_response("200 OK", [(JSON[0].decode(), JSON[1].decode())])
        return [outcome(stage)]
    answer: Iterable[bytes] = app(environ, start_response)
    return answer


wsgi: WSGIApp = ProxyFix(_wsgi)
"""Every framework that is WSGI."""
