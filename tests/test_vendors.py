"""The schema of vendor data, and who a host, a path, a cookie and a snippet belong to."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.errors import VendorDataError
from dntguard.purposes import Purpose, Purposes
from dntguard.vendors import Cookie, Match, Registry, Vendor, load, name_pattern, parse_vendor
from dntguard.vendors.registry import packed, unpacked

ENTRY: dict[str, object] = {
    "id": "acme",
    "name": "Acme",
    "purpose": "analytics",
    "source": "https://acme.example/docs",
    "hosts": ["acme.example"],
}


def vendor(
    vendor_id: str,
    *,
    hosts: tuple[str, ...] = (),
    cookies: tuple[str, ...] = (),
    inline: tuple[str, ...] = (),
    purpose: Purpose = Purpose.ANALYTICS,
) -> Vendor:
    return Vendor(
        vendor_id,
        vendor_id.title(),
        purpose,
        "https://e.example/",
        hosts=hosts,
        cookies=tuple(map(Cookie, cookies)),
        inline=inline,
    )


ACME = vendor(
    "acme",
    hosts=("acme.example", "cdn.example/acme/", "10.0.0.1"),
    cookies=("_acme", "_acme_*"),
    inline=("cdn.acme.example/tag.js", "acme('init'", "Acme.start(", "_aq.push(['setId'"),
)
TAG = vendor(
    "tag",
    hosts=("tag.acme.example", "cdn.example/acme/tag/", "cdn.example"),
    cookies=("_acme_tag*", "*_tail", "mid-*-mid-*-end", "head*tail", "ab_*"),
)
REGISTRY = Registry([ACME, TAG])


# --- look-up by host, path and cookie ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "path", "rule"),
    [
        ("acme.example", "/", "acme.example"),
        ("www.acme.example", "/", "acme.example"),
        ("a.b.acme.example", "/", "acme.example"),
        ("tag.acme.example", "/", "tag.acme.example"),
        ("x.tag.acme.example", "/", "tag.acme.example"),
        ("cdn.example", "/", "cdn.example"),
        ("cdn.example", "/acme", "cdn.example"),
        ("cdn.example", "/acme/x.js", "cdn.example/acme/"),
        ("cdn.example", "/acme/tag/x.js", "cdn.example/acme/tag/"),
        ("eu.cdn.example", "/acme/tag/", "cdn.example/acme/tag/"),
        ("cdn.example", "/ACME/", "cdn.example"),
        ("cdn.example", "/x/acme/", "cdn.example"),
        ("10.0.0.1", "/", "10.0.0.1"),
        ("notacme.example", "/", None),
        ("acme.example.org", "/", None),
        ("example", "/", None),
        ("other.example", "/acme/", None),
        ("1.10.0.0.1", "/", None),
        ("[::1]", "/", None),
        ("localhost", "/", None),
        ("", "/", None),
        ("invalid.", "/", None),
        ("acme.example.", "/", None),
    ],
)
def test_the_most_specific_host_decides_and_on_it_the_longest_path(host: str, path: str, rule: str | None) -> None:
    """A pattern covers the host and its subdomains, whole labels only; a path prefix beats its bare host."""
    match = REGISTRY.find_url(host, path)
    assert (match.rule if match else None) == rule
    assert REGISTRY.match_url(host, path) == (match.vendor if match else None)


def test_a_host_belongs_to_nobody_for_a_path_that_nobody_claims() -> None:
    """A path prefix says nothing of the rest of its host."""
    registry = Registry([vendor("acme", hosts=("cdn.example/acme/",))])
    assert registry.match_host("cdn.example") is None
    assert registry.match_url("cdn.example", "/acm") is None
    assert registry.match_url("cdn.example", "/acme/") is not None


@pytest.mark.parametrize(
    ("host", "by_path"),
    [
        ("acme.example", False),
        ("x.acme.example", False),
        ("cdn.example", True),
        ("eu.cdn.example", True),
        ("other.example", False),
        ("localhost", False),
    ],
)
def test_a_host_that_is_shared_is_known(host: str, by_path: bool) -> None:
    """So that most hosts need not be judged path by path."""
    assert REGISTRY.knows_paths(host) is by_path


@pytest.mark.parametrize("host", ["acme.example", "WWW.Acme.Example", "acme.example."])
def test_match_host_takes_a_host_as_people_write_it(host: str) -> None:
    """In any case, with the dot of the root or without."""
    assert REGISTRY.match_host(host) is ACME


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("_acme", "_acme"),
        ("_acme_", "_acme_*"),
        ("_acme_1", "_acme_*"),
        ("_acme_tag", "_acme_tag*"),
        ("_acme_tag_1", "_acme_tag*"),
        ("_ACME", None),
        ("x_acme", None),
        ("_acmex", None),
        ("", None),
        ("a_tail", "*_tail"),
        ("_tail", "*_tail"),
        ("tail", None),
        ("mid-1-mid-2-end", "mid-*-mid-*-end"),
        ("mid--mid--end", "mid-*-mid-*-end"),
        ("mid-mid-end", None),
        ("head_tail_head", None),
        ("headtail", "head*tail"),
        ("head1tail", "head*tail"),
        ("headail", None),
        ("ab_x", "ab_*"),
    ],
)
def test_an_exact_cookie_name_wins_then_the_longest_pattern(name: str, rule: str | None) -> None:
    """Names are case-sensitive, and a pattern covers the whole name."""
    match = REGISTRY.find_cookie(name)
    assert (match.rule if match else None) == rule
    assert REGISTRY.match_cookie(name) == (match.vendor if match else None)


def test_the_first_vendor_names_a_cookie_that_two_set() -> None:
    """Two vendors of one house may share a cookie."""
    first, second = vendor("first", cookies=("_x",)), vendor("second", cookies=("_x",))
    assert Registry([first, second]).match_cookie("_x") is first


@given(st.text("ab.*+[$", max_size=6), st.text("ab.*+[$", max_size=8))
def test_a_star_stands_for_any_run_of_characters_and_nothing_else_is_special(pattern: str, name: str) -> None:
    """`name_pattern` agrees with the obvious recursive definition."""

    def matches(rest: str, text: str) -> bool:
        if not rest:
            return not text
        if rest[0] == "*":
            return any(matches(rest[1:], text[start:]) for start in range(len(text) + 1))
        return bool(text) and rest[0] == text[0] and matches(rest[1:], text[1:])

    assert (re.fullmatch(name_pattern(pattern), name) is not None) is matches(pattern, name)


def test_a_registry_knows_its_ids() -> None:
    """`in` tells a vendor id from a host."""
    assert "acme" in REGISTRY
    assert "acme.example" not in REGISTRY
    assert REGISTRY.vendors == (ACME, TAG)


def test_an_empty_registry_knows_nobody() -> None:
    """A site may bring its own vendors, or none."""
    registry = Registry([])
    assert registry.match_host("acme.example") is None
    assert registry.match_cookie("_acme") is None
    assert registry.find_inline(b"acme('init'); s.src='//cdn.acme.example/tag.js'; Acme.start()") == ()


def test_a_vendor_cannot_be_changed() -> None:
    """It is shared by all threads and tasks."""
    with pytest.raises(AttributeError):
        ACME.purpose = Purpose.NECESSARY  # type: ignore[misc]
    assert hash(Match(ACME, "x")) == hash(Match(ACME._replace(), "x"))


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        (vendor("acme"), "the id is used twice"),
        (vendor("other", hosts=("acme.example",)), "another vendor claims the host pattern 'acme.example'"),
        (vendor("other", hosts=("cdn.example/acme/",)), "another vendor claims the host pattern 'cdn.example/acme/'"),
    ],
)
def test_an_id_and_a_host_pattern_belong_to_one_vendor(second: Vendor, problem: str) -> None:
    """Whose a host is must not depend on the order of the entries."""
    with pytest.raises(VendorDataError, match=f"vendor {second.id}: {problem}"):
        Registry([ACME, second])


# --- look-up by snippet -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "s.src='https://cdn.acme.example/tag.js'",
        's.src = "//cdn.acme.example/tag.js?id=1"',
        "s.src=`http://cdn.acme.example/tag.js`",
        "s.src=('https:'==document.location.protocol?'https://':'http://')+'cdn.acme.example/tag.js'",
        "load('cdn.acme.example/tag.js')",
        "s.src='https://eu.cdn.acme.example/tag.js'",
        's.src="https:\\/\\/cdn.acme.example\\/tag.js"',
        "document.write('<script src=\"https://cdn.acme.example/tag.js\"><\\/script>')",
        "document.write(\"<script async src='//cdn.acme.example/tag.js'><\\/script>\")",
        "import('https://cdn.acme.example/tag.js')",
        "/* the tag */ s.src='//cdn.acme.example/tag.js'",
        "var a='it\\'s';s.src='//cdn.acme.example/tag.js'",
        "var a=/['\"]/.test(x);s.src='//cdn.acme.example/tag.js'",
        "x=a/b;y='c/d';s.src='//cdn.acme.example/tag.js'",
    ],
)
def test_a_script_that_loads_a_vendors_script_is_that_vendors_snippet(script: str) -> None:
    """A loader address counts where a string of the code begins with it, or a `src` in one does."""
    assert REGISTRY.find_inline(script.encode()) == (Match(ACME, "cdn.acme.example/tag.js"),)


@pytest.mark.parametrize(
    ("script", "rule"),
    [
        ("acme('init', 1)", "acme('init'"),
        ('acme("init")', "acme('init'"),
        ("acme ( 'init' )", "acme('init'"),
        ("window.acme('init')", "acme('init'"),
        ("if(x){acme(\n'init')}", "acme('init'"),
        ("Acme.start()", "Acme.start("),
        ("window.Acme.start (1)", "Acme.start("),
        ("_aq.push(['setId', 1])", "_aq.push(['setId'"),
        ('_aq.push( [ "setId" ])', "_aq.push(['setId'"),
        ("var s='acme';acme('init')", "acme('init'"),
        ("// the tag\nacme('init')", "acme('init'"),
    ],
)
def test_a_script_that_makes_a_vendors_first_call_is_that_vendors_snippet(script: str, rule: str) -> None:
    """Either quote and any whitespace, on `window` or not."""
    assert REGISTRY.find_inline(script.encode()) == (Match(ACME, rule),)


@pytest.mark.parametrize(
    "script",
    [
        "",
        "var cdn = 'cdn.acme.example'",
        "s.src='https://notcdn.acme.example.org/tag.js'",
        "s.href='https://cdn.acme.example/tag'",
        "var u='https://cdn.acme.example/other.js'",
        "go('https://cdn.acme.example/other.js')",
        "var c={src:'https://cdn.acme.example/other.js'}",
        "// s.src='https://cdn.acme.example/other.js'",
        "var d=\"s.src='https://cdn.acme.example/other.js'\"",
        "s.src='https://proxy.example/?https://cdn.acme.example/other.js'",
        "s.src='https://acme.example.org/other.js'",
        "s.src='https://notacme.example/other.js'",
        "s.src='/acme.example/other.js'",
        "a+'/acme.example/x'",
        "host='static.acme.example'",
        "host=['d1.cdn.acme.example.org']",
        "s.src='https://proxy.example/cdn.acme.example/tag.js'",
        "// s.src='https://cdn.acme.example/tag.js'",
        "/* s.src='https://cdn.acme.example/tag.js' */",
        "<!-- s.src='https://cdn.acme.example/tag.js'",
        'var c={"src":"https://cdn.acme.example/tag.js"}',
        'var c={"src" : "https://cdn.acme.example/tag.js"}',
        "var d='Remove https://cdn.acme.example/tag.js from the page'",
        "var d='<a href=\"https://cdn.acme.example/tag.js\">the script</a>'",
        "s.src=cdn.acme.example/tag.js",
        "acme('track')",
        "acme.init()",
        "myacme('init')",
        "acme_('init')",
        "$acme('init')",
        "var d=\"acme('init')\"",
        "var d=`call acme('init') first`",
        "// acme('init')",
        "/* acme('init') */",
        "start()",
        "NotAcme.start()",
        "Acme.started()",
        "Acme.start",
        "_aq.push(['trackView'])",
        "_bq.push(['setId'])",
        "var r=/acme('init')/;",
        "acme('init",
    ],
)
def test_a_script_that_only_looks_like_a_snippet_is_nobodys(script: str) -> None:
    """Comments, data, documentation, other hosts and other calls."""
    assert REGISTRY.find_inline(script.encode()) == ()


@pytest.mark.parametrize(
    "script",
    [
        "s.src='https://px.acme.example/other.js'",
        'new Image().src = "//px.acme.example/p?x=1"',
        "(new Image).src=p+'//px.acme.example/p'",
        "i.src=('https:'==l.protocol?'https:':'http:')+'//px.acme.example/p'",
        "var u = scheme + '//px.acme.example/p';new Image().src=u",
        "s.setAttribute('src', 'https://px.acme.example/x.js')",
        "navigator.sendBeacon('https://px.acme.example/b', d)",
        "$.getScript('//px.acme.example/x.js')",
        "importScripts('https://px.acme.example/x.js')",
        "import('https://px.acme.example/x.mjs')",
        "document.write(\"<img src='https://px.acme.example/p'>\")",
        'document.write("<script src=\\"https:\\/\\/px.acme.example\\/p\\"></script>")',
        "s.src=`https://px.acme.example/${id}.js`",
    ],
)
def test_a_script_that_makes_a_vendor_s_address_the_source_of_something_is_a_snippet(script: str) -> None:
    """Without a mark of its own, by the host."""
    assert REGISTRY.find_inline(script.encode()) == (Match(ACME, "acme.example"),)


def test_the_path_decides_whose_source_it_is() -> None:
    """As for an element."""
    registry = Registry([vendor("acme", hosts=("cdn.example/acme/",))])
    assert [match.vendor.id for match in registry.find_inline(b"s.src='//cdn.example/acme/x.js'")] == ["acme"]
    assert [match.vendor.id for match in registry.find_inline(b"s.src='//cdn.example\\/acme\\/x.js'")] == ["acme"]
    assert registry.find_inline(b"s.src='//cdn.example/lib/acme/x.js'") == ()


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("u=s?'d1.cdn.acme.example':'x'", True),
        ('u = "https://d1.cdn.acme.example"', True),
        ("u='http://d1.cdn.acme.example:80'", False),
        ("u='d1.cdn.acme.example.org'", False),
        ("u='we use d1.cdn.acme.example'", False),
        ('u={"host":"d1.cdn.acme.example"}', False),
        ("// u='d1.cdn.acme.example'", False),
    ],
)
def test_a_host_alone_is_a_mark_where_it_is_a_string_of_its_own(script: str, found: bool) -> None:
    """For loaders that put their address together."""
    registry = Registry([vendor("acme", inline=("d1.cdn.acme.example",))])
    assert bool(registry.find_inline(script.encode())) is found


def test_a_mark_that_breaks_the_schema_marks_nothing() -> None:
    """A vendor that was written in code has not met the schema's checks; a mark without a shape is never found."""
    registry = Registry([vendor("loose", inline=("anything at all",))._replace(elements=("script", "div[a]"))])
    assert [*registry.find_element(b"script", {b"a"}, str)] == []
    assert registry.find_inline(b"'anything at all';anything at all") == ()


