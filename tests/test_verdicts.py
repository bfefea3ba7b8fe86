"""The verdicts: what is refused, by which rule, and what the site's own options change."""

import subprocess
import sys

import pytest

from dntguard.policy import Policy
from dntguard.purposes import ALL_PURPOSES, ALWAYS_GRANTED, Purpose
from dntguard.urls import Location, parse_page_url, resolve
from dntguard.vendors import Cookie, Registry, Vendor
from dntguard.verdicts import Refusal, Verdicts, verdicts_for

N, F, A, M = Purpose
PAGE = parse_page_url("https://www.shop.example/a")
SOURCE = "https://docs.example/"


def vendor(vendor_id: str, purpose: Purpose, hosts: list[str], cookies: list[str], inline: list[str]) -> Vendor:
    return Vendor(
        vendor_id,
        vendor_id.title(),
        purpose,
        SOURCE,
        hosts=tuple(hosts),
        cookies=tuple(map(Cookie, cookies)),
        inline=tuple(inline),
    )


REGISTRY = Registry(
    [
        vendor(
            "google-analytics",
            A,
            ["ga.example", "tags.example/ga/"],
            ["_ga", "_ga_*"],
            ["ga.example/ga.js", "ga('create'"],
        ),
        vendor("meta-pixel", M, ["px.example"], ["_fbp"], ["px.example/fb.js", "fbq('init'"]),
        vendor("intercom", F, ["chat.example"], ["intercom-*"], ["chat.example/w.js"]),
        vendor("stripe", N, ["pay.example"], ["__pay_mid"], ["pay.example/v3/"]),
    ]
)
"""Real ids, because a policy knows no others; hosts, cookies and snippets of our own."""


def verdicts(granted: frozenset[Purpose] = ALWAYS_GRANTED, **options: object) -> Verdicts:
    return Verdicts(Policy.from_mapping(options), granted, REGISTRY)


def host(judge: Verdicts, address: str, page: Location = PAGE, *, unclaimed: bool = True) -> str | None:
    """The rule that refuses a request to a host and path."""
    name, slash, path = address.partition("/")
    refusal = judge.host(Location("https", name, (slash + path) or "/"), page, unclaimed=unclaimed)
    return refusal.rule if refusal else None


def cookie(judge: Verdicts, name: str) -> str | None:
    refusal = judge.cookie(name)
    return refusal.rule if refusal else None


def inline(judge: Verdicts, text: bytes, page: Location = PAGE) -> str | None:
    refusal = judge.inline(text, page)
    return refusal.rule if refusal else None


# --- hosts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("ga.example", "ga.example"),
        ("eu.ga.example/x", "ga.example"),
        ("tags.example/ga/1.js", "tags.example/ga/"),
        ("tags.example/other", 'third_party: "remove"'),
        ("px.example", "px.example"),
        ("chat.example", "chat.example"),
        ("pay.example", None),
        ("www.shop.example", None),
        ("cdn.shop.example", None),
        ("shop.example", None),
        ("notshop.example", 'third_party: "remove"'),
        ("unknown.example", 'third_party: "remove"'),
        ("invalid.", 'third_party: "remove"'),
        ("192.0.2.1", 'third_party: "remove"'),
        ("", None),
    ],
)
def test_a_host_is_judged_by_whose_it_is(address: str, rule: str | None) -> None:
    """Nobody, the site itself, a vendor, or nobody's known; the rule names the pattern or the option."""
    assert host(verdicts(), address) == rule


def test_a_refusal_says_whose_and_what_for() -> None:
    """The vendor, the purpose and the rule; what is not known is None."""
    judge = verdicts()
    target = Location("https", "px.example", "/")
    assert judge.host(target, PAGE, unclaimed=True) == Refusal("meta-pixel", M, "px.example")
    unknown = Location("https", "unknown.example", "/")
    assert judge.host(unknown, PAGE, unclaimed=True) == Refusal(None, None, 'third_party: "remove"')
    assert judge.cookie("_ga_1") == Refusal("google-analytics", A, "_ga_*")
    assert judge.inline(b"fbq('init')", PAGE) == Refusal("meta-pixel", M, "fbq('init'")


