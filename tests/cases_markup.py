"""One table of markup: each construct and each attack that is known, with what must come out.

`{bad}` stands for a refused script, `{T}` for its address, `{OWN}` for one of the site's own, `{-}` for the inert
comment. A case is (what it is about, input, output); without an output nothing changes.
"""

from __future__ import annotations

from base64 import b64encode
from typing import NamedTuple

T = b"https://static.hotjar.com/h.js"
OWN = b"/own.js"
BAD = b"<script src=" + T + b"></script>"


class Case(NamedTuple):
    """One row: `says` what is true, what goes in and what comes out."""

    says: str
    html: bytes
    out: bytes


def _fill(text: str) -> bytes:
    out = text.encode("utf-8", "surrogateescape")
    return (
        out.replace(b"{bad}", BAD)
        .replace(b"{T}", T)
        .replace(b"{OWN}", OWN)
        .replace(b"{-}", b"<!---->")
        .replace(b"{js}", b"data:text/javascript,")
    )


def _case(says: str, html: str, out: str | None = None) -> Case:
    return Case(says, _fill(html), _fill(html if out is None else out))


TAGS = [
    _case(
        "references that are no character make no host", "<img src='&#0;&#xD800;&#x110000;&#128;//static.hotjar.com/'>"
    ),
    _case(
        "a numeric reference with many zeros",
        "<script src='https:&#0000000000000000000047;/static.hotjar.com/h.js'></script>",
        "{-}",
    ),
    _case("a base that no browser can read", "<base href='http://['><script src='{OWN}'></script>"),
    _case("an encoding in which markup hides, behind a reference", "<meta charset='iso-2022-j&#112;'>x", "{-}x"),
    _case("a reference to no character", "<script src='&#0;&#xD800;&#x110000;&#128;/own.js'></script>"),
    _case("a quoted src", '<script src="{T}"></script>', "{-}"),
    _case("a single-quoted src", "<script src='{T}'></script>", "{-}"),
    _case("an unquoted src", "<script src={T}></script>", "{-}"),
    _case("an unquoted src eats the slash", "<script src={T}/></script>x", "{-}x"),
    _case("upper case", '<SCRIPT SRC="{T}"></SCRIPT>', "{-}"),
    _case("white space of all kinds", '<script\t\n\f\r src\t=\n"{T}"\f></script\t\n>', "{-}"),
    _case("a slash is a space", "<script/src='{T}'></script>", "{-}"),
    _case("slashes and equals signs", "<script///=/src='{T}'/></script>", "{-}"),
    _case("no space after a quoted value", "<script a='b'src='{T}'></script>", "{-}"),
    _case("a greater-than sign in quotes", "<script a='>' src='{T}'></script>", "{-}"),
    _case("a quote outside of a value is part of a name", "<script a'b src='{T}'></script>'", "{-}'"),
    _case("a quote inside an unquoted value", "<script a=b'c src='{T}'></script>'", "{-}'"),
    _case("a name without value before an equals sign", "<script a = src='{T}'></script>"),
    _case("a name that starts with an equals sign", "<script =a src='{T}'></script>", "{-}"),
    _case("an empty value before the end", "<script src={T} a=></script>", "{-}"),
    _case("the first of duplicates counts", "<script src='{T}' src='{OWN}'></script>", "{-}"),
    _case("the first of duplicates counts, the other way", "<script src='{OWN}' src='{T}'></script>"),
    _case("duplicates in another case", "<script src='{OWN}' SRC='{T}'></script>"),
    _case("a NUL makes another name", "<script sr\0c='{T}'></script>"),
    _case("a NUL makes another element", "<scr\0ipt src='{T}'></script>"),
    _case("a vertical tab is no space", "<script\x0bsrc='{T}'></script>"),
    _case("a longer name", "<scripts src='{T}'></scripts>"),
    _case("a space before the name", "< script src='{T}'></script>"),
    _case("an end tag with attributes is no element", "</script src='{T}'>"),
    _case("the end tag may have attributes", "<script src='{T}'></script a='>'>x", "{-}x"),
    _case("the end tag may be written as self-closing", "<script src='{T}'></script/>x", "{-}x"),
    _case("a self-closing slash means nothing", "<script src='{T}' />x</script>y", "{-}y"),
    _case("the text of a script with src goes too", "<script src='{T}'>var a = '<b>';</script>x", "{-}x"),
    _case("a script that never ends", "<p>x<script src='{T}'>y", "<p>x{-}"),
    _case("a tag that never ends is no element", "<p>x<script src='{T}' "),
    _case("a tag whose quote never ends is no element", "<p>x<script src='{T}></script>"),
    _case("a less-than sign before", "<<script src='{T}'></script>", "<{-}"),
    _case("a tag's name ends only at a space, slash or end", "<a<script src='{T}'></script>"),
    _case("a tag inside another's attributes", "<p <script src='{T}'></script>"),
    _case("two in a row", "{bad}{bad}", "{-}{-}"),
    _case("bytes that are not UTF-8", "\udcff<p a=\udcfe>{bad}\udcff", "\udcff<p a=\udcfe>{-}\udcff"),
]

ADDRESSES = [
    _case("without scheme", "<script src=//static.hotjar.com/></script>", "{-}"),
    _case("backslashes", "<script src='\\\\static.hotjar.com/'></script>", "{-}"),
    _case("tabs and newlines inside", "<script src='ht\ntps:/\t/static.hot\rjar.com/'></script>", "{-}"),
    _case("spaces around", "<script src=' \n{T}\t '></script>", "{-}"),
    _case("user-info that looks like the site", "<script src=//shop.example@static.hotjar.com/></script>", "{-}"),
    _case("a query that looks like the site", "<script src=//static.hotjar.com?//shop.example/></script>", "{-}"),
    _case("a trailing dot and a port", "<script src=//static.hotjar.com.:443/></script>", "{-}"),
    _case("upper case host", "<script src=HTTPS://STATIC.HOTJAR.COM/></script>", "{-}"),
    _case("numeric references", "<script src='&#x2F;&#47static.hotjar.com/'></script>", "{-}"),
    _case("named references", "<script src='https&colon;&sol;&sol;static&period;hotjar.com'></script>", "{-}"),
    _case("references to white space", "<script src='/&Tab;/static.hot&NewLine;jar.com'></script>", "{-}"),
    _case("percent-encoded dots", "<script src='//static%2ehotjar%2Ecom/'></script>", "{-}"),
    _case("full-width letters and dots", "<script src='//\uff53tatic\u3002hotjar\uff0ecom/'></script>", "{-}"),
    _case("nobody's host", "<script src=//cdn.nobody-knows.example/></script>", "{-}"),
    _case("nobody's IP address in hexadecimal", "<script src=//0xcb007107/></script>", "{-}"),
    _case("the site's own", "<script src={OWN}></script>"),
    _case("the site's own on another port", "<script src=https://shop.example:8443/a.js></script>"),
    _case("a sister host", "<script src=//static.shop.example/a.js></script>"),
    _case("a host that only ends like the site's", "<script src=//evilshop.example/a.js></script>", "{-}"),
    _case("a necessary vendor", "<script src=https://js.stripe.com/v3/></script>"),
    _case("nobody's host with two dots at its end", "<script src=//nobody.example../></script>", "{-}"),
    _case("nobody's host in another encoding", "<script src=//st\udce4tic.nobody.example/></script>", "{-}"),
    _case("an empty src", "<script src></script><script src=''></script>"),
    _case("a reference that is none before an equals sign", "<script src='/a?b=1&copy=//static.hotjar.com'></script>"),
    _case("a data: script with a snippet", '<script src="data:text/javascript,fbq(%27init%27,1)"></script>', "{-}"),
    _case(
        "a data: script in base64 with a snippet",
        "<script src='data:text/javascript;base64,ZmJxKCdpbml0JywxKQ=='></script>",
        "{-}",
    ),
    _case("a data: script of the site's own", "<script src='data:text/javascript,go()'></script>"),
    _case("a frame that runs a snippet", "<iframe src=\"javascript:fbq('init',1)\"></iframe>", "{-}"),
]