def test_the_snippets_of_a_script_come_in_its_order_and_once_each() -> None:
    """The first one explains the removal."""
    script = b"Acme.start();acme('init');Acme.start();s.src='//cdn.acme.example/tag.js'"
    assert [match.rule for match in REGISTRY.find_inline(script)] == [
        "Acme.start(",
        "acme('init'",
        "cdn.acme.example/tag.js",
    ]


PIECES = [
    *("'", '"', "`", "\\", "/", "*", "//", "/*", "*/", "\n", "<!--", "(", ".", "é", "'//", "src="),
    *("acme('init'", "Acme.start(", "cdn.acme.example/tag.js"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_script_raises_and_only_a_script_with_a_mark_is_a_snippet(script: str) -> None:
    """However broken its quotes and comments are."""
    for match in REGISTRY.find_inline(script.encode()):
        assert match.rule in script.replace('"', "'").replace("\\/", "/")


LONG = 200_000


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "'",
            '"',
            "`",
            "/*",
            "//",
            "/",
            "\\",
            "<!--",
            "/[",
            "( ",
            "acme('",
            "'acme('init'",
            "acme('init' ",
            "Acme.start(",
        ),
        *("a.example/", "'//", "src=", ".start(", "cdn.acme.example/", "/*'cdn.acme.example/tag.js", "(/[a"),
        "'https://cdn.acme.example/tag.js src= ",
        *("src='//cdn.acme.example/", "s.src=a+", "+'//", ".example", "src=//cdn.acme.example/", "/tag.js?"),
    ],
)
def test_a_long_script_takes_no_longer_than_its_length(unit: str) -> None:
    """Many repetitions of what makes careless patterns quadratic: read in order they take a tenth of the second."""
    script = (unit * (LONG // len(unit))).encode()
    start = time.perf_counter()
    REGISTRY.find_inline(script)
    assert time.perf_counter() - start < 1


# --- the schema -------------------------------------------------------------------------------------------------------


def test_an_entry_with_every_key_becomes_a_vendor() -> None:
    """Lists become tuples and the purpose a `Purpose`."""
    facts = {
        "kind": "session-replay",
        "why": "It is.",
        "cookies": ["_a_b"],
        "third_party_cookies": {"longer": ["_a_d"], "session": ["_a_c_*"]},
        "inline": ["a.example/t.js"],
        "globals": ["a"],
        "paths": ["/acme.js", "/hit?tid=A-*&v=2", "?id=A-*", "/plugins/acme/"],
        "elements": ["script[data-acme]", "amp-ad[type=acme]"],
    }
    assert parse_vendor(ENTRY | facts) == Vendor(
        id="acme",
        name="Acme",
        purpose=Purpose.ANALYTICS,
        source="https://acme.example/docs",
        kind="session-replay",
        why="It is.",
        hosts=("acme.example",),
        cookies=(
            Cookie("_a_b"),
            Cookie("_a_c_*", "session", third_party=True),
            Cookie("_a_d", "longer", third_party=True),
        ),
        inline=("a.example/t.js",),
        globals=("a",),
        paths=("/acme.js", "/hit?tid=A-*&v=2", "?id=A-*", "/plugins/acme/"),
        elements=("script[data-acme]", "amp-ad[type=acme]"),
    )


def test_all_but_the_id_the_purpose_and_one_fact_is_optional() -> None:
    """Absent is empty; the name is the id."""
    found = parse_vendor({"id": "acme", "purpose": "analytics", "hosts": ("acme.example",)})
    assert (found.name, found.kind, found.why, found.source, found.hosts) == ("acme", "", "", "", ("acme.example",))
    assert (found.cookies, found.inline, found.globals, found.paths, found.elements) == ((), (), (), (), ())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"host": []},
            "unknown key 'host'; the keys are id, name, kind, purpose, why, source, hosts, cookies, third_party_",
        ),
        ({"name": ""}, "'name' must be a text"),
        ({"name": None}, "'name' must be a text"),
        ({"source": 7}, "'source' must be a text"),
        ({"hosts": "a.example"}, "'hosts' must be a list of texts"),
        ({"cookies": [7]}, "'cookies' must be a list of texts"),
        ({"id": "Acme Inc"}, 'the id must be kebab-case, as in "google-analytics"'),
        ({"id": "acme-"}, 'the id must be kebab-case, as in "google-analytics"'),
        ({"purpose": "ads"}, "no such purpose: 'ads'; choose from necessary, functional, analytics, marketing"),
        ({"source": "http://acme.example"}, "the source must be an https address"),
        ({"hosts": ["A.example"]}, "hosts entry 'A.example' must be a lower-case host"),
        ({"hosts": ["https://a.example"]}, "hosts entry 'https://a.example' must be a lower-case host"),
        ({"hosts": ["*.a.example"]}, "hosts entry '*.a.example' must be a lower-case host"),
        ({"hosts": ["example"]}, "hosts entry 'example' must be a lower-case host"),
        ({"cookies": ["a=b"]}, "cookies entry 'a=b' must be a cookie name"),
        ({"cookies": [""]}, "cookies entry '' must be a cookie name"),
        ({"globals": ["a.b"]}, "globals entry 'a.b' must be a plain identifier"),
        ({"inline": ["a.example"]}, "inline entry 'a.example' must be a loader address"),
        ({"inline": ["https://a.example/t.js"]}, "inline entry 'https://a.example/t.js' must be a loader address"),
        ({"inline": ["init("]}, "inline entry 'init(' must be a loader address"),
        ({"inline": ['a("init"']}, "inline entry 'a(\"init\"' must be a loader address"),
        ({"kind": "adverts"}, "no such kind: 'adverts'; choose from payment, fraud-prevention,"),
        ({"kind": ""}, "'kind' must be a text"),
        ({"cookies": {"week": ["_a_b"]}}, "'cookies' has no lifetime 'week'; choose from session, day, month, year,"),
        ({"cookies": {"day": "_a_b"}}, "'cookies' must be a list of texts"),
        ({"cookies": ["_a_b"], "third_party_cookies": ["_a_b"]}, "cookies entry '_a_b' is listed twice"),
        ({"hosts": ["a.example", "a.example"]}, "hosts entry 'a.example' is listed twice; write it once"),
        ({"cookies": ["_a*"]}, "cookies entry '_a*' is too wide; write 3 characters or more that are the vendor's"),
        (
            {"cookies": ["session"]},
            "cookies entry 'session' would take 'session', which sites call cookies of their own",
        ),
        ({"third_party_cookies": ["uid"]}, "cookies entry 'uid' would take 'uid'"),
        ({"cookies": ["sess*"]}, "cookies entry 'sess*' would take 'session'"),
        ({"cookies": ["*_id"]}, "cookies entry '*_id' would take 'session_id'"),
        ({"cookies": ["cart_*"]}, "cookies entry 'cart_*' would take 'cart_id'"),
        ({"cookies": ["theme_*"]}, "cookies entry 'theme_*' would take 'theme_1'"),
        ({"cookies": ["csrf*token"]}, "cookies entry 'csrf*token' would take 'csrftoken'"),
        ({"paths": ["acme.js"]}, "paths entry 'acme.js' must be the end of a path, a folder or parameters"),
        ({"paths": ["/"]}, "paths entry '/' must be"),
        ({"paths": ["/a*"]}, "paths entry '/a*' must be"),
        ({"paths": [""]}, "paths entry '' must be"),
        ({"paths": ["?id=*"]}, "paths entry '?id=*' must be"),
        ({"paths": ["/a b.js"]}, "paths entry '/a b.js' must be"),
        ({"paths": ["/acme.js?id"]}, "paths entry '/acme.js?id' must be"),
        ({"elements": ["script"]}, "elements entry 'script' must be a selector of a script, iframe or AMP"),
        ({"elements": ["div[data-acme]"]}, "elements entry 'div[data-acme]' must be"),
        ({"elements": ["script[async]"]}, "elements entry 'script[async]' must be"),
        ({"elements": ["script[src*=a]"]}, "elements entry 'script[src*=a]' must be"),
        ({"hosts": []}, "nothing tells it; write a host, a cookie, an inline mark, a path or an element"),
    ],
)
def test_an_entry_that_breaks_the_schema_is_told_how(change: dict[str, object], problem: str) -> None:
    """The error names the vendor and says what the value must be."""
    with pytest.raises(VendorDataError) as caught:
        parse_vendor(ENTRY | change)
    assert caught.value.vendor == str(change.get("id", "acme"))
    assert str(caught.value).startswith(f"vendor {caught.value.vendor}: {problem}")


