"""Tags that the site's own host serves: told by what only the vendor's have, not by what could be the site's."""

import time

import pytest

from dntguard.purposes import Purpose
from dntguard.vendors import Registry, Vendor
from dntguard.vendors.marks import Marks

COUNTER = Vendor(
    "counter",
    "Counter",
    Purpose.ANALYTICS,
    paths=(
        "/*middle*.js",
        "/counter.js",
        "/hit.php?site=*",
        "/gate/collect?v=2&tid=C-*",
        "/plugins/counter/",
        "/c*/v*/e.gif",
        "?id=C-*",
    ),
    elements=(
        "script[data-counter-id]",
        "script[data-site][src*=counter]",
        "amp-analytics[type=counter]",
        "script[src^=/px]",
    ),
)
OTHER = Vendor("other", "Other", Purpose.MARKETING, paths=("?oid=O*7",), elements=("amp-analytics[type=other]",))
MARKS = Marks([COUNTER, OTHER])
REGISTRY = Registry([COUNTER, OTHER])


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("/counter.js", "/counter.js"),
        ("/a/b/counter.js", "/counter.js"),
        ("/counter.js?v=7", "/counter.js"),
        ("/mycounter.js", None),
        ("/a/some-middle-file.js", "/*middle*.js"),
        ("/middle/file.js", None),
        ("/counter.js/x", None),
        ("/Counter.js", None),
        ("/counter_js", None),
        ("/hit.php?site=4", "/hit.php?site=*"),
        ("/hit.php?a=1&site=4&b=2", "/hit.php?site=*"),
        ("/hit.php?site=", "/hit.php?site=*"),
        ("/hit.php?mysite=4", None),
        ("/hit.php", None),
        ("/gate/collect?tid=C-1&v=2", "/gate/collect?v=2&tid=C-*"),
        ("/x/gate/collect?v=2&tid=C-1", "/gate/collect?v=2&tid=C-*"),
        ("/gate/collect?v=21&tid=C-1", None),
        ("/gate/collect?v=2&tid=D-1", None),
        ("/collect?v=2&tid=C-1", None),
        ("/wp/plugins/counter/a/b.js", "/plugins/counter/"),
        ("/plugins/counter", None),
        ("/plugins/counters/a.js", None),
        ("/plugins/my/counter/a.js", None),
        ("/c1/v22/e.gif", "/c*/v*/e.gif"),
        ("/c/v/e.gif", "/c*/v*/e.gif"),
        ("/c1/x/v2/e.gif", None),
        ("/anything?id=C-1", "?id=C-*"),
        ("/anything?x=1&id=C-1", "?id=C-*"),
        ("/anything?id=c-1", None),
        ("/anything?oid=C-1", None),
        ("/id=C-1", None),
        ("/?oid=O1237", "?oid=O*7"),
        ("/?oid=O&x=7", None),
        ("/", None),
        ("/own.js", None),
    ],
)
def test_a_path_or_a_query_is_a_mark_only_as_a_whole(url: str, rule: str | None) -> None:
    """Whole segments, whole parameters, in any order; a star stays within them."""
    path, _, query = url.partition("?")
    match = next(MARKS.find_path(path, query, runs=True), None)
    assert (match.rule if match else None) == rule


def test_a_mark_of_the_query_alone_counts_only_for_what_runs() -> None:
    """A picture of the site's own may have any identifier."""
    assert [*MARKS.find_path("/p.jpg", "id=C-1", runs=False)] == []
    assert [*MARKS.find_path("/counter.js", "", runs=False)] != []


@pytest.mark.parametrize(
    ("name", "attributes", "rule"),
    [
        ("script", {"data-counter-id": "7"}, "script[data-counter-id]"),
        ("script", {"data-counter-id": ""}, "script[data-counter-id]"),
        ("script", {"data-site": "s", "src": "/js/counter.min.js"}, "script[data-site][src*=counter]"),
        ("script", {"data-site": "s", "src": "/js/own.js"}, None),
        ("script", {"src": "/js/counter.min.js"}, None),
        ("div", {"data-counter-id": "7"}, None),
        ("amp-analytics", {"type": "counter"}, "amp-analytics[type=counter]"),
        ("amp-analytics", {"type": " other "}, "amp-analytics[type=other]"),
        ("amp-analytics", {"type": "counters"}, None),
        ("amp-analytics", {}, None),
        ("script", {"src": "/px?1"}, "script[src^=/px]"),
        ("script", {"src": "/a/px?1"}, None),
    ],
)
def test_a_tag_is_a_mark_when_it_meets_every_condition(name: str, attributes: dict[str, str], rule: str | None) -> None:
    """As a CSS selector."""
    given = {key.encode(): value for key, value in attributes.items()}
    match = next(MARKS.find_element(name.encode(), given, lambda key: given.get(key, "")), None)
    assert (match.rule if match else None) == rule


