"""Content codings: what standard encoders wrote is read, and standard decoders read what is written, at every cut."""

from __future__ import annotations

import gzip
import importlib.util
import random
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard import codings as module
from dntguard.codings import MOST_STACKED, READABLE, Malformed, Recoding, codings_of, narrowed
from tests.strategies import at_every_chunking, chunk_sizes, cut

try:
    from compression import zstd
except ImportError:
    from backports import zstd

PIECE = 64 * 1024
MIB = 1024 * 1024

# --- standard encoders and decoders -----------------------------------------------------------------------------------


class Encoder:
    """An encoder of a package: `write`, `flush` so that all is decodable, `finish`."""

    def __init__(
        self, write: Callable[[bytes], bytes], flush: Callable[[], bytes], finish: Callable[[], bytes]
    ) -> None:
        self.write, self.flush, self.finish = write, flush, finish


def zlib_encoder(wbits: int, level: int) -> Encoder:
    stream = zlib.compressobj(level, zlib.DEFLATED, wbits)
    return Encoder(stream.compress, partial(stream.flush, zlib.Z_SYNC_FLUSH), stream.flush)


def brotli_encoder(level: int) -> Encoder:
    stream = brotli.Compressor(quality=level, lgwin=10 + level)
    return Encoder(stream.process, stream.flush, stream.finish)


def zstd_encoder(level: int) -> Encoder:
    parameter = zstd.CompressionParameter
    stream = zstd.ZstdCompressor(options={parameter.compression_level: level, parameter.checksum_flag: level % 2})
    return Encoder(stream.compress, partial(stream.flush, stream.FLUSH_BLOCK), stream.flush)


class Decoder:
    """A decoder of a package, fed bit by bit; `ended` when the stream is, and nothing may follow."""

    def __init__(self, read: Callable[[bytes], bytes], ended: Callable[[], bool]) -> None:
        self.read, self.ended = read, ended


def eof_decoder(stream: Any) -> Decoder:
    return Decoder(stream.decompress, lambda: stream.eof and not stream.unused_data)


def brotli_decoder() -> Decoder:
    stream = brotli.Decompressor()

    def read(data: bytes) -> bytes:
        pieces = [stream.process(data)]
        while pieces[-1]:  # it may hold some back, and says nothing
            pieces.append(stream.process(b""))
        return b"".join(pieces)

    return Decoder(read, stream.is_finished)


FORMATS: dict[str, tuple[bytes, Callable[[int], Encoder], Callable[[], Decoder]]] = {
    "gzip": (b"gzip", partial(zlib_encoder, 31), lambda: eof_decoder(zlib.decompressobj(31))),
    "x-gzip": (b"x-gzip", partial(zlib_encoder, 31), lambda: eof_decoder(zlib.decompressobj(31))),
    "deflate": (b"deflate", partial(zlib_encoder, 15), lambda: eof_decoder(zlib.decompressobj(15))),
    "raw deflate": (b"deflate", partial(zlib_encoder, -15), lambda: eof_decoder(zlib.decompressobj(-15))),
    "br": (b"br", brotli_encoder, brotli_decoder),
    "zstd": (b"zstd", zstd_encoder, lambda: eof_decoder(zstd.ZstdDecompressor())),
}
STACKS = [*((name,) for name in FORMATS), ("gzip", "br"), ("zstd", "raw deflate", "gzip"), ("br", "zstd", "deflate")]
Stack = tuple[str, ...]


def names(stack: Stack) -> tuple[bytes, ...]:
    return tuple(FORMATS[each][0] for each in stack)


def written(stack: Stack, parts: Iterable[bytes], *, level: int = 6) -> bytes:
    """The parts in the codings of the stack, all flushed after each part."""
    encoders = [FORMATS[each][1](level) for each in stack]
    body = b""
    for part in parts:
        data = part
        for encoder in encoders:
            data = encoder.write(data) + encoder.flush()
        body += data
    data = b""
    for encoder in encoders:
        data = (encoder.write(data) if data else b"") + encoder.finish()
    return body + data


