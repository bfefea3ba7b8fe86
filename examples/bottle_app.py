"""dntguard in Bottle: around the application, the consent in the request's environ.

    waitress-serve --listen=127.0.0.1:8000 examples.bottle_app:app

From the root of the repository, after `pip install . bottle jinja2 waitress`.
"""

from collections.abc import Iterator
from typing import Any

from bottle import TEMPLATE_PATH, default_app, error, jinja2_template, request, response, route

from dntguard.wsgi import DNTGuardMiddleware
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, TEMPLATES

TEMPLATE_PATH.insert(0, str(TEMPLATES))


@route("/")
def home() -> Any:
    for name, value in COOKIES:
        response.set_cookie(name, value)
    return jinja2_template("home.html", consent=request.environ["dntguard.consent"])


@route("/consent")
def consent() -> str:
    response.content_type = "text/plain"
    reason: str = request.environ["dntguard.consent"].reason
    return reason


@route("/stream")
def stream() -> Iterator[bytes]:
    return iter(PIECES)


@route("/broken")
def broken() -> str:
    raise RuntimeError(BROKEN)


@error(404)
def not_found(failure: Exception) -> Any:
    return jinja2_template("error.html", sorry=NOT_FOUND)


@error(500)
def failed(failure: Exception) -> Any:
    return jinja2_template("error.html", sorry=BROKEN)


app = DNTGuardMiddleware(default_app(), first_party=["leaves.example"])
