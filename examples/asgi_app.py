"""dntguard around a bare ASGI function: the consent in its scope.

    uvicorn examples.asgi_app:app --port 8000

From the root of the repository, after `pip install . jinja2 uvicorn`.
"""

from collections.abc import Iterable

from dntguard import Consent
from dntguard.asgi import DNTGuardMiddleware, Receive, Scope, Send
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, render

SET_COOKIES = [(b"set-cookie", f"{name}={value}; Path=/".encode()) for name, value in COOKIES]


async def respond(
    send: Send,
    pieces: Iterable[bytes],
    *,
    status: int = 200,
    kind: bytes = b"text/html; charset=utf-8",
    more: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind), *more]})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


async def site(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    consent: Consent = scope["dntguard"]
    match scope["path"]:
        case "/":
            await respond(send, [render("home.html", consent=consent).encode()], more=SET_COOKIES)
        case "/consent":
            await respond(send, [consent.reason.encode()], kind=b"text/plain")
        case "/stream":
            await respond(send, PIECES)
        case "/broken":
            await respond(send, [render("error.html", sorry=BROKEN).encode()], status=500)
        case _:
            await respond(send, [render("error.html", sorry=NOT_FOUND).encode()], status=404)


app = DNTGuardMiddleware(site, first_party=["leaves.example"])
