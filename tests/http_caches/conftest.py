"""Prints what the runs of `test_cache_truth.py` came to."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed"):
        for line in [value for name, value in report.user_properties if name == "cache"]:
            terminalreporter.write_line(f"cache truth: {line}")
