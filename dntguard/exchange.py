"""One request and its response: the order of events, and nothing else.

`Guard` is built once from a policy and shared by all threads and tasks; all that changes lives in one `Exchange`.
Nothing here awaits, opens or logs anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from dntguard.bodies import Body, kind_of_body, type_of_page
from dntguard.consent import Consent, decide
from dntguard.cookies import expiries, without_refused_cookies, without_refused_set_cookies
from dntguard.headers import Headers, add_vary, get, get_all, remove, set_value
from dntguard.policy import Policy
from dntguard.report import Removal, Report
from dntguard.rewriter import Rewriter
from dntguard.signals import Signals, read_signals
from dntguard.urls import INVALID_HOST, Location, may_be_echoed, parents, parse_host, site
from dntguard.vendors import name_pattern
from dntguard.verdicts import Verdicts, verdicts_for

VARY = (b"DNT", b"Sec-GPC")

_STALE = frozenset(b"etag last-modified content-md5 digest content-digest repr-digest accept-ranges".split())
"""What speaks of the bytes that the application wrote, and is false or harmful beside other bytes.

A validator would let a cache revive one visitor's variant for another with a 304 (RFC 9111 section 4.3.4).
"""

_CONDITIONS = frozenset({b"if-none-match", b"if-modified-since", b"range", b"if-range"})
_SUBRESOURCES = frozenset(
    b"audio audioworklet font image manifest paintworklet report script serviceworker sharedworker style track video "
    b"worker".split()
)
"""Values of `Sec-Fetch-Dest` (Fetch Metadata section 2.1) whose response no browser reads as a page."""

_ABSOLUTE_FORM = re.compile(r"https?://([^/?#]*)", re.IGNORECASE).match


class Guard:
    """A policy, compiled.

    Args:
        policy: the site's configuration; None for the defaults.
    """

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = Policy() if policy is None else policy
        self._acts_on = _path_filter(self.policy)
        # Without stored choices the signals are all that a decision depends on: six consents, decided once.
        self._decided = {
            signals: (consent := decide(signals, None, self.policy), verdicts_for(self.policy, consent.granted))
            for signals in (Signals(dnt, gpc) for dnt in (None, True, False) for gpc in (False, True))
        }

    def exchange(self, method: str, scheme: str, host: str, path: str, headers: Headers, now: float) -> Exchange:
        """Begin an exchange: the consent is decided and the request's headers are ready when this returns.

        Args:
            method: the request's method.
            scheme: `"http"`, `"https"`, `"ws"` or `"wss"`.
            host: the value of `Host`; empty when there is none that can be trusted (see `host_of`).
            path: the path, decoded; an absolute-form target is understood.
            headers: the request's header list.
            now: seconds since the epoch; stored choices expire by it.
        """
        del now  # no choice is stored yet
        consent, verdicts = self._decided[read_signals(headers)]
        target = _ABSOLUTE_FORM(path)
        if target:
            # The target's authority goes before Host (RFC 9112 section 3.2.2).
            host, path = target[1], path[target.end() :] or "/"
        acts = self._acts_on is None or self._acts_on(path)
        return Exchange(self.policy, consent, verdicts, acts, method, scheme, host, path, headers)


class Exchange:
    """One request and its response. Made by `Guard.exchange`.

    Attributes:
        consent: the decision.
        reply: a response to give without calling the application, or None.
        request_headers: what the application may see.
    """

    __slots__ = (
        "_acts", "_body", "_expire", "_host", "_method", "_over", "_path", "_policy", "_removals", "_rewriter",
        "_scheme", "_status", "_verdicts", "consent", "reply", "request_headers",
    )  # fmt: skip

    def __init__(
        self,
        policy: Policy,
        consent: Consent,
        verdicts: Verdicts,
        acts: bool,
        method: str,
        scheme: str,
        host: str,
        path: str,
        headers: Headers,
    ) -> None:
        self.consent = consent
        self.reply = None
        self.request_headers = headers
        self._policy = policy
        self._verdicts = verdicts
        self._acts = acts
        self._method = method
        self._scheme = scheme
        self._host = host
        self._path = path
        self._status = 0
        self._rewriter: Rewriter | None = None
        self._body: Body | None = None
        self._over = False
        self._removals: list[Removal] = []
        self._expire: list[tuple[bytes, Removal]] = []
        if acts and verdicts.active:
            self._read_request(headers)

    @property
    def passes(self) -> bool:
        """Whether the response's body and cookies pass as they are, whatever they are."""
        return not (self._acts and self._verdicts.active)

    @property
    def body_passes(self) -> bool:
        """Whether the body passes as it is: known from `start` on, and before it where `passes` says so."""
        return self.passes or (self._body is not None and self._rewriter is None)

    @property
    def withholds(self) -> bool:
        """Whether the application must hand every body byte through here: no sending of files by name."""
        return not (self.passes or self._policy.report_only)

    def _read_request(self, headers: Headers) -> None:
        host = parse_host(self._host)
        self._host = "" if host == INVALID_HOST else host
        kept, self._expire = without_refused_cookies(headers, self._verdicts)
        self._removals.extend(removal for _, removal in self._expire)
        if self._verdicts.rewrites and get(headers, b"sec-fetch-dest") not in _SUBRESOURCES:
            # A page will be read here: it must come uncompressed, and whole rather than "not modified", for the
            # copy that the browser holds may be the one from before the visitor refused.
            if get(kept, b"accept-encoding") is not None:
                kept = set_value(kept, b"accept-encoding", b"identity")
            if self._method in ("GET", "HEAD"):
                kept = remove(kept, _CONDITIONS)
        if not self._policy.report_only:
            self.request_headers = kept

    def holds(self, status: int, headers: Headers) -> bool:
        """Whether `start` needs the first chunk of the body: where it does not, the headers need not wait."""
        return (
            not self.passes
            and self._verdicts.rewrites
            and kind_of_body(self._method, status, headers, None) is not Body.OTHER
        )

    def start(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], first_chunk: bytes, more: bool
    ) -> tuple[Headers, bytes]:
        """The response begins.

        Args:
            status: the status code.
            headers: the application's header list.
            first_chunk: the first bytes of the body.
            more: whether more chunks may follow. When none does, the returned body is the whole one.

        Returns:
            The headers to send, and the first bytes to send.
        """
        self._status = status
        original = list(headers)
        # It may replace a response that was not sent (PEP 3333, `exc_info`): that one's cookies and page are no more.
        del self._removals[len(self._expire) :]
        self._rewriter, self._over = None, False
        # 1. A path that is left alone.
        if not self._acts:
            return original, first_chunk
        # 2. Whoever asks, the answer could have been another one (RFC 9110 section 12.5.5).
        result = original if self._policy.report_only else add_vary(original, VARY)
        # 3. Nothing is refused.
        if not self._verdicts.active:
            return result, first_chunk
        # 4. Cookies, in every response.
        result, refused = without_refused_set_cookies(result, self._verdicts)
        self._removals.extend(refused)
        # 5. The body.
        self._body = kind_of_body(self._method, status, result, first_chunk)
        body = first_chunk
        if self._body is not Body.OTHER:
            result = self._expiring(result)
        if not self._verdicts.rewrites:
            self._body = Body.OTHER  # only cookies are refused
        if self._body is Body.UNREADABLE:
            result = self._under_csp(result)
        elif self._body is Body.PAGE:
            result, body = self._page(result, first_chunk, more)
        elif self._body is Body.HEAD:
            result = remove(result, _STALE | {b"content-length"})
        return (original, first_chunk) if self._policy.report_only else (result, body)

    def feed(self, chunk: bytes) -> bytes:
        """The next bytes of the body; returns those to send."""
        if self._rewriter is None:
            return chunk
        # What follows the length that the application declared is no part of the body (RFC 9112 section 6.3).
        return b"" if self._over else self._rewriter.feed(chunk)

    def finish(self) -> bytes:
        """The body has ended; returns the last bytes to send."""
        return b"" if self._rewriter is None or self._over else self._rewriter.close()

    def accept(self, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        """The headers of a response without a body of ours: the acceptance of a WebSocket."""
        original = list(headers)
        if self.passes:
            return original
        kept, refused = without_refused_set_cookies(original, self._verdicts)
        self._removals.extend(refused)
        return original if self._policy.report_only else kept

    @property
    def report(self) -> Report:
        """What the exchange came to so far; complete after `finish`."""
        page = self._rewriter
        return Report(
            self._method,
            self._host,
            self._path,
            self._status,
            self.consent.signals.dnt,
            self.consent.signals.gpc,
            self.consent.granted,
            self.consent.source,
            self.consent.reason,
            (*self._removals, *(page.removals if page else ())),
            len(self._removals) + (page.removal_count if page else 0),
            self._policy.report_only,
        )

    def _page(self, headers: Headers, first_chunk: bytes, more: bool) -> tuple[Headers, bytes]:
        location = Location(self._scheme, self._host, self._path)
        kind = type_of_page(headers)
        self._rewriter = rewriter = Rewriter(self._policy, self.consent, location, content_type=kind)
        headers = remove(headers, _STALE)
        length = get(headers, b"content-length")
        whole = not more or (length is not None and length == b"%d" % len(first_chunk))
        body = rewriter.feed(first_chunk)
        if not whole:
            return remove(headers, frozenset({b"content-length"})), body
        body += rewriter.close()
        self._over = not self._policy.report_only
        if length is not None:
            headers = set_value(headers, b"content-length", b"%d" % len(body))
        return headers, body

    def _expiring(self, headers: Headers) -> Headers:
        """The headers with lines that expire the refused cookies that the browser sent."""
        if not self._expire:
            return headers
        removals = dict(self._expire)
        expired = expiries(removals, self._host, self._scheme, self._path)
        for name in dict.fromkeys(name for name, _ in expired):
            hidden = removals[name]
            self._removals.append(Removal("expired-cookie", hidden.what, hidden.vendor, hidden.purpose, hidden.rule))
        return [*headers, *((b"set-cookie", line) for _, line in expired)]

    def _under_csp(self, headers: Headers) -> Headers:
        """The headers of a body that cannot be read: no foreign host may be asked from it (or it stays as it is)."""
        values = get_all(headers, b"content-encoding") + get_all(headers, b"content-type")
        what = b", ".join(values).decode("latin-1")
        keep = self._policy.on_undecidable == "keep"
        rule = f'on_undecidable: "{self._policy.on_undecidable}"'
        self._removals.append(Removal("body", what, None, None, rule))
        if keep or not self._verdicts.refusing:
            # For a visitor who refuses nothing, a blocked host is not worth a page that may be all foreign.
            return headers
        own = site(self._host) if self._host else ""
        hosts = [
            name
            for name in (own, *self._policy.first_party, *self._policy.allow)
            if "." in name and may_be_echoed(name)
        ]
        sources = " ".join(f"{host} *.{host}" if parents(host)[1:] else host for host in dict.fromkeys(hosts))
        policy = f"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob: {sources}".rstrip()
        # A validator would let this policy, or its absence, be revived for another visitor.
        return [*remove(headers, _STALE), (b"content-security-policy", policy.encode())]


def host_of(headers: Headers, fallback: str = "") -> str:
    """The host that a request names: empty when its `Host` fields contradict each other (RFC 9112 section 3.2)."""
    hosts = {value for value in get_all(headers, b"host") if value}
    if len(hosts) > 1:
        return ""
    return hosts.pop().decode("latin-1") if hosts else fallback


def _path_filter(policy: Policy) -> Callable[[str], bool] | None:
    if not (policy.include or policy.exclude):
        return None
    included = re.compile("|".join(map(_path_pattern, policy.include)) or ".*", re.DOTALL).fullmatch
    excluded = re.compile("|".join(map(_path_pattern, policy.exclude)) or "(?!)", re.DOTALL).fullmatch
    return lambda path: included(path) is not None and excluded(path) is None


def _path_pattern(pattern: str) -> str:
    """The regular expression of a path pattern; without `*` it means a path and all below it."""
    below = "" if "*" in pattern or pattern == "/" else "[\\s\\S]*" if pattern.endswith("/") else "(?:/[\\s\\S]*)?"
    return name_pattern(pattern) + below
