"""Counters of reports for OpenTelemetry: `Policy(on_report=Counters())`, with the package `opentelemetry-api`."""

from __future__ import annotations

from opentelemetry.metrics import Counter, Meter, get_meter

from dntguard.integrations.counts import counts_of
from dntguard.release import VERSION
from dntguard.report import Report

_LABELS = ("dntguard.purpose", "dntguard.vendor", "dntguard.kind")


class Counters:
    """Counts what reports say.

    Args:
        meter: makes the instruments; None for the one that the global meter provider has for `dntguard`.
    """

    def __init__(self, meter: Meter | None = None) -> None:
        made_by = get_meter("dntguard", VERSION) if meter is None else meter

        def counter(name: str, unit: str, description: str) -> Counter:
            return made_by.create_counter(f"dntguard.{name}", f"{{{unit}}}", description)

        self._decisions = counter("decisions", "request", "Requests by what decided and by the signals sent.")
        self._removals = counter("removals", "removal", "What was taken out of requests and responses.")
        self._reported = counter("report_only.removals", "removal", "What report_only would have taken out.")
        self._undecidable = counter("undecidable", "part", "What could not be judged.")
        self._errors = counter("errors", "error", "Exchanges on which dntguard itself failed.")

    def __call__(self, report: Report) -> None:
        """Count one report."""
        counts = counts_of(report)
        if counts.decision is not None:
            source, signal = counts.decision
            self._decisions.add(1, {"dntguard.source": source, "dntguard.signal": signal})
        removals = self._reported if counts.report_only else self._removals
        for labels, number in counts.removals.items():
            removals.add(number, dict(zip(_LABELS, labels, strict=True)))
        for kind, number in counts.undecidable.items():
            self._undecidable.add(number, {"dntguard.kind": kind})
        if counts.error:
            self._errors.add(1)
