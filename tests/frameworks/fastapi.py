"""FastAPI: `add_middleware` and a dependency, its test client."""

from __future__ import annotations

from fastapi import Depends, FastAPI
from fastapi import Request as FastAPIRequest
from fastapi.responses import Response
from fastapi.testclient import TestClient

from dntguard import Consent
from dntguard.asgi import DNTGuardMiddleware
from dntguard.integrations.starlette import get_consent
from tests.case_table import Request
from tests.frameworks import starlette
from tests.frameworks.stage import METHODS, Answer, Framework, Stage


def no_consent() -> None:
    """What there is without dntguard."""


def application(stage: Stage) -> FastAPI:
    """An application that answers as the stage says."""
    app = FastAPI(openapi_url=None)
    depends = Depends(no_consent if stage.options is None else get_consent)

    @app.api_route("/{path:path}", methods=METHODS)
    async def answer(request: FastAPIRequest, consent: Consent | None = depends) -> Response:
        return starlette.respond(stage, request, consent)

    if stage.options is not None:
        app.add_middleware(DNTGuardMiddleware, **stage.options)
    return app


def ask(app: FastAPI, request: Request) -> Answer:
    """What the test client gets."""
    base = f"{request.scheme}://{request.host}"
    return starlette.answered(TestClient(app, base, raise_server_exceptions=False), request)


FASTAPI = Framework(
    "FastAPI",
    "asgi",
    "examples.fastapi_app",
    application,
    ask,
    not_carried=starlette.STARLETTE.not_carried,
    faithful=150,
)
