"""FastAPI."""

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from dntguard.asgi import DNTGuardMiddleware
from tests.bench.sites import LEAVES, TEMPLATES

templates = Jinja2Templates(TEMPLATES)


def make() -> FastAPI:
    """The site."""
    site = FastAPI()

    @site.get("/", response_class=HTMLResponse)
    async def small(request: Request) -> Response:
        return templates.TemplateResponse(request, "small.html", {"title": "Leaves"})

    @site.get("/list", response_class=HTMLResponse)
    async def leaves(request: Request) -> Response:
        return templates.TemplateResponse(request, "fastapi/list.html", {"title": "All leaves", "leaves": LEAVES})

    @site.get("/leaves/{number}")
    async def leaf(number: int) -> str:
        return str(LEAVES[number]["name"])

    site.mount("/static", StaticFiles(directory=TEMPLATES), "static")
    return site


bare, app = make(), make()
app.add_middleware(DNTGuardMiddleware)
