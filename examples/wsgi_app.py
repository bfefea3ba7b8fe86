"""dntguard around a WSGI function without a framework: the consent in the environ, or by `current_consent()`.

    waitress-serve --listen=127.0.0.1:8000 examples.wsgi_app:app

From the root of the repository, after `pip install . jinja2 waitress`.
"""

from collections.abc import Iterable

from dntguard import current_consent
from dntguard.wsgi import DNTGuardMiddleware, Environ, StartResponse
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, render

HTML = ("Content-Type", "text/html; charset=utf-8")


def home(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    page = render("home.html", consent=environ["dntguard.consent"])
    start_response("200 OK", [HTML, *(("Set-Cookie", f"{name}={value}") for name, value in COOKIES)])
    return [page.encode()]


def consent(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [current_consent().reason.encode()]


def stream(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [HTML])
    return iter(PIECES)


def broken(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    raise RuntimeError(BROKEN)


def not_found(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("404 Not Found", [HTML])
    return [render("error.html", sorry=NOT_FOUND).encode()]


VIEWS = {"/": home, "/consent": consent, "/stream": stream, "/broken": broken}


def site(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    try:
        return VIEWS.get(environ["PATH_INFO"], not_found)(environ, start_response)
    except RuntimeError:
        start_response("500 Internal Server Error", [HTML])
        return [render("error.html", sorry=BROKEN).encode()]


app = DNTGuardMiddleware(site, first_party=["leaves.example"])
