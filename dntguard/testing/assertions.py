"""The two assertions: about a response, and about an application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from dntguard.policy import Policy
from dntguard.testing.client import Client
from dntguard.testing.findings import Findings, shown
from dntguard.testing.judgement import consent_for, found_in, refuses, strict
from dntguard.testing.responses import BASE_URL, Fields, Response, read_response
from dntguard.testing.witness import Record, witness
from dntguard.verdicts import verdicts_for

SIGNALS: tuple[Mapping[str, str], ...] = ({"DNT": "1"}, {"Sec-GPC": "1"})
"""The header fields of browsers that refuse: each by one signal."""

_MOST_REDIRECTS = 10
_LOOKS = 3
"""How often two visitors are asked for again, to tell a difference from chance."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def assert_no_refused(
    response: object,
    *,
    url: str | None = None,
    policy: Policy | None = None,
    signals: Mapping[str, str] | None = None,
) -> None:
    """Fail when a response holds something that its visitor refused: an element, a snippet, a cookie, a header field.

    Of what is no page, only the header fields are looked at.

    Args:
        response: of the test client of Django, Flask, Quart, Starlette, FastAPI or WebTest, of httpx or requests, or
            a `dntguard.testing.Response`. It is read to its end.
        url: its address or path, where the response does not know its request; what is the site's own depends on it.
        policy: the site's. None for that of the middleware which answered that path last in this process (with pytest:
            in this test), and without one for the default.
        signals: the header fields of the request, as in `{"Sec-GPC": "1"}`. None for those that the response knows,
            and of a response that does not know its request for both signals.

    Raises:
        AssertionError: there is something refused; says what, where, whose, by which rule and what to do.
        TypeError: `response` is nothing that can be read.
        ValueError: this visitor refuses nothing, so nothing could be found.
    """
    __tracebackhide__ = True
    read = read_response(response, url)
    fields = _signals_of(read, signals)
    # Who does not know what was asked for cannot know who answered.
    record = witness.of(_path(read.url)) if read.url else None
    judging = policy or (Policy() if record is None else record.policy)
    if not refuses(consent_for(fields, judging), judging):
        raise ValueError(
            f"the request for {_path(read.url)} carried no signal that refuses something, so this check could not "
            'fail: ask with the header field "Sec-GPC: 1", or say signals={"Sec-GPC": "1"}'
        )
    findings = Findings()
    findings.add(_path(read.url), _visitor(fields), *shown(found_in(read, fields, judging), judging, record))
    findings.check()


def assert_honors_signals(
    app: Any,
    paths: Iterable[str],
    *,
    policy: Policy | None = None,
    headers: Mapping[str, str] | None = None,
    base_url: str = BASE_URL,
) -> None:
    """Fail when an application does not honor `DNT: 1` and `Sec-GPC: 1` on these paths.

    Each path is asked for as a browser without a signal does, and with each signal: by a browser that has no cookies,
    and by one that still has the refused cookies which the first one got. It fails

    - when a response holds something that its visitor refused: an element, a snippet, a cookie, a header field;
    - when a signal makes a difference and `Vary` does not say so, for then a cache hands one visitor's response to
      another;
    - when a path is answered with an error (status 400 and above, or an exception): then nothing of it was checked.

    Redirects on the same host are followed, and checked. Of what is no page, only the header fields are looked at.

    Args:
        app: an ASGI or WSGI application as it is served.
        paths: paths with their queries.
        policy: the site's. None for that of the middleware which answers, and without one for the default. It holds
            on every path, those too that it leaves alone.
        headers: further header fields of every request: of somebody who is logged in, of a language.
        base_url: where the site is; what is the site's own depends on it.

    Raises:
        AssertionError: says all that was found: the path, the signal, what, where, whose, by which rule and what to do.
        TypeError: `app` is no application, or `paths` is a string.
        ValueError: there are no paths, or neither signal refuses anything, so nothing could be found.
    """
    __tracebackhide__ = True
    if isinstance(paths, str):
        raise TypeError(f'paths is one string, {paths!r}: write a list of them, as in ["/", "/shop"]')
    paths = list(paths)
    if not paths:
        raise ValueError("paths is empty, so nothing would be checked: name the pages of the site")
    findings = Findings()
    with Client(app, headers, base_url=base_url) as client:
        check = _Check(client, policy, findings)
        for path in paths:
            check.path(path)
    if not check.refused_anything and not findings:
        raise ValueError(
            "neither signal refuses anything by the site's policy (dnt_refuses, gpc_refuses), so nothing was checked"
        )
    findings.check()


@dataclass(frozen=True, slots=True)
class _Hop:
    """One response on the way from a path through its redirects.

    Attributes:
        place: the path, and where it has led to.
        response: what came.
        record: what dntguard's middleware said of it.
        policy: by which it is judged.
    """

    place: str
    response: Response
    record: Record | None
    policy: Policy

    @property
    def seen(self) -> tuple[int, str | None, bytes]:
        """What of it makes a difference to who sees it."""
        return self.response.status, self.response.header("location"), self.response.body


