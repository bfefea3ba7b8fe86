"""dntguard: the middleware that makes a privacy policy true."""

from dntguard.consent import Consent, current_consent
from dntguard.policy import Policy
from dntguard.purposes import Purpose

__all__ = ["Consent", "Policy", "Purpose", "current_consent"]
__version__ = "0.1.0.dev0"
