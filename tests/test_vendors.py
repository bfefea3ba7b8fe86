"""The schema of vendor data, and who a host, a path, a cookie and a snippet belong to."""

import re
import time
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.errors import VendorDataError
from dntguard.purposes import Purpose
from dntguard.vendors import Match, Registry, Vendor, load, name_pattern, parse_vendor

ENTRY: dict[str, object] = {
    "id": "acme",
    "name": "Acme",
    "purpose": "analytics",
    "source": "https://acme.example/docs",
}


def vendor(
    vendor_id: str,
    *,
    hosts: tuple[str, ...] = (),
    cookies: tuple[str, ...] = (),
    inline: tuple[str, ...] = (),
    purpose: Purpose = Purpose.ANALYTICS,
) -> Vendor:
    return Vendor(vendor_id, vendor_id.title(), purpose, "https://e.example/", hosts, cookies, inline)


ACME = vendor(
    "acme",
    hosts=("acme.example", "cdn.example/acme/", "10.0.0.1"),
    cookies=("_acme", "_acme_*"),
    inline=("cdn.acme.example/tag.js", "acme('init'", "Acme.start(", "_aq.push(['setId'"),
)
TAG = vendor("tag", hosts=("tag.acme.example", "cdn.example/acme/tag/", "cdn.example"), cookies=("_acme_tag*",))
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
    ("host", "known", "by_path"),
    [
        ("acme.example", True, False),
        ("x.acme.example", True, False),
        ("cdn.example", True, True),
        ("eu.cdn.example", True, True),
        ("other.example", False, False),
        ("localhost", False, False),
    ],
)
def test_a_host_that_may_be_a_vendors_is_known(host: str, known: bool, by_path: bool) -> None:
    """So that most of the web's hosts cost one look-up, and only a few must be judged path by path."""
    assert REGISTRY.knows(host) is known
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
    with pytest.raises(FrozenInstanceError):
        ACME.purpose = Purpose.NECESSARY  # type: ignore[misc]
    assert hash(Match(ACME, "x")) == hash(Match(replace(ACME), "x"))


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
        "s.src='https://cdn.acme.example/other.js'",
        "s.src='https://notcdn.acme.example.org/tag.js'",
        "s.src='https://xcdn.acme.example/tag.js'",
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


def test_a_mark_that_breaks_the_schema_marks_nothing() -> None:
    """A vendor that was written in code has not met the schema's checks; a mark without a shape is never found."""
    registry = Registry([vendor("loose", inline=("anything at all",))])
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
    lists = {"hosts": ["a.example"], "cookies": ["_a"], "inline": ["a.example/t.js"], "globals": ["a"]}
    assert parse_vendor(ENTRY | lists) == Vendor(
        id="acme",
        name="Acme",
        purpose=Purpose.ANALYTICS,
        source="https://acme.example/docs",
        hosts=("a.example",),
        cookies=("_a",),
        inline=("a.example/t.js",),
        globals=("a",),
    )


def test_the_lists_of_an_entry_are_optional() -> None:
    """Absent is empty."""
    found = parse_vendor(ENTRY)
    assert (found.hosts, found.cookies, found.inline, found.globals) == ((), (), (), ())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"host": []}, "unknown key 'host'; the keys are id, name, purpose, source, hosts, cookies, inline, globals"),
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
    ],
)
def test_an_entry_that_breaks_the_schema_is_told_how(change: dict[str, object], problem: str) -> None:
    """The error names the vendor and says what the value must be."""
    with pytest.raises(VendorDataError) as caught:
        parse_vendor(ENTRY | change)
    assert caught.value.vendor == str(change.get("id", "acme"))
    assert str(caught.value).startswith(f"vendor {caught.value.vendor}: {problem}")


@pytest.mark.parametrize("key", ["id", "name", "purpose", "source"])
def test_each_text_is_required(key: str) -> None:
    """An entry without an id is named by its place."""
    entry = {name: value for name, value in ENTRY.items() if name != key}
    with pytest.raises(VendorDataError, match=f"'{key}' must be a text") as caught:
        parse_vendor(entry, 3)
    assert caught.value.vendor == ("number 3" if key == "id" else "acme")


def test_a_text_of_several_entries_becomes_vendors_in_order() -> None:
    """An empty text holds none."""
    entry = '[[vendor]]\nid="{}"\nname="A"\npurpose="marketing"\nsource="https://a.example"\n'
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
    ],
)
def test_a_text_that_is_no_vendor_data_is_told_how(text: str, problem: str) -> None:
    """What TOML itself complains of is passed on."""
    with pytest.raises(VendorDataError, match=problem):
        load(text)
