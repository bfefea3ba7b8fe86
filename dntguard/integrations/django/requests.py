"""What a Django request carries for dntguard, and what Django's caches may keep of its response."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from django.http import HttpRequest

from dntguard.consent import Consent, GivenConsent, asked
from dntguard.errors import NoConsentError


class GuardedRequest(HttpRequest):
    """A request that the middleware has handled.

    Django's caches keep no response to it that depends on the consent and does not say so: `cache_page`, and an
    `UpdateCacheMiddleware` that stands inside of dntguard, store a response before dntguard can put `Vary` on it. They
    ask the request whether they may, by the attribute that is a property here.

    Attributes:
        consent: the decision.
    """

    consent: Consent

    @property
    def _cache_update_cache(self) -> bool:
        held = self.__dict__
        return held.get("_cache_update_cache", False) and (held["_dntguard_varies"] or not _looked(held["consent"]))

    @_cache_update_cache.setter
    def _cache_update_cache(self, value: bool) -> None:
        self.__dict__["_cache_update_cache"] = value


def consent_of(request: object) -> Consent | None:
    """The consent of a request; None where the middleware has not handled it."""
    found = getattr(request, "consent", None)
    return found if isinstance(found, Consent) else None


def get_consent(request: HttpRequest) -> Consent:
    """The consent of a request, which `request.consent` is too.

    Raises:
        NoConsentError: the middleware has not handled the request.
    """
    consent = consent_of(request)
    if consent is None:
        raise NoConsentError(
            "no consent was decided for this request: the middleware has not handled it; put "
            '"dntguard.integrations.django.middleware.DNTGuardMiddleware" first in MIDDLEWARE'
        )
    return consent


def give_consent(request: HttpRequest, consent: Consent) -> None:
    """Put the consent on the request."""
    if not isinstance(request, GuardedRequest):
        request.__class__ = _guarded(cast("Any", type(request)))
    request.__dict__.update(consent=consent, _dntguard_varies=False)


def says_that_it_varies(request: object) -> None:
    """The response that comes of this request, from here outwards, says in `Vary` that it depends on the signals."""
    vars(request)["_dntguard_varies"] = True


@cache
def _guarded(kind: type[HttpRequest]) -> Any:
    """That kind of request, guarded. A request's class is the server's to choose, so it can only be changed."""
    return type(kind.__name__, (GuardedRequest, kind), {"__module__": kind.__module__})


def _looked(consent: Consent) -> bool:
    """Whether the application has looked; when dntguard itself has failed, nobody can tell."""
    return not isinstance(consent, GivenConsent) or asked(consent)
