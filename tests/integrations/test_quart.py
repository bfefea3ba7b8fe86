"""Quart: settings in its configuration, the consent in `g` and in templates, pages without what is refused."""

import asyncio
from collections.abc import Awaitable

import pytest
import quart

from dntguard import Policy
from dntguard.errors import PolicyError
from dntguard.integrations.quart import DNTGuard

PAGE = (
    "<p>{{ consent.reason }}</p>{% if consent.analytics %}<p>counted</p>{% endif %}"
    "<script src=https://static.hotjar.com/h.js></script><script src=//nobody.example/x.js></script>"
)
GPC = {"Sec-GPC": "1"}


def make_app(**config: object) -> quart.Quart:
    app = quart.Quart("shop")
    app.config.update(config)

    @app.get("/")
    async def page() -> str:
        return await quart.render_template_string(PAGE)

    @app.get("/plain")
    async def plain() -> quart.Response:
        return quart.Response("x", mimetype="text/plain")

    @app.websocket("/socket")
    async def socket() -> None:
        await quart.websocket.send(quart.g.consent.source)

    return app


def get(app: quart.Quart, path: str = "/", headers: dict[str, str] | None = None) -> tuple[str, str]:
    """The body of an answer, and its `Vary`."""

    async def ask() -> tuple[str, str]:
        answer = await app.test_client().get(path, headers=headers or {})
        return await answer.get_data(as_text=True), answer.headers.get("Vary", "")

    return asyncio.run(ask())


def test_a_page_is_rewritten_and_knows_the_consent() -> None:
    """For who sends a signal; for who does not, nothing changes."""
    app = make_app()
    extension = DNTGuard(app)
    assert app.extensions["dntguard"] is extension
    granted, _ = get(app)
    assert "<p>counted</p>" in granted
    assert "hotjar" in granted
    refused, vary = get(app, headers=GPC)
    assert refused.startswith("<p>The browser sends Sec-GPC: 1, which refuses analytics and marketing.</p>")
    assert "counted" not in refused
    assert "<script" not in refused
    assert vary == "DNT, Sec-GPC"
    assert get(app, "/plain") == ("x", "")


def test_settings_are_in_the_configuration() -> None:
    """They count over what the program says; one extension serves several applications."""
    extension = DNTGuard(third_party="remove")
    kept, removed = make_app(DNTGUARD_THIRD_PARTY="keep"), make_app()
    extension.init_app(kept)
    extension.init_app(removed)
    assert "nobody" in get(kept, headers=GPC)[0]
    assert "nobody" not in get(removed, headers=GPC)[0]
    with pytest.raises(PolicyError, match="did you mean 'mode'"):
        DNTGuard(make_app(DNTGUARD_MODES="never"))
    with pytest.raises(PolicyError, match="given beside a ready policy"):
        DNTGuard(make_app(DNTGUARD_MODE="never"), Policy())


def test_a_template_has_a_global_function_too() -> None:
    """For macros that are imported without the context."""
    app = make_app()
    DNTGuard(app)

    @app.get("/global")
    async def of_global() -> str:
        return await quart.render_template_string("{{ current_consent().source }}")

    assert get(app, "/global", GPC) == ("signal", "DNT, Sec-GPC")


def test_whoever_is_asked_before_a_view_has_the_consent() -> None:
    """Also who was registered before the extension."""
    app = make_app()

    @app.before_request
    async def early() -> str:
        return str(quart.g.consent.source)

    DNTGuard(app)
    assert get(app, headers=GPC)[0] == "signal"


def test_a_socket_has_the_consent() -> None:
    """As a request has."""
    app = make_app()
    DNTGuard(app)

    async def ask() -> object:
        async with app.test_client().websocket("/socket", headers=GPC) as connection:
            return await connection.receive()

    assert asyncio.run(ask()) == "signal"


def test_a_context_without_the_middleware_has_a_consent_too() -> None:
    """As in a test of a view, or a shell; outside of a request, templates know none."""
    app = make_app()
    DNTGuard(app)

    async def inside() -> tuple[str, str]:
        async with app.test_request_context("/", headers=GPC) as context:
            await app.preprocess_request(context)
            return quart.g.consent.source, await quart.render_template_string("{{ consent.source }}")

    async def outside() -> str:
        async with app.app_context():
            return await quart.render_template_string("{{ consent is defined }}")

    def run(work: Awaitable[object]) -> object:
        return asyncio.run(work)  # type: ignore[arg-type]  # an async function's

    assert run(inside()) == ("signal", "signal")
    assert run(outside()) == "False"