@pytest.mark.parametrize("key", ["id", "purpose"])
def test_an_entry_has_an_id_and_a_purpose(key: str) -> None:
    """Without an id it is named by its place."""
    entry = {name: value for name, value in ENTRY.items() if name != key}
    with pytest.raises(VendorDataError, match=f"'{key}' must be a text") as caught:
        parse_vendor(entry, 3)
    assert caught.value.vendor == ("number 3" if key == "id" else "acme")


def test_a_text_of_several_entries_becomes_vendors_in_order() -> None:
    """An empty text holds none."""
    entry = '[[vendor]]\nid="{}"\nname="A"\npurpose="marketing"\nhosts=["a.example"]\n'
    assert [found.id for found in load(entry.format("b") + entry.format("a"))] == ["b", "a"]
    assert load("") == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[vendor", "vendor file: not TOML: "),
        ("[[vendors]]\nid='a'", r"vendor file: only \[\[vendor\]\] tables belong here, not \['vendors'\]"),
        ("[[vendor]]\n[[vendor]]\nid='b'", "vendor number 1: 'id' must be a text"),
        ("[vendor]\nid='a'", r"vendor file: each vendor must be a \[\[vendor\]\] table"),
        ("vendor=['a']", r"vendor file: each vendor must be a \[\[vendor\]\] table"),
        ("vendor=7", r"vendor file: each vendor must be a \[\[vendor\]\] table"),
        ("id='a'\npurpose='analytics'", r"vendor file: each vendor must be a \[\[vendor\]\] table"),
        ("a=" + "[" * 3000, "vendor file: not TOML: "),
    ],
)
def test_a_text_that_is_no_vendor_data_is_told_how(text: str, problem: str) -> None:
    """What TOML itself complains of is passed on."""
    with pytest.raises(VendorDataError, match=problem):
        load(text)