@pytest.mark.parametrize("address", ["tags.example/other", "unknown.example"])
def test_unclaimed_hosts_stay_where_the_option_does_not_decide_or_keeps_them(address: str) -> None:
    """Images of unknown hosts are no scripts, and `third_party="keep"` keeps scripts."""
    assert host(verdicts(), address, unclaimed=False) is None
    assert host(verdicts(third_party="keep"), address) is None
    assert host(verdicts(third_party="keep"), "ga.example") == "ga.example"


@pytest.mark.parametrize(
    ("granted", "refused"),
    [
        ({N, F, A, M}, set()),
        ({N, F}, {"ga.example", "px.example"}),
        ({N, A}, {"px.example", "chat.example"}),
        ({N}, {"ga.example", "px.example", "chat.example"}),
    ],
)
def test_a_vendor_follows_its_purpose(granted: set[Purpose], refused: set[str]) -> None:
    """Granted purposes stay, the others go, and what is necessary always stays."""
    judge = verdicts(frozenset(granted))
    hosts = {"ga.example", "px.example", "chat.example", "pay.example"}
    assert {name for name in hosts if host(judge, name)} == refused


def test_a_visitor_who_refuses_nothing_loses_nothing() -> None:
    """Not even what nobody claims; there is nothing to do unless the site blocks something for everybody."""
    judge = verdicts(ALL_PURPOSES)
    assert host(judge, "unknown.example") is None
    assert cookie(verdicts(ALL_PURPOSES, cookies="all-but-necessary"), "unknown") is None
    assert (judge.refusing, judge.active) == (False, False)
    assert (verdicts().refusing, verdicts().active) == (True, True)


@pytest.mark.parametrize("options", [{"block": ["bad.example"]}, {"block_cookies": ["bad"]}])
def test_a_block_list_is_active_for_everybody(options: dict[str, object]) -> None:
    """Also for visitors who refuse nothing."""
    judge = verdicts(ALL_PURPOSES, **options)
    assert (judge.refusing, judge.active) == (False, True)


@pytest.mark.parametrize(
    ("page", "own", "foreign"),
    [
        ("http://localhost:8000/", "localhost", "app.localhost"),
        ("http://192.168.0.1/", "192.168.0.1", "192.168.0.2"),
        ("http://[::1]/", "[::1]", "[::2]"),
        ("https://a.github.io/", "x.a.github.io", "b.github.io"),
        ("https://github.io/", "github.io", "a.github.io"),
        ("https://www.shop.co.uk/", "cdn.shop.co.uk", "other.co.uk"),
        ("https://bücher.example/", "www.xn--bcher-kva.example", "bucher.example"),
    ],
)
def test_the_sites_own_hosts_share_its_registrable_domain(page: str, own: str, foreign: str) -> None:
    """On addresses, `localhost` and public suffixes only the host itself is its own."""
    location = parse_page_url(page)
    assert host(verdicts(), own, location) is None
    assert host(verdicts(), foreign, location) == 'third_party: "remove"'


def test_a_page_without_a_host_owns_nothing() -> None:
    """A request without a `Host` is judged by vendors and options alone."""
    nowhere = Location("http", "", "/")
    assert host(verdicts(), "shop.example", nowhere) == 'third_party: "remove"'


def test_first_party_hosts_are_the_sites_own_with_their_subdomains() -> None:
    """Even where a vendor claims them; hosts above them are not."""
    judge = verdicts(first_party=["cdn.shop-static.example", "ga.example"])
    assert host(judge, "cdn.shop-static.example") is None
    assert host(judge, "eu.cdn.shop-static.example") is None
    assert host(judge, "shop-static.example") == 'third_party: "remove"'
    assert host(judge, "ga.example") is None