class Reference:
    """The decoders of the packages behind each other: what a browser has read so far."""

    def __init__(self, stack: Stack) -> None:
        self._decoders = [FORMATS[each][2]() for each in reversed(stack)]

    def read(self, data: bytes) -> bytes:
        for decoder in self._decoders:
            data = decoder.read(data) if data else b""
        return data

    def ended(self) -> bool:
        return all(decoder.ended() for decoder in self._decoders)


def decoded(recoding: Recoding, chunks: Iterable[bytes]) -> bytes:
    pieces = [piece for chunk in chunks for piece in recoding.decode(chunk)]
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    return b"".join(pieces)


def recoded(recoding: Recoding, chunks: Iterable[bytes]) -> bytes:
    pieces = [recoding.encode(piece) for chunk in chunks for piece in recoding.decode(chunk)]
    return b"".join(pieces) + recoding.finish()


stacks = st.lists(st.sampled_from(list(FORMATS)), min_size=1, max_size=3).map(tuple)


class Part(NamedTuple):
    """A part of a body: one text, many times, so that a failure can be read."""

    text: bytes
    times: int

    def __bytes__(self) -> bytes:
        return (self.text * self.times)[: 200 * 1024]


bodies = st.lists(
    st.builds(
        Part,
        st.binary(max_size=40) | st.sampled_from((b"<p class=a>", b"<a href='/b'>c</a>\n")),
        st.sampled_from((1, 2, 3, 100, 10_000)),
    ),
    max_size=5,
)
"""Parts of a body: some incompressible, some that expand to several pieces."""
sizes_of_chunks = chunk_sizes | st.lists(st.integers(1, 5000), min_size=1, max_size=5)

TEXT = b"".join(b"<li id=%d>%d</li>" % (n, n * n * 7919) for n in range(12))

# --- names ------------------------------------------------------------------------------------------------------------


def test_all_is_readable_where_the_packages_are() -> None:
    assert {b"gzip", b"x-gzip", b"deflate", b"br", b"zstd", b"identity"} == READABLE


def loaded(monkeypatch: pytest.MonkeyPatch, replaced: dict[str, ModuleType | None]) -> Any:
    """The module as it is where other modules stand in the place of some; None for none at all."""
    for name, other in replaced.items():
        monkeypatch.setitem(sys.modules, name, other)
    spec = importlib.util.spec_from_file_location("codings_without", module.__file__)
    assert spec is not None
    assert spec.loader is not None
    fresh = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "codings_without", fresh)  # where dataclasses look their module up
    spec.loader.exec_module(fresh)
    return fresh


NO_BROTLI: dict[str, ModuleType | None] = {"brotli": None}
OLD_BROTLI: dict[str, ModuleType | None] = {"brotli": ModuleType("brotli")}
NO_ZSTD: dict[str, ModuleType | None] = {"compression": None, "backports": None}


