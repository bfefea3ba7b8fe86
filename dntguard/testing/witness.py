"""By which policy a response was made: what dntguard's middleware in this process has said last of a path."""

from __future__ import annotations

from dataclasses import dataclass

from dntguard.delivery import witnesses
from dntguard.policy import Policy
from dntguard.report import Report

_MOST = 4096


@dataclass(frozen=True, slots=True)
class Record:
    """One exchange of a middleware's.

    Attributes:
        policy: the middleware's.
        path: the request's, decoded.
        error: what went wrong in dntguard itself; None when nothing did.
        number: how many exchanges had ended before.
    """

    policy: Policy
    path: str
    error: str | None
    number: int


class Witness:
    """Remembers the last exchange of each path; of middlewares around each other, the outermost ends last.

    Attributes:
        count: how many exchanges have ended.
    """

    def __init__(self) -> None:
        self.count = 0
        self._records: dict[str, Record] = {}

    def __call__(self, policy: Policy, report: Report) -> None:
        """An exchange has ended."""
        if len(self._records) >= _MOST:
            self.forget()
        self._records[report.path] = Record(policy, report.path, report.error, self.count)
        self.count += 1

    def forget(self) -> None:
        """Forget all exchanges."""
        self._records.clear()

    def of(self, path: str, since: int = 0) -> Record | None:
        """The last exchange of a path; None when there was none.

        Args:
            path: decoded.
            since: only those before which so many had ended.
        """
        record = self._records.get(path)
        return record if record is not None and record.number >= since else None


witness = Witness()
witnesses.append(witness)
