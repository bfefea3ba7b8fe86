"""Connexion: its `add_middleware`, its test client."""

from __future__ import annotations

from typing import Any

from connexion import AsyncApp, request
from connexion.middleware import MiddlewarePosition
from starlette.responses import Response

from dntguard.asgi import DNTGuardMiddleware
from tests.case_table import Request
from tests.frameworks import starlette
from tests.frameworks.stage import METHODS, Answer, Framework, Stage

PATH = {"name": "path", "in": "path", "required": True, "schema": {"type": "string", "format": "path"}}
RESPONSES = {"default": {"description": "What the stage says."}}


def operations() -> dict[str, Any]:
    """Any method of a path."""
    return {method.lower(): {"operationId": "answer", "responses": RESPONSES} for method in METHODS}


SPECIFICATION = {
    "openapi": "3.0.3",
    "info": {"title": "stage", "version": "1"},
    "paths": {"/{path}": {"parameters": [PATH], **operations()}, "/": operations()},
}


def application(stage: Stage) -> AsyncApp:
    """An application that answers as the stage says."""

    async def answer(path: str = "") -> Response:
        return starlette.respond(stage, request, getattr(request.state, "consent", None))

    app = AsyncApp("stage", resolver=lambda operation: answer)
    app.add_api(SPECIFICATION)
    if stage.options is not None:
        app.add_middleware(DNTGuardMiddleware, MiddlewarePosition.BEFORE_EXCEPTION, **stage.options)
    return app


def ask(app: AsyncApp, request: Request) -> Answer:
    """What the test client gets."""
    base = f"{request.scheme}://{request.host}"
    return starlette.answered(app.test_client(base_url=base, raise_server_exceptions=False), request)


CONNEXION = Framework(
    "Connexion",
    "asgi",
    "examples.connexion_app",
    application,
    ask,
    not_carried=starlette.STARLETTE.not_carried,
    faithful=150,
)
