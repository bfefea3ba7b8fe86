"""The scanner of XHTML by itself, with a judge that knows no vendor, against a real XML parser."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import ClassVar
from xml.etree import ElementTree as ET
from xml.parsers import expat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.scanner.judge import INERT, Edit, Filter, Text
from dntguard.scanner.tags import attribute_value, tag_parts
from dntguard.scanner.xml import XmlScanner
from tests.strategies import at_every_chunking, chunk_sizes, cut, hostile_pages

Answer = str | Edit[str] | Text | None


class _Tags(dict[bytes, Answer]):
    """Remembers which tags were asked about; reads them as HTML does, the first of duplicates."""

    FETCHING: ClassVar = frozenset(b"script img image iframe a link base feimage".split())
    KINDS: ClassVar = {b"importmap": Text.IMPORT_MAP, b"module": Text.MODULE, b"kept": Text.KEEP}

    def __missing__(self, tag: bytes) -> Answer:
        self[tag] = answer = self._judge(tag)
        return answer

    def _judge(self, tag: bytes) -> Answer:
        name, found = tag_parts(tag)
        values = {key: attribute_value(value) for key, value in found.items()}
        addresses = (b"src", b"href", b"xlink:href") if name in self.FETCHING else ()
        if any("bad" in values.get(key, "") for key in (b"onload", *addresses)):
            return "tag"
        if name in (b"animate", b"set") and values.get(b"attributename") in ("href", "xlink:href"):
            return "tag" if "bad" in values[b"to"] else None
        if name == b"amp-ad":
            return "tag"
        text: Text | None = None
        if name == b"script" and b"src" not in found:
            text = self.KINDS.get(found.get(b"type", b""), Text.SCRIPT)
        elif name == b"style":
            text = Text.STYLE
        ping = b' ping="' + found.get(b"ping", b"") + b'"'
        if ping in tag:
            return Edit(tag.replace(ping, b""), ("attribute",), text)
        if b"&lt;" in found.get(b"srcdoc", b""):
            return Edit(tag.replace(b"&lt;", b"<"), ("attribute",), text)
        return text


class Ledger:
    """A judge that refuses what is called bad and writes down what it is told."""

    def __init__(self, ambiguous: str | None = "ambiguous") -> None:
        self.tags: Mapping[bytes, Answer] = _Tags()
        self.relative_is_kept = False
        self.ambiguous: str | None = ambiguous
        self.texts: list[tuple[Text, bytes]] = []
        self.bases: list[bytes] = []
        self.taken: list[tuple[str, bytes]] = []

    def text(self, kind: Text, text: bytes) -> str | Edit[str] | None:
        self.texts.append((kind, text))
        if b"bad()" in text:
            return "text"
        return Edit(text.replace(b"old()", b"a<b && new()"), ("part",)) if b"old()" in text else None

    def style(self) -> Filter:
        raise NotImplementedError  # no style sheet is read in pieces

    def base(self, tag: bytes) -> None:
        self.bases.append(tag)

    def removed(self, verdict: str, tag: bytes) -> None:
        self.taken.append((verdict, tag))

    def passed(self, verdict: str) -> None:
        raise NotImplementedError  # a text over the limit is not judged


class Keeper(Ledger):
    """A judge that refuses nothing."""

    def __init__(self) -> None:
        super().__init__(None)
        self.tags = _Kept()

    def text(self, kind: Text, text: bytes) -> None:
        return None


class _Kept(dict[bytes, Answer]):
    def __missing__(self, tag: bytes) -> Answer:
        return Text.SCRIPT if b"script" in tag else None


def scan(chunks: Iterable[bytes], judge: Ledger | None = None, limit: int = 10_000) -> bytes:
    scanner = XmlScanner(judge or Ledger(), limit)
    return b"".join([*map(scanner.feed, chunks), scanner.close()])


def scanning(limit: int, ambiguous: str | None = "ambiguous") -> Callable[[list[bytes]], bytes]:
    return lambda chunks: scan(chunks, Ledger(ambiguous), limit)


# --- named cases ------------------------------------------------------------------------------------------------------

HTML = b"<!DOCTYPE html"
KEPT = {
    "capitals are another name": b"<SCRIPT src='bad'>bad()</SCRIPT><Img src='x'/>",
    "capitals in an attribute beside the true one": b"<script src='x' SRC='bad'/>",
    "a plain script": b"<script src='x'></script><script src='x'/>text",
    "a script in a comment": b"<!-- <script src='bad'/> -->",
    "a comment that HTML would end": b"<!--><script src='bad'/>--><!--->--><!---->",
    "a script in a CDATA section": b"<![CDATA[<script src='bad'/>]]><![CDATA[]]]]><![CDATA[]>]]>",
    "a script in an instruction": b"<?php <script src='bad'/> ?><??>",
    "an instruction with a longer name": b"<?xml-stylesheets href='bad'?><?xml-stylesheet2 href='bad'?>",
    "an inline script": b"<script>ok()</script><script>a &lt; b</script><script/>",
    "a script that is a comment": b"<script><!-- bad() --><?x bad() ?></script>",
    "a script in CDATA": b"<script>//<![CDATA[\nif (a<b) { '</script>' }\n//]]></script>",
    "a script that is marked": b"<script type='kept'>bad()</script>",
    "a title holds markup": b"<title>a</title><style>b{}</style>",
    "a style sheet of the page": b"<?xml-stylesheet href='x' type='text/css'?><?xml-stylesheet?>",
    "an address in another pseudo-attribute": b"<?xml-stylesheet title='href=\"bad\"' href='x'?>",
    "no internal subset": HTML + b" PUBLIC '-//W3C//DTD XHTML 1.0 [Strict]//EN' \"http://x/>\">",
    "a subset of what is known": HTML
    + b" [<!-- ' ]> --> <!ENTITY nbsp \"&#160;\">\n<!ENTITY eacute '\xc3\xa9' > <!ELEMENT p (#PCDATA)*>]>",
    "an empty subset": HTML + b"[]>",
    "other markup declarations are errors": b"<!x><!doctype html><!DOCTYPEhtml><![x]]>",
    "errors": b"< script src='bad'/><1/></><//></ a><a b=c/><a b=\"<\"/>a & b ]]>",
    "bytes that are no characters": b"\x00\xff<\xc3\xa9 a='1'/><_x/><:x:>",
    "a prefix": b"<h:script src='x'><svg:g/></h:script>",
    "long prefixes": b"<" + b"p" * 40 + b":script src='x'/>",
    "SVG": b"<svg viewBox='0 0 1 1'><use xlink:href='#a'/><animate attributeName='x' to='bad'/></svg>",
    "end tags": b"</a></a ></a\n></h:a></a b='>'></\xc3\xa9>",
    "quiet tags": b'<p><br/><p class="a" id="b"><br />',
    "quiet names with more": b'<scripts/><styles/><p class="a" data-x="1"/>',
}

REFUSED = {  # what is taken out: each leaves an inert comment
    "an empty element": b"<script src='bad'/>",
    "an element": b"<script src='bad'></script>",
    "white space": b"<script\n src = 'bad'\t>x</script \n>",
    "a prefix": b"<h:script src='bad'>x</script></h:script>",
    "two prefixes": b"<a:b:script src='bad'>x</a:b:script>",
    "a prefixed inline script": b"<h:script>bad()</h:script>",
    "an end tag in a comment": b"<script src='bad'><!-- </script> --></script>",
    "an end tag in CDATA": b"<script src='bad'><![CDATA[</script>]]></script>",
    "an end tag in an instruction": b"<script src='bad'><?x </script>?><?xml-stylesheet </script>?></script>",
    "an end tag in a value": b"<script src='bad'><a b='</script>'/></script>",
    "namesakes inside": b"<a href='bad'><a>1</a><a/><a b='>'/><b><a>2</a></b></a>",
    "longer names inside": b"<a href='bad'><aa></aa><a:a></a:a></a>",
    "errors inside": b"<a href='bad'>< <1 </ <! <!DOCTYPE x [ </a>",
    "a whole part of the page": b"<div onload='bad'><p><img src='x'/></p></div>",
    "a name with a hyphen": b"<amp-ad><p/></amp-ad>",
    "no quotes": b"<script src=bad></script>",
    "a comment joins text": b"<script>ba<!-- x -->d()</script>",
    "an instruction joins text": b"<script>ba<?x?>d()</script>",
    "CDATA joins text": b"<script>ba<![CDATA[d(]]>)</script>",
    "references": b"<script>b&#97;d&#x28;&rpar;</script>",
    "a reference that is none": b"<script>&bad()</script>",
    "too long a reference": b"<script>&#" + b"1" * 5000 + b";bad()</script>",
    "an element beside the text": b"<script>bad<b>x</b>()</script>",
    "an element in a script that is kept": b"<script>ok()<img src='bad'/></script>",
    "a namesake in a script that is kept": b"<script><script>x</script></script>",
    "an element in a script that is edited": b"<script>old()<b/></script>",
    "stray ends in a script": b"<script></b>bad()</script>",
    "an address with a prefix of the page's own": b"<svg:image x:href='bad'/>",
    "the same beside another": b"<s:script xlink:href='a' x:href = \"bad\"></s:script>",
    "the same before another": b"<s:script x:href='bad' xlink:href='a' ping=\"p\"/>",
    "capitals before the true address": b"<script SRC='x' src='bad'/>",
    "capitals alone": b"<script SRC='bad'/>",
    "a handler of a name with capitals": b"<SCRIPT onload='bad'/>",
    "a filter": b"<feImage href='bad'/>",
    "an animation": b"<set attributeName='href' to='bad'/>",
    "an animation with a decoy": b"<set attributename='x' attributeName='href' to='bad'/>",
    "an animation by a prefix of the page's own": b"<set to='bad' attributeName='x&#58;href'/>",
    "the same by its own address": b"<animate x:href='#a' to='bad' attributeName='x:href'></animate>",
    "a style sheet": b"<?xml-stylesheet href='bad'?>",
    "a style sheet among others": b'<?xml-stylesheet\n type = \'text/css\' x>="1" href\t= "bad" ?>',
    "a second address": b"<?xml-stylesheet href='x' href='bad'?>",
    "a transformation": b"<?xml-stylesheet type='text/xsl' href='#x'?>",
}

CHANGED = {
    "an attribute": (b"<a ping=\"p\" href='x'>b</a>", b"<a href='x'>b</a>"),
    "an attribute behind a prefix": (b'<h:a ping="p"/>', b"<h:a/>"),
    "an attribute beside an address with a prefix of the page's own": (
        b"<h:a x:href='x' ping=\"p\"/>",
        b"<h:a x:href='x'/>",
    ),
    "an attribute of an element with capitals": (b'<A ping="p" b=""/>', b'<A b=""/>'),
    "an attribute, and the text is judged too": (b'<script ping="p">bad()</script>', INERT),
    "an attribute, and the text is kept": (b'<script ping="p">ok()</script>', b"<script>ok()</script>"),
    "an attribute, and there is no text": (b'<script ping="p"/>', b"<script/>"),
    "a document in an attribute": (
        b'<iframe srcdoc="&lt;p&gt;"></iframe>',
        b'<iframe srcdoc="&lt;p&gt;"></iframe>',
    ),
    "a text": (b"<script>1;old()</script>", b"<script>1;a&lt;b &amp;&amp; new()</script>"),
    "a text with references": (b"<style>&gt;old()</style>", b"<style>&gt;a&lt;b &amp;&amp; new()</style>"),
    "a text in CDATA": (
        b"<s:style><![CDATA[\xff<old()]]></s:style>",
        b"<s:style>\xff&lt;a&lt;b &amp;&amp; new()</s:style>",
    ),
    "a text in pieces": (b"<style><!-- x -->o<?x?>ld()</style >", b"<style>a&lt;b &amp;&amp; new()</style >"),
    "an entity with markup": (HTML + b" [<!ENTITY a '<script src=\"bad\"/>'>]>", HTML + b" >"),
    "an entity with a reference": (HTML + b" [<!ENTITY a '&#60;'>]>", HTML + b" >"),
    "an entity of the page's own": (HTML + b" [<!ENTITY host 'bad'>] >", HTML + b"  >"),
    "an entity that HTML knows by another value": (HTML + b" [<!ENTITY nbsp 'bad'>]>", HTML + b" >"),
    "an entity that is markup to HTML too": (HTML + b" [<!ENTITY nvlt '&#60;&#8402;'>]>", HTML + b" >"),
    "an external entity": (HTML + b" SYSTEM 'x' [<!ENTITY a SYSTEM 'bad'>]>", HTML + b" SYSTEM 'x' >"),
    "a parameter entity": (HTML + b" [<!ENTITY % a ''>%a;]>", HTML + b" >"),
    "a reference to a parameter entity": (HTML + b" [%a;]>", HTML + b" >"),
    "defaults of attributes": (HTML + b" [<!ATTLIST script src CDATA 'bad'>]>", HTML + b" >"),
    "an instruction in the subset": (HTML + b" [<?xml-stylesheet href=']>'?>]>", HTML + b" >"),
    "two subsets": (HTML + b"[<!ATTLIST a b CDATA ']'>] [] >", HTML + b" [] >"),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_not_refused_keeps_its_bytes(name: str) -> None:
    page = b"<x>" + KEPT[name] + b"</x>"
    assert at_every_chunking(scan, page) == page


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_goes_with_its_content(name: str) -> None:
    page = b"<x>" + REFUSED[name] + b"b</x>"
    assert at_every_chunking(scan, page) == b"<x>" + INERT + b"b</x>"


@pytest.mark.parametrize("name", CHANGED)
def test_what_is_refused_in_part_stays_with_the_rest(name: str) -> None:
    page, expected = CHANGED[name]
    assert at_every_chunking(scan, page + b"<b/>") == expected + b"<b/>"


@pytest.mark.parametrize("name", [*KEPT, *REFUSED, *CHANGED])
def test_nothing_is_lost_of_a_case_when_nothing_is_refused(name: str) -> None:
    page = KEPT.get(name) or REFUSED.get(name) or CHANGED[name][0]
    assert at_every_chunking(lambda chunks: scan(chunks, Keeper()), page) == page


DOUBTFUL = {
    "an element in a script": b"<script>ok()<img src='x'/></script>",
    "a transformation": b"<?xml-stylesheet type='text/xsl' href='#x'?>",
    "an entity": HTML + b" [<!ENTITY a '<b/>'>]>",
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_what_cannot_be_decided_stays_when_that_is_the_rule(name: str) -> None:
    assert at_every_chunking(scanning(10_000, None), DOUBTFUL[name]) == DOUBTFUL[name]


def test_a_text_is_judged_to_its_very_end_when_doubt_keeps() -> None:
    page = b"<script>ok()<script></script>bad()</script>"
    assert at_every_chunking(scanning(10_000, None), page) == INERT


def test_an_edit_of_a_text_leaves_elements_out_when_doubt_keeps() -> None:
    page = b"<script>old()<img src='x'/></script>"
    assert at_every_chunking(scanning(10_000, None), page) == b"<script>a&lt;b &amp;&amp; new()</script>"


# --- what the judge is asked and told ---------------------------------------------------------------------------------


def test_the_judge_is_asked_about_tags_less_their_prefix() -> None:
    judge = Ledger()
    page = (
        b"<html xmlns='a'><p><h:img\nsrc='>' ></h:img><b/><a x=y><script/><style><a b='1'/></style>"
        b"<SCRIPT b=''/><svg viewBox='0'/><i a='1' A='2' b='3'/><u:u x:href='1' />"
    )
    scan([page], judge, 10_000)
    assert set(judge.tags) == {
        b"<html xmlns='a'>",
        b"<img\nsrc='>' >",
        b"<a x=y>",
        b"<script/>",
        b"<style>",
        b"<x b=''/>",
        b"<svg viewBox='0'/>",
        b"<i a='1' b='3' A='2'/>",
        b"<u x:href='1' />",
        b"<u xlink:href='1' x:href='1' />",
    }


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_a_text_is_judged_as_it_runs_once(size: int) -> None:
    judge = Ledger()
    page = (
        b"<script>a &lt; b &amp;&amp; c</script ><script></script><style><!-- x -->a&#13;<![CDATA[b&amp;]]></style>"
        b"<script type='module'>x<?y?></script><script type='importmap'>{}</script>"
    )
    assert scan(cut(page, [size]), judge) == page
    assert judge.texts == [
        (Text.SCRIPT, b"a < b && c"),
        (Text.SCRIPT, b""),
        (Text.STYLE, b"a\rb&amp;"),
        (Text.MODULE, b"x"),
        (Text.IMPORT_MAP, b"{}"),
    ]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_judge_learns_of_each_base_and_of_each_removal(size: int) -> None:
    judge = Ledger()
    page = (
        HTML + b"[<!ATTLIST a>]><?xml-stylesheet href='bad'?><base href='0'/><h:base href='1'/><div onload='bad'>"
        b"<base href='2'/><img src='bad'/></div><base href='3' ping=\"p\"/>"
        b"<script>bad()</script><style>old()</style><base href='bad'/>"
    )
    scan(cut(page, [size]), judge)
    assert judge.bases == [b"<base href='0'/>", b"<base href='1'/>", b"<base href='3'/>"]
    assert judge.taken == [
        ("ambiguous", b"[<!ATTLIST a>]"),
        ("tag", b"<?xml-stylesheet href='bad'?>"),
        ("tag", b"<div onload='bad'>"),
        ("attribute", b"<base href='3' ping=\"p\"/>"),
        ("text", b"<script>"),
        ("part", b"<style>"),
        ("tag", b"<base href='bad'/>"),
    ]


# --- what is held back ------------------------------------------------------------------------------------------------

RELEASED = {  # after what was fed, what at least must be out
    b"text": b"text",
    b"text<": b"text",
    b"a<p": b"a",
    b"a<p b='": b"a",
    b"a<p>": b"a<p>",
    b"a</p ": b"a</p ",
    b"a<!--": b"a",
    b"a<!--x": b"a<!--",
    b"a<!--xyz": b"a<!--x",
    b"a<![CDATA[xyz": b"a<![CDATA[x",
    b"a<?xyz": b"a<?xy",
    b"a<!x": b"a<!x",
    b"a<!DOCTYPE html": b"a<!DOCTYPE html",
    b"a<!DOCTYPE html 'x": b"a<!DOCTYPE html 'x",
    b"a<!DOCTYPE html [ ": b"a<!DOCTYPE html ",
    b"a<!DOCTYPE html [ ] ": b"a<!DOCTYPE html [ ] ",
    b"a<?xml-stylesheet ": b"a",
    b"a<?xml-stylesheet ?>": b"a<?xml-stylesheet ?>",
    b"<script src='x'>a": b"<script src='x'>a",
    b"<script>a": b"",
    b"<script>a</script": b"",
    b"<script>a</script>": b"<script>a</script>",
}


@pytest.mark.parametrize("fed", RELEASED)
def test_only_what_is_undecided_is_held_back(fed: bytes) -> None:
    scanner = XmlScanner(Ledger(), 10_000)
    out = scanner.feed(fed)
    assert fed.startswith(out)
    assert out.startswith(RELEASED[fed])
    assert out + scanner.close() == fed


# --- the limit --------------------------------------------------------------------------------------------------------

LONG = b"x" * 3000
OVER = {  # what is over the limit, and what is left of it when doubt removes
    "a tag": (b"<p a='" + LONG + b"' b='>'>c</p>", INERT),
    "an empty tag": (b"<p a='" + LONG + b"' b='>'/>", INERT),
    "an empty tag of a namesake": (b"<p a='" + LONG + b"'><p/><p b='" + LONG + b"'/></p>", INERT),
    "a tag of a namesake": (b"<a href='bad'><a b='" + LONG + b"'></a></a>", INERT),
    "another tag in what is dropped": (b"<a href='bad'><b b='" + LONG + b"'></a>", INERT),
    "an end tag of what is dropped": (b"<a href='bad'></a" + b" " * 3000 + b">", INERT),
    "a tag in a held script": (b"<script>ok()<b a='" + LONG + b"'/></script>", INERT),
    "an end tag in a held script": (b"<script>ok()</script" + b" " * 3000 + b">", INERT),
    "a script": (b"<script>" + LONG + b"</script >", INERT),
    "a script of comments": (b"<script><!--" + LONG + b"--><a/></script>", INERT),
    "a script with elements": (b"<script>" + b"<a b='1'/>" * 300 + b"<script>x</script></script>", INERT),
    "a script of namesakes": (b"<script>" + b"<script/>" * 300 + b"</script>", INERT),
    "a style sheet": (b"<?xml-stylesheet href='x' title='" + LONG + b"'?>", INERT),
    "a subset": (HTML + b"[<!-- " + LONG + b"' -->]>", HTML + b">"),
}


@pytest.mark.parametrize("size", [1, 50, 170])
@pytest.mark.parametrize("name", OVER)
def test_what_is_over_the_limit_is_removed_when_it_cannot_be_judged(name: str, size: int) -> None:
    page, left = OVER[name]
    judge = Ledger()
    assert scan(cut(b"<x>" + page + b"<b/></x>", [size]), judge, 1000) == b"<x>" + left + b"<b/></x>"
    assert len(judge.taken) == 1
    assert len(judge.taken[0][1]) <= 200


@pytest.mark.parametrize("size", [1, 50, 170])
@pytest.mark.parametrize("name", OVER)
def test_what_is_over_the_limit_is_kept_when_that_is_the_rule(name: str, size: int) -> None:
    page = b"<x>" + OVER[name][0].replace(b"bad", b"ok") + b"<img src='bad'/></x>"
    assert scan(cut(page, [size]), Ledger(None), 1000) == page.replace(b"<img src='bad'/>", INERT)


def test_what_follows_a_script_that_is_let_through_for_its_length_is_judged() -> None:
    page = b"<script>" + LONG + b"<script src='bad'/></script>"
    assert scan([page], Ledger(None), 1000) == page.replace(b"<script src='bad'/>", INERT)


def test_a_tag_over_the_limit_that_is_whole_in_one_chunk_is_judged() -> None:
    page = b"<img alt='" + LONG + b"'/><img alt='" + LONG + b"' src='bad'/>"
    assert scan([page], limit=1000) == b"<img alt='" + LONG + b"'/>" + INERT


def test_what_needs_no_decision_has_no_limit() -> None:
    page = b"<!--%b--><?%b?><![CDATA[%b]]>%b</%b b='%b'><!DOCTYPE %b '%b' \"%b\">" % ((LONG,) * 9)
    for size in (1, 50, 100_000):
        assert scan(cut(page, [size]), limit=1000) == page
        assert scan(cut(b"<a href='bad'>" + page + b"</a>", [size]), limit=1000) == INERT


# --- the end of the document ------------------------------------------------------------------------------------------

ENDS = [
    *(b"<", b"</", b"<!", b"<!-", b"<!--", b"<!--x-", b"<!--x--", b"<![CDA", b"<![CDATA[x]", b"<?", b"<?x?"),
    *(b"<p", b"<p a", b"<p a='", b"<img src='bad'", b"</p", b"</p ", b"<script", b"<script>", b"<script>x<"),
    *(b"<script>x</script", b"<script>x</script ", b"<script>x<!-- <b/>", b"<script>x<![CDATA[<b/>"),
    *(b"<script>x<?<b/>", b"<?xml-stylesheet", b"<?xml-stylesheet href='x'", b"<!DOCTYPE", b"<!DOCTYPE "),
    *(b"<!DOCTYPE x '", HTML + b" [ <!--", HTML + b" [", HTML + b" [ ]", HTML + b" [<!ENTITY nbsp '&#160;'>"),
]


@pytest.mark.parametrize("end", ENDS)
def test_an_end_of_the_document_anywhere_loses_no_byte(end: bytes) -> None:
    assert at_every_chunking(scan, b"<p>x</p>" + end, [1]) == b"<p>x</p>" + end.replace(b" [ <!--", b" ")


@pytest.mark.parametrize(
    "end",
    [
        *(b"<script>bad()", b"<script src='bad'>x", b"<a href='bad'></a", b"<a href='bad'><!--"),
        *(b"<script>bad()</script ", b"<script>bad()<![CDATA[", b"<?xml-stylesheet href='bad'"),
    ],
)
def test_an_element_that_is_refused_goes_when_the_document_ends_in_it(end: bytes) -> None:
    assert at_every_chunking(scan, b"a" + end) == b"a" + INERT


# --- well-formed documents, against expat -----------------------------------------------------------------------------

XHTML, SVG = "http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"

_addresses = st.sampled_from(("x.js", "bad", "/bad.js?a=1&amp;b=2", "&#120;", "a>b", "</script>".replace("<", "&lt;")))
_names = st.sampled_from(
    (
        *("script", "h:script", "svg:script", "SCRIPT", "h:Script", "style", "h:style", "p", "h:p", "img", "h:img"),
        *("svg:g", "svg:image", "feImage", "title", "a", "b-c", "\u00e9", "_x", "amp-ad"),
    )
)
_attributes = st.sampled_from(
    (
        *("src", "href", "xlink:href", "xl:href", "class", "id", "title", "SRC", "viewBox", "h:src", "onload"),
        *("ping", "type", "xml:lang"),
    )
)
_spaces = st.sampled_from((" ", " ", " ", "\n", "\t ", "\r\n"))
_texts = st.sampled_from(
    (
        *(
            "",
            "x",
            "ok()",
            "bad()",
            "old()",
            "1;old();2",
            "ba",
            "d()",
            "a &lt; b",
            "&#98;ad()",
            "b&#x61;d&#40;)",
            "\u00e9",
        ),
        *("a > b", "&amp;", '"', "'", "-->", "?>", "\n"),
    )
)
_hidden = st.sampled_from(
    (
        *("<!-- x -->", "<!---->", "<!--<script src='bad'/>-->", "<!-- </script></p></h:p> -->", "<!--->-->"),
        *("<![CDATA[x]]>", "<![CDATA[]]>", "<![CDATA[</script><script src='bad'/>]]>", "<![CDATA[bad()]]>"),
        *(
            "<![CDATA[old()]]>",
            "<![CDATA[]]]]>",
            "<![CDATA[<!--]]>",
            "<?x?>",
            "<?x </script><a href='bad'> ?>",
            "<?y ??>",
        ),
    )
)


@st.composite
def _tag(draw: st.DrawFn) -> tuple[str, str]:
    """A start tag without its end, and its name."""
    name = draw(_names)
    out = "<" + name
    for attribute in draw(st.lists(_attributes, max_size=3, unique_by=lambda name: name.replace("xl:", "xlink:"))):
        equals = draw(st.sampled_from(("=", "=", "=", " = ", "\n=")))
        quote = '"' if attribute == "ping" else draw(st.sampled_from("\"'"))
        space = " " if attribute == "ping" else draw(_spaces)
        out += space + attribute + ("=" if attribute == "ping" else equals) + quote + draw(_addresses) + quote
    return out + draw(st.sampled_from(("", "", " ", "\n"))), name


def _element(content: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    @st.composite
    def build(draw: st.DrawFn) -> str:
        start, name = draw(_tag())
        if draw(st.integers(0, 3)) == 0:
            return start + "/>"
        return f"{start}>{draw(content)}</{name}{draw(st.sampled_from(('', '', ' ')))}>"

    return build()


_content = st.recursive(
    st.one_of(_texts, _hidden, _element(st.one_of(_texts, _hidden))),
    lambda inner: st.one_of(
        _element(st.lists(inner, max_size=4).map("".join)), st.lists(inner, max_size=3).map("".join)
    ),
    max_leaves=14,
)
_prologs = st.sampled_from(
    (
        *(
            "",
            "<!DOCTYPE html>",
            "<!-- x -->\n",
            "<?xml-stylesheet href='bad'?>",
            "<?x?>\n<!DOCTYPE html [ <!-- ]> --> ]>",
        ),
        '<!DOCTYPE html [<!ENTITY nbsp "&#160;">]>',
        "<!DOCTYPE html [<!ATTLIST p class CDATA 'x'>]>",
        "<!DOCTYPE html [<!ENTITY e '<script/>'>]>\n<?xml-stylesheet href='x'?>",
    )
)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """A well-formed document with namespaces."""
    declared = draw(
        st.sampled_from(('<?xml version="1.0"?>', "<?xml version='1.0' encoding='UTF-8'?>\n", "", "\ufeff"))
    )
    spaces = f"xmlns='{XHTML}' xmlns:h='{XHTML}' xmlns:svg=\"{SVG}\"\n xmlns:xlink='{XLINK}' xmlns:xl='{XLINK}'"
    body = draw(st.lists(_content, max_size=5).map("".join))
    document: str = (
        declared + draw(_prologs) + f"<html {spaces}>" + body + "</html>" + draw(st.sampled_from(("", "\n<!-- x -->")))
    )
    return document.encode()


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _is_refused(element: ET.Element) -> bool:
    """What the judge refuses, told from the tree."""
    name = _local(element.tag)
    fetches = name in ("script", "img", "image", "a", "feImage")
    addresses = ("src", "href", f"{{{XLINK}}}href") if fetches else ()
    if any("bad" in element.get(key, "") for key in ("onload", *addresses)) or name == "amp-ad":
        return True
    # A judge cannot tell it from the true one, when that is not there.
    if fetches and "bad" in element.get("SRC", "") and "src" not in element.attrib:
        return True
    if name == "style" or (name == "script" and "src" not in element.attrib and "SRC" not in element.attrib):
        text = (element.text or "") + "".join(child.tail or "" for child in element)
        return "bad()" in text or len(element) > 0
    return False


def _reduce(element: ET.Element) -> None:
    """Take what is refused out of a tree, and edit what is edited."""
    element.attrib.pop("ping", None)
    if _local(element.tag) in ("script", "style"):
        is_text = _local(element.tag) == "style" or not {"src", "SRC"} & element.attrib.keys()
        if is_text and element.text:
            element.text = element.text.replace("old()", "a<b && new()")
    kept: list[ET.Element] = []
    for child in list(element):
        if not _is_refused(child):
            _reduce(child)
            kept.append(child)
            continue
        element.remove(child)
        if kept:
            kept[-1].tail = (kept[-1].tail or "") + (child.tail or "")
        else:
            element.text = (element.text or "") + (child.tail or "")


def _tree(document: bytes) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314  # documents of our own


def _canonical(tree: ET.Element) -> str:
    """The tree as text, in which the order of attributes means nothing."""
    return ET.canonicalize(ET.tostring(tree, encoding="unicode"))


@given(documents(), chunk_sizes)
def test_the_parsed_output_is_the_parsed_input_less_what_is_refused(document: bytes, sizes: list[int]) -> None:
    expected = _tree(document.replace(b"<!ATTLIST p class CDATA 'x'>", b""))
    _reduce(expected)
    out = at_every_chunking(scan, document, sizes)
    assert _canonical(_tree(out)) == _canonical(expected)


@given(documents(), chunk_sizes)
def test_what_a_parser_calls_an_instruction_is_left_unless_it_is_a_style_sheet(
    document: bytes, sizes: list[int]
) -> None:
    out = scan(cut(document, sizes))
    assert b"<?xml-stylesheet href='bad'" not in out
    assert (b"<?xml-stylesheet href='x'" in out) == (b"<?xml-stylesheet href='x'" in document)


# --- broken documents, against expat ----------------------------------------------------------------------------------

_DECLARED = st.sampled_from(
    (
        *("<!ENTITY e 'bad'>", "<!ENTITY e \"<script src='bad'/>\">", "<!ENTITY e '&#60;a href=\"bad\"/>'>"),
        *("<!ATTLIST a href CDATA 'bad'>", "<!ATTLIST script src CDATA 'bad' x CDATA ']'>", "<!ELEMENT a ANY>"),
        *("<!ENTITY copy '&#169;'>", "<!ENTITY copy 'bad'>", "<!ENTITY % p \"<!ENTITY e 'bad'>\">", "%p;"),
        *("<!-- ' -->", "<!-- ]> -->", "<?x ' ]>?>", "<?xml-stylesheet href='bad'?>", "<!NOTATION n SYSTEM ']>'>", " "),
        *("<!ENTITY quot '&#34;'>", "<!ENTITY e SYSTEM 'bad'>", "'", "]", "<!"),
    )
)
_USED = st.sampled_from(
    (
        *("&e;", "&copy;", "<a href='&e;'/>", "<a/>", "<script/>", "<script>&e;()</script>", "<a href='&copy;'></a>"),
        *(
            "<script>b<![CDATA[a]]>d()</script>",
            "<h:a xl:href='bad'/>",
            "<a HREF='x' href='bad'/>",
            "<?xml-stylesheet x='",
        ),
        *("<![CDATA[", "]]>", "<!--", "-->", "<?x ", "?>", "<script>", "</script>", "<a href='bad'>", "</a>", "<a x='"),
    )
)


@st.composite
def broken_documents(draw: st.DrawFn) -> bytes:
    """A document with declarations that should not be trusted, and some bytes that are not what they were."""
    page = draw(documents())
    if draw(st.booleans()):
        declared = "".join(draw(st.lists(_DECLARED, max_size=3)))
        used = "".join(draw(st.lists(_USED, max_size=6)))
        start = page[page.index(b"<html") :].partition(b">")[0].decode()
        page = f"<!DOCTYPE html [{declared}]>{start}>{used}</html>".encode()
    changed = bytearray(page)
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(changed) - 1))
        changed[place : place + draw(st.integers(0, 2))] = draw(
            st.sampled_from((b"", b"<", b">", b"'", b"/", b"x", b" "))
        )
    return bytes(changed)


class _Reader:
    """What a parser sees of a document until its first error, and what of it is refused."""

    def __init__(self, document: bytes) -> None:
        self.refused: list[str] = []
        self._texts: list[tuple[str, list[str]]] = []
        parser = expat.ParserCreate(namespace_separator="}")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.ProcessingInstructionHandler = self._instruction
        with suppress(expat.ExpatError):  # a browser stops here too
            parser.Parse(document, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        element = ET.Element(name, {("{" if "}" in key else "") + key: value for key, value in attributes.items()})
        if _is_refused(element):
            self.refused.append(name)
        is_text = _local(name) == "style" or (_local(name) == "script" and not {"src", "SRC"} & attributes.keys())
        self._texts.append((name if is_text else "", []))

    def _text(self, text: str) -> None:
        self._texts[-1][1].append(text)

    def _end(self, name: str) -> None:
        kind, text = self._texts.pop()
        if kind and "bad()" in "".join(text):
            self.refused.append(name + "".join(text))

    def _instruction(self, target: str, data: str) -> None:
        if target == "xml-stylesheet" and "href='bad'" in data:
            self.refused.append(data)


@given(broken_documents(), chunk_sizes)
def test_a_parser_sees_nothing_refused_before_it_stops(document: bytes, sizes: list[int]) -> None:
    assert _Reader(scan(cut(document, sizes))).refused == []


def test_the_reader_sees_what_is_refused() -> None:
    page = b"<!DOCTYPE a [<!ENTITY e '<img src=\"bad\"/>'><!ATTLIST a href CDATA 'bad'>]><a><script>bad()</script>&e;"
    assert _Reader(page).refused == ["a", "scriptbad()", "img"]


# --- documents of all kinds -------------------------------------------------------------------------------------------

_fragments = st.sampled_from(
    (
        *(b"<script>", b"</script>", b"<script src='bad'>", b"<script src='bad'/>", b"<h:script>", b"</h:script>"),
        *(b"bad()", b"old()", b"<!--", b"-->", b"--", b"<![CDATA[", b"]]>", b"]", b"<?", b"?>", b"<?xml-stylesheet "),
        *(b"<!DOCTYPE x", b"<!DOCTYPE ", b"[", b"<!ENTITY a '", b"<!ENTITY nbsp '&#160;'>", b"<!ATTLIST ", b"'", b'"'),
        *(b"<a href='bad'>", b"</a>", b"<a>", b"<a/>", b"<a ", b"</a ", b"x:href='bad'", b' ping="p"', b" SRC='x'"),
        *(b" ", b"\n", b"=", b"<", b"</", b"<!", b"&#98;", b"x", b"\xc3", b"\x00", b"<style>", b"</style>", b":"),
        *(b"<script", b"href='bad'", b">", b"/>", b"src='bad'", b"<base href='b'/>", b"<s:image "),
    )
)
wild_pages = st.one_of(
    st.lists(_fragments, max_size=16).map(b"".join),
    st.lists(_fragments, max_size=8).map(b"".join),
    hostile_pages.map(lambda page: page.replace(b"static", b"bad")),
    st.binary(max_size=60),
)


@given(wild_pages, st.sampled_from(("ambiguous", None)), chunk_sizes)
def test_any_markup_gives_the_same_at_every_chunking(page: bytes, ambiguous: str | None, sizes: list[int]) -> None:
    at_every_chunking(scanning(10_000, ambiguous), page, sizes)


@given(wild_pages, chunk_sizes)
def test_nothing_is_lost_when_nothing_is_refused(page: bytes, sizes: list[int]) -> None:
    assert scan(cut(page, sizes), Keeper()) == page
    assert scan(cut(page, sizes), Keeper(), 20) == page


@given(wild_pages, st.sampled_from(("ambiguous", None)), chunk_sizes)
def test_the_output_has_nothing_left_to_take_out(page: bytes, ambiguous: str | None, sizes: list[int]) -> None:
    out = scan([page], Ledger(ambiguous))
    again = Ledger(ambiguous)
    assert scan(cut(out, sizes), again) == out
    # The judge of these tests writes a "<" into each srcdoc, and the scanner writes it as it was.
    assert [tag for _, tag in again.taken if b"srcdoc" not in tag] == []


@given(wild_pages, chunk_sizes)
def test_what_is_out_is_never_taken_back(page: bytes, sizes: list[int]) -> None:
    scanner = XmlScanner(Ledger(), 10_000)
    out = b"".join(map(scanner.feed, cut(page, sizes)))
    assert scan([page]).startswith(out)


@given(wild_pages, st.sampled_from(("ambiguous", None)), chunk_sizes)
def test_a_low_limit_raises_nothing_and_leaves_what_is_kept_by_name(
    page: bytes, ambiguous: str | None, sizes: list[int]
) -> None:
    judge = Ledger(ambiguous)
    scan(cut(page, sizes), judge, 12)
    if ambiguous is None:
        assert {verdict for verdict, _ in judge.taken} <= {"tag", "text", "attribute", "part"}


# --- time and memory --------------------------------------------------------------------------------------------------

ENDLESS: dict[str, tuple[bytes, ...]] = {  # start, what is repeated, and sometimes an end
    "text": (b"<p>", b"x"),
    "brackets": (b"", b"<"),
    "errors": (b"", b"<!x"),
    "half ends": (b"", b"</ "),
    "tags": (b"", b"<p a='1'>"),
    "odd tags": (b"", b"<p A='1' x:href='1' a=\"1\"/>"),
    "quiet tags": (b"", b"<p>"),
    "a tag": (b"<p ", b"a='1' "),
    "a tag of quotes": (b"<p a=", b"\"'"),
    "a tag of prefixes": (b"<p ", b"x:href='1' ", b"/>"),
    "a tag of capitals": (b"<p ", b"A='1' a='1' ", b"/>"),
    "a name": (b"<", b"ab:"),
    "an end tag": (b"</p", b" a='"),
    "end tags": (b"", b"</p>"),
    "a comment": (b"<!--", b"- --x"),
    "comments in a script": (b"<script>", b"<!--"),
    "open comments": (b"", b"<!--x"),
    "CDATA": (b"<![CDATA[", b"]]"),
    "an instruction": (b"<?x", b"? "),
    "a style sheet": (b"<?xml-stylesheet ", b"href='1' "),
    "a style sheet of quotes": (b"<?xml-stylesheet ", b"a=\""),
    "a style sheet of names": (b"<?xml-stylesheet ", b"\"a"),
    "style sheets": (b"", b"<?xml-stylesheet href='1'?>"),
    "a script": (b"<script>", b"x"),
    "a script of references": (b"<script>", b"&#38;"),
    "a script of half references": (b"<script>", b"&#"),
    "a script of elements": (b"<script>", b"<b/>"),
    "a script of open tags": (b"<script>", b"<b "),
    "a script of CDATA": (b"<script>", b"<![CDATA[x]]>"),
    "scripts": (b"", b"<script>x</script>"),
    "scripts in scripts": (b"<script>", b"<script>"),
    "what is dropped": (b"<a href='bad'>", b"<a>"),
    "what is dropped, and ends": (b"<a href='bad'>", b"</b><!-- -->"),
    "a tag in what is dropped": (b"<a href='bad'><b ", b"c='1' "),
    "a doctype": (b"<!DOCTYPE x ", b"'a' "),
    "a subset": (b"<!DOCTYPE x [", b"<!ENTITY nbsp '&#160;'>"),
    "a subset of brackets": (b"<!DOCTYPE x [", b"<!-"),
    "a subset of comments": (b"<!DOCTYPE x [", b"<!---->"),
    "doctypes": (b"", b"<!DOCTYPE x []>"),
}  # fmt: skip


def _cost(construct: str, length: int, size: int) -> float:
    """Processor seconds for a page of `length` bytes in chunks of `size`, the best of three."""
    start, middle, *end = ENDLESS[construct]
    chunks = list(cut(b"".join([start, middle * (length // len(middle)), *end]), [size]))
    costs = []
    for _ in range(3):
        before = time.process_time()
        scan(chunks, limit=1 << 20)
        costs.append(time.process_time() - before)
    return min(costs)


@pytest.mark.parametrize("construct", ENDLESS)
@pytest.mark.parametrize(("chunk", "size"), [(1 << 30, 60_000), (64, 20_000), (1, 6_000)], ids=["whole", "64", "1"])
def test_four_times_the_input_takes_about_four_times_as_long(construct: str, chunk: int, size: int) -> None:
    before = _cost(construct, size, chunk)
    after = _cost(construct, 4 * size, chunk)
    assert after < 8 * max(before, 0.002), f"{before:.4f} s, then {after:.4f} s"


def test_a_tag_of_many_prefixes_is_not_asked_about_at_its_length_for_each() -> None:
    judge = Ledger()
    prefixes = b"".join(b" p%d:href='x'" % number for number in range(3000))
    page = b"<s:image" + prefixes + b"/>"
    assert scan([page], judge) == page
    assert sum(map(len, judge.tags)) < 8 * len(page)
    assert scan([page.replace(b"p2999:href='x'", b"p2999:href='bad'")]) == INERT


class _Forgetful(Ledger):
    """A judge whose own memory is bounded."""

    def text(self, kind: Text, text: bytes) -> str | Edit[str] | None:
        answer = super().text(kind, text)
        self.texts.clear()
        return answer

    def removed(self, verdict: str, tag: bytes) -> None:
        pass


@pytest.mark.parametrize("construct", ENDLESS)
@pytest.mark.parametrize("chunk", [4096, 3])
def test_memory_is_bounded_whatever_the_length_of_the_page(construct: str, chunk: int) -> None:
    start, middle, *_ = ENDLESS[construct]
    limit = 16 * 1024
    total = 500_000 if chunk > 1000 else 60_000
    scanner = XmlScanner(_Forgetful(), limit)
    piece = middle * (chunk // len(middle) + 1)
    tracemalloc.start()
    try:
        scanner.feed(start)
        for _ in range(total // len(piece)):
            scanner.feed(piece)
        scanner.close()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * limit + 100_000
