"""What each server serves, as one ASGI and one WSGI application.

The query says which: `?case=N` and `?markup=N` are the case tables; `?way=bare` and `?way=guarded` are, by the path,
the small site, the odd responses (`/odd/N`, `/endless`), and what was counted meanwhile (`/closed`, `/outcomes`).
"""

import json
from collections.abc import Iterable
from typing import Any

from dntguard.asgi import ASGIApp, Receive, Scope, Send
from dntguard.asgi import DNTGuardMiddleware as ASGIGuard
from dntguard.wsgi import DNTGuardMiddleware as WSGIGuard
from dntguard.wsgi import Environ, StartResponse, WSGIApp
from tests.drive import body, live, start
from tests.servers import site, table
from tests.servers.odd import ALL, endless
from tests.servers.odd.shape import CLOSED

JSON = (b"content-type", b"application/json")


def counted(path: str) -> bytes | None:
    """What was counted, if the path asks for that."""
    counts: dict[str, Any] = {"/closed": CLOSED, "/outcomes": table.OUTCOMES}
    return json.dumps(counts[path]).encode() if path in counts else None


async def asgi_bare(scope: Scope, receive: Receive, send: Send) -> None:
    """The site and the odd responses as ASGI."""
    path = scope["path"]
    seen = counted(path)
    if seen is not None:
        await send(start(JSON))
        await send(body(seen))
        return
    app: ASGIApp | None = site.asgi
    if path == "/endless":
        app = endless.asgi
    elif path.startswith("/odd/"):
        app = ALL[int(path[5:])].asgi
    assert app is not None, path
    await app(scope, receive, send)


def wsgi_bare(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """The site and the odd responses as WSGI."""
    path = environ["PATH_INFO"]
    seen = counted(path)
    if seen is not None:
        start_response("200 OK", [(JSON[0].decode(), JSON[1].decode())])
        return [seen]
    app: WSGIApp | None = site.wsgi
    if path == "/endless":
        app = endless.wsgi
    elif path.startswith("/odd/"):
        app = ALL[int(path[5:])].wsgi
    assert app is not None, path
    return app(environ, start_response)


_asgi_ways: dict[str, ASGIApp] = {"way=bare": asgi_bare, "way=guarded": ASGIGuard(asgi_bare)}
_wsgi_ways: dict[str, WSGIApp] = {"way=bare": wsgi_bare, "way=guarded": WSGIGuard(wsgi_bare)}


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Everything, as ASGI."""
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    query = scope["query_string"].decode()
    await (_asgi_ways.get(query) or table.asgi(query))(scope, receive, send)


def wsgi(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Everything, as WSGI."""
    query = environ["QUERY_STRING"]
    return (_wsgi_ways.get(query) or table.wsgi(query))(environ, start_response)
