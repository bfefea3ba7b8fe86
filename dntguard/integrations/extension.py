"""What an extension of a framework with `app.config`, `g` and templates is, whichever the framework."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from dntguard.consent import Consent, decide
from dntguard.errors import NoConsentError
from dntguard.headers import from_text
from dntguard.policy import Policy, make_policy
from dntguard.signals import read_signals

App = TypeVar("App")

PREFIX = "DNTGUARD_"
"""How the keys of a configuration begin that are options, in upper case."""


class Extension(ABC, Generic[App]):
    """Wraps an application.

    Args:
        app: the application; without it, `init_app` is called later, once for each application.
        policy: the site's configuration; or give its options by name.

    Raises:
        PolicyError: an option, here or in `app.config`, is unknown or cannot be used.
    """

    def __init__(self, app: App | None = None, policy: Policy | None = None, **options: Any) -> None:
        self._policy = policy
        self._options = options
        if app is not None:
            self.init_app(app)

    @abstractmethod
    def init_app(self, app: App) -> None:
        """Wrap an application, with the options that its configuration has now.

        Raises:
            PolicyError: as above.
        """

    def policy_with(self, config: Mapping[str, Any]) -> Policy:
        """The policy of a configuration and of what was given in the program.

        Args:
            config: the framework's. Of the same name its options count over the program's; beside a ready policy it
                must hold none.

        Raises:
            PolicyError: an option is unknown or cannot be used, or a ready policy is given beside options.
        """
        configured = {
            key.removeprefix(PREFIX).lower(): value for key, value in config.items() if key.startswith(PREFIX)
        }
        return make_policy(self._policy, {**self._options, **configured})


def consent_of(found: object, headers: Iterable[tuple[str, str]], policy: Policy) -> Consent:
    """The consent of a request: the one that the middleware left, or where it does not stand around the application,
    as in a framework's `test_request_context`, the one that it would have decided.

    Args:
        found: what stands where the middleware leaves it; None for nothing.
        headers: of the request.
        policy: the site's.
    """
    if isinstance(found, Consent):
        return found
    return decide(read_signals(from_text(headers)), None, policy)


def current_in_templates(g: Any) -> Consent:
    """The consent of the request that a template is rendered for: a global of the templates, for macros that are
    imported without the context.

    Raises:
        NoConsentError: it is rendered for no request.
    """
    if "consent" not in g:
        raise NoConsentError("this template is rendered for no request, so nobody's consent is known")
    consent: Consent = g.consent
    return consent


def in_templates(g: Any) -> dict[str, object]:
    """What templates get: the consent, where a request has one."""
    return {"consent": g.consent} if "consent" in g else {}
