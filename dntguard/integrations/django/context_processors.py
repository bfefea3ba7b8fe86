"""The consent in every template: `"dntguard.integrations.django.context_processors.consent"`."""

from __future__ import annotations

from django.http import HttpRequest

from dntguard.integrations.django.requests import consent_of


def consent(request: HttpRequest) -> dict[str, object]:
    """`consent`, where the request has one."""
    found = consent_of(request)
    return {} if found is None else {"consent": found}
