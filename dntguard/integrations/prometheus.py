"""Counters of reports for Prometheus: `Policy(on_report=Counters())`, with the package `prometheus-client`."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter

from dntguard.integrations.counts import counts_of
from dntguard.report import Report

_LABELS = ("purpose", "vendor", "kind")


class Counters:
    """Counts what reports say.

    One object serves any number of policies; a registry holds each name only once.

    Args:
        registry: where the counters are registered.

    Raises:
        ValueError: the registry has counters of these names already.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        def counter(name: str, documentation: str, *labels: str) -> Counter:
            return Counter(f"dntguard_{name}", documentation, labels, registry=registry)

        self._decisions = counter("decisions", "Requests by what decided and by the signals sent.", "source", "signal")
        self._removals = counter("removals", "What was taken out of requests and responses.", *_LABELS)
        self._reported = counter("report_only_removals", "What report_only would have taken out.", *_LABELS)
        self._undecidable = counter("undecidable", "What could not be judged.", "kind")
        self._errors = counter("errors", "Exchanges on which dntguard itself failed.")

    def __call__(self, report: Report) -> None:
        """Count one report."""
        counts = counts_of(report)
        if counts.decision is not None:
            self._decisions.labels(*counts.decision).inc()
        removals = self._reported if counts.report_only else self._removals
        for labels, number in counts.removals.items():
            removals.labels(*labels).inc(number)
        for kind, number in counts.undecidable.items():
            self._undecidable.labels(kind).inc(number)
        if counts.error:
            self._errors.inc()
