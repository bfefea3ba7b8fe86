"""Profiles for the properties.

    pytest                                                          a few hundred examples of each
    pytest tests/test_promises.py --hypothesis-profile=fuzz         100,000 of each
    pytest tests/test_promises.py --hypothesis-profile=long         5,000 of each

A test names no count of its own, so the profile decides. There is no deadline: a slow machine is no defect. The first
profile draws the same examples each time, so that a run of CI, and its coverage, does not depend on luck; the others
explore.
"""

import pytest
from hypothesis import HealthCheck, settings

for _name, _examples in (("test", 200), ("long", 5_000), ("fuzz", 100_000)):
    settings.register_profile(
        _name,
        max_examples=_examples,
        deadline=None,
        derandomize=_name == "test",
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("test")