class _Check:
    """The check of one application.

    Attributes:
        refused_anything: whether any visitor refused anything so far.
    """

    def __init__(self, client: Client, policy: Policy | None, findings: Findings) -> None:
        self.refused_anything = False
        self._client = client
        self._policy = policy
        self._findings = findings

    def path(self, path: str) -> None:
        """Check one path for every visitor."""
        plain = self._visit(path)
        held = dict(self._client.cookies)
        for hop in plain:
            self._findings.add(hop.place, _visitor(()), *_failure(hop.response))
        for signal in SIGNALS:
            visitor = _visitor(signal.items())
            hops = self._visit(path, signal)
            said = [(hop.place, self._said(hop, signal)) for hop in hops]
            for place, lines in said:
                self._findings.add(place, visitor, *lines)
            self._compare(path, signal, plain, hops)
            # Who refuses after having agreed: a browser that still has what it got then.
            refused = _refused_cookies(held, signal, hops)
            for hop in self._visit(path, signal, refused) if refused else ():
                lines = self._said(hop, signal)
                if (hop.place, lines) not in said:
                    self._findings.add(hop.place, f"{visitor} and the cookies {', '.join(refused)}", *lines)

    def _visit(
        self, path: str, signal: Mapping[str, str] | None = None, cookies: Mapping[str, str] | None = None
    ) -> list[_Hop]:
        """The responses to a path and to where it redirects, as far as there are any."""
        client = self._client
        client.cookies = dict(cookies or {})
        hops: list[_Hop] = []
        place = address = path
        while True:
            before = witness.count
            try:
                response = client.get(address, signal)
            except Exception as error:  # noqa: BLE001  # whatever the application raises
                self._findings.add(place, _visitor((signal or {}).items()), f"raised {error!r}, so nothing was checked")
                self._findings.error = self._findings.error or error
                return hops
            record = witness.of(_path(response.url), before)
            policy = self._policy or (Policy() if record is None else record.policy)
            hops.append(_Hop(place, response, record, policy))
            target = _redirect(response)
            if target is None:
                return hops
            if len(hops) > _MOST_REDIRECTS:
                self._findings.add(
                    path, _visitor((signal or {}).items()), f"redirects more than {_MOST_REDIRECTS} times"
                )
                return hops
            place, address = f"{path} -> {_path(target)}", target

    def _said(self, hop: _Hop, signal: Mapping[str, str]) -> list[str]:
        """What is wrong with a response to a visitor with that signal."""
        fields = tuple(signal.items())
        self.refused_anything |= refuses(consent_for(fields, hop.policy), hop.policy)
        return _failure(hop.response) or shown(found_in(hop.response, fields, hop.policy), hop.policy, hop.record)

    def _compare(self, path: str, signal: Mapping[str, str], plain: list[_Hop], hops: list[_Hop]) -> None:
        """Find responses that a cache would hand to a visitor for whom they are not."""
        (name,) = signal
        for number, (one, other) in enumerate(zip(plain, hops, strict=False)):
            silent = next((hop for hop in (other, one) if not _says_so(hop.response, name)), None)
            if silent is None or one.place != other.place or not self._differ(path, signal, number, one, other):
                continue
            vary = silent.response.header("vary")
            self._findings.add(
                other.place,
                _visitor(signal.items()),
                f"is answered otherwise than without a signal, and Vary does not name {name} "
                f"({'there is none' if vary is None else f'Vary: {vary}'}): caches take one for the other",
                "to do: put Vary: DNT, Sec-GPC on every answer that depends on the signals",
            )

    def _differ(self, path: str, signal: Mapping[str, str], number: int, one: _Hop, other: _Hop) -> bool:
        """Whether it is the signal that makes the difference between two responses."""
        # 1. Something that is refused.
        fields = tuple(signal.items())
        if found_in(one.response, fields, other.policy) and not found_in(other.response, fields, other.policy):
            return True
        # 2. Anything, where the same visitor always gets the same: no token, no time, no chance.
        if one.seen == other.seen:
            return False
        for _ in range(_LOOKS):
            for hop, sent in ((one, None), (other, signal)):
                again = self._visit(path, sent)
                if len(again) <= number or again[number].seen != hop.seen:
                    return False
        return True


def _failure(response: Response) -> list[str]:
    """Why a response says nothing of the path that was asked for."""
    if response.status < 400:
        return []
    return [
        f"answered {response.status}, so nothing was checked",
        "to do: mend the path, or give headers=... (of a session) or base_url=... (the site's host)",
    ]


def _redirect(response: Response) -> str | None:
    """Where a browser would go on, on the same host."""
    location = response.header("location")
    if response.status not in _REDIRECTS or location is None:
        return None
    target = urljoin(response.url, location)
    return target if urlsplit(target).hostname == urlsplit(response.url).hostname else None


def _says_so(response: Response, signal: str) -> bool:
    """Whether no cache takes the response for one to a visitor without the signal, or with it."""
    named = {name.strip().lower() for name in (response.header("vary") or "").split(",")}
    stored = {directive.strip().lower() for directive in (response.header("cache-control") or "").split(",")}
    return not named.isdisjoint({signal.lower(), "*"}) or "no-store" in stored


def _refused_cookies(held: Mapping[str, str], signal: Mapping[str, str], hops: list[_Hop]) -> dict[str, str]:
    """The cookies in a browser that its visitor refuses now."""
    if not hops:
        return {}
    policy = strict(hops[0].policy)
    verdicts = verdicts_for(policy, consent_for(tuple(signal.items()), policy).granted)
    return {name: value for name, value in held.items() if verdicts.cookie(name) is not None}


def _signals_of(response: Response, signals: Mapping[str, str] | None) -> Fields:
    if signals is not None:
        return tuple(signals.items())
    if response.request_headers is None:
        return tuple(pair for signal in SIGNALS for pair in signal.items())
    return response.request_headers


def _visitor(fields: Iterable[tuple[str, str]]) -> str:
    """Who asked, in the words of a message."""
    names = {"dnt": "DNT", "sec-gpc": "Sec-GPC"}
    sent = [f"{names[name.lower()]}: {value}" for name, value in fields if name.lower() in names]
    return f"with {' and '.join(sent)}" if sent else "without a signal"


def _path(url: str) -> str:
    return unquote(urlsplit(url).path) or "/"
