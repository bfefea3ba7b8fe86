"""What a cookie, script or frame is for."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """A purpose of processing, in the four groups that consent dialogs use.

    `NECESSARY` is always granted: a page does not work, or a payment is not safe, without it.
    """

    NECESSARY = "necessary"
    FUNCTIONAL = "functional"
    ANALYTICS = "analytics"
    MARKETING = "marketing"


ALL_PURPOSES: frozenset[Purpose] = frozenset(Purpose)
ALWAYS_GRANTED: frozenset[Purpose] = frozenset({Purpose.NECESSARY})
OPTIONAL_PURPOSES: frozenset[Purpose] = ALL_PURPOSES - ALWAYS_GRANTED


def in_order(purposes: frozenset[Purpose]) -> list[Purpose]:
    """The purposes in the order of the enumeration, for texts and tables."""
    return [purpose for purpose in Purpose if purpose in purposes]
