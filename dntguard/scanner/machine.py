"""The scan of one document: what is text, what is a tag that matters, and what a browser makes of it.

Sections are those of the HTML standard, https://html.spec.whatwg.org/multipage/parsing.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Generic

from dntguard.scanner.extent import NOBODY, VOID, Extent, Reach
from dntguard.scanner.foreign import BREAKOUT, MAY_INTEGRATE, ROOTS, OpenElements, is_plain_text, text_content
from dntguard.scanner.grammar import (
    CDATA_END,
    CHANGES_READING,
    COMMENT_END,
    CONDITIONAL,
    CONSTRUCT,
    FOREIGN_TOKEN,
    GREATER,
    JUDGED,
    LONGEST_NAME,
    QUIET_SHAPE,
    QUIET_TAG,
    RAW_END,
    RAW_TEXT,
    SCRIPT_MARKS,
    SHORTEST_UNDECIDED,
    STOPS,
    TAG_REST,
    TAKEN,
    TOKEN,
    WARY_STEP,
    WHOLE_ATTRIBUTES,
    step,
)
from dntguard.scanner.judge import INERT, Edit, Filter, Judge, Text, Verdict
from dntguard.scanner.tags import CutTag, is_self_closing, whole_name

_JUDGED = frozenset((JUDGED.lower() + " script style iframe").encode().split())
_RAW_NAMES = frozenset(RAW_TEXT.encode().split())
_STOP_NAMES = frozenset(STOPS.lower().encode().split())
_CHANGES_READING = frozenset(CHANGES_READING.encode().split())
_ALONE = VOID | frozenset({b"use", b"feimage", b"animate", b"set"})
"""Elements of which only the tag goes in HTML: they have no content, or are none there."""
_LARGE: Final = 4096
"""What is larger, in bytes, is let out as a view and copied when all is joined."""
_PASS, _HOLD, _DROP, _WATCH = "pass", "hold", "drop", "watch"
_FOREIGN_TEXT = {b"script": Text.SCRIPT, b"style": Text.STYLE}
_IN_CONDITIONAL: Final = b"<!>"
"""What a removed element leaves inside a comment, which INERT would end."""
_EXCERPT = 200
_OVERLAP = 4096
"""No mark of a snippet is longer, in bytes."""
_DEEPEST = 512
"""How deep foreign content is followed; browsers themselves stop nesting about there."""

# A function of the class and not of the scanner: a scanner that points to itself is not freed when it is done.
_Mode = Callable[["Scanner[Verdict]", bytes, int], int]
_Search = Callable[[bytes, int], re.Match[bytes] | None]


class Scanner(Generic[Verdict]):
    """One pass over one document.

    Args:
        judge: is asked about each tag and script that may matter.
        limit: how many bytes may be held back for one undecided tag or script.
        nested: scan the content of a `noscript` element, as a browser without scripting reads it.
        inert: what a removed element leaves.
    """

    def __init__(self, judge: Judge[Verdict], limit: int, *, nested: bool = False, inert: bytes = INERT) -> None:
        self._judge = judge
        self._limit = limit
        self._nested = nested
        self._inert = inert
        self._out: list[bytes | memoryview] = []
        self._pending = b""
        self._mode: _Mode[Verdict] = Scanner._data
        self._stack = OpenElements()
        self._uncertain = False
        self._recoverable = False
        self._in_select = False
        self._foreign_in_select = False
        self._in_template = False
        # An unfinished tag.
        self._tag = CutTag()
        # An element whose content is text.
        self._raw_name = b""
        self._raw_action = _PASS
        self._raw_tag = b""
        self._raw_held = bytearray()
        self._raw_kind: Text | None = None
        self._raw_doubtful = False
        self._raw_filter: Filter | None = None
        self._raw_edit: Edit[Verdict] | None = None
        self._escaped = 0
        # What is reported only when it is known that all of this stays.
        self._later: list[tuple[Verdict, bytes]] | None = None
        # A conditional comment.
        self._conditional_held = bytearray()
        self._cdata_held = bytearray()
        # An element that goes with its content: what reads on to its end. And in that: how far the element reaches.
        self._inner: Scanner[Any] | None = None
        self._extent: Extent | None = None
        self._extent_base = 0
        self.reach = Reach.INSIDE
        self.unread: tuple[bytes, bool, bytes] | None = None

    @property
    def settled(self) -> bool:
        """Whether the scan is in plain data, with nothing held back and nothing open that changes how it reads."""
        return self._mode is Scanner._data and not (self._pending or self._stack or self._in_select)

    @property
    def certain(self) -> bool:
        """Whether browsers of all years read the markup at this place as the scanner does."""
        return not (self._uncertain or self._in_select)

    def feed(self, data: bytes) -> bytes:
        """The next bytes of the document; returns those that are decided."""
        if self._pending:
            data = self._pending + data
            self._pending = b""
        pos = 0
        size = len(data)
        while pos < size:
            pos = self._mode(self, data, pos)
        return self._taken()

    def close(self) -> bytes:
        """The end of the document; returns what was still held back."""
        mode = self._mode
        if mode is Scanner._in_tag:
            # A tag that never ends is dropped by the parser (section 13.2.5, "eof-in-tag"): it is no element.
            if not self._tag.dropped:
                self._out.append(bytes(self._tag.held_back))
        elif mode is Scanner._raw:
            self._raw_text(self._pending)
            self._pending = b""
            if self._raw_action is _HOLD:
                self._finish_raw(at_end=True)
            elif self._raw_filter is not None:
                self._out.append(self._raw_filter.close())
        elif mode is Scanner._conditional:
            self._out.append(bytes(self._conditional_held))  # a comment to the end
        elif mode is Scanner._cdata:
            self._cdata_held += self._pending
            self._pending = b""
            self._end_cdata()
        elif mode in (Scanner._dropping, Scanner._comment_drop, Scanner._cdata_drop):
            self._pending = b""
        self._out.append(self._pending)
        self._pending = b""
        self._mode = Scanner._data
        return self._taken()

    def _taken(self) -> bytes:
        out = self._out
        self._out = []
        return out[0] if len(out) == 1 and isinstance(out[0], bytes) else b"".join(out)

    # --- data ---------------------------------------------------------------------------------------------------------

    def _data(self, data: bytes, pos: int) -> int:
        if self._stack:
            return self._foreign(data, pos)
        if self._recoverable or self._extent is not None:
            return self._one_token(data, pos)
        judge = self._judge
        match = step(nested=self._nested, own=judge.relative_is_kept) if self.certain else WARY_STEP
        tags = judge.tags
        start = pos
        while True:
            found = match(data, pos)
            pos = found.end()
            last = found.lastgroup
            first = TAKEN.get(last)
            if last is None or first is None:
                self._let_out(data, start, pos)
                return self._construct(data, pos) if pos < len(data) else pos
            tag = found[first]
            answer = tags[tag]
            if answer is None:
                if last == "noscript_text" and not self._readings_agree(found[last]):
                    self._let_out(data, start, found.start(first))
                    self._begin_raw(b"noscript", tag, None, doubtful=False, hold=True)
                    return found.start(last)
                continue
            edit = answer if isinstance(answer, Edit) else None
            kind = answer if edit is None else edit.text
            if isinstance(kind, Text):
                answer = judge.text(kind, found[last])
                if answer is None and edit is None:
                    continue
            self._let_out(data, start, found.start(first))
            start = pos
            if answer is None or isinstance(answer, (Edit, Text)):
                # It stays: with another start tag, with another text, or with both.
                start = found.start(first)
                if edit is not None:
                    self._out.append(self._edit(edit, tag))
                    start = found.end(first)
                if isinstance(answer, Edit) and answer is not edit:
                    self._let_out(data, start, found.start(last))
                    self._out.append(self._edit(answer, tag))
                    start = found.end(last)
            elif last != "tag":
                self._remove(answer, tag)
            else:
                self._take_out(whole_name(tag), tag, answer)
                if self._mode is not Scanner._data:
                    return pos

    def _let_out(self, data: bytes, start: int, end: int) -> None:
        """A part of the chunk stays as it is; a large one is copied only once, when all that is let out is joined."""
        if end > start:
            self._out.append(data[start:end] if end - start < _LARGE else memoryview(data)[start:end])

    def _remove(self, verdict: Verdict, tag: bytes) -> None:
        self._out.append(self._inert)
        self._report(verdict, tag)

    def _construct(self, data: bytes, pos: int) -> int:
        """What begins at `pos`, a `<` that no fast path took: a tag that matters, or one that the chunk cuts."""
        found = CONSTRUCT(data, pos)
        if found is None or (len(data) - pos <= 8 and SHORTEST_UNDECIDED(data, pos)):
            self._pending = data[pos:]
            return len(data)
        end = found.end()
        if found["name"] is not None:
            name = found["name"].lower()
            if found["named"] is None and len(name) <= LONGEST_NAME:
                self._pending = data[pos:]
                return len(data)
            complete = TAG_REST(data, end)
            if complete is None:
                # An end tag matters only where open elements are followed.
                held = not found["slash"] or bool(self._stack) or self._recoverable or self._extent is not None
                self._tag = CutTag(name, bool(found["slash"]), held=held)
                self._mode = Scanner._in_tag
                return self._in_tag(data, pos, skip=end)
            self._whole_tag(name, bool(found["slash"]), data[pos : complete.end()])
            return complete.end()
        if found["conditional"]:
            self._conditional_held.clear()
            self._mode = Scanner._conditional
            return pos
        if found["comment"]:
            self._out.append(data[pos:end])
            self._mode = Scanner._comment
            return end
        if found["cdata"]:
            return self._cdata_start(data, pos)
        self._mode = Scanner._bogus_comment
        return pos

    def _whole_tag(self, name: bytes, is_end: bool, tag: bytes) -> None:
        if self._extent is not None:
            self._tag_inside(self._extent, name, is_end, tag)
        else:
            self._follow(name, is_end, tag)

    def _follow(self, name: bytes, is_end: bool, tag: bytes) -> None:
        """What a whole tag does."""
        if self._stack:
            if is_end:
                self._foreign_end(name, tag)
            else:
                self._foreign_start(name, tag)
        elif is_end:
            self._out.append(tag)
            self._end_tag(name)
        else:
            self._start_tag(name, tag)

    def _end_tag(self, name: bytes) -> None:
        """An end tag in HTML content; only one has an effect."""
        if name == b"select" and self._in_select:
            self._in_select = False
            # Some browsers may be in foreign content now, some are not.
            self._uncertain |= self._foreign_in_select

    def _start_tag(self, name: bytes, tag: bytes) -> bool:
        """A whole start tag in HTML content (section 13.2.6.4). Returns whether it stays."""
        verdict = self._judge.tags[tag] if name in _JUDGED or not self.certain or not QUIET_TAG(tag) else None
        if name in MAY_INTEGRATE or name in _CHANGES_READING or name == b"noscript":
            self._recoverable = False
        if name == b"script" or name in _RAW_NAMES:
            if name == b"script" and verdict is None and not self.certain:
                verdict = Text.SCRIPT  # it may be SVG's, where `src` means nothing and the text runs beside it
            return self._begin_raw(name, tag, verdict, doubtful=not self.certain)
        if name == b"noscript" and not self._nested:
            if self._stack:
                self._lose_track()  # without scripting its content may end what is open here
            return self._begin_raw(name, tag, verdict, doubtful=False, hold=True)
        if isinstance(verdict, Edit):
            tag = self._edit(verdict, tag)
        elif verdict is not None and not isinstance(verdict, Text):
            self._take_out(name, tag, verdict)
            return False
        self._out.append(tag)
        if self._recoverable and name in BREAKOUT:
            self._uncertain = self._recoverable = False
        if name == b"base":
            self._judge.base(tag)
        elif name == b"plaintext":
            if self.certain:
                self._mode = Scanner._plaintext
        elif name in ROOTS:
            if self._in_select:
                self._foreign_in_select = True
            elif not self._uncertain and not is_self_closing(tag):
                self._stack.push_root(name)
        elif name == b"select":
            self._in_select = not self._in_select
            self._foreign_in_select = False
            # A second <select> ends the first in older parsers and is ignored or nested by newer ones.
            self._uncertain |= not self._in_select
        elif name == b"template":
            self._in_template = True
            self._uncertain |= self._in_select
        elif name == b"frameset" or (name == b"col" and self._in_template):
            self._uncertain = True
        return True

    def _report(self, verdict: Verdict, tag: bytes) -> None:
        if self._later is None:
            self._judge.removed(verdict, tag)
        else:
            self._later.append((verdict, tag))

    def _edit(self, edit: Edit[Verdict], tag: bytes) -> bytes:
        """Report an edit; returns the tag that stands instead."""
        for verdict in edit.verdicts:
            self._report(verdict, tag)
        return edit.instead

    # --- elements that go with their content --------------------------------------------------------------------------

    def _take_out(self, name: bytes, tag: bytes, verdict: Verdict) -> None:
        """Take an element out that starts with `tag`, and is not one whose content is text."""
        self._remove(verdict, tag)
        foreign = bool(self._stack) and not self._stack.reads_as_html(name) and not self._stack.breaks_out(name, tag)
        # In doubt whether it stands in a drawing, only the tag goes rather than the rest of the page.
        if (not foreign and name in _ALONE) or ((foreign or not self.certain) and is_self_closing(tag)):
            return
        inner: Scanner[Any] = Scanner(NOBODY, self._limit, nested=True)
        inner.begin_element(name, tag, self._stack)
        self._inner = inner
        self._mode = Scanner._dropping

    def _dropping(self, data: bytes, pos: int) -> int:
        inner = self._inner
        pos, self._pending = inner.skip(data, pos) if inner is not None else (pos, b"")
        if inner is not None and inner.reach is not Reach.INSIDE:
            self._inner = None
            self._mode = Scanner._data
            if inner.unread is not None:
                self._whole_tag(*inner.unread)
        return pos

    def begin_element(self, name: bytes, tag: bytes, stack: OpenElements) -> None:
        """Read from here on one element only, to find its end; `stack` is what it stands in."""
        self._stack = stack.copy()
        self._extent = Extent()
        self._whole_tag(name, False, tag)
        self._extent_base = min(len(stack), len(self._stack))

    def skip(self, data: bytes, pos: int) -> tuple[int, bytes]:
        """Read on in the element; returns where it or the chunk ends, and what must be read again with the next."""
        while pos < len(data) and self.reach is Reach.INSIDE:
            pos = self._mode(self, data, pos)
        self._out.clear()
        pending, self._pending = self._pending, b""
        return pos, pending

    def _tag_inside(self, extent: Extent, name: bytes, is_end: bool, tag: bytes) -> None:
        """A tag in an element that goes: the scan follows it as ever, and learns where the element ends."""
        foreign = bool(self._stack) and not self._stack.reads_as_html(name) and not self._stack.breaks_out(name, tag)
        reach = extent.end(name) if is_end else extent.start(name)
        if reach is Reach.INSIDE:
            self._follow(name, is_end, tag)
            if len(self._stack) < self._extent_base:
                reach = Reach.BEFORE  # an element around it has ended
            elif not is_end and self._mode is Scanner._data and not (is_self_closing(tag) if foreign else name in VOID):
                extent.opened(name)
        if reach is not Reach.INSIDE:
            self.reach = reach
            self.unread = (name, is_end, tag) if reach is Reach.BEFORE else None
            self._mode = Scanner._plaintext  # what follows is read by the scan outside, and not here

    # --- tags that the chunk cuts -------------------------------------------------------------------------------------

    def _in_tag(self, data: bytes, pos: int, skip: int = 0) -> int:
        tag = self._tag
        end = tag.advance(data, max(pos, skip))
        if not tag.held:
            if not tag.dropped:
                self._out.append(data[pos:end])
        else:
            tag.held_back += data[pos:end]
        if tag.done:
            self._mode = Scanner._data
            if tag.held:
                whole = bytes(tag.held_back)
                # The chunk may have cut a long name.
                self._whole_tag(whole_name(whole), tag.is_end, whole)
            elif tag.instead:
                self._whole_tag(whole_name(tag.instead), False, tag.instead)
            elif tag.overflowed:
                self._begin_raw_after_overflow(tag)
            elif tag.is_end and not tag.dropped and not tag.closes_raw and not self._stack:
                self._end_tag(tag.name)
        elif tag.held and len(tag.held_back) > self._limit:
            self._overflow(tag)
        return end

    def _overflow(self, tag: CutTag) -> None:
        """A tag over the limit: decided without having been read."""
        tag.held = False
        tag.overflowed = True
        verdict = self._judge.ambiguous
        if verdict is None:
            self._out.append(bytes(tag.held_back))
        else:
            tag.dropped = True
            read = None if tag.is_end or tag.name in _STOP_NAMES else WHOLE_ATTRIBUTES(tag.held_back)
            if read is None:
                self._remove(verdict, bytes(tag.held_back[:_EXCERPT]))
            else:
                # Of an element that matters by its attributes alone, what could be read of them stays.
                tag.instead = read[0] + b">"
                self._report(verdict, bytes(tag.held_back[:_EXCERPT]))
        tag.held_back.clear()
        if not tag.dropped and (self._stack or tag.name in _CHANGES_READING):
            # Whether it closes itself, or what it integrates, is not known.
            self._lose_track()

    def _begin_raw_after_overflow(self, tag: CutTag) -> None:
        if tag.name in RAW_END and not tag.is_end and not (tag.name == b"noscript" and self._nested):
            self._raw_doubtful = False
            self._raw_filter = None
            self._raw_name = tag.name
            self._raw_action = _DROP if tag.dropped else _PASS
            self._escaped = 0
            self._mode = Scanner._raw

    # --- comments -----------------------------------------------------------------------------------------------------

    def _comment(self, data: bytes, pos: int) -> int:
        return self._until(data, pos, COMMENT_END, keep=3)

    def _comment_drop(self, data: bytes, pos: int) -> int:
        return self._drop(self._comment, data, pos)

    def _conditional(self, data: bytes, pos: int) -> int:
        """A comment that may be markup to old browsers: held until it is whole."""
        found = COMMENT_END(data, pos)
        safe = max(pos, len(data) - 3)
        self._conditional_held += data[pos : found.start() if found else safe]
        if found is not None:
            self._out.append(self._rewritten_comment(bytes(self._conditional_held)) + found[0])
            self._mode = Scanner._data
            return found.end()
        self._pending = data[safe:]
        if len(self._conditional_held) > self._limit:
            verdict = self._judge.ambiguous
            if verdict is None:
                self._out.append(bytes(self._conditional_held))
                self._mode = Scanner._comment
            else:
                self._remove(verdict, bytes(self._conditional_held[:_EXCERPT]))
                self._mode = Scanner._comment_drop
            self._conditional_held.clear()
        return len(data)

    def _rewritten_comment(self, comment: bytes) -> bytes:
        """A downlevel-hidden conditional comment less what is refused; `comment` comes without its end."""
        begin = CONDITIONAL(comment)
        if begin is None:
            return comment
        inner: Scanner[Verdict] = Scanner(self._judge, self._limit, nested=True, inert=_IN_CONDITIONAL)
        content, mark, rest = comment[begin.end() :].partition(b"<![endif]")
        return begin[0] + inner.feed(content) + inner.close() + mark + rest

    def _bogus_comment(self, data: bytes, pos: int) -> int:
        return self._until(data, pos, GREATER, keep=0)

    def _cdata(self, data: bytes, pos: int) -> int:
        """A CDATA section: held until it is whole, for browsers that look ahead read markup after a `>` in it."""
        found = CDATA_END(data, pos)
        safe = max(pos, len(data) - 2)
        self._cdata_held += data[pos : found.end() if found else safe]
        if found is not None:
            self._mode = Scanner._data
            self._end_cdata()
            return found.end()
        self._pending = data[safe:]
        if len(self._cdata_held) > self._limit:
            self._mode = Scanner._cdata_pass if self._judge.ambiguous is None else Scanner._cdata_drop
            self._end_cdata(in_doubt=True)
        return len(data)

    def _end_cdata(self, *, in_doubt: bool = False) -> None:
        """A section is whole, or over the limit."""
        section = bytes(self._cdata_held)
        self._cdata_held.clear()
        verdict = self._judge.ambiguous
        if verdict is None or not (in_doubt or not self._readings_agree(section.partition(b">")[2])):
            self._out.append(section)
        else:
            self._remove(verdict, section[:_EXCERPT])

    def _cdata_pass(self, data: bytes, pos: int) -> int:
        return self._until(data, pos, CDATA_END, keep=2)

    def _cdata_drop(self, data: bytes, pos: int) -> int:
        return self._drop(self._cdata_pass, data, pos)

    def _drop(self, mode: Callable[[bytes, int], int], data: bytes, pos: int) -> int:
        """Read on in a mode of which nothing is let out."""
        out, self._out = self._out, []
        pos = mode(data, pos)
        self._out = out
        return pos

    def _plaintext(self, data: bytes, pos: int) -> int:
        self._out.append(data[pos:])
        return len(data)

    def _until(self, data: bytes, pos: int, search: _Search, keep: int) -> int:
        """Pass everything up to the end mark; `keep` bytes may be the start of one that the chunk cuts."""
        found = search(data, pos)
        if found is not None:
            self._out.append(data[pos : found.end()])
            self._mode = Scanner._data
            return found.end()
        safe = max(pos, len(data) - keep)
        self._out.append(data[pos:safe])
        self._pending = data[safe:]
        return len(data)

    def _cdata_start(self, data: bytes, pos: int) -> int:
        if self._stack and not self._stack.in_html:
            self._mode = Scanner._cdata
            return pos
        if self.certain and not self._stack:
            self._mode = Scanner._bogus_comment
            return pos
        # A CDATA section in one reading, a comment up to the first ">" in the other. Without its first bytes it is
        # neither: both read on in data.
        verdict = self._judge.ambiguous
        if verdict is None:
            self._mode = Scanner._bogus_comment
            return pos
        self._remove(verdict, data[pos : pos + 9])
        return pos + 9

    # --- raw text -----------------------------------------------------------------------------------------------------

    def _begin_raw(
        self,
        name: bytes,
        tag: bytes,
        verdict: Verdict | Edit[Verdict] | Text | None,
        *,
        doubtful: bool,
        hold: bool = False,
    ) -> bool:
        """An element whose content an HTML parser reads as text. Returns whether it stays, as far as that is known.

        `doubtful`: another reading takes the content as markup, or decodes it.
        """
        self._raw_name = name
        self._raw_kind = verdict if isinstance(verdict, Text) else verdict.text if isinstance(verdict, Edit) else None
        self._raw_doubtful = doubtful
        self._raw_filter = None
        self._raw_edit = verdict if isinstance(verdict, Edit) else None
        self._raw_tag = tag
        self._raw_held.clear()
        self._escaped = 0
        self._mode = Scanner._raw
        if verdict is not None and not isinstance(verdict, (Edit, Text)):
            self._raw_action = _DROP
            self._remove(verdict, tag)
            return False
        if doubtful or hold or self._raw_kind not in (None, Text.KEEP):
            self._raw_action = _HOLD
        else:
            self._pass_raw()
        return True

    def _pass_raw(self) -> None:
        """The element's start tag is out, and its text follows."""
        self._raw_action = _PASS
        self._out.append(self._edit(self._raw_edit, self._raw_tag) if self._raw_edit is not None else self._raw_tag)

    def _raw(self, data: bytes, pos: int) -> int:
        if self._raw_name == b"script" and not self._raw_doubtful:
            end, safe = self._script_end(data, pos)
        else:
            found = RAW_END[self._raw_name](data, pos)
            end = found.start() if found else -1
            safe = max(pos, len(data) - len(self._raw_name) - 2)
        if end < 0:
            self._raw_text(data[pos:safe])
            self._pending = data[safe:]
            return len(data)
        self._raw_text(data[pos:end])
        dropped = self._raw_action is _DROP
        if self._raw_action is _HOLD:
            dropped = self._finish_raw()
        elif self._raw_action is _WATCH:
            self._watch()
        elif self._raw_filter is not None:
            self._out.append(self._raw_filter.close())
        # The end tag; what it closes is decided, so it follows.
        self._tag = CutTag(self._raw_name, True, held=False, dropped=dropped, closes_raw=True)
        self._mode = Scanner._in_tag
        return self._in_tag(data, end, skip=end + 2 + len(self._raw_name))

    def _raw_text(self, text: bytes) -> None:
        if self._raw_action is _PASS:
            self._out.append(text if self._raw_filter is None else self._raw_filter.feed(text))
        elif self._raw_action is not _DROP:
            self._raw_held += text
            if self._raw_action is _WATCH:
                self._out.append(text)
            if len(self._raw_held) > self._limit:
                if self._raw_action is _HOLD:
                    self._overflow_raw()
                else:
                    self._watch()

    def _overflow_raw(self) -> None:
        """An element over the limit: a plain script is judged by what was seen of it, the rest is ambiguous."""
        text = self._held_text()
        if self._raw_kind is Text.STYLE and not self._raw_doubtful:
            self._raw_filter = self._judge.style()
            self._pass_raw()
            self._out.append(self._raw_filter.feed(text))
            return
        plain = self._raw_kind in (Text.SCRIPT, Text.MODULE) and not self._raw_doubtful
        verdict = self._judge.text(Text.SCRIPT, text) if plain else self._judge.ambiguous
        if verdict is None or isinstance(verdict, Edit):
            self._pass_raw()
            self._out.append(text)
            if plain:
                # A mark may stand where the text was cut.
                self._raw_held += text[-_OVERLAP:]
                self._raw_action = _WATCH
        else:
            self._remove(verdict, self._raw_tag)
            self._raw_action = _DROP

    def _watch(self) -> None:
        """Report what the rest of a script over the limit holds; it is out already."""
        text = self._held_text()
        verdict = self._judge.text(Text.SCRIPT, text)
        if verdict is None or isinstance(verdict, Edit):
            self._raw_held += text[-_OVERLAP:]
        else:
            self._judge.passed(verdict)
            self._raw_action = _PASS

    def _held_text(self) -> bytes:
        text = bytes(self._raw_held)
        self._raw_held.clear()
        return text

    def _finish_raw(self, at_end: bool = False) -> bool:
        """A held element is complete but for its end tag. Returns whether it is taken out."""
        text = self._held_text()
        answer: Verdict | Edit[Verdict] | None = None
        if self._raw_name == b"noscript" and not self._raw_doubtful:
            text, answer = self._noscript(text, at_end)
        elif self._raw_kind is not None:
            answer = self._judge.text(self._raw_kind, text)
        if self._raw_doubtful and (answer is None or isinstance(answer, Edit)):
            answer = self._in_doubt(text, answer)
        if answer is not None and not isinstance(answer, Edit):
            self._remove(answer, self._raw_tag)
            return True
        self._pass_raw()
        if isinstance(answer, Edit):
            text = self._edit(answer, self._raw_tag)
        self._out.append(text)
        return False

    def _in_doubt(self, text: bytes, answer: Edit[Verdict] | None) -> Verdict | Edit[Verdict] | None:
        """What becomes of an element whose content may be read in two ways, when one of them lets it stay."""
        decoded = text_content(text)
        if self._raw_kind is not None and decoded != text:
            other = self._judge.text(self._raw_kind, decoded)
            if other is not None:
                return other.verdicts[0] if isinstance(other, Edit) else other
        # Of a script or a style in SVG, comments and elements do not count, and join what is around them.
        foreign = self._raw_name == b"script" or (self._raw_name == b"style" and self._stack)
        agree = is_plain_text(text) if foreign else self._readings_agree(text)
        self._recoverable = self._recoverable and b"<" not in text
        return answer if agree or self._judge.ambiguous is None else self._judge.ambiguous

    def _noscript(self, text: bytes, at_end: bool) -> tuple[bytes, Verdict | None]:
        inner: Scanner[Verdict] = Scanner(self._judge, self._limit, nested=True)
        inner._uncertain = not self.certain
        inner._in_template = self._in_template
        inner._later = []
        rewritten = inner.feed(text)
        settled = inner.settled and inner.certain == self.certain
        rewritten += inner.close()
        self._in_template |= inner._in_template
        verdict = None if settled or at_end else self._judge.ambiguous
        if verdict is None:
            for removal in inner._later:
                self._report(*removal)
        return rewritten, verdict

    def _readings_agree(self, text: bytes) -> bool:
        """Whether `text` read as markup ends in data and holds nothing that matters; then it is no matter how."""
        pos = 0
        while pos < len(text):
            found = WARY_STEP(text, pos)
            if found.lastgroup is None:
                return found.end() == len(text)
            if self._judge.tags[found["tag"]] is not None:
                return False
            pos = found.end()
        return True

    def _script_end(self, data: bytes, pos: int) -> tuple[int, int]:
        """Where the script's end tag begins, or -1; and up to where its text is certain to be text.

        The script data states (sections 13.2.5.15 to 13.2.5.31): escaped after `<!--`, double escaped after a
        `<script` in there, where `</script` only goes one step back; `-->` ends both.
        """
        while True:
            found = SCRIPT_MARKS[self._escaped](data, pos)
            if found is None:
                return -1, max(pos, len(data) - 8)  # len("</script"): the rest may be a mark's start
            mark = found.lastgroup
            pos = found.end()
            if mark == "close":
                if self._escaped < 2:
                    return found.start(), found.start()
                self._escaped = 1
            elif mark == "escape":
                self._escaped = 1
                pos -= 2  # "<!-->" and "<!--->" end at once
            elif mark == "unescape":
                self._escaped = 0
            else:
                self._escaped = 2

    # --- foreign content ----------------------------------------------------------------------------------------------

    def _foreign(self, data: bytes, pos: int) -> int:
        start = pos
        stack = self._stack
        while stack and self._mode is Scanner._data:
            found = (TOKEN if stack.takes_html else FOREIGN_TOKEN)(data, pos)
            if found is None:
                self._out.append(data[start:pos])
                return self._construct(data, pos) if pos < len(data) else pos
            name = found["name"] or found["end"]
            if name is None:
                pos = found.end()
                continue
            self._out.append(data[start:pos])
            start = pos = found.end()
            self._whole_tag(name.lower(), found["end"] is not None, found[0])
        self._out.append(data[start:pos])
        return pos

    def _foreign_start(self, name: bytes, tag: bytes) -> None:
        stack = self._stack
        if stack.reads_as_html(name):
            self._integrated_start(name, tag)
            return
        verdict = self._judge.tags[tag] if name in _JUDGED or not QUIET_SHAPE(tag) else None
        closed = is_self_closing(tag)
        if name in RAW_END and not closed:
            # Here `src` means nothing, and the text runs beside it.
            kind = _FOREIGN_TEXT.get(name) if name == b"script" or stack.in_svg else None
            if verdict is None:
                verdict = kind
            elif isinstance(verdict, Edit) and verdict.text is None:
                verdict = replace(verdict, text=kind)
            # For the others too: browsers look ahead for what to fetch without a tree, and find their end as in HTML.
            self._begin_raw(name, tag, verdict, doubtful=True)
        elif verdict is not None and not isinstance(verdict, (Edit, Text)):
            self._take_out(name, tag, verdict)
        elif stack.breaks_out(name, tag):
            stack.break_out()
            if stack:
                self._integrated_start(name, tag)
            else:
                self._start_tag(name, tag)
        else:
            if isinstance(verdict, Edit):
                tag = self._edit(verdict, tag)
            self._out.append(tag)
            if name == b"base":
                self._judge.base(tag)  # it is none, but browsers that look ahead take it for one
            if not closed:
                stack.push_foreign(name, tag)
                self._bound_depth()

    def _integrated_start(self, name: bytes, tag: bytes) -> None:
        """A start tag where HTML stands inside foreign content."""
        if self._stack.loses_track(name):
            self._lose_track()
            self._start_tag(name, tag)
        elif self._start_tag(name, tag) and self._stack and self._mode is Scanner._data and name not in ROOTS:
            self._stack.push_html(name)
            self._bound_depth()

    def _foreign_end(self, name: bytes, tag: bytes) -> None:
        self._out.append(tag)
        if not self._stack.close(name):
            self._lose_track()

    def _bound_depth(self) -> None:
        if len(self._stack) > _DEEPEST:
            self._lose_track()

    def _lose_track(self) -> None:
        """Markup so broken that a tree would be needed to know where we are: be wary from here on.

        Where no HTML stood inside, we are in foreign content or out of it, and the next tag that breaks out of
        foreign content ends the doubt.
        """
        self._recoverable = bool(self._stack) and not self._stack.holds_html and not self._uncertain
        self._stack.clear()
        self._uncertain = True

    def _one_token(self, data: bytes, pos: int) -> int:
        """One token, where every tag counts: it may end foreign content, or the element that goes."""
        found = TOKEN(data, pos)
        if found is None:
            return self._construct(data, pos)
        name = found["name"] or found["end"]
        if name is None:
            self._out.append(found[0])
        else:
            self._whole_tag(name.lower(), found["end"] is not None, found[0])
        return found.end()
