"""URLs as a browser resolves them, with ada (the parser of Node.js) as the oracle for the WHATWG URL standard."""

from urllib.parse import quote

import ada_url
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from dntguard.urls import (
    INVALID_HOST,
    NETWORK_SCHEMES,
    Location,
    is_address,
    parents,
    parse_host,
    parse_page_url,
    resolve,
    site,
)

PAGES = [
    "https://shop.example/a/b/c?x#y",
    "http://localhost:3000/",
    "http://[::1]/x/",
    "https://www.example.co.uk/a/../b",
    "http://192.168.0.1/",
    "https://bücher.example/ä",
]

# What a URL is made of, the nasty parts not rarer than the tidy ones.
SCHEMES = [
    "",
    "http:",
    "https:",
    "HTTPS:",
    "hTtP:",
    "ht\ttp:",
    "ws:",
    "wss:",
    "ftp:",
    "data:",
    "javascript:",
    "file:",
    "x-y:",
]
SLASHES = ["", "/", "//", "///", "////", "\\\\", "/\\", "\\/", "\\", "/\t/", "\n//"]
USERS = ["", "", "user@", "user:pw@", "@", "a@b@", "shop.example:80@", "%40@", "ü@"]
HOSTS = [
    *("t.example", "T.Example", "a.b.c.d", "www.google-analytics.com", "localhost", "a_b.example", "-a-.example"),
    *("t.example.", "t.example..", ".", "..", "", "a..b", ".t.example"),
    *("t%2eexample", "%74.example", "%54.EXAMPLE", "%C3%BC.example", "%ff.example", "%zz", "a%00b", "a%20b", "%2e"),
    *(
        "bücher.example",
        "BÜCHER.example",
        "faß.example",
        "xn--bcher-kva.example",
        "☕.example",
        "\uff54\uff0eexample",
        "t。example",
    ),
    *(
        "a\u00adb.example",
        "\u00ad",
        "a\u200db.example",
        "٣.example",
        "①.example",
        "İ.example",
        "xn--a.example",
        "\ufffd.example",
    ),
    *(
        "1.2.3.4",
        "1.2.3.4.",
        "1.2.3",
        "1.2",
        "1",
        "0x7f.1",
        "0X7F.0.0.1",
        "0177.1",
        "2130706433",
        "4294967295",
        "4294967296",
    ),
    *(
        "256.1",
        "1.2.3.4.5",
        "1.2.3.08",
        "0x",
        "0xg",
        "a.1",
        "a.0x1",
        "1.a",
        "00000000000000000000001.1",
        "1..2",
        "\uff11.2.3.4",
        "1e2",
    ),
    *(
        "[::1]",
        "[::]",
        "[1:2:3:4:5:6:7:8]",
        "[::ffff:1.2.3.4]",
        "[0:0:1::]",
        "[A::B]",
        "[::1%25eth0]",
        "[::1",
        "[]",
        "[1::2::3]",
        "[::1]a",
    ),
    *(
        "a b",
        "a^b",
        "a|b",
        "a<b",
        "a>b",
        'a"b.example',
        "a`b.example",
        "a{b}.example",
        "a*b.example",
        "a'b.example",
        "a~b.example",
        "!$&()",
    ),
]
PORTS = [
    "",
    "",
    ":",
    ":80",
    ":443",
    ":0443",
    ":65535",
    ":65536",
    ":99999999",
    ":x",
    ":8\t0",
    "::80",
    ":" + "0" * 30 + "80",
]
TAILS = [
    *("", "/", "/x.js", "x.js", "./x.js", "../x.js", "/../x.js", "/a/./b", "/a/../b", "/a/..", "/a/.", "/..."),
    *(
        "/%2e%2e/x",
        "/a/%2E./b",
        "\\a\\..\\b",
        "//a//b",
        "?q=//t.example",
        "#f//t.example",
        "?",
        "#",
        "/a?b/../c",
        "/ä b",
        "/a\tb",
        ";x",
        "/..",
    ),
]
AROUND = ["", "", " ", "\t", "\n", "\x00", "\x1f ", "\u00a0"]


def joined(*parts: list[str]) -> st.SearchStrategy[str]:
    return st.tuples(*map(st.sampled_from, parts)).map("".join)


