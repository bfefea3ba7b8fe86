"""Decorators for views, synchronous and asynchronous; for classes with Django's `method_decorator`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from dntguard.integrations.django.requests import get_consent, says_that_it_varies
from dntguard.purposes import Purpose

View = TypeVar("View", bound=Callable[..., Any])


def dntguard_exempt(view: View) -> View:
    """A view whose requests and responses are left alone, as those of a path in `Policy.exclude`."""

    def exempt(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    async def exempt_async(*args: Any, **kwargs: Any) -> Any:
        return await view(*args, **kwargs)

    decorated = _of_its_kind(view, exempt, exempt_async)
    vars(decorated)["dntguard_exempt"] = True  # the middleware looks for it, and other decorators hand it on
    return decorated


def vary_on_consent(view: View) -> View:
    """A view whose response depends on the consent, and says so in `Vary`.

    `cache_page` around it keeps one response for each decision. Without it, Django's caches keep no response that was
    made after a look at the consent.
    """

    def varying(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _varying(request, view(request, *args, **kwargs))

    async def varying_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _varying(request, await view(request, *args, **kwargs))

    return _of_its_kind(view, varying, varying_async)


def requires_consent(*purposes: Purpose | str, otherwise: Callable[..., Any] | None = None) -> Callable[[View], View]:
    """A view that is called only for visitors who grant all these purposes; its response varies by the consent.

    Args:
        purposes: such as `"analytics"`.
        otherwise: the view for all others, synchronous or not as the other is; without it they get status 403.

    Raises:
        ValueError: there is no such purpose, or none was given.
    """
    required = [Purpose(purpose) for purpose in purposes]
    if not required:
        raise ValueError('no purpose; write @requires_consent("analytics")')

    def decorated(view: View) -> View:
        def chosen(request: HttpRequest) -> Callable[..., Any]:
            consent = get_consent(request)
            if all(consent.allows(purpose) for purpose in required):
                return view
            if otherwise is None:
                raise PermissionDenied(consent.reason)
            return otherwise

        def choosing(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return chosen(request)(request, *args, **kwargs)

        async def choosing_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return await chosen(request)(request, *args, **kwargs)

        return vary_on_consent(_of_its_kind(view, choosing, choosing_async))

    return decorated


def _of_its_kind(view: View, plain: Callable[..., Any], coroutine: Callable[..., Any]) -> View:
    return cast("View", wraps(view)(coroutine if iscoroutinefunction(view) else plain))


def _varying(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    patch_vary_headers(response, ("DNT", "Sec-GPC"))
    says_that_it_varies(request)
    return response
