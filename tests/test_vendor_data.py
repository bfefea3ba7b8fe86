"""The vendors that come with dntguard: complete, tidy, and never somebody else's cookie or script."""

import tomllib
from importlib.resources import files
from itertools import pairwise

import pytest

from dntguard.purposes import Purpose
from dntguard.vendors import Match, Registry, Vendor, load

REGISTRY = Registry.default()
VENDORS = {vendor.id: vendor for vendor in REGISTRY.vendors}
FILES = {
    file.name: file.read_text("utf-8") for file in (files("dntguard") / "data").iterdir() if file.name.endswith(".toml")
}
MARKS = [(vendor, mark) for vendor in REGISTRY.vendors for mark in vendor.inline]

N, F, A, M = Purpose
EXPECTED: dict[str, tuple[Purpose, str]] = {
    "google-analytics": (A, "www.google-analytics.com"),
    "google-tag-manager": (M, "www.googletagmanager.com"),
    "doubleclick": (M, "stats.g.doubleclick.net"),
    "google-ads": (M, "www.googleadservices.com"),
    "google-adsense": (M, "pagead2.googlesyndication.com"),
    "recaptcha": (N, "www.google.com/recaptcha/api.js"),
    "google-maps": (F, "maps.googleapis.com"),
    "google-fonts": (F, "fonts.googleapis.com"),
    "google-hosted-libraries": (N, "ajax.googleapis.com/ajax/libs/jquery/3.7.1/jquery.min.js"),
    "meta-pixel": (M, "connect.facebook.net/en_US/fbevents.js"),
    "tiktok-pixel": (M, "analytics.tiktok.com"),
    "linkedin-insight": (M, "snap.licdn.com"),
    "x-ads": (M, "static.ads-twitter.com"),
    "pinterest-tag": (M, "ct.pinterest.com"),
    "snap-pixel": (M, "sc-static.net"),
    "reddit-pixel": (M, "alb.reddit.com"),
    "microsoft-clarity": (A, "www.clarity.ms"),
    "bing-ads-uet": (M, "bat.bing.com"),
    "hotjar": (A, "static.hotjar.com"),
    "hubspot": (M, "js.hs-scripts.com"),
    "segment": (A, "cdn.segment.com"),
    "mixpanel": (A, "cdn.mxpnl.com"),
    "amplitude": (A, "cdn.amplitude.com"),
    "heap": (A, "cdn.heapanalytics.com"),
    "fullstory": (A, "edge.fullstory.com"),
    "matomo": (A, "shop.matomo.cloud"),
    "plausible": (A, "plausible.io"),
    "fathom": (A, "cdn.usefathom.com"),
    "adobe-analytics": (A, "shop.sc.omtrdc.net"),
    "adobe-target": (A, "shop.tt.omtrdc.net"),
    "adobe-launch": (M, "assets.adobedtm.com"),
    "adobe-audience-manager": (M, "dpm.demdex.net"),
    "criteo": (M, "static.criteo.net"),
    "taboola": (M, "cdn.taboola.com"),
    "outbrain": (M, "widgets.outbrain.com"),
    "quantcast": (M, "secure.quantserve.com"),
    "comscore": (A, "sb.scorecardresearch.com"),
    "chartbeat": (A, "static.chartbeat.com"),
    "parsely": (A, "cdn.parsely.com"),
    "new-relic": (A, "js-agent.newrelic.com"),
    "sentry": (F, "browser.sentry-cdn.com"),
    "datadog-rum": (A, "www.datadoghq-browser-agent.com"),
    "intercom": (F, "widget.intercom.io"),
    "zendesk": (F, "static.zdassets.com"),
    "drift": (F, "js.driftt.com"),
    "optimizely": (A, "cdn.optimizely.com"),
    "vwo": (A, "dev.visualwebsiteoptimizer.com"),
    "klaviyo": (M, "static.klaviyo.com"),
    "mailchimp": (M, "chimpstatic.com"),
    "youtube": (M, "www.youtube.com"),
    "vimeo": (F, "player.vimeo.com"),
    "disqus": (M, "shop.disqus.com"),
    "addthis": (M, "s7.addthis.com"),
    "sharethis": (M, "platform-api.sharethis.com"),
    "stripe": (N, "js.stripe.com"),
    "paypal": (N, "www.paypal.com"),
    "adyen": (N, "checkoutshopper-live.adyen.com"),
    "klarna": (N, "x.klarnacdn.net"),
    "hcaptcha": (N, "js.hcaptcha.com"),
    "cloudflare-turnstile": (N, "challenges.cloudflare.com"),
    "jsdelivr": (N, "cdn.jsdelivr.net"),
    "cdnjs": (N, "cdnjs.cloudflare.com"),
    "unpkg": (N, "unpkg.com"),
    "jquery-cdn": (N, "code.jquery.com"),
    "bootstrap-cdn": (N, "maxcdn.bootstrapcdn.com"),
    "adobe-fonts": (F, "use.typekit.net"),
    "cookiebot": (N, "consent.cookiebot.com"),
    "onetrust": (N, "cdn.cookielaw.org"),
}
"""Vendors that every site meets: the purpose they must have, and an address that they are known by."""

