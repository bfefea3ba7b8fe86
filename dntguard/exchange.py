"""One request and its response: the order of events, and nothing else.

`Guard` is built once from a policy and shared by all threads and tasks; all that changes lives in one `Exchange`.
Nothing here awaits, opens or logs anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from threading import Lock

from dntguard.bodies import Body, codings_of_page, kind_of_body, may_be_page, type_of_page
from dntguard.caching import OF_THE_BYTES, Seen, forbids_transforming, of_variant, varying, without_stale_signatures
from dntguard.consent import Consent, GivenConsent, asked, decide
from dntguard.cookies import with_expiries, without_refused_cookies, without_refused_set_cookies
from dntguard.csp import under_csp
from dntguard.fields import FIELDS, without_refused_fields, without_refused_links
from dntguard.headers import OWS, Headers, get, get_all, remove, set_value
from dntguard.paths import path_filter
from dntguard.policy import Policy
from dntguard.report import Removal, Report, any_undecidable
from dntguard.request import shown
from dntguard.rewriter import Rewriter
from dntguard.signals import NO_SIGNALS, Signals, read_signals
from dntguard.stream import PageStream
from dntguard.urls import INVALID_HOST, Location, parse_host
from dntguard.verdicts import Verdicts, verdicts_for

_ABSOLUTE_FORM = re.compile(r"https?://([^/?#]*)", re.IGNORECASE).match
_LENGTH = re.compile(rb"[0-9]+").fullmatch


class Guard:
    """A policy, compiled.

    Args:
        policy: the site's configuration; None for the defaults.

    Attributes:
        policy: the site's configuration.
        widest: the verdicts for who refuses most.
        decides: whether what a visitor gets can depend on the visitor.
        seen: the validators of responses that are the same for everybody.
        errors: how many responses dntguard itself has failed on.
    """

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = Policy() if policy is None else policy
        self.errors = 0
        self._counting = Lock()
        self._acts_on = path_filter(self.policy)
        # Without stored choices the signals are all that a decision depends on: six consents, decided once.
        self._decided = {
            (signals.dnt, signals.gpc): (
                consent := decide(signals, None, self.policy),
                verdicts_for(self.policy, consent.granted),
            )
            for signals in (Signals(dnt, gpc) for dnt in (None, True, False) for gpc in (False, True))
        }
        # What one response for everybody is made from must not tell visitors apart.
        self._given = decide(NO_SIGNALS, None, self.policy) if self.policy.cache == "invariant" else None
        self.widest = self._decided[True, True][1]
        self.decides = len({consent.granted for consent, _ in self._decided.values()}) > 1
        self.seen = Seen()

    def count_error(self) -> None:
        """Count a response that dntguard itself has failed on."""
        with self._counting:
            self.errors += 1

    def exchange(
        self, method: str, scheme: str, host: str, path: str, headers: Headers, now: float, query: str = ""
    ) -> Exchange:
        """Begin an exchange: the consent is decided and the request's headers are ready when this returns.

        Args:
            method: the request's method.
            scheme: `"http"`, `"https"`, `"ws"` or `"wss"`.
            host: the value of `Host`; empty when there is none that can be trusted (see `host_of`).
            path: the path, decoded; an absolute-form target is understood.
            headers: the request's header list.
            now: seconds since the epoch; stored choices expire by it.
            query: the query, which tells resources of one path apart.
        """
        del now  # no choice is stored yet
        signals = read_signals(headers)
        consent, verdicts = self._decided[signals.dnt, signals.gpc]
        target = _ABSOLUTE_FORM(path)
        if target:
            # The target's authority goes before Host (RFC 9112 section 3.2.2).
            host, path = target[1], path[target.end() :] or "/"
        acts = self._acts_on is None or self._acts_on(path)
        given = self._given or consent
        return Exchange(self, consent, given, verdicts, acts, method, scheme, host, path, query, headers)


class Exchange:
    """One request and its response. Made by `Guard.exchange`.

    Attributes:
        consent: the decision, as the application gets it.
        reply: a response to give without calling the application, or None.
        request_headers: what the application may see.
    """

    __slots__ = (
        "_acts", "_before", "_body", "_consent", "_guard", "_hidden", "_host", "_left", "_may_be_page",
        "_method", "_over", "_path", "_policy", "_removals", "_resource", "_revalidated", "_scheme", "_sent",
        "_status", "_stream", "_tells", "_verdicts", "consent", "reply", "request_headers",
    )  # fmt: skip

    def __init__(
        self,
        guard: Guard,
        consent: Consent,
        given: Consent,
        verdicts: Verdicts,
        acts: bool,
        method: str,
        scheme: str,
        host: str,
        path: str,
        query: str,
        headers: Headers,
    ) -> None:
        self.consent = GivenConsent(given)
        self.reply = None
        self.request_headers = self._sent = headers
        self._guard = guard
        self._policy = policy = guard.policy
        self._consent = consent
        self._verdicts = verdicts
        self._acts = acts
        self._tells = acts and policy.cache == "vary" and not policy.report_only
        self._method = method
        self._scheme = scheme
        self._host = host
        self._resource = (host, path, query)
        self._path = path
        self._status = 0
        self._stream: PageStream | None = None
        self._body: Body | None = None
        self._left: int | None = None
        self._over = False
        self._may_be_page = True
        self._revalidated: list[bytes] = []
        self._removals: list[Removal] = []
        self._before: int | None = None  # how many of them were taken out before the response began
        self._hidden: list[tuple[bytes, Removal]] = []
        if acts and verdicts.active:
            self._read_request(headers)

    @property
    def acts(self) -> bool:
        """Whether the path is one that is acted on."""
        return self._acts

    @property
    def by_choice(self) -> bool:
        """Whether the visitor's stored choice plays a part in the decision."""
        return self._consent.choice is not None

    @property
    def counted(self) -> bool:
        """Whether all that is taken out of the response is known: not before the end of a page that streams, nor of one
        that is not sent at all.
        """
        return self._body is not Body.HEAD and self._status != 304 and (self._stream is None or self._over)

    @property
    def passes(self) -> bool:
        """Whether the response's body and fields pass as they are but for `Vary`, whatever they are."""
        return not (self._acts and self._verdicts.active)

    @property
    def _rewrites(self) -> bool:
        return self._acts and self._verdicts.rewrites

    @property
    def body_passes(self) -> bool:
        """Whether the body passes as it is: known from `start` on, and before it where `passes` says so."""
        return self.passes or (self._body is not None and self._stream is None)

    @property
    def withholds(self) -> bool:
        """Whether the application must hand every body byte through here: no sending of files by name, no push."""
        return self._may_be_page and not (self.passes or self._policy.report_only)

    @property
    def coded(self) -> bool:
        """Whether the body is decoded and encoded here, so that the rest of it cannot go out as it comes."""
        return self._stream is not None and self._stream.coded and not self._policy.report_only

    @property
    def undecided(self) -> bytes:
        """What of the body is held back now."""
        if self._stream is None or self._over or self._policy.report_only:
            return b""
        return self._stream.undecided

    @property
    def error(self) -> Exception | None:
        """What went wrong while the page was rewritten, which goes on as it is."""
        return None if self._stream is None else self._stream.error

    def _read_request(self, headers: Headers) -> None:
        host = parse_host(self._host)
        self._host = "" if host == INVALID_HOST else host
        request = shown(self._method, self._path, headers, self._verdicts, self._knows)
        self._hidden = request.hidden
        self._removals.extend(removal for _, removal in request.hidden)
        self._may_be_page, self._revalidated = request.may_be_page, request.revalidated
        if not self._policy.report_only:
            self.request_headers = request.headers

    def reads(self, status: int, headers: Headers) -> bool:
        """Whether the body may be a page that is read here."""
        return self._rewrites and may_be_page(self._method, status, headers, None)

    def holds(self, status: int, headers: Headers) -> bool:
        """Whether `start` needs the first chunk of the body: where it does not, the headers need not wait."""
        if self.reads(status, headers):
            return True
        # A body that comes whole is one for which the application has asked by then whatever it will ask.
        if not self._tells or not self._may_be_asked(status, headers) or _is_event_stream(headers):
            return False
        return not may_be_page(self._method, status, headers, None)

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
        original = result = list(headers)
        # It may replace a response that was not sent (PEP 3333, `exc_info`): that one's cookies and page are no more.
        if self._before is None:
            self._before = len(self._removals)
        del self._removals[self._before :]
        self._stream, self._left, self._over = None, None, False
        # 1. A path that is left alone.
        if not self._acts:
            return original, first_chunk
        # 2. What caches must know, whoever asks.
        is_page = may_be_page(self._method, status, original, first_chunk)
        varies = is_page and self._guard.decides
        looked = asked(self.consent) or (more and not varies and self._may_be_asked(status, original))
        differs = is_page or looked or self._differs(original)
        if self._tells and (varies or looked or (differs and self._guard.decides)):
            result = varying(result, by_choice=self._consent.choice is not None)
        if not differs:
            self._learn(original)
        # 3. Nothing is refused.
        if not self._verdicts.active:
            return without_stale_signatures(original, result), first_chunk
        # 4. Cookies and other fields, in every response.
        result = self._without_refused(result)
        # 5. The body.
        body = first_chunk
        if is_page and self._policy.cache == "vary":
            result, expired = with_expiries(result, self._hidden, self._host, self._scheme, self._path)
            self._removals += expired
        kind = Body.OTHER
        if is_page and self._verdicts.rewrites:  # else only cookies and fields are refused
            kind = kind_of_body(self._method, status, original, first_chunk)
        if kind is Body.PAGE and self._policy.respect_no_transform and forbids_transforming(original):
            kind = Body.UNREADABLE
        if kind is Body.PAGE:
            kind, result, body = self._page(result, first_chunk, more)
        if kind is Body.HEAD:
            result = remove(result, OF_THE_BYTES | {b"content-length"})
        elif kind is Body.UNREADABLE:
            result = self._unread(result)
        if differs and self._verdicts.rewrites:
            result = of_variant(result, self._verdicts.variant)
        self._body = kind
        if self._policy.report_only:
            return original, first_chunk
        return without_stale_signatures(original, result), body

    def feed(self, chunk: bytes) -> bytes:
        """The next bytes of the body; returns those to send."""
        if self._stream is None:
            return chunk
        # What follows the length that the application declared is no part of the body (RFC 9112 section 6.3).
        part = chunk if self._left is None else chunk[: self._left]
        if self._left is not None:
            self._left -= len(part)
        out = self._stream.feed(part) if part else b""
        return chunk if self._policy.report_only else out

    def finish(self) -> bytes:
        """The body has ended; returns the last bytes to send."""
        out = b"" if self._stream is None or self._over else self._stream.close()
        return b"" if self._policy.report_only else out

    def accept(self, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Header fields without a body of ours: of the acceptance of a WebSocket, of early hints, of trailers."""
        original = list(headers)
        if self.passes:
            return original
        kept = self._without_refused(original)
        if self._stream is not None:
            kept = remove(kept, OF_THE_BYTES)
        return original if self._policy.report_only else without_stale_signatures(original, kept)

    def links(self, links: Iterable[bytes]) -> list[bytes]:
        """The values of `Link` in early hints (RFC 8297) less those that are refused."""
        original = list(links)
        if self.passes:
            return original
        kept, removals = without_refused_links(original, self._verdicts, self._location())
        self._removals.extend(removals)
        return original if self._policy.report_only else kept

    @property
    def undecidable(self) -> bool:
        """Whether something so far could not be judged."""
        return (self._stream is not None and self._stream.undecidable) or any_undecidable(self._removals)

    @property
    def report(self) -> Report:
        """What the exchange came to so far; complete after `finish`."""
        page = self._stream
        return Report(
            self._method,
            self._host,
            self._path,
            self._status,
            self._consent.signals.dnt,
            self._consent.signals.gpc,
            self._consent.granted,
            self._consent.source,
            self._consent.reason,
            (*self._removals, *(page.removals if page else ())),
            len(self._removals) + (page.removal_count if page else 0),
            self._policy.report_only,
            None if self.error is None else repr(self.error),
        )

    def _location(self) -> Location:
        return Location(self._scheme, self._host, self._path)

    def _differs(self, headers: Headers) -> bool:
        """Whether somebody gets another response than this one, which is no page that is known for one."""
        widest = self._guard.widest
        # 1. "Not modified" without a type may be a page's, but of a validator that was seen on something else.
        if self._status == 304 and get(headers, b"content-type") is None:
            tag = get(headers, b"etag")
            if tag is None or tag in self._revalidated or not self._knows(tag):
                return True
        # 2. A field that somebody does not get.
        names = {name.lower() for name, _ in headers}
        if b"set-cookie" in names and without_refused_set_cookies(headers, widest)[1]:
            return True
        if not FIELDS.isdisjoint(names) and without_refused_fields(headers, widest, self._location())[1]:
            return True
        # 3. A cookie that is hidden from the application for somebody.
        return bool(without_refused_cookies(self._sent, widest)[1])

    def _learn(self, headers: Headers) -> None:
        """Remember the validators of a response that is the same for everybody, and that there was one."""
        self._guard.seen.add(*self._resource, get(self._sent, b"accept"), b"")
        for name, value in headers:
            if len(name) in (4, 13) and name.lower() in (b"etag", b"last-modified"):
                self._guard.seen.add(*self._resource, get(self._sent, b"accept"), value.strip(OWS))

    def _knows(self, validator: bytes) -> bool:
        return self._guard.seen.knows(*self._resource, get(self._sent, b"accept"), validator)

    def _may_be_asked(self, status: int, headers: Headers) -> bool:
        """Whether the application may still look at the decision when the response has begun.

        Who declares a length knows the body.
        """
        bodiless = self._method == "HEAD" or status < 200 or status in (204, 205, 304)
        return not bodiless and get(headers, b"content-length") is None

    def _without_refused(self, headers: Headers) -> Headers:
        headers, cookies = without_refused_set_cookies(headers, self._verdicts)
        headers, others = without_refused_fields(headers, self._verdicts, self._location())
        self._removals += [*cookies, *others]
        return headers

    def _page(self, headers: Headers, first_chunk: bytes, more: bool) -> tuple[Body, Headers, bytes]:
        kind = type_of_page(headers)
        rewriter = Rewriter(self._policy, self._consent, self._location(), content_type=kind)
        length = get(headers, b"content-length")
        whole = not more or (length is not None and length == b"%d" % len(first_chunk))
        stream = PageStream(rewriter, codings_of_page(headers), self._policy.on_error)
        body = stream.feed(first_chunk, flush=not whole)
        if stream.unreadable:
            return Body.UNREADABLE, headers, first_chunk
        self._stream = stream
        headers = remove(headers, OF_THE_BYTES)
        if not whole:
            if length is not None and _LENGTH(length):
                self._left = max(0, int(length) - len(first_chunk))
            return Body.PAGE, remove(headers, frozenset({b"content-length"})), body
        body += stream.close()
        self._left, self._over = 0, True
        if length is not None:
            headers = set_value(headers, b"content-length", b"%d" % len(body))
        return Body.PAGE, headers, body

    def _unread(self, headers: Headers) -> Headers:
        """The headers of a page that cannot be read."""
        values = get_all(headers, b"content-encoding") + get_all(headers, b"content-type")
        rule = f'on_undecidable: "{self._policy.on_undecidable}"'
        self._removals.append(Removal("body", b", ".join(values).decode("latin-1"), None, None, rule))
        if self._policy.on_undecidable == "keep" or not self._verdicts.refusing:
            # For a visitor who refuses nothing, a blocked host is not worth a page that may be all foreign.
            return headers
        return under_csp(headers, self._policy, self._host)


def host_of(headers: Headers, fallback: str = "") -> str:
    """The host that a request names: empty when its `Host` fields contradict each other (RFC 9112 section 3.2)."""
    found = b""
    for name, value in headers:
        if len(name) == 4 and name.lower() == b"host":
            host = value.strip(OWS)
            if found and host and host != found:
                return ""
            found = found or host
    return found.decode("latin-1") if found else fallback


def _is_event_stream(headers: Headers) -> bool:
    """Whether the browser waits for the headers and not for the body (HTML section 9.2)."""
    return type_of_page(headers).lower().startswith(b"text/event-stream")
