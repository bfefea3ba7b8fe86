"""The exceptions that dntguard raises.

They come at construction, never while a response is on its way: no client and no application can make a built
`Guard` raise. Each message names what is wrong, the value, and what to write instead.
"""

from __future__ import annotations


class DNTGuardError(Exception):
    """Base of every exception that dntguard raises on purpose."""


class PolicyError(DNTGuardError, ValueError):
    """An option of the policy is unknown or has a value that cannot be used.

    Attributes:
        option: the option's name.
        value: the value that was given.
        fix: what to write instead, a phrase that starts with a verb.
    """

    def __init__(self, option: str, value: object, problem: str, fix: str) -> None:
        super().__init__(f"dntguard option {option!r}: {problem}, got {value!r}; {fix}")
        self.option = option
        self.value = value
        self.fix = fix


class VendorDataError(DNTGuardError, ValueError):
    """A vendor entry does not follow the schema of `dntguard.vendors`.

    Attributes:
        vendor: the entry's id, or its position when it has none.
    """

    def __init__(self, vendor: str, problem: str) -> None:
        super().__init__(f"vendor {vendor}: {problem}")
        self.vendor = vendor


class NoConsentError(DNTGuardError, LookupError):
    """`current_consent()` was called where no request is being handled."""
