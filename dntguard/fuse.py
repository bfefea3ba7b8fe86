"""Between an adapter and the core: an error of our own on a response ends in a state that is defined.

`Policy.on_error` says in which. Beside the core, because it logs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from operator import attrgetter
from typing import Any, TypeVar

from dntguard.caching import varying
from dntguard.consent import REFUSE_ALL, Consent
from dntguard.cookies import without_refused_cookies, without_refused_set_cookies
from dntguard.exchange import Exchange, Guard, host_of
from dntguard.headers import Headers, remove
from dntguard.report import Report
from dntguard.verdicts import Verdicts, verdicts_for

logger = logging.getLogger("dntguard")

_CookieFilter = Callable[[Headers, Verdicts], tuple[Headers, list[Any]]]
_Answer = TypeVar("_Answer")
_Otherwise = TypeVar("_Otherwise")

_SORRY = b"Internal Server Error"
_PASSES, _BODY_PASSES, _WITHHOLDS, _ERROR, _UNDECIDABLE = map(
    attrgetter, ("passes", "body_passes", "withholds", "error", "undecidable")
)


class Fuse:
    """An exchange that cannot fail.

    What the core does is asked of it in the same words as of an `Exchange`. After its first error the core is not asked
    again: with `on_error="keep"` everything passes but refused cookies, with `"remove"` nothing more goes out.

    Args:
        guard: the compiled policy, and the count of errors.
        method, scheme, path, headers, now, query: as for `Guard.exchange`.
        server: the server's name, the host of a request that names none.

    Attributes:
        consent: the decision, as the application gets it; of an exchange that could not begin, all is refused.
        request_headers: what the application may see.
        passes: as of the exchange.
        over: whether nothing more of the response may go out.
    """

    __slots__ = (
        "_error", "_exchange", "_guard", "_live", "_on_error", "_request", "_rest", "_started", "consent", "over",
        "passes", "request_headers",
    )  # fmt: skip

    def __init__(
        self,
        guard: Guard,
        method: str,
        scheme: str,
        server: str,
        path: str,
        headers: Headers,
        now: float,
        query: str,
    ) -> None:
        self._guard = guard
        # Who only wants to see is not shown an error page.
        self._on_error = "keep" if guard.policy.report_only else guard.policy.on_error
        self._request = (method, server, path)
        self._error: Exception | None = None
        self._exchange: Exchange | None = None
        self._live: Exchange | None = None  # the same, until it fails
        self._started = False
        self._rest = b""
        self.over = False
        self.passes = False
        try:
            host = host_of(headers, server)
            self._exchange = self._live = exchange = guard.exchange(method, scheme, host, path, headers, now, query)
        except Exception as error:  # noqa: BLE001  # as in `_ask`
            self.consent: Consent = REFUSE_ALL
            self._blow(error)
            self.request_headers = self._closed(headers, without_refused_cookies, b"cookie")
        else:
            self.consent = exchange.consent
            self.request_headers = exchange.request_headers
            self.passes = self._ask(_PASSES, otherwise=False)

    # --- what an adapter asks -----------------------------------------------------------------------------------------

    @property
    def body_passes(self) -> bool:
        """As of the exchange."""
        if self.passes:
            return True
        passes = self._ask(_BODY_PASSES, otherwise=None)
        return not (self.over or self._rest) if passes is None else passes

    @property
    def withholds(self) -> bool:
        """As of the exchange."""
        return self._ask(_WITHHOLDS, otherwise=not self._guard.policy.report_only)

    def reads(self, status: int, headers: Headers) -> bool:
        """As of the exchange."""
        return not self.passes and self._ask(Exchange.reads, status, headers, otherwise=False)

    def holds(self, status: int, headers: Headers) -> bool:
        """As of the exchange; a status of our own waits for the place where its body can go."""
        return self._ask(Exchange.holds, status, headers, otherwise=self._on_error == "remove")

    def start(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], first_chunk: bytes, more: bool
    ) -> tuple[int, Headers, bytes]:
        """As of the exchange, with the status to send."""
        given = list(headers)
        decided = self._ask(Exchange.start, status, given, first_chunk, more, otherwise=None)
        self._started = True
        if decided is not None:
            return status, decided[0], decided[1] if self.passes else decided[1] + self._look()
        if self._guard.policy.report_only:
            return status, given, first_chunk
        if self._on_error == "keep":
            kept = self._closed(given, without_refused_set_cookies, b"set-cookie")
            return status, varying(kept, by_choice=False), first_chunk
        self.over = True
        body = b"" if self._request[0] == "HEAD" else _SORRY
        length = (b"content-length", b"%d" % len(_SORRY))
        return 500, [(b"content-type", b"text/plain; charset=utf-8"), length, (b"cache-control", b"no-store")], body

    def feed(self, chunk: bytes) -> bytes:
        """As of the exchange."""
        if self.passes:
            return chunk
        body = self._ask(Exchange.feed, chunk, otherwise=None)
        if body is not None:
            return body + self._look()
        return b"" if self.over else self._taken() + chunk

    def finish(self) -> bytes:
        """As of the exchange."""
        if self.passes:
            return b""
        body = self._ask(Exchange.finish, otherwise=None)
        if body is not None:
            return body + self._look()
        return b"" if self.over else self._taken()

    def accept(self, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        """As of the exchange."""
        given = list(headers)
        accepted = self._ask(Exchange.accept, given, otherwise=None)
        return self._closed(given, without_refused_set_cookies, b"set-cookie") if accepted is None else accepted

    def links(self, links: Iterable[bytes]) -> list[bytes]:
        """As of the exchange; none when it fails, for hints are only hints."""
        given = list(links)
        return self._ask(Exchange.links, given, otherwise=given if self._guard.policy.report_only else [])

    @property
    def undecidable(self) -> bool:
        """As of the exchange."""
        return self._ask(_UNDECIDABLE, otherwise=False)

    @property
    def report(self) -> Report:
        """As of the exchange, with the error."""
        error = None if self._error is None else repr(self._error)
        try:
            if self._exchange is not None:
                return replace(self._exchange.report, error=error) if error else self._exchange.report
        except Exception as report_error:  # noqa: BLE001  # as in `_ask`
            self._blow(report_error)
            error = repr(report_error)
        method, host, path = self._request
        granted, policy = self.consent.granted, self._guard.policy
        return Report(method, host, path, 0, None, False, granted, "policy", "", (), 0, policy.report_only, error)

    # --- what goes wrong ----------------------------------------------------------------------------------------------

    def _ask(self, question: Callable[..., _Answer], *arguments: Any, otherwise: _Otherwise) -> _Answer | _Otherwise:
        """What the exchange answers; `otherwise` when it fails, or has failed."""
        if self._live is not None:
            try:
                return question(self._live, *arguments)
            except Exception as error:  # noqa: BLE001  # whatever is wrong in the core, the site is not
                self._blow(error)
        return otherwise

    def _look(self) -> bytes:
        """Learn of an error after which the exchange helped itself. Returns nothing, or what that look has cost."""
        error = self._ask(_ERROR, otherwise=None)
        if error is not None:
            self._note(error)
        return b"" if self._live is not None or self.over else self._taken()

    def _note(self, error: Exception) -> None:
        """Log the response's first error, and count it."""
        if self._error is not None:
            return
        self._error = error
        self._guard.count_error()
        method, host, path = self._request
        logger.error(
            "dntguard failed on %s %r (on_error: %s)", method, host + path, self._on_error, exc_info=error,
            extra={"dntguard_method": method, "dntguard_host": host, "dntguard_path": path},
        )  # fmt: skip

    def _blow(self, error: Exception) -> None:
        """Give up. What the core holds back of the page goes out with what comes next, if anything may."""
        live, self._live = self._live, None
        self.passes = False
        self._note(error)
        if self._started and live is not None:
            # Of a body in a content coding, the rest cannot go out as it comes.
            self.over = self._on_error == "remove" or live.coded
            self._rest = live.undecided

    def _taken(self) -> bytes:
        rest, self._rest = self._rest, b""
        return rest

    def _closed(self, headers: Headers, without_refused: _CookieFilter, field: bytes) -> Headers:
        """The headers less refused cookies; when that fails too, less all cookies. `report_only` changes nothing."""
        if self._guard.policy.report_only:
            return headers
        try:
            return without_refused(headers, verdicts_for(self._guard.policy, self.consent.granted))[0]
        except Exception as error:  # noqa: BLE001  # as in `_ask`
            self._note(error)
            return remove(headers, frozenset({field}))
