"""Header fields that make a browser talk to somebody: what goes, what keeps its bytes, and what it costs."""

import re
import time
from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.consent import REFUSE_ALL
from dntguard.fields import FIELDS, without_refused_fields, without_refused_links
from dntguard.headers import Headers
from dntguard.policy import Policy
from dntguard.purposes import ALL_PURPOSES, Purpose
from dntguard.report import Removal
from dntguard.rewriter import rewrite
from dntguard.urls import Location, resolve
from dntguard.verdicts import verdicts_for
from tests.cases_fields import ADVERTISING, CASES, HOSTS, LINKS, Case

VERDICTS = verdicts_for(Policy(), REFUSE_ALL.granted)
PAGE = Location("https", "www.shop.example", "/a/b")
TRACKER = HOSTS["{T}"].encode()


def without(
    headers: Headers, options: Mapping[str, object] | None = None, page: Location = PAGE
) -> tuple[Headers, list[Removal]]:
    verdicts = verdicts_for(Policy.from_mapping(options), REFUSE_ALL.granted) if options else VERDICTS
    return without_refused_fields(headers, verdicts, page)


# --- the table --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_each_case_of_the_table(case: Case) -> None:
    left, removals = without(case.headers)
    assert left == case.left
    assert [removal.vendor for removal in removals] == case.vendors
    assert {removal.kind for removal in removals} <= {"header"}
    if not removals:
        assert left is case.headers
    assert without(left)[0] is left


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_a_visitor_who_refuses_nothing_gets_everything(case: Case) -> None:
    verdicts = verdicts_for(Policy(), ALL_PURPOSES)
    assert without_refused_fields(case.headers, verdicts, PAGE)[0] is case.headers


def test_the_table_shows_each_field_going_and_staying() -> None:
    """One that goes whatever it says stays only when marketing is granted."""
    went = {name.lower() for case in CASES if case.vendors for name, _ in case.headers}
    stayed = {name.lower() for case in CASES if not case.vendors for name, _ in case.headers}
    always = {name.lower().encode() for name in ADVERTISING}
    assert went >= FIELDS
    assert FIELDS - stayed == always


@pytest.mark.parametrize("case", LINKS, ids=lambda case: case.says)
def test_links_of_early_hints_are_judged_alike(case: Case) -> None:
    values = [value for name, value in case.headers if name.lower() == b"link"]
    left, removals = without_refused_links(iter(values), VERDICTS, PAGE)
    assert left == [value for name, value in case.left if name.lower() == b"link"]
    assert removals == without(case.headers)[1]


# --- what a removal says ----------------------------------------------------------------------------------------------

HOTJAR = ("hotjar", Purpose.ANALYTICS, "hotjar.com")
NOBODY = (None, None, 'third_party: "remove"')
DOUBT = (None, None, 'on_undecidable: "remove"')


@pytest.mark.parametrize(
    ("name", "value", "what", "why"),
    [
        (b"Link", b"<~/h.js>; rel=preload", "link: ~/h.js", HOTJAR),
        (b"Link", b"<~/h.js; rel=preload", "link: ~/h.js", HOTJAR),
        (b"Link", b"<//x.example/h.js>; rel=modulepreload", "link: //x.example/h.js", NOBODY),
        (b"Refresh", b"0; url='~/'", "refresh: ~/", HOTJAR),
        (b"Reporting-Endpoints", b'a="~/r"', "reporting-endpoints: ~/r", HOTJAR),
        (b"Report-To", b'{"endpoints":[{"url":"~/r"}]}', "report-to: ~/r", HOTJAR),
        (b"Report-To", b"{~", "report-to: {~", DOUBT),
        (b"NEL", b'{"report_to":"x"}', "nel: x", DOUBT),
        (b"NEL", b'{"report_to":"\\ud800\xff"}', "nel: ??", DOUBT),
        (b"Speculation-Rules", b'"~/r"', "speculation-rules: ~/r", HOTJAR),
        (b"Permissions-Policy", b'ch-ua=("~")', "permissions-policy: ~", HOTJAR),
        (
            b"Observe-Browsing-Topics",
            b"?1",
            "observe-browsing-topics: ?1",
            (None, Purpose.MARKETING, "observe-browsing-topics"),
        ),
        (b"Attribution-Reporting-Info", b"x" * 999, ("attribution-reporting-info: " + "x" * 999)[:300], None),
    ],
)
def test_a_removal_names_the_field_the_address_and_the_reason(
    name: bytes, value: bytes, what: str, why: tuple[str | None, Purpose | None, str] | None
) -> None:
    [removal] = without([(name, value.replace(b"~", TRACKER))])[1]
    why = why or (None, Purpose.MARKETING, name.lower().decode())
    assert removal == Removal("header", what.replace("~", TRACKER.decode()), *why)