@pytest.mark.parametrize(
    ("replaced", "missing"),
    [
        (NO_BROTLI, {b"br"}),
        (OLD_BROTLI, {b"br"}),
        (NO_ZSTD, {b"zstd"}),
        (NO_BROTLI | NO_ZSTD, {b"br", b"zstd"}),
    ],
    ids=["no brotli", "old brotli", "no zstd", "neither"],
)
def test_what_has_no_package_is_not_readable_and_not_asked_for(
    monkeypatch: pytest.MonkeyPatch, replaced: dict[str, ModuleType | None], missing: set[bytes]
) -> None:
    without = loaded(monkeypatch, replaced)
    assert READABLE - missing == without.READABLE
    left = b", ".join(name for name in (b"gzip", b"deflate", b"br", b"zstd") if name not in missing)
    assert without.narrowed(b"gzip, deflate, br, zstd") == left
    assert without.narrowed(b"*") == left
    assert b"".join(without.Recoding((b"gzip",)).decode(gzip.compress(TEXT))) == TEXT


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([], ()),
        ([b""], ()),
        ([b"gzip"], (b"gzip",)),
        ([b" GZip\t"], (b"gzip",)),
        ([b"gzip, br"], (b"gzip", b"br")),
        ([b"gzip", b"br,zstd"], (b"gzip", b"br", b"zstd")),
        ([b"identity"], ()),
        ([b", ,gzip,, Identity ,"], (b"gzip",)),
        ([b"compress"], (b"compress",)),
        ([b"gzip;q=1"], (b"gzip;q=1",)),  # no name, so nothing that can be read
    ],
)
def test_the_fields_name_the_codings_in_the_order_they_were_applied(
    values: list[bytes], names: tuple[bytes, ...]
) -> None:
    assert codings_of(values) == names


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b" ",
        b"gzip",
        b"gzip, deflate, br, zstd",
        b"GZIP;q=0.8 ,br ; Q=1.000,",
        b"x-gzip",
        b"identity",
        b"identity;q=0, gzip",
        b"gzip, *;q=0",
        b"*;q=0",
        b"* ; q=0.000",
        b"gzip;q=0",
        b"compress;q=0, gzip",  # refuses what would not be written anyhow
        b"gzip;q=none",
    ],
)
def test_a_value_that_asks_for_nothing_else_stays_to_the_byte(value: bytes) -> None:
    assert narrowed(value) == value


@pytest.mark.parametrize(
    ("value", "left"),
    [
        (b"compress", b"identity"),
        (b"compress, dcb;q=0.5", b"identity"),
        (b"gzip, compress", b"gzip"),
        (b"compress;q=1.0 , gzip;q=0.5,dcz", b"gzip;q=0.5"),
        (b"compress;q=0.001, GZip", b"GZip"),
        (b"compress;q=none, gzip", b"gzip"),
        (b"compress, identity;q=0", b"identity;q=0"),
        (b"compress, *;q=0", b"*;q=0"),
        (b"compress, br;q=0", b"br;q=0"),
        (b"gzip br", b"identity"),
        (b";q=1, gzip", b"gzip"),
        # What is not named.
        (b"*", b"gzip, deflate, br, zstd"),
        (b"*;q=0.5", b"gzip;q=0.5, deflate;q=0.5, br;q=0.5, zstd;q=0.5"),
        (b"br, *;q=0.1", b"br, gzip;q=0.1, deflate;q=0.1, zstd;q=0.1"),
        (b"*, br;q=0", b"gzip, deflate, zstd, br;q=0"),
        (b"x-gzip;q=0, *", b"x-gzip;q=0, deflate, br, zstd"),
        (b"gzip, deflate, br, zstd, *", b"gzip, deflate, br, zstd"),
        (b"*, *;q=0.5, gzip", b"deflate, br, zstd, gzip"),
        (b"identity;q=0, *", b"identity;q=0, gzip, deflate, br, zstd"),
        (b"*, compress;q=0", b"gzip, deflate, br, zstd, compress;q=0"),
    ],
)
def test_what_cannot_be_read_is_not_asked_for(value: bytes, left: bytes) -> None:
    assert narrowed(value) == left
    assert narrowed(left) == left


members = st.tuples(
    st.sampled_from((b"gzip", b"X-GZIP", b"br", b"zstd", b"deflate", b"identity", b"*", b"compress", b"", b"a b")),
    st.sampled_from((b"", b";q=0", b"; q=0.0", b";q=1", b" ;q=0.5", b";q=", b";")),
).map(b"".join)


@given(st.lists(members, max_size=5).map(b" ,".join) | st.binary(max_size=20))
def test_nothing_is_left_that_is_accepted_and_cannot_be_read(value: bytes) -> None:
    left = narrowed(value)
    assert narrowed(left) == left
    for member in left.split(b","):
        name, _, weight = member.strip(b" \t").partition(b";")
        name = name.rstrip(b" \t").lower()
        assert name in READABLE or not member.strip(b" \t") or weight.strip().lower().startswith(b"q=0")


# --- reading and writing ----------------------------------------------------------------------------------------------


