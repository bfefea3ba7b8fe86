"""What one scan lets out, and what it tells the judge of the rest."""

from __future__ import annotations

from typing import Final, Generic

from dntguard.scanner.judge import Edit, Judge, Leaves, Verdict

_LARGE: Final = 4096
"""What is larger, in bytes, is let out as a view and copied when all is joined."""
EXCERPT: Final = 200
"""How many bytes are reported of what was not read to its end."""


class Output(Generic[Verdict]):
    """The bytes that are decided, and the reports of what is not among them.

    Args:
        judge: learns what was taken out.
        leaves: what a removed element leaves.
    """

    __slots__ = ("_judge", "_leaves", "_pieces", "append", "later")

    def __init__(self, judge: Judge[Verdict], leaves: Leaves[Verdict]) -> None:
        self._judge = judge
        self._leaves = leaves
        self._pieces: list[bytes | memoryview] = []
        # The list's own method, for it is called with every token: a piece that stays.
        self.append = self._pieces.append
        # Where reports are kept that are made only when it is known that all of this stays.
        self.later: list[tuple[Verdict, bytes]] | None = None

    def append_part(self, data: bytes, start: int, end: int) -> None:
        """A part of the chunk stays as it is; a large one is copied only once, when all that is let out is joined."""
        if end > start:
            self.append(data[start:end] if end - start < _LARGE else memoryview(data)[start:end])

    def remove(self, verdict: Verdict, tag: bytes) -> None:
        """What starts with `tag` goes, and leaves the inert comment."""
        self.append(self._leaves(verdict))
        self.report(verdict, tag)

    def edit(self, edit: Edit[Verdict], tag: bytes) -> bytes:
        """Report an edit of `tag`, or of the text behind it; returns what stands instead."""
        for verdict in edit.verdicts:
            self.report(verdict, tag)
        return edit.instead

    def report(self, verdict: Verdict, tag: bytes) -> None:
        """The element that starts with `tag`, or a part of it, goes."""
        if self.later is None:
            self._judge.removed(verdict, tag)
        else:
            self.later.append((verdict, tag))

    def taken(self) -> bytes:
        """All that was let out since the last time."""
        pieces = self._pieces
        out = pieces[0] if len(pieces) == 1 and isinstance(pieces[0], bytes) else b"".join(pieces)
        pieces.clear()
        return out

    def clear(self) -> None:
        """Forget what was let out."""
        self._pieces.clear()
