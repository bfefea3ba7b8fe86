"""dntguard in aiohttp: set up on the application, the consent in the request and in templates.

    python -m examples.aiohttp_app 8000

From the root of the repository, after `pip install . aiohttp aiohttp-jinja2`.
"""

import sys

import aiohttp_jinja2
from aiohttp import web
from aiohttp.typedefs import Handler
from jinja2 import FileSystemLoader

from dntguard.integrations.aiohttp import get_consent, in_templates, setup
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, TEMPLATES


async def home(request: web.Request) -> web.StreamResponse:
    response = aiohttp_jinja2.render_template("home.html", request, {})  # `consent` is there
    for name, value in COOKIES:
        response.set_cookie(name, value)
    return response


async def consent(request: web.Request) -> web.StreamResponse:
    return web.Response(text=get_consent(request).reason)


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/html"})
    await response.prepare(request)
    for piece in PIECES:
        await response.write(piece)
    return response


async def broken(request: web.Request) -> web.StreamResponse:
    raise RuntimeError(BROKEN)


@web.middleware
async def error_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return aiohttp_jinja2.render_template("error.html", request, {"sorry": NOT_FOUND}, status=404)
    except RuntimeError:
        return aiohttp_jinja2.render_template("error.html", request, {"sorry": BROKEN}, status=500)


app = web.Application(middlewares=[error_pages])
app.add_routes(
    [
        web.get("/", home),
        web.get("/consent", consent),
        web.get("/stream", stream),
        web.get("/broken", broken),
    ]
)
aiohttp_jinja2.setup(app, loader=FileSystemLoader(TEMPLATES), context_processors=[in_templates])
setup(app, first_party=["leaves.example"])

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]))
