"""Random visits through a cache, each judged by what the same visitor gets from a server without any cache."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, NoReturn, TypeVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.http_caches.caches import Answer, Cache
from tests.http_caches.site import EITHER, FRESHNESS, HOST, OWN_PAGES, SHOP_PAGES, VALIDATORS, fresh

T = TypeVar("T")
Headers = tuple[tuple[str, str], ...]

SIGNALS: tuple[Headers, ...] = (
    (),
    (("DNT", "1"),),
    (("Sec-GPC", "1"),),
    (("DNT", "1"), ("Sec-GPC", "1")),
    (("DNT", "0"),),
)
CODINGS = ("gzip", "gzip", "gzip", None, "br", "identity")
COOKIES = (None, None, None, "_ga=1; _fbp=2; session=3", "session=3")
DESTINATIONS = (None, "document", None, "empty", "script", "image")
RANGES = ("bytes=0-", "bytes=20-2000", "bytes=-400", "bytes=0-9", "bytes=40-")
PAGES = (*SHOP_PAGES, *OWN_PAGES)


@dataclass(frozen=True)
class Held:
    """What a visitor holds of a page since an earlier answer: a body and the validators that came with it."""

    body: bytes = b""
    etag: str | None = None
    date: str | None = None


@dataclass(frozen=True)
class Page:
    """A page of the site, with what it says to caches."""

    guard: str
    freshness: str
    validators: str
    page: str

    def path(self, sequence: str) -> str:
        """Where it is during one sequence of visits."""
        return f"/{self.guard}/{sequence}/{self.freshness}/{self.validators}{self.page}"


@dataclass
class Tally:
    """What a run came to."""

    sequences: int = 0
    requests: int = 0
    hits: int = 0
    not_modified: int = 0
    parts: int = 0

    def line(self, name: str) -> str:
        """One line of a report."""
        return (
            f"{name}: {self.sequences:,} sequences, {self.requests:,} requests, {self.hits:,} cache hits "
            f"({self.hits / max(self.requests, 1):.0%}), {self.not_modified:,} not modified, {self.parts:,} parts"
        )


def expected(page: Page, version: int, signals: Headers, cookie: str | None) -> Answer:
    """What the visitor gets from a server without any cache, and without conditions."""
    return _expected(page.guard, page.page, version, signals, cookie)


@lru_cache(maxsize=5_000)
def _expected(guard: str, page: str, version: int, signals: Headers, cookie: str | None) -> Answer:
    # What is said to caches is of no matter here.
    path = Page(guard, "silent", "none", page).path("0")
    headers = [("Host", HOST), *signals, ("X-Content-Version", str(version))]
    if cookie is not None:
        headers.append(("Cookie", cookie))
    status, got, body = fresh("GET", path, headers)
    assert status == 200, (status, path)
    return Answer(status, got, body, hit=False)


@dataclass(frozen=True)
class Asked:
    """Who asks, for which page, and how; numbers are places in what the sequence has, counted round.

    Nothing here depends on what caches answer, so that a sequence can be replayed.
    """

    page: int
    visitor: int
    coding: int
    destination: int
    cookie: str | None
    before: str


ASKED = st.builds(
    Asked,
    page=st.integers(0, 2),
    visitor=st.integers(0, 2),
    coding=st.integers(0, 5),
    destination=st.integers(0, 5),
    cookie=st.sampled_from(COOKIES),
    before=st.sampled_from(["", "", "", "", "time passes", "published", "published, and time passes"]),
)
GET = st.sampled_from(["GET"] * 7 + ["HEAD"])
SEQUENCES = itertools.count(1)


class WrongAnswerError(AssertionError):
    """A visitor got what a server without any cache would not have given."""


def wrong(text: str) -> NoReturn:
    """Raise the finding: from one place, so that Hypothesis takes all findings for one and the same."""
    raise WrongAnswerError(text)


class Visits(RuleBasedStateMachine):
    """Visitors of a few pages, who send signals, conditions and ranges; editors who publish; and time that passes.

    A subclass names the cache and the middleware around the site.
    """

    cache: ClassVar[Cache]
    guard: ClassVar[str]
    tally: ClassVar[Tally]
    pages: ClassVar[Sequence[str]] = PAGES
    codings: ClassVar[Sequence[str | None]] = CODINGS
    destinations: ClassVar[Sequence[str | None]] = DESTINATIONS
    same_for_all: ClassVar[Headers | None] = None
    """The signals of the visitor whose pages everybody must get; None where each gets those of the own signals."""

    @initialize(
        pages=st.lists(
            st.tuples(
                st.sampled_from(["fresh", "swr", *FRESHNESS]),
                st.sampled_from(["both", *VALIDATORS]),
                st.integers(0, len(PAGES) - 1),
            ),
            min_size=1,
            max_size=2,
        ),
        visitors=st.lists(st.sampled_from(SIGNALS), min_size=2, max_size=3, unique=True),
    )
    def arrive(self, pages: list[tuple[str, str, int]], visitors: list[Headers]) -> None:
        """A sequence has pages of its own, and few of them, so that its visitors meet in the cache."""
        self.of_sequence = [
            Page(self.guard, freshness, validators, picked(self.pages, page)) for freshness, validators, page in pages
        ]
        # What is one path in two forms comes in both.
        both = [replace(page, page=form) for page in self.of_sequence if page.page in EITHER for form in EITHER]
        self.of_sequence = list(dict.fromkeys([*self.of_sequence, *both]))
        self.visitors = visitors
        self.sequence = f"{next(SEQUENCES)}"
        self.version = 0
        self.since: dict[Page, int] = dict.fromkeys(self.of_sequence, 0)
        self.held: dict[Page, list[Held]] = {page: [] for page in self.of_sequence}
        self.tally.sequences += 1

    @rule(page=st.integers(0, 2), visitor=st.integers(0, 2), before=st.sampled_from(["", "", "", "time passes"]))
    def come_by(self, page: int, visitor: int, before: str) -> None:
        """The request that most visitors send, so that they meet."""
        self._visit(Asked(page, visitor, 0, 0, None, before), "GET")

    @rule(asked=ASKED, method=GET, reload=st.sampled_from([False] * 4 + [True]))
    def visit(self, asked: Asked, method: str, reload: bool) -> None:
        """A plain request."""
        self._visit(asked, method, reload=reload)

    @rule(asked=ASKED, method=GET, held=st.integers(0, 9), by=st.sampled_from(["etag", "date", "both", "etags"]))
    def ask_whether_modified(self, asked: Asked, method: str, held: int, by: str) -> None:
        """A request with the validators of something held, by this visitor or by another one."""
        every = [one for one in self.held[picked(self.of_sequence, asked.page)] if one.etag or one.date]
        one = picked(every, held) if every else Held()
        candidates = [one]
        conditions: list[tuple[str, str]] = []
        if one.etag and by == "etags":
            candidates = [other for other in every if other.etag]
            conditions.append(("If-None-Match", ", ".join(dict.fromkeys(other.etag or "" for other in candidates))))
        elif one.etag and (by != "date" or not one.date):
            conditions.append(("If-None-Match", one.etag))
        if one.date and (by in ("date", "both") or not one.etag):
            conditions.append(("If-Modified-Since", one.date))
        self._visit(asked, method, tuple(conditions), candidates=candidates)

    @rule(asked=ASKED, part=st.sampled_from(RANGES), held=st.integers(0, 9), if_range=st.booleans())
    def ask_for_a_part(self, asked: Asked, part: str, held: int, if_range: bool) -> None:
        """A request for a part, perhaps only if it is one of what is held."""
        every = self.held[picked(self.of_sequence, asked.page)]
        one = picked(every, held) if every and if_range else Held()
        condition = one.etag or one.date
        headers = (("Range", part), *([("If-Range", condition)] if condition else []))
        self._visit(asked, "GET", headers, candidates=[one] if condition else [], coding="identity")

    def teardown(self) -> None:
        self.cache.forget()

    def _pass_time(self, page: Page) -> None:
        """What is stored of the page becomes stale: it may not be served again without asking, if not allowed to."""
        self.cache.age(page.path(self.sequence))
        if page.freshness != "swr":
            self.since[page] = self.version

    def _visit(
        self,
        asked: Asked,
        method: str,
        more: Headers = (),
        *,
        candidates: Sequence[Held] = (),
        coding: str | None = "",
        reload: bool = False,
    ) -> None:
        """Ask, and judge what the visitor has in the end."""
        page, signals = picked(self.of_sequence, asked.page), picked(self.visitors, asked.visitor)
        if "published" in asked.before:
            self.version += 1
        if "time" in asked.before:
            self._pass_time(page)
        coding = picked(self.codings, asked.coding) if coding == "" else coding
        cookie = asked.cookie
        extra = {
            "Accept-Encoding": coding,
            "Cookie": cookie,
            "Sec-Fetch-Dest": picked(self.destinations, asked.destination),
            "Cache-Control": "no-cache" if reload else None,
            "X-Content-Version": str(self.version),
        }
        headers = (*signals, *((name, value) for name, value in extra.items() if value is not None), *more)
        path = page.path(self.sequence)
        answer = self.cache.fetch(method, path, headers)
        self.tally.requests += 1
        self.tally.hits += answer.hit
        note(f"{method} {path} {dict(headers)} -> {answer.status} {'hit ' * answer.hit}{dict(answer.headers)}")

        # 1. What may be served is what the site said between the last time that the entries became stale and now.
        oldest = self.version if page.freshness == "check" or (reload and not self.cache.shared) else self.since[page]
        judge = Judge(
            page, self.same_for_all if self.same_for_all is not None else signals, cookie, oldest, self.version
        )
        judge.cookies(answer)
        sent = {name for name, _ in more}
        match answer.status:
            # 2. The whole.
            case 200 if method == "HEAD":
                assert answer.raw == b""
                length = answer.get("content-length")
                if length and answer.get("content-encoding") is None and self.cache.heads_are_true:
                    judge.length(length)
            case 200:
                judge.whole(answer.body)
                self.held[page].append(Held(answer.body, answer.get("etag"), answer.get("last-modified")))
            # 3. What is held is still right: the visitor goes on with that.
            case 304:
                if not sent & {"If-None-Match", "If-Modified-Since"}:
                    wrong(f"{judge}: 304 for a request without conditions")
                self.tally.not_modified += 1
                held = selected(candidates, answer.get("etag"))
                if held is not None:
                    judge.whole(held.body)
                    # The validators of the answer replace those of what is stored (RFC 9111 section 3.2).
                    etag, date = answer.get("etag") or held.etag, answer.get("last-modified") or held.date
                    self.held[page].append(Held(held.body, etag, date))
            # 4. A part, which goes together with what is held if `If-Range` says so.
            case 206:
                if "Range" not in sent:
                    wrong(f"{judge}: 206 for a request without Range")
                self.tally.parts += 1
                judge.part(answer)
                for held in candidates:
                    judge.whole(held.body)
            # 5. No such part: the page is shorter.
            case 416:
                if "Range" not in sent:
                    wrong(f"{judge}: 416 for a request without Range")
                judge.length((answer.get("content-range") or "").removeprefix("bytes */"))
            case _:
                wrong(f"{judge}: {answer}")


def picked(choices: Sequence[T], place: int) -> T:
    """The choice at the place, counted round."""
    return choices[place % len(choices)]


def selected(candidates: Sequence[Held], etag: str | None) -> Held | None:
    """What a 304 means of that which was asked about (RFC 9111 section 4.3.4)."""
    if len(candidates) == 1:
        return candidates[0]
    same = [held for held in candidates if etag and held.etag and opaque(held.etag) == opaque(etag)]
    return same[-1] if same else None


def opaque(etag: str) -> str:
    """The entity tag without its weakness (RFC 9110 section 8.8.3.2)."""
    return etag.removeprefix("W/")


@dataclass(frozen=True)
class Judge:
    """What one visitor may get of a page: the answers of a server without any cache, of some versions."""

    page: Page
    signals: Headers
    cookie: str | None
    oldest: int
    newest: int

    def __str__(self) -> str:
        return f"{self.page.page} for a visitor with {shown(self.signals)}"

    def answers(self) -> list[Answer]:
        """Each version's answer; the newest first."""
        versions = range(self.newest, self.oldest - 1, -1)
        return [expected(self.page, version, self.signals, self._cookie) for version in versions]

    @property
    def _cookie(self) -> str | None:
        # Nothing else than this page looks at cookies; what expires of them is judged by itself.
        return self.cookie if self.page.page == "/seen.html" else None

    def whole(self, body: bytes) -> None:
        """The body is the right one."""
        if all(right.body != body for right in self.answers()):
            wrong(f"{self}: got {self._whose(body)}")

    def part(self, answer: Answer) -> None:
        """A part is one of the right body."""
        assert answer.get("content-encoding") in (None, "identity"), answer.headers
        span, _, length = (answer.get("content-range") or "").removeprefix("bytes ").partition("/")
        first, last = map(int, span.split("-"))
        if not any(
            len(right.body) == int(length) and right.body[first : last + 1] == answer.raw for right in self.answers()
        ):
            wrong(f"{self}: got bytes {span} of {length}: {self._whose(answer.raw)}")

    def _whose(self, body: bytes) -> str:
        """Whose page it is, or a part of."""
        versions = range(self.newest, -1, -1)
        for version, signals in itertools.product(versions, (self.signals, *SIGNALS)):
            if body in expected(self.page, version, signals, self._cookie).body:
                if signals == self.signals:
                    return f"version {version}, and the oldest that may be served is {self.oldest}"
                return f"what belongs to a visitor with {shown(signals)}"
        return f"what belongs to nobody: {body[:200]!r}"

    def length(self, length: str) -> None:
        """The length is that of the right body."""
        lengths = [str(len(right.body)) for right in self.answers()]
        if length not in lengths:
            wrong(f"{self}: {length} bytes are named, and there are {lengths}")

    def cookies(self, answer: Answer) -> None:
        """No cookie is set that a fresh server does not set, and none is taken back from who refuses nothing."""
        allowed = {name_of(line) for line in expected(self.page, 0, self.signals, None).all("set-cookie")}
        for line in answer.all("set-cookie"):
            name = name_of(line)
            if "max-age=0" in line.lower():
                if name in allowed:
                    wrong(f"{self}: got a line that takes back the cookie {name}, and belongs to another visitor")
            elif name not in allowed:
                wrong(f"{self}: got a line that sets the cookie {name}, and belongs to another visitor")


def name_of(line: str) -> str:
    """The name of a `Set-Cookie` line's cookie."""
    return line.partition("=")[0].strip()


def shown(signals: Headers) -> str:
    """The signals, to be read."""
    return " and ".join(f"{name}: {value}" for name, value in signals) or "no signal"
