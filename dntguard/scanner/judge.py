"""What a scanner asks, and the answers it understands.

A scanner knows markup and no vendor; a judge knows vendors and no markup. Both scanners, of HTML and of XML, ask the
same questions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, Protocol, TypeVar

INERT: Final = b"<!---->"
"""What a removed element leaves. Never nothing: the text around it must not join into a new tag."""

Verdict = TypeVar("Verdict")
"""Why something is taken out; a scanner only passes it on."""

Leaves = Callable[[Verdict], bytes]
"""From why an element is taken out to the comment that stands in its place."""


def inert(_: object) -> bytes:
    """The same for every element."""
    return INERT


class Text(Enum):
    """An answer about a start tag: the element's text decides, read as this."""

    SCRIPT = "script"
    MODULE = "module"
    STYLE = "style"
    IMPORT_MAP = "importmap"
    SPECULATION_RULES = "speculationrules"
    KEEP = "keep"
    """The text stays as it is, even where the scanner would ask about it for being in doubt."""


@dataclass(frozen=True, slots=True)
class Edit(Generic[Verdict]):
    """An answer: something else stands in its place.

    Attributes:
        instead: the bytes to write in place of the start tag, or of the element's text, that was asked about.
        verdicts: why, one for each thing that is no longer in it.
        text: for a start tag: how the element's text must be read, if it must be judged too.
    """

    instead: bytes
    verdicts: tuple[Verdict, ...]
    text: Text | None = None


class Filter(Protocol):
    """Text that is rewritten while it comes."""

    @property
    def held(self) -> int:
        """How many of the last bytes of the input are held back."""

    def feed(self, data: bytes) -> bytes:
        """The next bytes; returns those that are decided."""

    def close(self) -> bytes:
        """The end of the text; returns what was still held back."""


class Judge(Protocol[Verdict]):
    """What a scanner asks."""

    tags: Mapping[bytes, Verdict | Edit[Verdict] | Text | None]
    """From the exact bytes of a start tag to what becomes of it: None keeps it, a verdict takes the element out."""

    relative_is_kept: bool
    """Whether relative addresses are the site's own, so that a tag without any other is kept unasked. May change after
    `base`."""

    ambiguous: Verdict | None
    """Why that which cannot be decided is taken out; None to keep it."""

    def text(self, kind: Text, text: bytes) -> Verdict | Edit[Verdict] | None:
        """What becomes of the whole text of an element; a verdict takes the element out."""

    def style(self) -> Filter:
        """What rewrites a style sheet over the limit, in pieces; it reports by itself what it takes out."""

    def base(self, tag: bytes) -> None:
        """Learn of a `base` element that stays. The answers in `tags` may change after this."""

    def removed(self, verdict: Verdict, tag: bytes) -> None:
        """Learn that the element that starts with `tag`, or a part of it, was taken out."""

    def passed(self, verdict: Verdict) -> None:
        """Learn that a script over the limit holds something refused in a part that came after; it was let through."""
