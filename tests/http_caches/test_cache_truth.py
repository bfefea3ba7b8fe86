"""Promise 6: no cache that follows RFC 9111 serves one visitor's answer to a visitor with another decision.

    make cache                      2,000 random sequences of visits through each cache, minutes
    make test ARGS=tests/http_caches    a few of them

`Visits` sends them, and judges each answer by that of a server without any cache.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from tests.http_caches.caches import CACHES, Answer, Cache, NotInstalledError, served
from tests.http_caches.site import EITHER
from tests.http_caches.visits import PAGES, SIGNALS, Page, Tally, Visits, WrongAnswerError, expected

STEPS = 12
LEAST_HITS = 0.1
"""The least share of requests that the cache must answer from what it stored, or the run shows nothing."""

NO_SIGNAL, DNT, *_ = SIGNALS
BOTH = SIGNALS[3]


@pytest.fixture(scope="module")
def origin() -> Iterator[int]:
    """The site on a real server; the port."""
    with served() as port:
        yield port


@pytest.fixture(scope="module", params=CACHES)
def cache(request: pytest.FixtureRequest, origin: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    """Each cache in turn, in front of the site."""
    folder = tmp_path_factory.mktemp(request.param)
    try:
        with CACHES[request.param](origin, folder) as running:
            yield running
    except NotInstalledError as missing:
        pytest.skip(str(missing))


def visits(cache: Cache, guard: str, sequences: int, *, stop_at_once: bool = False, **members: Any) -> Tally:
    """Send random visits; raises what they find."""
    tally = Tally()
    members |= {"cache": cache, "guard": guard, "tally": tally}
    run_state_machine_as_test(
        type("Visits", (Visits,), members),
        settings=settings(
            max_examples=sequences,
            stateful_step_count=STEPS,
            phases=[Phase.generate] if stop_at_once else [Phase.generate, Phase.shrink],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return tally


def sequences() -> int:
    """How many sequences the profile asks for: 25 of `make test`, 2,000 of `make cache`."""
    return settings().max_examples // 8


def test_nobody_gets_what_belongs_to_a_visitor_with_another_decision(cache: Cache, record_property: Any) -> None:
    """Whatever was asked before, by whom and how, each visitor ends up with what a server without a cache gives."""
    tally = visits(cache, "guarded", sequences())
    record_property("cache", tally.line(cache.name))
    assert tally.hits >= LEAST_HITS * tally.requests, "the cache hardly cached, so this shows nothing"


def test_a_middleware_that_forgets_vary_is_found(cache: Cache) -> None:
    """The same visits, the same site, and no signal in `Vary`: they find that, so they would find less."""
    # Replayed, a finding may be another one: what Varnish has stored by the next request is a matter of milliseconds.
    with pytest.raises((WrongAnswerError, Flaky)):
        visits(cache, "without-vary", 100, stop_at_once=True)


@pytest.mark.parametrize("guard", ["never", "invariant"])
@pytest.mark.parametrize("cache", ["varnish", "nginx"], indirect=True)
def test_a_cache_that_ignores_vary_is_harmless_where_everybody_gets_the_same(cache: Cache, guard: str) -> None:
    """A site that refuses for everybody needs no `Vary`: whoever asks gets the one answer, of which nothing is refused.

    A page that repeats the signals, and one that depends on cookies, are the site's own to keep out of such a cache.
    """
    home = Page(guard, "fresh", "none", "/")
    assert len({expected(home, 0, signals, None).body for signals in SIGNALS}) == 1
    assert b"googletagmanager.com/gtm.js" not in expected(home, 0, NO_SIGNAL, None).body
    pages = [page for page in PAGES if page not in ("/privacy", "/seen.html")]
    tally = visits(cache, guard, max(25, sequences() // 4), pages=pages, codings=[None], same_for_all=BOTH)
    assert tally.hits >= LEAST_HITS * tally.requests, "the cache hardly cached, so this shows nothing"


# What the random visits found


def ask(cache: Cache, page: Page, name: str, *headers: tuple[str, str], stale: bool = False) -> Answer:
    """The answer to one request, in a sequence of that name."""
    if stale:
        cache.age(page.path(name))
    return cache.fetch("GET", page.path(name), [("Accept-Encoding", "gzip"), *headers])


def test_a_page_that_was_asked_for_as_a_script_is_no_other_page_for_the_next_visitor(cache: Cache) -> None:
    """Either it is the same page whatever `Sec-Fetch-Dest` says, or `Vary` says that it is not."""
    page = Page("guarded", "fresh", "both", "/")
    ask(cache, page, "as-a-script", *DNT, ("Sec-Fetch-Dest", "script"))
    assert ask(cache, page, "as-a-script", *DNT).body == expected(page, 0, DNT, None).body


def test_a_page_that_somebody_else_stored_is_not_revived_for_a_visitor_who_asks_for_it_as_a_script(
    cache: Cache,
) -> None:
    """A cache may validate what it stored of one visitor for another one (RFC 9111 section 4.1): hishel does."""
    page = Page("guarded", "fresh", "both", "/")
    ask(cache, page, "revived")
    answer = ask(cache, page, "revived", *DNT, ("Sec-Fetch-Dest", "script"))
    assert answer.body == expected(page, 0, DNT, None).body


def test_no_refused_cookie_comes_out_of_a_cache_that_validated_for_somebody_else(cache: Cache) -> None:
    """The header fields of a 304 replace those of what is stored (RFC 9111 section 3.2), `Set-Cookie` too."""
    page = Page("guarded", "fresh", "both", "/cookie.json")
    ask(cache, page, "validated", *DNT)
    ask(cache, page, "validated", stale=True)
    lines = ask(cache, page, "validated", *DNT).all("set-cookie")
    assert [line.partition("=")[0] for line in lines] == ["_fbp", "session"]


@pytest.mark.parametrize("validators", ["both", "dated"])
def test_a_page_is_not_taken_for_something_else_of_the_same_path_and_date(cache: Cache, validators: str) -> None:
    """One script that answers with a page and with data is many a site; its answers may well be of the same second."""
    page, data = (Page("guarded", "fresh", validators, form) for form in EITHER)
    ask(cache, data, "either")
    ask(cache, page, "either")
    assert ask(cache, page, "either", *DNT).body == expected(page, 0, DNT, None).body


@pytest.mark.parametrize("cache", ["private"], indirect=True)  # Varnish cuts parts of what it has stored itself
def test_who_refuses_gets_no_part_of_a_page_whose_path_has_data_too(cache: Cache) -> None:
    """A part cannot be read, so the whole page is sent instead."""
    page, data = (Page("guarded", "fresh", "both", form) for form in EITHER)
    ask(cache, data, "part")
    answer = ask(cache, page, "part", *DNT, ("Range", "bytes=0-"))
    assert (answer.status, answer.body) == (200, expected(page, 0, DNT, None).body)
