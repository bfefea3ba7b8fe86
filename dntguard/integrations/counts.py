"""What counters count of a report, whoever keeps them. Every label has few values, whatever visitors and pages say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from dntguard.elements import AMP_PURPOSES, ELEMENTS
from dntguard.report import Removal, Report

_KINDS = frozenset({
    *(element.kind for element in ELEMENTS.values()), *(name.decode() for name in AMP_PURPOSES),
    "inline-script", "late-script", "meta", "attribute", "css", "importmap", "speculationrules", "markup", "body",
    "header", "set-cookie", "cookie", "expired-cookie",
})  # fmt: skip
"""Of other kinds are elements that `data-dntguard` names, or a vendor's own: pages may call them anything."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What one report adds.

    Attributes:
        decision: what decided, and which signals the browser sent; None when dntguard failed before it could decide.
        removals: from purpose, vendor and kind to how many things were taken out, or would have been.
        undecidable: from kinds to how many things could not be judged; they are not among the removals.
        report_only: whether nothing was changed.
        error: whether dntguard itself failed.
    """

    decision: tuple[str, str] | None
    removals: Mapping[tuple[str, str, str], int]
    undecidable: Mapping[str, int]
    report_only: bool
    error: bool


def counts_of(report: Report) -> Counts:
    """What a report adds to the counters."""
    removals = Counter(map(_labels, (removal for removal in report.removals if not removal.undecidable)))
    undecidable = Counter(_kind(removal) for removal in report.removals if removal.undecidable)
    unlisted = report.removal_count - len(report.removals)
    if unlisted:
        removals["unknown", "unknown", "unlisted"] = unlisted
    signals = [name for name, sent in (("dnt", report.dnt), ("gpc", report.gpc)) if sent]
    # Every decision has a reason.
    decision = (report.source, "+".join(signals) or "none") if report.reason else None
    return Counts(decision, removals, undecidable, report.report_only, report.error is not None)


def _labels(removal: Removal) -> tuple[str, str, str]:
    purpose = "unknown" if removal.purpose is None else removal.purpose.value
    return purpose, removal.vendor or "unclaimed", _kind(removal)


def _kind(removal: Removal) -> str:
    return removal.kind if removal.kind in _KINDS else "element"
