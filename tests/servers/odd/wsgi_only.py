"""What only WSGI can say (PEP 3333)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dntguard.wsgi import Environ, StartResponse, WSGIApp
from tests.servers.odd.shape import CLOSED, FILE, HTML, JSON, PAGE, Closing, Odd, OddError, as_text, length_of

Pair = tuple[bytes, bytes]


def _returns(says: str, kind: Pair, make: Callable[[], Iterable[bytes] | Sequence]) -> Odd:
    """An application that starts and returns what `make` makes."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", as_text([kind]))
        made: Any = make()  # a `Sequence` is iterable too, but not to a type checker
        returned: Iterable[bytes] = made
        return returned

    return Odd(says, wsgi=app, page=kind is HTML)


class Sequence:
    """A sequence of its own, that is iterated by index as before there were iterators."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    def __len__(self) -> int:
        return len(self._chunks)

    def __getitem__(self, index: int) -> bytes:
        return self._chunks[index]


class Apart:
    """An iterable that is not its own iterator, and is the one to be closed."""

    def __init__(self, says: str, *chunks: bytes) -> None:
        self._says = says
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks

    def close(self) -> None:
        CLOSED[self._says] += 1


class ListWithClose(list[bytes]):
    """A list that wants to be closed."""

    def close(self) -> None:
        CLOSED["a list that wants to be closed"] += 1


def _generator(kind: Pair, *chunks: bytes, status: str = "200 OK") -> WSGIApp:
    """Calls `start_response` when the first chunk is asked for."""

    def app(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response(status, as_text([kind]))
        yield from chunks

    return app


def _writing(kind: Pair, written: list[bytes], returned: list[bytes]) -> WSGIApp:
    """Uses the `write()` callable."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", as_text([kind]))
        for chunk in written:
            write(chunk)
        return returned

    return app


def _replacing(says: str, first: Pair, second: Pair, *chunks: bytes) -> WSGIApp:
    """Fails after these chunks, and calls `start_response` again with `exc_info`."""

    def stream(start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", as_text([first, (b"Set-Cookie", b"_ga=1")]))
        try:
            yield from chunks
            raise OddError(says)
        except OddError:
            start_response("500 Oops", as_text([second]), sys.exc_info())
            yield b"<p>sorry</p>"

    return lambda environ, start_response: Closing(says, stream(start_response))


def _failing_chunks(says: str, *chunks: bytes) -> Iterator[bytes]:
    yield from chunks
    raise OddError(says)


def _filed(kind: Pair, skip: int = 0, tells: bool = False) -> WSGIApp:
    """Sends a file as the server likes best."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        file = FILE.open("rb")
        file.seek(skip)
        size = FILE.stat().st_size - skip
        start_response("200 OK", as_text([kind, *([length_of(size)] if tells else [])]))
        wrapper = environ.get("wsgi.file_wrapper")
        if wrapper is None:
            with file:
                return [file.read()]
        wrapped: Iterable[bytes] = wrapper(file, 64)
        return wrapped

    return app


def _status(line: str) -> Odd:
    return Odd(f"the status line {line!r}", wsgi=_generator(JSON, b"{}", status=line))


def _fails_at_once(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    raise OddError("before the start")


def _fails_when_started(kind: Pair) -> WSGIApp:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", as_text([kind]))
        raise OddError("after the start")

    return app


def _never_started(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return [b"x"]


def _kinds(name: str, kind: Pair, content: bytes, *, page: bool) -> list[Odd]:
    """What is odd whatever the type of the content is."""
    begin, end = content[:3], content[3:]
    apart = f"{name} as an iterable that is not its iterator"
    failing = f"{name} that fails while it is iterated"
    failing_close = f"{name} that fails when it is closed"
    unsent = f"{name} that is replaced before its first chunk"
    empty = f"{name} that is replaced after an empty chunk"
    sent = f"{name} that fails after its first chunk and cannot be replaced"
    return [
        _returns(f"{name} as a list of several", kind, lambda: [begin, b"", end]),
        _returns(f"{name} as a tuple of one", kind, lambda: (content,)),
        _returns(f"{name} as a tuple of several", kind, lambda: (begin, end)),
        _returns(f"{name} as an empty list", kind, list),
        _returns(f"{name} as an empty tuple", kind, tuple),
        _returns(f"{name} as an empty iterator", kind, lambda: iter(())),
        _returns(f"{name} as an iterator of a list", kind, lambda: iter([begin, end])),
        _returns(f"{name} as a sequence of its own, of one", kind, lambda: Sequence(content)),
        _returns(f"{name} as a sequence of its own", kind, lambda: Sequence(begin, end)),
        _returns(apart, kind, lambda: Apart(apart, begin, end)),
        _returns(failing, kind, lambda: Closing(failing, _failing_chunks(failing, begin))),
        _returns(failing_close, kind, lambda: Closing(failing_close, [content], OddError)),
        Odd(f"{name} that starts late", wsgi=_generator(kind, begin, end), page=page),
        Odd(f"{name} that starts late with nothing", wsgi=_generator(kind, b"", content), page=page),
        Odd(f"{name} that starts late and has no body", wsgi=_generator(kind), page=page),
        Odd(f"{name} that is written", wsgi=_writing(kind, [begin, end], []), page=page),
        Odd(f"{name} that is written and returned", wsgi=_writing(kind, [begin], [end]), page=page),
        Odd(f"{name} that is written with nothing first", wsgi=_writing(kind, [b"", content], [b""]), page=page),
        # The error page is a page, and so is a page of which an empty chunk has already sent the headers.
        Odd(unsent, wsgi=_replacing(unsent, kind, HTML), page=True),
        Odd(empty, wsgi=_replacing(empty, kind, HTML, b""), page=True),
        Odd(sent, wsgi=_replacing(sent, kind, HTML, begin), page=page),
        Odd(f"{name} as a file", wsgi=_filed(kind), page=page),
        Odd(f"{name} as a file with its length", wsgi=_filed(kind, tells=True), page=page),
        Odd(f"{name} as the rest of a file", wsgi=_filed(kind, skip=20, tells=True), page=page),
        Odd(f"{name} that fails before it returns", wsgi=_fails_when_started(kind), page=page, fails_unsent=page),
        Odd(f"HEAD of {name} that is sent all the same", wsgi=_generator(kind, content), page=page, method="HEAD"),
        Odd(f"HEAD of {name} as a list", wsgi=_writing(kind, [], [content]), page=page, method="HEAD"),
    ]


ALL = [
    *_kinds("a page", HTML, PAGE, page=True),
    *_kinds("json", JSON, b'{"a": 1}', page=False),
    _returns("a list that wants to be closed", JSON, lambda: ListWithClose([b"{}"])),
    _status("200"),
    _status("299 Odd Words Indeed"),
    _status("404 "),
    Odd("an application that fails before it starts", wsgi=_fails_at_once),
    Odd("an application that never starts", wsgi=_never_started, on_servers=False),  # what they say of it is all theirs
]
