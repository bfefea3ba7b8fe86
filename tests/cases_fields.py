"""One table of response header fields that make a browser talk to somebody, with what must be left of them.

`{T}` stands for the origin of a refused vendor, `{AD}` for that of another, `{X}` for one that nobody claims, `{CDN}`
for one that no refused purpose has, `{OWN}` for one of the site's own. A case is (what it is about, the fields, what is
left, the vendors of the removals); the last two are left out when nothing goes. The page is https.
"""

from __future__ import annotations

from typing import NamedTuple

from dntguard.headers import Headers

HOSTS = {
    "{T}": "https://static.hotjar.com",
    "{AD}": "https://ad.doubleclick.net",
    "{X}": "https://nobody.example",
    "{CDN}": "https://js.stripe.com",
    "{OWN}": "https://cdn.shop.example",
}


class Case(NamedTuple):
    """One row: `says` what is true, what goes in, what is left, and whose what went is."""

    says: str
    headers: Headers
    left: Headers
    vendors: list[str | None]


def _fields(lines: tuple[str, ...]) -> Headers:
    headers: Headers = []
    for line in lines:
        for mark, origin in HOSTS.items():
            line = line.replace(mark, origin)  # noqa: PLW2901 - one after the other
        name, _, value = line.partition(": ")
        headers.append((name.encode(), value.encode("utf-8", "surrogateescape")))
    return headers


def _goes(says: str, before: tuple[str, ...], after: tuple[str, ...], *vendors: str | None) -> Case:
    return Case(says, _fields(before), _fields(after), list(vendors))


def _stays(says: str, *lines: str) -> Case:
    return Case(says, _fields(lines), _fields(lines), [])


HOTJAR, DOUBLECLICK = "hotjar", "doubleclick"

