"""dntguard in Starlette: around the application, the consent in the request.

    uvicorn examples.starlette_app:app --port 8000

From the root of the repository, after `pip install . starlette jinja2 uvicorn`.
"""

from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from dntguard.asgi import DNTGuardMiddleware
from dntguard.integrations.starlette import get_consent
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, TEMPLATES

templates = Jinja2Templates(TEMPLATES)


def home(request: Request) -> Response:
    response = templates.TemplateResponse(request, "home.html", {"consent": get_consent(request)})
    for name, value in COOKIES:
        response.set_cookie(name, value)
    return response


def consent(request: Request) -> Response:
    return PlainTextResponse(request.state.consent.reason)


def stream(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in PIECES:
            yield piece

    return StreamingResponse(pieces(), media_type="text/html")


def broken(request: Request) -> Response:
    raise RuntimeError(BROKEN)


def not_found(request: Request, error: Exception) -> Response:
    return templates.TemplateResponse(request, "error.html", {"sorry": NOT_FOUND}, status_code=404)


def failed(request: Request, error: Exception) -> Response:
    return templates.TemplateResponse(request, "error.html", {"sorry": BROKEN}, status_code=500)


site = Starlette(
    routes=[Route("/", home), Route("/consent", consent), Route("/stream", stream), Route("/broken", broken)],
    exception_handlers={404: not_found, 500: failed},
)
# Around all of it: what `add_middleware` adds stands inside of Starlette's own handling of errors, and does not see
# the page for status 500.
app = DNTGuardMiddleware(site, first_party=["leaves.example"])