def test_a_necessary_vendor_may_have_any_cookie() -> None:
    """Whoever refuses something keeps it anyway."""
    entry = ENTRY | {"purpose": "necessary", "cookies": ["session", "sess*", "s*"]}
    assert [cookie.name for cookie in parse_vendor(entry).cookies] == ["session", "sess*", "s*"]


# --- a site's own registry --------------------------------------------------------------------------------------------

OWN = Vendor(
    "own",
    "Own",
    Purpose.FUNCTIONAL,
    hosts=("www.clarity.ms", "cdn.example/own/"),
    cookies=(Cookie("_clck"), Cookie("_own")),
    inline=("fbq('init'",),
    paths=("/matomo.js",),
    elements=("script[data-website-id]",),
)


def test_a_site_s_own_entry_has_what_another_claims_too() -> None:
    """The host pattern, the cookie, the snippet, the path and the tag; all else of that vendor stays."""
    registry = Registry.of((OWN,), Purposes())
    default = Registry.default()
    found = [
        registry.match_url("www.clarity.ms", "/tag/x"),
        registry.match_cookie("_clck"),
        *(match.vendor for match in registry.find_inline(b"fbq('init', '1')")),
        getattr(next(registry.find_path("/matomo.js", "", runs=True), None), "vendor", None),
        getattr(next(registry.find_element(b"script", {b"data-website-id"}, lambda _: "x"), None), "vendor", None),
        registry.match_url("cdn.example", "/own/x.js"),
        registry.match_cookie("_own"),
    ]
    assert [vendor.id if vendor else None for vendor in found] == ["own"] * len(found)
    for host, cookie, text in (("c.clarity.ms", "_clsk", b"s.src='https://connect.facebook.net/en_US/fbevents.js'"),):
        kept, before = registry.match_host(host), default.match_host(host)
        assert kept is not None
        assert before is not None
        assert kept.id == before.id == "microsoft-clarity"
        assert registry.match_cookie(cookie) == kept
        assert {match.vendor.id for match in registry.find_inline(text)} == {"meta-pixel"}