LINKS = [
    _goes("a preload of a refused script", ("Link: <{T}/h.js>; rel=preload; as=script",), (), HOTJAR),
    _goes("any preload of a refused vendor", ("Link: <{T}/h.css>; rel=preload; as=style",), (), HOTJAR),
    _goes("a preconnect", ("link: <{T}>; rel=preconnect; crossorigin",), (), HOTJAR),
    _goes("a dns-prefetch without a scheme", ("LINK: <//static.hotjar.com>;rel=dns-prefetch",), (), HOTJAR),
    _goes("a prefetch", ('Link: <{T}/>;rel="prefetch"',), (), HOTJAR),
    _goes("a prerender", ("Link: <{T}/>; rel=prerender",), (), HOTJAR),
    _goes("a style sheet", ("Link: <{T}/a.css>; rel=stylesheet",), (), HOTJAR),
    _goes("an icon", ('Link: <{AD}/i.png>; rel="shortcut icon"',), (), DOUBLECLICK),
    _goes("a module of nobody", ("Link: <{X}/m.js>; rel=modulepreload",), (), None),
    _goes("a script of nobody", ("Link: <{X}/m.js>; rel=preload; as=script",), (), None),
    _goes("a worker of nobody", ('Link: <{X}/m.js>; rel=preload; as="Worker"',), (), None),
    _stays("a style of nobody", "Link: <{X}/m.css>; rel=preload; as=style"),
    _stays("a preconnect to nobody", "Link: <{X}>; rel=preconnect"),
    _stays("a link that only names a host", 'Link: <{T}/a>; rel=canonical, <{T}/b>; rel="alternate"; hreflang=de'),
    _stays("a link without a relation", "Link: <{T}/a>, <{T}/b>; title=preload"),
    _stays("the site's own", "Link: </a.js>; rel=preload; as=script, <{OWN}/m.js>; rel=modulepreload"),
    _stays("what is necessary", "Link: <{CDN}/v3/>; rel=preload; as=script"),
    _goes(
        "only the refused links go, and the others keep their bytes",
        ('Link:   </a,b.css> ;rel="preload";  as=style,<{T}/>; rel=prefetch ,,\t<{OWN}>; rel=preconnect ',),
        ('Link: </a,b.css> ;rel="preload";  as=style,\t<{OWN}>; rel=preconnect',),
        HOTJAR,
    ),
    _goes(
        "a comma in an address or a string parts nothing",
        ('Link: </a,b>; title="x, <y>; rel=preload", <{T}/a,b>; rel=preload; title="a, b"',),
        ('Link: </a,b>; title="x, <y>; rel=preload"',),
        HOTJAR,
    ),
    _stays("a link in a string", 'Link: </a>; rel=preload; title=", <{T}/h.js>; rel=preload"'),
    _goes(
        "an escaped quote ends no string", (r'Link: </a>; title="\", <{T}/>; rel=preload', "A: b"), ("A: b",), HOTJAR
    ),
    _goes(
        "an escaped quote inside a string",
        (r'Link: </a>; title="x\",y", <{T}/>; rel=preload',),
        (r'Link: </a>; title="x\",y"',),
        HOTJAR,
    ),
    _goes("a relation is escaped", (r'Link: <{T}/>; rel="pre\load"',), (), HOTJAR),
    _goes("several relations, in any case", ('Link: <{T}/>; REL="Next PreFetch"',), (), HOTJAR),
    _goes("spaces around everything", ("Link: \t<{T}/> ; rel = preload ; as = font ;",), (), HOTJAR),
    _stays("the first relation counts", "Link: <{T}/>; rel=next; rel=preload"),
    _goes("the first relation counts, and it is refused", ("Link: <{T}/>; rel=preload; rel=next",), (), HOTJAR),
    _goes("an empty relation is none to some", ('Link: <{T}/>; rel=""; rel=preload',), (), HOTJAR),
    _goes("the last `as` counts to some", ("Link: <{X}/>; rel=preload; as=style; as=script",), (), None),
    _goes("and the first to others", ("Link: <{X}/>; rel=preload; as=script; as=style",), (), None),
    _stays("extended parameters are other parameters", "Link: <{T}/>; rel*=UTF-8''preload; title*=UTF-8''prefetch"),
    _goes("an anchor changes nothing", ("Link: <{T}/>; anchor=/other; rel=prefetch",), (), HOTJAR),
    _goes(
        "image candidates",
        ('Link: </a.png>; rel=preload; as=image; imagesrcset="/b.png 1x, {T}/c.png 2x"',),
        (),
        HOTJAR,
    ),
    _goes("several fields", ("Link: </a>; rel=next", "Link: <{T}>; rel=preconnect"), ("Link: </a>; rel=next",), HOTJAR),
    _goes(
        "quotes that are none to others",
        ("Link: <{T}/h.js>; rel='preload', </a>; rel=next",),
        ("Link: </a>; rel=next",),
        HOTJAR,
    ),
    _stays(
        "unquoted values with more than a token",
        "Link: </f.woff2>; rel=preload; as=font; type=font/woff2, <{T}>; rel=me",
    ),
    _goes("a host beyond ASCII", ("Link: <https://static.hotj\uff41r.com/>; rel=prefetch",), (), HOTJAR),
    _goes("a host in Latin-1", ("Link: <https://static.h\udcbatjar.com/>; rel=prefetch",), (), HOTJAR),
    _goes("an address with tricks", (r"Link: <https:\\u:p@static.hotjar.com.:443/>; rel=prefetch",), (), HOTJAR),
    _goes("an address with references stays what it is", ("Link: <{T}/&quot;x&amp;>; rel=prefetch",), (), HOTJAR),
    # What cannot be split with certainty.
    _goes("a bracket that nobody closes", ("Link: <{T}/h.js; rel=preload",), (), HOTJAR),
    _goes(
        "a string that nobody closes",
        ('Link: </a>; rel=next, </b>; title=", <{T}>; rel=preconnect',),
        ("Link: </a>; rel=next",),
        HOTJAR,
    ),
    _goes("something before the bracket", ("Link: x <{T}>; rel=preload, </b>; rel=next",), (), HOTJAR),
    _goes("something after the bracket", ("Link: <{T}> x; rel=preload",), (), HOTJAR),
    _goes("something after a string", ('Link: <{T}>; rel="preload"x',), (), HOTJAR),
    _goes("a bracket in an address", ("Link: <<{T}>; rel=preload",), (), HOTJAR),
    _goes("no bracket at all", ("Link: {T}; rel=preload",), (), HOTJAR),
    _goes("a comma in quotes that are none to others", ("Link: </a>; x='y, <{T}>; rel=preload'",), (), HOTJAR),
    _goes("user-info with a quote", ('Link: <https://x";,y="@static.hotjar.com>; rel=prefetch',), (), HOTJAR),
    _goes(
        "a backslash before a quote that ends nothing to some",
        (r'Link: </a>; x="\\", <{T}>; rel=preload; y="',),
        (),
        HOTJAR,
    ),
    _goes("a tab in what cannot be split", ("Link: <https:/\t/static.hotjar.com; rel=preload",), (), HOTJAR),
    _goes("a preload of nobody in what cannot be split", ("Link: <{X}/x.js; rel=PRELOAD; as=script",), (), None),
    _stays("nobody's host in what cannot be split", "Link: <{X}/x.js; rel=prefetch"),
    _stays("what cannot be split and holds nobody refused", "Link: <{OWN}/x, </a>; rel='", "Link: <{X}>; rel=me"),
    _goes(
        "a string that reaches into the next field",
        ('Link: </a>; x="', 'Link: </b>; title=", <{T}>; rel=preload; x="', "Link: </c>; rel=next"),
        ('Link: </a>; x="', "Link: </c>; rel=next"),
        HOTJAR,
    ),
    _goes(
        "what goes reaches into nothing",
        ('Link: <{T}>; rel=preload; x="', 'Link: </b>; title=", <{T}>; rel=preload"'),
        ('Link: </b>; title=", <{T}>; rel=preload"',),
        HOTJAR,
    ),
    _goes(
        "after what cannot be split, what is certain goes alone",
        ("Link: <x", "Link: <{T}>; rel=preload, </b>; rel=next"),
        ("Link: <x", "Link: </b>; rel=next"),
        HOTJAR,
    ),
    _stays("an empty value", "Link: ", "Link: ,", "Link: , ,\t"),
]

