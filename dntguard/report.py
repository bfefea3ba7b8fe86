"""What was taken out of an exchange, and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from operator import attrgetter

from dntguard.purposes import ALL_PURPOSES, Purpose, in_order


@dataclass(frozen=True, slots=True)
class Removal:
    """One thing taken out.

    Attributes:
        kind: `inline-script`, or the name of an element for parts of a page (`script`, `iframe`, `img`, `link`,
            `meta` ...); `attribute` for one that went from an element that stays, `css`, `importmap` and
            `speculationrules` for an address in one of these; `late-script` for what was seen too late, after
            `Policy.max_undecided`, and let through; `markup` for a part that could not be judged and `body` for a body
            that could not be read; `header` for what stood in a response header field; `set-cookie`, `cookie` (hidden
            from the application) and `expired-cookie` for cookies.
        what: the address, the cookie's name, or the start of the snippet; of a header field its name and the address.
        vendor: the vendor's id; None when no vendor claims it.
        purpose: the purpose that was refused; None when it is not known.
        rule: what decided: the vendor's pattern, or the policy's option.
    """

    kind: str
    what: str
    vendor: str | None
    purpose: Purpose | None
    rule: str

    @property
    def undecidable(self) -> bool:
        """Whether it could not be judged, or not in time: `Policy.on_undecidable` says what became of it."""
        return self.rule in _UNDECIDABLE or self.kind == "late-script"

    @property
    def of_request(self) -> bool:
        """Whether it is a cookie that the browser sent: hidden from the application, or expired."""
        return self.kind in ("cookie", "expired-cookie")

    def as_dict(self) -> dict[str, str | None]:
        """The removal as plain values, for JSON."""
        return asdict(self)


_UNDECIDABLE = frozenset({'on_undecidable: "remove"', 'on_undecidable: "keep"'})
_RULE, _KIND = map(attrgetter, ("rule", "kind"))


def any_undecidable(removals: Collection[Removal]) -> bool:
    """Whether one of them could not be judged. Asked of every response that loses something, so it is quick."""
    return not _UNDECIDABLE.isdisjoint(map(_RULE, removals)) or "late-script" in map(_KIND, removals)


@dataclass(frozen=True, slots=True)
class Report:
    """What one exchange came to.

    Attributes:
        method, host, path: of the request; host and path as they were judged.
        status: of the response; 0 when the application did not answer.
        dnt, gpc: what the browser said, as in `Signals`.
        granted: the granted purposes.
        source, reason: why, as in `Consent`.
        removals: what was taken out, or with `report_only` what would have been; the first 10,000 of a page.
        removal_count: how many there were.
        report_only: whether nothing was changed.
        error: what went wrong in dntguard itself; None when nothing did. See `Policy.on_error`.
    """

    method: str
    host: str
    path: str
    status: int
    dnt: bool | None
    gpc: bool
    granted: frozenset[Purpose]
    source: str
    reason: str
    removals: tuple[Removal, ...]
    removal_count: int
    report_only: bool
    error: str | None = None

    @property
    def refused(self) -> list[Purpose]:
        """The purposes that are not granted, in their order."""
        return in_order(ALL_PURPOSES - self.granted)
