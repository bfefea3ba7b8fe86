"""Hypothesis strategies for pages: tidy ones, nasty ones, and ways to cut them into chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, product
from math import prod

from hypothesis import strategies as st

# --- chunks -----------------------------------------------------------------------------------------------------------

chunk_sizes = st.lists(st.sampled_from((*(1, 2, 3, 4) * 15, *range(1, 61))), min_size=1, max_size=12)
"""Sizes of chunks, taken in turn until the page is at its end; half of them tiny."""


def cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """`data` in chunks of the given sizes, taken in turn."""
    position = 0
    for size in cycle(sizes):
        if position >= len(data):
            return
        yield data[position : position + size]
        position += size


def at_every_chunking(run: Callable[[list[bytes]], bytes], data: bytes, *sizes: list[int]) -> bytes:
    """What `run` makes of `data`: whole, byte by byte, in two parts cut at each place of a short input, and at `sizes`.

    Fails when they are not all the same.
    """
    whole = run([data])
    ways = [[data[place : place + 1] for place in range(len(data))], [b"", data, b""]]
    ways += [list(cut(data, each)) for each in ([2], [3], [7], [16], *sizes)]
    if len(data) <= 400:
        ways += [[data[:place], data[place:]] for place in range(1, len(data))]
    for chunks in ways:
        got = run(chunks)
        assert got == whole, f"at the chunking {[len(chunk) for chunk in chunks]}"
    return whole


# --- many choices in one ----------------------------------------------------------------------------------------------


def one_of_each(*choices: Sequence[bytes]) -> st.SearchStrategy[list[bytes]]:
    """One element of each sequence, drawn at once: most of the time of a run over random pages goes into drawing."""
    sizes = [len(each) for each in choices]
    assert prod(sizes) < 2**24, "beyond that, hypothesis draws small numbers more often"

    numbers = st.integers(0, prod(sizes) - 1)

    @st.composite  # and no `map`, which hypothesis would show in place of the page
    def picked(draw: st.DrawFn) -> list[bytes]:
        number = draw(numbers)
        found = []
        for each, size in zip(choices, sizes, strict=True):
            number, index = divmod(number, size)
            found.append(each[index])
        return found

    return picked()


# --- nasty pages ------------------------------------------------------------------------------------------------------

ADDRESSES = (
    # Refused, as browsers read them.
    b"https://www.google-analytics.com/analytics.js",
    b"//www.google-analytics.com/a.js",
    b"HTTPS://WWW.GOOGLE-ANALYTICS.COM/a.js",
    b"//static.hotjar.com./h.js",
    b"\\\\static.hotjar.com/h.js",
    b"/\\static.hotjar.com",
    b"https:static.hotjar.com",
    b"http:/static.hotjar.com/h.js",
    b"http:///static.hotjar.com",
    b"//user:pass@static.hotjar.com:8443/h.js",
    b"//shop.example@static.hotjar.com/h.js",
    b"//static.hotjar.com?shop.example/",
    b"//static.hotjar.com#@shop.example/",
    b" \n//static.hotjar.com/h.js\t",
    b"ht\ttps://static.hot\njar.com/h.js",
    b"/\n/static.hotjar.com",
    b"&#x2f;&#47;static.hotjar.com/h.js",
    b"&#x2F/static&period;hotjar.com",
    b"https&colon;//static.hotjar&#46com/h.js",
    b"https&colon;&sol;&sol;static.hotjar.com",
    b"&Tab;//static.hotjar.com/h.js&NewLine;",
    b"//static.hotjar%2Ecom/h.js",
    b"//st\xc3\xa4tic.google-analytics.com/",
    b"//static\xe3\x80\x82hotjar.com/h.js",
    b"wss://static.hotjar.com/s",
    b"//static.hotjar.com/a.png?x=1&y=2&notit;3",
    # A vendor's tag that the site's own host serves, or a host of anybody's files.
    b"/stats/matomo.js",
    b"matomo.js?v=1",
    b"//static.shop.example/mat&#111;mo.js",
    b"/gate?x=1&amp;id=GTM-1A2B",
    b"//cdn.jsdelivr.net/x/matomo.js",
    # Nobody's.
    b"//cdn.nobody-knows.example/lib.js",
    b"http://203.0.113.7/t.js",
    b"http://0xcb.0x7107/t.js",
    # Kept.
    b"app.js",
    b"/app.js",
    b"/app.js?v=1&id=gtm-1",
    b"/matomo.js/x",
    b"../x/app.js?//static.hotjar.com/",
    b"https://static.shop.example/app.js",
    b"https://shop.example:8443/app.js",
    b"https://js.stripe.com/v3/",
    b"",
    b"#",
    b"?//static.hotjar.com/",
    b"about:blank",
    b"data:,x",
    b"blob:https://shop.example/1",
)

SNIPPETS = (b"fbq('init', '1');", b" \nfbq('init','1')", b"fbq ('init','1')")
TEXTS = (
    b"x",
    b" ",
    b"",
    b"\n",
    b"\x00",
    b"\xff\xfe",
    b"\xc3\xa9",
    b"&lt;script&gt;",
    b"&amp",
    b"a < b",
    b"<",
    b"<<",
    b"</",
    b"<!",
    b"<?",
    b"<1",
    b"< script>",
    b"]]>",
    b">",
    b'"',
    b"'",
    b"/>",
    b"-->",
    b"--!>",
    b"=",
)
COMMENTS = (
    b"<!---->",
    b"<!-->",
    b"<!--->",
    b"<!-- x -->",
    b"<!-- x --!>",
    b"<!--x--!",
    b"<!-- <!-- -->",
    b"<!--<!-->",
    b"<!--<!--->",
    b"<!----!>",
    b"<!---!>",
    b"<!----x-->",
    b"<!-- > -->",
    b"<!-- ' -->",
    b"<!--",
    b"<!-",
    b"<!x>",
    b"<!x",
    b"<!->",
    b"<?x ?>",
    b"<?xml version='>'?>",
    b"</ x>",
    b"</>",
    b"</\x00>",
    b"<!doctype html>",
    b"<!DOCTYPE html PUBLIC '>'>",
    b"<![CDATA[",
    b"<![CDATA[x]]>",
    b"<![CDATA[>",
    b"<![CDATA[ <b> ]]>",
    b"<![cdata[x]]>",
    b"<![if IE]>",
    b"<!--[if IE]>",
    b"<![endif]-->",
    b"<![endif]>",
)

_RAW = b"style title textarea xmp iframe noembed noframes noscript script plaintext".split()
_FOREIGN = (
    b"svg math desc foreignObject title mi mo mn ms mtext annotation-xml mglyph malignmark style script path g use "
    b"font image a text averyveryverylongelementname"
).split()
_STRUCTURE = (
    b"html head body frameset frame table caption colgroup col tbody thead tfoot tr td th select option optgroup "
    b"template p div span b i a nobr li ul dl dt h1 h2 form button input textarea object applet marquee br hr img "
    b"image embed ruby rt rb menu pre listing isindex keygen base link meta center font address "
    b"selectedcontent search dialog details"
).split()

_CASES: tuple[Callable[[bytes], bytes], ...] = (bytes, bytes, bytes, bytes.upper, bytes.title, bytes.swapcase)
_NAMES = tuple(cased(name) for name in (*_RAW * 8, *_FOREIGN * 4, *_STRUCTURE) for cased in _CASES)
"""The names of elements, half of them as they are written; each of the three kinds is about as likely."""
_SPACES = (b" ", b" ", b" ", b"\n", b"\t", b"\f", b"\r", b"/", b" / ", b"//", b"\r\n")
_EQUALS = (b"=", b"=", b"=", b" =", b"= ", b"\n=\t", b"=\r\n")
_QUOTES = (*(b'"',) * 4, *(b"'",) * 3, *(b"",) * 3)
_ATTRIBUTE_NAMES = (
    *(b"a", b"class", b"src", b"SRC", b"href", b"data-src", b"xlink:href"),
    *(b"=", b"=src", b"<", b'"', b"'", b"a\x00", b"\x00src"),
    *(b"color", b"size", b"encoding", b"type", b"rel", b"srcdoc", b"shadowrootmode"),
)
_OTHER_VALUES = (
    *(b"x", b"", b">", b"/", b"a/", b"<script>", b"</script>", b"--", b"text/html", b"open", b"stylesheet"),
    *(b"&gt;", b"="),
)

addresses = st.sampled_from(ADDRESSES)


def _quoted(value: bytes, equals: bytes, quote: bytes) -> bytes:
    """A value after its equals sign, in these quotes if it can stand in them."""
    if quote and quote not in value:
        return equals + quote + value + quote
    if value and not any(char in b"\t\n\f\r >" for char in value) and value[:1] not in b"\"'":
        return equals + value
    return equals + b'"' + value.replace(b'"', b"&quot;") + b'"'


_attribute_heads = one_of_each(_SPACES, _ATTRIBUTE_NAMES, (b"=",) * 4 + (b"",), _EQUALS, _QUOTES)
_attribute_values = st.sampled_from((*ADDRESSES, *_OTHER_VALUES * 3))
_attribute_counts = st.integers(0, 3)
_attribute_ends = st.sampled_from((b"", b"", b"", b" ", b"/", b" /", b"\n"))


@st.composite
def attributes(draw: st.DrawFn) -> bytes:
    """Some attributes, quoted in all ways, with what the standard calls parse errors."""
    out = b""
    for _ in range(draw(_attribute_counts)):
        space, name, has_value, equals, quote = draw(_attribute_heads)
        out += space + name
        if has_value:
            out += _quoted(draw(_attribute_values), equals, quote)
    return out + draw(_attribute_ends)


_attributes = attributes()
_start_tags = one_of_each(_NAMES, (*(b">",) * 24, b"", b"<", b'"', b" a='"))


@st.composite
def start_tags(draw: st.DrawFn) -> bytes:
    """A start tag of any element that has a part in the standard's tree construction, or none."""
    name, end = draw(_start_tags)
    return b"<" + name + draw(_attributes) + end