ELEMENTS = [
    _case("an iframe and its text", "a<iframe src={T}><p>old</p></iframe>b", "a{-}b"),
    _case("an iframe of the site's own", "<iframe src=/x><script src={T}></script></iframe>"),
    _case("an image", "<img src={T}>", "{-}"),
    _case("an image that HTML calls image", "<image src={T}>", "{-}"),
    _case("an image nobody claims", "<img src=//images.nobody-knows.example/1.png>"),
    _case("an image's srcset", "<img src=a srcset='a 1x, {T} 2x'>", "{-}"),
    _case("a srcset whose URL ends in a comma", "<img srcset='a, {T} 2x'>", "{-}"),
    _case("a srcset with parentheses", "<img srcset='a (x, y) 1x, {T} 2x'>", "{-}"),
    _case("a comma inside a URL", "<img srcset='a,{T} 2x'>"),
    _case("a stylesheet", "<link rel=stylesheet href={T}>", "{-}"),
    _case("one of several link types", "<link rel='x PreConnect\ny' href={T}>", "{-}"),
    _case("a link that asks nobody", "<link rel=canonical href={T}>"),
    _case("a stylesheet nobody claims", "<link rel=stylesheet href=//css.nobody-knows.example/a.css>"),
    _case("a link to click on", "<a href={T}>x</a>"),
    _case("a noscript pixel", "<noscript><img src={T}></noscript>", "<noscript>{-}</noscript>"),
    _case("a noscript frame", "<noscript><iframe src={T}></iframe>x</noscript>", "<noscript>{-}x</noscript>"),
    _case("a kept noscript", "<noscript><p>Please <b>enable</b> it</noscript>"),
    _case("a script in a noscript", "<noscript>{bad}</noscript>", "<noscript>{-}</noscript>"),
    _case("a noscript that never ends", "<noscript>x<img src={T}>", "<noscript>x{-}"),
    _case("a template's content", "<template>{bad}</template>", "<template>{-}</template>"),
    _case("a module", "<script type=module src={T}></script>", "{-}"),
    _case("an svg script", "<svg><script href={T}></script></svg>", "<svg>{-}</svg>"),
    _case("an svg script by XLink", "<svg><script xlink:href={T} /></svg>", "<svg>{-}</svg>"),
    _case("an svg image", "<svg><image href={T} /></svg>", "<svg>{-}</svg>"),
]

INLINE = [
    _case("a snippet", "<script>fbq('init', '1');</script>", "{-}"),
    _case("a snippet with double quotes", '<script>fbq("init", "1");</script>', "{-}"),
    _case("a snippet in upper-case tags", "<SCRIPT>fbq('init', '1');</SCRIPT>", "{-}"),
    _case("a snippet that a comment hides from old browsers", "<script><!--\nfbq('init', '1');\n//--></script>", "{-}"),
    _case("a snippet with a type", "<script type='text/javascript; x'>fbq('init', '1');</script>", "{-}"),
    _case("a snippet after others' code", "<script>var a = 1 / 2;\n// b\nfbq('init', '1');</script>", "{-}"),
    _case("a snippet after a regular expression", "<script>a = b.match( /'/ );fbq('init', '1');</script>", "{-}"),
    _case(
        "a snippet after return and a regular expression", "<script>f=()=>{return /'/};fbq('init','1')</script>", "{-}"
    ),
    _case("a snippet after a division", "<script>a = {}\n/ 2;fbq('init', '1');b = 1 / 2</script>", "{-}"),
    _case("a snippet after a template literal", "<script>a = `it's ${b}`;fbq('init', '1')</script>", "{-}"),
    _case(
        "a data: script whose base64 is broken runs nothing", "<script src='data:text/javascript;base64,A'></script>"
    ),
    _case("a snippet that never ends", "<script>fbq('init', '1');", "{-}"),
    _case("a loader address", "<script>j.src='https://static.hotjar.com/c/hotjar-'+i;</script>", "{-}"),
    _case("an article's text", "<p>Call fbq('init', '1') first.</p>"),
    _case("a JSON block", '<script type="application/json">{"a": "fbq(\'init\', \'1\')"}</script>'),
    _case("a comment in a script", "<script>// fbq('init', '1')\n/* fbq('init', '1') */ go()</script>"),
    _case("a string", "<script>say(\"fbq('init', '1')\");</script>"),
    _case("another function's name", "<script>notfbq('init', '1');</script>"),
    _case("another call", "<script>fbq('initial');</script>"),
    _case("an own script beside a snippet", "<script src={OWN}>fbq('init', '1')</script>"),
    _case("href means nothing in HTML", "<script href=\"https://shop.example/a.js\">fbq('init', '1')</script>", "{-}"),
    _case("a snippet in an svg script", "<svg><script>fbq('init', '1')</script></svg>", "<svg>{-}</svg>"),
    _case(
        "a snippet beside src in an svg script",
        "<svg><script src={OWN}>fbq('init','1')</script></svg>",
        "<svg>{-}</svg>",
    ),
    _case("references in an svg script", "<svg><script>fbq(&#39;init&#39;)</script></svg>", "<svg>{-}</svg>"),
    _case("a comment in an svg script joins", "<svg><script>fb<!-- -->q('init')</script></svg>", "<svg>{-}</svg>"),
    _case("CDATA in an svg script", "<svg><script><![CDATA[fbq('init')]]></script></svg>", "<svg>{-}</svg>"),
    _case(
        "references in an HTML script inside a drawing are none",
        "<svg><desc><script>x='&#39;';fbq('init','1');y='&#39;'</script></desc></svg>",
        "<svg><desc>{-}</desc></svg>",
    ),
    _case(
        "references in a script where markup is too broken to know",
        "<svg></x><script>fbq(&#39;init&#39;,1)</script>",
        "<svg></x>{-}",
    ),
    _case(
        "src beside a snippet where markup is too broken to know",
        "<svg></x><script src={OWN}>fbq('init',1)</script>",
        "<svg></x>{-}",
    ),
]

COMMENTS = [
    _case("a comment", "<!-- {bad} -->"),
    _case("an empty comment", "<!---->{bad}", "<!---->{-}"),
    _case("an abruptly closed comment", "<!-->{bad}", "<!-->{-}"),
    _case("an abruptly closed comment with a dash", "<!--->{bad}", "<!--->{-}"),
    _case("a comment that ends with a bang", "<!-- --!>{bad}", "<!-- --!>{-}"),
    _case("a bang without dashes ends none", "<!--!>{bad}-->"),
    _case("a dash and a bang end none", "<!---!>{bad}-->"),
    _case("a comment in a comment", "<!-- <!-- -->{bad}", "<!-- <!-- -->{-}"),
    _case("a nested comment that ends at once", "<!--<!-->{bad}", "<!--<!-->{-}"),
    _case("three dashes at the end", "<!-- --->{bad}", "<!-- --->{-}"),
    _case("dashes and a space end none", "<!-- -- >{bad}-->"),
    _case("a comment that never ends", "<!-- {bad}"),
    _case("a bogus comment", "<!x '>'{bad}", "<!x '>'{-}"),
    _case("a declaration with one dash", "<!-x>{bad}", "<!-x>{-}"),
    _case("a processing instruction ends at the first end", "<?php echo '>' ?>{bad}", "<?php echo '>' ?>{-}"),
    _case("an end tag without a name", "</>{bad}", "</>{-}"),
    _case("an end tag with a digit is a comment", "</1 {bad}"),
    _case("a doctype", "<!doctype html SYSTEM '>'{bad}", "<!doctype html SYSTEM '>'{-}"),
    _case("CDATA in HTML is a bogus comment", "<![CDATA[ > {bad} ]]>", "<![CDATA[ > {-} ]]>"),
    _case(
        "CDATA in svg hides, but not from a browser that looks ahead",
        "<svg><![CDATA[ > {bad} ]]></svg>",
        "<svg>{-}</svg>",
    ),
    _case("CDATA in svg with markup that asks nobody", "<svg><![CDATA[ > <b> a </b> ]]></svg>"),
    _case("CDATA in svg ends", "<svg><![CDATA[ ]] > ]]>{bad}</svg>", "<svg><![CDATA[ ]] > ]]>{-}</svg>"),
    _case("CDATA in lower case is a bogus comment", "<svg><![cdata[>{bad}]]></svg>", "<svg><![cdata[>{-}]]></svg>"),
    _case("a downlevel-revealed conditional comment", "<![if IE]>{bad}<![endif]>", "<![if IE]>{-}<![endif]>"),
    _case(
        "a downlevel-hidden conditional comment, in which the inert comment must not end it",
        "<!--[if IE]>{bad}<![endif]-->",
        "<!--[if IE]><!><![endif]-->",
    ),
]

