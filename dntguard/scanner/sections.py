"""Comments and CDATA sections: what runs to a fixed end, whatever stands in it.

Sections are those of the HTML standard, https://html.spec.whatwg.org/multipage/parsing.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Generic, NamedTuple

from dntguard.scanner.grammar import CDATA_END, COMMENT_END, GREATER
from dntguard.scanner.judge import Judge, Verdict
from dntguard.scanner.output import EXCERPT, Output
from dntguard.scanner.text import readings_agree


class Kind(NamedTuple):
    """A kind of section.

    Attributes:
        end: finds the end mark.
        cut: how many bytes at the end of a chunk may be the start of one.
        held: whether it may be markup in another reading, and is held until it is whole.
    """

    end: Callable[[bytes, int], re.Match[bytes] | None]
    cut: int
    held: bool


COMMENT: Final = Kind(COMMENT_END, 3, held=False)
CONDITIONAL_COMMENT: Final = Kind(COMMENT_END, 3, held=True)
"""Markup to old browsers."""
BOGUS_COMMENT: Final = Kind(GREATER, 0, held=False)
"""Section 13.2.5.41."""
CDATA: Final = Kind(CDATA_END, 2, held=True)
"""Browsers that look ahead for what to fetch read markup after a `>` in it."""

_PASS, _HOLD, _DROP = "pass", "hold", "drop"


class Section(Generic[Verdict]):
    """One such construct: it passes, or is held until it is whole; over the limit it is ambiguous.

    Args:
        judge: says what becomes of that which is ambiguous.
        limit: how many bytes may be held.
        out: where the section goes, or what it leaves.
        kind: what it is.
    """

    __slots__ = ("_action", "_held", "_judge", "_kind", "_limit", "_out")

    def __init__(self, judge: Judge[Verdict], limit: int, out: Output[Verdict], kind: Kind) -> None:
        self._judge = judge
        self._limit = limit
        self._out = out
        self._kind = kind
        self._action = _HOLD if kind.held else _PASS
        self._held = bytearray()

    @property
    def held(self) -> int:
        """How many bytes are held back."""
        return len(self._held)

    @property
    def holds_markup(self) -> bool:
        """Whether what is held must be scanned."""
        return self._kind is CONDITIONAL_COMMENT and self._action is _HOLD

    def read(self, data: bytes, pos: int) -> tuple[int, bool]:
        """Read on from `pos`, up to the end or what the chunk may cut of its mark; returns where, and if it ends."""
        found = self._kind.end(data, pos)
        end = max(pos, len(data) - self._kind.cut) if found is None else found.end()
        self.feed(data[pos:end])
        if found is None and len(self._held) > self._limit:
            self._overflow()
        return end, found is not None

    def feed(self, piece: bytes) -> None:
        """The next bytes of the section."""
        if self._action is _PASS:
            self._out.append(piece)
        elif self._action is _HOLD:
            self._held += piece

    def finish(self) -> None:
        """The section is complete, by its end or by that of the document."""
        if self._action is not _HOLD:
            return
        section = self.take_held()
        verdict = self._judge.ambiguous
        # A conditional comment comes here only when it never ends, and then it is markup to nobody.
        agree = self._kind is CONDITIONAL_COMMENT or readings_agree(self._judge.tags, section.partition(b">")[2])
        if agree or verdict is None:
            self._out.append(section)
        else:
            self._out.remove(verdict, section[:EXCERPT])

    def take_held(self) -> bytes:
        """What is held; it is held no longer."""
        section = bytes(self._held)
        self._held.clear()
        return section

    def _overflow(self) -> None:
        section = self.take_held()
        verdict = self._judge.ambiguous
        if verdict is None:
            self._action = _PASS
            self._out.append(section)
        else:
            self._action = _DROP
            self._out.remove(verdict, section[:EXCERPT])
