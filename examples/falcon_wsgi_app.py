"""dntguard in Falcon on WSGI: around the application, the consent in the request's environ.

    waitress-serve --listen=127.0.0.1:8000 examples.falcon_wsgi_app:app

From the root of the repository, after `pip install . falcon jinja2 waitress`.
"""

from typing import Any

import falcon

from dntguard.wsgi import DNTGuardMiddleware
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, render


class Home:
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        for name, value in COOKIES:
            resp.set_cookie(name, value)
        resp.text = render("home.html", consent=req.env["dntguard.consent"])


class Consent:
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = req.env["dntguard.consent"].reason


class Stream:
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.stream = iter(PIECES)


class Broken:
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        raise RuntimeError(BROKEN)


def not_found(req: falcon.Request, resp: falcon.Response, error: Exception, params: dict[str, Any]) -> None:
    resp.status = falcon.HTTP_404
    resp.text = render("error.html", sorry=NOT_FOUND)


def failed(req: falcon.Request, resp: falcon.Response, error: Exception, params: dict[str, Any]) -> None:
    resp.status = falcon.HTTP_500
    resp.text = render("error.html", sorry=BROKEN)


site = falcon.App(media_type=falcon.MEDIA_HTML)
site.add_route("/", Home())
site.add_route("/consent", Consent())
site.add_route("/stream", Stream())
site.add_route("/broken", Broken())
site.add_error_handler(Exception, failed)
site.add_error_handler(falcon.HTTPNotFound, not_found)

app = DNTGuardMiddleware(site, first_party=["leaves.example"])
