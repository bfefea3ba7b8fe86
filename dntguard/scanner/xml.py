"""An incremental scanner of XHTML: bytes in, the same bytes out, less what a judge refuses, by XML's rules.

It is the sibling of the HTML scanner for `application/xhtml+xml`. XML's markup nests exactly and means the same
everywhere, so no stack is needed: between constructs the place is always plain data, and an element ends at the end
tag that brings the count of open elements of its name to zero. A parser stops at the first error; the scan goes on
after it as if there had been none, for a lenient reader.

The attacks it is built against:

1. `</script>` in a comment, a CDATA section or an instruction ends nothing; `<title>` and `<style>` hide no markup;
   `<script/>` is a whole element.
2. Any prefix may be bound to the namespace of XHTML, SVG or XLink: an element is judged by its local name, and each
   prefixed `href` as `xlink:href`.
3. Names differ by case. A judge reads them as HTML does and takes the first of attributes that it cannot tell apart:
   it is asked about `<script SRC="a" src="b"/>` with `src` first, and about `<SCRIPT>` as an element without meaning.
4. An internal subset can declare entities that hold markup or a part of an address, and attributes that no tag shows.
   It passes only when each entity means what HTML means by its name, for so a judge reads it.
5. `<?xml-stylesheet?>` loads what it names, and may turn the document into another one.

Sections are those of XML 1.0, https://www.w3.org/TR/xml/.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, Generic

from dntguard.scanner.judge import Edit, Judge, Leaves, Text, Verdict, inert
from dntguard.scanner.tags import CutTag
from dntguard.scanner.xml_grammar import (
    BEGINNINGS,
    CONSTRUCT,
    ENDS,
    HEAD_MARK,
    INSIDE,
    LONGEST_BEGINNING,
    OTHER,
    PLAIN,
    PSEUDO_ATTRIBUTES,
    QUALIFIED_NAME,
    STEP,
    SUBSET_MARK,
    child_text,
    escaped,
    is_harmless,
    questions,
)

_PASS, _HOLD, _DROP = "pass", "hold", "drop"
_EXCERPT: Final = 200

_Mode = Callable[[bytes, int], int]


class XmlScanner(Generic[Verdict]):
    """One pass over one document.

    Args:
        judge: is asked about each tag, text and style sheet instruction that may matter.
        limit: how many bytes may be held back for one undecided tag, element, instruction or internal subset.
        leaves: what a removed element or instruction leaves.
    """

    def __init__(self, judge: Judge[Verdict], limit: int, *, leaves: Leaves[Verdict] = inert) -> None:
        self._judge = judge
        self._leaves = leaves
        self._limit = limit
        self._out: list[bytes] = []
        self._pending = b""
        self._mode: _Mode = self._data
        # A construct that runs to a fixed end, and what comes after it.
        self._end = b""
        self._then: _Mode = self._data
        # An unfinished tag.
        self._tag = CutTag()
        # What is held back or dropped: an element, or, without a name, an instruction or the internal subset.
        self._sink = _PASS
        self._open = b""
        self._depth = 0
        self._start = b""
        self._kind = Text.SCRIPT
        self._held = bytearray()
        self._leaves_comment = True
        self._decide: Callable[[], None] = self._decide_text

    @property
    def held(self) -> int:
        """How many of the last bytes of the input are held back."""
        cut = len(self._tag.held_back) if self._mode == self._in_tag and not self._tag.overflowed else 0
        return len(self._pending) + len(self._held) + cut

    def feed(self, data: bytes) -> bytes:
        """The next bytes of the document; returns those that are decided."""
        if self._pending:
            data = self._pending + data
            self._pending = b""
        pos = 0
        size = len(data)
        while pos < size:
            pos = self._mode(data, pos)
        return self._taken()

    def close(self) -> bytes:
        """The end of the document; returns what was still held back."""
        if self._mode == self._in_tag and not self._tag.overflowed:
            self._put(bytes(self._tag.held_back))
        self._put(self._pending)
        self._pending = b""
        if self._sink is _HOLD:
            self._decide()
        self._finish()
        self._mode = self._data
        return self._taken()

    def _taken(self) -> bytes:
        out = self._out
        self._out = []
        return out[0] if len(out) == 1 else b"".join(out)

    # --- what is held back or dropped ---------------------------------------------------------------------------------

    def _begin(self, decide: Callable[[], None], start: bytes, name: bytes = b"", *, comment: bool = True) -> None:
        """Hold back from here on, until `decide` can tell; `comment`: whether one may stand there instead."""
        self._sink = _HOLD
        self._decide = decide
        self._held[:] = self._start = start
        self._open = name
        self._depth = 1
        self._leaves_comment = comment

    def _put(self, piece: bytes) -> None:
        """Bytes that were read, to where they belong."""
        if self._sink is _PASS:
            self._out.append(piece)
        elif self._sink is _HOLD:
            self._held += piece
            if len(self._held) > self._limit:
                self._settle(self._doubt)
                if self._sink is _PASS:
                    self._open = b""

    def _settle(self, verdicts: Sequence[Verdict]) -> None:
        """What is held back is decided: it is let out or, for these reasons, left out with all that belongs to it."""
        self._sink = _DROP if verdicts else _PASS
        if not verdicts:
            self._out.append(bytes(self._held))
        elif self._leaves_comment:
            self._out.append(self._leaves(verdicts[0]))
        self._report(verdicts, self._start if self._open else bytes(self._held[:_EXCERPT]))
        self._held.clear()

    def _finish(self) -> None:
        """What was held back or dropped is at its end."""
        self._sink = _PASS
        self._open = b""

    def _report(self, verdicts: Sequence[Verdict], tag: bytes) -> None:
        for verdict in verdicts:
            self._judge.removed(verdict, tag)

    @property
    def _doubt(self) -> Sequence[Verdict]:
        """Why that which cannot be decided goes, if it does."""
        return () if self._judge.ambiguous is None else (self._judge.ambiguous,)

    # --- data ---------------------------------------------------------------------------------------------------------

    def _data(self, data: bytes, pos: int) -> int:
        start = pos
        if self._open:
            while (found := INSIDE(data, pos)).lastindex is not None:
                pos = found.end()
                if found[3] == self._open:
                    self._put(data[start : found.start(1)])
                    if not self._open:
                        return found.start(1)
                    self._namesake(found[1], bool(found[2]))
                    return pos
        else:
            tags = self._judge.tags
            while (found := STEP(data, pos)).lastindex is not None:
                pos = found.end()
                if found.lastindex == PLAIN and tags[found[1]] is None and found[2] != b"base":
                    continue
                self._out.append(data[start : found.start(found.lastindex)])
                self._start_tag(found)
                return pos
        pos = found.end()
        if pos > start:
            self._put(data[start:pos])
        return self._construct(data, pos) if pos < len(data) else pos

    def _construct(self, data: bytes, pos: int) -> int:
        """What begins at `pos`, a `<`: something that the chunk cuts, or that the step does not know."""
        rest = data[pos : pos + LONGEST_BEGINNING + 1]
        if any(beginning.startswith(rest) for beginning in BEGINNINGS):
            self._pending = rest
            return len(data)
        found = CONSTRUCT(data, pos)
        mark = found[0]
        kind = found.lastgroup
        if kind == "tag":
            is_end = bool(found["slash"])
            self._tag = CutTag(is_end=is_end, held=bool(self._open) or not is_end)
            self._mode = self._in_tag
            return self._in_tag(data, pos, skip=found.end())
        if kind == "run" or (kind == "sheet" and self._open):
            self._put(mark)
            self._until(ENDS.get(mark, b"?>"), self._data)
        elif kind == "sheet":
            self._begin(self._decide_sheet, mark)
            self._until(b"?>", self._after_sheet)
        else:
            self._put(mark)
            if kind == "doctype" and not self._open:
                self._mode = self._doctype
        return found.end()

    def _until(self, end: bytes, then: _Mode) -> None:
        self._end = end
        self._then = then
        self._mode = self._run

    def _run(self, data: bytes, pos: int) -> int:
        """All up to the end mark of a comment, a CDATA section, an instruction or a literal."""
        found = data.find(self._end, pos)
        if found < 0:
            safe = max(pos, len(data) - len(self._end) + 1)
            self._put(data[pos:safe])
            self._pending = data[safe:]
            return len(data)
        end = found + len(self._end)
        self._put(data[pos:end])
        self._mode = self._then
        return self._mode(data, end)

    # --- tags ---------------------------------------------------------------------------------------------------------

    def _start_tag(self, found: re.Match[bytes]) -> None:
        """A start tag or empty-element tag that may matter (section 3.1)."""
        group = PLAIN if found.lastindex == PLAIN else OTHER
        tag, name = found[group], found[group + 1]
        question, asked, extra = (tag, name, ()) if group == PLAIN else questions(tag, name)
        tags = self._judge.tags
        answer = tags[question]
        known = _verdicts(answer)
        refused = [verdict for other in extra for verdict in _verdicts(tags[other]) if verdict not in known]
        if isinstance(answer, Edit) and not refused:
            self._report(answer.verdicts, tag)
            question = answer.instead
            # HTML allows "<" in a value.
            tag = b"<" + name + question[1 + len(asked) :].replace(b"<", b"&lt;")
            answer = answer.text
        is_empty = tag.endswith(b"/>")
        if refused or not (answer is None or isinstance(answer, Text)):
            self._begin(self._decide_text, tag, name)
            self._settle(refused or known)
            if is_empty:
                self._finish()
        elif answer is None or answer is Text.KEEP or is_empty:
            self._out.append(tag)
            if asked == b"base":
                self._judge.base(question)
        else:
            self._begin(self._decide_text, tag, name)
            self._kind = answer

    def _namesake(self, tag: bytes, is_end: bool) -> None:
        """A whole tag with the name of the element that is held back or dropped."""
        if is_end and self._depth == 1 and self._sink is _HOLD:
            self._decide_text()
        self._put(tag)
        self._count(is_end=is_end, is_empty=tag.endswith(b"/>"))

    def _count(self, *, is_end: bool, is_empty: bool) -> None:
        if is_end:
            self._depth -= 1
        elif not is_empty:
            self._depth += 1
        if self._depth == 0:
            self._finish()

    def _in_tag(self, data: bytes, pos: int, skip: int = 0) -> int:
        """A tag that the chunk cuts."""
        tag = self._tag
        end = tag.advance(data, max(pos, skip))
        if not tag.held:
            self._put(data[pos:end])
        else:
            tag.held_back += data[pos:end]
        if tag.done:
            self._mode = self._data
            if tag.overflowed:
                if tag.name == self._open:
                    self._count(is_end=tag.is_end, is_empty=tag.held_back.endswith(b"/>"))
            elif tag.held:
                self._whole_tag(bytes(tag.held_back))
        elif tag.overflowed:
            del tag.held_back[:-1]  # the byte that may be the slash of "/>"
        elif len(tag.held_back) > self._limit:
            self._overflow(tag)
        return end

    def _whole_tag(self, tag: bytes) -> None:
        """A tag that a chunk had cut, read as if none had."""
        found = (INSIDE if self._open else STEP)(tag, 0)
        if self._open and found[3] == self._open:
            self._namesake(tag, bool(found[2]))
        elif self._open or found.lastindex is None:
            self._put(tag)
        else:
            self._start_tag(found)

    def _overflow(self, tag: CutTag) -> None:
        """A tag over the limit: decided without having been read."""
        start = bytes(tag.held_back)
        tag.name = QUALIFIED_NAME(start, 0)[1]
        if self._sink is _HOLD:
            self._settle(self._doubt)
        elif self._sink is _PASS:
            self._begin(self._decide_text, start[:_EXCERPT], tag.name)
            self._depth = 0
            self._held[:] = start
            self._settle(self._doubt)
            start = b""
        if self._sink is _DROP:
            tag.overflowed = True
        else:
            self._finish()
            self._out.append(start)
            tag.held = False
            tag.held_back.clear()

    # --- an element whose text is judged ------------------------------------------------------------------------------

    def _decide_text(self) -> None:
        """All of an element but its end tag is here."""
        content = bytes(self._held[len(self._start) :])
        text, has_elements = child_text(content)
        answer = self._judge.text(self._kind, text)
        verdicts: Sequence[Verdict] = _verdicts(answer)
        if has_elements and (answer is None or isinstance(answer, Edit)) and self._doubt:
            answer, verdicts = None, self._doubt  # they do not run, but may load something
        if isinstance(answer, Edit):
            self._report(verdicts, self._start)
            self._held[len(self._start) :] = escaped(answer.instead)
            verdicts = ()
        self._settle(verdicts)

    # --- style sheets and the document type ---------------------------------------------------------------------------

    def _after_sheet(self, _data: bytes, pos: int) -> int:
        if self._sink is _HOLD:
            self._decide_sheet()
        self._finish()
        self._mode = self._data
        return pos

    def _decide_sheet(self) -> None:
        """An `xml-stylesheet` instruction (https://www.w3.org/TR/xml-stylesheet/); if not CSS, it is undecidable."""
        found = PSEUDO_ATTRIBUTES(bytes(self._held))
        tags = self._judge.tags
        links = [tags[b'<link rel="stylesheet" href=' + value + b">"] for name, value in found if name == b"href"]
        refused: Sequence[Verdict] = [verdict for link in links for verdict in _verdicts(link)]
        if not refused and any(name == b"type" and value[1:-1].lower() != b"text/css" for name, value in found):
            refused = self._doubt
        self._settle(refused)

    def _doctype(self, data: bytes, pos: int) -> int:
        """The document type declaration outside of its internal subset (section 2.8)."""
        found = HEAD_MARK(data, pos)
        mark, end = found[1], found.end()
        if mark == b"[":
            self._out.append(data[pos : found.start(1)])
            self._begin(self._decide_subset, mark, comment=False)
            self._mode = self._subset
            return end
        self._out.append(data[pos:end])
        if mark == b">":
            self._mode = self._data
        elif mark:
            self._until(mark, self._doctype)
        return end

    def _subset(self, data: bytes, pos: int) -> int:
        found = SUBSET_MARK(data, pos)
        if found is None:
            safe = max(pos, len(data) - 3)  # the rest may be the start of "<!--"
            self._put(data[pos:safe])
            self._pending = data[safe:]
            return len(data)
        self._put(data[pos : found.end()])
        if found[0] == b"]":
            if self._sink is _HOLD:
                self._decide_subset()
            self._finish()
            self._mode = self._doctype
        else:
            self._until(ENDS[found[0]], self._subset)
        return found.end()

    def _decide_subset(self) -> None:
        self._settle(() if is_harmless(bytes(self._held)) else self._doubt)


def _verdicts(answer: Verdict | Edit[Verdict] | Text | None) -> Sequence[Verdict]:
    """Why something is refused, or a part of it."""
    if answer is None or isinstance(answer, Text):
        return ()
    return answer.verdicts if isinstance(answer, Edit) else (answer,)