@given(stacks, bodies, st.integers(1, 9), sizes_of_chunks)
def test_what_standard_encoders_wrote_is_read_and_standard_decoders_read_what_is_written(
    stack: Stack, parts: list[Part], level: int, sizes: list[int]
) -> None:
    """The same body on both sides, whatever was flushed and wherever it is cut."""
    body = b"".join(map(bytes, parts))
    recoding = Recoding(names(stack))
    chunks = cut(written(stack, map(bytes, parts), level=level), sizes)
    out = b""
    read = b""
    for chunk in chunks:
        for piece in recoding.decode(chunk):
            assert 0 < len(piece) <= PIECE
            read += piece
            out += recoding.encode(piece)
    out += recoding.finish()
    assert read == body
    assert (recoding.complete, recoding.trailing) == (True, False)
    reference = Reference(stack)
    assert reference.read(out) == body
    assert reference.ended()


@pytest.mark.parametrize("stack", STACKS, ids=" ".join)
def test_the_cuts_make_no_difference(stack: Stack) -> None:
    body = written(stack, [TEXT, b"", TEXT])

    def run(chunks: list[bytes]) -> bytes:
        recoding = Recoding(names(stack))
        read = decoded(recoding, chunks)
        assert (recoding.complete, recoding.trailing) == (True, False)
        return read

    assert at_every_chunking(run, body) == TEXT + TEXT


@given(stacks, bodies, st.lists(st.booleans(), min_size=5, max_size=5))
def test_after_a_flush_all_that_was_written_can_be_read(stack: Stack, parts: list[Part], flushed: list[bool]) -> None:
    recoding = Recoding(names(stack))
    decoded(recoding, [written(stack, [TEXT])])  # tells which deflate
    reference = Reference(stack)
    expected = read = b""
    for part, flush in zip(map(bytes, parts), flushed, strict=False):
        expected += part
        read += reference.read(recoding.encode(part))
        if flush:
            read += reference.read(recoding.flush())
            assert read == expected
            assert recoding.flush() == b""
    read += reference.read(recoding.finish())
    assert read == expected
    assert reference.ended()


def test_without_codings_the_bytes_pass_in_pieces() -> None:
    for codings in ((), (b"identity",)):
        recoding = Recoding(codings)
        body = bytes(3 * PIECE + 1)
        pieces = list(recoding.decode(body))
        assert [len(piece) for piece in pieces] == [PIECE, PIECE, PIECE, 1]
        assert list(recoding.decode(b"")) == []
        assert recoding.encode(body) == body
        assert recoding.flush() + recoding.finish() == b""
        assert (recoding.complete, recoding.trailing) == (True, False)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_body_about_as_long_as_a_piece_comes_to_its_end(kind: str) -> None:
    """A decoder may have taken the last byte before it has put out all that it says."""
    name, encoder, _ = FORMATS[kind]
    for length in range(PIECE - 2, PIECE + 262):
        stream = encoder(6)
        recoding = Recoding((name,))
        assert len(decoded(recoding, [stream.write(bytes(length)) + stream.finish()])) == length
        assert recoding.complete


@pytest.mark.parametrize("stack", STACKS, ids=" ".join)
def test_a_body_without_bytes_stays_one(stack: Stack) -> None:
    """As in an answer to HEAD."""
    recoding = Recoding(names(stack))
    assert list(recoding.decode(b"")) == []
    assert recoding.encode(b"") + recoding.flush() + recoding.finish() == b""
    assert (recoding.complete, recoding.trailing) == (False, False)


@pytest.mark.parametrize("stack", STACKS, ids=" ".join)
def test_a_coded_body_that_says_nothing_stays_one(stack: Stack) -> None:
    recoding = Recoding(names(stack))
    assert decoded(recoding, [written(stack, [])]) == b""
    assert recoding.flush() == b""
    out = recoding.finish()
    assert out != b""
    reference = Reference(stack)
    assert reference.read(out) == b""
    assert reference.ended()


def test_a_piece_is_read_when_it_is_asked_for() -> None:
    """What comes after it need not be well-formed, then."""
    body = bytearray(gzip.compress(bytes(10 * MIB)))
    body[-1] ^= 1
    pieces = Recoding((b"gzip",)).decode(bytes(body))
    assert next(pieces) == bytes(PIECE)
    with pytest.raises(Malformed, match="incorrect length check"):
        list(pieces)


