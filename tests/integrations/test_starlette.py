"""Starlette and FastAPI: the consent by call and as a dependency."""

from typing import Annotated

import fastapi
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from dntguard import Consent, Policy
from dntguard.asgi import DNTGuardMiddleware
from dntguard.errors import NoConsentError
from dntguard.integrations.starlette import get_consent

GPC = {"Sec-GPC": "1"}
TRACKER = '<script src="https://www.google-analytics.com/analytics.js"></script>'


def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse(get_consent(request).source)


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(get_consent(websocket).source)
    await websocket.close()


ROUTES = [Route("/", page), WebSocketRoute("/socket", socket)]


def test_a_view_and_a_socket_get_the_consent() -> None:
    """By the request that they have."""
    app = Starlette(routes=ROUTES)
    app.add_middleware(DNTGuardMiddleware)
    client = TestClient(app)
    assert client.get("/").text == "policy"
    answer = client.get("/", headers=GPC)
    assert (answer.text, answer.headers["Vary"]) == ("signal", "DNT, Sec-GPC")
    with client.websocket_connect("/socket", headers=GPC) as connection:
        assert connection.receive_text() == "signal"


def test_the_middleware_may_be_in_the_applications_list() -> None:
    """As Starlette's own documentation writes it, with options or a policy."""
    for middleware in (
        Middleware(DNTGuardMiddleware, mode="never"),
        Middleware(DNTGuardMiddleware, Policy(mode="never")),
    ):
        app = Starlette(routes=ROUTES, middleware=[middleware])
        assert TestClient(app).get("/").text == "policy"
        with TestClient(app).websocket_connect("/socket", headers=GPC) as connection:
            assert connection.receive_text() == "policy"


def test_an_application_that_is_not_wrapped_is_told_how() -> None:
    """Instead of a consent that nobody decided."""
    with pytest.raises(NoConsentError, match=r"write app\.add_middleware\(DNTGuardMiddleware\)"):
        TestClient(Starlette(routes=ROUTES)).get("/")


def test_fastapi_gives_it_as_a_dependency_and_keeps_its_schema() -> None:
    """No parameter of the visitor's appears in OpenAPI, and the documentation page works."""
    app = fastapi.FastAPI()
    app.add_middleware(DNTGuardMiddleware, third_party="keep")

    @app.get("/")
    def read(consent: Annotated[Consent, fastapi.Depends(get_consent)], item: int = 1) -> dict[str, object]:
        return {"analytics": consent.analytics, "item": item}

    client = TestClient(app)
    assert client.get("/?item=2", headers=GPC).json() == {"analytics": False, "item": 2}
    assert client.get("/").json() == {"analytics": True, "item": 1}
    parameters = client.get("/openapi.json").json()["paths"]["/"]["get"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == ["item"]
    assert "swagger-ui" in client.get("/docs", headers=GPC).text


@pytest.mark.parametrize("key", [500, Exception])
def test_the_page_of_a_handler_for_every_error_is_rewritten_around_the_application_only(
    key: int | type[Exception],
) -> None:
    """Starlette answers it outside of all that `add_middleware` adds, as the documentation says."""

    def broken(request: Request) -> PlainTextResponse:
        raise RuntimeError

    def failed(request: Request, error: Exception) -> HTMLResponse:
        return HTMLResponse(TRACKER, 500)

    bare, inside = (Starlette(routes=[Route("/", broken)], exception_handlers={key: failed}) for _ in range(2))
    inside.add_middleware(DNTGuardMiddleware)
    for app, page in ((DNTGuardMiddleware(bare), "<!---->"), (inside, TRACKER)):
        assert TestClient(app, raise_server_exceptions=False).get("/", headers=GPC).text == page
