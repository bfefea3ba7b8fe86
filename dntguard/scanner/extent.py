"""Where an element ends that is taken out with its content.

What follows the place that is found here is scanned as if nothing had stood before it, so a wrong place cannot let
anything refused through: it only takes out more than the element, or less of its content.

Sections are those of the HTML standard, https://html.spec.whatwg.org/multipage/parsing.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from dntguard.scanner.judge import Text

VOID = frozenset(
    b"area base basefont bgsound br col embed frame hr image img input keygen link meta param source track wbr".split()
)
"""Elements without content and end tag (section 13.1.2); `image` is read as `img`."""


class Reach(Enum):
    """What a tag means for the element."""

    INSIDE = "inside"
    BEFORE = "before"
    """The element has ended before this tag."""
    AFTER = "after"
    """The element ends with this tag."""


_P_ENDS = frozenset(
    b"address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer form "
    b"h1 h2 h3 h4 h5 h6 header hgroup hr li listing main menu nav ol p plaintext pre search section summary table ul "
    b"xmp".split()
)
_ROWS = frozenset(b"td th".split())
_GROUPS = _ROWS | frozenset(b"tr caption colgroup".split())
_SECTIONS = _GROUPS | frozenset(b"tbody thead tfoot".split())
_IMPLIED_ENDS: dict[bytes, frozenset[bytes]] = {
    **dict.fromkeys(_P_ENDS, frozenset({b"p"})),
    b"li": frozenset({b"li", b"p"}),
    **dict.fromkeys((b"dd", b"dt"), frozenset(b"dd dt p".split())),
    **dict.fromkeys((b"rt", b"rp"), frozenset(b"rt rp".split())),
    b"option": frozenset({b"option"}),
    b"optgroup": frozenset(b"option optgroup".split()),
    **dict.fromkeys(_ROWS, _ROWS),
    b"tr": _GROUPS,
    **dict.fromkeys((b"tbody", b"thead", b"tfoot", b"colgroup", b"caption"), _SECTIONS),
    b"body": frozenset({b"head"}),
}
"""Which open elements a start tag ends (section 13.1.2.4 from the author's side, 13.2.6.4.7 from the parser's)."""

_MAY_LACK_END = frozenset().union(*_IMPLIED_ENDS.values()) | {b"body", b"html"}
_BARRIERS = frozenset(
    b"applet article aside button details dialog div dl fieldset figure footer form header iframe main marquee math "
    b"menu nav object ol section select svg table template ul".split()
)
"""Elements that keep a tag inside from ending what is outside."""
_PHRASING = frozenset(
    b"a abbr acronym b bdi bdo big br cite code data del dfn em font i ins kbd label mark nobr output p q s samp small "
    b"span strike strong sub sup time tt u var".split()
)
"""End tags that stray about without ending anything."""
_MOST_OPEN = 512
"""How many open elements are told apart; browsers themselves stop nesting about there."""


class Extent:
    """The elements that are open since the one that goes; it is the first of them."""

    def __init__(self) -> None:
        self._open: list[bytes] = []

    def start(self, name: bytes) -> Reach:
        """What a start tag means, before it is opened itself."""
        ended = _IMPLIED_ENDS.get(name)
        if ended is None:
            return Reach.INSIDE
        last = len(self._open)
        for place in reversed(range(len(self._open))):
            if self._open[place] in ended:
                last = place
            elif self._open[place] in _BARRIERS:
                break
        if last == 0 and self._open:
            return Reach.BEFORE
        del self._open[last:]
        return Reach.INSIDE

    def opened(self, name: bytes) -> None:
        """The element of a start tag is open now."""
        if len(self._open) < _MOST_OPEN:
            self._open.append(name)

    def end(self, name: bytes) -> Reach:
        """What an end tag means."""
        for place in reversed(range(len(self._open))):
            if self._open[place] == name:
                del self._open[place:]
                return Reach.INSIDE if place else Reach.AFTER
        outer = name in (b"body", b"html") or (self._open[0] in _MAY_LACK_END and name not in _PHRASING)
        return Reach.BEFORE if outer else Reach.INSIDE


class _Nobody:
    """A judge that keeps everything; what it lets out is thrown away."""

    class _Nothing(dict[bytes, None]):
        def __missing__(self, tag: bytes) -> None:
            return None

    tags: Mapping[bytes, Any] = _Nothing()
    relative_is_kept = True
    ambiguous = None

    def text(self, kind: Text, text: bytes) -> None: ...

    def style(self) -> Any: ...

    def base(self, tag: bytes) -> None: ...

    def removed(self, verdict: object, tag: bytes) -> None: ...

    def passed(self, verdict: object) -> None: ...


NOBODY: Final = _Nobody()