def test_so_many_codings_as_are_accepted_can_be_stacked() -> None:
    stack = ("gzip", "deflate", "br", "zstd")
    assert len(stack) == MOST_STACKED
    recoding = Recoding(names(stack))
    out = recoded(recoding, [written(stack, [TEXT])])
    assert Reference(stack).read(out) == TEXT


# --- the formats' own matters -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("wbits", [*range(9, 16), *range(-15, -8)])
@pytest.mark.parametrize("level", range(10))
def test_deflate_is_written_in_the_kind_it_came_in(wbits: int, level: int) -> None:
    """With the header of RFC 1950 or without, for each window and level, and cut between the two bytes that tell."""
    encoder = zlib_encoder(wbits, level)
    body = encoder.write(TEXT) + encoder.finish()
    out = recoded(Recoding((b"deflate",)), [body[:1], body[1:]])
    assert zlib.decompress(out, 15 if wbits > 0 else -15) == TEXT


def test_what_is_neither_kind_for_sure_is_deflate_without_a_header() -> None:
    """A window that RFC 1950 does not know, and to RFC 1951 bits that do not matter."""
    stored = b"\x88\x1c\0\xe3\xff" + b"x" * 28
    assert int.from_bytes(stored[:2], "big") % 31 == 0
    assert decoded(Recoding((b"deflate",)), [stored + b"\x03\0"]) == b"x" * 28


def test_members_of_gzip_are_one_body_and_written_as_one_member() -> None:
    """Some with all that a member's header may hold (RFC 1952 section 2.3)."""
    plain = gzip.compress(b"one ", 9)
    fields = struct.pack("<H", 5) + b"extra" + b"name\0" + b"comment\0"
    head = b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff" + fields
    head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    body = plain + head + plain[10:] + gzip.compress(b"") + plain

    def run(chunks: list[bytes]) -> bytes:
        recoding = Recoding((b"gzip",))
        out = recoded(recoding, chunks)
        assert (recoding.complete, recoding.trailing) == (True, False)
        reference = Reference(("gzip",))
        assert reference.read(out) == b"one one one "
        assert reference.ended()
        return out

    at_every_chunking(run, body)


SKIPPED = [struct.pack("<II", 0x184D2A50 + n, n * 9) + b"\x28\xb5\x2f\xfd?????" * n for n in range(16)]


def test_frames_of_zstd_are_one_body_and_written_as_one_frame() -> None:
    """Skippable frames say nothing, wherever they stand (RFC 8878 section 3.1.2)."""
    body = SKIPPED[15] + zstd.compress(b"one ") + SKIPPED[0] + SKIPPED[1] + zstd.compress(b"") + zstd.compress(b"two")

    def run(chunks: list[bytes]) -> bytes:
        recoding = Recoding((b"zstd",))
        out = recoded(recoding, chunks)
        assert (recoding.complete, recoding.trailing) == (True, False)
        reference = Reference(("zstd",))
        assert reference.read(out) == b"one two"
        assert reference.ended()
        return out

    at_every_chunking(run, body + SKIPPED[2])


@pytest.mark.parametrize("skipped", SKIPPED)
def test_each_kind_of_skippable_frame_is_skipped(skipped: bytes) -> None:
    recoding = Recoding((b"zstd",))
    assert decoded(recoding, [zstd.compress(b"one ") + skipped + zstd.compress(b"two")]) == b"one two"
    assert (recoding.complete, recoding.trailing) == (True, False)


def test_a_body_of_skippable_frames_says_nothing() -> None:
    recoding = Recoding((b"zstd",))
    assert zstd.decompress(recoded(recoding, SKIPPED)) == b""
    assert recoding.complete


