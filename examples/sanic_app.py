"""dntguard around Sanic: the consent in the request's ASGI scope.

    uvicorn examples.sanic_app:app --port 8000

From the root of the repository, after `pip install . sanic jinja2 uvicorn`.
"""

from sanic import HTTPResponse, NotFound, Request, Sanic, html, text

from dntguard.asgi import DNTGuardMiddleware
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, render

site = Sanic("leaves")


@site.get("/")
async def home(request: Request) -> HTTPResponse:
    response = html(render("home.html", consent=request.scope["dntguard"]))
    for name, value in COOKIES:
        response.add_cookie(name, value)
    return response


@site.get("/consent")
async def consent(request: Request) -> HTTPResponse:
    return text(request.scope["dntguard"].reason)


@site.get("/stream")
async def stream(request: Request) -> None:
    response = await request.respond(content_type="text/html")
    for piece in PIECES:
        await response.send(piece)
    await response.eof()


@site.get("/broken")
async def broken(request: Request) -> HTTPResponse:
    raise RuntimeError(BROKEN)


@site.exception(NotFound)
async def not_found(request: Request, error: Exception) -> HTTPResponse:
    return html(render("error.html", sorry=NOT_FOUND), status=404)


@site.exception(Exception)
async def failed(request: Request, error: Exception) -> HTTPResponse:
    return html(render("error.html", sorry=BROKEN), status=500)


app = DNTGuardMiddleware(site, first_party=["leaves.example"])
