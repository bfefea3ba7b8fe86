"""dntguard in Pyramid: settings as in the ini file, the consent on the request, in views and templates.

    waitress-serve --listen=127.0.0.1:8000 examples.pyramid_app:app

From the root of the repository, after `pip install . pyramid pyramid_jinja2 waitress`.
"""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, TEMPLATES


def home(request: Request) -> dict[str, Any]:
    for name, value in COOKIES:
        request.response.set_cookie(name, value)
    return {"consent": request.consent}


def consent(request: Request) -> Response:
    return Response(request.consent.reason, content_type="text/plain")


def stream(request: Request) -> Response:
    return Response(app_iter=iter(PIECES))


def broken(request: Request) -> Response:
    raise RuntimeError(BROKEN)


def not_found(request: Request) -> dict[str, Any]:
    request.response.status = 404
    return {"sorry": NOT_FOUND}


def failed(request: Request) -> dict[str, Any]:
    request.response.status = 500
    return {"sorry": BROKEN}


with Configurator(settings={"dntguard.first_party": "leaves.example"}) as config:
    config.include("pyramid_jinja2")
    config.include("dntguard.integrations.pyramid")
    config.add_jinja2_renderer(".html")
    config.add_jinja2_search_path(str(TEMPLATES), name=".html")
    config.add_route("home", "/")
    config.add_route("consent", "/consent")
    config.add_route("stream", "/stream")
    config.add_route("broken", "/broken")
    config.add_view(home, route_name="home", renderer="home.html")
    config.add_view(consent, route_name="consent")
    config.add_view(stream, route_name="stream")
    config.add_view(broken, route_name="broken")
    config.add_notfound_view(not_found, renderer="error.html")
    config.add_exception_view(failed, renderer="error.html")
    app = config.make_wsgi_app()