@pytest.mark.parametrize(("window", "read"), [(10, True), (23, True), (24, False), (27, False)])
def test_a_window_of_zstd_may_have_8_megabytes_and_no_more(window: int, read: bool) -> None:
    """RFC 9659 section 3."""
    parameter = zstd.CompressionParameter
    encoder = zstd.ZstdCompressor(options={parameter.window_log: window})
    body = encoder.compress(TEXT, encoder.FLUSH_BLOCK) + encoder.flush()
    recoding = Recoding((b"zstd",))
    if read:
        assert decoded(recoding, [body]) == TEXT
    else:
        with pytest.raises(Malformed, match="too much memory"):
            list(recoding.decode(body))


def test_all_that_a_decoder_of_brotli_holds_back_comes_out() -> None:
    """It takes all of the input before it has put out all that this says."""
    body = TEXT * 3000
    for quality in (1, 5, 9):
        assert decoded(Recoding((b"br",)), [brotli.compress(body, quality=quality)]) == body


# --- what follows the end ---------------------------------------------------------------------------------------------

GARBAGE = (b"\0", b"\x1f", b"\x1f\x8c", b"\x28\xb5\x2f", b"\x4f\x2a\x4d\x18", b"\n<!-- cached -->\n", bytes(600))
KINDS = ["gzip", "deflate", "raw deflate", "zstd"]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("kind", KINDS)
def test_what_follows_the_end_is_dropped(kind: str, garbage: bytes) -> None:
    body = written((kind,), [TEXT])

    def run(chunks: list[bytes]) -> bytes:
        recoding = Recoding(names((kind,)))
        out = recoding.encode(decoded(recoding, chunks)) + recoding.finish()
        assert (recoding.complete, recoding.trailing) == (True, True)
        reference = Reference((kind,))
        assert reference.read(out) == TEXT
        assert reference.ended()
        return out

    at_every_chunking(run, body + garbage)


def test_what_follows_an_inner_end_is_dropped_too() -> None:
    recoding = Recoding((b"gzip", b"zstd"))
    out = recoded(recoding, [zstd.compress(gzip.compress(TEXT) + b"garbage")])
    assert gzip.decompress(zstd.decompress(out)) == TEXT
    assert (recoding.complete, recoding.trailing) == (True, True)


def test_after_garbage_no_other_stream_begins() -> None:
    for kind in KINDS:
        body = written((kind,), [TEXT])
        recoding = Recoding(names((kind,)))
        assert decoded(recoding, [body, bytes(20), body]) == TEXT


@pytest.mark.parametrize("garbage", GARBAGE)
def test_what_follows_the_end_of_brotli_is_malformed_wherever_it_is_cut(garbage: bytes) -> None:
    body = brotli.compress(TEXT) + garbage

    def run(chunks: list[bytes]) -> bytes:
        recoding = Recoding((b"br",))
        with pytest.raises(Malformed):
            decoded(recoding, chunks)
        assert not recoding.complete
        out = recoding.encode(TEXT) + recoding.finish()
        reference = Reference(("br",))
        assert reference.read(out) == TEXT
        assert not reference.ended()
        return out

    at_every_chunking(run, body)


# --- truncated, corrupted, made up ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stack", STACKS, ids=" ".join)
def test_a_truncated_body_is_truncated_as_it_goes_on(stack: Stack) -> None:
    """Cut at each byte: what is read is the beginning of the text, and all of it is in what is written."""
    body = written(stack, [TEXT[:100], TEXT[100:]])
    longest = 0
    for length in range(len(body)):
        recoding = Recoding(names(stack))
        pieces = [piece for chunk in (body[:length], b"") for piece in recoding.decode(chunk)]
        read = b"".join(pieces)
        assert TEXT.startswith(read)
        longest = max(longest, len(read))
        reference = Reference(stack)
        assert reference.read(recoding.encode(read) + recoding.finish()) == read
        assert not reference.ended()
        assert (recoding.complete, recoding.trailing) == (False, False)
    assert longest > 100


def test_a_truncated_coding_inside_a_whole_one_is_the_one_that_stays_open() -> None:
    inner = zlib.compress(TEXT)[:-3]
    recoding = Recoding((b"deflate", b"gzip"))
    out = recoded(recoding, [gzip.compress(inner)])
    assert not recoding.complete
    stream = zlib.decompressobj()
    assert stream.decompress(gzip.decompress(out)) == TEXT
    assert not stream.eof


