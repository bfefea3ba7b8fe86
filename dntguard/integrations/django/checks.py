"""System checks: the setting `DNTGUARD`, and where the middleware stands among the others.

Each has an id, so that a site can silence it with `SILENCED_SYSTEM_CHECKS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's name
from django.utils.module_loading import import_string

from dntguard.errors import PolicyError
from dntguard.integrations.django.conf import policy_of_settings

MIDDLEWARE = "dntguard.integrations.django.middleware.DNTGuardMiddleware"

_SET_COOKIES = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.locale.LocaleMiddleware",
)
_SEND_POLICIES = ("django.middleware.csp.ContentSecurityPolicyMiddleware", "csp.middleware.CSPMiddleware")
_FETCH_FROM_CACHE = ("django.middleware.cache.FetchFromCacheMiddleware",)
_COMPRESS = ("django.middleware.gzip.GZipMiddleware",)
_SERVE_FILES = ("whitenoise.middleware.WhiteNoiseMiddleware",)


def check_settings(**_: Any) -> list[CheckMessage]:
    """Whether `DNTGUARD` can be used."""
    try:
        policy_of_settings()
    except PolicyError as error:
        return [Error(f"settings.DNTGUARD: {error}", hint=error.fix, id="dntguard.E001")]
    return []


def check_middleware(**_: Any) -> list[CheckMessage]:
    """Whether the middleware is there, once, and at its place."""
    names: Sequence[str] = settings.MIDDLEWARE
    count = names.count(MIDDLEWARE)
    if count != 1:
        said = "is not in MIDDLEWARE" if count == 0 else f"is {count} times in MIDDLEWARE"
        return [
            Warning(
                f"{MIDDLEWARE} {said}.", hint="Put it there once, first.", id=f"dntguard.W00{1 if count == 0 else 2}"
            )
        ]
    place = names.index(MIDDLEWARE)
    return [*_outside(names[:place]), *_inside(names[place + 1 :])]


def _outside(names: Sequence[str]) -> Iterator[CheckMessage]:
    """What should not stand before dntguard, where its part of the response is not seen."""
    for name in _of(names, _SET_COOKIES):
        yield _misplaced(name, "before", "cookies that it sets, or reads, are not filtered", "after", "W003")
    for name in _of(names, _SEND_POLICIES):
        yield _misplaced(
            name, "before", "it sends no policy of the site's where dntguard has sent one of its own", "after", "W004"
        )
    for name in _of(names, _FETCH_FROM_CACHE):
        yield _misplaced(
            name, "before", "what it has stored is answered without dntguard, and no report is made", "after", "W005"
        )
    pages = [name for name in ("WHITENOISE_ROOT", "WHITENOISE_INDEX_FILE") if getattr(settings, name, None)]
    for name in _of(names, _SERVE_FILES) if pages else ():
        yield _misplaced(name, "before", f"pages that it serves ({', '.join(pages)}) are not seen", "after", "W006")


def _inside(names: Sequence[str]) -> Iterator[CheckMessage]:
    """What should not stand after dntguard."""
    for name in _of(names, _COMPRESS):
        yield _misplaced(
            name,
            "after",
            "each page is compressed, decoded and compressed again, without the random bytes against BREACH",
            "before",
            "W007",
        )


def _misplaced(name: str, place: str, why: str, right: str, number: str) -> CheckMessage:
    return Warning(
        f"{name} stands {place} {MIDDLEWARE} in MIDDLEWARE: {why}.",
        hint=f"Put {name} {right} it.",
        id=f"dntguard.{number}",
    )


def _of(names: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """The names in the list that are of one of these kinds, or of a subclass of one."""
    known = tuple(filter(None, map(_imported, kinds)))
    found = []
    for name in names:
        middleware = _imported(name)
        if name in kinds or (isinstance(middleware, type) and issubclass(middleware, known)):
            found.append(name)
    return found


def _imported(name: str) -> Any:
    try:
        return import_string(name)
    except ImportError:
        return None  # not installed, or Django says it when it loads the middleware