_END_TAG_ENDS = (*(b">",) * 12, b" >", b"/>", b" a='>'>", b"\n>", b"", b" ")


def end_tags() -> st.SearchStrategy[bytes]:
    """An end tag of the same elements."""
    return one_of_each((b"</",), _NAMES, _END_TAG_ENDS).map(b"".join)


_PLANTS = (
    (b"script", b"src"),
    (b"script", b"src"),
    (b"script", b"href"),
    (b"script", b"xlink:href"),
    (b"iframe", b"src"),
    (b"img", b"src"),
    (b"img", b"srcset"),
    (b"image", b"href"),
    (b"link rel=stylesheet", b"href"),
    (b"link rel='x PRELOAD'", b"href"),
    (b"object", b"data"),
    (b"embed", b"src"),
    (b"video", b"src"),
    (b"video", b"poster"),
    (b"source", b"srcset"),
    (b"input type=image", b"src"),
    (b"input", b"formaction"),
    (b"form", b"action"),
    (b"a", b"ping"),
    (b"td", b"background"),
    (b"use", b"href"),
    (b"p data-dntguard=keep", b"background"),
)
_WITHOUT_ADDRESS = (
    b"<a onclick=\"fbq('init', 1)\">",
    b"<p onclick='fbq(&quot;init&quot;)' onclick=x>",
    b"<body ONLOAD=\"fbq('init')\">",
    b"<p style='background:url(//static.hotjar.com/p.gif)'>",
    b'<p style="background:url(/own.png)">',
    b"<title style='background:url(//static.hotjar.com/)' onclick=\"fbq('init')\">",
    b"<style>p{background:url(//static.hotjar.com/)}</style>",
    b"<style>p{background:url(/own.png)}",
    b"<iframe srcdoc='<img src=//static.hotjar.com/>&lt;p>'></iframe>",
    b"<iframe srcdoc=\"<script>fbq('init')</script>\">",
    b"<amp-analytics>",
    b"</amp-analytics>",
    b"<amp-ad a=b>x</amp-ad>",
    b"<div data-dntguard=marketing>",
    b"<li data-dntguard='analytics' ping=x>",
    b"<p data-dntguard=necessary>",
    b"</div>",
    b"</li>",
    b"<!--[if IE]>",
    b"<![endif]-->",
)
_without_address = st.sampled_from(_WITHOUT_ADDRESS)
_plant_kinds = st.integers(0, 12)
_plant_bases = one_of_each((b"<base",), _SPACES, (b"href",), _EQUALS, _QUOTES)
_plant_scripts = one_of_each(
    [b"<" + cased(b"script") for cased in _CASES],
    (b">", b" type=module>", b" type='application/json'>"),
    SNIPPETS + TEXTS,
    (b"</script>", b"</SCRIPT x='>'>", b""),
).map(b"".join)
_plant_values = one_of_each(
    _SPACES,
    _EQUALS,
    _QUOTES,
    (b"", b"a.png, ", b"a.png 1x,", b"a.png (,) 2x, "),
    (b">", b" >", b" a>", b" src='x'>", b" />"),
)
_plant_tags = st.sampled_from(
    [
        (cased(name), attribute, tail + b"</" + cased_end(name) + b">" if name in (b"script", b"iframe") else b"")
        for name, attribute in _PLANTS
        for cased in _CASES
        for cased_end in _CASES
        for tail in (b"", b"x", b"<!--")
    ]
)