def attempt(codings: tuple[bytes, ...], chunks: Iterable[bytes]) -> Recoding:
    """Reads until the end or until it is malformed; whatever else is raised fails the test."""
    recoding = Recoding(codings)
    try:
        out = recoded(recoding, chunks)
    except Malformed:
        assert not recoding.complete
        with pytest.raises(Malformed):
            list(recoding.decode(b"x"))
        out = recoding.finish()
    assert len(out) < 10 * MIB
    return recoding


@pytest.mark.parametrize("stack", STACKS, ids=" ".join)
def test_a_corrupted_byte_raises_nothing_but_malformed(stack: Stack) -> None:
    body = written(stack, [TEXT[:100], TEXT[100:]])
    rng = random.Random(1)
    for place in range(len(body)):
        for byte in {0, 255, body[place] ^ 1, body[place] ^ 0x80, rng.randrange(256)}:
            corrupted = body[:place] + bytes((byte,)) + body[place + 1 :]
            attempt(names(stack), [corrupted])
            attempt(names(stack), [corrupted[: place + 1], corrupted[place + 1 :]])


BEGINNINGS = (
    b"",
    b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
    b"\x78\x9c",
    b"\x28\xb5\x2f\xfd",
    b"\x50\x2a\x4d\x18",
    b"\x1b",
    b"\x63",
)


@given(stacks, st.sampled_from(BEGINNINGS), st.binary(max_size=200), sizes_of_chunks)
def test_made_up_bytes_raise_nothing_but_malformed(
    stack: Stack, beginning: bytes, rest: bytes, sizes: list[int]
) -> None:
    attempt(names(stack), cut(beginning + rest, sizes))


@given(stacks, bodies, st.binary(min_size=1, max_size=8), st.integers(0), sizes_of_chunks)
def test_a_body_with_a_hole_raises_nothing_but_malformed(
    stack: Stack, parts: list[Part], filler: bytes, place: int, sizes: list[int]
) -> None:
    body = written(stack, map(bytes, parts))
    place %= len(body)
    attempt(names(stack), cut(body[:place] + filler + body[place + 2 * len(filler) :], sizes))


@pytest.mark.parametrize("name", sorted(READABLE - {b"identity"}))
def test_a_page_that_is_not_in_the_coding_is_malformed(name: bytes) -> None:
    """Then nothing goes on, and what was written before stays readable."""
    recoding = Recoding((name,))
    with pytest.raises(Malformed):
        list(recoding.decode(b"<!DOCTYPE html><title>x</title>"))
    with pytest.raises(Malformed, match="before"):
        list(recoding.decode(b""))
    assert not recoding.complete
    assert recoding.finish() == b""


def test_a_second_member_that_is_malformed_leaves_what_is_written_open() -> None:
    recoding = Recoding((b"gzip",))
    with pytest.raises(Malformed):
        list(recoding.decode(gzip.compress(TEXT) + b"\x1f\x8b????????"))
    out = recoding.encode(TEXT) + recoding.finish()
    reference = Reference(("gzip",))
    assert reference.read(out) == TEXT
    assert not reference.ended()


# --- bounds -----------------------------------------------------------------------------------------------------------

BOMB = 64 * MIB
MEASURED = """
import resource, sys
from dntguard.codings import Recoding

def peak():
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024

body = sys.stdin.buffer.read()
recoding = Recoding(tuple(name.encode() for name in sys.argv[1:]))
before = peak()
pieces = ((len(piece), len(recoding.encode(piece))) for piece in recoding.decode(body))
total = largest = most = 0
for length, out in pieces:
    total, largest, most = total + length, max(largest, length), max(most, out)
recoding.finish()
print(total, largest, most, before, peak() - before)
"""