def test_a_site_s_own_entry_takes_the_place_of_one_with_its_id() -> None:
    """And is filed as the site says."""
    own = Vendor("hotjar", "Hotjar", Purpose.ANALYTICS, hosts=("heat.example",))
    registry = Registry.of((own,), Purposes({"hotjar": Purpose.FUNCTIONAL, "youtube": Purpose.NECESSARY}))
    assert registry.match_host("static.hotjar.com") is None
    assert registry.get("hotjar") == own._replace(purpose=Purpose.FUNCTIONAL)
    youtube = registry.match_host("www.youtube.com")
    assert youtube is not None
    assert youtube.purpose is Purpose.NECESSARY
    assert registry.get("nobody") is None
    assert registry.fingerprint != Registry.default().fingerprint


def test_a_registry_is_built_once_for_the_same_vendors_and_purposes() -> None:
    """All policies of a process share it."""
    assert Registry.of((), Purposes()) is Registry.default()
    assert Registry.of((OWN,), Purposes()) is Registry.of((OWN._replace(),), Purposes())


def test_two_of_the_site_s_own_entries_must_not_claim_the_same() -> None:
    """There is no first and second among them."""
    with pytest.raises(VendorDataError, match=r"another vendor claims the host pattern 'www\.clarity\.ms'"):
        Registry.of((OWN, OWN._replace(id="other")), Purposes())


def test_what_is_packed_comes_out_as_it_was() -> None:
    """Every attribute of every vendor."""
    vendors = [ACME, TAG, OWN, parse_vendor(ENTRY | {"why": "é", "cookies": {"day": ["_a_b"]}})]
    assert list(unpacked(packed(vendors))) == vendors
    assert list(unpacked(packed([]))) == []