@st.composite
def plants(draw: st.DrawFn) -> bytes:
    """A script, frame, image or link with an address; an inline script; a base: refused or not."""
    kind = draw(_plant_kinds)
    if kind >= 10:
        return draw(_without_address)
    if kind == 0:
        *base, equals, quote = draw(_plant_bases)
        return b"".join(base) + _quoted(draw(addresses), equals, quote) + b">"
    if kind <= 2:
        return draw(_plant_scripts)
    name, attribute, after = draw(_plant_tags)
    space, equals, quote, first, end = draw(_plant_values)
    value = draw(addresses)
    if attribute == b"srcset":
        value = first + value.strip() + b" 2x"
    return b"<" + name + draw(_attributes) + space + attribute + _quoted(value, equals, quote) + end + after


_ESCAPES = st.sampled_from(
    (
        b"<script>",
        b"<script><!--",
        b"<script><!--<script>",
        b"<script><!--<script></script>",
        b"<script><!--<script ",
        b"<script><!-->",
        b"<script><!--->",
        b"<script><!-- <!-->",
        b"<script><!-- --><script>",
        b"--></script>",
        b"</script>",
        b"<script",
        b"</script",
    )
)
_TRAPS = st.sampled_from(
    (
        b"<svg><style>",
        b"<svg><title>",
        b"<svg><desc>",
        b"<svg><mi>",
        b"<svg><script>",
        b"<svg><![CDATA[",
        b"<math><mi>",
        b"<math><mi><mglyph>",
        b"<math><annotation-xml encoding='text/html'>",
        b"<math><annotation-xml><svg>",
        b"<math><style>",
        b"<table><svg><desc><td>",
        b"<table><tr><td>",
        b"<svg><desc><p>",
        b"<svg></p>",
        b"<svg/>",
        b"<svg a=b/>",
        b"<svg><font color>",
        b"<svg><foreignObject><p></p></foreignObject></svg>",
        b"<select><style>",
        b"<select><svg>",
        b"<select><input>",
        b"<select><textarea>",
        b"<select><option>",
        b"</select>",
        b"<template><col>",
        b"<template><tr>",
        b"</template>",
        b"<frameset>",
        b"<frameset><style>",
        b"</frameset>",
        b"<noscript>",
        b"</noscript>",
        b"<noscript><!--",
        b"<noscript><style>",
        b"<noscript></p>",
        b"<plaintext>",
        b"<style><!--",
        b"<style></",
        b"</style>",
        b"<title>",
        b"</title>",
        b"<textarea></textarea ",
        b"</textarea>",
        b"<xmp>",
        b"</xmp>",
        b"<iframe>",
        b"</iframe>",
        b"</svg>",
        b"</math>",
        b"</desc>",
        b"</td>",
        b"</p>",
        b"]]>",
    )
)