# --- the policy -------------------------------------------------------------------------------------------------------

UNCLAIMED: Headers = [
    (b"Link", b"<//x.example/m.js>; rel=modulepreload"),
    (b"Reporting-Endpoints", b'a="https://x.example"'),
    (b"Report-To", b'{"endpoints":[{"url":"https://x.example"}]}'),
    (b"NEL", b'{"report_to":"default"}'),
]
DOUBTFUL: Headers = [(b"NEL", b'{"report_to":"x"}'), (b"NEL", b"{"), (b"Report-To", b'{"https://x.example')]
VENDOR: Headers = [(b"Link", b"<" + TRACKER + b">; rel=preload"), (b"Speculation-Rules", b'"' + TRACKER + b'"')]


@pytest.mark.parametrize(
    ("headers", "options", "granted"),
    [
        (UNCLAIMED, {"third_party": "keep"}, REFUSE_ALL.granted),
        (UNCLAIMED, {"allow": ["x.example"]}, REFUSE_ALL.granted),
        (UNCLAIMED, {"first_party": ["x.example"]}, REFUSE_ALL.granted),
        (VENDOR, {"allow": ["hotjar"]}, REFUSE_ALL.granted),
        (VENDOR, {"allow": ["static.hotjar.com"]}, REFUSE_ALL.granted),
        (DOUBTFUL, {"on_undecidable": "keep"}, REFUSE_ALL.granted),
        (DOUBTFUL, {"block": ["y.example"]}, ALL_PURPOSES),
        ([(b"Ad-Auction-Allowed", b"?1")], {}, REFUSE_ALL.granted | {Purpose.MARKETING}),
    ],
)
def test_what_the_policy_or_the_visitor_allows_stays(
    headers: Headers, options: dict[str, object], granted: frozenset[Purpose]
) -> None:
    verdicts = verdicts_for(Policy.from_mapping(options), granted)
    assert without_refused_fields(headers, verdicts, PAGE)[0] is headers
    if options:
        assert without(headers)[0] == []


def test_what_the_site_blocks_goes_for_everybody() -> None:
    verdicts = verdicts_for(Policy(block=("y.shop.example",)), ALL_PURPOSES)
    headers = [(b"Link", b"<https://y.shop.example/>; rel=prefetch"), (b"NEL", b"{")]
    left, [removal] = without_refused_fields(headers, verdicts, PAGE)
    assert left == headers[1:]
    assert removal.rule == "block: y.shop.example"


def test_without_slashes_an_address_names_a_host_where_the_scheme_is_another() -> None:
    """On a page of the same scheme it is relative (URL section 4.4)."""
    for headers in (
        [(b"Link", b"<https:static.hotjar.com>; rel=prefetch")],
        [(b"Link", b"<https:static.hotjar.com> x; rel=prefetch")],
        [(b"Speculation-Rules", b'"https:static.hotjar.com", x')],
        [(b"Speculation-Rules", b'x, "https:static.hotjar.com"')],
    ):
        assert without(headers)[0] is headers
        assert without(headers, page=Location("http", "www.shop.example", "/"))[1] != []


