"""Caches that are bounded by bytes as well as by entries.

Pages repeat their templates, so a verdict is worth remembering; but what a page holds is chosen by whoever writes
it, so no page may make memory grow. Shared by threads: each operation on a dict is atomic, and a lost or repeated
entry only costs a second computation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class BoundedCache(dict[bytes, Value], Generic[Value]):
    """A mapping from bytes to what `compute` says of them. Forgets everything when it is full.

    Args:
        compute: the value of a key.
        entries: how many keys may be held.
        size: how many bytes keys and values may have together; what has more than a quarter of that is not held.
        weigh: how many bytes a value has, if they are worth counting.
    """

    def __init__(
        self,
        compute: Callable[[bytes], Value],
        *,
        entries: int,
        size: int,
        weigh: Callable[[Value], int] = lambda _: 0,
    ) -> None:
        super().__init__()
        self._weigh = weigh
        self._compute = compute
        self._entries = entries
        self._size = size
        self._held = 0

    def __missing__(self, key: bytes) -> Value:
        value = self._compute(key)
        weight = len(key) + self._weigh(value)
        if weight * 4 <= self._size:
            if len(self) >= self._entries or self._held + weight > self._size:
                self.clear()
                self._held = 0
            self._held += weight
            self[key] = value
        return value
