"""The shop in Flask, behind dntguard. To run it alone, from the root of the repository:

    waitress-serve --listen=127.0.0.1:8002 examples.shop.flask_app:app

It is then at http://127.0.0.1:8002. The same shop without dntguard is `examples.shop.flask_app:bare`.
"""

import time
from collections.abc import Iterator

from flask import Flask, Response, jsonify, redirect, render_template, request, session
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response as AnyResponse

from dntguard.wsgi import DNTGuardMiddleware

from . import pages

bare = Flask(__name__, template_folder=pages.TEMPLATES, static_folder=pages.STATIC)
bare.secret_key = pages.SECRET_KEY
bare.config["SESSION_COOKIE_NAME"] = "session_flask"


def page(template: str, context: pages.Context, status: int = 200) -> Response:
    context = pages.shell(session, request.cookies) | context
    return with_cookies(Response(render_template(template, **context), status), context)


def with_cookies(response: Response, context: pages.Context) -> Response:
    for name, value in pages.page_cookies(context, request.cookies).items():
        response.set_cookie(name, value, max_age=pages.YEAR, samesite="Lax")
    return response


def checked_form() -> dict[str, str]:
    """The fields of a form, after its token was checked."""
    form = request.form.to_dict()
    pages.check_csrf(form, request.cookies)
    return form


def to(path: str) -> AnyResponse:
    return redirect(path, 303)


@bare.get("/")
def home() -> AnyResponse:
    return page("home.html", pages.home())


@bare.get("/product/<slug>")
def product(slug: str) -> AnyResponse:
    return page("product.html", pages.product(session, slug))


@bare.get("/cart")
def cart() -> AnyResponse:
    return page("cart.html", pages.cart(session))


@bare.post("/cart/add")
def add_to_cart() -> AnyResponse:
    count = pages.add_to_cart(session, checked_form())
    if "application/json" in request.headers.get("Accept", ""):
        return jsonify(count=count)
    return to("/cart")


@bare.post("/cart/change")
def change_cart() -> AnyResponse:
    pages.change_cart(session, checked_form())
    return to("/cart")


@bare.route("/checkout", methods=["GET", "POST"])
def checkout() -> AnyResponse:
    if request.method != "POST":
        return page("checkout.html", pages.cart(session))
    checked_form()
    pages.place_order(session)
    return to("/account")


@bare.route("/login", methods=["GET", "POST"])
def login() -> AnyResponse:
    if request.method != "POST":
        return page("login.html", pages.login_form())
    if not pages.login(session, checked_form()):
        return page("login.html", pages.login_form(failed=True), 403)
    return to("/account")


@bare.post("/logout")
def logout() -> AnyResponse:
    checked_form()
    pages.logout(session)
    return to("/")


@bare.get("/account")
def account() -> AnyResponse:
    if "user" not in session:
        return to("/login")
    return page("account.html", pages.account(session))


@bare.get("/reviews")
def reviews() -> AnyResponse:
    context = pages.shell(session, request.cookies)

    def slowly() -> Iterator[str]:
        for piece in pages.review_pieces(bare.jinja_env, context):
            yield piece
            time.sleep(pages.REVIEW_PAUSE)

    return with_cookies(Response(slowly(), mimetype="text/html"), context)


@bare.get("/privacy")
def privacy() -> AnyResponse:
    consent = request.environ.get("dntguard.consent")  # what dntguard decided; not there without it
    return page("privacy.html", pages.privacy(consent, request.headers.get, request.cookies))


@bare.errorhandler(pages.ShopError)
def shop_error(problem: pages.ShopError) -> AnyResponse:
    return page("error.html", {"status": problem.status, "sentence": problem.sentence}, problem.status)


@bare.errorhandler(HTTPException)
def error(problem: HTTPException) -> AnyResponse:
    status = problem.code or 500
    response = page("error.html", {"status": status, "sentence": pages.sentence_for(status)}, status)
    if isinstance(problem, MethodNotAllowed):
        response.allow.update(problem.valid_methods or ())
    return response


app = DNTGuardMiddleware(bare)