REFRESHES = [
    _goes("a refused page", ("Refresh: 0; url={T}/",), (), HOTJAR),
    _goes("with quotes and without a name", ("refresh: 5;'{T}/a'b",), (), HOTJAR),
    _goes("with a comma", ("Refresh: 5,URL = {T}",), (), HOTJAR),
    _goes("with a quote in it", ('Refresh: 0; url="{T}/&"',), (), HOTJAR),
    _goes("one of two", ("Refresh: 9", "Refresh: 0; url={T}/"), ("Refresh: 9",), HOTJAR),
    _goes(
        "two fields are one value", ("Refresh: 9;https://x:", "A: b", "Refresh: @static.hotjar.com"), ("A: b",), HOTJAR
    ),
    _stays("the page itself", "Refresh: 300"),
    _stays("the site's own", "Refresh: 0; url=/next?u={T}", "Refresh: 0; {OWN}/"),
    _stays("somebody whom nobody claims, as in a page", "Refresh: 0; url={X}/"),
]

REPORTS = [
    _goes("an endpoint of a vendor", ('Reporting-Endpoints: default="{T}/r"',), (), HOTJAR),
    _goes("an endpoint of nobody", ('Reporting-Endpoints: a="{X}/r"',), (), None),
    _goes(
        "the others stay",
        ('Reporting-Endpoints: a="/r", b="{T}/r";x="y",  c="{OWN}/r?a,b"',),
        ('Reporting-Endpoints: a="/r",  c="{OWN}/r?a,b"',),
        HOTJAR,
    ),
    _goes("an escaped address", (r'Reporting-Endpoints: a="https:\\\\static.hotjar.com"',), (), HOTJAR),
    _goes("what is no dictionary", ("Reporting-Endpoints: a={T}/r",), (), HOTJAR),
    _goes(
        "what is no dictionary, from there on",
        ('Reporting-Endpoints: a="/r", B="{T}", c="/c"',),
        ('Reporting-Endpoints: a="/r"',),
        HOTJAR,
    ),
    _goes("nobody in what is no dictionary", ('Reporting-Endpoints: "{X}/r"',), (), None),
    _stays("the site's own endpoints", 'Reporting-Endpoints: a="/r", b="{OWN}/{T}"', "Reporting-Endpoints: a=1"),
    _stays("a necessary vendor's", 'Reporting-Endpoints: a="{CDN}/r"'),
    _goes("a group", ('Report-To: {"group":"a","max_age":1,"endpoints":[{"url":"{T}/r"}]}',), (), HOTJAR),
    _goes("a group of nobody", ('Report-To: {"max_age":1,"endpoints":[{"url":"{X}/r"}]}',), (), None),
    _goes(
        "an address in escapes", (r'Report-To: {"endpoints":[{"url":"https:\/\/\u0073tatic.hotjar.com"}]}',), (), HOTJAR
    ),
    _goes(
        "the other groups stay",
        ('Report-To: { "max_age":1, "endpoints":[{"url":"/r"}] } , {"endpoints":[{"url":"{T}"}]}, [1], "é\udcff"',),
        ('Report-To: { "max_age":1, "endpoints":[{"url":"/r"}] }, [1], "é\udcff"',),
        HOTJAR,
    ),
    _goes(
        "the other endpoints stay",
        ('Report-To: {"group": "a", "max_age": 86400, "endpoints": [{"url":"{T}"},{"url":"{OWN}","priority":2}]}',),
        ('Report-To: {"group":"a","max_age":86400,"endpoints":[{"url":"{OWN}","priority":2}]}',),
        HOTJAR,
    ),
    _goes("a group that is no JSON", ("Report-To: {T}", "Report-To: {'a'}"), (), None, None),
    _goes("brackets deeper than anybody reads", ("Report-To: " + "[" * 17 + "]" * 17,), (), None),
    _stays("brackets that are not deep", "Report-To: " + "[" * 16 + "]" * 16 + ', "[[[[[[[[[[[[[[[[[", [],[]'),
    _stays("a group that the browser is to forget", 'Report-To: {"max_age":0,"endpoints":[{"url":"{T}"}]}'),
    _stays(
        "what no browser understands",
        'Report-To: {"group":1,"endpoints":[{"url":"{T}"}]}, {"endpoints":{"url":"{T}"}}, "{T}", {}',
        'Report-To: {"endpoints":["{T}",{"url":["{T}"]}]},,',
        "Report-To: ",
    ),
    _stays(
        "the last of two members of a name counts",
        'Report-To: {"endpoints":[{"url":"{T}"}],"endpoints":[{"url":"/r"}]}',
    ),
    _stays("long numbers", 'Report-To: {"max_age":' + "1" * 5000 + ',"endpoints":[{"url":"/r"}]}'),
    _goes(
        "a network error log goes with its group",
        ('NEL: {"report_to":"a","max_age":1}', 'Report-To: {"group":"a","max_age":1,"endpoints":[{"url":"{T}"}]}'),
        (),
        HOTJAR,
        HOTJAR,
    ),
    _goes(
        "a network error log goes with its endpoint",
        ('Reporting-Endpoints: a="{T}"', 'NEL: {"report_to":"a","max_age":1}'),
        (),
        HOTJAR,
        HOTJAR,
    ),
    _goes("a network error log to who knows whom", ('NEL: {"report_to":"a","max_age":1}',), (), None),
    _goes(
        "a document's endpoint is no group",
        ('Reporting-Endpoints: a="/r"', 'NEL: {"report_to":"a","max_age":1}'),
        ('Reporting-Endpoints: a="/r"',),
        None,
    ),
    _goes("a network error log that is no JSON", ("NEL: {",), (), None),
    _stays(
        "a network error log to a group that stays",
        'NEL: {"report_to":"a","max_age":1}',
        'Report-To: {"group":"a","max_age":1,"endpoints":[{"url":"/r"}]}',
    ),
    _stays("a network error log that the browser is to forget", 'NEL: {"report_to":"a","max_age":0}'),
    _stays("a network error log to nobody", 'NEL: {"max_age":1}, {"report_to":1}, 1'),
]

