"""The scan of one document: what is text, what is a tag that matters, and what a browser makes of it.

Sections are those of the HTML standard, https://html.spec.whatwg.org/multipage/parsing.html.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic

from dntguard.scanner.extent import NOBODY, VOID, Extent, Reach
from dntguard.scanner.foreign import BREAKOUT, MAY_INTEGRATE, ROOTS, OpenElements
from dntguard.scanner.grammar import (
    CHANGES_READING,
    CONDITIONAL,
    CONSTRUCT,
    FOREIGN_TOKEN,
    JUDGED,
    LONGEST_NAME,
    QUIET_SHAPE,
    QUIET_TAG,
    RAW_END,
    RAW_TEXT,
    SHORTEST_UNDECIDED,
    STOPS,
    TAG_REST,
    TAKEN,
    TOKEN,
    WARY_STEP,
    WHOLE_ATTRIBUTES,
    step,
)
from dntguard.scanner.judge import Edit, Judge, Leaves, Text, Verdict, inert
from dntguard.scanner.output import EXCERPT, Output
from dntguard.scanner.sections import BOGUS_COMMENT, CDATA, COMMENT, CONDITIONAL_COMMENT, Kind, Section
from dntguard.scanner.tags import CutTag, is_self_closing, whole_name
from dntguard.scanner.text import TextElement, readings_agree

_JUDGED = frozenset((JUDGED.lower() + " script style iframe").encode().split())
_RAW_NAMES = frozenset(RAW_TEXT.encode().split())
_STOP_NAMES = frozenset(STOPS.lower().encode().split())
_CHANGES_READING = frozenset(CHANGES_READING.encode().split())
_ALONE = VOID | frozenset({b"use", b"feimage", b"animate", b"set"})
"""Elements of which only the tag goes in HTML: they have no content, or are none there."""
_FOREIGN_TEXT = {b"script": Text.SCRIPT, b"style": Text.STYLE}
_DEEPEST = 512
"""How deep foreign content is followed; browsers themselves stop nesting about there."""

# A function of the class and not of the scanner: a scanner that points to itself is not freed when it is done.
_Mode = Callable[["Scanner[Verdict]", bytes, int], int]


class Scanner(Generic[Verdict]):
    """One pass over one document.

    Args:
        judge: is asked about each tag and script that may matter.
        limit: how many bytes may be held back for one undecided tag or script.
        nested: scan the content of a `noscript` element, as a browser without scripting reads it.
        leaves: what a removed element leaves.
    """

    def __init__(
        self, judge: Judge[Verdict], limit: int, *, nested: bool = False, leaves: Leaves[Verdict] = inert
    ) -> None:
        self._judge = judge
        self._limit = limit
        self._nested = nested
        self._leaves = leaves
        self._out = Output(judge, leaves)
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
        # An element whose content is text, and a comment or CDATA section: there only while they are read.
        self._text: TextElement[Verdict]
        self._section: Section[Verdict]
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
    def held(self) -> int:
        """How many of the last bytes of the input are held back."""
        mode, held = self._mode, len(self._pending)
        if mode is Scanner._in_tag:
            held += len(self._tag.held_back)
        elif mode is Scanner._in_text:
            held += self._text.held
        elif mode is Scanner._in_section:
            held += self._section.held
        return held

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
        return self._out.taken()

    def close(self) -> bytes:
        """The end of the document; returns what was still held back."""
        mode = self._mode
        rest, self._pending = self._pending, b""
        if mode is Scanner._in_tag:
            # A tag that never ends is dropped by the parser (section 13.2.5, "eof-in-tag"): it is no element.
            if not self._tag.dropped:
                self._out.append(bytes(self._tag.held_back))
        elif mode is Scanner._in_text:
            self._text.feed(rest)
            self._finish_text(at_end=True)
        elif mode is Scanner._in_section:
            self._section.feed(rest)
            self._section.finish()
        elif mode is not Scanner._dropping:
            self._out.append(rest)
        self._mode = Scanner._data
        return self._out.taken()

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
                self._out.append_part(data, start, pos)
                return self._construct(data, pos) if pos < len(data) else pos
            tag = found[first]
            answer = tags[tag]
            if answer is None:
                if last == "noscript_text" and not readings_agree(tags, found[last]):
                    self._out.append_part(data, start, found.start(first))
                    self._begin_text(b"noscript", tag, None, doubtful=False)
                    return found.start(last)
                continue
            edit = answer if isinstance(answer, Edit) else None
            kind = answer if edit is None else edit.text
            if isinstance(kind, Text):
                answer = judge.text(kind, found[last])
                if answer is None and edit is None:
                    continue
            self._out.append_part(data, start, found.start(first))
            start = pos
            if answer is None or isinstance(answer, (Edit, Text)):
                # It stays: with another start tag, with another text, or with both.
                start = found.start(first)
                if edit is not None:
                    self._out.append(self._out.edit(edit, tag))
                    start = found.end(first)
                if isinstance(answer, Edit) and answer is not edit:
                    self._out.append_part(data, start, found.start(last))
                    self._out.append(self._out.edit(answer, tag))
                    start = found.end(last)
            elif last != "tag":
                self._out.remove(answer, tag)
            else:
                self._take_out(whole_name(tag), tag, answer)
                if self._mode is not Scanner._data:
                    return pos

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
            return self._begin_section(CONDITIONAL_COMMENT, pos)
        if found["comment"]:
            self._out.append(data[pos:end])
            return self._begin_section(COMMENT, end)
        if found["cdata"]:
            return self._cdata_start(data, pos)
        return self._begin_section(BOGUS_COMMENT, pos)

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
            return self._begin_text(name, tag, verdict, doubtful=not self.certain)
        if name == b"noscript" and not self._nested:
            if self._stack:
                self._lose_track()  # without scripting its content may end what is open here
            return self._begin_text(name, tag, verdict, doubtful=False)
        if isinstance(verdict, Edit):
            tag = self._out.edit(verdict, tag)
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

    # --- elements that go with their content --------------------------------------------------------------------------

    def _take_out(self, name: bytes, tag: bytes, verdict: Verdict) -> None:
        """Take an element out that starts with `tag`, and is not one whose content is text."""
        self._out.remove(verdict, tag)
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
                self._begin_text_after_overflow(tag)
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
                self._out.remove(verdict, bytes(tag.held_back[:EXCERPT]))
            else:
                # Of an element that matters by its attributes alone, what could be read of them stays.
                tag.instead = read[0] + b">"
                self._out.report(verdict, bytes(tag.held_back[:EXCERPT]))
        tag.held_back.clear()
        if not tag.dropped and (self._stack or tag.name in _CHANGES_READING):
            # Whether it closes itself, or what it integrates, is not known.
            self._lose_track()

    # --- comments and CDATA sections ----------------------------------------------------------------------------------

    def _begin_section(self, kind: Kind, pos: int) -> int:
        """A comment or CDATA section, to be read from `pos` on."""
        self._section = Section(self._judge, self._limit, self._out, kind)
        self._mode = Scanner._in_section
        return pos

    def _in_section(self, data: bytes, pos: int) -> int:
        section = self._section
        end, is_end = section.read(data, pos)
        if not is_end:
            self._pending = data[end:]
            return len(data)
        if section.holds_markup:
            self._out.append(self._rewritten_comment(section.take_held()))
        else:
            section.finish()
        self._mode = Scanner._data
        return end

    def _rewritten_comment(self, comment: bytes) -> bytes:
        """A downlevel-hidden conditional comment less what is refused."""
        begin = CONDITIONAL(comment)
        if begin is None:
            return comment
        inner: Scanner[Verdict] = Scanner(self._judge, self._limit, nested=True, leaves=_in_conditional)
        end = comment.rindex(b"--")
        content, mark, rest = comment[begin.end() : end].partition(b"<![endif]")
        return begin[0] + inner.feed(content) + inner.close() + mark + rest + comment[end:]

    def _cdata_start(self, data: bytes, pos: int) -> int:
        if self._stack and not self._stack.in_html:
            return self._begin_section(CDATA, pos)
        if self.certain and not self._stack:
            return self._begin_section(BOGUS_COMMENT, pos)
        # A CDATA section in one reading, a comment up to the first ">" in the other. Without its first bytes it is
        # neither: both read on in data.
        verdict = self._judge.ambiguous
        if verdict is None:
            return self._begin_section(BOGUS_COMMENT, pos)
        self._out.remove(verdict, data[pos : pos + 9])
        return pos + 9

    def _plaintext(self, data: bytes, pos: int) -> int:
        self._out.append(data[pos:])
        return len(data)

    # --- elements whose content is text -------------------------------------------------------------------------------

    def _begin_text(
        self, name: bytes, tag: bytes, answer: Verdict | Edit[Verdict] | Text | None, *, doubtful: bool
    ) -> bool:
        """An element whose content an HTML parser reads as text. Returns whether it stays, as far as that is known.

        `doubtful`: another reading takes the content as markup, or decodes it.
        """
        self._text = element = TextElement(
            self._judge, self._limit, self._out, name, tag, doubtful=doubtful, in_foreign=bool(self._stack)
        )
        self._mode = Scanner._in_text
        element.begin(answer)
        return not element.dropped

    def _begin_text_after_overflow(self, tag: CutTag) -> None:
        """The end of a tag over the limit: it may have started such an element."""
        if tag.name in RAW_END and not tag.is_end and not (tag.name == b"noscript" and self._nested):
            self._text = TextElement(self._judge, self._limit, self._out, tag.name)
            self._mode = Scanner._in_text
            if tag.dropped:
                self._text.drop()

    def _in_text(self, data: bytes, pos: int) -> int:
        element = self._text
        end, is_end = element.read(data, pos)
        if not is_end:
            self._pending = data[end:]
            return len(data)
        self._finish_text()
        # The end tag; what it closes is decided, so it follows.
        self._tag = CutTag(element.name, True, held=False, dropped=element.dropped, closes_raw=True)
        self._mode = Scanner._in_tag
        return self._in_tag(data, end, skip=end + 2 + len(element.name))

    def _finish_text(self, *, at_end: bool = False) -> None:
        element = self._text
        if element.holds_markup:
            element.settle(*self._noscript(element.take_held(), at_end))
            return
        element.finish(at_end=at_end)
        if element.may_hold_tags:
            self._recoverable = False

    def _noscript(self, text: bytes, at_end: bool) -> tuple[bytes, Verdict | None]:
        """What is left of a `noscript` element's content read as markup, and why the element goes if it must."""
        inner: Scanner[Verdict] = Scanner(self._judge, self._limit, nested=True, leaves=self._leaves)
        inner._uncertain = not self.certain
        inner._in_template = self._in_template
        removals: list[tuple[Verdict, bytes]] = []
        inner._out.later = removals
        rewritten = inner.feed(text)
        settled = inner.settled and inner.certain == self.certain
        rewritten += inner.close()
        self._in_template |= inner._in_template
        verdict = None if settled or at_end else self._judge.ambiguous
        if verdict is None:
            for removal in removals:
                self._out.report(*removal)
        return rewritten, verdict

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
            self._begin_text(name, tag, verdict, doubtful=True)
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
                tag = self._out.edit(verdict, tag)
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


def _in_conditional(_: object) -> bytes:
    """What a removed element leaves inside a comment, which another comment would end."""
    return b"<!>"
