"""A page whose last piece takes its time: its first must not wait for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.case_table import Case, Expect, Request, Response
from tests.servers.site import PAUSE, PIECES


class _Slowly(list[bytes]):
    """The pieces of a body, made one by one as they are asked for."""

    def __iter__(self) -> Iterator[bytes]:
        yield from self[:-1]
        time.sleep(PAUSE)
        yield self[-1]


@dataclass(frozen=True)
class SlowResponse(Response):
    """A stream that makes its last piece late."""

    def pieces(self) -> list[bytes]:
        return _Slowly(super().pieces())


SLOW = Case(
    "a page whose last piece takes its time",
    Request(headers=[("DNT", "1")]),
    SlowResponse(chunks=[piece.decode() for piece in PIECES], stream=True),
    Expect(refused=True),
    {},
    frozenset(),
)
