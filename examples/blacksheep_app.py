"""dntguard around BlackSheep: the consent by a call.

    uvicorn examples.blacksheep_app:app --port 8000

From the root of the repository, after `pip install . blacksheep jinja2 uvicorn`.
"""

from collections.abc import AsyncIterator

from blacksheep import Application, Cookie, Request, Response, Router, StreamedContent, html, text

from dntguard import current_consent
from dntguard.asgi import DNTGuardMiddleware
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, render

site = Application(router=Router())


@site.router.get("/")
async def home() -> Response:
    response = html(render("home.html", consent=current_consent()))
    for name, value in COOKIES:
        response.set_cookie(Cookie(name, value))
    return response


@site.router.get("/consent")
async def consent() -> Response:
    return text(current_consent().reason)


@site.router.get("/stream")
async def stream() -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in PIECES:
            yield piece

    return Response(200, content=StreamedContent(b"text/html", pieces))


@site.router.get("/broken")
async def broken() -> Response:
    raise RuntimeError(BROKEN)


async def not_found(app: Application, request: Request, error: Exception) -> Response:
    return html(render("error.html", sorry=NOT_FOUND), status=404)


async def failed(app: Application, request: Request, error: Exception) -> Response:
    return html(render("error.html", sorry=BROKEN), status=500)


site.exceptions_handlers.update({404: not_found, 500: failed})
app = DNTGuardMiddleware(site, first_party=["leaves.example"])
