"""An element whose content an HTML parser reads as text: where the text ends, and what becomes of it.

Sections are those of the HTML standard, https://html.spec.whatwg.org/multipage/parsing.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Generic

from dntguard.scanner.foreign import is_plain_text, text_content
from dntguard.scanner.grammar import RAW_END, SCRIPT_MARKS, WARY_STEP
from dntguard.scanner.judge import Edit, Filter, Judge, Text, Verdict
from dntguard.scanner.output import Output

_PASS, _HOLD, _DROP, _WATCH = "pass", "hold", "drop", "watch"
_OVERLAP: Final = 4096
"""No mark of a snippet is longer, in bytes."""


class TextElement(Generic[Verdict]):
    """One such element, from its start tag up to its end tag.

    Its text passes, goes, or is held until all of it can be judged. Of a script over the limit, which passed before
    all of it was seen, the rest is watched: it is out, and what it holds is reported.

    Args:
        judge: is asked about the text.
        limit: how many bytes of text may be held.
        out: where the element goes, or what it leaves.
        name: the element's lower-case name.
        tag: its start tag, which is not out yet; empty if it is out or gone without having been read.
        doubtful: another reading takes the content as markup, or decodes it.
        in_foreign: the element stands in SVG or MathML, as far as is known.
    """

    __slots__ = (
        "_action",
        "_doubtful",
        "_edit",
        "_escaped",
        "_filter",
        "_held",
        "_in_foreign",
        "_judge",
        "_kind",
        "_limit",
        "_out",
        "_tag",
        "may_hold_tags",
        "name",
    )

    def __init__(
        self,
        judge: Judge[Verdict],
        limit: int,
        out: Output[Verdict],
        name: bytes,
        tag: bytes = b"",
        *,
        doubtful: bool = False,
        in_foreign: bool = False,
    ) -> None:
        self._judge = judge
        self._limit = limit
        self._out = out
        self.name = name
        self._tag = tag
        self._doubtful = doubtful
        self._in_foreign = in_foreign
        self._action = _PASS
        self._kind: Text | None = None
        self._edit: Edit[Verdict] | None = None
        self._filter: Filter | None = None
        self._held = bytearray()
        self._escaped = 0
        # Whether one of two readings may see tags in the text; known at its end.
        self.may_hold_tags = False

    @property
    def dropped(self) -> bool:
        """Whether the element is taken out."""
        return self._action is _DROP

    @property
    def held(self) -> int:
        """How many bytes are held back."""
        if self._action is _HOLD:
            return len(self._tag) + len(self._held)
        return 0 if self._filter is None else self._filter.held

    @property
    def holds_markup(self) -> bool:
        """Whether what is held must be scanned: a browser without scripting reads the content of `noscript`."""
        return self.name == b"noscript" and not self._doubtful and self._action is _HOLD

    def begin(self, answer: Verdict | Edit[Verdict] | Text | None) -> None:
        """Follow the judge's answer about the start tag."""
        if isinstance(answer, Edit):
            self._edit = answer
            self._kind = answer.text
        elif isinstance(answer, Text):
            self._kind = answer
        elif answer is not None:
            self._take_out(answer)
            return
        if self._doubtful or self.name == b"noscript" or self._kind not in (None, Text.KEEP):
            self._action = _HOLD
        else:
            self._pass()

    def drop(self) -> None:
        """The start tag was taken out without having been read."""
        self._action = _DROP

    def _pass(self) -> None:
        """The start tag goes out, and the text follows."""
        self._action = _PASS
        self._out.append(self._tag if self._edit is None else self._out.edit(self._edit, self._tag))

    def _take_out(self, verdict: Verdict) -> None:
        self._action = _DROP
        self._out.remove(verdict, self._tag)

    # --- where it ends ------------------------------------------------------------------------------------------------

    def read(self, data: bytes, pos: int) -> tuple[int, bool]:
        """Read on from `pos`, up to the end tag or what the chunk may cut of it; returns where, and whether it ends."""
        if self.name == b"script" and not self._doubtful:
            end, is_end = self._script_end(data, pos)
        else:
            found = RAW_END[self.name](data, pos)
            is_end = found is not None
            end = max(pos, len(data) - len(self.name) - 2) if found is None else found.start()
        self.feed(data[pos:end])
        return end, is_end

    def _script_end(self, data: bytes, pos: int) -> tuple[int, bool]:
        """The same for a script.

        The script data states (sections 13.2.5.15 to 13.2.5.31): escaped after `<!--`, double escaped after a
        `<script` in there, where `</script` only goes one step back; `-->` ends both.
        """
        while True:
            found = SCRIPT_MARKS[self._escaped](data, pos)
            if found is None:
                return max(pos, len(data) - 8), False  # len("</script"): the rest may be a mark's start
            mark = found.lastgroup
            pos = found.end()
            if mark == "close":
                if self._escaped < 2:
                    return found.start(), True
                self._escaped = 1
            elif mark == "escape":
                self._escaped = 1
                pos -= 2  # "<!-->" and "<!--->" end at once
            elif mark == "unescape":
                self._escaped = 0
            else:
                self._escaped = 2

    # --- what becomes of it -------------------------------------------------------------------------------------------

    def feed(self, text: bytes) -> None:
        """The next bytes of the text."""
        if self._action is _PASS:
            self._out.append(text if self._filter is None else self._filter.feed(text))
        elif self._action is not _DROP:
            self._held += text
            if self._action is _WATCH:
                self._out.append(text)
            if len(self._held) > self._limit:
                if self._action is _HOLD:
                    self._overflow()
                else:
                    self._watch()

    def finish(self, *, at_end: bool = False) -> None:
        """The text is complete; `at_end`: by the end of the document."""
        if self._action is _HOLD:
            text = self.take_held()
            answer = None if self._kind is None else self._judge.text(self._kind, text)
            if self._doubtful and (answer is None or isinstance(answer, Edit)):
                answer = self._in_doubt(text, answer)
            self.settle(text, answer)
        elif self._action is _WATCH and not at_end:  # a script that never ends does not run
            self._watch()
        elif self._filter is not None:
            self._out.append(self._filter.close())

    def take_held(self) -> bytes:
        """The text that is held; it is held no longer."""
        text = bytes(self._held)
        self._held.clear()
        return text

    def settle(self, text: bytes, answer: Verdict | Edit[Verdict] | None) -> None:
        """What was held is decided: it goes, or its start tag is let out and then `text`, or an edit of it."""
        if answer is not None and not isinstance(answer, Edit):
            self._take_out(answer)
            return
        self._pass()
        self._out.append(text if answer is None else self._out.edit(answer, self._tag))

    def _in_doubt(self, text: bytes, answer: Edit[Verdict] | None) -> Verdict | Edit[Verdict] | None:
        """What becomes of an element whose content may be read in two ways, when one of them lets it stay."""
        decoded = text_content(text)
        if self._kind is not None and decoded != text:
            other = self._judge.text(self._kind, decoded)
            if other is not None:
                return other.verdicts[0] if isinstance(other, Edit) else other
        # Of a script or a style in SVG, comments and elements do not count, and join what is around them.
        foreign = self.name == b"script" or (self.name == b"style" and self._in_foreign)
        agree = is_plain_text(text) if foreign else readings_agree(self._judge.tags, text)
        self.may_hold_tags = b"<" in text
        return answer if agree or self._judge.ambiguous is None else self._judge.ambiguous

    def _overflow(self) -> None:
        """An element over the limit: a plain script is judged by what was seen of it, the rest is ambiguous."""
        text = self.take_held()
        if self._kind is Text.STYLE and not self._doubtful:
            self._filter = self._judge.style()
            self._pass()
            self._out.append(self._filter.feed(text))
            return
        plain = self._kind in (Text.SCRIPT, Text.MODULE) and not self._doubtful
        verdict = self._judge.text(Text.SCRIPT, text) if plain else self._judge.ambiguous
        if verdict is not None and not isinstance(verdict, Edit):
            self._take_out(verdict)
            return
        self._pass()
        self._out.append(text)
        if plain:
            self._held += text[-_OVERLAP:]  # a mark may stand where the text was cut
            self._action = _WATCH

    def _watch(self) -> None:
        """Report what the rest of a script over the limit holds; it is out already."""
        text = self.take_held()
        verdict = self._judge.text(Text.SCRIPT, text)
        if verdict is None or isinstance(verdict, Edit):
            self._held += text[-_OVERLAP:]
        else:
            self._judge.passed(verdict)
            self._action = _PASS


def readings_agree(tags: Mapping[bytes, Any], text: bytes) -> bool:
    """Whether `text` read as markup ends in data and holds nothing that matters; then it is no matter how it is read.

    Args:
        tags: a judge's answers about start tags.
        text: the content of an element, or a part of it.
    """
    pos = 0
    while pos < len(text):
        found = WARY_STEP(text, pos)
        if found.lastgroup is None:
            return found.end() == len(text)
        if tags[found["tag"]] is not None:
            return False
        pos = found.end()
    return True
