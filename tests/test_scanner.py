"""The scanner by itself, with a judge that knows no vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.scanner import INERT, Edit, Filter, Scanner, Text, attribute_value, tag_parts, with_attributes
from dntguard.scanner.tags import is_self_closing
from tests.oracles import lexbor_elements
from tests.strategies import at_every_chunking, attributes, chunk_sizes, cut, hostile_pages

Answer = str | Edit[str] | Text | None


class _Tags(dict[bytes, Answer]):
    """Remembers which tags were asked about: those with `bad` in them are refused."""

    def __missing__(self, tag: bytes) -> Answer:
        answer: Answer = "tag" if b"bad" in tag else None
        if answer is None and tag[:7].lower() == b"<script" and b"src" not in tag:
            answer = Text.SCRIPT
        self[tag] = answer
        return answer


class Ledger:
    """A judge that refuses what is called bad and writes down what it is told."""

    def __init__(self, ambiguous: str | None = "ambiguous") -> None:
        self.tags: Mapping[bytes, Answer] = _Tags()
        self.relative_is_kept = False
        self.ambiguous: str | None = ambiguous
        self.texts: list[bytes] = []
        self.bases: list[bytes] = []
        self.taken: list[tuple[str, bytes]] = []

    def text(self, kind: Text, text: bytes) -> str | None:
        self.texts.append(text)
        return "text" if b"bad()" in text else None

    def style(self) -> Filter:
        raise NotImplementedError

    def passed(self, verdict: str) -> None:
        self.taken.append((verdict, b"passed"))

    def base(self, tag: bytes) -> None:
        self.bases.append(tag)

    def removed(self, verdict: str, tag: bytes) -> None:
        self.taken.append((verdict, tag))


def scan(chunks: Iterable[bytes], judge: Ledger | None = None, limit: int = 10_000) -> bytes:
    scanner = Scanner(judge or Ledger(), limit)
    return b"".join([*map(scanner.feed, chunks), scanner.close()])


def scanning(limit: int, ambiguous: str | None = "ambiguous") -> Callable[[list[bytes]], bytes]:
    return lambda chunks: scan(chunks, Ledger(ambiguous), limit)


# --- what the judge is asked ------------------------------------------------------------------------------------------


def test_the_judge_is_asked_about_the_exact_bytes_of_each_tag_that_may_matter() -> None:
    judge = Ledger()
    page = b"<p a=1><IMG\nsrc='>'><div><link a><script src=x>\n</script><iframe></iframe><image b/><a href=x>"
    assert scan([page], judge) == page
    assert set(judge.tags) == {
        b"<IMG\nsrc='>'>",
        b"<link a>",
        b"<script src=x>",
        b"<iframe>",
        b"<image b/>",
    }


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_an_inline_script_is_judged_by_its_exact_text_once(size: int) -> None:
    judge = Ledger()
    page = b"<script>a < b </scrip> <!-- <script> </script> --></script  ><script src=x>no</script><script></script>"
    assert scan(cut(page, [size]), judge) == page
    assert judge.texts == [b"a < b </scrip> <!-- <script> </script> -->", b""]


def test_the_judge_learns_of_each_base_and_of_each_removal() -> None:
    judge = Ledger()
    page = b"<base href=1><title><base href=2></title><img bad><svg><base href=3></svg><script>bad()</script>"
    scan([page], judge)
    assert judge.bases == [b"<base href=1>", b"<base href=3>"]
    assert judge.taken == [("tag", b"<img bad>"), ("text", b"<script>")]


def test_a_removed_element_leaves_an_inert_comment() -> None:
    assert at_every_chunking(scan, b"a<img bad>b<script>bad()</script>c") == b"a" + INERT + b"b" + INERT + b"c"


# --- what is held back ------------------------------------------------------------------------------------------------

RELEASED = {  # after what was fed, what at least must be out
    b"text": b"text",
    b"text<": b"text",
    b"a<p": b"a",
    b"a<p ": b"a",
    b"a<p b='": b"a",
    b"a<averyveryveryverylongname": b"a",
    b"a<script": b"a",
    b"a<img src=x alt='": b"a",
    b"a</script": b"a",
    b"a</p ": b"a</p ",
    b"a<!--": b"a",
    b"a<!--x": b"a<!--",
    b"a<!--xyz": b"a<!--",
    b"a<!--wxyz": b"a<!--w",
    b"a<!x": b"a<!x",
    b"a<?x": b"a<?x",
    b"<style>a</sty": b"<style>",
    b"<script src=x>a": b"<script src=x>",
    b"<script src=x>let a = 1;": b"<script src=x>",
    b"<script>let a = 1;": b"",
    b"<script>let a = 1;</script": b"",
    b"<script>let a = 1;</script ": b"<script>let a = 1;</script ",
    b"<noscript>a": b"",
    b"<svg><p": b"<svg>",
    b"<svg><![CDATA[x": b"<svg>",
    b"<plaintext><script": b"<plaintext><script",
}


@pytest.mark.parametrize("fed", RELEASED)
def test_only_what_is_undecided_is_held_back(fed: bytes) -> None:
    scanner = Scanner(Ledger(), 10_000)
    out = scanner.feed(fed)
    assert fed.startswith(out)
    assert out.startswith(RELEASED[fed])
    assert out + scanner.close() == fed


@given(hostile_pages, chunk_sizes)
def test_what_is_out_is_never_taken_back(page: bytes, sizes: list[int]) -> None:
    scanner = Scanner(Ledger(), 10_000)
    out = b"".join(map(scanner.feed, cut(page, sizes)))
    assert scan([page]).startswith(out)


# --- the limit --------------------------------------------------------------------------------------------------------

LONG = b"x" * 3000


def test_a_tag_over_the_limit_is_removed_when_it_cannot_be_judged() -> None:
    page = b"a<img alt='" + LONG + b"' good>b"
    assert scan(cut(page, [50]), limit=1000) == b"a" + INERT + b"b"


def test_a_script_tag_over_the_limit_is_removed_with_its_text() -> None:
    page = b"a<script x='" + LONG + b"' src=x>c</script>b"
    assert scan(cut(page, [50]), limit=1000) == b"a" + INERT + b"b"


def test_a_tag_over_the_limit_is_kept_when_that_is_the_rule() -> None:
    page = b"a<script x='" + LONG + b"' src=bad></script><img bad>"
    assert scan(cut(page, [50]), Ledger(None), 1000) == page.replace(b"<img bad>", INERT)


def test_a_tag_over_the_limit_that_is_whole_in_one_chunk_is_judged() -> None:
    page = b"<img alt='" + LONG + b"'><img alt='" + LONG + b"' bad>"
    assert scan([page], limit=1000) == b"<img alt='" + LONG + b"'>" + INERT


def test_an_inline_script_over_the_limit_is_judged_by_what_was_seen() -> None:
    early = b"<script>bad();" + LONG + b"</script>x"
    late = b"<script>" + LONG + b"bad()</script>x"
    assert scan(cut(early, [50]), limit=1000) == INERT + b"x"
    assert scan(cut(late, [50]), limit=1000) == late


def test_a_script_that_needs_no_look_at_its_text_is_not_held() -> None:
    scanner = Scanner(Ledger(), 10_000)
    assert len(scanner.feed(b"<script src=x>" + LONG)) > 2990


def test_a_noscript_over_the_limit_is_removed_when_it_cannot_be_judged() -> None:
    page = b"a<noscript><p>" + LONG + b"</p></noscript>b"
    assert scan(cut(page, [50]), limit=1000) == b"a" + INERT + b"b"


def test_text_and_comments_have_no_limit() -> None:
    page = b"<!--" + LONG + b"--></p a='" + LONG + b"'><style>" + LONG + b"</style><?" + LONG + b">" + LONG
    assert scan(cut(page, [50]), limit=1000) == page


def test_an_element_that_matters_by_its_attributes_alone_stays_with_those_that_could_be_read() -> None:
    page = b"<p a=1 b='x' c='" + LONG + b"' d>x</p>"
    judge = Ledger()
    assert scan(cut(page, [50]), judge, limit=1000) == b"<p a=1 b='x' >x</p>"
    assert [verdict for verdict, _ in judge.taken] == ["ambiguous"]
    assert scan(cut(page, [50]), Ledger(None), limit=1000) == page


@pytest.mark.parametrize(
    ("start", "end"), [(b"<!--[if IE]>", b"<![endif]-->"), (b"<svg><![CDATA[>", b"]]>"), (b"<svg><title>", b"</title>")]
)
def test_what_may_be_markup_to_another_browser_has_the_limit(start: bytes, end: bytes) -> None:
    page = b"a" + start + LONG + end + b"b"
    begin = b"a" + start[: start.rfind(b"<")]
    assert scan(cut(page, [50]), limit=1000) == begin + INERT + b"b"
    assert scan(cut(page, [50]), Ledger(None), limit=1000) == page
    assert scan(cut(page[: -len(end) - 1], [50]), limit=1000) == begin + INERT


def test_a_handler_of_a_script_in_a_drawing_goes_and_its_text_is_judged() -> None:
    class Editing(Ledger):
        def __init__(self) -> None:
            super().__init__()
            self.tags = {b"<svg>": None, b"<script a>": Edit(b"<script>", ("edit",))}

    judge = Editing()
    assert scan([b"<svg><script a>x</script></svg>"], judge) == b"<svg><script>x</script></svg>"
    assert judge.texts == [b"x"]
    assert scan([b"<svg><script a>bad()</script></svg>"], Editing()) == b"<svg>" + INERT + b"</svg>"


def test_an_element_that_goes_may_be_deeper_than_browsers_nest() -> None:
    page = b"<div data-dntguard=bad>" + b"<b>" * 2000 + b"</b>" * 2000 + b"</div>x"
    assert scan([page]) == INERT + b"x"


@given(hostile_pages, chunk_sizes)
def test_when_doubt_keeps_only_what_is_refused_by_name_goes(page: bytes, sizes: list[int]) -> None:
    judge = Ledger(None)
    page = page.replace(b"static", b"bad")
    scan(cut(page, sizes), judge, 100)
    assert {verdict for verdict, _ in judge.taken} <= {"tag", "text"}


# --- the end of the document ------------------------------------------------------------------------------------------

ENDS = [
    *(b"<", b"</", b"<!", b"<!-", b"<!--", b"<!--x", b"<!--x-", b"<!--x--", b"<![CDATA[x", b"&", b"&am"),
    *(b"<p", b"<p a", b"<p a=", b"<p a='", b"<img", b"<img bad", b"<img bad='", b"<script", b"<svg", b"<svg><g"),
    *(b"<script>", b"<script>x", b"<script>x</script", b"<script>x</script ", b"<style>x</st", b"<title>x"),
    *(b"<svg><![CDATA[x", b"<svg><script>x", b"<noscript>x", b"<select><style>x"),
]


@pytest.mark.parametrize("end", ENDS)
def test_an_end_of_the_document_anywhere_loses_no_byte(end: bytes) -> None:
    assert at_every_chunking(scan, b"<p>x</p>" + end) == b"<p>x</p>" + end


@pytest.mark.parametrize("end", [b"<script>bad()", b"<script bad>x", b"<script bad>x</scr", b"<script>bad()</script "])
def test_an_element_that_is_refused_goes_when_the_document_ends_in_it(end: bytes) -> None:
    assert at_every_chunking(scan, b"a" + end) == b"a" + INERT


@given(st.binary(max_size=60), chunk_sizes)
def test_any_bytes_give_the_same_at_every_chunking(page: bytes, sizes: list[int]) -> None:
    at_every_chunking(scan, page, sizes)


@given(hostile_pages, st.sampled_from(("ambiguous", None)), chunk_sizes)
def test_any_markup_gives_the_same_at_every_chunking(page: bytes, ambiguous: str | None, sizes: list[int]) -> None:
    at_every_chunking(scanning(10_000, ambiguous), page, sizes)


CUT = [
    b"<svg></g></svg><style><img bad></style>",
    b"<svg></g></svg><script></foreignObject>",
    b"<svg/><g></svg><style><img bad></style>",
    b"<svg><path></svg><style><img bad></style>",
    b"<svg><averyveryverylongname></averyveryverylongname><style><img bad></style></svg>",
    b"<select><svg></svg></select><style><img bad></style>",
    b"<select><svg><g></svg></select><style><img bad></style>",
    b"<svg><title>x</title><title><b></title></svg><style><img bad></style>",
    b"<noscript><p></noscript><style><img bad></style>",
    b"<svg><desc><noscript><p></p></noscript></desc></svg><style><img bad></style>",
    b"<script><!--<script></script><!--><img bad></script>--><img bad></script>",
]


@pytest.mark.parametrize("page", CUT)
def test_a_cut_where_a_shortcut_would_be_taken_changes_nothing(page: bytes) -> None:
    at_every_chunking(scan, page)


# --- attributes -------------------------------------------------------------------------------------------------------


@given(st.sampled_from((b"a", b"IMG", b"script", b"x-y", b"h1")), attributes(), attributes())
def test_attributes_are_read_as_a_parser_reads_them(name: bytes, some: bytes, more: bytes) -> None:
    tag = b"<" + name + some + more + b">"
    found = [
        element for element in lexbor_elements(tag, scripting=True) if element.name not in ("html", "head", "body")
    ]
    read_name, read = tag_parts(tag)
    got = {
        key.decode("utf-8", "replace").replace("\0", "\ufffd"): attribute_value(value) for key, value in read.items()
    }
    if found:
        assert found[0].name == {"image": "img"}.get(read_name.decode(), read_name.decode())
        assert {key: _as_parsed(value) for key, value in got.items()} == found[0].attributes


def _as_parsed(value: str) -> str:
    """A value after what the parser does to the whole document first (HTML section 13.2.3.5)."""
    return value.replace("\0", "\ufffd").replace("\r\n", "\n").replace("\r", "\n")


@given(st.text("&#xX0123456789abcdefgilmnopqrstuvyA;=/ ", max_size=20))
def test_character_references_in_attributes_are_read_as_a_parser_reads_them(value: str) -> None:
    found = [
        element for element in lexbor_elements(b'<p a="%s">' % value.encode(), scripting=True) if element.name == "p"
    ]
    assert attribute_value(value.encode()) == found[0].attributes["a"]


@given(
    st.sampled_from((b"a", b"SVG", b"x-y")),
    attributes(),
    attributes(),
    st.sets(st.sampled_from((b"a", b"src", b"href", b"=", b'"', b"a\x00")), max_size=3),
    st.sampled_from((None, "", "x", "a 'b' \"c\" &amp; <d> \u00e9")),
)
def test_a_tag_with_other_attributes_reads_as_it_did_but_for_them(
    name: bytes, some: bytes, more: bytes, names: set[bytes], value: str | None
) -> None:
    tag = b"<" + name + some + more + b">"
    _, before = tag_parts(tag)
    new_name, after = tag_parts(with_attributes(tag, dict.fromkeys(names, value)))
    assert new_name == name.lower()
    assert list(after) == [key for key in before if key not in names or value is not None]
    for key, written in after.items():
        if key in names:
            assert attribute_value(written) == value
        else:
            assert written == before[key]
    assert is_self_closing(with_attributes(tag, dict.fromkeys(names))) == is_self_closing(tag)


def test_a_tag_whose_attributes_do_not_change_keeps_its_bytes() -> None:
    assert with_attributes(b"<p  a=1 B='2'/>", {b"c": "x"}) == b"<p  a=1 B='2'/>"