SHAPED = joined(AROUND, SCHEMES, SLASHES, USERS, HOSTS, PORTS, TAILS, AROUND)
SHUFFLED = st.lists(st.sampled_from([*SCHEMES, *SLASHES, *USERS, *HOSTS, *PORTS, *TAILS]), max_size=8).map("".join)
LETTERS = st.text(st.characters(max_codepoint=0x2FFF, exclude_categories=["Cs", "Cn"]), max_size=6)
LABELLED = st.builds("//a{}b.example/{}".format, LETTERS, LETTERS)
URLS = st.one_of(SHAPED, SHUFFLED, LABELLED)

unhurried = settings(deadline=None, max_examples=1000)


def encoded(path: str) -> str:
    """A path as ada shows it: percent-encoded with the path percent-encode set (URL section 1.3)."""
    return "".join(char if "!" <= char <= "~" and char not in '"<>`{}^' else quote(char) for char in path)


def in_dns(host: str) -> bool:
    """Whether a name has no empty label, less the one of the root: the standard accepts those, DNS has none."""
    return "" not in host.removesuffix(".").split(".")


@given(URLS, st.sampled_from(PAGES))
@unhurried
@example("https:foo", "https://shop.example/a/b")
@example("https:foo", "http://shop.example/a/b")
@example("//user:pw@T.EXAMPLE:8443\\x", "https://shop.example/")
@example('//a"b.t.example/', "https://shop.example/")
@example("//[::1%25eth0]/", "https://shop.example/")
@example("//\ufffd.example/", "https://shop.example/")
@example("//%ff.example/", "https://shop.example/")
@example("//t.example:65536/", "https://shop.example/")
@example("//t.example:99999/x", "https://shop.example/")
@example("//" + "t." * 127 + "example/", "https://shop.example/")
def test_a_url_leads_where_the_standard_says(url: str, page: str) -> None:
    """Scheme, host and path equal those of ada for each URL that a browser accepts and asks a host for."""
    ours = resolve(url, parse_page_url(page))
    try:
        theirs = ada_url.URL(url, page)
    except ValueError:
        return  # a browser asks nobody
    scheme = theirs.protocol.removesuffix(":")
    host = theirs.hostname.removesuffix(".")
    assert ours.scheme == scheme
    if scheme not in NETWORK_SCHEMES:
        assert ours.host == ""
        return
    if not in_dns(theirs.hostname) or len(host) > 253:
        assert ours.host == INVALID_HOST
        return
    assert ours.host == host
    assert encoded(ours.path) == theirs.pathname


@given(st.sampled_from(HOSTS), st.sampled_from(PORTS), st.sampled_from(USERS))
@unhurried
def test_an_authority_is_read_as_in_a_url(host: str, port: str, user: str) -> None:
    """`parse_host` gives the host that ada finds in `https://authority/`, without a trailing dot."""
    authority = user + host + port
    assume("\t" not in authority)  # a parser of whole URLs has removed them
    try:
        theirs = ada_url.URL(f"https://{authority}/").hostname
    except ValueError:
        theirs = ""
    assert not theirs or parse_host(authority) == (theirs.removesuffix(".") if in_dns(theirs) else INVALID_HOST)


@given(st.text(st.characters(exclude_categories=[]), max_size=40), st.sampled_from(PAGES))
@unhurried
@example("//%41\ud800.example/", PAGES[0])
@example("//\ud800.example/", PAGES[0])
def test_no_text_raises(url: str, page: str) -> None:
    """Not even one that is no Unicode text; and every host can be asked for its site and its parents."""
    host = resolve(url, parse_page_url(page)).host
    assert parents(parse_host(url))[0] == parse_host(url)
    assert host.endswith(site(host))


