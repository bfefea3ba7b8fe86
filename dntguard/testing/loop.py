"""An event loop that a test can wait for, whether or not one runs around the test."""

from __future__ import annotations

from asyncio import Runner
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

_T = TypeVar("_T")


class Loop:
    """An event loop in a thread of its own: an asynchronous test has one in its thread, which cannot be entered twice.

    Between two calls of `run` it stands still.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "dntguard.testing")
        self._runner = Runner()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """What the work comes to; it sees the context variables of the caller."""
        return self._thread.submit(self._runner.run, work, context=copy_context()).result()

    def close(self) -> None:
        """End the loop, with what still runs in it."""
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """What the work comes to, in a loop of its own."""
    loop = Loop()
    try:
        return loop.run(work)
    finally:
        loop.close()
