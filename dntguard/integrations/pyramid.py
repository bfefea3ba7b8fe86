"""Pyramid: settings in the ini file, and the consent on each request.

In the ini file: `pyramid.includes = dntguard.integrations.pyramid` and `dntguard.third_party = keep`; in the program:
`config.include("dntguard.integrations.pyramid")`. In a view and in a template: `request.consent.analytics`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pyramid.config import Configurator
from pyramid.events import ApplicationCreated
from pyramid.request import Request

from dntguard.consent import Consent, current
from dntguard.integrations.extension import consent_of
from dntguard.policy import Policy, make_policy, option_kinds
from dntguard.settings import from_environment
from dntguard.wsgi import DNTGuardMiddleware, Environ, StartResponse

PREFIX = "dntguard."
"""How the keys of the settings begin that are options."""


def includeme(config: Configurator) -> None:
    """Wrap the application that a configurator makes: `config.include("dntguard.integrations.pyramid")`.

    Raises:
        PolicyError: an option in the settings is unknown or cannot be used.
    """
    policy_of(config.registry.settings)
    config.add_request_method(consent_of_request, "consent", property=True)
    config.add_subscriber(_wrap, ApplicationCreated)


def policy_of(settings: Mapping[str, Any]) -> Policy:
    """The policy of an application's settings.

    Args:
        settings: `dntguard.` and an option's name, to its value; a text is read as `Policy.from_env` reads it. A ready
            policy is under `dntguard.policy`.

    Raises:
        PolicyError: an option is unknown or cannot be used, or a ready policy is given beside options.
    """
    ours = {key: value for key, value in settings.items() if key.startswith(PREFIX)}
    texts = {key: value for key, value in ours.items() if isinstance(value, str)}
    options = from_environment(PREFIX, option_kinds(), texts)
    options.update((key.removeprefix(PREFIX), value) for key, value in ours.items() if key not in texts)
    policy: Any = options.pop("policy", None)
    return make_policy(policy, options)


def consent_of_request(request: Request) -> Consent:
    """The consent of a request, which is `request.consent`: that of the visitor who is being answered, and outside of
    that, as in a shell, the one that the request's headers ask for.
    """
    # A subrequest has an environ of its own, in which nobody has left anything.
    found = request.environ.get("dntguard.consent") or current.get(None)
    if isinstance(found, Consent):
        return found
    return consent_of(None, request.headers.items(), policy_of(request.registry.settings))


def _wrap(event: ApplicationCreated) -> None:
    """Put the middleware around everything that the application does with a request.

    The execution policy is the outermost that Pyramid lets others replace: around tweens, exception views and response
    callbacks, and, as `pyramid_retry`'s, around several attempts. By now every include has had its say about it.
    """
    router = event.app
    execute = router.execution_policy

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        answer: Iterable[bytes] = execute(environ, router)(environ, start_response)
        return answer

    guarded = DNTGuardMiddleware(application, policy_of(router.registry.settings))
    router.execution_policy = lambda _environ, _router: guarded