RAW_TEXT = [
    _case("a style", "<style>{bad}</style>"),
    _case("a style is not ended by another's end tag", "<style></title>{bad}</style>"),
    _case("a style's comment does not hide its end", "<style><!--</style>{bad}-->", "<style><!--</style>{-}-->"),
    _case("a longer name ends no style", "<style></styles>{bad}</style>"),
    _case("an end tag in upper case", "<style></STYLE\n>{bad}", "<style></STYLE\n>{-}"),
    _case("an end tag with a slash", "<style></style/>{bad}", "<style></style/>{-}"),
    _case("an end tag that is not finished", "<style></style {bad}>{bad}", "<style></style {bad}>{-}"),
    _case("a title", "<title>{bad}</title>{bad}", "<title>{bad}</title>{-}"),
    _case("a textarea", "<textarea>{bad}</textarea>{bad}", "<textarea>{bad}</textarea>{-}"),
    _case("xmp", "<xmp>{bad}</xmp>{bad}", "<xmp>{bad}</xmp>{-}"),
    _case("noembed", "<noembed>{bad}</noembed>{bad}", "<noembed>{bad}</noembed>{-}"),
    _case("noframes", "<noframes>{bad}</noframes>{bad}", "<noframes>{bad}</noframes>{-}"),
    _case("plaintext never ends", "<plaintext>{bad}</plaintext>{bad}"),
    _case("a style that never ends", "<style>{bad}"),
    _case(
        "a kept script's text", "<script>a = '<img src={T}>'</script>{bad}", "<script>a = '<img src={T}>'</script>{-}"
    ),
    _case("an escaped script ends", "<script><!-- a </script>{bad}", "<script><!-- a </script>{-}"),
    _case("a double escaped script goes on", "<script><!-- <script> </script>{bad} --></script>"),
    _case(
        "a double escape that ended",
        "<script><!-- <script> --> </script>{bad}",
        "<script><!-- <script> --> </script>{-}",
    ),
    _case("an escape that ends at once", "<script><!--><script></script>{bad}", "<script><!--><script></script>{-}"),
    _case("one with a dash", "<script><!---><script></script>{bad}", "<script><!---><script></script>{-}"),
    _case(
        "an inner one that ends", "<script><!-- <!--><script></script>{bad}", "<script><!-- <!--><script></script>{-}"
    ),
    _case(
        "a longer name does not escape", "<script><!-- <scripts> </script>{bad}", "<script><!-- <scripts> </script>{-}"
    ),
    _case("an escape outside of one", "<script><script></script>{bad}", "<script><script></script>{-}"),
    _case("a noscript with a comment that goes on", "<noscript><!--</noscript>{bad}-->", "{-}{-}-->"),
    _case("a noscript with a style that goes on", "<noscript><style></noscript>{bad}</style>", "{-}{-}</style>"),
    _case("a noscript with a quote that goes on", "<noscript><a b='</noscript>{bad}'>", "{-}{-}'>"),
    _case("a noscript with a select that goes on", "<noscript><select></noscript>{bad}", "{-}{-}"),
    _case("a noscript with a drawing that goes on", "<noscript><svg></noscript>{bad}", "{-}{-}"),
]

FOREIGN = [
    _case("a comment in a drawing, after a shape", "<svg><g></g><!-- c --></svg>"),
    _case("a comment in a drawing with attributes", "<svg class='a'><path/><!-- c --></svg>"),
    _case("a title in a drawing, after a shape", '<svg class="a"><g></g><title>x</title><gx></gx></svg>'),
    _case(
        "a tag that breaks out of an inner drawing stops where HTML stands in the outer",
        "<svg><desc><svg><g><p>x</p><style>{bad}</style></desc><style>{bad}</style></svg>",
        "<svg><desc><svg><g><p>x</p><style>{bad}</style></desc>{-}</svg>",
    ),
    _case(
        "a long name of an element",
        "<svg><averyveryverylongname></averyveryverylongname><style>{bad}</style></svg>",
        "<svg><averyveryverylongname></averyveryverylongname>{-}</svg>",
    ),
    _case(
        "a style in svg with markup in it, which could join what is around it",
        "<svg><style>{bad}</style></svg>",
        "<svg>{-}</svg>",
    ),
    _case(
        "a title in svg holds markup, in which a browser that looks ahead sees none",
        "<svg><title>{bad}</title></svg>",
        "<svg>{-}</svg>",
    ),
    _case("a style in math holds markup", "<math><style>{bad}</style></math>", "<math>{-}</math>"),
    _case("a style in a foreignObject is text", "<svg><foreignObject><style>{bad}</style></foreignObject></svg>"),
    _case("a style in mi is text", "<math><mi><style>{bad}</style></mi></math>"),
    _case(
        "mi in svg is nothing special",
        "<svg><mi><style>{bad}</style></mi></svg>",
        "<svg><mi>{-}</mi></svg>",
    ),
    _case("mglyph in mi is foreign", "<math><mi><mglyph><style>{bad}", "<math><mi><mglyph>{-}"),
    _case(
        "annotation-xml with HTML",
        "<math><annotation-xml encoding=Text/HTML><style>{bad}</style></annotation-xml></math>",
    ),
    _case("annotation-xml without", "<math><annotation-xml><style>{bad}", "<math><annotation-xml>{-}"),
    _case("a self-closing svg", "<svg/><style>{bad}</style>"),
    _case("a slash in an unquoted value closes nothing", "<svg a=/><style>{bad}", "<svg a=/>{-}"),
    _case("a paragraph breaks out", "<svg><p><style>{bad}</style>"),
    _case("a font with a color breaks out", "<svg><font COLOR><style>{bad}</style>"),
    _case("a font without does not", "<svg><font a=color><style>{bad}", "<svg><font a=color>{-}"),
    _case("svg ended", "<svg><g></svg><style>{bad}</style>"),
    _case("a self-closing script in svg", "<svg><script/>{bad}</svg>", "<svg><script/>{-}</svg>"),
    _case("a script in svg with a comment", "<svg><script><!--</script>{bad}-->", "<svg>{-}{-}-->"),
    _case(
        "a cell ends a drawing",
        "<table><svg><desc><td></td></desc><![CDATA[>{bad}]]>",
        "<table><svg><desc><td></td></desc>{-}>{-}]]>",
    ),
    _case("an ignored tag leaves CDATA", "<svg><desc><tr><![CDATA[><style>]]>{bad}</style>", "<svg><desc><tr>{-}>{-}"),
]