OWN_COOKIES = (
    "session sessionid session_id sid PHPSESSID JSESSIONID ASP.NET_SessionId ASPSESSIONIDABCD connect.sid "
    "_session_id laravel_session rack.session ci_session _shop_session __Host-session __Secure-session "
    ".AspNetCore.Session csrftoken csrf_token _csrf XSRF-TOKEN _xsrf __RequestVerificationToken authenticity_token "
    "remember_token remember_me auth auth_token token access_token refresh_token id_token jwt user user_id uid id "
    "next-auth.session-token wordpress_logged_in_0a1b wp-settings-1 messages flash django_language cart cart_id "
    "basket order wishlist currency country locale lang language i18next timezone tz theme dark_mode preferences "
    "settings prefs consent cookie_consent flags feature_flags variant experiment state nonce redirect visitor "
    "guest guest_id visits last_visit seen popup newsletter search filter sort view tab page step draft version "
    "build test debug env name email username account tenant org team project store shop site app client device "
    "uuid ref source referrer key value data info meta status AWSALB AWSALBCORS a b c x "
).split()
"""Names that sites give to their own cookies; in the default setting a refusal never takes them."""


def test_each_file_holds_the_vendors_of_the_purpose_it_is_named_after() -> None:
    """Four files, one per purpose."""
    assert set(FILES) == {f"{purpose}.toml" for purpose in Purpose}
    for name, text in FILES.items():
        assert {f"{vendor.purpose}.toml" for vendor in load(text)} == {name}


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_vendors_of_a_file_are_sorted(name: str) -> None:
    """An entry has one place, so a second entry for the same vendor shows."""
    ids = [entry["id"] for entry in tomllib.loads(FILES[name])["vendor"]]
    misplaced = [f"{after} belongs before {before}" for before, after in pairwise(ids) if after < before]
    assert not misplaced, f"dntguard/data/{name} is sorted by id: {misplaced[0]}"


def test_there_are_more_than_a_hundred_vendors_and_each_id_is_used_once() -> None:
    """Over all files."""
    assert len(REGISTRY.vendors) >= 100
    assert len(VENDORS) == len(REGISTRY.vendors)


def test_each_vendor_can_be_recognized_and_lists_nothing_twice() -> None:
    """By a host, a cookie or a snippet."""
    for vendor in REGISTRY.vendors:
        assert vendor.hosts or vendor.cookies or vendor.inline
        for listed in (vendor.hosts, vendor.cookies, vendor.inline, vendor.globals):
            assert len(set(listed)) == len(listed)


@pytest.mark.parametrize("vendor_id", EXPECTED)
def test_a_vendor_that_every_site_meets_is_known_for_what_it_is(vendor_id: str) -> None:
    """By its purpose and by the address that pages write."""
    purpose, address = EXPECTED[vendor_id]
    host, slash, path = address.partition("/")
    assert VENDORS[vendor_id].purpose is purpose
    assert REGISTRY.match_url(host, slash + path) is VENDORS[vendor_id]


