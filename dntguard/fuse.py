"""Between an adapter and the core: an error of our own on a response ends in a state that is defined.

`Policy.on_error` says in which. Beside the core, because it logs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from dntguard.caching import varying
from dntguard.consent import REFUSE_ALL, Consent
from dntguard.cookies import without_refused_cookies, without_refused_set_cookies
from dntguard.exchange import Exchange, Guard, host_of
from dntguard.headers import Headers, remove
from dntguard.report import Report
from dntguard.verdicts import Verdicts, verdicts_for

logger = logging.getLogger("dntguard")

_CookieFilter = Callable[[Headers, Verdicts], tuple[Headers, list[Any]]]
_SORRY = b"Internal Server Error"


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
        over: whether nothing more of the response may go out.
    """

    __slots__ = (
        "_error", "_exchange", "_guard", "_live", "_request", "_rest", "_started", "consent", "over", "request_headers",
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
        self._request = (method, server, path)
        self._error: Exception | None = None
        self._exchange: Exchange | None = None
        self._live: Exchange | None = None  # the same, until it fails
        self._started = False
        self._rest = b""
        self.over = False
        try:
            host = host_of(headers, server)
            self._exchange = self._live = exchange = guard.exchange(method, scheme, host, path, headers, now, query)
        except Exception as error:  # noqa: BLE001  # whatever is wrong in the core, the site is not
            self.consent: Consent = REFUSE_ALL
            self._blow(error)
            self.request_headers = self._closed(headers, without_refused_cookies, b"cookie")
        else:
            self.consent = exchange.consent
            self.request_headers = exchange.request_headers

    # --- what an adapter asks -----------------------------------------------------------------------------------------

    @property
    def passes(self) -> bool:
        """As of the exchange."""
        if self._live is not None:
            try:
                return self._live.passes
            except Exception as error:  # noqa: BLE001  # as above
                self._blow(error)
        return False

    @property
    def body_passes(self) -> bool:
        """As of the exchange."""
        if self._live is not None:
            try:
                return self._live.body_passes
            except Exception as error:  # noqa: BLE001  # as above
                self._blow(error)
        return not (self.over or self._rest)

    @property
    def withholds(self) -> bool:
        """As of the exchange."""
        if self._live is not None:
            try:
                return self._live.withholds
            except Exception as error:  # noqa: BLE001  # as above
                self._blow(error)
        return True

    def reads(self, status: int, headers: Headers) -> bool:
        """As of the exchange."""
        if self._live is not None:
            try:
                return self._live.reads(status, headers)
            except Exception as error:  # noqa: BLE001  # as above
                self._blow(error)
        return False

    def holds(self, status: int, headers: Headers) -> bool:
        """As of the exchange; a status of our own waits for the place where its body can go."""
        if self._live is not None:
            try:
                return self._live.holds(status, headers)
            except Exception as error:  # noqa: BLE001  # as above
                self._blow(error)
        return self._guard.policy.on_error == "remove"

    def start(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], first_chunk: bytes, more: bool
    ) -> tuple[int, Headers, bytes]:
        """As of the exchange, with the status to send."""
        given = list(headers)
        if self._live is not None:
            try:
                decided, body = self._live.start(status, given, first_chunk, more)
            except Exception as error:  # noqa: BLE001  # as above
                self._blow(error)
            else:
                self._started = True
                return status, decided, body + self._look(self._live)
        self._started = True
        if self._guard.policy.on_error == "keep":
            kept = self._closed(given, without_refused_set_cookies, b"set-cookie")
            return status, varying(kept, by_choice=False), first_chunk
        self.over = True
        body = b"" if self._request[0] == "HEAD" else _SORRY
        length = (b"content-length", b"%d" % len(_SORRY))
        return 500, [(b"content-type", b"text/plain; charset=utf-8"), length, (b"cache-control", b"no-store")], body

    def feed(self, chunk: bytes) -> bytes:
        """As of the exchange."""
        if self._live is not None:
            try:
                body = self._live.feed(chunk)
            except Exception as error:  # noqa: BLE001  # as above
                self._blow(error)
            else:
                return body + self._look(self._live)
        return b"" if self.over else self._taken() + chunk

    def finish(self) -> bytes:
        """As of the exchange."""
        if self._live is not None:
            try:
                body = self._live.finish()
            except Exception as error:  # noqa: BLE001  # as above
                self._blow(error)
            else:
                return body + self._look(self._live)
        return b"" if self.over else self._taken()

    def accept(self, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        """As of the exchange."""
        given = list(headers)
        if self._live is not None:
            try:
                return self._live.accept(given)
            except Exception as error:  # noqa: BLE001  # as above
                self._blow(error)
        return self._closed(given, without_refused_set_cookies, b"set-cookie")

    def links(self, links: Iterable[bytes]) -> list[bytes]:
        """As of the exchange; none when it fails, for hints are only hints."""
        if self._live is not None:
            try:
                return self._live.links(links)
            except Exception as error:  # noqa: BLE001  # as above
                self._blow(error)
        return []

    @property
    def report(self) -> Report:
        """As of the exchange, with the error."""
        error = None if self._error is None else repr(self._error)
        try:
            if self._exchange is not None:
                return replace(self._exchange.report, error=error) if error else self._exchange.report
        except Exception as report_error:  # noqa: BLE001  # as above
            self._blow(report_error)
            error = repr(report_error)
        method, host, path = self._request
        granted, policy = self.consent.granted, self._guard.policy
        return Report(method, host, path, 0, None, False, granted, "policy", "", (), 0, policy.report_only, error)

    # --- what goes wrong ----------------------------------------------------------------------------------------------

    def _look(self, exchange: Exchange) -> bytes:
        """Learn of an error after which the exchange helped itself. Returns nothing, or what that look has cost."""
        try:
            error = exchange.error
        except Exception as look_error:  # noqa: BLE001  # as above
            self._blow(look_error)
            return b"" if self.over else self._taken()
        if error is not None:
            self._note(error)
        return b""

    def _note(self, error: Exception) -> None:
        """Log the response's first error, and count it."""
        if self._error is not None:
            return
        self._error = error
        self._guard.count_error()
        method, host, path = self._request
        option = self._guard.policy.on_error
        logger.error("dntguard failed on %s %s%s (on_error: %s)", method, host, path, option, exc_info=error)

    def _blow(self, error: Exception) -> None:
        """Give up. What the core holds back of the page goes out with what comes next, if anything may."""
        live, self._live = self._live, None
        self._note(error)
        if self._started and live is not None:
            # Of a body in a content coding, the rest cannot go out as it comes.
            self.over = self._guard.policy.on_error == "remove" or live.coded
            self._rest = live.undecided

    def _taken(self) -> bytes:
        rest, self._rest = self._rest, b""
        return rest

    def _closed(self, headers: Headers, without_refused: _CookieFilter, field: bytes) -> Headers:
        """The headers less refused cookies; when that fails too, less all cookies."""
        try:
            return without_refused(headers, verdicts_for(self._guard.policy, self.consent.granted))[0]
        except Exception as error:  # noqa: BLE001  # as above
            self._note(error)
            return remove(headers, frozenset({field}))