UNCERTAIN = [
    _case("an own image where a style may be markup", "<svg></x><style><img src='/a.png'></style>"),
    _case(
        "a refused image where a style may be markup",
        "<select><style><img src='{T}'></style></select>",
        "<select>{-}</select>",
    ),
    _case(
        "a drawing deeper than browsers nest",
        "<svg>" + "<g>" * 600 + "<style>{bad}</style>",
        "<svg>" + "<g>" * 600 + "{-}",
    ),
    _case(
        "a table in a drawing in a table ends it",
        "<table><svg><desc><table></table></desc><![CDATA[>{bad}]]>",
        "<table><svg><desc><table></table></desc>{-}>{-}]]>",
    ),
    _case("an ignored tag does not hide mglyph", "<math><mi><head><mglyph><style>{bad}", "<math><mi><head><mglyph>{-}"),
    _case(
        "an implied end does not either", "<math><mi><p><p></p><mglyph><style>{bad}", "<math><mi><p><p></p><mglyph>{-}"
    ),
    _case("a script in select", "<select>{bad}</select>", "<select>{-}</select>"),
    _case("a kept script in select", "<select><script>a()</script></select>"),
    _case(
        "a style in select that both readings take as nothing",
        "<select><style>a</style></select>{bad}",
        "<select><style>a</style></select>{-}",
    ),
    _case("a style in select with markup", "<select><style>{bad}</style></select>", "<select>{-}</select>"),
    _case(
        "a drawing that outlives its select",
        "<select><input><svg></select><style>{bad}</style>",
        "<select><input><svg></select>{-}",
    ),
    _case(
        "one that is counted away",
        "<select></svg><input><svg></select><style>{bad}</style>",
        "<select></svg><input><svg></select>{-}",
    ),
    _case(
        "a noscript in select",
        "<select><noscript><style>{bad}</style></noscript></select>",
        "<select><noscript>{-}</noscript></select>",
    ),
    _case("a column in a template", "<template><col><style>{bad}</style></template>", "<template><col>{-}</template>"),
    _case("a frameset", "<frameset><style><noframes></style>{bad}", "<frameset>{-}{-}"),
    _case("plaintext in a frameset", "<frameset><plaintext></frameset>{bad}", "<frameset><plaintext></frameset>{-}"),
    _case("a stray end tag in svg", "<svg></p><style>{bad}</style>", "<svg></p>{-}"),
    _case("CDATA after broken markup", "<svg></p><![CDATA[>{bad}]]>", "<svg></p>{-}>{-}]]>"),
]

BASES = [
    _case(
        "a base moves relative addresses",
        "<base href=//static.hotjar.com/><script src=x.js></script>",
        "<base href=//static.hotjar.com/>{-}",
    ),
    _case("what came before it stays", "<script src=x.js></script><base href=//static.hotjar.com/>"),
    _case(
        "a base without href is none",
        "<base target=x><base href=//static.hotjar.com/><img src=x>",
        "<base target=x><base href=//static.hotjar.com/>{-}",
    ),
    _case("a base of the site's own", "<base href=/x/><script src=x.js></script>"),
    _case("a base that is a data: URL is none", "<base href=data:,x><script src=x.js></script>"),
    _case(
        "a base in svg is none, but not to a browser that looks ahead",
        "<svg><base href=//static.hotjar.com/></svg><script src=x.js></script>",
        "<svg><base href=//static.hotjar.com/></svg>{-}",
    ),
    _case("a base in a comment is none", "<!--<base href=//static.hotjar.com/>--><script src=x.js></script>"),
    _case(
        "a base that sets the scheme",
        "<base href=http://shop.example><script src=//static.hotjar.com/></script>",
        "<base href=http://shop.example>{-}",
    ),
    _case(
        "a base in a template may not hide the real one",
        "<template><base href=/></template><base href=//static.hotjar.com/><script src=x></script>",
        "<template><base href=/></template><base href=//static.hotjar.com/>{-}",
    ),
    _case(
        "many of them may not either",
        "<template>" + "<base href=/>" * 6 + "</template><base href=//static.hotjar.com/><script src=x></script>",
        "<template>" + "<base href=/>" * 6 + "</template><base href=//static.hotjar.com/>{-}",
    ),
    _case(
        "a base before a table comes first",
        "<table><td><base href=/></td><base href=//static.hotjar.com/></table><img src=x>",
        "<table><td><base href=/></td><base href=//static.hotjar.com/></table>{-}",
    ),
]

JOINING = [
    _case("a less-than sign joins nothing", "<{bad}script src={T}></script>", "<{-}script src={T}></script>"),
    _case("half an end tag joins nothing", "</{bad}script>"),
    _case("half a name joins nothing", "<scr{bad}ipt src={T}>"),
    _case("half a comment joins nothing", "<{bad}!-- {bad} -->", "<{-}!-- {-} -->"),
    _case("an entity joins nothing", "&{bad}lt;", "&{-}lt;"),
    _case("a comment's end joins nothing", "-{bad}->", "-{-}->"),
    _case(
        "a drawing that the page forgot to close ends at the next paragraph, and scripts are text again",
        "<div><svg><path></div><p><script>for (i = 0; i<n; i++) { a('<b>') }</script>",
    ),
    _case(
        "in a drawing, an end tag of the HTML around another drawing cannot be followed",
        "<svg><desc><div><svg></div><style>{bad}</style>",
        "<svg><desc><div><svg></div>{-}",
    ),
    _case(
        "an svg in MathML's annotation-xml is SVG",
        "<math><annotation-xml><svg><desc><style>{bad}</style></desc><style>{bad}</style></svg></annotation-xml></math>",
        "<math><annotation-xml><svg><desc><style>{bad}</style></desc>{-}</svg></annotation-xml></math>",
    ),
]

FETCHING = [
    _case(
        "a source of a picture",
        "<picture><source srcset='/a.webp, {T} 2x'><img src='/a.png'></picture>",
        "<picture>{-}<img src='/a.png'></picture>",
    ),
    _case("a source of the site's own", "<picture><source srcset='/a.webp 2x'><img src='/a.png'></picture>"),
    _case(
        "a source of a film",
        "<video><source src='{T}'><source src='/a.webm'></video>",
        "<video>{-}<source src='/a.webm'></video>",
    ),
    _case("a track", "<video><track src='{T}'><track src='/a.vtt'></video>", "<video>{-}<track src='/a.vtt'></video>"),
    _case("an embed of a refused vendor", "<embed src='{T}'>", "{-}"),
    _case("an embed that no vendor claims", "<embed src='//cdn.nobody-knows.example/a'>", "{-}"),
    _case("an embed of the site's own", "<embed src='/a.svg'>"),
    _case("an image button", "<input type=IMAGE src='{T}'>", "{-}"),
    _case("an image button of the site's own", "<input type=image src='/a.png'>"),
    _case("src means nothing for another input", "<input type=text src='{T}'>"),
    _case("a lazy image", "<img src='/blank.gif' data-src='{T}'>", "{-}"),
    _case("a lazy image's candidates", "<img src='/blank.gif' data-srcset='/a.png 1x, {T} 2x'>", "{-}"),
    _case("a lazy image of the site's own", "<img src='/blank.gif' data-src='/a.png' data-srcset='/a.png 1x'>"),
    _case("a lazy frame", "<iframe data-src='{T}'></iframe>", "{-}"),
    _case("a preload's candidates", "<link rel=preload as=image href='/a.png' imagesrcset='{T} 2x'>", "{-}"),
    _case("a refresh to a refused host", "<meta http-equiv=refresh content='0; URL=\"{T}\"'>", "{-}"),
    _case("a refresh without url=", "<meta http-equiv=Refresh content='0;{T}'>", "{-}"),
    _case("a refresh of the page itself", "<meta http-equiv=refresh content=300>"),
    _case("a refresh to the site's own", "<meta http-equiv=refresh content='0; url=/next'>"),
    _case("a refused cookie in meta", "<meta http-equiv=set-cookie content='_ga=GA1.2; path=/'>", "{-}"),
    _case("a site's own cookie in meta", "<meta http-equiv=set-cookie content='theme=dark'>"),
    _case(
        "a frame of a refused vendor",
        "<frameset><frame src='{T}'><frame src='/a'></frameset>",
        "<frameset>{-}<frame src='/a'></frameset>",
    ),
]
"""Each element that makes a browser ask a host: at least one removed and one kept."""

