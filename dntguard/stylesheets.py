r"""CSS that is rewritten while it comes: what it loads from a refused address becomes `data:,`.

How it stays fast: like the scanner of HTML, one regular expression with possessive quantifiers runs over all that can
load nothing (selectors, declarations, comments, strings, harmless functions) and stops where a token might. Only
around such a place are tokens read one by one: inside functions that take URLs, in the values of custom properties, and
behind a few at-keywords.

What makes a browser load something:

1. `url(...)`, quoted or not, anywhere but in `@namespace`.
2. The string of `@import`.
3. Strings in functions that take images or URLs: `image-set("...")`, `src("...")`; also where `var()` and its like have
   them as fallbacks.
4. Strings that `var()` may bring into one of those: in custom properties, and in `@property` and `@function`. Only what
   looks like an absolute URL counts there, for most such strings are fonts and words.

The attacks it is built against are ways to disagree about where a token begins: escapes in names (`\75 rl(`), URLs in
comments and strings and the other way round, names that only end in `url` (`#url(`, `1url(`, `-url(`), bad URLs and bad
strings, the end of the sheet inside a token, brackets that do not match. The tokens are those of the standard, with
every byte from 0x80 on in names, as in browsers.

Sections are those of CSS Syntax Level 3, https://www.w3.org/TR/css-syntax-3/. The bytes are of an encoding in which a
byte below 0x80 is that ASCII character and never a part of another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, cast

REPLACEMENT: Final = b"data:,"
"""What a refused URL becomes; it is as good in quotes as without, and loads nothing."""

LONGEST_URL: Final = 64 * 1024
"""How many bytes of a URL are held back. A longer one is judged by that much of it."""

_LONGEST_NAME = 192
"""No longer name is one that matters: the longest has 18 characters, and an escape has at most 9 bytes."""

_DEEPEST = 512
"""How deep brackets are followed where they matter; deeper, all that follows is taken for a part of them."""

# --- grammar (section 4) ----------------------------------------------------------------------------------------------
#
# CPython 3.11.0 to 3.11.4 mismatched possessive groups that had to backtrack inside: nothing here needs to. There is no
# capture group in a possessive repeat (CPython issue 101955).

_SPACE = rb"[\t\n\f\r ]"
_NAME = rb"a-zA-Z0-9_\x00\x80-\xff-"
"""What names are made of, for use in a class; NUL is read as U+FFFD (section 3.3)."""
_HEX_ESCAPE = rb"\\[0-9a-fA-F]{1,6}+(?:\r\n?+|[\t\n\f ])?+"
_ESCAPE = rb"(?:" + _HEX_ESCAPE + rb"|\\[^0-9a-fA-F\n\r\f])"
_STRING_ESCAPE = rb"(?:" + _HEX_ESCAPE + rb"|\\\r\n?+|\\[^0-9a-fA-F\r])"  # a newline too: it continues the string
_NAME_PARTS = rb"(?:[" + _NAME + rb"]++|" + _ESCAPE + rb")"
_COMMENT = rb"/\*[^*]*+(?:\*(?!/)[^*]*+)*+\*/"
_IN_URL = rb"[^\"'()\\\x01-\x20\x7f]"
_COMPLETE = rb"(?=[\s\S])"
"""The chunk goes on: what came before is not cut."""
_NO_CUSTOM_PROPERTY = rb"(?=[^-]|-[^-])"


def _any_case(name: str) -> bytes:
    """A pattern for a name in any case."""
    # Not re.IGNORECASE: it makes the engine leave its fast paths.
    return b"".join(b"[%c%c]" % (c, c ^ 0x20) if chr(c).isalpha() else b"%c" % c for c in name.encode())


_URL = _any_case("url")
_STRING = b"|".join(
    quote + rb"(?:[^" + quote + rb"\\\n\r\f]++|" + _STRING_ESCAPE + rb")*+" + quote for quote in (b'"', b"'")
)
_PLAIN_FUNCTION = (
    # Most are told by their last letter.
    rb"\((?:(?<![lLtTeEcC]\()|"
    + b"".join(rb"(?<!" + _any_case(name) + rb"\()" for name in "url image-set image cross-fade src".split())
    + rb")"
)
_URL_FUNCTION = rb"\((?<=" + _URL + rb"\()(?<![" + _NAME + rb"#@]" + _URL + rb"\()" + _SPACE + rb"*+"
_DATA = _any_case("data") + rb":"
_DATA_URL = (
    _URL_FUNCTION
    + rb"(?:\"" + _DATA + rb"[^\"\\\n\r\f]*+\"|'" + _DATA + rb"[^'\\\n\r\f]*+'|" + _DATA + _IN_URL + rb"*+)"
    + _SPACE + rb"*+\)"
)  # fmt: skip
_QUIET_ESCAPES = (
    # Of punctuation and digits: no name that matters has any.
    rb"(?:\\(?:[^0-9a-zA-Z\n\r\f-]|3[0-9](?=[^0-9a-fA-F])(?:\r\n?+|[\t\n\f ])?+)[" + _NAME + rb"]*+)++"
    rb"(?:\(|(?=[^\\" + _NAME + rb"]))"
)  # fmt: skip
_QUIET_AT_KEYWORD = (
    rb"@(?!" + b"|".join(map(_any_case, ("im", "n", "pr", "fu"))) + rb")[a-zA-Z-]++(?=[^\\" + _NAME + rb"])"
)  # fmt: skip
_PLAIN_PARTS = rb"[^\"'/\\()\[\]{};]"
_NOT_ABSOLUTE = rb"(?![\x00-\x20/\\]|[a-zA-Z][a-zA-Z0-9+.\t-]*+:)"
_PLAIN_CUSTOM_PROPERTY = (
    # Nothing in it is nested deeper than rgba(var(--a), 1), and no string can be an absolute URL.
    rb"[;{}]" + _SPACE + rb"*+--[" + _NAME + rb"]*+" + _SPACE + rb"*+:(?:"
    + _PLAIN_PARTS + rb"++"
    + rb"|\((?<![lL]\()" + _PLAIN_PARTS + rb"*+(?:\((?<![lL]\()" + _PLAIN_PARTS + rb"*+\)" + _PLAIN_PARTS + rb"*+)*+\)"
    + rb"|\"" + _NOT_ABSOLUTE + rb"[^\"\\\n\r\f]*+\"|'" + _NOT_ABSOLUTE + rb"[^'\\\n\r\f]*+'"
    + rb"|" + _DATA_URL
    + rb")*+(?=[;}])"
)  # fmt: skip
_SKIPPING = (
    rb"(?:[^\"'/\\(@<;{}]++"
    rb"|[;{}]" + _SPACE + rb"*+" + _NO_CUSTOM_PROPERTY + rb"[^\"'/\\(@<;{}]*+"
    + rb"|" + _PLAIN_CUSTOM_PROPERTY
    + rb"|" + _PLAIN_FUNCTION + rb"[^\"'/\\(@<;{}]*+"
    + rb"|" + _STRING
    + rb"|" + _COMMENT + _SPACE + rb"*+" + _NO_CUSTOM_PROPERTY
    + rb"|" + _QUIET_ESCAPES
    + rb"|" + _QUIET_AT_KEYWORD
    + rb"|" + _DATA_URL
    + rb"|/(?=[^*])|<(?=[^!])|\\(?=[\n\r\f]))*+"
)  # fmt: skip
_PLAIN_URL = (
    _URL_FUNCTION
    + rb"(?:(" + _IN_URL + rb"++)|\"([^\"\\\n\r\f]++)\"|'([^'\\\n\r\f]++)')"
    + _SPACE + rb"*+\)"
)  # fmt: skip

_Always = Callable[[bytes, int], re.Match[bytes]]


def _always(pattern: bytes) -> _Always:
    """The `match` of a pattern that also matches nothing, and so always matches."""
    return cast("_Always", re.compile(pattern).match)


_STEP = _always(_SKIPPING + rb"(?:" + _PLAIN_URL + rb")?")
"""Over all that can load nothing, and then one whole plain `url(...)`; its only group is the URL."""

_TOKEN = _always(
    # What the chunk cuts, so that it could still become another token.
    rb"(?P<cut>(?:(?:[#@]|<!--)?+" + _NAME_PARTS + rb"*+\\?+|<(?:!-?+)?+|/)\Z)"
    # Numbers are read as names that begin with a digit. `<!--` hides the hyphens from the name behind it.
    rb"|(?P<sigil>[#@]|<!--|)(?P<name>" + _NAME_PARTS + rb"++)(?P<open>\(?)"
    rb"|(?P<space>" + _SPACE + rb"++)"
    rb"|(?P<comment>/\*)"
    rb"|(?P<other>[^\t\n\f\r \\\"'/#@<()\[\]{};:" + _NAME + rb"]++|[\s\S])"
)  # fmt: skip
_SIGIL = _always(rb"(?:[#@]|<!--)?+")
_REST_OF_NAME = _always(rb"(?:[" + _NAME + rb"]++|" + _ESCAPE + _COMPLETE + rb")*+")
_SPACES = _always(_SPACE + rb"*+")
_NAME_BYTES = bytes(byte for byte in range(256) if re.match(rb"[" + _NAME + rb"]", bytes([byte])))

_DOUBLE, _SINGLE, _UNQUOTED, _BACKSLASH, _CLOSE = b"\"'\0\\)"
_BODIES = {
    _DOUBLE: _always(rb"(?:[^\"\\\n\r\f]++|" + _STRING_ESCAPE + _COMPLETE + rb")*+"),
    _SINGLE: _always(rb"(?:[^'\\\n\r\f]++|" + _STRING_ESCAPE + _COMPLETE + rb")*+"),
    _UNQUOTED: _always(rb"(?:" + _IN_URL + rb"++|" + _ESCAPE + _COMPLETE + rb")*+"),
}
"""What strings (section 4.3.5) and unquoted URLs (section 4.3.6) hold."""
_REMNANTS = _always(rb"(?:[^)\\]++|\\[\s\S])*+")
"""The remnants of a bad URL (section 4.3.14): up to a parenthesis that is not escaped."""

# --- URLs -------------------------------------------------------------------------------------------------------------

_ESCAPED = re.compile(rb"\\(?:([0-9a-fA-F]{1,6})(?:\r\n?|[\t\n\f ])?|\r\n?|[\n\f]|\Z|([\s\S]))").sub


def _character(found: re.Match[bytes]) -> bytes:
    """What an escape stands for (section 4.3.7)."""
    if found[1] is None:
        return found[2] or b""  # an escaped newline, or the end of the sheet, is nothing
    code = int(found[1], 16)
    return chr(0xFFFD if code == 0 or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF else code).encode()


def _unescaped(raw: bytes) -> bytes:
    return _ESCAPED(_character, raw) if b"\\" in raw else raw


_looks_absolute = re.compile(
    r"[\x00-\x20]*+(?:[a-zA-Z][a-zA-Z0-9+.\t\n\r-]*+:|[/\\][\t\n\r]*+[/\\])"
).match  # a URL's tabs and newlines are nothing
_host_is_open = re.compile(r"(?:[^/\\?#:]*+:)?+[/\\\t\n\r]*+[^/\\?#]*+\Z").match
"""Whether the host of a URL may not be over yet."""

# --- what strings are -------------------------------------------------------------------------------------------------

_WORDS, _VALUES, _URLS = range(3)
"""What the strings here are: no URLs, URLs if they look absolute, URLs."""

_TAKES_URLS = frozenset(b"url src image image-set -webkit-image-set cross-fade -webkit-cross-fade".split())
_SUBSTITUTED = frozenset(b"var env attr if inherit first-valid".split())
"""What functions become in the place of which their arguments may stand; so do those whose names begin with `--`."""

_is_no_identifier = re.compile(rb"-?(?:[0-9]|\Z)").match
"""Whether a name is a number or a lone hyphen (section 4.3.9); a bracket behind it begins no function."""

_OPENED_BY = {0x28: 0, 0x5B: 1, 0x7B: 2}
_CLOSED_BY = {0x29: 0, 0x5D: 1, 0x7D: 2}
_BRACE, _SEMICOLON, _COLON = 2, 0x3B, 0x3A

_NOTHING, _IMPORT, _NAMESPACE, _CUSTOM_NAME = range(4)
"""What stood last but for whitespace and comments, where it matters."""
_NOWHERE, _CUSTOM_VALUE, _AT_RULE = range(3)
"""What the brackets that are followed stand in; an at-rule is one whose strings are values."""
_PASS, _HOLD, _DROP = range(3)


class StyleSheet:
    """CSS that is rewritten while it comes: what is loaded from a refused address becomes `data:,`.

    Only what may still turn out to be a refused URL is held back: up to `LONGEST_URL` bytes.

    Args:
        refuses: is asked about each URL that is loaded, escapes decoded, as it stands (most are relative), and says
            whether it is refused. It is not asked about `data:`. Of a URL longer than `LONGEST_URL` it is asked about
            the beginning, and if that does not even hold the whole host, the URL is refused anyway.

    Attributes:
        changed: whether anything was refused so far.
    """

    def __init__(self, refuses: Callable[[str], bool]) -> None:
        self._refuses = refuses
        self.changed = False
        self._out: list[bytes] = []
        self._pending = b""
        self._mode: Callable[[bytes, int], int] = self._plain
        self._fresh = True  # a declaration may begin here
        # Where tokens are read one by one.
        self._after = _NOTHING
        self._strings = _WORDS
        self._inside = _NOWHERE
        self._brackets = bytearray()  # of each open one: what closes it, and what the strings outside are
        self._lost = False
        # An unfinished name that is too long to matter.
        self._sigil = b""
        self._name = b""
        # An unfinished string or URL.
        self._quote = _UNQUOTED
        self._action = _PASS
        self._judged_as = _URLS
        self._held = bytearray()
        self._space = bytearray()

    @property
    def held(self) -> int:
        """How many of the last bytes of the input are held back."""
        return len(self._pending) + len(self._held) + len(self._space)

    def feed(self, data: bytes) -> bytes:
        """The next bytes; returns those that are decided."""
        if self._pending:
            data = self._pending + data
            self._pending = b""
        pos = 0
        size = len(data)
        while pos < size:
            pos = self._mode(data, pos)
        return self._taken()

    def close(self) -> bytes:
        """The end of the sheet; returns what was still held back."""
        # A string or URL that the end cuts is one all the same (section 4.3).
        if self._mode == self._value:
            self._add(self._pending)
            if self._action is _HOLD:
                self._decide()
        elif self._mode == self._url_end:
            self._decide()
            self._out.append(bytes(self._space))
        else:
            self._out.append(self._pending)
        self._pending = b""
        self._mode = self._plain
        return self._taken()

    def _taken(self) -> bytes:
        # Not bytes.join: it needs 80 bytes for each piece, and here a piece may be one bracket.
        out = bytearray()
        for piece in self._out:
            out += piece
        self._out.clear()
        return bytes(out)

    # --- where nothing is loaded --------------------------------------------------------------------------------------

    def _plain(self, data: bytes, pos: int) -> int:
        start = pos
        if self._fresh:
            pos = _SPACES(data, pos).end()
            first = data[pos : pos + 2]
            if first in (b"", b"-", b"--"):
                self._out.append(data[start:pos])
                if first == b"--":
                    return self._token(data, pos)
                self._pending = first
                return len(data)
            self._fresh = False
        while True:
            found = _STEP(data, pos)
            pos = found.end()
            group = found.lastindex
            if group is None:
                break
            if self._is_refused(found[group], _URLS):
                self._out += (data[start : found.start(group)], REPLACEMENT)
                start = found.end(group)
        if data[pos : pos + 1] in (b";", b"{", b"}"):  # and a custom property behind it, or the chunk's end
            pos += 1
            self._fresh = True
        elif data[pos : pos + 1] in (b"(", b"\\", b""):
            # The name that belongs to it was run over.
            before = data[max(start, pos - _LONGEST_NAME - 1) : pos]
            length = len(before) - len(before.rstrip(_NAME_BYTES))
            if length > _LONGEST_NAME:
                self._mode = self._long_name
                self._sigil, self._name = b"#", b""
                length = 0
            elif data[pos - length - 1 : pos - length] in (b"#", b"@") and pos - length > start:
                length += 1
            pos -= length
        self._out.append(data[start:pos])
        if pos == len(data) or self._fresh or self._mode != self._plain:
            return pos
        return self._token(data, pos)

    # --- tokens, where something may be loaded ------------------------------------------------------------------------

    def _resume(self) -> None:
        """Read tokens one by one or run over them, as the place demands."""
        self._mode = self._token if self._after or self._inside or self._brackets else self._plain

    def _token(self, data: bytes, pos: int) -> int:
        found = _TOKEN(data, pos)
        kind = found.lastgroup
        end = found.end()
        if kind == "cut":
            return self._cut(data, pos)
        if kind == "open":
            self._out.append(data[pos:end])
            self._fresh = False
            self._named(found["sigil"], _unescaped(found["name"]).lower(), found["open"] != b"")
            return end
        if kind == "space":
            self._out.append(data[pos:end])
            return end
        if kind == "comment":
            self._out.append(data[pos:end])
            self._mode = self._comment
            return end
        self._fresh = False
        char = data[pos]
        if char in (_DOUBLE, _SINGLE):
            self._out.append(data[pos:end])
            strings = _URLS if self._after is _IMPORT else _WORDS if self._after is _NAMESPACE else self._strings
            self._begin(char, strings)
            return end
        if not self._punctuation(char):
            end = pos
        self._out.append(data[pos:end])
        self._resume()
        return end

    def _punctuation(self, char: int) -> bool:
        """Follow what is no name and no string. Returns False to have it read again where nothing is loaded."""
        after, self._after = self._after, _NOTHING
        if after is _CUSTOM_NAME and char == _COLON:
            self._inside = _CUSTOM_VALUE
            self._strings = _VALUES
        elif not self._inside and not self._brackets:
            self._fresh = char in b";{}"
        elif char in _OPENED_BY:
            self._open(_OPENED_BY[char], self._strings)
        elif self._brackets:
            closes = _CLOSED_BY.get(char)
            if closes is not None and closes == self._brackets[-1] // 3 and not self._lost:
                self._strings = self._brackets.pop() % 3
                if self._inside is _AT_RULE and closes == _BRACE and not self._brackets:
                    return self._leave()
        elif char == _SEMICOLON or char in _CLOSED_BY:
            return self._leave()
        return True

    def _leave(self) -> bool:
        """What the strings were values of is over."""
        self._inside = _NOWHERE
        self._strings = _WORDS
        return False

    def _open(self, bracket: int, strings: int) -> None:
        """Follow a bracket, with what the strings in it are."""
        if len(self._brackets) >= _DEEPEST:
            self._lost = True
        if self._lost:
            self._strings = max(self._strings, strings)
        else:
            self._brackets.append(bracket * 3 + self._strings)
            self._strings = strings

    def _named(self, sigil: bytes, name: bytes, opens: bool) -> None:
        """Follow a token that has a name: a hash, an at-keyword, a number, a function, an identifier."""
        if sigil == b"<!--":
            self._after, sigil = _NOTHING, b""
        after, self._after = self._after, _NOTHING
        followed = self._inside or self._brackets
        if opens:
            if sigil:
                strings = self._strings
            elif name == b"url":
                self._mode = self._url_start
                self._after = after
                return
            elif name in _TAKES_URLS:
                strings = _URLS
            elif name in _SUBSTITUTED or name.startswith(b"--") or _is_no_identifier(name):
                strings = self._strings
            else:
                strings = min(self._strings, _VALUES)
            if followed or strings:
                self._open(0, strings)
        elif sigil == b"@":
            if name == b"import":
                self._after = _IMPORT
            elif followed:
                pass  # no rule begins in a value
            elif name == b"namespace":
                self._after = _NAMESPACE
            elif name in (b"property", b"function"):
                self._inside = _AT_RULE
                self._strings = _VALUES
        elif not sigil:
            if after is _NAMESPACE:
                self._after = after
            elif name.startswith(b"--") and not followed:
                self._after = _CUSTOM_NAME
        self._resume()

    def _cut(self, data: bytes, pos: int) -> int:
        """A token that the chunk cuts: hold it back, unless it is a name that can no longer matter."""
        begin = _SIGIL(data, pos).end()
        if len(data) - begin <= _LONGEST_NAME:
            self._pending = data[pos:]
            return len(data)
        self._out.append(data[pos:begin])
        self._sigil, self._name = data[pos:begin], _unescaped(data[begin : begin + _LONGEST_NAME])
        self._mode = self._long_name
        return begin

    def _long_name(self, data: bytes, pos: int) -> int:
        end = _REST_OF_NAME(data, pos).end()
        cut = data[end : end + 1] in (b"", b"\\") and data[end + 1 : end + 2] not in (b"\n", b"\r", b"\f")
        opens = data[end : end + 1] == b"("
        self._out.append(data[pos : end + opens])
        if cut:
            self._pending = data[end:]
            return len(data)
        self._fresh = False
        self._named(self._sigil, self._name, opens)
        return end + opens

    def _comment(self, data: bytes, pos: int) -> int:
        end = data.find(b"*/", pos)
        if end < 0:
            end = len(data) - data.endswith(b"*", pos)
            self._pending = data[end:]
            self._out.append(data[pos:end])
            return len(data)
        self._out.append(data[pos : end + 2])
        self._fresh = True
        self._resume()
        return end + 2

    # --- strings and URLs ---------------------------------------------------------------------------------------------

    def _url_start(self, data: bytes, pos: int) -> int:
        """After `url(`: a quote makes it a function like others (section 4.3.4)."""
        end = _SPACES(data, pos).end()
        self._out.append(data[pos:end])
        if end == len(data):
            return end
        strings = _WORDS if self._after is _NAMESPACE else _URLS
        if data[end] in (_DOUBLE, _SINGLE):
            self._after = _NOTHING
            self._open(0, strings)
            self._resume()
        else:
            self._begin(_UNQUOTED, strings)
        return end

    def _begin(self, quote: int, strings: int) -> None:
        """A string or an unquoted URL begins."""
        self._after = _NOTHING
        self._quote = quote
        self._judged_as = strings
        self._action = _HOLD if strings else _PASS
        self._mode = self._value

    def _value(self, data: bytes, pos: int) -> int:
        end = _BODIES[self._quote](data, pos).end()
        self._add(data[pos:end])
        if self._action is _HOLD and self._held[:5].lower() == b"data:":
            self._release()
        elif self._action is _HOLD and len(self._held) > LONGEST_URL:
            self._decide()
        if end == len(data):
            return end
        char = data[end]
        unquoted = self._quote is _UNQUOTED
        if char == _BACKSLASH and not (unquoted and data[end + 1 : end + 2] in (b"\n", b"\r", b"\f")):
            self._pending = data[end:]  # an escape that the chunk cuts
            return len(data)
        if unquoted:
            self._mode = self._remnants
            if self._action is _HOLD:
                if char in b"\t\n\f\r ":
                    self._mode = self._url_end
                elif char == _CLOSE:
                    self._decide()
                else:
                    self._release()
            return end
        if self._action is _HOLD:
            if char == self._quote:
                self._decide()
            else:
                self._release()  # a newline: a bad string
        if char == self._quote:
            self._out.append(data[end : end + 1])
            end += 1
        self._resume()
        return end

    def _url_end(self, data: bytes, pos: int) -> int:
        """After whitespace, only the closing parenthesis keeps a URL from being bad."""
        end = _SPACES(data, pos).end()
        self._space += data[pos:end]
        too_long = len(self._space) > LONGEST_URL
        if end < len(data) or too_long:
            if too_long or data[end] == _CLOSE:
                self._decide()
            else:
                self._release()
            self._out.append(bytes(self._space))
            self._space.clear()
            self._mode = self._remnants
        return end

    def _remnants(self, data: bytes, pos: int) -> int:
        end = _REMNANTS(data, pos).end()
        if data[end : end + 1] == b")":
            end += 1
            self._resume()
        else:
            self._pending = data[end:]
        self._out.append(data[pos:end])
        return end + len(self._pending)

    def _add(self, data: bytes) -> None:
        """A part of a string or URL."""
        if self._action is _HOLD:
            self._held += data
        elif self._action is _PASS:
            self._out.append(data)

    def _release(self) -> None:
        """Let go of what was held back: it is loaded from nowhere."""
        self._out.append(bytes(self._held))
        self._held.clear()
        self._action = _PASS

    def _decide(self) -> None:
        """Judge what was held back."""
        if self._is_refused(bytes(self._held), self._judged_as):
            self._out.append(REPLACEMENT)
            self._held.clear()
            self._action = _DROP
        else:
            self._release()

    def _is_refused(self, raw: bytes, strings: int) -> bool:
        """Whether the URL that `raw` stands for is refused."""
        if not raw or raw[:5].lower() == b"data:":
            return False
        url = _unescaped(raw[:LONGEST_URL]).decode("utf-8", "replace").replace("\0", "\ufffd")
        if strings is _VALUES and not _looks_absolute(url):
            return False
        refused = self._refuses(url) or (len(raw) > LONGEST_URL and _host_is_open(url) is not None)
        self.changed |= refused
        return refused


# --- whole sheets -----------------------------------------------------------------------------------------------------


_HIDDEN = re.compile(rb"\\(?:/[/\\]|[:htps\n\r\f]|0{0,4}+[2-7][0-9a-f](?![0-9a-f]))").search
_SCHEME_ALONE = re.compile(rb"http(?:s:|:)(?!//)").search
_TAB_IN_SCHEME = re.compile(rb"\t(?<=[htps]\t)\t*+[tps:]").search
_AFTER_SLASHES = re.compile(
    rb"/(?<!\*/)(?:/(?:([a-z0-9.-]++)(?::[0-9]++)?+(?=[/?#\n\r\f])|(?=[#?])|([\s\S]|\Z))|([\\\t]))"
).finditer


def hosts_in_css(text: bytes) -> set[bytes] | None:
    """The hosts in all addresses that a sheet may hold, as they are written; None when one may be written otherwise.

    Every address on another host has two slashes before the host, or a scheme without them (URL section 4.4).
    """
    text = text.lower()
    # 1. Slashes, colons or letters written with escapes, and tabs, which URLs ignore.
    if _HIDDEN(text):
        return None
    # 2. A scheme without slashes: the host may follow it directly.
    if _SCHEME_ALONE(text) or _TAB_IN_SCHEME(text):
        return None
    # 3. Two slashes, and a host that is looked up as it is written; or none.
    hosts: set[bytes] = set()
    for found in _AFTER_SLASHES(text):
        if found.lastindex == 1:
            hosts.add(found[1])
        elif found.lastindex is not None:
            return None
    return hosts


def css_without_refused(text: bytes, refuses: Callable[[str], bool]) -> bytes:
    """A whole style sheet without what it loads from refused addresses; `text` itself when nothing is refused.

    Args:
        text: the sheet.
        refuses: see `StyleSheet`.
    """
    sheet = StyleSheet(refuses)
    rewritten = sheet.feed(text) + sheet.close()
    return rewritten if sheet.changed else text