SPECULATIONS = [
    _goes("refused rules", ('Speculation-Rules: "{T}/rules.json"',), (), HOTJAR),
    _goes("the others stay", ('Speculation-Rules: "/a", "{T}/b";x, "/c"',), ('Speculation-Rules: "/a", "/c"',), HOTJAR),
    _goes("what is no list of strings", ("Speculation-Rules: {T}/b",), (), HOTJAR),
    _goes("an address beyond ASCII", ('Speculation-Rules: "https://static.hotj\uff41r.com"',), (), HOTJAR),
    _stays("the site's own rules", 'Speculation-Rules: "/a,{T}", "{OWN}/b"', "Speculation-Rules: a b"),
    _stays("rules of nobody, as in a page", 'Speculation-Rules: "{X}/b"'),
]

HINTS = [
    _goes("hints for a host", ("Accept-CH: DPR, sec-ch-ua-model {T}, width",), ("Accept-CH: DPR, width",), HOTJAR),
    _goes("hints for two hosts", ("Accept-CH: sec-ch-ua-model {OWN} {T}",), (), HOTJAR),
    _goes("hints for a host in a string", ('Critical-CH: "sec-ch-ua-model {T}"',), (), HOTJAR),
    _goes("hints in a string that nobody closes", ('Critical-CH: DPR, "{T}, x',), ("Critical-CH: DPR",), HOTJAR),
    _stays("names of hints", "Accept-CH: Sec-CH-UA-Model, DPR", "Critical-CH: Sec-CH-UA-Model"),
    _stays("hints for the site's own", "Accept-CH: sec-ch-ua {OWN}, x", 'Critical-CH: "sec-ch-ua {X}", "'),
    _goes(
        "an entry of a directive",
        ('Permissions-Policy: geolocation=(), ch-ua-model=(self "{T}" "{OWN}"),ch-ua=*',),
        ('Permissions-Policy: geolocation=(), ch-ua-model=(self "{OWN}"),ch-ua=*',),
        HOTJAR,
    ),
    _goes(
        "all entries of a directive",
        ('Permissions-Policy: ch-dpr=("{T}" "{AD}");x',),
        ("Permissions-Policy: ch-dpr=();x",),
        HOTJAR,
        DOUBLECLICK,
    ),
    _goes("an entry without a list", ('Permissions-Policy: ch-dpr="{T}"',), ("Permissions-Policy: ch-dpr=()",), HOTJAR),
    _goes(
        "an entry for all below a host",
        ('Permissions-Policy: ch-dpr=("https://*.hotjar.com")',),
        ("Permissions-Policy: ch-dpr=()",),
        HOTJAR,
    ),
    _goes(
        "what is no dictionary",
        ('Permissions-Policy: a=(), ch-dpr=("{T}", b=()',),
        ("Permissions-Policy: a=()",),
        HOTJAR,
    ),
    _stays("other directives", 'Permissions-Policy: geolocation=("{T}"), browsing-topics=(), ch-ua=(self "{OWN}")'),
    _stays("other directives that are no dictionary", 'Permissions-Policy: geolocation=("{T}"'),
    _stays(
        "hints for all", 'Permissions-Policy: ch-ua=*, ch-dpr, ch-width=(), ch-x;y="{T}", ch-z=("{X}" 1 ?1 :YQ==: *)'
    ),
]

