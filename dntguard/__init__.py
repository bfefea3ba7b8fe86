"""dntguard: the middleware that makes a privacy policy true."""

from dntguard.consent import Consent, current_consent
from dntguard.policy import Policy
from dntguard.purposes import Purpose
from dntguard.release import VERSION

__all__ = ["Consent", "Policy", "Purpose", "current_consent"]
__version__ = VERSION