def test_a_vendors_host_that_is_the_sites_own_stays() -> None:
    """The analytics vendor's own web site may load its own script."""
    page = parse_page_url("https://www.ga.example/")
    assert host(verdicts(), "ga.example", page) is None
    assert inline(verdicts(), b"s.src='//ga.example/ga.js'", page) is None
    assert inline(verdicts(), b"s.src='//px.example/fb.js'", page) == "px.example/fb.js"


# --- allow and block --------------------------------------------------------------------------------------------------


def test_an_allowed_host_stays_with_its_subdomains() -> None:
    """A vendor's and nobody's alike."""
    judge = verdicts(allow=["ga.example", "unknown.example"])
    for name in ("ga.example", "eu.ga.example", "unknown.example", "x.unknown.example"):
        assert host(judge, name) is None
    assert host(judge, "px.example") == "px.example"
    assert host(judge, "notunknown.example") == 'third_party: "remove"'


@pytest.mark.parametrize("granted", [ALWAYS_GRANTED, ALL_PURPOSES])
def test_a_blocked_host_goes_for_every_visitor(granted: frozenset[Purpose]) -> None:
    """Whatever the purpose, even the site's own, and even where unclaimed hosts stay."""
    judge = verdicts(granted, block=["pay.example", "old.shop.example"], third_party="keep")
    assert host(judge, "x.pay.example") == "block: pay.example"
    assert host(judge, "old.shop.example", unclaimed=False) == "block: old.shop.example"
    assert host(judge, "www.shop.example") is None


def test_the_longest_name_wins_between_allow_and_block() -> None:
    """In either direction."""
    judge = verdicts(allow=["good.bad.example", "ok.example"], block=["bad.example", "bad.ok.example"])
    assert host(judge, "bad.example") == "block: bad.example"
    assert host(judge, "x.good.bad.example") is None
    assert host(judge, "ok.example") is None
    assert host(judge, "x.bad.ok.example") == "block: bad.ok.example"


def test_a_vendor_id_stands_for_all_that_the_vendor_owns() -> None:
    """Its hosts, cookies and snippets stay when it is allowed, and go for everybody when it is blocked."""
    judge = verdicts(ALL_PURPOSES - {A}, allow=["google-analytics"], block=["stripe"])
    assert host(judge, "ga.example") is None
    assert cookie(judge, "_ga") is None
    assert inline(judge, b"ga('create')") is None
    assert inline(judge, b"s.src='//ga.example/ga.js'") is None
    everybody = verdicts(ALL_PURPOSES, block=["stripe"])
    for blocking in (judge, everybody):
        target = Location("https", "pay.example", "/v3/")
        assert blocking.host(target, PAGE, unclaimed=True) == Refusal("stripe", N, "block: stripe")
        assert cookie(blocking, "__pay_mid") == "block: stripe"
        assert inline(blocking, b"s.src='//pay.example/v3/'") == "block: stripe"


def test_a_host_by_name_wins_over_its_vendors_id() -> None:
    """The more exact word counts."""
    assert host(verdicts(allow=["ga.example"], block=["google-analytics"]), "ga.example") is None
    assert host(verdicts(allow=["google-analytics"], block=["ga.example"]), "ga.example") == "block: ga.example"


# --- snippets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"s.src='//ga.example/ga.js'", "ga.example/ga.js"),
        (b"fbq('init', 1)", "fbq('init'"),
        (b"s.src='//chat.example/w.js'", "chat.example/w.js"),
        (b"s.src='//pay.example/v3/'", None),
        (b"s.src='//pay.example/v3/';fbq('init')", "fbq('init'"),
        (b"console.log(1)", None),
        (b"", None),
        (b"\xff\x00", None),
    ],
)
def test_a_script_is_refused_for_its_first_refused_snippet(text: bytes, rule: str | None) -> None:
    """What stands before it and is granted does not save it; the second answer is the first one."""
    judge = verdicts()
    assert inline(judge, text) == rule
    assert inline(judge, text) == rule


