"""What was taken out of an exchange, and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from dntguard.purposes import Purpose


@dataclass(frozen=True, slots=True)
class Removal:
    """One thing taken out.

    Attributes:
        kind: `script`, `inline-script`, `iframe`, `noscript`, `img`, `link` for parts of a page; `set-cookie`,
            `cookie` (hidden from the application) and `expired-cookie` for cookies; `markup` for what could not be
            judged; `body` for a response that could not be read.
        what: the address, the cookie's name, or the start of the snippet.
        vendor: the vendor's id; None when no vendor claims it.
        purpose: the purpose that was refused; None when it is not known.
        rule: what decided: the vendor's pattern, or the policy's option.
    """

    kind: str
    what: str
    vendor: str | None
    purpose: Purpose | None
    rule: str

    def as_dict(self) -> dict[str, str | None]:
        """The removal as plain values, for JSON."""
        return asdict(self)
