"""What the visitor told this site, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from dntguard.purposes import Purpose


@dataclass(frozen=True, slots=True)
class Choice:
    """A visitor's own, stored choice.

    Attributes:
        granted: the optional purposes that the visitor said yes to.
        made_at: when, in seconds since the epoch.
    """

    granted: frozenset[Purpose]
    made_at: int
