"""The setting `DNTGUARD`."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from dntguard.errors import PolicyError
from dntguard.policy import Policy


def policy_of_settings() -> Policy:
    """The policy in `settings.DNTGUARD`: a mapping of options, or a ready `Policy`; without the setting the default.

    Raises:
        PolicyError: an option is unknown or cannot be used.
    """
    found = getattr(settings, "DNTGUARD", {})
    if isinstance(found, Policy):
        return found
    if not isinstance(found, Mapping):
        raise PolicyError("DNTGUARD", found, "not a mapping of options", 'write DNTGUARD = {"third_party": "keep"}')
    return Policy.from_mapping(found)