pieces = st.one_of(
    plants(),
    plants(),
    plants(),
    _TRAPS,
    _TRAPS,
    start_tags(),
    end_tags(),
    _ESCAPES,
    st.sampled_from(COMMENTS),
    st.sampled_from(TEXTS),
)


def _in_utf_8(page: bytes) -> bytes:
    """The page without another encoding's mark at its start; the parsers in `tests.oracles` read UTF-8."""
    return b" " + page if page.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) else page


nasty_pages = st.lists(pieces, max_size=14).map(b"".join).map(_in_utf_8)
"""Markup that nobody writes but somebody may send."""

arbitrary_pages = st.one_of(st.binary(max_size=200).map(_in_utf_8), nasty_pages)


@st.composite
def mutated_pages(draw: st.DrawFn) -> bytes:
    """A nasty page with some bytes dropped, doubled or swapped for others that mean something to a tokenizer."""
    page = bytearray(draw(nasty_pages))
    for _ in range(draw(st.integers(1, 4))):
        if not page:
            break
        place = draw(st.integers(0, len(page) - 1))
        change = draw(st.integers(0, 2))
        if change == 0:
            del page[place]
        elif change == 1:
            page.insert(place, page[place])
        else:
            page[place] = draw(st.sampled_from(b"<>/!-='\" \n\x00&;[]"))
    return _in_utf_8(bytes(page))