# --- properties -------------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        *rb"""< > " ' , ; = ( ) { } [ ] : \ / // a rel preload as script 1 max_age 0 ch-ua self ~ ~ ~ https:""".split(),
        *b'<~/h.js>;rel=preload <~>;rel=preconnect </a>;rel=preload "~/r" a="~" {"endpoints":[{"url":"~"}]}'.split(),
        *b'{"report_to":"default"} {"endpoints":[{"url":"/r"}]} ch-ua=("~") ch-ua=(self) </a> "/b" a="/r"'.split(),
        b" ",
        b"\t",
        b"\xff",
        b"\xc2\xa0",
        b"\x00",
        b'\\"',
    ]
)
VALUES = st.one_of(
    st.lists(PIECES, max_size=12).map(b"".join),
    st.lists(PIECES, max_size=6).map(b", ".join),
    st.binary(max_size=30),
).map(lambda value: value.replace(b"~", TRACKER))
NAMES = st.sampled_from([*sorted(FIELDS), b"Link", b"Report-To", b"NEL", b"LINK", b"x-other", b"\xff", b""])
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=4)
OPTIONS = st.sampled_from(
    [{}, {"third_party": "keep"}, {"on_undecidable": "keep"}, {"block": ["b.example", "shop.example"]}]
)


@given(HEADERS, OPTIONS)
def test_any_bytes_are_read_and_reading_them_again_changes_nothing(
    headers: Headers, options: dict[str, object]
) -> None:
    before = list(headers)
    left, removals = without(headers, options)
    assert headers == before
    assert (left is headers) == (not removals)
    again, more = without(left, options)
    assert again is left
    assert more == []


@given(HEADERS)
def test_all_other_fields_keep_their_bytes_and_order(headers: Headers) -> None:
    left, _ = without(headers)
    others = [[pair for pair in some if pair[0].lower() not in FIELDS] for some in (headers, left)]
    assert others[0] == others[1]


@given(st.lists(VALUES.map(lambda value: value.replace(b"hotjar.com", b"shop.example")), max_size=4))
def test_where_nobody_refused_is_named_the_list_is_the_same_object(values: list[bytes]) -> None:
    names = (b"Link", b"Refresh", b"Speculation-Rules", b"Accept-CH", b"Critical-CH", b"Permissions-Policy")
    headers = [(name, value) for name in names for value in values]
    assert without(headers, {"third_party": "keep"})[0] is headers


WORDS = st.sampled_from(
    b"preload preconnect dns-prefetch prefetch modulepreload prerender stylesheet icon next canonical manifest".split()
)
PLACES = st.sampled_from([*(origin.encode() for origin in HOSTS.values()), b"/own", b"//x.example/&amp;?a=b&c", b""])
KINDS = st.sampled_from([b"script", b"style", b"image", b"worker", b""])


@given(WORDS, PLACES, KINDS, st.one_of(st.none(), PLACES))
def test_a_link_is_judged_as_the_element_that_says_the_same(
    rel: bytes, href: bytes, kind: bytes, image: bytes | None
) -> None:
    link = b'<%s>; rel=%s; as="%s"' % (href, rel, kind)
    tag = b'<link href="%s" rel="%s" as="%s"' % (href.replace(b"&", b"&amp;"), rel, kind)
    if image is not None:
        link += b'; imagesrcset="%s 2x"' % image
        tag += b' imagesrcset="%s 2x"' % image.replace(b"&", b"&amp;")
    element_goes = b"<link" not in rewrite(tag + b">", page_url="https://www.shop.example/a/b")
    assert (without([(b"Link", link)])[0] == []) == element_goes


# --- other readers of links -------------------------------------------------------------------------------------------

Reader = Callable[[str], Iterator[tuple[str, str]]]
"""From the joined value to the address and the relation of each link in it."""


def strict_quotes(text: str) -> Iterator[tuple[str, str]]:
    """Members first, then parameters; `"` is the only quote, and the first parameter of a name counts."""
    for member in re.findall(r'(?:\A|,)((?:[^",<]|<[^>]*>?|"(?:[^"\\]|\\.)*"?|")*)', text, re.DOTALL):
        found = re.match(r"\s*<([^>]*)>\s*(;.*)?\Z", member, re.DOTALL)
        if found:
            values: dict[str, str] = {}
            for parameter in re.findall(r';((?:[^";]|"(?:[^"\\]|\\.)*"?)*)', found[2] or "", re.DOTALL):
                name, _, value = parameter.partition("=")
                values.setdefault(name.strip().lower(), re.sub(r"\\(.)", r"\1", value.strip().strip('"')))
            yield found[1], values.get("rel", "")


