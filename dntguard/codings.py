"""Content codings read and written again, piece by piece: gzip, deflate, Brotli, Zstandard, and stacks of them.

Who chooses the bytes of a body need not mean well: a few of them can stand for gigabytes. So nothing here grows with a
body, neither with what comes in nor with what that expands to, beyond the windows that the formats know (32 KiB in gzip
and deflate, 16 MiB in Brotli, 8 in Zstandard); and time is linear in both:

1. A decompressor gets its input in slices. What it has not taken yet, or what follows the end of a stream, is
   copied by each call, so that must be short.
2. A decompressor puts out a bounded piece, and goes on only when the next one is asked for. In a stack each piece goes
   through all further codings before the next.
3. A body is written as one stream, however many it came in, and what follows its end is not kept.

Sections without another name are those of RFC 9110.
"""

from __future__ import annotations

import re
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

try:
    import brotli
except ImportError:
    brotli = None
try:
    from compression import zstd  # Python 3.14
except ImportError:
    try:
        from backports import zstd
    except ImportError:
        zstd = None

MOST_STACKED = 4
"""How many codings a body may have. Each multiplies what a byte can expand to; servers write one, seldom two."""

_SLICE = 16 * 1024
_PIECE = 64 * 1024
_OWS = b" \t"

# Levels. The application compressed the page already, so a visitor shall not get a much larger one: gzip and zstd have
# the level that is their libraries' default, and so most servers'. Brotli's default is for files that are compressed
# once; 4 writes pages a little smaller than gzip's 6 and faster than it, and from 5 on Brotli is slower than that.
_ZLIB_LEVEL = 6
_BROTLI_QUALITY = 4
_ZSTD_LEVEL = 3

# Windows, as powers of two. With its own one, Brotli's encoder grows to 10 MiB, and to 3 with this, for pages that are
# no larger for it; zstd's to 3.3 and 1.8.
_BROTLI_WINDOW = 18
_ZSTD_WINDOW = 19
_ZSTD_LARGEST_WINDOW = 23
"""8 MB, which every decoder must support and no encoder may exceed (RFC 9659 section 3)."""


class Malformed(Exception):  # noqa: N818 - named by what is so, as the caller's question is
    """The bytes are not in the coding that they claim to be in."""


@dataclass(frozen=True, slots=True)
class _Writer:
    """An encoder, as three calls that all return what is ready."""

    write: Callable[[bytes], bytes]
    flush: Callable[[], bytes]
    finish: Callable[[], bytes]


class _Coding(ABC):
    """One coding of one body: its streams in, one stream out."""

    magic: ClassVar[re.Pattern[bytes]] = re.compile(rb"(?!)")
    """How another stream begins after the end of one; by default there is none."""

    told_by: ClassVar[int] = 1
    """How many bytes tell what begins."""

    def __init__(self) -> None:
        self._stream: Any = None
        self._held = b""
        self._ended = False
        self._dropping = False
        self._writer: _Writer | None = None

    @property
    def complete(self) -> bool:
        """Whether a stream came to its end, and no other one began."""
        return self._ended and self._stream is None

    @property
    def trailing(self) -> bool:
        """Whether something follows the last stream; at the end of the body, for it may become another one."""
        return self._dropping or (self.complete and self._held != b"")

    def decode(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _SLICE):
            rest = data[start : start + _SLICE]
            while rest and not self._dropping:
                if self._stream is None:
                    rest = self._begin(self._held + rest)
                else:
                    rest = yield from self._read(rest)

    def _begin(self, data: bytes) -> bytes:
        """Begins a stream with the data, holds them until they tell what begins, or drops them."""
        self._held = b""
        if len(data) < self.told_by:
            self._held = data
            return b""
        if self._ended and not self.magic.match(data):
            self._dropping = True
            return b""
        self._stream = self._reader()
        return data

    def _end(self, rest: bytes) -> bytes:
        self._stream = None
        self._ended = True
        return rest

    def encode(self, data: bytes) -> bytes:
        return self._opened().write(data) if data else b""

    def flush(self) -> bytes:
        # Before anything was written, an encoder would write a header: a body without bytes shall stay one.
        return b"" if self._writer is None else self._writer.flush()

    def finish(self) -> bytes:
        return self._opened().finish()

    def _opened(self) -> _Writer:
        if self._writer is None:
            self._writer = self._new_writer()
        return self._writer

    @abstractmethod
    def _reader(self) -> Any:
        """The library's decompressor of one stream."""

    @abstractmethod
    def _read(self, data: bytes) -> Generator[bytes, None, bytes]:
        """Pieces of what the data say; returns what follows the end of the stream."""

    @abstractmethod
    def _new_writer(self) -> _Writer: ...