PLAYERS = [
    _case(
        "an object loses its address and shows what it holds",
        "<object data={T}>text</object>",
        "<object >text</object>",
    ),
    _case("an object nobody claims", "<object data='//cdn.nobody-knows.example/a.swf'></object>", "<object ></object>"),
    _case("an object of the site's own", "<object data='/a.svg'>text</object>"),
    _case(
        "an object's own content stays",
        "<object data={T}><img src=/a.png></object>",
        "<object ><img src=/a.png></object>",
    ),
    _case("an applet", "<applet code='{T}' width=1></applet>", "<applet  width=1></applet>"),
    _case("an applet of the site's own", "<applet code=A.class archive=/a.jar></applet>"),
    _case("a film", "<video controls src='{T}'></video>", "<video controls ></video>"),
    _case("a film's poster", "<video src=/a.webm poster='{T}'></video>", "<video src=/a.webm ></video>"),
    _case("a film of the site's own", "<video src=/a.webm poster=/a.jpg></video>"),
    _case("a film nobody claims", "<video src=//films.nobody-knows.example/a.webm></video>"),
    _case("a sound", "<audio src='{T}' autoplay></audio>", "<audio  autoplay></audio>"),
    _case("a sound of the site's own", "<audio src=/a.ogg></audio>"),
]

ATTRIBUTES = [
    _case("a ping", "<a href=/ ping='{T}'>x</a>", "<a href=/ >x</a>"),
    _case("one of several pings", "<area href=/ ping='/log {T}'>", "<area href=/ >"),
    _case("a ping to nobody", "<a href=/ ping=//log.nobody-knows.example/>x</a>", "<a href=/ >x</a>"),
    _case("the site's own ping", "<a href=/ ping='/log /log2'>x</a>"),
    _case("a ping of an element that has none", "<p ping='{T}'>x</p>"),
    _case("a ping in upper case and single quotes", "<A HREF=/ PING='{T}'>x</A>", "<A HREF=/ >x</A>"),
    _case("a second ping does not take the first's place", "<a ping={T} ping={T} href=/>x</a>", "<a   href=/>x</a>"),
    _case("what follows a ping gives no value to what stands before", "<a b ping={T} =c>x</a>", "<a b /  =c>x</a>"),
    _case("a slash before a ping closes nothing", "<svg><a b/ping={T}><style>{bad}</style>", "<svg><a b/ >{-}"),
    _case("attribution of an image", "<img src=/a.png attributionsrc='{T}'>", "<img src=/a.png >"),
    _case(
        "attribution of a script", "<script src=/a.js attributionsrc='{T}'></script>", "<script src=/a.js ></script>"
    ),
    _case("attribution of a link", "<a href=/ attributionsrc={T}>x</a>", "<a href=/ >x</a>"),
    _case(
        "attribution by where a link leads",
        "<a attributionsrc href='{T}'>x</a>",
        "<a  href='{T}'>x</a>",
    ),
    _case("the site's own attribution", "<img src=/a.png attributionsrc><a href=/ attributionsrc=/b>x</a>"),
    _case("topics of a frame", "<iframe src=/a browsingtopics></iframe>", "<iframe src=/a ></iframe>"),
    _case("topics of an image", "<img browsingtopics src=/a.png>", "<img  src=/a.png>"),
    _case("topics of a paragraph are none", "<p browsingtopics sharedstoragewritable adauctionheaders>x"),
    _case("shared storage", "<iframe src=/a sharedstoragewritable></iframe>", "<iframe src=/a ></iframe>"),
    _case("an auction", "<iframe src=/a adauctionheaders=''></iframe>", "<iframe src=/a ></iframe>"),
    _case(
        "a form's action",
        "<form method=post action='{T}'><input name=a></form>",
        "<form method=post ><input name=a></form>",
    ),
    _case("a form's own action", "<form action=/cart></form>"),
    _case("a form's action that nobody claims", "<form action=//forms.nobody-knows.example/a></form>"),
    _case("a button's action", "<button formaction='{T}'>x</button>", "<button >x</button>"),
    _case("a button's own action", "<button formaction=/a>x</button>"),
    _case("an input's action", "<input type=submit formaction='{T}'>", "<input type=submit >"),
    _case("a background", "<body background='{T}'>", "<body >"),
    _case("a background of a cell", "<table><tr><td background={T}>x</table>", "<table><tr><td >x</table>"),
    _case("an own background", "<body background=/a.png>"),
    _case("a handler that calls a vendor", "<a onclick=\"fbq('init', 1)\" href=/>x</a>", "<a  href=/>x</a>"),
    _case("a handler with references", "<p onclick='fbq(&quot;init&quot;, 1)'>x", "<p >x"),
    _case("a handler in upper case", "<BODY OnLoad='fbq(\"init\")'>", "<BODY >"),
    _case(
        "a handler that loads a vendor",
        "<img src=/a.png onload=\"s.src='https://static.hotjar.com/c/hotjar-1.js'\">",
        "<img src=/a.png >",
    ),
    _case("a handler of the site's own", "<a onclick='go(1)' href=/>x</a>"),
    _case("a handler that speaks of a vendor", "<a onclick=\"say('fbq(1)')\" href=/>x</a>"),
    _case("a handler in a drawing", "<svg onload=\"fbq('init')\"><path/></svg>", "<svg ><path/></svg>"),
    _case("a handler of a shape in a drawing", "<svg><g onclick=\"fbq('init')\"></g></svg>", "<svg><g ></g></svg>"),
    _case("a handler of a title", "<title onclick=\"fbq('init')\">x</title>", "<title >x</title>"),
    _case("a handler of a textarea", "<textarea onfocus=\"fbq('init')\"><b></textarea>", "<textarea ><b></textarea>"),
    _case(
        "a handler of a script", "<script src=/a.js onload=\"fbq('init')\"></script>", "<script src=/a.js ></script>"
    ),
    _case("a handler and a snippet", "<script onload=\"fbq('init')\">fbq('init')</script>", "{-}"),
    _case("a handler of a noscript", "<noscript onclick=\"fbq('init')\"><p>x</noscript>", "<noscript ><p>x</noscript>"),
    _case(
        "a handler of a select", "<select onchange=\"fbq('init')\"><option>x</select>", "<select ><option>x</select>"
    ),
    _case(
        "several at once",
        "<a ping={T} onclick='x()' style='color:red' href=/>x</a>",
        "<a  onclick='x()' style='color:red' href=/>x</a>",
    ),
]

PIXELS = [
    _case("a dot nobody claims", "<img src=//img.nobody-knows.example/p.gif width=1 height=1>", "{-}"),
    _case("a dot in pixels", "<img src='//img.nobody-knows.example/p.gif' width='1px' height='0'>", "{-}"),
    _case("a dot by its style", "<img src=//img.nobody-knows.example/p style='width: 1px; height:1px'>", "{-}"),
    _case("a hidden image nobody claims", "<img src=//img.nobody-knows.example/p style='DISPLAY : none'>", "{-}"),
    _case("an invisible one", '<img src="//img.nobody-knows.example/p" style="a:b;visibility:hidden">', "{-}"),
    _case("one with the hidden attribute", "<img hidden src=//img.nobody-knows.example/p>", "{-}"),
    _case("a wide line nobody claims", "<img src=//img.nobody-knows.example/p.gif width=100 height=1>"),
    _case("a picture nobody claims", '<img src="//img.nobody-knows.example/p.gif" width="100" height="100">'),
    _case("the site's own dot", "<img src=/p.gif width=1 height=1>"),
    _case("a picture with a border", '<img src="//img.nobody-knows.example/p.gif" style="display:block">'),
]

