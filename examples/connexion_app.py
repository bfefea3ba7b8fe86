"""dntguard around Connexion: the consent in the request's state.

    uvicorn examples.connexion_app:app --port 8000

From the root of the repository, after `pip install . 'connexion[uvicorn]' jinja2`.
"""

from collections.abc import AsyncIterator
from typing import Any

from connexion import AsyncApp, request
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from connexion.middleware import MiddlewarePosition
from starlette.responses import HTMLResponse, Response, StreamingResponse

from dntguard.asgi import DNTGuardMiddleware
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, render


async def home() -> Response:
    response = HTMLResponse(render("home.html", consent=request.state.consent))
    for name, value in COOKIES:
        response.set_cookie(name, value)
    return response


async def consent() -> str:
    reason: str = request.state.consent.reason
    return reason


async def stream() -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in PIECES:
            yield piece

    return StreamingResponse(pieces(), media_type="text/html")


async def broken() -> str:
    raise RuntimeError(BROKEN)


def not_found(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    return ConnexionResponse(404, "text/html", body=render("error.html", sorry=NOT_FOUND))


def failed(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    return ConnexionResponse(500, "text/html", body=render("error.html", sorry=BROKEN))


def get(name: str, kind: str) -> dict[str, Any]:
    """A path of the specification that one of the functions above answers."""
    responses = {"200": {"description": name, "content": {kind: {}}}}
    return {"get": {"operationId": f"{__name__}.{name}", "responses": responses}}


PATHS = {
    "/": get("home", "text/html"),
    "/consent": get("consent", "text/plain"),
    "/stream": get("stream", "text/html"),
    "/broken": get("broken", "text/html"),
}

app = AsyncApp(__name__)
app.add_api({"openapi": "3.0.3", "info": {"title": "Leaves", "version": "1"}, "paths": PATHS})
app.add_error_handler(404, not_found)
app.add_error_handler(Exception, failed)
# Outside of Connexion's own handling of errors: where `add_middleware` puts it else, no error page passes through.
app.add_middleware(DNTGuardMiddleware, MiddlewarePosition.BEFORE_EXCEPTION, first_party=["leaves.example"])
