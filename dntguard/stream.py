"""A page on its way through: out of its content coding, rewritten, and into the coding again."""

from __future__ import annotations

from dntguard.codings import Malformed, Recoding
from dntguard.policy import OnError
from dntguard.report import Removal, any_undecidable
from dntguard.rewriter import Rewriter


class PageStream:
    """One page. What is decided of a chunk can be decoded at the other end before the next chunk comes.

    Args:
        rewriter: takes out of the page what is refused.
        codings: the content codings of the body, all of which can be read.
        on_error: `Policy.on_error`: with `"keep"`, an error of the rewriter ends the rewriting and not the page.
    """

    def __init__(self, rewriter: Rewriter, codings: tuple[bytes, ...], on_error: OnError) -> None:
        self._error: Exception | None = None
        self._rewriter = rewriter
        self._recoding = Recoding(codings) if codings else None
        self._codings = codings
        self._on_error = on_error
        self._decoded = False
        self._malformed = False

    @property
    def error(self) -> Exception | None:
        """The rewriter's error, after which the page goes on as it is."""
        return self._error or self._rewriter.error

    @property
    def unreadable(self) -> bool:
        """Whether the body is not in the codings that it claims, from its first byte on."""
        return self._malformed and not self._decoded

    @property
    def coded(self) -> bool:
        """Whether the body is in a content coding, so that what follows cannot go out as it comes."""
        return self._recoding is not None

    @property
    def undecided(self) -> bytes:
        """What of the page is held back now, decoded."""
        return b"" if self._error is not None else self._rewriter.undecided

    @property
    def removals(self) -> list[Removal]:
        """What was taken out so far."""
        return [*self._rewriter.removals, *self._left_out()]

    @property
    def undecidable(self) -> bool:
        """Whether something so far could not be judged."""
        return any_undecidable(self._rewriter.removals)

    @property
    def removal_count(self) -> int:
        """How many things were taken out so far."""
        return self._rewriter.removal_count + len(self._left_out())

    def _left_out(self) -> list[Removal]:
        """What follows the part of the body that is in its content coding."""
        recoding = self._recoding
        if recoding is None or not self._decoded or not (self._malformed or recoding.trailing):
            return []
        what = b", ".join(self._codings).decode("latin-1")
        return [Removal("body", what, None, None, "what follows is not in the content coding")]

    def feed(self, chunk: bytes, *, flush: bool = True) -> bytes:
        """The next bytes of the body; returns those that are decided.

        `flush`: whether they can be decoded before the next ones come; where these are the last, that costs bytes.
        """
        recoding = self._recoding
        if recoding is None:
            return self._rewritten(chunk)
        if self._malformed:
            return b""  # no browser reads on
        out: list[bytes] = []
        try:
            for piece in recoding.decode(chunk):
                self._decoded = True
                out.append(recoding.encode(self._rewritten(piece)))
        except Malformed:
            self._malformed = True
        if flush:
            out.append(recoding.flush())
        return b"".join(out)

    def close(self) -> bytes:
        """The end of the body; returns what was still held back."""
        rest = self._closed()
        return rest if self._recoding is None else self._recoding.encode(rest) + self._recoding.finish()

    def _rewritten(self, data: bytes) -> bytes:
        if self._error is not None:
            return data
        try:
            return self._rewriter.feed(data)
        except Exception as error:  # noqa: BLE001  # whatever is wrong in there, the page is not
            return self._given_up(error) + data

    def _closed(self) -> bytes:
        if self._error is not None:
            return b""
        try:
            return self._rewriter.close()
        except Exception as error:  # noqa: BLE001  # as above
            return self._given_up(error)

    def _given_up(self, error: Exception) -> bytes:
        """What the rewriter holds, as it came; from here on the page passes."""
        if self._on_error == "remove":
            raise error
        self._error = error
        return self._rewriter.undecided
