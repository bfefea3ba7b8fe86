"""One page, chunk by chunk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from dntguard.charsets import Declared, codec_of_page, codec_of_texts, codec_of_type, is_xhtml, may_become_mark
from dntguard.consent import REFUSE_ALL, Consent
from dntguard.policy import Policy
from dntguard.report import Removal
from dntguard.rewriter.barrier import Barrier
from dntguard.rewriter.encodings import Scan, Transcoded, WithoutEscapes
from dntguard.rewriter.tags import AMBIGUOUS, MOST_TEXT, TOO_MANY, Answer, TagJudge, tag_judge
from dntguard.scanner import Filter, Leaves, Scanner, XmlScanner, attribute_value, inert, tag_parts
from dntguard.urls import INVALID_HOST, Location, parse_page_url, resolve
from dntguard.verdicts import Verdicts, verdicts_for

MOST_REMOVALS = 10_000
"""How many removals of one page are kept one by one: a page of nothing but trackers must not fill the memory."""

_MOST_BASES = 4
_UNSPEAKABLE = re.compile(r"[^a-zA-Z0-9_.:-]+|(?<=-)(?=-)")
"""What stands as a space in a comment: all that could end it in any reading, or begin anything in it."""
_DEFAULTS = Policy()


class Rewriter:
    """Takes what a consent refuses out of one page, chunk by chunk.

    Args:
        policy: the site's configuration; None for the defaults.
        consent: the decision; None refuses all optional purposes.
        page_url: the page's absolute http or https address, as the browser knows it.
        content_type: the value of its `Content-Type`: whether XML's rules hold, and in which encoding it is.

    Raises:
        ValueError: `page_url` is not an absolute http or https URL.
    """

    def __init__(
        self,
        policy: Policy | None,
        consent: Consent | None,
        page_url: str | Location,
        *,
        content_type: bytes = b"",
    ) -> None:
        self._policy = _DEFAULTS if policy is None else policy
        self._verdicts = verdicts_for(self._policy, REFUSE_ALL.granted if consent is None else consent.granted)
        self._location = parse_page_url(page_url) if isinstance(page_url, str) else page_url
        self._type = content_type
        self._first = b""
        self._page: _Page | None = None
        self._scan: Scan | None = None
        self._barrier: Barrier | None = None

    @property
    def error(self) -> Exception | None:
        """What went wrong in the rewriting, after which the page passes (`Policy.on_error`); None when nothing did."""
        return None if self._barrier is None else self._barrier.error

    @property
    def undecided(self) -> bytes:
        """What of the page is held back now."""
        return self._first if self._scan is None else self._scan.undecided

    @property
    def removals(self) -> list[Removal]:
        """What was taken out so far, at most `MOST_REMOVALS` of them."""
        return [] if self._page is None else self._page.removals

    @property
    def removal_count(self) -> int:
        """How many things were taken out so far."""
        return 0 if self._page is None else self._page.removal_count

    def feed(self, data: bytes) -> bytes:
        """The next bytes of the page; returns those that are decided."""
        if not self._verdicts.active:
            return data
        rewritten = self._feed(data)
        return data if self._policy.report_only else rewritten

    def close(self) -> bytes:
        """The end of the page; returns what was still held back."""
        if not self._verdicts.active:
            return b""
        scan, rewritten = self._scan, b""
        if scan is None:
            scan = self._begin(self._first)
            rewritten = scan.feed(self._first)
        rewritten += scan.close()
        return b"" if self._policy.report_only else rewritten

    def _feed(self, data: bytes) -> bytes:
        if self._scan is not None:
            return self._scan.feed(data)
        data = self._first + data
        if may_become_mark(data):
            self._first = data
            return b""
        return self._begin(data).feed(data)

    def _begin(self, first_bytes: bytes) -> Scan:
        """Choose how the page is read."""
        page = self._location
        xml = is_xhtml(self._type)
        codec, declared = codec_of_page(first_bytes, codec_of_type(self._type), xml=xml)
        may_change = None if declared is Declared.OUTSIDE else codec
        bases = (Location(page.scheme, page.host, "/"),)
        texts = codec_of_texts(self._type, first_bytes)
        self._page = inside = _Page(
            tag_judge(self._verdicts, page.scheme, page.host, bases, may_change, texts, _nested, 0)
        )
        scanner = (XmlScanner if xml else Scanner)(inside, self._policy.max_undecided, leaves=_leaves(self._policy))
        self._barrier = Barrier(scanner, self._policy.on_error)
        scan: Scan = self._barrier
        if codec:
            scan = Transcoded(scan, codec)
        elif may_change is not None and inside.ambiguous is not None:
            scan = WithoutEscapes(scan, partial(inside.removed, inside.ambiguous))
        self._scan = scan
        return scan


class _Page:
    """What the scanner of one page asks, and the record of what was taken out of it."""

    def __init__(self, judge: TagJudge) -> None:
        self.removals: list[Removal] = []
        self.removal_count = 0
        self._judge = judge
        self.tags: Mapping[bytes, Answer] = judge.answers
        self.text = judge.text
        self.relative_is_kept = judge.own_bases
        self.ambiguous = AMBIGUOUS if judge.verdicts.policy.on_undecidable == "remove" else None

    def style(self) -> Filter:
        """What rewrites a style sheet that comes in pieces."""
        return self._judge.style(self.removed)

    def base(self, tag: bytes) -> None:
        """Learn of a `base` element.

        A browser honors the first in the tree (HTML section 4.2.3), which is not always the first in the source: one
        may stand in a template or be moved out of a table. So a relative URL is judged against all of them.
        """
        judge = self._judge
        page, bases = judge.page, judge.bases
        href = tag_parts(tag)[1].get(b"href")
        if href is None or len(bases) > _MOST_BASES:
            return
        base = resolve(attribute_value(href), page)
        if base.scheme in ("data", "javascript") or base.host == INVALID_HOST:
            return  # no browser resolves against these, or an address that it cannot read
        if not base.host or judge.verdicts.own(base.host, page.host):
            base = Location(base.scheme, base.host, "/")  # no path of the site's own, or of nobody's, plays a part
        if base not in bases:
            bases = (*bases, TOO_MANY if len(bases) == _MOST_BASES else base)
            self._judge = judge = tag_judge(
                judge.verdicts, page.scheme, page.host, bases, judge.codec, judge.texts, judge.nested, judge.depth
            )
            self.tags, self.text, self.relative_is_kept = judge.answers, judge.text, judge.own_bases

    def removed(self, verdict: Removal, tag: bytes) -> None:
        """Learn that something was taken out."""
        self.removal_count += 1
        if len(self.removals) < MOST_REMOVALS:
            if verdict is AMBIGUOUS:
                what = tag[:MOST_TEXT].decode("utf-8", "replace")
                verdict = Removal("markup", what, None, None, 'on_undecidable: "remove"')
            self.removals.append(verdict)

    def passed(self, verdict: Removal) -> None:
        """Learn that a script over the limit held something that would have been taken out."""
        self.removed(Removal("late-script", verdict.what, verdict.vendor, verdict.purpose, verdict.rule), b"")


def _nested(outer: TagJudge, document: bytes) -> tuple[bytes, tuple[Removal, ...]]:
    """A document in an attribute of another: what is left of it, and what was taken out."""
    page = outer.page
    judge = tag_judge(outer.verdicts, page.scheme, page.host, outer.bases, None, outer.texts, _nested, outer.depth + 1)
    inside = _Page(judge)
    policy = outer.verdicts.policy
    scanner = Scanner(inside, policy.max_undecided, leaves=_leaves(policy))
    return scanner.feed(document) + scanner.close(), tuple(inside.removals)


def _leaves(policy: Policy) -> Leaves[Removal]:
    """What a removed element leaves."""
    return _named if policy.explain else inert


def _named(removal: Removal) -> bytes:
    """A comment that names the vendor; of an element that no vendor claims, the rule."""
    return b"<!-- dntguard: %s -->" % _UNSPEAKABLE.sub(" ", removal.vendor or removal.rule).strip().encode()


def answer_for(tag: bytes, verdicts: Verdicts, page: Location) -> Answer:
    """What becomes of a start tag that stands in no page: one that says what a header field says."""
    bases = (Location(page.scheme, page.host, "/"),)
    return tag_judge(verdicts, page.scheme, page.host, bases, None, "", _nested, 0).answers[tag]


def rewrite(html: bytes | str, *, page_url: str, policy: Policy | None = None, consent: Consent | None = None) -> bytes:
    """A whole page less what is refused.

    Args:
        html: the page; a str is encoded as UTF-8.
        page_url: its absolute http or https address.
        policy: the site's configuration; None for the defaults.
        consent: the decision; None refuses all optional purposes.

    Raises:
        ValueError: `page_url` is not an absolute http or https URL.
    """
    rewriter = Rewriter(policy, consent, page_url)
    return rewriter.feed(html.encode("utf-8", "replace") if isinstance(html, str) else html) + rewriter.close()
