"""The shop in Starlette, behind dntguard. To run it alone, from the root of the repository:

    uvicorn examples.shop.starlette_app:app --port 8001

It is then at http://127.0.0.1:8001. The same shop without dntguard is `examples.shop.starlette_app:bare`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from dntguard.asgi import DNTGuardMiddleware

from . import pages

templates = Jinja2Templates(directory=pages.TEMPLATES)


def page(request: Request, template: str, context: pages.Context, status: int = 200) -> Response:
    context = pages.shell(request.session, request.cookies) | context
    return with_cookies(templates.TemplateResponse(request, template, context, status), request, context)


def with_cookies(response: Response, request: Request, context: pages.Context) -> Response:
    for name, value in pages.page_cookies(context, request.cookies).items():
        response.set_cookie(name, value, max_age=pages.YEAR, samesite="lax")
    return response


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, after its token was checked."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    pages.check_csrf(form, request.cookies)
    return form


def to(path: str) -> Response:
    return RedirectResponse(path, status_code=303)


async def home(request: Request) -> Response:
    return page(request, "home.html", pages.home())


async def product(request: Request) -> Response:
    return page(request, "product.html", pages.product(request.session, request.path_params["slug"]))


async def cart(request: Request) -> Response:
    return page(request, "cart.html", pages.cart(request.session))


async def add_to_cart(request: Request) -> Response:
    count = pages.add_to_cart(request.session, await form_of(request))
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"count": count})
    return to("/cart")


async def change_cart(request: Request) -> Response:
    pages.change_cart(request.session, await form_of(request))
    return to("/cart")


async def checkout(request: Request) -> Response:
    if request.method != "POST":
        return page(request, "checkout.html", pages.cart(request.session))
    await form_of(request)
    pages.place_order(request.session)
    return to("/account")


async def login(request: Request) -> Response:
    if request.method != "POST":
        return page(request, "login.html", pages.login_form())
    if not pages.login(request.session, await form_of(request)):
        return page(request, "login.html", pages.login_form(failed=True), 403)
    return to("/account")


async def logout(request: Request) -> Response:
    await form_of(request)
    pages.logout(request.session)
    return to("/")


async def account(request: Request) -> Response:
    if "user" not in request.session:
        return to("/login")
    return page(request, "account.html", pages.account(request.session))


async def reviews(request: Request) -> Response:
    context = pages.shell(request.session, request.cookies)

    async def slowly() -> AsyncIterator[str]:
        for piece in pages.review_pieces(templates.env, context):
            yield piece
            await asyncio.sleep(pages.REVIEW_PAUSE)

    return with_cookies(StreamingResponse(slowly(), media_type="text/html"), request, context)


async def privacy(request: Request) -> Response:
    consent = getattr(request.state, "consent", None)  # what dntguard decided; not there without it
    return page(request, "privacy.html", pages.privacy(consent, request.headers.get, request.cookies))


async def error(request: Request, problem: Exception) -> Response:
    match problem:
        case pages.ShopError():
            status, sentence, headers = problem.status, problem.sentence, None
        case HTTPException():
            status, sentence, headers = problem.status_code, pages.sentence_for(problem.status_code), problem.headers
        case _:
            raise problem
    response = page(request, "error.html", {"status": status, "sentence": sentence}, status)
    response.headers.update(headers or {})
    return response


def get(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    return Route(path, endpoint)


def post(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    return Route(path, endpoint, methods=["POST"])


bare = Starlette(
    routes=[
        get("/", home),
        get("/product/{slug}", product),
        get("/reviews", reviews),
        get("/privacy", privacy),
        get("/cart", cart),
        post("/cart/add", add_to_cart),
        post("/cart/change", change_cart),
        Route("/checkout", checkout, methods=["GET", "POST"]),
        Route("/login", login, methods=["GET", "POST"]),
        post("/logout", logout),
        get("/account", account),
        Mount("/static", StaticFiles(directory=pages.STATIC)),
    ],
    middleware=[Middleware(SessionMiddleware, secret_key=pages.SECRET_KEY, session_cookie="session_starlette")],
    exception_handlers={pages.ShopError: error, HTTPException: error},
)

app = DNTGuardMiddleware(bare)