STYLES = [
    _case("a style that loads", "<style>p{background:url({T})}</style>", "<style>p{background:url(data:,)}</style>"),
    _case("a style that imports", "<style>@import '{T}';p{}</style>", "<style>@import 'data:,';p{}</style>"),
    _case("an own style", "<style>p{background:url(/a.png)} /* {T} */</style>"),
    _case("a style nobody claims", "<style>p{background:url(//css.nobody-knows.example/a.png)}</style>"),
    _case("a selector that names a vendor", "<style>a[href^='https://www.facebook.com']{color:red}</style>"),
    _case(
        "a style attribute",
        "<p style='color:red;background:url({T})'>x",
        '<p style="color:red;background:url(data:,)">x',
    ),
    _case(
        "one with references",
        '<p style="background:url(&quot;{T}&quot;)">x',
        '<p style="background:url(&quot;data:,&quot;)">x',
    ),
    _case("an own style attribute", "<p style='background:url(/a.png)'>x"),
    _case(
        "a style in svg", "<svg><style>p{fill:url({T})}</style></svg>", "<svg><style>p{fill:url(data:,)}</style></svg>"
    ),
    _case("CDATA in one", "<svg><style><![CDATA[p{fill:url({T})}]]></style></svg>", "<svg>{-}</svg>"),
    _case(
        "references in one", "<svg><style>@import '&#104;ttps://static.hotjar.com/';</style></svg>", "<svg>{-}</svg>"
    ),
    _case("an own style in svg", "<svg><style><![CDATA[p{fill:red}]]></style><style>g>a{fill:url(#a)}</style></svg>"),
    _case("a paint in svg", "<svg><path fill='url({T}#a)'/></svg>", '<svg><path fill="url(data:,)"/></svg>'),
    _case("an own paint in svg", "<svg><path fill='url(#a)' d='M0 0'/><path fill='url(/a.svg#a)'/></svg>"),
    _case(
        "a style that is no CSS, to all but a browser that looks ahead",
        "<style type=text/less>@import '{T}';</style>",
        "<style type=text/less>@import 'data:,';</style>",
    ),
    _case("a style with a handler", "<style onload=\"fbq('init')\">p{}</style>", "<style >p{}</style>"),
    _case("a style that loads and never ends", "<style>p{background:url({T}", "<style>p{background:url(data:,"),
]

MAPS = [
    _case(
        "an import map",
        '<script type=importmap>{"imports": {"a": "{T}", "b": "/b", "c": "//cdn.nobody-knows.example/c"}}</script>',
        '<script type=importmap>{"imports": {"a": "{js}", "b": "/b", "c": "{js}"}}</script>',
    ),
    _case(
        "an own import map",
        '<script type=importmap>{"imports": {"a": "./a.js", "b": "https://js.stripe.com/v3/"}}</script>',
    ),
    _case(
        "speculation rules",
        '<script type=speculationrules>{"prefetch": [{"urls": ["{T}", "/a"]}]}</script>',
        '<script type=speculationrules>{"prefetch": [{"urls": ["data:text/javascript,", "/a"]}]}</script>',
    ),
    _case(
        "own speculation rules",
        '<script type=speculationrules>{"prerender": [{"source": "list", "urls": ["/a"]}]}</script>',
    ),
    _case("a map that is no JSON", "<script type=importmap>{'a': '{T}'}</script>"),
    _case("a module that imports a refused one", "<script type=module>import a from '{T}';a()</script>", "{-}"),
    _case(
        "a module that imports nobody's",
        '<script type=module>\nexport * from "//cdn.nobody-knows.example/a.js"</script>',
        "{-}",
    ),
    _case(
        "a module that imports own and necessary ones",
        "<script type=module>import './a.js';import 'https://js.stripe.com/v3/'</script>",
    ),
    _case("a module that speaks of imports", "<script type=module>say('do not import {T}')</script>"),
    _case("a preload of nobody's script", "<link rel=preload as=script href=//cdn.nobody-knows.example/a.js>", "{-}"),
    _case("a module preload of nobody's", "<link rel=modulepreload href=//cdn.nobody-knows.example/a.js>", "{-}"),
    _case("a preload of nobody's font", "<link rel=preload as=font href=//cdn.nobody-knows.example/a.woff2>"),
    *(
        _case(f"a link to {rel}", f"<link rel={rel} href={{T}}>", "{-}")
        for rel in (
            "preload",
            "modulepreload",
            "prefetch",
            "prerender",
            "preconnect",
            "dns-prefetch",
            "icon",
            "manifest",
        )
    ),
    *(
        _case(f"an own link to {rel}", f"<link rel={rel} href=/a>")
        for rel in (
            "preload",
            "modulepreload",
            "prefetch",
            "prerender",
            "preconnect",
            "dns-prefetch",
            "icon",
            "manifest",
        )
    ),
]

FRAMES = [
    _case(
        "a srcdoc is a page of its own",
        "<iframe srcdoc='<p>x</p>{bad}'></iframe>",
        '<iframe srcdoc="&lt;p&gt;x&lt;/p&gt;&lt;!----&gt;"></iframe>',
    ),
    _case(
        "a srcdoc with references",
        '<iframe srcdoc="&lt;img src=&quot;{T}&quot;&gt;&amp;amp;"></iframe>',
        '<iframe srcdoc="&lt;!----&gt;&amp;amp;"></iframe>',
    ),
    _case(
        "one in another",
        "<iframe srcdoc='<iframe srcdoc=\"{bad}\"></iframe>'></iframe>",
        '<iframe srcdoc="&lt;iframe srcdoc=&quot;&amp;lt;!----&amp;gt;&quot;&gt;&lt;/iframe&gt;"></iframe>',
    ),
    _case("an own srcdoc", "<iframe srcdoc='<p>x</p><script src=/a.js></script>'></iframe>"),
    _case(
        "a srcdoc with a snippet",
        "<iframe srcdoc=\"<script>fbq('init')</script>\"></iframe>",
        '<iframe srcdoc="&lt;!----&gt;"></iframe>',
    ),
    _case("a document in an address", "<iframe src='data:text/html,<p>x</p>{bad}'></iframe>", "{-}"),
    _case(
        "one in base64",
        "<iframe src='data:text/html;base64,PGltZyBzcmM9aHR0cHM6Ly9zdGF0aWMuaG90amFyLmNvbS8+'></iframe>",
        "{-}",
    ),
    _case(
        "an own document in an address",
        "<iframe src='data:text/html,<p>x</p><img src=https://shop.example/a.png>'></iframe>",
    ),
    _case("nobody's frame", "<iframe src=//cdn.nobody-knows.example/></iframe>", "{-}"),
]

AMP = [
    _case(
        "AMP's analytics", "<amp-analytics type=a><script type=application/json>{}</script></amp-analytics>x", "{-}x"
    ),
    _case("AMP's pixel", "<amp-pixel src='https://shop.example/p' layout=nodisplay></amp-pixel>x", "{-}x"),
    _case("AMP's advertisement", "<p><amp-ad width=1 type=a><div placeholder></div></amp-ad></p>", "<p>{-}</p>"),
    _case("AMP's image", "<amp-img src=/a.png></amp-img><amp-ads-not></amp-ads-not>"),
    _case("AMP's analytics that the author keeps", "<amp-analytics data-dntguard=keep></amp-analytics>"),
]

