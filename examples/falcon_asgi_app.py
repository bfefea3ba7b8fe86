"""dntguard around Falcon's ASGI application: the consent in the request's scope.

    uvicorn examples.falcon_asgi_app:app --port 8000

From the root of the repository, after `pip install . falcon jinja2 uvicorn`.
"""

from collections.abc import AsyncIterator
from typing import Any

import falcon
from falcon.asgi import App, Request, Response

from dntguard.asgi import DNTGuardMiddleware
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, render


class Home:
    async def on_get(self, request: Request, response: Response) -> None:
        response.text = render("home.html", consent=request.scope["dntguard"])
        for name, value in COOKIES:
            response.set_cookie(name, value)


class Consent:
    async def on_get(self, request: Request, response: Response) -> None:
        response.content_type = falcon.MEDIA_TEXT
        response.text = request.scope["dntguard"].reason


class Stream:
    async def on_get(self, request: Request, response: Response) -> None:
        response.stream = self.pieces()

    async def pieces(self) -> AsyncIterator[bytes]:
        for piece in PIECES:
            yield piece


class Broken:
    async def on_get(self, request: Request, response: Response) -> None:
        raise RuntimeError(BROKEN)


async def not_found(request: Request, response: Response | None, error: Exception, params: dict[str, Any]) -> None:
    if response is not None:  # a WebSocket has none
        response.status = falcon.HTTP_404
        response.text = render("error.html", sorry=NOT_FOUND)


async def failed(request: Request, response: Response | None, error: Exception, params: dict[str, Any]) -> None:
    if response is not None:
        response.status = falcon.HTTP_500
        response.text = render("error.html", sorry=BROKEN)


site = App(media_type=falcon.MEDIA_HTML)
site.add_route("/", Home())
site.add_route("/consent", Consent())
site.add_route("/stream", Stream())
site.add_route("/broken", Broken())
site.add_error_handler(Exception, failed)
site.add_error_handler(falcon.HTTPNotFound, not_found)
app = DNTGuardMiddleware(site, first_party=["leaves.example"])
