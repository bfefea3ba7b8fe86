"""Pages in encodings in which a byte below 0x80 need not be that character."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.rewriter import Rewriter
from dntguard.rewriter.encodings import Transcoded, Utf7Decoder, WithoutEscapes
from tests.oracles import PAGE
from tests.strategies import Tidy, at_every_chunking, chunk_sizes, cut, tidy_pages

CODECS = {
    "utf-16-le": "text/html; charset=utf-16",
    "utf-16-be": "text/html; charset=utf-16be",
    "utf-16": "text/html",
    "utf-32": "text/html",
    "utf-32-be": "text/html; charset=utf-32be",
    "iso2022_jp": "text/html; charset=iso-2022-jp",
    "hz": "text/html; charset=hz-gb-2312",
    "iso2022_kr": "text/html; charset=iso-2022-kr",
    "utf-7": "text/html; charset=utf-7",
}


def rewriting(content_type: str) -> Callable[[list[bytes]], bytes]:
    def run(chunks: list[bytes]) -> bytes:
        rewriter = Rewriter(None, None, PAGE, content_type=content_type.encode())
        return b"".join([*map(rewriter.feed, chunks), rewriter.close()])

    return run


@pytest.mark.parametrize("codec", CODECS)
@given(tidy_pages, chunk_sizes)
def test_a_page_loses_exactly_what_is_refused_in_every_encoding(codec: str, page: Tidy, sizes: list[int]) -> None:
    html, kept = (text.decode("ascii", "replace").replace("\ufffd", "?") for text in (page.html, page.kept))
    if codec == "hz":
        html, kept = html.replace("~", "-"), kept.replace("~", "-")
    run, encoded = rewriting(CODECS[codec]), html.encode(codec)
    out = run([encoded])
    assert out.decode(codec) == kept
    # Every chunking of the scan itself is tested elsewhere; here, what the decoder and encoder keep between chunks.
    assert run(list(cut(encoded, sizes))).decode(codec) == kept
    assert run(list(cut(encoded, [1]))).decode(codec) == kept


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("utf-16-le", "<p>\u00e9\U0001f600</p>"),
        ("iso2022_jp", "<p title='\u65e5\u672c'>\u30ab</p>"),
        ("hz", "<p>\u4e2d~\u56fd</p>"),
        ("iso2022_kr", "<p>\ud55c\uad6d</p>"),
        ("utf-7", "<p>1 + 1 \u65e5\u672c\u8a9e-</p>"),
    ],
)
def test_text_keeps_its_bytes(codec: str, text: str) -> None:
    assert at_every_chunking(rewriting(CODECS[codec]), text.encode(codec)) == text.encode(codec)


# UTF-7 has many ways to write a text, and its encoder begins anew with each chunk.
@given(st.sampled_from(list(CODECS)[:-1]), st.binary(max_size=60), chunk_sizes)
def test_malformed_text_gives_the_same_at_every_chunking(codec: str, page: bytes, sizes: list[int]) -> None:
    at_every_chunking(rewriting(CODECS[codec]), page, sizes)


def test_what_an_encoding_has_no_bytes_for_becomes_a_reference() -> None:
    class Upper:
        undecided = "\u00e9".encode()

        def feed(self, data: bytes) -> bytes:
            return data.replace(b"x", "\u00e9".encode())

        def close(self) -> bytes:
            return b""

    scan = Transcoded(Upper(), "iso2022_jp_ext")
    assert scan.feed(b"axb") + scan.close() == b"a&#233;b"
    assert scan.undecided == b"&#233;"


def test_only_what_browsers_read_is_written_in_iso_2022_jp() -> None:
    """JIS X 0212 hides markup from Python's decoder; browsers do not know its escape sequence."""
    page = b"\x1b$(D<I\x1b(BMG SRC=//static.hotjar.com/x>"
    assert b"<I" not in rewriting(CODECS["iso2022_jp"])([page])


# --- UTF-7 ------------------------------------------------------------------------------------------------------------


def decoded(chunks: list[bytes]) -> bytes:
    decoder = Utf7Decoder()
    return ("".join(map(decoder.decode, chunks)) + decoder.decode(b"", True)).encode("utf-8", "surrogatepass")


@given(st.text(max_size=40).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)), chunk_sizes)
def test_utf_7_is_read_as_it_was_written(text: str, sizes: list[int]) -> None:
    assert at_every_chunking(decoded, text.encode("utf-7"), sizes).decode() == text


@given(st.text("+-/aA0 \u00e9<", max_size=30).map(str.encode), chunk_sizes)
def test_malformed_utf_7_gives_the_same_at_every_chunking(text: bytes, sizes: list[int]) -> None:
    at_every_chunking(decoded, text, sizes)


def test_a_long_run_of_utf_7_is_let_out_piece_by_piece() -> None:
    decoder = Utf7Decoder()
    run = b"+" + b"AGEA" * 1000
    assert sum(len(decoder.decode(piece)) for piece in cut(run, [1])) > 900


# --- escape characters ------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from((b"\x1b", b"$", b"(", b"x", b"[")), max_size=12).map(b"".join), chunk_sizes)
def test_no_escape_sequence_of_iso_2022_jp_is_left_where_nothing_declares_an_encoding(
    page: bytes, sizes: list[int]
) -> None:
    out = at_every_chunking(rewriting("text/html"), page, sizes)
    assert b"\x1b$" not in out
    assert b"\x1b(" not in out
    assert out.replace(b"\x1b", b"") == page.replace(b"\x1b", b"")
    assert rewriting("text/html; charset=utf-8")([page]) == page


def test_each_chunk_with_escape_sequences_is_reported() -> None:
    class Same:
        undecided = b"x"

        def feed(self, data: bytes) -> bytes:
            return data

        def close(self) -> bytes:
            return b""

    told: list[bytes] = []
    scan = WithoutEscapes(Same(), told.append)
    assert scan.feed(b"a\x1b") == b"a"
    assert scan.undecided == b"x\x1b"
    assert b"".join(map(scan.feed, (b"$b", b"\x1b[31m", b"\x1b(B"))) + scan.close() == b"$b\x1b[31m(B"
    assert told == [b"\x1b", b"\x1b"]


# --- texts in which a second byte may be a backslash ------------------------------------------------------------------

TABLE = "\u8868"  # its second byte in Shift_JIS is a backslash


@pytest.mark.parametrize("declared", ["text/html; charset=Shift_JIS", "text/html"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "<style>a{b:'" + TABLE + "'}c{d:url(//static.hotjar.com/)}e{f:'x'}</style>",
            "<style>a{b:'" + TABLE + "'}c{d:url(data:,)}e{f:'x'}</style>",
        ),
        ("<script>a='" + TABLE + "';fbq('init');b='" + TABLE + "'</script>", "<!---->"),
        ("<script>a='" + TABLE + "';go()</script>", "<script>a='" + TABLE + "';go()</script>"),
        (
            '<script type=importmap>{"imports":{"' + TABLE + '":"https://static.hotjar.com/"}}</script>',
            '<script type=importmap>{"imports":{"' + TABLE + '":"data:text/javascript,"}}</script>',
        ),
    ],
)
def test_a_style_or_script_in_shift_jis_is_read_as_a_browser_reads_it(declared: str, before: str, after: str) -> None:
    head = "<meta charset=shift_jis>"
    assert rewriting(declared)([(head + before).encode("cp932")]) == (head + after).encode("cp932")
