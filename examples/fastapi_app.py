"""dntguard in FastAPI: around the application, the consent as a dependency.

    uvicorn examples.fastapi_app:app --port 8000

From the root of the repository, after `pip install . fastapi jinja2 uvicorn`.
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from fastapi.templating import Jinja2Templates

from dntguard import Consent
from dntguard.asgi import DNTGuardMiddleware
from dntguard.integrations.starlette import get_consent
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, TEMPLATES

site = FastAPI()
templates = Jinja2Templates(TEMPLATES)
Decided = Annotated[Consent, Depends(get_consent)]


@site.get("/", response_class=HTMLResponse)
def home(request: Request, consent: Decided) -> Response:
    response = templates.TemplateResponse(request, "home.html", {"consent": consent})
    for name, value in COOKIES:
        response.set_cookie(name, value)
    return response


@site.get("/consent", response_class=PlainTextResponse)
def reason(consent: Decided) -> str:
    return consent.reason


@site.get("/stream")
def stream() -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in PIECES:
            yield piece

    return StreamingResponse(pieces(), media_type="text/html")


@site.get("/broken")
def broken() -> None:
    raise RuntimeError(BROKEN)


@site.exception_handler(404)
def not_found(request: Request, error: Exception) -> Response:
    return templates.TemplateResponse(request, "error.html", {"sorry": NOT_FOUND}, status_code=404)


@site.exception_handler(500)
def failed(request: Request, error: Exception) -> Response:
    return templates.TemplateResponse(request, "error.html", {"sorry": BROKEN}, status_code=500)


# Around all of it: what `add_middleware` adds stands inside of Starlette's own handling of errors, and does not see
# the page for status 500.
app = DNTGuardMiddleware(site, first_party=["leaves.example"])
