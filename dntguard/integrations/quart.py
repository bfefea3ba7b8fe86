"""Quart: as Flask, on ASGI. An extension with settings in `app.config`, and the consent in `g` and in templates.

dntguard = DNTGuard(app)            # or DNTGuard() and dntguard.init_app(app)
app.config["DNTGUARD_THIRD_PARTY"] = "keep"

g.consent.analytics                 # in a view
{% if consent.analytics %}          # in a template
"""

from __future__ import annotations

from typing import Any, cast

from quart import Quart, g, request, websocket

from dntguard.asgi import ASGIApp, DNTGuardMiddleware
from dntguard.consent import Consent, decide
from dntguard.integrations.configured import policy_of
from dntguard.policy import Policy
from dntguard.signals import read_signals


class DNTGuard:
    """Wraps a Quart application.

    Args:
        app: the application; without it, `init_app` is called later, once for each application.
        policy: the site's configuration; or give its options by name.

    Raises:
        PolicyError: an option, here or in `app.config`, is unknown or cannot be used.
    """

    def __init__(self, app: Quart | None = None, policy: Policy | None = None, **options: Any) -> None:
        self._policy = policy
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Wrap an application, with the options that its configuration has now.

        Raises:
            PolicyError: as above.
        """
        policy = policy_of(app.config, self._policy, self._options)
        wrapped: Any = DNTGuardMiddleware(cast("ASGIApp", app.asgi_app), policy)
        app.asgi_app = wrapped  # type: ignore[method-assign]  # as Quart documents
        app.extensions["dntguard"] = self

        def of(connection: Any) -> Consent:
            consent = connection.scope.get("dntguard")
            if isinstance(consent, Consent):
                return consent
            # Without the middleware around it, as in `app.test_request_context`, it is decided here.
            headers = [(name.lower().encode(), value.encode()) for name, value in connection.headers.items()]
            return decide(read_signals(headers), None, policy)

        async def for_request() -> None:
            g.consent = of(request)

        async def for_websocket() -> None:
            g.consent = of(websocket)

        app.before_request(for_request)
        app.before_websocket(for_websocket)
        app.context_processor(_in_templates)


def _in_templates() -> dict[str, object]:
    return {"consent": g.consent} if "consent" in g else {}
