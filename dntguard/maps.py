"""JSON in `script` elements that names what may be loaded: import maps and speculation rules.

All URLs that a browser may load by them are values, never keys: in an import map the values of `imports` and of each
scope ("import maps" in the HTML standard); in speculation rules `urls`, and the patterns of links that may be fetched
("speculation rules" there). A refused one becomes `REPLACEMENT`, an empty module; as a speculation it is not even
fetched.

Text that is no valid JSON does nothing in a browser. Validity is checked here, by the grammar of RFC 8259, because the
parser of the standard library recurses, reads `NaN`, and refuses numbers of very many digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final, NamedTuple

REPLACEMENT: Final = b"data:text/javascript,"
"""What a refused URL becomes."""

_TOKEN = re.compile(
    rb"[\t\n\r ]*+(?:"
    rb"(?P<string>\"(?:[^\"\\\x00-\x1f]++|\\(?:[\"\\/bfnrt]|u[0-9a-fA-F]{4}))*+\")"
    rb"|(?P<mark>[{}\[\],:])"
    rb"|(?P<other>true|false|null|-?+(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?+[0-9]++)?+)"
    rb"|(?P<end>\Z))"
).match

_MAPS = frozenset({"imports", "scopes"})
"""The members of an import map that hold URLs under any key; in speculation rules they mean nothing."""

_NO_URLS = frozenset(
    (
        "source eagerness referrer_policy relative_to requires expects_no_vary_search target_hint tag selector_matches"
    ).split()
)
"""The members of speculation rules whose values are words."""


class _Place(NamedTuple):
    """Where a value stands.

    Attributes:
        closes: the bracket that ends what it stands in; empty outside of all.
        top: the outermost key; None where there is none.
        key: the innermost key, of an array that of the member that holds it.
        negated: whether what matches is what must *not* be fetched.
    """

    closes: bytes
    top: str | None
    key: str
    negated: bool

    def inside(self, mark: bytes) -> _Place:
        """The place in an object or array that begins here."""
        return self._replace(closes=b"}" if mark == b"{" else b"]")

    def under(self, key: str) -> _Place:
        """The place of the value of a member of this object."""
        top = key if self.top is None else self.top
        return _Place(self.closes, top, key, self.negated ^ (key == "not"))

    @property
    def holds_urls(self) -> bool:
        """Whether a string here may be a URL that is loaded."""
        if self.top in _MAPS:
            return True
        # To take away what must not be fetched would be to fetch it.
        return self.top != "integrity" and self.key not in _NO_URLS and not self.negated


_VALUE, _VALUE_OR_END, _KEY, _KEY_OR_END, _COLON, _COMMA_OR_END = range(6)
"""What may come next."""


def map_without_refused(text: bytes, refuses: Callable[[str], bool]) -> bytes:
    """The text of an import map or of speculation rules, with refused URLs replaced; `text` itself when none is.

    Args:
        text: the text of the element, in an encoding in which a byte below 0x80 is that ASCII character.
        refuses: is asked about each string that may be a URL, escapes decoded, as it stands (some are relative, some
            are patterns), and says whether it is refused.
    """
    strings = _url_strings(text)
    if strings is None:
        return text
    out: list[bytes] = []
    done = 0
    for start, end in strings:
        if refuses(_decoded(text[start:end])):
            out += (text[done : start + 1], REPLACEMENT)
            done = end - 1
    return b"".join((*out, text[done:])) if out else text


def _decoded(string: bytes) -> str:
    """What a whole JSON string stands for; the URL parser reads a lone surrogate as U+FFFD."""
    decoded: str = json.loads(string.decode("utf-8", "replace"))
    return decoded.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _url_strings(text: bytes) -> list[tuple[int, int]] | None:
    """Where the strings are that may be URLs, quotes included; None when the text is no JSON."""
    found: list[tuple[int, int]] = []
    outer: list[_Place] = []  # not the call stack: brackets may be nested as deep as they like
    place = _Place(b"", None, "", False)
    value = place
    expected = _VALUE
    pos = 0
    while (token := _TOKEN(text, pos)) is not None:
        pos = token.end()
        kind = token.lastgroup
        mark = token["mark"]
        if kind == "end":
            return found if expected is _COMMA_OR_END and not outer else None
        if expected in (_KEY, _KEY_OR_END) and kind == "string":
            value = place.under(_decoded(token["string"]))
            expected = _COLON
        elif expected is _COLON and mark == b":":
            expected = _VALUE
        elif expected is _COMMA_OR_END and mark == b"," and outer:
            value = place  # of an array's item; a member's is told by its key
            expected = _KEY if place.closes == b"}" else _VALUE
        elif expected not in (_VALUE, _KEY, _COLON) and mark is not None and mark == place.closes:
            place = outer.pop()
            expected = _COMMA_OR_END
        elif expected in (_VALUE, _VALUE_OR_END):
            if mark in (b"{", b"["):
                outer.append(place)
                place = value = value.inside(mark)
                expected = _KEY_OR_END if mark == b"{" else _VALUE_OR_END
            elif mark is None:
                if kind == "string" and value.holds_urls:
                    found.append(token.span("string"))
                expected = _COMMA_OR_END
            else:
                return None
        else:
            return None
    return None
