"""The exceptions: one tree, and messages that say what to do."""

import pytest

from dntguard.errors import DNTGuardError, NoConsentError, PolicyError, VendorDataError


@pytest.mark.parametrize(
    ("error", "builtin"),
    [(PolicyError, ValueError), (VendorDataError, ValueError), (NoConsentError, LookupError)],
)
def test_every_exception_is_a_dntguard_error_and_the_builtin_one_expects(
    error: type[Exception], builtin: type[Exception]
) -> None:
    """`except DNTGuardError` catches them all, and so does the built-in exception of their kind."""
    assert issubclass(error, DNTGuardError)
    assert issubclass(error, builtin)


def test_a_policy_error_names_the_option_the_value_and_the_fix() -> None:
    """The message alone is enough to repair the configuration; the parts are attributes too."""
    error = PolicyError("mode", "optout", "not a known value", 'write "opt-out"')
    assert str(error) == "dntguard option 'mode': not a known value, got 'optout'; write \"opt-out\""
    assert (error.option, error.value, error.fix) == ("mode", "optout", 'write "opt-out"')


def test_a_vendor_data_error_names_the_vendor() -> None:
    """The message starts with the entry, so that it is found in a file of hundreds."""
    error = VendorDataError("acme", "'purpose' must be a text")
    assert str(error) == "vendor acme: 'purpose' must be a text"
    assert error.vendor == "acme"
