"""The reading of tags beside turbohtml's tokenizer: the same attributes, and the same tags in turn."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import turbohtml
from hypothesis import given
from hypothesis import strategies as st
from turbohtml import Token, TokenType

from dntguard.rewriter import rewrite
from dntguard.scanner import attribute_value, tag_parts
from tests.html5lib_cases import MISSING, cases, files
from tests.oracles import PAGE
from tests.strategies import COMMENTS, TEXTS, attributes, hostile_pages, one_of_each, plants

# --- one tag ----------------------------------------------------------------------------------------------------------


def tokens(html: bytes) -> Iterator[Token]:
    yield from turbohtml.tokenize(html.decode("utf-8", "replace"), capture_source=True)


def same_reading(html: bytes) -> None:
    """Fail unless each start tag that turbohtml's tokenizer finds has the same name and attributes for us."""
    for token in tokens(html):
        if token.type is TokenType.START_TAG:
            name, found = tag_parts((token.source or "").encode())
            ours = {_as_read(key.decode()): _as_read(attribute_value(value)) for key, value in found.items()}
            assert (_as_read(name.decode()), ours) == (token.tag, dict(_values(token))), token.source


def _as_read(text: str) -> str:
    """As the tokenizer sees it: newlines normalized (HTML section 13.2.3.5), no NUL (section 13.2.5.33)."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def _values(token: Token) -> Iterator[tuple[str, str]]:
    for name, value in token.attrs or ():
        yield name, value or ""


@given(hostile_pages)
def test_the_tags_of_a_hostile_page_have_the_same_names_and_attributes_for_turbohtml(page: bytes) -> None:
    same_reading(page)


@given(
    st.lists(attributes(), max_size=3).map(b"".join), st.sampled_from((b"p", b"IMG", b"x-y", b"a\0b", b"h1:\xc3\x84"))
)
def test_a_tag_has_the_same_name_and_attributes_for_turbohtml(attributes: bytes, name: bytes) -> None:
    same_reading(b"<" + name + attributes + b">")


@pytest.mark.skipif(not files(), reason=MISSING)
@pytest.mark.parametrize("file", files())
def test_the_tags_of_html5lib_s_cases_have_the_same_names_and_attributes_for_turbohtml(file: str) -> None:
    for case in cases(file):
        same_reading(case.html)


@given(st.text(alphabet="&#xX0123456789aAmpltnoi;= \x80\ufffd<", max_size=12))
def test_character_references_in_attributes_are_those_of_turbohtml(text: str) -> None:
    same_reading(b'<p a="' + text.encode() + b'">')


# --- all tags of a page -----------------------------------------------------------------------------------------------

_TEXT_INSIDE = b"script style title textarea xmp iframe noembed noframes plaintext".split()
_NAMES = [*_TEXT_INSIDE[:-1], *b"p div span a b img image link li h1 br button table td object embed input".split()]
"""Elements that a browser reads without looking at the tree. The text of the first is all that is in them."""


def one_by_one(page: str) -> Iterator[str]:
    """The parts of a page that turbohtml's tokenizer tells from each other; an element of text is one part.

    Markup that is no token, such as `</>`, goes with the part before it.
    """
    lines = [0, *(index + 1 for index, char in enumerate(page) if char == "\n")]
    found = list(turbohtml.tokenize(page))
    starts = [0, *(lines[token.line - 1] + token.col for token in found[1:])]
    names = [token.tag.encode() if token.type is TokenType.START_TAG and token.tag else b"" for token in found]
    place = 0
    if not found:
        yield page
    while place < len(found):
        after = place + 1
        if names[place] in _TEXT_INSIDE:
            while after < len(found) and found[after].type is TokenType.TEXT:
                after += 1
            after += 1
        yield page[starts[place] : starts[after] if after < len(found) else None]
        place = after


_tags = one_of_each((b"<", b"<", b"</"), [*_NAMES, *map(bytes.upper, _NAMES)])
_ALONE = re.compile(rb"<base|<amp-|data-dntguard|<!--\[", re.IGNORECASE).search
_pieces = st.one_of(
    # A base bears on what follows, and some elements go with all that is in them.
    plants().filter(lambda plant: _ALONE(plant) is None),
    st.builds(lambda tag, attributes: b"".join(tag) + attributes + b">", _tags, attributes()),
    st.sampled_from(COMMENTS + TEXTS),
)
plain_pages = st.lists(_pieces, max_size=14).map(b"".join)


def same_parts(html: bytes) -> None:
    """Fail unless a page is rewritten as its parts are."""
    page = html.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    parts = list(one_by_one(page))
    assert "".join(parts) == page
    assert rewrite(page, page_url=PAGE) == b"".join(rewrite(part, page_url=PAGE) for part in parts), parts


@given(plain_pages)
def test_a_page_without_a_tree_is_rewritten_as_the_tokens_are_that_turbohtml_finds_in_it(page: bytes) -> None:
    same_parts(page)


@pytest.mark.skipif(not files(), reason=MISSING)
@pytest.mark.parametrize("file", [file for file in files() if file.startswith("tokenizer")])
def test_a_planted_tokenizer_case_is_rewritten_as_the_tokens_are_that_turbohtml_finds_in_it(file: str) -> None:
    for case in cases(file):
        if b"CDATA" not in case.start:
            place = (5 * case.number) % (len(case.html) + 1)
            same_parts(case.planted(place, b"<script src=//static.hotjar.com/h.js></script>"))