OWN_HOST = [
    _case("a collector that the site hosts itself", "<script src=/stats/matomo.js></script>", "{-}"),
    _case("the same on a sister host", '<script async src="https://stats.shop.example/matomo.js"></script>', "{-}"),
    _case("the same in another folder, with a version", "<script src=/a/b/matomo.js?v=5#x></script>", "{-}"),
    _case("its pixel", "<img src='/matomo.php?idsite=1&amp;rec=1' alt=''>", "{-}"),
    _case("a file that only ends like it", "<script src=/js/mymatomo.js></script>"),
    _case("a tag gateway by the property in the query", '<script async src="/metrics/?id=G-1A2B3C"></script>', "{-}"),
    _case("the same behind another parameter", "<script src='/m?l=d&amp;id=GTM-1A2B'></script>", "{-}"),
    _case("the same behind a reference", "<script src='/m?i&#100;=GTM-1A2B'></script>", "{-}"),
    _case("the same with a newline in it", "<script src='/m?id=GT\nM-1A2B'></script>", "{-}"),
    _case("the same against a base", "<base href=/x/><script src='m?id=GTM-1A2B'></script>", "<base href=/x/>{-}"),
    _case(
        "the same in a frame",
        "<noscript><iframe src=/ns.html?id=GTM-1A2B></iframe></noscript>",
        "<noscript>{-}</noscript>",
    ),
    _case("the property after the fragment", "<script src='/m#?id=GTM-1A2B'></script>"),
    _case("a file told by how it begins, without a slash", "<script src=prebid8.js></script>", "{-}"),
    _case("the same in quotes", '<script src="prebid8.js"></script>', "{-}"),
    _case(
        "an attribute beside one of a vendor that stays",
        "<script src=/x.js data-cbid=1 data-website-id=2></script>",
        "{-}",
    ),
    _case("the same the other way round", "<script src=/x.js data-website-id=2 data-cbid=1></script>", "{-}"),
    _case("a preload in any case", '<link rel="PreLoad" as="script" href="/matomo.js">', "{-}"),
    _case("a module's preload", '<link rel="modulepreload" href="/matomo.js">', "{-}"),
    _case(
        "a file of nobody's under a path that stays on one's own",
        '<script src="//nobody.example/cdn-cgi/scripts/a.js"></script>',
        "{-}",
    ),
    _case(
        "a script of the site's own that names a host otherwise",
        '<script src="/a.js" data-api="https://x.example"></script>',
    ),
    _case("a frame of the site's own that names one", '<iframe src="/a" title="https://x.example/"></iframe>'),
    _case("a file whose name a folder of a vendor's begins with", "<script>s.src='/js/analytics.js'</script>"),
    _case("a link to share", "<script>u=location.protocol+'//www.facebook.com/sharer/sharer.php?u='</script>"),
    _case("a picture of the site's own with such an identifier", "<img src='/p.jpg?id=G-1A2B3C'>"),
    _case("a link with such an identifier", "<a href='/p?id=G-1A2B3C'>a</a>"),
    _case("an attribute that only a vendor's script reads", "<script src=/a.js data-website-id=1></script>", "{-}"),
    _case("the same in upper case", "<SCRIPT SRC=/a.js DATA-WEBSITE-ID=1></SCRIPT>", "{-}"),
    _case("another element with it", "<div data-website-id=1>a</div>"),
    _case(
        "a tracker's file on a host of anybody's files",
        "<script src=//cdn.jsdelivr.net/gh/a/b/matomo.js></script>",
        "{-}",
    ),
    _case("a tracker's package there", "<script src=//cdn.jsdelivr.net/npm/posthog-js@1/d.js></script>", "{-}"),
    _case("any other file there", "<script src=//cdn.jsdelivr.net/npm/vue@3/dist/vue.js></script>"),
    _case("a snippet that loads the site's own collector", "<script>s.src='/stats/matomo.js'</script>", "{-}"),
    _case(
        "a server-side container",
        "<script>w[l].push({'gtm.start':1});j.src='https://t.shop.example/x.js'</script>",
        "{-}",
    ),
    _case(
        "a pixel of a vendor's that a script makes", "<script>new Image().src='//px.ads.linkedin.com/x'</script>", "{-}"
    ),
    _case("the same of a vendor that stays", "<script>new Image().src='//q.stripe.com/x'</script>"),
    _case("a script that only names a vendor's address", "<script>a.href='//beacon.walmart.com/x'</script>"),
]
"""Tags that the site's own host serves, and scripts by what they load."""

MARKED = [
    _case("an element of a refused purpose", "a<div data-dntguard=marketing>x<div>y</div><b>z</div>b", "a{-}b"),
    _case("one of a granted purpose", "<div data-dntguard=necessary>x</div>"),
    _case("a script of a refused purpose", "<script data-dntguard='analytics'>own()</script>x", "{-}x"),
    _case("a style of a refused purpose", "<style data-dntguard='analytics'>p{}</style>x", "{-}x"),
    _case("an image of a refused purpose", "<img data-dntguard=marketing src=/a.png>x", "{-}x"),
    _case("a template of a refused purpose", "<template data-dntguard=marketing><p>x</template>y", "{-}y"),
    _case("a noscript of a refused purpose", "<noscript data-dntguard=marketing><p>x</noscript>y", "{-}y"),
    _case("a textarea of a refused purpose", "<textarea data-dntguard=marketing><p></textarea>y", "{-}y"),
    _case(
        "a drawing of a refused purpose",
        "<svg data-dntguard=marketing><style></x></style></svg><style>{bad}</style>",
        "{-}<style>{bad}</style>",
    ),
    _case(
        "a shape of a refused purpose",
        "<svg><g data-dntguard=marketing><path/><g/></g><title>{bad}</title></svg>",
        "<svg>{-}{-}</svg>",
    ),
    _case("a shape that closes itself", "<svg><g data-dntguard=marketing /><path/></svg>", "<svg>{-}<path/></svg>"),
    _case("a shape whose end is its drawing's", "<svg><g data-dntguard=marketing><path></svg>x", "<svg>{-}</svg>x"),
    _case("a snippet that the author keeps", "<script data-dntguard=keep>fbq('init', 1)</script>"),
    _case(
        "a tracker that the author keeps",
        "<script data-dntguard=keep src={T}></script><img data-dntguard=KEEP src={T}>",
    ),
    _case("a snippet in svg that the author keeps", "<svg><script data-dntguard=keep>fbq('init', 1)</script></svg>"),
    _case("a tracker that the author files as necessary", "<script data-dntguard=' Necessary ' src={T}></script>"),
    _case(
        "a word that is no purpose",
        "<script data-dntguard=whatever src={T}></script><p data-dntguard>x",
        "{-}<p data-dntguard>x",
    ),
    _case(
        "a list item, whose end is implied",
        "<ul><li data-dntguard=marketing>a<ul><li>b</ul><li>c</ul>",
        "<ul>{-}<li>c</ul>",
    ),
    _case("a last list item", "<ul><li>a<li data-dntguard=marketing>b<p>c</ul>d", "<ul><li>a{-}</ul>d"),
    _case("a paragraph, whose end is implied", "<p data-dntguard=marketing>a<b>b<div>c</div>", "{-}<div>c</div>"),
    _case("a cell", "<table><tr><td data-dntguard=marketing>a<td>b</table>", "<table><tr>{-}<td>b</table>"),
    _case("a row", "<table><tr data-dntguard=marketing><td>a<tr><td>b</table>", "<table>{-}<tr><td>b</table>"),
    _case("an option", "<select><option data-dntguard=marketing>a<option>b</select>", "<select>{-}<option>b</select>"),
    _case("a definition", "<dl><dt data-dntguard=marketing>a<dd>b</dl>", "<dl>{-}<dd>b</dl>"),
    _case("stray end tags inside", "<div data-dntguard=marketing>a</span></p>b</div>c", "{-}c"),
    _case("an end of the body", "<body><div data-dntguard=marketing>a</body></html>", "<body>{-}</body></html>"),
    _case(
        "a script's text inside",
        "<div data-dntguard=marketing><script>a='</div>'</script><!--</div>-->b</div>c",
        "{-}c",
    ),
    _case("an element that never ends", "a<div data-dntguard=marketing>b<p>c", "a{-}"),
    _case(
        "a removal joins nothing",
        "<<b data-dntguard=marketing>x</b>script src={T}></script>",
        "<{-}script src={T}></script>",
    ),
    _case("the whole body", "<body data-dntguard=marketing><p>x", "{-}"),
]