@pytest.mark.parametrize(
    "authority",
    [
        *(
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "user@",
            "a b",
            "a\tb",
            "a%20b",
            "a%2fb",
            "a%00b",
            "a<b",
            "a|b",
            "%ff",
            "%41\ud800",
        ),
        *(
            "\ufffd.example",
            "\u00ad",
            "xn--\u2603\ufffe",
            "a:b",
            "a:80:80",
            "a:65536",
            "a:123456789012345678901234567890",
        ),
        *("[::1", "[]", "[::1]x", "[::1%25eth0]", "[1::2::3]", "[12345::]", "[::1.2.3.256]", "[::01.2.3.4]"),
        *("256.1.1.1", "1.2.3.4.5", "1.2.3.08", "4294967296", "1.256.1", "a.1", "0xg.1", "1.2.0x100000", "9" * 5000),
        *("a" * 254, "ü" * 2049, "%C3%BC" * 2049, ":" + "0" * 5000),
    ],
)
def test_what_cannot_be_a_host_is_nobodys(authority: str) -> None:
    """`INVALID_HOST`, with the dot that keeps it out of every host pattern."""
    assert parse_host(authority) == INVALID_HOST


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("Shop.Example", "shop.example"),
        ("shop.example.", "shop.example"),
        ("shop.example:8443", "shop.example"),
        ("shop.example:", "shop.example"),
        ("shop.example:" + "0" * 5000 + "80", "shop.example"),
        ("user:pw@shop.example", "shop.example"),
        ("b%C3%BCcher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("☕.example", "xn--53h.example"),
        ("0x7f.1", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0x", "0.0.0.0"),
        ("1.2.3.4.", "1.2.3.4"),
        ("[0:0:0:0:0:0:0:1]:80", "[::1]"),
        ("[::FFFF:1.2.3.4]", "[::ffff:102:304]"),
        ("a" * 253, "a" * 253),
    ],
)
def test_a_host_has_one_spelling(authority: str, host: str) -> None:
    """Whatever way it is written, it is compared in the way a browser looks it up."""
    assert parse_host(authority) == host
    assert parse_host(host) == host


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("x.js", Location("https", "shop.example", "/a/x.js")),
        ("/x.js?v=1#y", Location("https", "shop.example", "/x.js", "v=1")),
        ("../../../x.js", Location("https", "shop.example", "/x.js")),
        ("", Location("https", "shop.example", "/a/b")),
        ("?q", Location("https", "shop.example", "/a/b", "q")),
        ("#f?q", Location("https", "shop.example", "/a/b")),
        ("x.js?a=1?b=2", Location("https", "shop.example", "/a/x.js", "a=1?b=2")),
        ("//Px.example/a?b#?c", Location("https", "px.example", "/a", "b")),
        ("//px.example?b", Location("https", "px.example", "/", "b")),
        ("https:", Location("https", "shop.example", "/a/b")),
        ("https:x.js", Location("https", "shop.example", "/a/x.js")),
        ("https:/x.js", Location("https", "shop.example", "/x.js")),
        ("http:t.example/x.js", Location("http", "t.example", "/x.js")),
        ("//t.example", Location("https", "t.example", "/")),
        ("\\\\t.example\\x", Location("https", "t.example", "/x")),
        ("/\t/\nt.exa\rmple/x", Location("https", "t.example", "/x")),
        ("////t.example/x/../y", Location("https", "t.example", "/y")),
        ("https://t.example/a/%2E%2e/b/.", Location("https", "t.example", "/b/")),
        ("https://shop.example@t.example/", Location("https", "t.example", "/")),
        ("data:text/html,//t.example", Location("data", "", "text/html,//t.example")),
        ("JavaScript:alert(1)", Location("javascript", "", "alert(1)")),
        ("blob:https://shop.example/1", Location("blob", "", "https://shop.example/1")),
        ("about:blank", Location("about", "", "blank")),
    ],
)
def test_a_url_is_resolved_against_the_page(url: str, location: Location) -> None:
    """The forms that pages use, on the page https://shop.example/a/b."""
    assert resolve(url, parse_page_url("https://shop.example/a/b")) == location