class _Zlib(_Coding):
    """What zlib reads: gzip and both kinds of deflate."""

    told_by = 2
    wbits: int
    """The format: the size of the window, and what is around the stream."""

    def _reader(self) -> Any:
        return zlib.decompressobj(self.wbits)

    def _read(self, data: bytes) -> Generator[bytes, None, bytes]:
        stream = self._stream
        while True:
            try:
                piece = stream.decompress(data, _PIECE)
            except zlib.error as error:
                raise Malformed(str(error)) from error
            if piece:
                yield piece
            if stream.eof:
                return self._end(stream.unused_data)
            data = stream.unconsumed_tail
            # A piece of full length may have more behind it that needs no further input.
            if not data and len(piece) < _PIECE:
                return b""

    def _new_writer(self) -> _Writer:
        stream = zlib.compressobj(_ZLIB_LEVEL, zlib.DEFLATED, self.wbits)
        return _Writer(stream.compress, partial(stream.flush, zlib.Z_SYNC_FLUSH), stream.flush)


class _Gzip(_Zlib):
    """RFC 1952: members one after another are one body (section 2.2)."""

    magic = re.compile(rb"\x1f\x8b")
    wbits = 16 + zlib.MAX_WBITS


class _Deflate(_Zlib):
    """The zlib format, RFC 1950 (section 8.4.1.2). Some servers write RFC 1951 alone, and browsers read it."""

    wbits = zlib.MAX_WBITS

    def _begin(self, data: bytes) -> bytes:
        # RFC 1950 section 2.2: the method is 8, the window no larger than 32 KiB, and both bytes a multiple of 31. To
        # RFC 1951 such a first byte is a stored block with padding that is not zero, which no encoder writes.
        if (
            len(data) >= self.told_by
            and not self._ended
            and (data[0] & 0x0F != 8 or data[0] >> 4 > 7 or int.from_bytes(data[:2], "big") % 31 != 0)
        ):
            self.wbits = -zlib.MAX_WBITS
        return super()._begin(data)


class _Brotli(_Coding):
    """RFC 7932."""

    # A limit is checked after each block of output. The library's first has 32 KiB less a header, its next one 64: this
    # keeps it at the first.
    _LIMIT: ClassVar[int] = 32_000

    def _begin(self, data: bytes) -> bytes:
        # Where the end comes together with what follows it the library fails, and what it had read is lost. Whether the
        # body can be read must not depend on where it was cut.
        if self._ended:
            raise Malformed("bytes after the end")
        return super()._begin(data)

    def _reader(self) -> Any:
        return brotli.Decompressor()

    def _read(self, data: bytes) -> Generator[bytes, None, bytes]:
        stream = self._stream
        while True:
            try:
                piece = stream.process(data, output_buffer_limit=self._LIMIT)
            except brotli.error as error:
                raise Malformed(str(error)) from error
            if piece:
                yield piece
            if stream.is_finished():
                return self._end(b"")
            # That it takes more input does not say that it has put out all that the last one says. Nothing does, but
            # that nothing comes.
            if not piece and stream.can_accept_more_data():
                return b""
            data = b""

    def _new_writer(self) -> _Writer:
        stream = brotli.Compressor(quality=_BROTLI_QUALITY, lgwin=_BROTLI_WINDOW)
        return _Writer(stream.process, stream.flush, stream.finish)


class _Zstd(_Coding):
    """RFC 8878: frames, and skippable frames, one after another are one body (section 3.1)."""

    magic = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")  # sections 3.1.1 and 3.1.2
    told_by = 4

    def _reader(self) -> Any:
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_LARGEST_WINDOW})

    def _read(self, data: bytes) -> Generator[bytes, None, bytes]:
        stream = self._stream
        while True:
            try:
                piece = stream.decompress(data, _PIECE)
            except zstd.ZstdError as error:
                raise Malformed(str(error)) from error
            if piece:
                yield piece
            if stream.eof:
                return self._end(stream.unused_data)
            if stream.needs_input:
                return b""
            data = b""

    def _new_writer(self) -> _Writer:
        parameter = zstd.CompressionParameter
        stream = zstd.ZstdCompressor(
            options={parameter.compression_level: _ZSTD_LEVEL, parameter.window_log: _ZSTD_WINDOW}
        )
        return _Writer(stream.compress, partial(stream.flush, stream.FLUSH_BLOCK), stream.flush)