ADVERTISING = [
    "Attribution-Reporting-Register-Source",
    "Attribution-Reporting-Register-Trigger",
    "Attribution-Reporting-Register-OS-Source",
    "Attribution-Reporting-Register-OS-Trigger",
    "Attribution-Reporting-Info",
    "Observe-Browsing-Topics",
    "Shared-Storage-Write",
    "Shared-Storage-Cross-Origin-Worklet-Allowed",
    "Ad-Auction-Allowed",
    "X-Allow-FLEDGE",
    "Ad-Auction-Signals",
    "Ad-Auction-Additional-Bid",
    "Ad-Auction-Result",
    "Ad-Auction-Result-Nonce",
    "Ad-Auction-Bidding-Signals-Format-Version",
    "X-FLEDGE-Bidding-Signals-Format-Version",
    "Allow-Fenced-Frame-Automatic-Beacons",
    "Allow-Cross-Origin-Event-Reporting",
]

OTHERS = [
    _stays("what is no such field", "Content-Type: text/html", "X-Link: <{T}>; rel=preload", "Location: {T}", "a: b"),
    _stays("no field at all"),
    _goes(
        "order, case and duplicates of all else",
        ("B: 1", "b: 2", "Link: <{T}>; rel=preload", "B: 1", "Observe-Browsing-Topics: ?1", "NEL: {}", "A: {T}"),
        ("B: 1", "b: 2", "B: 1", "NEL: {}", "A: {T}"),
        HOTJAR,
        None,
    ),
]

CASES = [
    *LINKS,
    *REFRESHES,
    *REPORTS,
    *SPECULATIONS,
    *HINTS,
    *(_goes(f"advertising: {name}", ("A: b", f"{name}: ?1"), ("A: b",), None) for name in ADVERTISING),
    *OTHERS,
]
