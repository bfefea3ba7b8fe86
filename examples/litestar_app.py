"""dntguard around Litestar: the consent in the request's state.

    uvicorn examples.litestar_app:app --port 8000

From the root of the repository, after `pip install . litestar jinja2 uvicorn`.
"""

from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, MediaType, Request, Response, get
from litestar.datastructures import Cookie
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Stream, Template
from litestar.template import TemplateConfig

from dntguard.asgi import DNTGuardMiddleware
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, TEMPLATES


@get("/")
async def home(request: Request[Any, Any, Any]) -> Template:
    cookies = [Cookie(name, value=value) for name, value in COOKIES]
    return Template("home.html", context={"consent": request.state.consent}, cookies=cookies)


@get("/consent", media_type=MediaType.TEXT)
async def consent(request: Request[Any, Any, Any]) -> str:
    reason: str = request.state.consent.reason
    return reason


@get("/stream", media_type=MediaType.HTML)
async def stream() -> Stream:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in PIECES:
            yield piece

    return Stream(pieces())


@get("/broken")
async def broken() -> None:
    raise RuntimeError(BROKEN)


def not_found(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    return Template("error.html", context={"sorry": NOT_FOUND}, status_code=404)


def failed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    return Template("error.html", context={"sorry": BROKEN}, status_code=500)


site = Litestar(
    route_handlers=[home, consent, stream, broken],
    exception_handlers={404: not_found, 500: failed},
    template_config=TemplateConfig(directory=TEMPLATES, engine=JinjaTemplateEngine),
)
# Around all of it: the `middleware` list belongs to routes, and what has no route does not pass through it.
app = DNTGuardMiddleware(site, first_party=["leaves.example"])
