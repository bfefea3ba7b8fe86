"""The rewriter: named cases from one table, the policy's options, and the records of what was removed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import Literal

import pytest

from dntguard.consent import Consent
from dntguard.policy import Policy
from dntguard.purposes import ALL_PURPOSES, Purpose
from dntguard.report import Removal
from dntguard.rewriter import MOST_REMOVALS, Rewriter, forget, rewrite
from dntguard.rewriter.tags import tag_judge
from tests.cases_markup import ALL, BAD, Case
from tests.oracles import PAGE, refusals
from tests.strategies import at_every_chunking, cut

GRANT_ALL = Consent(ALL_PURPOSES)


def run(chunks: Iterable[bytes]) -> bytes:
    rewriter = Rewriter(None, None, PAGE)
    return b"".join([*map(rewriter.feed, chunks), rewriter.close()])


def under(html: bytes, **options: object) -> bytes:
    return rewrite(html, page_url=PAGE, policy=Policy.from_mapping(options))


# --- the table --------------------------------------------------------------------------------------------------------


def test_each_case_has_a_name_of_its_own() -> None:
    assert len({case.says for case in ALL}) == len(ALL)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.says)
def test_each_case_comes_out_as_the_table_says_at_every_chunking(case: Case) -> None:
    assert at_every_chunking(run, case.html) == case.out


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.says)
def test_no_parser_sees_anything_refused_in_what_comes_out_of_a_case(case: Case) -> None:
    assert refusals(case.out) == {}


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.says)
def test_what_comes_out_of_a_case_stays_as_it_is(case: Case) -> None:
    assert rewrite(case.out, page_url=PAGE) == case.out


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.says)
def test_a_case_comes_through_untouched_when_everything_is_granted(case: Case) -> None:
    assert rewrite(case.html, page_url=PAGE, consent=GRANT_ALL) == case.html


# --- arguments --------------------------------------------------------------------------------------------------------


def test_a_str_is_encoded_as_utf_8() -> None:
    assert rewrite("é" + BAD.decode(), page_url=PAGE) == "é<!---->".encode()


@pytest.mark.parametrize(
    "url", ["", "/page", "shop.example", "ftp://shop.example/", "https://", "https://a b/", "data:,x"]
)
def test_a_page_needs_an_absolute_http_address(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        rewrite(b"", page_url=url)


@pytest.mark.parametrize(
    ("page", "script"),
    [
        ("http://localhost:8000/", b"http://localhost:9000/a.js"),
        ("http://127.0.0.1/", b"//127.1/a.js"),
        ("http://[::1]/", b"//[0:0::1]/a.js"),
        ("https://SHOP.Example./", b"//shop.example/a.js"),
        ("https://b\u00fccher.example/", b"//xn--bcher-kva.example/a.js"),
        ("https://a.co.uk/", b"//b.a.co.uk/a.js"),
    ],
)
def test_the_site_s_own_scripts_stay_whatever_its_host(page: str, script: bytes) -> None:
    html = b"<script src='" + script + b"'></script>"
    assert rewrite(html, page_url=page) == html


@pytest.mark.parametrize(
    ("page", "script"),
    [
        ("http://127.0.0.1/", b"//127.0.0.2/a.js"),
        ("http://localhost/", b"//a.localhost.example/a.js"),
        ("https://a.co.uk/", b"//b.co.uk/a.js"),
        ("https://me.github.io/", b"//you.github.io/a.js"),
    ],
)
def test_a_neighbor_is_a_third_party(page: str, script: bytes) -> None:
    assert rewrite(b"<script src='" + script + b"'></script>", page_url=page) == b"<!---->"


# --- options ----------------------------------------------------------------------------------------------------------

NOBODYS = b"<script src=//cdn.nobody-knows.example/a.js></script>"
GOOGLE = b"<script src=https://www.google-analytics.com/a.js></script>"
META = b"<script src=https://connect.facebook.net/en_US/fbevents.js></script>"
STRIPE = b"<script src=https://js.stripe.com/v3/></script>"
OWN = b"<script src=/a.js></script>"
EVERY = NOBODYS + GOOGLE + META + STRIPE + OWN


def test_without_options_all_but_the_necessary_and_the_site_s_own_go() -> None:
    assert under(EVERY) == b"<!---->" * 3 + STRIPE + OWN


def test_third_party_keep_keeps_what_no_vendor_claims() -> None:
    assert under(EVERY, third_party="keep") == NOBODYS + b"<!---->" * 2 + STRIPE + OWN


@pytest.mark.parametrize("entry", ["cdn.nobody-knows.example", "nobody-knows.example", "*.nobody-knows.example"])
def test_an_allowed_host_stays_with_its_subdomains(entry: str) -> None:
    assert under(EVERY, allow=[entry]) == NOBODYS + b"<!---->" * 2 + STRIPE + OWN


def test_an_allowed_vendor_stays() -> None:
    assert under(META + GOOGLE, allow=["meta-pixel"]) == META + b"<!---->"


def test_an_allowed_vendor_s_snippet_stays() -> None:
    snippet = b"<script>fbq('init', '1');</script>"
    assert under(snippet, allow=["meta-pixel"]) == snippet


def test_a_blocked_host_goes_with_its_subdomains() -> None:
    assert under(STRIPE + OWN, block=["stripe.com"]) == b"<!---->" + OWN


def test_a_blocked_host_goes_even_when_everything_is_granted() -> None:
    out = rewrite(EVERY, page_url=PAGE, policy=Policy(block=("js.stripe.com",)), consent=GRANT_ALL)
    assert out == NOBODYS + GOOGLE + META + b"<!---->" + OWN


def test_the_longer_of_an_allowed_and_a_blocked_name_wins() -> None:
    html = b"<script src=//a.nobody-knows.example/></script><script src=//b.nobody-knows.example/></script>"
    allowed = under(html, block=["nobody-knows.example"], allow=["a.nobody-knows.example"])
    assert allowed == b"<script src=//a.nobody-knows.example/></script><!---->"


def test_a_first_party_host_is_the_site_s_own() -> None:
    assert under(NOBODYS, first_party=["nobody-knows.example"]) == NOBODYS


def test_only_the_refused_purposes_go() -> None:
    analytics_only = Consent(frozenset({Purpose.NECESSARY, Purpose.FUNCTIONAL, Purpose.ANALYTICS}))
    assert rewrite(GOOGLE + META, page_url=PAGE, consent=analytics_only) == GOOGLE + b"<!---->"


def test_report_only_changes_nothing_and_reports() -> None:
    rewriter = Rewriter(Policy(report_only=True), None, PAGE)
    assert [rewriter.feed(chunk) for chunk in cut(EVERY, [10])] == list(cut(EVERY, [10]))
    assert rewriter.close() == b""
    assert rewriter.removal_count == 3


def test_a_reference_of_thousands_of_digits_in_an_svg_script_is_no_character() -> None:
    html = b"<svg><script>&#" + b"1" * 5000 + b";&#x" + b"f" * 5000 + b"</script></svg>"
    assert rewrite(html, page_url=PAGE) == html


def granting(*purposes: Purpose) -> Consent:
    return Consent(frozenset({Purpose.NECESSARY, *purposes}))


def test_what_is_for_a_granted_purpose_stays() -> None:
    html = b"<iframe src=/a browsingtopics></iframe><amp-ad></amp-ad><p data-dntguard=marketing>x</p>"
    assert rewrite(html, page_url=PAGE, consent=granting(Purpose.MARKETING)) == html
    out = b"<iframe src=/a ></iframe><!----><!---->"
    assert rewrite(html, page_url=PAGE, consent=granting(Purpose.ANALYTICS)) == out
    pixel = b"<amp-analytics></amp-analytics>"
    assert rewrite(pixel, page_url=PAGE, consent=granting(Purpose.ANALYTICS)) == pixel


def _inside(document: bytes, times: int) -> bytes:
    for _ in range(times):
        document = b'<iframe srcdoc="' + document.replace(b"&", b"&amp;").replace(b'"', b"&quot;") + b'"></iframe>'
    return document


@pytest.mark.parametrize(("times", "changed"), [(4, True), (6, True)])
def test_documents_in_documents_are_read_to_a_depth_and_taken_out_below(times: int, changed: bool) -> None:
    own = _inside(b"<p>own</p>", times)
    assert (under(own) != own) is (times > 4)
    refused = _inside(GOOGLE, times)
    assert (under(refused) != refused) is changed
    assert b"google" not in under(refused)


def test_documents_in_addresses_are_read_to_a_depth_too() -> None:
    document = b"<p>own</p>"
    for _ in range(6):
        document = b"<iframe src='data:text/html;base64," + b64encode(document) + b"'></iframe>"
    assert under(document) == b"<!---->"
    assert under(document, on_undecidable="keep") == document


def test_verdicts_can_be_forgotten() -> None:
    rewrite(GOOGLE, page_url=PAGE)
    assert tag_judge.cache_info().currsize > 0
    forget()
    assert tag_judge.cache_info().currsize == 0


def test_a_sheet_over_the_limit_is_rewritten_while_it_comes() -> None:
    sheet = b"a{b:url(//static.hotjar.com/x)}" + b"c{d:e}" * 500 + b"f{g:url(//static.hotjar.com/y"
    for end in (b")}</style>x", b""):
        rewriter = Rewriter(Policy(max_undecided=1024), None, PAGE)
        page = b"<style>" + sheet + end
        out = b"".join(map(rewriter.feed, cut(page, [100]))) + rewriter.close()
        assert out == page.replace(b"//static.hotjar.com/x", b"data:,").replace(b"//static.hotjar.com/y", b"data:,")
        assert [removal.kind for removal in rewriter.removals] == ["css", "css"]


@pytest.mark.parametrize(
    ("rest", "reported"),
    [
        (b"go();" * 4000 + b"</script>", True),
        (b"</script>", True),
        (b"", False),  # a script that never ends does not run
    ],
)
def test_a_mark_in_the_rest_of_a_script_over_the_limit_is_reported(rest: bytes, reported: bool) -> None:
    script = b"<script>" + b"go();" * 3000 + b"fbq('init', 1);" + rest
    rewriter = Rewriter(Policy(max_undecided=10_000), None, PAGE)
    assert b"".join(map(rewriter.feed, cut(script, [100]))) + rewriter.close() == script
    found = [(removal.kind, removal.vendor) for removal in rewriter.removals]
    assert found == ([("late-script", "meta-pixel")] if reported else [])


# --- the limit --------------------------------------------------------------------------------------------------------

OVER = b"<script a='" + b"x" * 5000 + b"' src=/a.js></script>"


def test_a_tag_over_the_limit_goes_when_the_undecidable_is_removed() -> None:
    rewriter = Rewriter(Policy(max_undecided=1024), None, PAGE)
    assert b"".join(map(rewriter.feed, cut(OVER, [100]))) + rewriter.close() == b"<!---->"
    (removal,) = rewriter.removals
    assert removal.kind == "markup"
    assert removal.rule == 'on_undecidable: "remove"'
    assert removal.what.startswith("<script a='xxx")
    assert len(removal.what) <= 300


def test_a_tag_over_the_limit_stays_when_the_undecidable_is_kept() -> None:
    rewriter = Rewriter(Policy(max_undecided=1024, on_undecidable="keep"), None, PAGE)
    assert b"".join(map(rewriter.feed, cut(OVER, [100]))) + rewriter.close() == OVER
    assert not rewriter.removals


def test_a_drawing_s_tag_over_the_limit_stays_and_what_follows_is_read_warily() -> None:
    rewriter = Rewriter(Policy(max_undecided=1024, on_undecidable="keep"), None, PAGE)
    chunks = [b"<svg a='" + b"x" * 2000, b"y'>", b"<style>", BAD, b"</style>", BAD]
    assert b"".join(map(rewriter.feed, chunks)) + rewriter.close() == b"".join(chunks[:-1]) + b"<!---->"


def test_what_may_be_a_cdata_section_stays_when_the_undecidable_is_kept() -> None:
    page = b"<svg></x><![CDATA[a>" + BAD + b"]]>"
    assert rewrite(page, page_url=PAGE, policy=Policy(on_undecidable="keep")) == b"<svg></x><![CDATA[a><!---->]]>"


@pytest.mark.parametrize(("undecidable", "out"), [("remove", b"<!---->"), ("keep", b"<script src=x.js></script>")])
def test_a_relative_script_after_too_many_bases_is_undecidable(
    undecidable: Literal["remove", "keep"], out: bytes
) -> None:
    bases = b"".join(b"<base href='https://own%d.shop.example/'>" % number for number in range(9))
    policy = Policy(on_undecidable=undecidable)
    assert rewrite(bases + b"<script src=x.js></script>", page_url=PAGE, policy=policy) == bases + out


def test_a_data_block_is_never_held_back() -> None:
    rewriter = Rewriter(None, None, PAGE)
    block = b"<script type=application/ld+json>" + b'{"a": "b"},' * 1000
    assert len(rewriter.feed(block)) >= len(block) - 16


def test_an_inline_script_over_the_limit_is_judged_by_what_was_seen() -> None:
    rewriter = Rewriter(Policy(max_undecided=1024), None, PAGE)
    page = b"<script>fbq('init', '1');" + b"go();" * 1000 + b"</script>x"
    assert b"".join(map(rewriter.feed, cut(page, [100]))) + rewriter.close() == b"<!---->x"


# --- the records ------------------------------------------------------------------------------------------------------


def test_each_removal_says_what_who_and_why() -> None:
    rewriter = Rewriter(None, None, PAGE)
    rewriter.feed(GOOGLE + b"<script>\n  fbq('init',\n '1');</script>" + NOBODYS)
    rewriter.feed(b"<img src=//www.google-analytics.com/p.gif><iframe src='&#x2f;/cdn.nobody-knows.example'></iframe>")
    rewriter.feed(b"<link rel=preload href=//static.hotjar.com/a.js><select><style><p b=<!-- </style></select>")
    rewriter.close()
    third_party = 'third_party: "remove"'
    analytics, marketing = Purpose.ANALYTICS, Purpose.MARKETING
    assert rewriter.removals == [
        Removal(
            "script", "https://www.google-analytics.com/a.js", "google-analytics", analytics, "google-analytics.com"
        ),
        Removal("inline-script", "fbq('init', '1');", "meta-pixel", marketing, "fbq('init'"),
        Removal("script", "//cdn.nobody-knows.example/a.js", None, None, third_party),
        Removal("img", "//www.google-analytics.com/p.gif", "google-analytics", analytics, "google-analytics.com"),
        Removal("iframe", "//cdn.nobody-knows.example", None, None, third_party),
        Removal("link", "//static.hotjar.com/a.js", "hotjar", analytics, "hotjar.com"),
        Removal("markup", "<style>", None, None, 'on_undecidable: "remove"'),
    ]
    assert rewriter.removal_count == 7


def test_a_blocked_host_s_removal_names_the_option() -> None:
    rewriter = Rewriter(Policy(block=("stripe.com",)), None, PAGE)
    rewriter.feed(STRIPE)
    assert rewriter.removals == [Removal("script", "https://js.stripe.com/v3/", None, None, "block: stripe.com")]


def test_a_page_of_nothing_but_trackers_keeps_a_bounded_record() -> None:
    rewriter = Rewriter(None, None, PAGE)
    for _ in range(11):
        rewriter.feed(BAD * 1000)
    assert len(rewriter.removals) == MOST_REMOVALS
    assert rewriter.removal_count == 11_000


def test_a_long_address_or_snippet_is_cut_in_the_record() -> None:
    rewriter = Rewriter(None, None, PAGE)
    rewriter.feed(
        b"<img src=//static.hotjar.com/" + b"x" * 1000 + b"><script>fbq('init', '1');" + b"y" * 1000 + b"</script>"
    )
    assert [len(removal.what) for removal in rewriter.removals] == [300, 300]