CONDITIONAL = [
    _case("own scripts in a conditional comment", "<!--[if lt IE 9]><script src=/a.js></script><![endif]-->"),
    _case("an image in one", "<!--[if IE]>a<img src={T}>b<![endif]-->", "<!--[if IE]>a<!>b<![endif]-->"),
    _case(
        "a snippet in one",
        "<!--[IF IE]><script>fbq('init')</script><p><![endif]--><p>",
        "<!--[IF IE]><!><p><![endif]--><p>",
    ),
    _case("one that ends at once", "<!--[if !IE]><!-->{bad}<!--<![endif]-->", "<!--[if !IE]><!-->{-}<!--<![endif]-->"),
    _case("one that never ends", "<!--[if IE]>{bad}"),
    _case("one whose condition never ends", "<!--[if IE>{bad}-->x"),
    _case("a comment with a bracket", "<!--[iffy]-->x<!--[i-->y<!--[-->"),
    _case(
        "an attribute in one",
        "<!--[if IE]><a ping={T} href=/>x</a><![endif]-->",
        "<!--[if IE]><a  href=/>x</a><![endif]-->",
    ),
]

DRAWINGS = [
    _case("a part of another drawing", "<svg><use href='{T}#a'/></svg>", "<svg>{-}</svg>"),
    _case("a part of the same drawing", "<svg><use href='#a'/><use xlink:href='/a.svg#a'></use></svg>"),
    _case(
        "an image of a filter",
        "<svg><filter><feImage xlink:href={T} /></filter></svg>",
        "<svg><filter>{-}</filter></svg>",
    ),
    _case("an own image of a filter", "<svg><filter><feImage href='/a.png'/></filter></svg>"),
    _case(
        "an address that is set",
        "<svg><image><set attributeName=href to={T} /></image></svg>",
        "<svg><image>{-}</image></svg>",
    ),
    _case(
        "an address that is animated",
        "<svg><animate attributeName='xlink:href' from='/a' to='{T}'/></svg>",
        "<svg>{-}</svg>",
    ),
    _case("another attribute that is animated", "<svg><animate attributeName='x' from='0' to='1'/></svg>"),
]

FOUND = [
    _case(
        "an edit that would end the noscript it stands in",
        "<noscript><p style=\"a:'&lt;/noscript&gt;{bad}';b:url({T})\"></noscript>".replace(
            "{bad}", "&lt;script src={T}&gt;&lt;/script&gt;"
        ),
        "<noscript><p style=\"a:'&lt;/noscript&gt;&lt;script src={T}&gt;&lt;/script&gt;';b:url(data:,)\"></noscript>",
    ),
    _case(
        "an edit that would end the comment it stands in",
        '<!--[if IE]><iframe srcdoc="<img src={T}>a"><img src={T}></iframe><![endif]-->',
        '<!--[if IE]><iframe srcdoc="&lt;!----&gt;a"><img src={T}></iframe><![endif]-->',
    ),
    _case("a source in another attribute", '<script data-x=" src=">fbq("init",1)</script>', "{-}"),
    _case("a javascript: address with a space", "<iframe src=\"javascript: fbq('init')\"></iframe>", "{-}"),
    _case("one that looks like a host", "<iframe src=\"javascript://shop.example/%0Afbq('init')\"></iframe>", "{-}"),
    _case(
        "a data: address with a space", "<iframe src=\"data: text/html,<script>fbq('init')</script>\"></iframe>", "{-}"
    ),
    _case("user-info after a space", '<script src="//shop.example x@static.hotjar.com/a.js"></script>', "{-}"),
    _case("user-info after a comma", '<img src="//shop.example,x@static.hotjar.com/a.png">', "{-}"),
    _case(
        "user-info in a style",
        "<style>p{background:url('//shop.example x@static.hotjar.com/')}</style>",
        "<style>p{background:url('data:,')}</style>",
    ),
    _case(
        "a tab in a host in a style",
        "<style>p{background:url('//\tstatic.hotjar.com/p')}</style>",
        "<style>p{background:url('data:,')}</style>",
    ),
    _case(
        "escapes in a scheme in a style",
        "<style>p{background:url(htt\\p:\\/\\/static.hotjar.com/)}</style>",
        "<style>p{background:url(data:,)}</style>",
    ),
    _case(
        "utf-16 in a document in an address",
        "<iframe src='data:text/html;charset=utf-16le;base64,"
        + b64encode("<img src=//static.hotjar.com/>".encode("utf-16-le")).decode()
        + "'></iframe>",
        "{-}",
    ),
    _case(
        "a fragment that hides what is before it",
        "<iframe src='data:text/html,<style>p{background:url({T}#('></iframe>",
        "{-}",
    ),
    _case(
        "addresses without a slash in a drawing, after another scheme",
        '<base href=x:y><svg><use href="https:static.hotjar.com"/><path fill="url(https:static.hotjar.com)"/></svg>',
        '<base href=x:y><svg>{-}<path fill="url(data:,)"/></svg>',
    ),
    _case(
        "addresses that are animated one after the other",
        "<svg><image><animate attributeName=href values='/a;{T}'/></image></svg>",
        "<svg><image>{-}</image></svg>",
    ),
    _case(
        "a filter that is set",
        "<svg><set attributeName=filter to='url({T}#f)'/></svg>",
        '<svg><set attributeName=filter to="url(data:,)"/></svg>',
    ),
    _case(
        "a meta with a style and a handler",
        "<meta style='background:url({T})' onclick=\"fbq('init')\">",
        '<meta style="background:url(data:,)" >',
    ),
    _case(
        "a refresh with a quote in its host",
        "<meta http-equiv=refresh content='0;url=//x\".google-analytics.com/'>",
        "{-}",
    ),
    _case("an import after a comment", "<script type=module>/* a */ import '{T}'</script>", "{-}"),
    _case(
        "an import with escaped slashes", "<script type=module>import 'https:\\/\\/static.hotjar.com/'</script>", "{-}"
    ),
    _case("a description that names an encoding", "<meta name=description content='About ISO-2022-JP'>"),
    _case(
        "a base of another scheme",
        "<base href=about:blank><script src='https:static.hotjar.com'></script><img src='x.png'>",
        "<base href=about:blank>{-}<img src='x.png'>",
    ),
    _case("AMP's image and frame", "<amp-img src={T}></amp-img><amp-iframe src=//x.example></amp-iframe>", "{-}{-}"),
    _case(
        "what a browser that looks ahead takes for the end of a title in a drawing",
        "<svg><title><!--</title><img src={T}>--></title></svg>",
        "<svg>{-}{-}--></title></svg>",
    ),
    _case("a part of a drawing that stands in none", "<use href={T}>a<p>b", "{-}a<p>b"),
    _case(
        "an element that closes itself where a drawing is too broken to know",
        "<svg></x><use href='{T}'/><p>a",
        "<svg></x>{-}<p>a",
    ),
    _case(
        "escape characters, for which a browser could guess another encoding",
        "a\x1b$B<!--\x1b(B<img src={T}>\x1b$B-->b",
        "a$B<!--(B<img src={T}>$B-->b",
    ),
]
"""What adversaries, browsers and random pages found; each was once let through, or taken out without need."""

ALL = [
    *TAGS, *ADDRESSES, *ELEMENTS, *INLINE, *COMMENTS, *RAW_TEXT, *FOREIGN, *UNCERTAIN, *BASES, *JOINING, *FETCHING,
    *PLAYERS, *ATTRIBUTES, *PIXELS, *STYLES, *MAPS, *FRAMES, *AMP, *OWN_HOST, *MARKED, *CONDITIONAL, *DRAWINGS, *FOUND,
]  # fmt: skip
