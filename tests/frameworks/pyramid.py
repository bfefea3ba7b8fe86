"""Pyramid: dntguard included, WebTest."""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from dntguard.wsgi import WSGIApp
from tests.frameworks import bottle
from tests.frameworks.stage import TARGETS, Framework, Stage


def application(stage: Stage) -> WSGIApp:
    """An application that answers as the stage says."""

    def answer(request: Request) -> Response:
        given = stage.answer(
            request.method,
            request.scheme,
            request.host,
            request.path_info,
            request.headers.items(),
            getattr(request, "consent", None),
        )
        pieces = iter(given.pieces()) if given.stream else [b"".join(given.pieces())]
        return Response(status=given.status, headerlist=list(given.headers), app_iter=pieces)

    settings = {f"dntguard.{name}": value for name, value in (stage.options or {}).items()}
    with Configurator(settings=settings) as config:
        if stage.options is not None:
            config.include("dntguard.integrations.pyramid")
        config.add_route("any", r"/{path:[\s\S]*}")
        config.add_view(answer, route_name="any")
        app: WSGIApp = config.make_wsgi_app()
    return app


PYRAMID = Framework(
    "Pyramid",
    "wsgi",
    "examples.pyramid_app",
    application,
    bottle.ask,
    not_carried=TARGETS,
    faithful=153,
)