def test_a_snippet_that_loads_from_a_named_host_follows_the_host() -> None:
    """Allowed it stays, blocked it goes for everybody."""
    allowing = verdicts(allow=["ga.example"])
    assert inline(allowing, b"s.src='//ga.example/ga.js'") is None
    blocking = verdicts(ALL_PURPOSES, block=["ga.example"])
    text = b"s.src='//ga.example/ga.js'"
    assert blocking.inline(text, PAGE) == Refusal("google-analytics", None, "block: ga.example")


def test_a_call_stays_when_its_vendors_host_is_allowed() -> None:
    """The loader stays, so its first call must too; another vendor's host changes nothing."""
    assert inline(verdicts(allow=["px.example"]), b"fbq('init')") is None
    assert inline(verdicts(allow=["ga.example"]), b"fbq('init')") == "fbq('init'"


def test_a_snippet_that_loads_from_a_first_party_host_stays() -> None:
    """A proxied script is the site's own."""
    assert inline(verdicts(first_party=["ga.example"]), b"s.src='//ga.example/ga.js'") is None


# --- cookies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("_ga", "_ga"),
        ("_ga_1A2B", "_ga_*"),
        ("_fbp", "_fbp"),
        ("intercom-id-x", "intercom-*"),
        ("__Host-_ga", "_ga"),
        ("__Secure-_ga_1", "_ga_*"),
        ("__secure-_fbp", "_fbp"),
        ("__Host-session", None),
        ("__Host-__Secure-_ga", None),
        ("_GA", None),
        ("x_ga", None),
        ("__pay_mid", None),
        ("sessionid", None),
        ("", None),
    ],
)
def test_a_refusal_takes_the_cookies_of_refused_vendors(name: str, rule: str | None) -> None:
    """And no others; `__Host-` and `__Secure-` say nothing of whose a cookie is."""
    assert cookie(verdicts(), name) == rule


def test_a_granted_vendors_cookie_stays() -> None:
    """The visitor said yes to its purpose."""
    assert cookie(verdicts(ALL_PURPOSES - {M}), "_ga") is None
    assert cookie(verdicts(ALL_PURPOSES - {M}), "_fbp") == "_fbp"


@pytest.mark.parametrize("granted", [ALWAYS_GRANTED, ALL_PURPOSES])
def test_cookie_patterns_of_the_site_come_first(granted: frozenset[Purpose]) -> None:
    """`allow_cookies` wins over `block_cookies`, and both over vendors, for every visitor."""
    judge = verdicts(granted, allow_cookies=["_ga*", "keep.x"], block_cookies=["__pay*", "_ga_no", "keep*"])
    assert cookie(judge, "_ga_no") is None
    assert cookie(judge, "__pay_mid") == "block_cookies"
    assert cookie(judge, "keep.x") is None
    assert cookie(judge, "keep_x") == "block_cookies"
    assert cookie(judge, "other") is None


def test_all_but_necessary_takes_what_nobody_claims() -> None:
    """ "We do not plant cookies": only what is necessary, declared or granted by name stays."""
    judge = verdicts(cookies="all-but-necessary", allow_cookies=["sessionid"], allow=["intercom"])
    assert cookie(judge, "sessionid") is None
    assert cookie(judge, "__pay_mid") is None
    assert cookie(judge, "__Secure-__pay_mid") is None
    assert cookie(judge, "intercom-id") is None
    assert judge.cookie("theme") == Refusal(None, None, 'cookies: "all-but-necessary"')
    assert judge.cookie("_ga") == Refusal("google-analytics", A, "_ga")


def test_all_but_necessary_takes_granted_vendors_cookies_of_a_visitor_who_refuses_something() -> None:
    """The promise is about cookies, not about purposes; the refusal names the vendor all the same."""
    judge = verdicts(ALL_PURPOSES - {M}, cookies="all-but-necessary")
    assert judge.cookie("_ga") == Refusal("google-analytics", A, 'cookies: "all-but-necessary"')


# --- building ---------------------------------------------------------------------------------------------------------


