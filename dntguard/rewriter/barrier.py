"""Around the scan of a page: an error in it ends the rewriting, and not the page."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from dntguard.policy import OnError


class HoldingScan(Protocol):
    """A scan that knows how much it holds back."""

    @property
    def held(self) -> int:
        """How many of the last bytes of the input are not decided yet."""

    def feed(self, data: bytes) -> bytes:
        """The next bytes; returns those that are decided."""

    def close(self) -> bytes:
        """The end; returns what was still held back."""


class Barrier:
    """A scan that goes on without its rules after an error of its own.

    The bytes that the scan had not decided when it failed are then let out as they came, and so is what follows.

    Args:
        scan: what may fail.
        on_error: `Policy.on_error`; with `"remove"` the error goes on to the caller.

    Attributes:
        error: the error after which the rest passes.
    """

    def __init__(self, scan: HoldingScan, on_error: OnError) -> None:
        self.error: Exception | None = None
        self._scan = scan
        self._on_error = on_error
        # The input from the first undecided byte on, and up to a chunk more: joined only when it is needed, so that
        # many small chunks cost no more than a large one.
        self._tail: deque[bytes] = deque()
        self._size = 0
        self._held = 0

    @property
    def undecided(self) -> bytes:
        """What of the input is not decided yet."""
        return b"".join(self._tail)[self._size - self._held :]

    def feed(self, data: bytes) -> bytes:
        """The next bytes; returns those that are decided."""
        if self.error is not None:
            return data
        try:
            out = self._scan.feed(data)
            self._held = self._scan.held
        except Exception as error:  # noqa: BLE001  # whatever is wrong in there, the page is not
            return self._pass_on(error) + data
        tail = self._tail
        tail.append(data)
        self._size += len(data)
        while tail and self._size - len(tail[0]) >= self._held:
            self._size -= len(tail.popleft())
        return out

    def close(self) -> bytes:
        """The end; returns what was still held back."""
        if self.error is not None:
            return b""
        try:
            return self._scan.close()
        except Exception as error:  # noqa: BLE001  # as above
            return self._pass_on(error)

    def _pass_on(self, error: Exception) -> bytes:
        if self._on_error == "remove":
            raise error
        self.error = error
        return self.undecided