def test_each_host_pattern_finds_its_own_vendor() -> None:
    """No other entry hides it, and a host that only ends in the same letters is not it."""
    for vendor in REGISTRY.vendors:
        for pattern in vendor.hosts:
            host, slash, path = pattern.partition("/")
            assert REGISTRY.find_url(host, slash + path) == Match(vendor, pattern)
            assert REGISTRY.match_url(f"sub.{host}", slash + path) is not None
            other = REGISTRY.find_url(f"not{host}", slash + path)
            assert other is None or other.rule != pattern


@pytest.mark.parametrize("name", OWN_COOKIES)
def test_a_sites_own_cookie_is_never_an_optional_vendors(name: str) -> None:
    """It is necessary, or nobody's."""
    match = REGISTRY.find_cookie(name)
    assert match is None or match.vendor.purpose is Purpose.NECESSARY


def test_no_cookie_pattern_of_an_optional_vendor_is_a_wide_net() -> None:
    """It keeps at least three characters that are the vendor's, and matches no generic name with a suffix."""
    for vendor in REGISTRY.vendors:
        if vendor.purpose is not Purpose.NECESSARY:
            assert all(len(pattern.replace("*", "")) >= 3 for pattern in vendor.cookies if "*" in pattern)
    for name in OWN_COOKIES:
        for suffix in ("_1", "-x", "_a1b2c3", ".s"):
            match = REGISTRY.find_cookie(name + suffix)
            assert match is None or match.vendor.purpose is Purpose.NECESSARY


def test_no_cookie_is_claimed_under_two_purposes() -> None:
    """Else its fate would depend on the order in which the files are read."""
    owners: dict[str, set[Purpose]] = {}
    for vendor in REGISTRY.vendors:
        for pattern in vendor.cookies:
            owners.setdefault(pattern, set()).add(vendor.purpose)
    assert [pattern for pattern, purposes in owners.items() if len(purposes) > 1] == []


def call_of(mark: str) -> str:
    """The whole call of a mark such as `fbq('init'`, `heap.load('` or `_gaq.push(['_setAccount'`."""
    arguments = mark.partition("(")[2]
    return mark + ("x'" if arguments.count("'") == 1 else "") + ("]" if "[" in arguments else "") + ")"


@pytest.mark.parametrize(("vendor", "mark"), MARKS, ids=lambda it: it if isinstance(it, str) else it.id)
def test_each_inline_mark_is_found_in_a_snippet_and_not_in_a_look_alike(vendor: Vendor, mark: str) -> None:
    """A comment, a JSON value, documentation and prose that name it stay."""
    if "(" in mark:
        said = call_of(mark)
        statement = said
    else:
        said = f"https://{mark}"
        statement = f"s.src='{said}?id=1'"
    snippet = f"var s=document.createElement('script');s.async=1;{statement};document.head.appendChild(s);"
    look_alikes = [
        f"// {statement}\nvar a=1;",
        f"/* {statement} */ var a=1;",
        f"<!-- {statement}\nvar a=1;",
        f'{{"url":"{said}","b":1}}',
        f'{{"url": "{said}"}}',
        f'["we used {said} once"]',
        f'var doc="Remove {said} from the page.";',
        f"var doc=`Remove {said} from the page.`;",
        f'el.innerHTML="<p>Remove {said} from the page.</p>";',
    ]
    assert (vendor, mark) in [(match.vendor, match.rule) for match in REGISTRY.find_inline(snippet.encode())]
    for text in look_alikes:
        assert REGISTRY.find_inline(text.encode()) == ()


def test_the_documented_examples_are_true() -> None:
    """What the documentation of `Registry` shows."""
    analytics = REGISTRY.match_host("www.google-analytics.com")
    assert analytics is not None
    assert (analytics.id, analytics.name, analytics.purpose) == ("google-analytics", "Google Analytics", "analytics")
    assert REGISTRY.match_cookie("_ga") is analytics
    assert REGISTRY.match_cookie("_ga_1A2B3C") is analytics
    assert REGISTRY.match_host("notgoogle-analytics.com") is None
    assert REGISTRY.match_host("google-analytics.com.shop.example") is None
    assert REGISTRY.match_host("shop.example") is None
    assert REGISTRY is Registry.default()