@pytest.mark.parametrize("url", ["x.js", "/x.js", "", "?q", "#f", ".."])
@pytest.mark.parametrize("base", [Location("mailto", "", "a@b"), Location("data", "", ","), Location("file", "", "/")])
def test_a_relative_url_asks_nobody_where_its_base_asks_nobody(url: str, base: Location) -> None:
    """`<base href="mailto:a@b">`: there is no host to inherit."""
    assert resolve(url, base).host == ""


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://localhost:8000/", "localhost"),
        ("https://192.168.0.1/", "192.168.0.1"),
        ("https://[2001:DB8::1]:8443/x", "[2001:db8::1]"),
        ("https://github.io/", "github.io"),
        ("https://bücher.example", "xn--bcher-kva.example"),
        (" HTTPS://User@Shop.Example./\n", "shop.example"),
        ("ht\ntps://shop.example", "shop.example"),
        ("https:shop.example", "shop.example"),
    ],
)
def test_a_page_has_an_absolute_http_address(url: str, host: str) -> None:
    """Also on localhost, on an address, on a public suffix and in any script."""
    assert parse_page_url(url).host == host == ada_url.URL(url).hostname.removesuffix(".")


@pytest.mark.parametrize(
    "url", ["", "shop.example", "/a", "//shop.example/", "ftp://shop.example/", "data:,x", "file:///x"]
)
def test_a_page_without_an_absolute_http_address_is_an_error(url: str) -> None:
    """The message shows the address."""
    with pytest.raises(ValueError, match="not an absolute http or https address") as caught:
        parse_page_url(url)
    assert repr(url) in str(caught.value)


@pytest.mark.parametrize("url", ["https://", "https:", "http://a b/", "https://1.2.3.4.5/", "https://a:99999/"])
def test_a_page_whose_host_cannot_be_is_an_error(url: str) -> None:
    """No browser can have loaded it."""
    with pytest.raises(ValueError, match="no usable host"):
        parse_page_url(url)


@pytest.mark.parametrize(
    ("host", "registrable"),
    [
        ("shop.example", "shop.example"),
        ("cdn.www.shop.example", "shop.example"),
        ("www.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("github.io", "github.io"),
        ("a.b.github.io", "b.github.io"),
        ("www.city.kawasaki.jp", "city.kawasaki.jp"),
        ("a.b.c.kawasaki.jp", "b.c.kawasaki.jp"),
        ("www.xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("com", "com"),
        ("", ""),
    ],
)
def test_the_site_of_a_host_is_its_registrable_domain(host: str, registrable: str) -> None:
    """The host itself where it has none: an address, `localhost`, a public suffix."""
    assert site(host) == registrable


def test_two_hosts_on_a_public_suffix_are_two_sites() -> None:
    """A page on the suffix itself is a third one."""
    assert len({site("a.github.io"), site("b.github.io"), site("github.io")}) == 3


@pytest.mark.parametrize(
    ("host", "above"),
    [
        ("a.b.example", ["a.b.example", "b.example", "example"]),
        ("localhost", ["localhost"]),
        ("1.2.3.4", ["1.2.3.4"]),
        ("[1:2::]", ["[1:2::]"]),
    ],
)
def test_the_parents_of_a_host_start_with_the_host(host: str, above: list[str]) -> None:
    """An address has nothing above it: `2.3.4` is not where 1.2.3.4 belongs."""
    assert list(parents(host)) == above


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("1.2.3.4", True),
        ("[::1]", True),
        ("a.example", False),
        ("localhost", False),
        ("1.2.3.4.example", False),
        ("", False),
    ],
)
def test_an_address_is_not_a_name(host: str, address: bool) -> None:
    """A host whose last label is a number is an IPv4 address (URL section 3.5)."""
    assert is_address(host) is address


@pytest.mark.parametrize(
    "url",
    [
        "//" + "".join(map(chr, range(0x4E00, 0x9E00))) * 10,
        "//a" + "\u0300\u0316" * 50_000,
        "//" + "a." * 100_000 + "example",
        "//" + "a" * 200_000 + ".example",
        "//" + "1." * 100_000,
        "//" + "9" * 200_000,
        "//" + "@" * 200_000,
        "//" + ":0" * 100_000,
        "//%" + "%41" * 70_000,
        "../" * 70_000,
        "/" * 200_000,
    ],
    ids=lambda url: f"{url[:6]}...",
)
def test_a_long_url_takes_no_longer_than_its_length(url: str) -> None:
    """200,000 characters that make quadratic parsers hang are read, and none of them stays in memory."""
    location = resolve(url, parse_page_url(PAGES[0]))
    assert len(location.host) <= 253
    assert len(parents(location.host)) <= 127
