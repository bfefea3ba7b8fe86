"""Flask: an extension with settings in `app.config`, and the consent in `g` and in templates.

In the program: `app.config["DNTGUARD_THIRD_PARTY"] = "keep"`, and then `DNTGuard(app)` or, with `DNTGuard()`, its
`init_app(app)`. In a view: `g.consent.analytics`. In a template: `{% if consent.analytics %}`.
"""

from __future__ import annotations

from functools import partial

from flask import Flask, g, request

from dntguard.integrations.extension import Extension, consent_of, current_in_templates, in_templates
from dntguard.wsgi import DNTGuardMiddleware


class DNTGuard(Extension[Flask]):
    """Wraps a Flask application; the arguments are those of `Extension`."""

    def init_app(self, app: Flask) -> None:
        """Wrap an application, with the options that its configuration has now.

        Raises:
            PolicyError: as above.
        """
        policy = self.policy_with(app.config)
        app.wsgi_app = DNTGuardMiddleware(app.wsgi_app, policy)  # type: ignore[method-assign]  # as Flask documents
        app.extensions["dntguard"] = self

        def give_consent() -> None:
            g.consent = consent_of(request.environ.get("dntguard.consent"), request.headers, policy)

        app.before_request_funcs[None].insert(0, give_consent)  # also for functions that were registered before
        app.context_processor(partial(in_templates, g))
        app.add_template_global(partial(current_in_templates, g), "current_consent")
