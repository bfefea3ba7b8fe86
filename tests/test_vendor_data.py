"""The vendors that come with dntguard: complete, tidy, and never somebody else's cookie or script."""

import pytest

from dntguard.purposes import Purpose
from dntguard.urls import parents
from dntguard.vendors import Match, Registry, Vendor, load
from dntguard.vendors.checks import count, faults
from dntguard.vendors.registry import CURATED, LONG_TAIL_ID, compiled, sources
from dntguard.vendors.schema import CONDITION, ELEMENT_MARK

REGISTRY = Registry.default()
VENDORS = {vendor.id: vendor for vendor in REGISTRY.vendors}
CURATED_VENDORS = [vendor for vendor in REGISTRY.vendors if not vendor.id.startswith(LONG_TAIL_ID)]
MARKS = [(vendor, mark) for vendor in REGISTRY.vendors for mark in vendor.inline]
PATHS = [(vendor, mark) for vendor in REGISTRY.vendors for mark in vendor.paths]
ELEMENTS = [(vendor, mark) for vendor in REGISTRY.vendors for mark in vendor.elements]

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

NECESSARY_COOKIES = (
    "session sessionid csrftoken XSRF-TOKEN remember_token cart locale PHPSESSID JSESSIONID ASP.NET_SessionId "
    "connect.sid _csrf __RequestVerificationToken laravel_session ci_session rack.session __Host-session "
    "next-auth.session-token wordpress_logged_in_0a1b2c3d woocommerce_cart_hash django_language "
    "AWSALB AWSALBCORS AWSALBTG AWSALBTGCORS AWSELB ARRAffinity ARRAffinitySameSite BIGipServerpool GCLB "
    "SERVERID JSESSIONIDSSO __cflb __cf_bm cf_clearance _cfuvid datadome _abck bm_sz ak_bmsc bm_sv _px3 _pxhd _pxvid "
    "incap_ses_1_2 visid_incap_1 nlbi_1 reese84 aws-waf-token __stripe_mid __stripe_sid OptanonConsent "
    "CookieConsent euconsent-v2 didomi_token"
).split()
"""What the issue of every site's cookies must keep: framework, balancer, bot defence, payment, consent."""

OWN_ADDRESSES = (
    "/ /index.html /app.js /static/js/main.8f3a1c.js /js/script.js /tracker.js /analytics.js /stats.js /collect "
    "/g/collect /track /pixel.gif /events /api/events /api/event /api/collect /js/analytics.js /gtag /gtm /tag.js "
    "/matomo /piwik /plausible /wp-includes/js/jquery/jquery.min.js /wp-content/themes/x/script.js "
    "/wp-content/plugins/woocommerce/assets/js/cart.js /assets/application.js /search?q=GTM-1 /product?id=12 "
    "/product?id=g-12 /page?site=7&idsite=1 /a.js?id=1&v=2 /img/p.png?id=AB-12 /posthog /ingest /event?name=click "
    "/cdn-cgi/scripts/5c5dd728/cloudflare-static/email-decode.min.js /cdn-cgi/challenge-platform/h/b/orchestrate.js "
    "/_next/static/chunks/main.js /_nuxt/entry.js /build/app.css /robots.txt /favicon.ico /umami.html /count"
).split()
"""Addresses that a site's own pages may have."""


def test_the_data_files_keep_every_rule() -> None:
    """What `make check` asks too: the schema, the order, ids, hosts, cookies, kinds, sources, and the compiled file."""
    assert "\n".join(faults(sources(), compiled(CURATED))) == ""


def test_the_registry_is_what_the_files_say() -> None:
    """The curated entries, file by file, and after them the long tail."""
    curated = [vendor for _, text in sorted(sources().items()) for vendor in load(text)]
    assert list(REGISTRY.vendors[: len(curated)]) == curated
    assert all(vendor.id.startswith(LONG_TAIL_ID) for vendor in REGISTRY.vendors[len(curated) :])
    assert not any(vendor.id.startswith(LONG_TAIL_ID) for vendor in curated)


def test_there_are_as_many_vendors_and_facts_as_we_say() -> None:
    """The numbers that `python -m dntguard vendors --stats` prints."""
    curated = count(CURATED_VENDORS)["all"]
    assert curated["vendors"] >= 600
    assert curated["with inline"] >= 120
    assert curated["with globals"] >= 40
    everything = count(REGISTRY.vendors)["all"]
    assert everything["hosts"] >= 2000
    assert everything["cookies"] >= 500


def test_the_long_tail_says_nothing_of_what_a_curated_entry_knows() -> None:
    """Neither of its hosts nor of a domain above them; and it may not be asked about cookies or snippets."""
    known = {name for vendor in CURATED_VENDORS for host in vendor.hosts for name in parents(host.partition("/")[0])}
    own = Registry(CURATED_VENDORS)
    for vendor in REGISTRY.vendors[len(CURATED_VENDORS) :]:
        assert not known.intersection(vendor.hosts)
        assert not any(own.match_host(host) for host in vendor.hosts)
        assert not any((vendor.cookies, vendor.inline, vendor.paths, vendor.elements))


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
    """It is necessary, or nobody's; with a suffix too."""
    for suffix in ("", "_1", "-x", "_a1b2c3", ".s"):
        match = REGISTRY.find_cookie(name + suffix)
        assert match is None or match.vendor.purpose is Purpose.NECESSARY


@pytest.mark.parametrize("name", NECESSARY_COOKIES)
def test_cookies_that_a_site_cannot_do_without_are_known_as_necessary(name: str) -> None:
    """Sessions, forgery tokens, carts, load balancers and bot defence: `cookies="all-but-necessary"` keeps them."""
    match = REGISTRY.find_cookie(name)
    assert match is not None
    assert match.vendor.purpose is Purpose.NECESSARY


@pytest.mark.parametrize(("vendor", "mark"), PATHS, ids=lambda it: it if isinstance(it, str) else it.id)
def test_each_path_mark_finds_its_own_vendor(vendor: Vendor, mark: str) -> None:
    """On a site's own host, in whatever folder."""
    path, _, query = mark.replace("*", "x1").partition("?")
    assert Match(vendor, mark) in [
        *REGISTRY.find_path(f"/stats{path or '/t'}{'x.js' if path.endswith('/') else ''}", query, runs=True)
    ]
    assert REGISTRY.may_be_marked(f'<script src="{path}?{query}">'.encode())


@pytest.mark.parametrize("address", OWN_ADDRESSES)
def test_a_site_s_own_file_is_no_vendor_s(address: str) -> None:
    """Whatever a site calls its scripts, pictures and pages."""
    path, _, query = address.partition("?")
    marks = REGISTRY.find_path(path, query, runs=True)
    assert [match.rule for match in marks if match.vendor.purpose is not Purpose.NECESSARY] == []


@pytest.mark.parametrize(("vendor", "mark"), ELEMENTS, ids=lambda it: it if isinstance(it, str) else it.id)
def test_each_element_mark_finds_its_own_vendor(vendor: Vendor, mark: str) -> None:
    """In a tag that has what the selector asks for, and nothing else."""
    found = ELEMENT_MARK(mark)
    assert found is not None
    given = {name.encode(): value for name, _, value in CONDITION.findall(found[2])}
    matches = [*REGISTRY.find_element(found[1].encode(), given, lambda name: given.get(name, ""))]
    assert Match(vendor, mark) in matches
    others = dict(list(given.items())[1:])
    without = REGISTRY.find_element(found[1].encode(), others, lambda name: others.get(name, ""))
    assert Match(vendor, mark) not in [*without]


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