def test_verdicts_are_built_once_for_equal_policies() -> None:
    """With the vendors that come with dntguard."""
    first = verdicts_for(Policy(allow=("hotjar",)), ALWAYS_GRANTED)
    assert verdicts_for(Policy.from_mapping({"allow": ["hotjar"]}), ALWAYS_GRANTED) is first
    assert verdicts_for(Policy(allow=("hotjar",)), ALL_PURPOSES) is not first
    assert first.registry is Registry.default()
    assert host(first, "static.hotjar.com") is None
    assert host(first, "www.google-analytics.com") == "google-analytics.com"


def test_a_variant_has_another_name_after_every_change_that_could_change_a_page() -> None:
    policies = [Policy(), Policy(third_party="keep"), Policy(allow=("hotjar",)), Policy(first_party=("cdn.example",))]
    names = {verdicts_for(policy, granted).variant for policy in policies for granted in (ALL_PURPOSES, ALWAYS_GRANTED)}
    assert len(names) == 8
    few = Registry(Registry.default().vendors[:3])
    assert Verdicts(Policy(), ALWAYS_GRANTED, few).variant not in names
    assert Verdicts(Policy(on_report=print), ALWAYS_GRANTED, Registry.default()).variant in names


def test_a_variant_has_the_same_name_in_every_process() -> None:
    """Workers of one site must understand each other's validators, and sets have another order in each process."""
    program = (
        "from dntguard.policy import Policy; from dntguard.verdicts import verdicts_for;"
        "from dntguard.purposes import Purpose;"
        "print(verdicts_for(Policy(gpc_refuses={'marketing', 'functional'}), frozenset(Purpose)).variant)"
    )
    names = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(names) == 1


# --- tags that the site's own host serves, and entries of the site's own ----------------------------------------------

SELF_HOSTED = Registry(
    [
        Vendor(
            "matomo",
            "Matomo",
            A,
            hosts=("matomo.example",),
            paths=("/matomo.js", "/matomo.php?idsite=*", "?id=M-*"),
            elements=("script[data-matomo]", "amp-analytics[type=matomo]"),
        ),
        Vendor("cdn", "CDN", N, kind="cdn", hosts=("cdn.example",)),
        Vendor("shop-parts", "Parts", N, kind="payment", hosts=("parts.example",)),
    ]
)


def own(
    address: str, granted: frozenset[Purpose] = ALWAYS_GRANTED, *, runs: bool = True, **options: object
) -> str | None:
    """The rule that refuses an address, as a script or as a picture."""
    judge = Verdicts(Policy.from_mapping(options), granted, SELF_HOSTED)
    refusal = judge.host(resolve(address, PAGE), PAGE, unclaimed=runs, image=not runs)
    return refusal.rule if refusal else None


@pytest.mark.parametrize(
    ("address", "runs", "rule"),
    [
        ("/matomo.js", True, "/matomo.js"),
        ("https://stats.shop.example/a/matomo.js?v=1", True, "/matomo.js"),
        ("/gate?id=M-1", True, "?id=M-*"),
        ("/gate?id=M-1", False, None),
        ("/matomo.php?idsite=1", False, "/matomo.php?idsite=*"),
        ("/matomo.js", False, None),
        ("/own.js", True, None),
        ("https://cdn.example/a/matomo.js", True, "/matomo.js"),
        ("https://cdn.example/a/own.js", True, None),
        ("https://parts.example/matomo.js", True, None),
        ("https://nobody.example/matomo.js", True, "/matomo.js"),
        ("https://nobody.example/own.js", True, 'third_party: "remove"'),
        ("https://matomo.example/own.js", True, "matomo.example"),
    ],
)
def test_a_vendor_s_tag_is_refused_whoever_serves_it(address: str, runs: bool, rule: str | None) -> None:
    """The site itself, nobody, or a host of anybody's files; not a vendor that is known for its own."""
    assert own(address, runs=runs) == rule


