"""Pages in encodings in which a byte below 0x80 need not be that ASCII character: decoded, scanned, encoded again.

What comes out is encoded anew, so whatever a decoder of another make would have seen in the input, in the output it
sees what was scanned.
"""

from __future__ import annotations

import codecs
import re
from base64 import b64decode
from collections.abc import Callable
from typing import Protocol


class Scan(Protocol):
    """What works on UTF-8."""

    @property
    def undecided(self) -> bytes:
        """What of the input is not decided yet."""

    def feed(self, data: bytes) -> bytes:
        """The next bytes; returns those that are decided."""

    def close(self) -> bytes:
        """The end; returns what was still held back."""


_WRITTEN = {"iso2022_jp_ext": "iso2022_jp"}
"""What only Python reads in an encoding, a browser would read as something else: it is not written."""


class Transcoded:
    """A scan of a page in another encoding.

    What is malformed becomes U+FFFD, as in a browser; what the encoding has no bytes for, a character reference.

    Args:
        scan: what the page is handed to as UTF-8.
        codec: Python's name of the encoding.
    """

    def __init__(self, scan: Scan, codec: str) -> None:
        self._scan = scan
        self._codec = _WRITTEN.get(codec, codec)
        self._decoder = Utf7Decoder() if codec == "utf-7" else codecs.getincrementaldecoder(codec)("replace")
        self._encoder = codecs.getincrementalencoder(self._codec)("xmlcharrefreplace")
        self._output = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def undecided(self) -> bytes:
        """What of the page is not decided yet, encoded anew."""
        return self._scan.undecided.decode("utf-8", "replace").encode(self._codec, "xmlcharrefreplace")

    def feed(self, data: bytes) -> bytes:
        """The next bytes of the page; returns those that are decided."""
        return self._encoded(self._scan.feed(self._decoder.decode(data).encode()))

    def close(self) -> bytes:
        """The end of the page; returns what was still held back."""
        rest = self._scan.feed(self._decoder.decode(b"", True).encode()) + self._scan.close()
        return self._encoded(rest, final=True)

    def _encoded(self, text: bytes, *, final: bool = False) -> bytes:
        return self._encoder.encode(self._output.decode(text, final), final)


class WithoutEscapes:
    """A scan of a page whose encoding nothing outside of it declares, less the escape characters in it.

    With them a browser could take the page, or a part of it, for ISO-2022-JP, by its own guess or by a declaration
    that another reader does not see; and in that encoding other bytes are markup. Such characters, which have no
    meaning in HTML, begin each change of its character set (ISO-2022-JP decoder, Encoding section 12.2).

    Args:
        scan: what the page is handed to.
        removed: is told when there are any.
    """

    def __init__(self, scan: Scan, removed: Callable[[bytes], None]) -> None:
        self._scan = scan
        self._removed = removed
        self._pending = b""

    @property
    def undecided(self) -> bytes:
        """What of the page is not decided yet."""
        return self._scan.undecided + self._pending

    def feed(self, data: bytes) -> bytes:
        """The next bytes of the page; returns those that are decided."""
        data = self._pending + data
        self._pending = b""
        if b"\x1b" in data:
            data = self._without_escapes(data)
        return self._scan.feed(data)

    def _without_escapes(self, data: bytes) -> bytes:
        length = len(data)
        while b"\x1b\x1b" in data:
            data = data.replace(b"\x1b\x1b", b"\x1b")
        data = data.replace(b"\x1b$", b"$").replace(b"\x1b(", b"(")
        if len(data) < length:
            self._removed(b"\x1b")
        if data.endswith(b"\x1b"):
            self._pending = b"\x1b"
            return data[:-1]
        return data

    def close(self) -> bytes:
        """The end of the page; returns what was still held back."""
        return self._scan.feed(self._pending) + self._scan.close()


_BASE64 = re.compile(rb"[A-Za-z0-9+/]*+")


class Utf7Decoder(codecs.IncrementalDecoder):
    """UTF-7 (RFC 2152) piece by piece.

    The standard library's decoder keeps a whole shifted run, and reads it again with each piece.
    """

    def __init__(self, errors: str = "replace") -> None:
        super().__init__(errors)
        self._shifted = False
        self._begun = False
        self._held = b""
        self._units = codecs.getincrementaldecoder("utf-16-be")(errors)

    def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]  # only bytes come here
        """The text of the next bytes."""
        out: list[str] = []
        pos = 0
        while pos < len(data):
            if not self._shifted:
                plus = data.find(b"+", pos)
                end = len(data) if plus < 0 else plus
                out.append(data[pos:end].decode("ascii", "replace"))
                pos = end + 1
                self._shifted, self._begun = plus >= 0, False
                continue
            run = _BASE64.match(data, pos)
            end = run.end() if run else pos
            self._begun |= end > pos
            self._held += data[pos:end]
            whole = len(self._held) // 8 * 8
            out.append(self._units.decode(b64decode(self._held[:whole])))
            self._held = self._held[whole:]
            pos = end
            if end < len(data):
                out.append(self._end_of_run())
                if data[end : end + 1] == b"-":
                    if not self._begun:
                        out.append("+")
                    pos += 1
        if final and self._shifted:
            out.append(self._end_of_run())
        return "".join(out)

    def _end_of_run(self) -> str:
        rest, self._held, self._shifted = self._held, b"", False
        # A lone digit holds no byte, and what does not fill a code unit is padding.
        units = b64decode(rest + b"=" * (-len(rest) % 4)) if len(rest) % 4 != 1 else b64decode(rest[:-1])
        text = self._units.decode(units[: len(units) // 2 * 2], True)
        self._units.reset()
        return text
