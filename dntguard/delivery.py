"""Hands reports to the site: to `Policy.on_report`, and to the log. Beside the core, because it logs."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import fields
from logging import DEBUG, INFO, WARNING
from typing import Any, Protocol

from dntguard.policy import Policy
from dntguard.purposes import in_order
from dntguard.report import Removal, Report

logger = logging.getLogger("dntguard")


class Reported(Protocol):
    """What can say what it came to."""

    @property
    def passes(self) -> bool:
        """Whether nothing can have been taken out."""

    @property
    def undecidable(self) -> bool:
        """Whether something could not be judged."""

    @property
    def report(self) -> Report:
        """What it came to."""


witnesses: list[Callable[[Policy, Report], object]] = []
"""Called at the end of each exchange of this process; `dntguard.testing` learns here by which policy a site answers."""


def deliver(policy: Policy, exchange: Reported) -> None:
    """Log what an exchange came to, and call `Policy.on_report`, if there is one.

    Where neither wants it, no report is made. What a receiver raises is logged and never reaches the visitor.
    """
    for witness in witnesses:
        witness(policy, exchange.report)
    on_report, passes = policy.on_report, exchange.passes
    # Of what passes there is nothing to say but how it was decided.
    logs = logger.isEnabledFor(DEBUG if passes else INFO) or (not passes and exchange.undecidable)
    if not (on_report or logs):
        return
    receivers = (on_report,) if callable(on_report) else on_report or ()
    report = exchange.report
    for receive in (log, *receivers) if logs else receivers:
        try:
            receive(report)
        except Exception:
            logger.exception("on_report failed")


# --- the log ----------------------------------------------------------------------------------------------------------

_HOST = re.compile(r"[/\\]{2}(?:[^/?#\\\s\"'<>]*@)?([^/?#\\\s\"'<>@]+)").search
_NAMED = frozenset({"set-cookie", "cookie", "expired-cookie", "body"})
"""Kinds of which the log says what it was: a cookie's name, a body's coding and type."""


def log(report: Report) -> None:
    """Write one record of an exchange: a sentence, and in `dntguard_...` attributes all that the report says.

    It is a WARNING where something could not be judged, INFO where something was taken out, DEBUG otherwise. An error
    has a record of its own.
    """
    undecidable = sum(removal.undecidable for removal in report.removals)
    level = WARNING if undecidable else INFO if report.removal_count else DEBUG
    if not logger.isEnabledFor(level):
        return
    did = "would remove" if report.report_only else "removed"
    doubt = f", could not judge {undecidable}" if undecidable else ""
    logger.log(
        level, "%s %r: %s %d%s. %s", report.method, report.host + report.path, did,
        report.removal_count - undecidable, doubt, report.reason, extra=extras(report),
    )  # fmt: skip


def extras(report: Report) -> dict[str, Any]:
    """The fields of a report as plain values, under names that no log record has."""
    plain: dict[str, Any] = {f"dntguard_{field.name}": getattr(report, field.name) for field in fields(report)}
    plain["dntguard_granted"] = [purpose.value for purpose in in_order(report.granted)]
    plain["dntguard_removals"] = [{**removal.as_dict(), "what": _told(removal)} for removal in report.removals]
    return plain


def _told(removal: Removal) -> str:
    """What the log may say was taken out: what a page says, or an address beyond its host, may be about the visitor."""
    if removal.kind in _NAMED:
        return removal.what
    found = _HOST(removal.what)
    return found[1] if found else ""