@pytest.mark.parametrize("mark", [*COUNTER.paths, *OTHER.paths])
def test_what_holds_a_mark_is_never_passed_over(mark: str) -> None:
    """The one pass over a tag's bytes that spares the closer look finds each mark."""
    for some in ("", "x1"):
        assert MARKS.may_stand_in(b'<script src="/a' + mark.replace("*", some).encode() + b'">')


@pytest.mark.parametrize(
    ("mark", "tag"),
    [
        ("script[data-counter-id]", b'<script src="/a.js" data-counter-id>'),
        ("script[id=counter-js]", b"<script id=counter-js src=/a.js>"),
        ("script[src^=/px/]", b'<script src="/px/a.js">'),
        ("script[src*=ounte]", b'<script src="/a/mycounter.js">'),
        ("script[src*=ounte][data-a]", b'<script src="/a/mycounter.js" data-a="1">'),
    ],
)
def test_a_tag_that_is_a_mark_is_never_passed_over(mark: str, tag: bytes) -> None:
    """However its condition compares."""
    assert Marks([Vendor("v", "V", Purpose.ANALYTICS, elements=(mark,))]).may_stand_in(tag)


def test_what_holds_no_mark_is_passed_over() -> None:
    """Without any mark too."""
    assert not MARKS.may_stand_in(b'<script src="/own.js?id=7" data-own="x">')
    assert not Marks([]).may_stand_in(b"<script src=/counter.js>")
    assert [*Marks([]).find_path("/counter.js", "", runs=True)] == []


@pytest.mark.parametrize(
    ("script", "rule"),
    [
        ("s.src='/counter.js'", "/counter.js"),
        ("s.src='https://stats.shop.example/counter.js?x=1'", "/counter.js"),
        ('s.src="//stats.shop.example:8080/a/b/counter.js"', "/counter.js"),
        ("s.src=`/a/counter.js`", "/counter.js"),
        ('s.src="https:\\/\\/stats.shop.example\\/counter.js"', "/counter.js"),
        ("i.src='/hit.php?site='+site", "/hit.php?site=*"),
        ("document.write(\"<script src='/counter.js'></script>\")", "/counter.js"),
        ("i.src='/hit.php?a=1&site=1'", None),
        ("s.src='/mycounter.js'", None),
        ("s.src='/counter.json'", None),
        ("// s.src='/counter.js'", None),
        ("var d='our script is /counter.js'", None),
        ('var c={"src":"/counter.js"}', None),
        ("s.src='counter.js'", None),
    ],
)
def test_a_script_that_loads_a_marked_file_is_the_vendor_s_snippet(script: str, rule: str | None) -> None:
    """Whichever host serves it; data and documentation that name it stay."""
    assert [match.rule for match in REGISTRY.find_inline(script.encode())] == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("w[l].push({'gtm.start':1,event:'gtm.js'})", True),
        ('dataLayer.push({ "gtm.start": 1 })', True),
        ("dataLayer.push({'event':'gtm.start'})", False),
        ("// dataLayer.push({'gtm.start':1})", False),
        ("var doc = \"dataLayer.push({'gtm.start':1})\"", False),
    ],
)
def test_a_call_may_be_told_by_the_first_key_of_what_it_gets(script: str, found: bool) -> None:
    """A loader that hides its address still says what it is."""
    registry = Registry([Vendor("gtm", "GTM", Purpose.MARKETING, inline=("push({'gtm.start'",))])
    assert bool(registry.find_inline(script.encode())) is found


@pytest.mark.parametrize(
    "mark", ["/script.*outbound-links*.js", "/a*a*a*a*b.js", "/x/*a*a/y/", "?q=*a*a*a*b", "/*aab*ab*.js"]
)
def test_a_long_address_takes_no_longer_than_its_length(mark: str) -> None:
    """However many stars a mark has."""
    marks = Marks([Vendor("v", "V", Purpose.ANALYTICS, paths=(mark,))])
    for unit in ("script.outbound-links", "a", "/x/a", "aa/y/"):
        text = unit * (200_000 // len(unit))
        start = time.perf_counter()
        assert [*marks.find_path(f"/{text}", f"q={text}", runs=True)] == []
        assert time.perf_counter() - start < 1