def bomb(stack: Stack, size: int = BOMB) -> bytes:
    encoders = [FORMATS[each][1](9) for each in stack]
    body = b""
    for place in range(0, size + MIB, MIB):
        data = bytes(MIB) if place < size else b""
        for encoder in encoders:
            data = encoder.write(data) + (b"" if place < size else encoder.finish())
        body += data
    return body


@pytest.mark.measures
@pytest.mark.parametrize("stack", [("gzip",), ("br",), ("zstd",), ("gzip", "gzip"), ("zstd", "br")], ids=" ".join)
def test_a_bomb_passes_in_the_memory_of_the_windows(stack: Stack) -> None:
    """In a process of its own, for most of what a decoder holds is not Python's. Some of these are 200 bytes."""
    # The shell is there because a process begins with the peak of the one that it replaced.
    run = subprocess.run(
        [
            "/bin/sh",
            "-c",
            '"$0" "$@"; exit $?',
            sys.executable,
            "-c",
            MEASURED,
            *(each.decode() for each in names(stack)),
        ],
        input=bomb(stack),
        capture_output=True,
        check=True,
    )
    total, largest, most, before, grown = map(int, run.stdout.split())
    assert total == BOMB
    assert largest <= PIECE
    assert most <= PIECE
    assert before < 64 * MIB
    assert grown < 8 * MIB


LONG: dict[str, tuple[bytes, Callable[[int], bytes], int]] = {
    "members": (b"gzip", lambda count: gzip.compress(b"x") * count, 10_000),
    "empty members": (b"gzip", lambda count: gzip.compress(b"") * count, 10_000),
    "frames": (b"zstd", lambda count: zstd.compress(b"x") * count, 1500),
    "skippable frames": (b"zstd", lambda count: SKIPPED[0] * count, 1500),
    "zlib's garbage": (b"deflate", lambda count: zlib.compress(b"x") + bytes(count), MIB),
    "gzip's garbage": (b"gzip", lambda count: gzip.compress(b"x") + bytes(count), MIB),
    "zstd's garbage": (b"zstd", lambda count: zstd.compress(b"x") + bytes(count), MIB),
    "a long name": (b"gzip", lambda count: b"\x1f\x8b\x08\x08\0\0\0\0\0\0" + b"x" * count, MIB),
    "a long skippable frame": (b"zstd", lambda count: struct.pack("<II", 0x184D2A50, count) + bytes(count), MIB),
    "zeros in gzip": (b"gzip", lambda count: gzip.compress(bytes(count)), 4 * MIB),
    "zeros in brotli": (b"br", lambda count: brotli.compress(bytes(count), quality=4), 8 * MIB),
    "zeros in zstd": (b"zstd", lambda count: zstd.compress(bytes(count)), 8 * MIB),
    "stored blocks": (b"deflate", lambda count: b"\0\0\0\xff\xff" * count, 20_000),
}


def cost(name: bytes, body: bytes, chunk: int) -> float:
    best = 9e9
    for _ in range(2):
        recoding = Recoding((name,))
        start = time.process_time()
        for piece in cut(body, [chunk]):
            for read in recoding.decode(piece):
                recoding.encode(read)
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.measures
@pytest.mark.parametrize("chunk", [1 << 30, 1000], ids=["whole", "1000"])
@pytest.mark.parametrize("construct", LONG)
def test_four_times_the_input_takes_about_four_times_as_long(construct: str, chunk: int) -> None:
    name, make, count = LONG[construct]
    before, after = (cost(name, make(each), chunk) for each in (count, 4 * count))
    assert after < 8 * max(before, 0.004), f"{before:.4f} s, then {after:.4f} s"


@pytest.mark.measures
@pytest.mark.parametrize("kind", ["gzip", "br", "zstd"])
def test_single_bytes_take_about_as_long_each(kind: str) -> None:
    rng = random.Random(1)
    body = written((kind,), [rng.randbytes(1000) for _ in range(40)])
    name = FORMATS[kind][0]
    before, after = cost(name, body[: len(body) // 4], 1), cost(name, body, 1)
    assert after < 8 * max(before, 0.004), f"{before:.4f} s, then {after:.4f} s"
