"""Profiles for the properties.

    pytest                                                          a few hundred examples of each
    pytest tests/test_promises.py --hypothesis-profile=fuzz         100,000 of each, and in the end says so
    pytest tests/test_promises.py --hypothesis-profile=long         5,000 of each
    pytest tests/http_caches --hypothesis-profile=cache             2,000 sequences through each cache: `make cache`

A test names no count of its own, so the profile decides. There is no deadline: a slow machine is no defect. The first
profile draws the same examples each time, so that a run of CI, and its coverage, does not depend on luck; the others
explore.
"""

import logging
import re
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

pytest.register_assert_rewrite("tests.case_outcome")

for _name, _examples in (("test", 200), ("long", 5_000), ("fuzz", 100_000), ("cache", 16_000)):
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


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """What a test does to the process's logging ends with it; Litestar sets it up for every application."""
    loggers = [logging.getLogger(), logging.getLogger("dntguard")]
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    statistics = getattr(item, "hypothesis_statistics", None)
    if statistics and report.when == "call":
        held = sum(map(int, re.findall(r"(\d+) passing", statistics)))
        report.user_properties.append(("examples", held))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("--hypothesis-profile") not in ("long", "fuzz"):
        return
    held, failed = (
        [count for report in terminalreporter.getreports(outcome) for _, count in report.user_properties]
        for outcome in ("passed", "failed")
    )
    if held:
        which = f"{len(held)} of {len(held) + len(failed)}" if failed else f"each of {len(held)}"
        terminalreporter.write_line(f"{which} properties held on {min(held):,} examples or more")
