"""Hands reports to the site. Beside the core, because it logs."""

from __future__ import annotations

import logging

from dntguard.exchange import Exchange
from dntguard.policy import Policy

logger = logging.getLogger("dntguard")


def deliver(policy: Policy, exchange: Exchange) -> None:
    """Call `Policy.on_report`, if there is one; what it raises is logged and never reaches the visitor."""
    if policy.on_report is not None:
        try:
            policy.on_report(exchange.report)
        except Exception:
            logger.exception("on_report failed")
