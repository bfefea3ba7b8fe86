"""Whom a page or a recorded visit asks: each host once, with who it is and how often."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.policy import Policy
from dntguard.purposes import Purpose
from dntguard.third_parties import ThirdParty, in_har, in_page
from dntguard.vendors import Cookie, Match, Vendor

ACME = Vendor(
    "acme",
    "Acme",
    Purpose.ANALYTICS,
    hosts=("acme.example", "cdn.example/acme/"),
    cookies=(Cookie("_acme"),),
    inline=("acme('init'",),
    paths=("/acme.js",),
)
CDN = Vendor("cdn", "CDN", Purpose.NECESSARY, kind="cdn", hosts=("cdn.example",))
POLICY = Policy(vendors=(ACME, CDN), first_party=("static.example",))
PAGE = "https://www.shop.example/a"


def brief(parties: list[ThirdParty]) -> list[tuple[str, str, int, str | None]]:
    return [(party.kind, party.what, party.times, party.match.vendor.id if party.match else None) for party in parties]


def test_a_page_asks_hosts_by_its_elements_and_vendors_by_its_scripts() -> None:
    """Not the site's own hosts, not what only names a host; a shared host's file tells more than the host."""
    html = """<!doctype html><link rel=stylesheet href=//cdn.example/a.css><link rel=canonical href=//nobody.example/>
    <script src=https://t.acme.example/t.js></script><SCRIPT SRC=//t.acme.example/u.js></SCRIPT>
    <script>acme('init', 1); acme('init', 2)</script><script type=application/json>acme('init')</script>
    <script>var own = 1</script><script src=/stats/acme.js></script><script src=//static.shop.example/own.js></script>
    <img srcset="//img.example/1.png 1x, //img.example/2.png 2x"><script src=//cdn.example/acme/x.js></script>
    <script src=//cdn.example/lib/acme.js></script><script src="http://["></script><img src=data:,>"""
    assert brief(in_page(html.encode(), PAGE, POLICY)) == [
        ("host", "img.example", 2, None),
        ("host", "t.acme.example", 2, "acme"),
        ("host", "cdn.example", 1, "cdn"),
        ("host", "cdn.example", 1, "acme"),
        ("host", "cdn.example", 1, "acme"),
        ("inline-script", "acme('init', 1); acme('init', 2)", 1, "acme"),
        ("path", "www.shop.example/stats/acme.js", 1, "acme"),
    ]


def test_what_styles_bases_and_attributes_say_counts() -> None:
    """A relative address is relative to the first base; what is declared first party is the site's own."""
    html = b"""<base href=//t.acme.example/a/><base href=/own/><script src=t.js></script>
    <img src="//static.example/x?a=1"><style>a{background:url(//cdn.example/a.png)}</style>
    <script data-website-id=1 src=//static.example/u.js></script>"""
    assert brief(in_page(html, PAGE, POLICY)) == [
        ("host", "cdn.example", 1, "cdn"),
        ("host", "t.acme.example", 1, "acme"),
        ("tag", "script[data-website-id]", 1, "umami"),
    ]


def test_a_long_style_and_a_long_script_are_read_in_pieces() -> None:
    """Over the limit too, where a script may be read twice in parts."""
    policy = Policy(vendors=(ACME,), max_undecided=1024)
    style = (
        b"<style>" + b"a{color:red}" * 3000 + b"b{background:url(//t.acme.example/a.png)}" + b"c{}" * 9000 + b"</style>"
    )
    assert brief(in_page(style, PAGE, policy)) == [("host", "t.acme.example", 1, "acme")]
    script = b"<script>" + b"own();" * 5000 + b"</script><script>" + b"own();" * 5000 + b"acme('init')</script>"
    assert {(party.kind, party.match) for party in in_page(script, PAGE, policy)} == {
        ("inline-script", Match(ACME, "acme('init'"))
    }


def entry(url: str, sent: list[str] | None = None, got: list[str] | None = None) -> dict[str, object]:
    return {
        "request": {"url": url, "cookies": [{"name": name} for name in sent or []]},
        "response": {"cookies": [{"name": name} for name in got or []]},
    }


def test_a_recorded_visit_asks_hosts_and_has_cookies() -> None:
    """The page is the first request's, unless somebody says otherwise."""
    har = {
        "log": {
            "entries": [
                entry(PAGE, sent=["_acme", "session"], got=["session"]),
                entry("https://acme.example/t?x=1"),
                entry("https://acme.example/u"),
                entry("https://www.shop.example/acme.js"),
                entry("wss://live.example/"),
                {"request": {"url": "https://cdn.example/x"}},
                {},
                7,
                {"request": {"url": 7, "cookies": 5}, "response": {"cookies": [7, {"name": 7}]}},
            ]
        }
    }
    found = brief(in_har(har, None, POLICY))
    assert found == [
        ("cookie", "session", 2, "site-own"),
        ("cookie", "_acme", 1, "acme"),
        ("host", "acme.example", 2, "acme"),
        ("host", "cdn.example", 1, "cdn"),
        ("host", "live.example", 1, None),
        ("path", "www.shop.example/acme.js", 1, "acme"),
    ]
    other = brief(in_har(har, "https://acme.example/", POLICY))
    assert ("host", "www.shop.example", 1, None) in other
    assert ("host", "acme.example", 2, "acme") not in other


@pytest.mark.parametrize("har", [7, [], {}, {"log": 7}, {"log": {}}, {"log": {"entries": 7}}])
def test_what_is_no_har_is_told(har: object) -> None:
    """There is nothing to count in it."""
    with pytest.raises(ValueError, match=r"no HAR: there is no list log\.entries"):
        in_har(har, PAGE, POLICY)


def test_an_empty_visit_needs_a_page() -> None:
    """With one it asks nobody."""
    with pytest.raises(ValueError, match="the HAR holds no request; say which page it is"):
        in_har({"log": {"entries": []}}, None, POLICY)
    assert in_har({"log": {"entries": []}}, PAGE, POLICY) == []


def test_a_page_needs_an_address() -> None:
    """Else nothing says what is first party."""
    with pytest.raises(ValueError, match="not an absolute http or https address"):
        in_page(b"<p>", "/a", POLICY)


@given(
    st.lists(
        st.sampled_from(
            ["<script", " src=//a.example/", ">", "</script>", "acme('init')", "<!--", "'", "\udcff", "<img"]
        )
    )
)
def test_no_page_raises(pieces: list[str]) -> None:
    """However broken it is."""
    in_page("".join(pieces).encode("utf-8", "surrogateescape"), PAGE, POLICY)
