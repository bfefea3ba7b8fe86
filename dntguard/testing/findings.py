"""What a failed assertion says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dntguard.paths import path_filter
from dntguard.policy import Policy
from dntguard.report import Removal
from dntguard.testing.judgement import Found
from dntguard.testing.witness import Record

_LONGEST = 100
_WORDS = {
    "inline-script": "inline <script>: {}",
    "late-script": "inline <script>, longer than max_undecided: {}",
    "attribute": "attribute {}",
    "css": "style that loads {}",
    "importmap": "import map with {}",
    "speculationrules": "speculation rules with {}",
    "markup": "markup that browsers may read in several ways: {}",
    "body": "the whole page, which cannot be read and was not checked: {}",
    "header": "header field {}",
    "set-cookie": "Set-Cookie: {}",
}
"""How a removal is shown, by its kind; of others, which are elements, the tag, or the name and the address."""


@dataclass
class Findings:
    """Everything that is wrong, by where it is.

    Attributes:
        error: the first that the application has raised.
    """

    error: Exception | None = None
    _places: dict[str, dict[tuple[str, ...], list[str]]] = field(default_factory=dict)

    def add(self, place: str, visitor: str, *lines: str) -> None:
        """Something is wrong.

        Args:
            place: the path.
            visitor: who asked; visitors of whom the same is true stand together.
            lines: what is wrong.
        """
        if lines:
            self._places.setdefault(place, {}).setdefault(lines, []).append(visitor)

    def check(self) -> None:
        """Fail when something is wrong.

        Raises:
            AssertionError: says all of it.
        """
        __tracebackhide__ = True
        if not self:
            return
        said = ["not what a visitor with these signals may get:"]
        for place, found in self._places.items():
            for lines, visitors in found.items():
                said += ["", f"{place} {', and '.join(visitors)}", *(f"  {line}" for line in lines)]
        raise AssertionError("\n".join(said)) from self.error

    def __bool__(self) -> bool:
        return bool(self._places)


def shown(found: Iterable[Found], policy: Policy, record: Record | None) -> list[str]:
    """What was found in a response, and what to do about it.

    Args:
        found: what is refused.
        policy: by which that was judged.
        record: the exchange of dntguard's middleware, None when nobody saw one.
    """
    lines: list[str] = []
    for each in found:
        line = "" if each.line is None else f"line {each.line}: "
        lines += [line + _element(each.removal), f"    {_reason(each.removal, policy)}"]
    return [*lines, f"to do: {_advice(record)}"] if lines else []


def _element(removal: Removal) -> str:
    what = removal.what if len(removal.what) <= _LONGEST else f"{removal.what[:_LONGEST]}..."
    words = _WORDS.get(removal.kind, "{}" if what.startswith("<") else f"<{removal.kind}> {{}}")
    return words.format(what)


def _reason(removal: Removal, policy: Policy) -> str:
    vendor = policy.registry.get(removal.vendor) if removal.vendor else None
    whose = "no known vendor's" if vendor is None else f"{vendor.name} ({vendor.id})"
    purpose = "" if removal.purpose is None else f", {removal.purpose.value}"
    return f"{whose}{purpose}; rule: {removal.rule}"


def _advice(record: Record | None) -> str:
    if record is None:
        return (
            "no middleware of dntguard was seen to answer (the default policy judged, unless one was given): "
            "put it around the application"
        )
    policy = record.policy
    acts_on = path_filter(policy)
    if acts_on is not None and not acts_on(record.path):
        patterns = f"exclude={policy.exclude!r}" if policy.exclude else f"include={policy.include!r}"
        return f"dntguard leaves {record.path} alone ({patterns}, or an exempt view): let it act there"
    if policy.report_only:
        return "report_only is on, so dntguard changes nothing: switch it off"
    if record.error is not None:
        return f"dntguard itself failed on this response: {record.error}"
    return "something that stands outside of dntguard adds it, or the policy lets it through: put dntguard outermost"
