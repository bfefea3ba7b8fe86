"""Flask: an extension with settings in `app.config`, and the consent in `g` and in templates.

dntguard = DNTGuard(app)            # or DNTGuard() and dntguard.init_app(app)
app.config["DNTGUARD_THIRD_PARTY"] = "keep"

g.consent.analytics                 # in a view
{% if consent.analytics %}          # in a template
"""

from __future__ import annotations

from typing import Any

from flask import Flask, g, request

from dntguard.consent import Consent, decide
from dntguard.integrations.configured import policy_of
from dntguard.policy import Policy
from dntguard.signals import read_signals
from dntguard.wsgi import DNTGuardMiddleware


class DNTGuard:
    """Wraps a Flask application.

    Args:
        app: the application; without it, `init_app` is called later, once for each application.
        policy: the site's configuration; or give its options by name.

    Raises:
        PolicyError: an option, here or in `app.config`, is unknown or cannot be used.
    """

    def __init__(self, app: Flask | None = None, policy: Policy | None = None, **options: Any) -> None:
        self._policy = policy
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Wrap an application, with the options that its configuration has now.

        Raises:
            PolicyError: as above.
        """
        policy = policy_of(app.config, self._policy, self._options)
        app.wsgi_app = DNTGuardMiddleware(app.wsgi_app, policy)  # type: ignore[method-assign]  # as Flask documents
        app.extensions["dntguard"] = self

        def give_consent() -> None:
            consent = request.environ.get("dntguard.consent")
            # Without the middleware around it, as in `app.test_request_context`, it is decided here.
            g.consent = consent if isinstance(consent, Consent) else _decide(policy)

        app.before_request(give_consent)
        app.context_processor(_in_templates)


def _decide(policy: Policy) -> Consent:
    headers = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in request.headers
    ]
    return decide(read_signals(headers), None, policy)


def _in_templates() -> dict[str, object]:
    return {"consent": g.consent} if "consent" in g else {}