def test_a_vendor_s_tag_on_the_site_s_own_host_follows_the_vendor() -> None:
    """When its purpose is granted, or the site allows the vendor or the host, it stays."""
    assert own("/matomo.js", frozenset({N, A})) is None
    assert own("/matomo.js", allow=["matomo"]) is None
    assert own("/matomo.js", allow=["shop.example"]) is None
    assert own("https://nobody.example/matomo.js", third_party="keep") == "/matomo.js"
    # On a host that nobody claims, a vendor that is granted is no reason to keep it; that the site allows it is one.
    assert own("https://nobody.example/matomo.js", frozenset({N, A})) == 'third_party: "remove"'
    assert own("https://nobody.example/matomo.js", allow=["matomo"]) is None


def test_a_tag_may_be_a_vendor_s_by_what_it_is() -> None:
    """And AMP's elements are for a purpose whether or not somebody claims their type."""
    judge = Verdicts(Policy(), ALWAYS_GRANTED, SELF_HOSTED)

    def element(name: bytes, **attributes: str) -> Refusal | None:
        given = {key.replace("_", "-").encode(): value for key, value in attributes.items()}
        return judge.element(name, given, lambda key: given.get(key, ""), PAGE)

    assert element(b"script", data_matomo="") == Refusal("matomo", A, "script[data-matomo]")
    assert element(b"script", data_other="") is None
    assert element(b"amp-analytics", type="matomo") == Refusal("matomo", A, "amp-analytics[type=matomo]")
    assert element(b"amp-analytics", type="other") == Refusal(None, A, "amp-analytics")
    judge = Verdicts(Policy(allow=("matomo",)), ALWAYS_GRANTED, SELF_HOSTED)
    assert element(b"amp-analytics", type="matomo") is None


def test_a_snippet_that_loads_the_site_s_own_collector_follows_the_vendor() -> None:
    """By the file, whichever host serves it; allowing one of the vendor's hosts, or the vendor, allows the snippet."""
    text = b"s.src='https://stats.shop.example/matomo.js'"
    assert inline(Verdicts(Policy(), ALWAYS_GRANTED, SELF_HOSTED), text) == "/matomo.js"
    assert inline(Verdicts(Policy(allow=("matomo",)), ALWAYS_GRANTED, SELF_HOSTED), text) is None
    stats = Verdicts(Policy(allow=("stats.shop.example",)), ALWAYS_GRANTED, SELF_HOSTED)
    assert inline(stats, text) is None
    assert inline(stats, b"s.src='/matomo.js'") == "/matomo.js"
    given = {b"src": "https://stats.shop.example/s.js", b"data-matomo": ""}
    assert stats.element(b"script", given, lambda name: given.get(name, ""), PAGE) is None
    source = b"s.src='https://eu.matomo.example/x.js'"
    assert inline(Verdicts(Policy(), ALWAYS_GRANTED, SELF_HOSTED), source) == "matomo.example"
    assert inline(Verdicts(Policy(allow=("eu.matomo.example",)), ALWAYS_GRANTED, SELF_HOSTED), source) is None
    assert inline(Verdicts(Policy(allow=("us.matomo.example",)), ALWAYS_GRANTED, SELF_HOSTED), source) is not None


def test_a_site_files_vendors_and_adds_its_own() -> None:
    """`purposes` and `vendors` count wherever verdicts do."""
    entry = {"id": "our-counter", "purpose": "analytics", "hosts": ["count.example"], "cookies": ["_ourc"]}
    policy = Policy.from_mapping({"purposes": {"hotjar": "functional"}, "vendors": [entry]})
    judge = verdicts_for(policy, frozenset({N, F}))
    hotjar, ours = (resolve(f"//{name}/x.js", PAGE) for name in ("static.hotjar.com", "count.example"))
    assert judge.host(hotjar, PAGE, unclaimed=True) is None
    assert judge.host(ours, PAGE, unclaimed=True) == Refusal("our-counter", A, "count.example")
    assert judge.cookie("_ourc") == Refusal("our-counter", A, "_ourc")
    assert judge.cookie("_hjid") is None
    assert judge.variant != verdicts_for(Policy(), frozenset({N, F})).variant
    plain = verdicts_for(Policy(), frozenset({N, F}))
    assert plain.host(hotjar, PAGE, unclaimed=True) is not None
