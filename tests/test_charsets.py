"""Which encoding a page is in, by the order of the standards. What follows from it is in the case table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.charsets import Declared, codec_of_page, codec_of_type, is_xhtml, may_become_mark, of_meta


@pytest.mark.parametrize(
    ("value", "codec"),
    [
        (b"text/html", None),
        (b"text/html; charset=", None),
        (b"text/html; charset=none", None),
        (b"text/html; charset=utf-8", ""),
        (b"text/html; charset=Shift_JIS", ""),
        (b"text/html; charset=utf-16", "utf-16-le"),
        (b'text/html;x=1; CHARSET = "UTF-16BE"', "utf-16-be"),
        (b"text/html; charset='iso-2022-jp'", "iso2022_jp_ext"),
        (b"text/html;charset=utf-32", "utf-32-le"),
        (b"text/html;charset=utf-7", "utf-7"),
        (b"text/html;charset=hz-gb-2312", "hz"),
        (b"text/html;charset=iso-2022-kr", "iso2022_kr"),
    ],
)
def test_a_header_names_the_codec(value: bytes, codec: str | None) -> None:
    assert codec_of_type(value) == codec


@pytest.mark.parametrize(
    ("value", "is_xml"),
    [
        (b"application/xhtml+xml", True),
        (b" Application/XHTML+xml ; charset=utf-8", True),
        (b"text/html, application/xhtml+xml", True),
        (b"application/xhtml+xml, text/html", False),
        (b"application/xhtml+xml, nothing", True),
        (b"application/xhtml+xmlx", False),
        (b"text/html", False),
        (b"", False),
    ],
)
def test_xml_s_rules_hold_for_xhtml(value: bytes, is_xml: bool) -> None:
    assert is_xhtml(value) is is_xml


OUTSIDE, META, NOTHING = Declared.OUTSIDE, Declared.META, Declared.NOTHING


@pytest.mark.parametrize(
    ("first", "header", "codec", "declared"),
    [
        # A byte order mark goes before everything.
        (b"\xef\xbb\xbf<p>", "utf-16-le", "", OUTSIDE),
        (b"\xff\xfe<\0", "", "utf-16-le", OUTSIDE),
        (b"\xfe\xff\0<", None, "utf-16-be", OUTSIDE),
        (b"\xff\xfe\0\0<\0\0\0", None, "utf-32-le", OUTSIDE),
        (b"\0\0\xfe\xff\0\0\0<", "", "utf-32-be", OUTSIDE),
        # The header goes before the page.
        (b"<meta charset=iso-2022-jp>", "", "", OUTSIDE),
        (b"<p>", "utf-16-le", "utf-16-le", OUTSIDE),
        (b"+ADw-p+AD4-", "utf-7", "utf-7", OUTSIDE),
        (b"<p>", "utf-7", "", OUTSIDE),
        # The page, as far as the prescan of browsers looks.
        (b"<p>", None, "", NOTHING),
        (b"", None, "", NOTHING),
        (b"<meta charset=iso-2022-jp>", None, "iso2022_jp_ext", META),
        (b'<META http-equiv=Content-Type content="text/html; charset=CSISO2022JP">', None, "iso2022_jp_ext", META),
        (b"<meta http-equiv=content-type content='charset = \"iso-2022-jp\"'>", None, "iso2022_jp_ext", META),
        (b"<meta content='charset=iso-2022-jp' http-equiv=x>", None, "", NOTHING),
        (b"<meta http-equiv=content-type content=text/html>", None, "", NOTHING),
        (b"<meta http-equiv=content-type>", None, "", NOTHING),
        (b"<meta charset=utf-16>", None, "", META),
        (b"<meta charset=utf-8><meta charset=iso-2022-jp>", None, "", META),
        (b"<meta charset=none><meta charset=iso-2022-jp>", None, "iso2022_jp_ext", META),
        (b"<p a='<meta charset=iso-2022-jp>'>", None, "", NOTHING),
        (b"</p a='<meta charset=iso-2022-jp>'><metas charset=iso-2022-jp>", None, "", NOTHING),
        (b"<!-- <meta charset=iso-2022-jp> -->", None, "", NOTHING),
        (b"<!-- <meta charset=iso-2022-jp>", None, "", NOTHING),
        (b"<!--><meta charset=iso-2022-jp>", None, "iso2022_jp_ext", META),
        (b"<!--->a < b<meta charset=iso-2022-jp>", None, "iso2022_jp_ext", META),
        (b"<!doctype html><?x?></ ><meta charset=iso-2022-jp>", None, "iso2022_jp_ext", META),
        (b"<meta charset=iso-2022-jp", None, "", NOTHING),
        (b" " * 1024 + b"<meta charset=iso-2022-jp>", None, "", NOTHING),
    ],
)
def test_a_mark_goes_before_the_header_and_the_header_before_the_page(
    first: bytes, header: str | None, codec: str, declared: Declared
) -> None:
    assert codec_of_page(first, header, xml=False) == (codec, declared)


@pytest.mark.parametrize(
    ("first", "header", "codec"),
    [
        (b"<?xml version='1.0' encoding='iso-2022-jp'?>", None, "iso2022_jp_ext"),
        (b"<?xml version='1.0' encoding='UTF-16'?>", None, ""),
        (b"<?xml version='1.0' encoding='latin1'?>", None, ""),
        (b"<?xml version='1.0' encoding='iso-2022-jp'?>", "", ""),
        (b"<?xml version='1.0'?><p encoding='iso-2022-jp'>", None, ""),
        (b"\xfe\xff\0<", None, "utf-16-be"),
        (b"<meta charset='iso-2022-jp'/>", None, ""),
    ],
)
def test_xml_is_declared_by_mark_header_or_declaration(first: bytes, header: str | None, codec: str) -> None:
    assert codec_of_page(first, header, xml=True) == (codec, OUTSIDE)


@pytest.mark.parametrize(
    ("charset", "content", "codec", "stays"),
    [
        ("utf-8", "", "", True),
        ("ISO-2022-JP", "", "", False),
        ("", "text/html; charset=csISO2022JP", "", False),
        ("iso-2022-jp", "", "iso2022_jp_ext", True),
        ("utf-8", "", "iso2022_jp_ext", False),
        ("", "text/html; charset=utf-8", "iso2022_jp_ext", False),
        ("", "a description", "iso2022_jp_ext", True),
    ],
)
def test_a_meta_element_may_not_switch_between_ways_to_read(
    charset: str, content: str, codec: str, stays: bool
) -> None:
    assert of_meta(charset, content, codec=codec) is stays


@pytest.mark.parametrize(
    ("first", "may"),
    [(b"", True), (b"\xff", True), (b"\xff\xfe", True), (b"\xff\xfe\0", True), (b"\xef\xbb", True), (b"\0", True),
     (b"\xff\xfe<", False), (b"\xef\xbb\xbf", True), (b"\xef\xbb\xbf<", False), (b"<", False)],
)  # fmt: skip
def test_a_beginning_of_a_mark_is_told_from_everything_else(first: bytes, may: bool) -> None:
    assert may_become_mark(first) is may


@given(st.binary(max_size=80), st.sampled_from((None, "", "utf-7", "utf-16-le")), st.booleans())
def test_no_bytes_make_it_raise(first: bytes, header: str | None, xml: bool) -> None:
    codec_of_page(first, header, xml=xml)


@given(st.lists(st.sampled_from(
    (b"<meta charset=iso-2022-jp>", b"<!--", b"-->", b"<p a='", b"'>", b"<", b">", b"<!", b"x", b"</", b"\"", b" ")
), max_size=8).map(b"".join))  # fmt: skip
def test_the_prescan_ends(first: bytes) -> None:
    codec_of_page(first, None, xml=False)