hostile_pages = st.one_of(nasty_pages, nasty_pages, mutated_pages())

# --- tidy pages -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tidy:
    """A page as an author writes it, and what must be left of it.

    Attributes:
        html: the page.
        kept: the page less what is refused.
        removals: how many elements are refused.
    """

    html: bytes
    kept: bytes
    removals: int

    def __add__(self, other: Tidy) -> Tidy:
        return Tidy(self.html + other.html, self.kept + other.kept, self.removals + other.removals)

    def inside(self, start: bytes, end: bytes) -> Tidy:
        """The same between two tags."""
        return Tidy(start + self.html + end, start + self.kept + end, self.removals)


NOTHING = Tidy(b"", b"", 0)


def _kept(html: bytes) -> Tidy:
    return Tidy(html, html, 0)


def _refused(html: bytes) -> Tidy:
    return Tidy(html, b"<!---->", 1)


_KEPT = (
    b'<script src="/static/app.js"></script>',
    b"<script src='https://js.stripe.com/v3/' async></script>",
    b"<SCRIPT SRC=https://static.shop.example/app.js?a=b/></SCRIPT>",
    b"<script>if (a < b && c <! d) { go('<' + '/p>'); }</script>",
    b"<script>// call fbq('init', '1') here\n</script>",
    b"<script>\nvar note = \"fbq('init', '1')\";\n</script>",
    b"<script><!-- <script> document.write('<script></script>') --></script>",
    b'<script type="application/json">{"fbq": "fbq(\'init\', \'1\')"}</script>',
    b'<script type="text/template"><p>{{ name }}</p></script>',
    b'<img src="/logo.png" alt="a > b">',
    b'<img srcset="a.png, b.png 2x" src=a.png>',
    b'<img src="https://images.nobody-knows.example/1.png">',
    b'<link rel="stylesheet" href="/site.css">',
    b'<link rel="canonical" href="https://www.facebook.com/shop">',
    b'<iframe src="/terms.html"></iframe>',
    b"<style>p::before { content: '<script src=//static.hotjar.com/>' }</style>",
    b"<title>Scripts: <script src=//static.hotjar.com/></title>",
    b"<textarea><script src=//static.hotjar.com/></script></textarea>",
    b"<!-- <script src=//static.hotjar.com/></script> -->",
    b'<a href="https://static.hotjar.com/">a link</a>',
    b"<p title=\"<script src='//static.hotjar.com/'>\">x</p>",
    b"<p>fbq('init', '1')</p>",
    b"<select><option selected>1</option><option>2</option></select>",
    b'<svg viewBox="0 0 1 1"><title>x</title><path d="M0 0"/><g><circle r="1"></circle></g></svg>',
    b"<svg><style>.a { fill: red }</style><rect class=a /></svg>",
    b"<svg><foreignObject><div>text</div></foreignObject></svg>",
    b"<math><mi>x</mi><mo>=</mo><mn>1</mn></math>",
    b"a < b, c > d & e",
    b"caf\xc3\xa9 \xff &amp; &#x3c;script&#x3e;",
    b"\r\n  ",
)
_TAKEN = (
    b'<script async src="https://www.google-analytics.com/analytics.js"></script>',
    b"<script src=//static.hotjar.com/h.js>ignored</script>",
    b"<SCRIPT\n\tSRC='//connect.facebook.net/en_US/fbevents.js'\n></SCRIPT\n>",
    b'<script type="module" src="https://cdn.nobody-knows.example/lib.mjs"></script>',
    b"<script>fbq('init', '1');</script>",
    b"<script nonce=n>\n  fbq('init', '1');\n  fbq('track', 'PageView');\n</script>",
    b"<script><!--\nfbq('init', '1');\n//--></script>",
    b'<iframe src="https://cdn.nobody-knows.example/frame"><p>old browser</p></iframe>',
    b'<iframe src="//static.hotjar.com/frame" width=0></iframe>',
    b'<img src="https://www.google-analytics.com/collect?v=1&amp;t=p" width=1 height=1 />',
    b'<img src=a.png srcset="a.png, https://static.hotjar.com/a.png 2x">',
    b'<img src="&#x2f;/static.hotjar.com/p.gif">',
    b'<link rel="preconnect" href="https://www.google-analytics.com">',
    b'<link href=//static.hotjar.com/a.css rel="Stylesheet">',
)
_WRAPPERS = (
    (b"<div class='a'>", b"</div>"),
    (b"<main>", b"</main>"),
    (b"<section>", b"</section >"),
    (b"<table><tbody><tr><td>", b"</td></tr></tbody></table>"),
    (b"<ul><li>", b"</li></ul>"),
    (b"<template>", b"</template>"),
    (b"<fieldset disabled>", b"</fieldset>"),
    (b"<b>", b"</b>"),
)