def any_quotes(text: str) -> Iterator[tuple[str, str]]:
    """One pass; `'` is a quote too, quotes that nobody closes are none, and an empty parameter does not count."""
    token, href, rel, pos = "", "", "", 0
    while pos <= len(text):
        mark = text[pos] if pos < len(text) else ","
        close = text.find(">" if mark == "<" else mark, pos + 1) if mark in "<\"'" else -1
        while close > 0 and mark in "\"'" and text[close - 1] == "\\":
            close = text.find(mark, close + 1)
        if close > 0:
            token += text[pos : close + 1]
            pos = close
        elif mark in ";,":
            token = token.strip()
            name, _, value = token.partition("=")
            if not href and token[:1] == "<" and token[-1] == ">":
                href = token[1:-1]
            elif name.strip().lower() == "rel" and not rel:
                rel = value.strip().strip("\"'").replace("\\", "")
            token = ""
            if mark == ",":
                yield href, rel
                href = rel = ""
        else:
            token += mark
        pos += 1


LINK_PIECES = st.sampled_from(
    [
        *rb"""< > " ' , ; = \ \" // a rel=preload rel= preload prefetch <~> <~/h.js> </a> title=""".split(),
        *b"<~>;rel=preload <~>;rel='icon' ;x=' ;x= </b>;rel=next".split(),
        *(b" ", b"\t", b", ", b'; x="', b'<~>; rel="prefetch"'),
    ]
)


@pytest.mark.parametrize("reader", [strict_quotes, any_quotes])
def test_each_reader_finds_links(reader: Reader) -> None:
    """The readers below can see what they look for."""
    text = """</a,b>; x=y; rel="pre\\load"; t=", <c>; rel=next" , <//d> ; REL = next; rel=x"""
    assert list(reader(text)) == [("/a,b", "preload"), ("//d", "next")]


@given(st.lists(st.lists(LINK_PIECES, max_size=14).map(b"".join), max_size=3))
def test_no_reader_sees_a_refused_link_in_what_is_left(values: list[bytes]) -> None:
    left, _ = without_refused_links([value.replace(b"~", TRACKER) for value in values], VERDICTS, PAGE)
    joined = b", ".join(left).decode()
    for reader in (strict_quotes, any_quotes):
        for href, rel in reader(joined):
            if resolve(href, PAGE).host == "static.hotjar.com":
                assert {"preload", "prefetch", "icon"}.isdisjoint(rel.lower().split()), reader


# --- what it costs ----------------------------------------------------------------------------------------------------

MORE = (
    b"<", b">", b'"', b",", b";", b"'", b"\\", b"/", b"//", b"</", b"<>,", b'"",', b'\\"', b"{", b"[", b"{},", b"1",
    b'a="",', b"a=(", b":", b"\xff", b"//a,", b" ", b"@",
)  # fmt: skip


@pytest.mark.measures
@pytest.mark.parametrize("name", sorted(FIELDS - {name.lower().encode() for name in ADVERTISING[1:]}))
def test_time_is_linear(name: bytes) -> None:
    """A quadratic step over so many bytes takes much longer."""
    for more in MORE:
        for start in (b"", b"preload </", b'"//'):
            value = start + more * (200_000 // len(more))
            before = time.process_time()
            without([(name, value)])
            assert time.process_time() - before < 5, (start, more)


@pytest.mark.measures
@pytest.mark.parametrize("more", [b"<", b'"', b","])
def test_a_megabyte_of_what_parts_links_takes_half_a_second_at_most(more: bytes) -> None:
    before = time.process_time()
    without([(b"Link", more * 1_000_000)])
    assert time.process_time() - before < 0.5


def test_a_response_without_such_a_field_is_looked_at_once() -> None:
    """The names are all that is read: a value that is no bytes would not do."""
    headers = [(b"Content-Type", None), (b"X", None)]
    assert without(headers)[0] is headers  # type: ignore[arg-type, comparison-overlap]
