"""Hands reports to the site. Beside the core, because it logs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from dntguard.policy import Policy
from dntguard.report import Report

logger = logging.getLogger("dntguard")


class Reported(Protocol):
    """What can say what it came to."""

    @property
    def report(self) -> Report:
        """What it came to."""


witnesses: list[Callable[[Policy, Report], object]] = []
"""Called at the end of each exchange of this process; `dntguard.testing` learns here by which policy a site answers."""


def deliver(policy: Policy, exchange: Reported) -> None:
    """Call `Policy.on_report`, if there is one; what it raises is logged and never reaches the visitor."""
    for witness in witnesses:
        witness(policy, exchange.report)
    if policy.on_report is not None:
        try:
            policy.on_report(exchange.report)
        except Exception:
            logger.exception("on_report failed")