def _sum(parts: Iterable[Tidy]) -> Tidy:
    return sum(parts, NOTHING)


_NOSCRIPT = [
    *map(_refused, (b'<img src="//static.hotjar.com/p.gif">', b"<iframe src='//static.hotjar.com/f'></iframe>")),
    *map(_kept, (b"<span>x</span>", b'<img src="/a.png">')),
]
_tidy_leaves = st.sampled_from([*map(_kept, _KEPT * 7), *map(_refused, _TAKEN * 15)])
_tidy_noscripts = st.sampled_from(
    [
        _sum(parts).inside(b"<noscript>", b"</noscript>")
        for count in range(4)
        for parts in product(_NOSCRIPT, repeat=count)
    ]
)
_tidy_parts = st.recursive(
    st.one_of(_tidy_leaves, _tidy_leaves, _tidy_noscripts),
    lambda inner: st.tuples(st.lists(inner, max_size=4).map(_sum), st.sampled_from(_WRAPPERS)).map(
        lambda pair: pair[0].inside(*pair[1])
    ),
    max_leaves=12,
)

tidy_pages = st.lists(_tidy_parts, max_size=6).map(
    lambda parts: _sum(parts).inside(
        b"<!doctype html>\n<html><head><meta charset=utf-8></head><body>", b"</body></html>\n"
    )
)
"""Pages as authors write them, with what must be left of them, byte for byte."""
