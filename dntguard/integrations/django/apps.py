"""The application, for `INSTALLED_APPS`."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register

from dntguard.integrations.django.checks import check_middleware, check_settings


class DNTGuardConfig(AppConfig):
    """Brings the system checks and the template tags."""

    name = "dntguard.integrations.django"
    label = "dntguard"
    verbose_name = "dntguard"

    def ready(self) -> None:
        """Register the checks."""
        register(check_settings, "dntguard")
        register(check_middleware, "dntguard")
