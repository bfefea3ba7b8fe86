"""What a page may hold without end, and what it costs to rewrite."""

from __future__ import annotations

import time
from itertools import count

from dntguard.rewriter import Rewriter
from tests.oracles import PAGE
from tests.strategies import cut

ENDLESS = {
    "text": (b"", b"some text & more ", b""),
    "less-than signs": (b"", b"<", b""),
    "less-than signs and spaces": (b"", b"< ", b""),
    "end tag starts": (b"", b"</", b""),
    "comment starts": (b"", b"<!--", b""),
    "comments": (b"", b"<!-- x -->", b""),
    "a comment of dashes": (b"<!--", b"-", b""),
    "a comment of almost ends": (b"<!--", b"--! ", b""),
    "bogus comments": (b"", b"<?x", b""),
    "cdata starts": (b"", b"<![CDATA[", b""),
    "a cdata section": (b"<svg><![CDATA[", b"]] >", b""),
    "a tag of attributes": (b"<div ", b"a=b ", b""),
    "a judged tag of attributes": (b"<img ", b"a='b' ", b""),
    "a judged tag of names": (b"<script ", b"a ", b""),
    "a tag of spaces": (b"<script", b" ", b""),
    "a tag of slashes": (b"<img", b"/", b""),
    "a tag of equals signs": (b"<img ", b"=", b""),
    "a name and spaces": (b"<img a", b" ", b"= b>"),
    "an open quote": (b"<img a='", b"> ", b""),
    "a long name": (b"<", b"a", b">"),
    "open quotes": (b"", b"<a b='", b""),
    "open tags": (b"", b"<script ", b""),
    "an endless script": (b"<script>", b"let a = '<b>'; ", b""),
    "an endless script of ends": (b"<script>", b"</scrip ", b""),
    "a script of escapes": (b"<script>", b"<!--<script>", b""),
    "a script of ended escapes": (b"<script>", b"<!-- <script></script> -->", b""),
    "a data block": (b"<script type=application/json>", b'{"a": "<"}, ', b""),
    "scripts": (b"", b"<script>a()</script>", b""),
    "refused scripts": (b"", b"<script src=//static.hotjar.com/></script>", b""),
    "a style": (b"<style>", b"a{b:c}</styl ", b""),
    "styles": (b"", b"<style>a</style>", b""),
    "textarea starts": (b"", b"<textarea>", b""),
    "noscripts": (b"", b"<noscript><p></noscript>", b""),
    "an endless noscript": (b"<noscript>", b"<img src=a>", b""),
    "noscript starts": (b"", b"<noscript>", b""),
    "drawings": (b"", b"<svg><path d=x /></svg>", b""),
    "unclosed drawings": (b"", b"<svg><path>", b""),
    "drawings that break": (b"", b"<svg><path/><p>", b""),
    "a drawing of groups": (b"<svg>", b"<g>", b""),
    "a deep drawing and stray ends": (b"<svg>" + b"<g>" * 200, b"<desc><b></b></desc></x>", b""),
    "nested integration": (b"", b"<svg><desc>", b""),
    "nested elements": (b"", b"<div>", b""),
    "selects": (b"", b"<select><option>x", b""),
    "a select of scripts": (b"<select>", b"<script>a()</script>", b""),
    "templates": (b"", b"<template>", b""),
    "framesets": (b"", b"<frameset><style>x</style>", b""),
    "bases": (b"", b"<base href='/x'><img src=y>", b""),
    "a srcset": (b"<img srcset='", b"a 1x, ", b"'>"),
    "a srcset of parentheses": (b"<img srcset='", b"a (, ", b"'>"),
    "character references": (b"<img src='", b"&amp", b"'>"),
    "half character references": (b"<img src='", b"&#x", b"'>"),
    "loader addresses in an open string": (b"<script>`", b"'static.hotjar.com/c/hotjar-' ", b"</script>"),
    "loader addresses": (b"<script>", b"'static.hotjar.com/c/hotjar-';", b"</script>"),
    "loader addresses in comments": (b"<script>", b"// 'static.hotjar.com/c/hotjar-'\n", b"</script>"),
    "calls in an open string": (b"<script>`", b"fbq('init') ", b"</script>"),
    "calls in an open comment": (b"<script>/*", b"fbq('init') ", b"</script>"),
    "calls in a regular expression": (b"<script>a = /", b"fbq('init') ", b"</script>"),
    "slashes in a script": (b"<script>", b"/", b"</script>"),
    "brackets in a script": (b"<script>'", b"<", b" static.hotjar.com/c/hotjar-'</script>"),
    "sources in a script": (b"<script>'", b"src=", b"static.hotjar.com/c/hotjar-'</script>"),
    "dots in a script": (b"<script>'", b".a", b".com/'</script>"),
    "tags with a ping": (b"", b"<a ping=//static.hotjar.com/ href=/>x</a>", b""),
    "a tag of pings": (b"<a ", b"ping=//static.hotjar.com/ ", b">"),
    "a tag of handlers": (b"<a ", b"onclick='fbq(1)' ", b">"),
    "tags with a handler": (b"", b"<a onclick=\"fbq('init')\">", b""),
    "style attributes": (b"", b"<p style='a:url(//static.hotjar.com/)'>", b""),
    "a sheet of addresses": (b"<style>", b"a{b:url(//static.hotjar.com/)}", b"</style>"),
    "a sheet of brackets": (b"<style>a{--b:", b"(", b"}@import '//static.hotjar.com/'</style>"),
    "conditional comments": (b"", b"<!--[if IE]><img src=//static.hotjar.com/><![endif]-->", b""),
    "an open conditional comment": (b"<!--[if IE]>", b"<img src=a>", b""),
    "documents in attributes": (b"", b"<iframe srcdoc='<img src=//static.hotjar.com/>'></iframe>", b""),
    "a long document in an attribute": (b"<iframe srcdoc='", b"<img src=//static.hotjar.com/>", b"'></iframe>"),
    "documents in addresses": (b"", b"<iframe src='data:text/html,<img src=//static.hotjar.com/>'></iframe>", b""),
    "elements that go": (b"", b"<div data-dntguard=marketing><b>x</b></div>", b""),
    "elements that go, each in the last": (b"", b"<div data-dntguard=marketing>", b""),
    "an element that goes": (b"<div data-dntguard=marketing>", b"<b>", b""),
    "items that go": (b"", b"<li data-dntguard=marketing>x", b""),
    "an import map": (b'<script type=importmap>{"imports":{', b'"a":"//static.hotjar.com/",', b'"b":"c"}}</script>'),
    "half imports": (b"<script type=module>", b"\nimport a", b"</script>"),
    "imports": (b"<script type=module>", b"\nimport '/a';", b"</script>"),
    "CDATA sections": (b"", b"<svg><![CDATA[ > <b> ]]></svg>", b""),
    "titles of drawings": (b"", b"<svg><title>x</title></svg>", b""),
    "escape characters": (b"", b"\x1b$\x1b(", b""),
    "AMP": (b"", b"<amp-ad></amp-ad>", b""),
}
"""From a name to what begins, what repeats, and what ends."""

_new = count(10**6)


def cost(construct: str, length: int, size: int) -> float:
    """Processor seconds for a page of `length` bytes in chunks of `size`, the best of three."""
    start, middle, end = ENDLESS[construct]
    costs = []
    for _ in range(3):
        rewriter = Rewriter(None, None, PAGE)
        # A number makes it a page that no cache has seen.
        data = start + middle + b"%d" % next(_new) + middle * (length // len(middle)) + end
        chunks = list(cut(data, [size]))
        before = time.process_time()
        for chunk in chunks:
            rewriter.feed(chunk)
        rewriter.close()
        costs.append(time.process_time() - before)
        if costs[-1] > 2:
            break
    return min(costs)
