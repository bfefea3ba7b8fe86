"""What dntguard did to a response, in the response's own header fields: for whoever turns on `Policy.explain`."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter
from typing import Any

from dntguard.caching import varying, without_stale_signatures
from dntguard.fuse import Fuse
from dntguard.headers import Headers, set_value
from dntguard.policy import Policy
from dntguard.report import Report


def fuse_of(policy: Policy) -> type[Fuse]:
    """What stands between an adapter and the core; with `Policy.explain`, one that says what it did."""
    return ExplainedFuse if policy.explain else Fuse


class ExplainedFuse(Fuse):
    """A fuse whose responses carry an account of what was decided and done, and of the time that took.

    It is all there is of `Policy.explain` outside of pages, so that without it nothing is measured and nothing is
    asked.
    """

    __slots__ = ("_spent",)

    def __init__(self, *arguments: Any) -> None:
        begun = perf_counter()
        super().__init__(*arguments)
        self._spent = perf_counter() - begun

    def start(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], first_chunk: bytes, more: bool
    ) -> tuple[int, Headers, bytes]:
        """As of a fuse, with the account in the headers."""
        begun = perf_counter()
        given = list(headers)
        status, decided, body = super().start(status, given, first_chunk, more)
        self._spent += perf_counter() - begun
        try:
            return status, self._with_account(decided), body
        except Exception as error:  # noqa: BLE001  # whatever is wrong in here, the response is not
            self._note(error)
            return status, decided, body

    def _with_account(self, decided: Headers) -> Headers:
        exchange = self._exchange
        if exchange is not None and not exchange.acts:
            return decided
        counted = exchange is not None and exchange.counted
        result = decided
        if self._guard.policy.cache == "vary":
            # Whatever the body, the account is of this visitor; a cache that validates takes the fields of a 304 for
            # the responses that its request could have been answered with, and for no others (RFC 9111 section 4.3.4).
            result = varying(result, by_choice=exchange is not None and exchange.by_choice)
        report = self.report
        result = set_value(result, b"x-dntguard", account(report, counted=counted))
        result = [*result, (b"server-timing", timing(report, self._spent))]
        return without_stale_signatures(decided, result)


def account(report: Report, *, counted: bool) -> bytes:
    """The value of `X-DNTGuard`: a dictionary (RFC 9651 section 3.2).

    It says nothing that depends on more than `Vary` names, so the cookies of the request are not counted.

    Args:
        report: of the exchange so far.
        counted: whether all that is taken out of the response is known.
    """
    members = [f"source={report.source}", f"refused=({' '.join(report.refused)})"]
    if counted:
        members.append(f"removals={report.removal_count - sum(removal.of_request for removal in report.removals)}")
    members += ["report-only"] if report.report_only else []
    members += ["error"] if report.error else []
    return ", ".join(members).encode()


def timing(report: Report, seconds: float) -> bytes:
    """The value of `Server-Timing` (https://www.w3.org/TR/server-timing/): one metric, in milliseconds."""
    refused = " and ".join(report.refused) or "nothing"
    reports = "report only: " if report.report_only else ""
    return f'dntguard;dur={1000 * seconds:.3f};desc="{reports}{report.source} refuses {refused}"'.encode()
