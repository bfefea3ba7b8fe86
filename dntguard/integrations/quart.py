"""Quart: as Flask, on ASGI. An extension with settings in `app.config`, and the consent in `g` and in templates.

In the program: `app.config["DNTGUARD_THIRD_PARTY"] = "keep"`, and then `DNTGuard(app)` or, with `DNTGuard()`, its
`init_app(app)`. In a view: `g.consent.analytics`. In a template: `{% if consent.analytics %}`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from quart import Quart, g, request, websocket

from dntguard.asgi import DNTGuardMiddleware
from dntguard.integrations.extension import Extension, consent_of, current_in_templates, in_templates


class DNTGuard(Extension[Quart]):
    """Wraps a Quart application; the arguments are those of `Extension`."""

    def init_app(self, app: Quart) -> None:
        """Wrap an application, with the options that its configuration has now.

        Raises:
            PolicyError: as above.
        """
        policy = self.policy_with(app.config)
        wrapped: Any = DNTGuardMiddleware(app.asgi_app, policy)
        app.asgi_app = wrapped  # type: ignore[method-assign]  # as Quart documents
        app.extensions["dntguard"] = self

        async def for_request() -> None:
            g.consent = consent_of(request.scope.get("dntguard"), request.headers.items(), policy)

        async def for_websocket() -> None:
            g.consent = consent_of(websocket.scope.get("dntguard"), websocket.headers.items(), policy)

        # Also for functions that were registered before.
        app.before_request_funcs[None].insert(0, for_request)
        app.before_websocket_funcs[None].insert(0, for_websocket)
        app.context_processor(partial(in_templates, g))
        app.add_template_global(partial(current_in_templates, g), "current_consent")
