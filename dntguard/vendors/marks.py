"""Marks of tags that a site serves from its own host: paths, parameters and attributes that are a vendor's alone.

Vendors tell sites to serve their tags themselves (a tag gateway, a proxy, a self-hosted collector), so the host says
nothing. What stays are the file's name, the property's identifier in the query, or an attribute that the script reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache
from typing import NamedTuple

from dntguard.vendors.schema import CONDITION, ELEMENT_MARK, Vendor, name_pattern

Value = Callable[[bytes], str]
"""An element's attributes: from a lower-case name to the value; empty when there is no such attribute."""


class Match(NamedTuple):
    """A vendor and the pattern that named it."""

    vendor: Vendor
    rule: str


class _ElementMark(NamedTuple):
    conditions: tuple[tuple[bytes, str, str], ...]
    match: Match


class Marks:
    """The marks of all vendors.

    Whether a URL has one is asked about every script of every page. So each mark is filed under a word that stands in
    whatever has it, a whole segment or the name of a parameter, or else under how a segment or a value begins, or under
    any piece of it; only a URL with one of these is compared.
    """

    def __init__(self, vendors: Iterable[Vendor]) -> None:
        self._by_word: dict[bytes, list[Match]] = {}
        self._by_start: list[Match] = []
        self._elements: dict[bytes, dict[bytes, list[_ElementMark]]] = {}  # by element, and an attribute it must have
        words: set[bytes] = set()
        starts: set[str] = set()
        pieces: set[str] = set()
        for vendor in vendors:
            for mark in vendor.paths:
                word = _word_of(mark)
                if word:
                    self._by_word.setdefault(word.encode(), []).append(Match(vendor, mark))
                    continue
                self._by_start.append(Match(vendor, mark))
                start = max(_STARTS_OF_MARK(mark), key=len, default="")
                if len(start) >= _KEY:
                    starts.add(start)
                else:
                    pieces.add(max(_PIECES_OF_MARK(mark), key=len))
            for mark in vendor.elements:
                if (found := ELEMENT_MARK(mark)) is not None:
                    conditions = tuple((name.encode(), how, value) for name, how, value in CONDITION.findall(found[2]))
                    attribute, how, value = max(conditions, key=lambda it: (it[0].startswith(b"data-"), len(it[2])))
                    by_attribute = self._elements.setdefault(found[1].encode(), {})
                    by_attribute.setdefault(attribute, []).append(_ElementMark(conditions, Match(vendor, mark)))
                    if attribute.startswith(b"data-"):
                        words.add(attribute)
                    elif not found[1].startswith("amp-"):
                        (starts if how != "*" and _STARTS_OF_MARK(f"={value}") == [value] else pieces).add(value)
        self._words = frozenset([*words, *self._by_word])
        self._starts: dict[bytes, tuple[bytes, ...]] = {}  # by their first bytes
        for start in sorted(starts):
            key = start[:_KEY].encode()
            self._starts[key] = (*self._starts.get(key, ()), start.encode())
        self._pieces = tuple(sorted(piece.encode() for piece in pieces))

    def may_stand_in(self, text: bytes) -> bool:
        """Whether a tag, or a path and query, may have a mark; AMP's elements aside, which must be asked about."""
        words = _WORDS(text)
        return not self._words.isdisjoint(words) or self._may_start(text, words)

    def _may_start(self, text: bytes, words: list[bytes]) -> bool:
        for word in words:
            starts = self._starts.get(word[:_KEY])
            if starts is not None and word.startswith(starts):
                return True
        return any(piece in text for piece in self._pieces)

    def find_path(self, path: str, query: str, *, runs: bool) -> Iterator[Match]:
        """The marks in a URL's path and query, the longest first.

        Args:
            path: with its leading slash.
            query: without its question mark.
            runs: whether what is there is run, a page of its own, or a pixel. A mark that is only of the query counts
                for nothing else: a picture of the site's own may have any identifier.
        """
        text = f"{path}?{query}".encode("utf-8", "replace")
        words = _WORDS(text)
        marks = [match for word in self._words.intersection(words) for match in self._by_word.get(word, ())]
        if self._may_start(text, words):
            marks += self._by_start
        if not marks:
            return
        segments = path.split("/")
        parameters = query.split("&")
        for match in sorted(marks, key=lambda match: -len(match.rule)):  # the longest explains best
            folder, _, asked = match.rule.partition("?")
            wanted = asked.split("&") if asked else ()
            if not (runs or folder) or not _ends(segments, folder):
                continue
            if all(any(map(_like(it), parameters)) for it in wanted):
                yield match

    def find_element(self, name: bytes, attributes: Collection[bytes], value: Value) -> Iterator[Match]:
        """The marks that a start tag is.

        Args:
            name: of the element, lower case.
            attributes: the names of those it has.
            value: of each.
        """
        by_attribute = self._elements.get(name, {})
        for attribute in attributes:
            for conditions, match in by_attribute.get(attribute, ()):
                if all(key in attributes and _COMPARED[how](value(key), wanted) for key, how, wanted in conditions):
                    yield match


_COMPARED: dict[str, Callable[[str, str], bool]] = {
    "": lambda value, wanted: not wanted or value.strip() == wanted,
    "^": str.startswith,
    "*": str.__contains__,
}
"""As in Selectors section 6.1 and 6.2."""

_SHORTEST_WORD = 4
_EVERYWHERE = frozenset(
    "application async charset class crossorigin defer height integrity javascript language media module name script "
    "sizes text type width".split()
)
"""Words of nearly every tag, by which nothing is told."""
_KEY = 2
"""By how many bytes the starts of words are told at first."""
_WORDS = re.compile(rb"[\w.@%+~!-]++").findall
"""The segments, names and values in a URL or tag: as long as they go."""
_WORDS_OF_MARK = re.compile(r"(?<=[/?&])[\w.@%+~!-]++(?=[/?=]|\Z)").findall
"""Of a mark what is a word in whatever has it: whole segments and the names of parameters."""


def _word_of(mark: str) -> str:
    """What a mark is filed under: the longest word, and a short one only if it is a segment; `id` is everywhere."""
    word = max((word for word in _WORDS_OF_MARK(mark) if word not in _EVERYWHERE), key=len, default="")
    if len(word) < _SHORTEST_WORD:
        word = max(_WORDS_OF_MARK(mark.partition("?")[0]), key=len, default="")
    return word if len(word) >= _KEY else ""


_STARTS_OF_MARK = re.compile(r"(?<=[/=])[\w.@%+~!-]+").findall
"""Of a mark how its segments and values begin."""
_PIECES_OF_MARK = re.compile(r"[\w.@%+~!-]+").findall


def _ends(segments: list[str], mark: str) -> bool:
    """Whether a path, as its segments, ends as the mark says, or has the mark's folder in it."""
    if not mark:
        return True
    wanted = mark.strip("/").split("/")
    size = len(wanted)
    if mark.endswith("/"):
        # The last segment is the file in the folder, and the first is what is before the path's slash.
        places = range(1, len(segments) - size)
        return any(all(map(_matches, wanted, segments[place : place + size])) for place in places)
    return len(segments) > size and all(map(_matches, wanted, segments[-size:]))


def _matches(wanted: str, segment: str) -> bool:
    return wanted == segment or ("*" in wanted and _like(wanted)(segment) is not None)


@cache
def _like(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """Whether a segment or a parameter is like a pattern in which `*` stands for any run of characters."""
    return re.compile(name_pattern(pattern)).fullmatch