_OFFERED: dict[bytes, Callable[[], _Coding]] = {b"gzip": _Gzip, b"deflate": _Deflate}
# Older ones, and other packages of that name, cannot bound what they put out.
if hasattr(getattr(brotli, "Decompressor", None), "can_accept_more_data"):
    _OFFERED[b"br"] = _Brotli
if zstd is not None:
    _OFFERED[b"zstd"] = _Zstd
_CODINGS = {**_OFFERED, b"x-gzip": _Gzip}  # section 8.4.1.3

READABLE: frozenset[bytes] = frozenset({*_CODINGS, b"identity"})
"""The names, in lower case, of what can be read here."""


class Recoding:
    """One body, read in its codings and written in the same.

    Args:
        codings: their names in the order they were applied, all of them in `READABLE`, no more than `MOST_STACKED`.
    """

    def __init__(self, codings: tuple[bytes, ...]) -> None:
        self._inner_first = [_CODINGS[name]() for name in codings if name != b"identity"]
        self._outer_first = self._inner_first[::-1]
        self._malformed = False

    @property
    def trailing(self) -> bool:
        """Whether bytes after the end of a stream were dropped; known at the end of the body."""
        return any(coding.trailing for coding in self._inner_first)

    @property
    def complete(self) -> bool:
        """Whether all streams came to their end. That of a body without bytes did not."""
        return not self._malformed and all(coding.complete for coding in self._inner_first)

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What the next bytes of the body say, in pieces of at most 64 KiB, none of them empty.

        Each piece is read when it is asked for. All of them must be, before this is called again.

        Raises:
            Malformed: the body, and all that comes after it, cannot be read.
        """
        if self._malformed:
            raise Malformed("malformed before")
        try:
            yield from _decoded(self._outer_first, data)
        except Malformed:
            self._malformed = True
            raise

    def encode(self, data: bytes) -> bytes:
        """Writes the data in the codings, and returns what is ready."""
        for coding in self._inner_first:
            data = coding.encode(data)
        return data

    def flush(self) -> bytes:
        """Makes all that was written readable at the other end; costs a few bytes, and some of the compression."""
        data = b""
        for coding in self._inner_first:
            data = coding.encode(data) + coding.flush()
        return data

    def finish(self) -> bytes:
        """Ends what was written, once the body came to its end.

        A stream that did not come to its end in the body does not in what is written: who reads it shall see that
        something is missing, as without dntguard.
        """
        data = b""
        for coding in self._inner_first:
            ended = coding.complete and not self._malformed
            data = coding.encode(data) + (coding.finish() if ended else coding.flush())
        return data


def _decoded(codings: Sequence[_Coding], data: bytes) -> Iterator[bytes]:
    if not codings:
        yield from (data[start : start + _PIECE] for start in range(0, len(data), _PIECE))
        return
    for piece in codings[0].decode(data):
        yield from _decoded(codings[1:], piece)


def codings_of(values: Iterable[bytes]) -> tuple[bytes, ...]:
    """The codings of a body, in lower case and in the order they were applied (section 8.4).

    Args:
        values: those of the `Content-Encoding` fields. `identity`, which should not be there, is left out.
    """
    names = (name.strip(_OWS).lower() for name in b",".join(values).split(b","))
    return tuple(name for name in names if name not in (b"", b"identity"))


_REFUSED = re.compile(rb"[ \t]*[qQ][ \t]*=[ \t]*0(?:\.0*)?[ \t]*").fullmatch


def narrowed(accept_encoding: bytes) -> bytes:
    """An `Accept-Encoding` that asks for nothing that cannot be read here (section 12.5.3).

    Returns:
        the value as it is when it asks for nothing else; `identity` when it asks for nothing that can be read. Weights
        stay, and so does what is refused.
    """
    members = [member.strip(_OWS) for member in accept_encoding.split(b",")]
    asked = [(member, *_split(member)) for member in members if member]
    named = {name for _, name, _ in asked}
    kept: list[bytes] = []
    for member, name, parameters in asked:
        if name in READABLE or _REFUSED(parameters[1:]):
            kept.append(member)
        elif name == b"*":
            # What no other member names; `identity` needs no mention to be acceptable. A second `*` adds nothing.
            kept += [other + parameters for other in _OFFERED if other not in named]
            named.update(_OFFERED)
    if kept == [member for member, _, _ in asked]:
        return accept_encoding
    return b", ".join(kept) or b"identity"


def _split(member: bytes) -> tuple[bytes, bytes]:
    """The name in lower case, `gzip` for its old one, and the parameters with the semicolon before them."""
    name, semicolon, parameters = member.partition(b";")
    name = name.rstrip(_OWS).lower()
    return b"gzip" if name == b"x-gzip" else name, semicolon + parameters
