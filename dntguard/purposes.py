"""What a cookie, script or frame is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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


class Purposes(Mapping[str, Purpose]):
    """From vendors' ids to purposes, for one frozen object to hold: it cannot be changed, so it has a hash.

    Args:
        purposes: the pairs.
    """

    __slots__ = ("_purposes",)

    def __init__(self, purposes: Mapping[str, Purpose] | Iterable[tuple[str, Purpose]] = ()) -> None:
        self._purposes = dict(purposes)

    def __getitem__(self, key: str) -> Purpose:
        return self._purposes[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._purposes)

    def __len__(self) -> int:
        return len(self._purposes)

    def __hash__(self) -> int:
        return hash(frozenset(self._purposes.items()))

    def __repr__(self) -> str:
        return f"Purposes({self._purposes!r})"


def in_order(purposes: frozenset[Purpose]) -> list[Purpose]:
    """The purposes in the order of the enumeration, for texts and tables."""
    return [purpose for purpose in Purpose if purpose in purposes]
