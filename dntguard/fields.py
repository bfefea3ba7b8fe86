"""Response header fields that make a browser talk to somebody, less what is refused.

`docs/concepts/what-is-removed.md` has the table of them. A field that holds a list loses only its refused members, and
all else keeps its bytes.

Browsers are lenient, and each in its own way: some take `'` for a quote, some end a string at a quote that is
escaped, and several fields of one name are read as one, with commas between them (RFC 9110 section 5.3). So a member
counts as certain only when all read it alike. From the first that is not, the rest of the field goes as a whole when it
holds the host of somebody refused; when it stays, what follows it may be read in another way too, and must hold no such
host either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Final, cast

from dntguard.elements import refresh_target
from dntguard.headers import OWS, Headers, members
from dntguard.purposes import Purpose
from dntguard.report import Removal
from dntguard.rewriter.page import answer_for
from dntguard.rewriter.tags import MOST_TEXT
from dntguard.urls import Location, resolve
from dntguard.verdicts import Refusal, Verdicts

_Left = list[bytes | None]
"""What is left of the values of a field: each with its place, None for one that goes."""

_Match = re.Match[bytes]


def without_refused_fields(headers: Headers, verdicts: Verdicts, page: Location) -> tuple[Headers, list[Removal]]:
    """The response headers less what makes a browser talk to somebody refused, and that as removals.

    Args:
        headers: the application's header list; the very same list comes back when nothing goes.
        verdicts: on hosts and purposes.
        page: the address that the response is for.
    """
    names = [pair[0].lower() for pair in headers]
    if FIELDS.isdisjoint(names):
        return headers, []
    places: dict[bytes, list[int]] = {}
    for place, name in enumerate(names):
        if name in FIELDS:
            places.setdefault(name, []).append(place)
    response = _Response(verdicts, page)
    changed: dict[int, bytes | None] = {}
    # What a network error log names is known when all else was read.
    for name in sorted(places, key=b"nel".__eq__):
        left = response.read(name, [headers[place][1] for place in places[name]])
        changed.update(zip(places[name], left, strict=True))
    if not response.removals:
        return headers, []
    kept: Headers = []
    for place, pair in enumerate(headers):
        value = changed.get(place, pair[1])
        if value is not None:
            kept.append((pair[0], value))
    return kept, response.removals


def without_refused_links(
    links: Iterable[bytes], verdicts: Verdicts, page: Location
) -> tuple[list[bytes], list[Removal]]:
    """The values of `Link` fields, as in early hints (RFC 8297), less what is refused, and that as removals.

    Args:
        links: the values; each may hold several links.
        verdicts: on hosts.
        page: the address that the response is for.
    """
    response = _Response(verdicts, page)
    left = response.read(b"link", list(links))
    return [value for value in left if value is not None], response.removals


class _Response:
    """The fields of one response: what was taken out of them, and which reporting groups there are.

    Args:
        verdicts: on hosts and purposes.
        page: what relative URLs are resolved against.
    """

    def __init__(self, verdicts: Verdicts, page: Location) -> None:
        self.removals: list[Removal] = []
        self._verdicts = verdicts
        self._page = page
        self._name = ""
        self._kept_groups: set[str] = set()
        self._refused_groups: dict[str, Refusal] = {}
        # For a visitor who refuses nothing, doubt is no reason.
        self._removes_doubt = verdicts.refusing and verdicts.policy.on_undecidable == "remove"

    def read(self, name: bytes, values: list[bytes]) -> _Left:
        """What is left of the values of the field `name`, one of `FIELDS`."""
        self._name = name.decode()
        return _READERS[name](self, values)

    # --- Link (RFC 8288), Refresh (HTML section 7.8) ------------------------------------------------------------------

    def links(self, values: list[bytes]) -> _Left:
        """The links that a browser follows by itself, each judged as the `link` element that says the same."""
        return self._list(values, _LINK, self._link, self._doubtful_link, uris=True)

    def _link(self, found: _Match) -> bytes | None:
        for attributes in _link_attributes(found):
            removal = self._answer(b"link", attributes)
            if removal is not None:
                self._take(removal.what, Refusal(removal.vendor, removal.purpose, removal.rule))
                return None
        return found[0]

    def _doubtful_link(self, text: bytes) -> bool:
        return self._mentions(text, unclaimed=b"preload" in text.lower())

    def refreshes(self, values: list[bytes]) -> _Left:
        """The pages that are shown next, judged as `meta http-equiv=refresh`."""
        left: _Left = [None if self._leads_away(value) else value for value in values]
        kept = [value for value in left if value is not None]
        # Two fields are one value, and a comma may stand between the time and the address.
        return [None] * len(left) if len(kept) > 1 and self._leads_away(b", ".join(kept)) else left

    def _leads_away(self, value: bytes) -> bool:
        removal = self._answer(b"meta", {b"http-equiv": b"refresh", b"content": value})
        if removal is not None:
            self._take(refresh_target(removal.what), Refusal(removal.vendor, removal.purpose, removal.rule))
        return removal is not None

    def _answer(self, element: bytes, attributes: Mapping[bytes, bytes]) -> Removal | None:
        """The removal of the element that says the same, if the rewriter would take it out."""
        written = b"".join(
            b' %s="%s"' % (name, value.replace(b"&", b"&amp;").replace(b'"', b"&quot;"))
            for name, value in attributes.items()
        )
        for tag in _readings(b"<%s%s>" % (element, written)):
            answer = answer_for(tag.encode(), self._verdicts, self._page)
            if isinstance(answer, Removal):
                return answer
        return None

    # --- reports (Reporting API, Network Error Logging) ---------------------------------------------------------------

    def endpoints(self, values: list[bytes]) -> _Left:
        """`Reporting-Endpoints`: a dictionary of names and addresses (Reporting API)."""
        return self._list(values, _ENDPOINT, self._endpoint, self._reports_to)

    def _endpoint(self, found: _Match) -> bytes | None:
        refusal = self._refused(_plain(found[2]), unclaimed=True)
        if refusal is None:
            return found[0]
        self._refused_groups.setdefault(found[1].decode(), refusal)
        return None

    def _reports_to(self, text: bytes) -> bool:
        return self._mentions(text, unclaimed=True)

    def groups(self, values: list[bytes]) -> _Left:
        """`Report-To`: a JSON object for each group of endpoints (Reporting API of 2018)."""
        return self._json(values, self._group)

    def _group(self, text: str, group: Mapping[str, object]) -> str | None:
        name = group.get("group", "default")
        endpoints = group.get("endpoints")
        # What a browser does not understand it ignores, and a group without lifetime is one that it forgets.
        if not isinstance(name, str) or not isinstance(endpoints, list) or group.get("max_age") == 0:
            return text
        kept = [endpoint for endpoint in endpoints if not self._is_refused(endpoint, name)]
        if kept:
            self._kept_groups.add(name)
        if len(kept) == len(endpoints):
            return text
        return json.dumps({**group, "endpoints": kept}, separators=(",", ":")) if kept else None

    def _is_refused(self, endpoint: object, group: str) -> bool:
        url = endpoint.get("url") if isinstance(endpoint, dict) else None
        if not isinstance(url, str):
            return False
        refusal = self._refused(url.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), unclaimed=True)
        if refusal is None:
            return False
        self._refused_groups.setdefault(group, refusal)
        return True

    def error_logs(self, values: list[bytes]) -> _Left:
        """`NEL`: a JSON object that names a group (Network Error Logging)."""
        return self._json(values, self._error_log)

    def _error_log(self, text: str, log: Mapping[str, object]) -> str | None:
        group = log.get("report_to")
        if not isinstance(group, str) or log.get("max_age") == 0 or group in self._kept_groups:
            return text
        refusal = self._refused_groups.get(group)
        if refusal is None and self._removes_doubt:
            # The group is one that the browser was told of before, and who knows whom it names.
            refusal = _UNDECIDABLE
        if refusal is None:
            return text
        self._take(group, refusal)
        return None

    # --- speculation rules, client hints ------------------------------------------------------------------------------

    def speculations(self, values: list[bytes]) -> _Left:
        """`Speculation-Rules`: a list of addresses (HTML section 7.6.3), judged as those in such rules."""
        return self._list(values, _STRING_MEMBER, self._speculation, self._mentions)

    def _speculation(self, found: _Match) -> bytes | None:
        return found[0] if self._refused(_plain(found[1]), unclaimed=False) is None else None

    def hints(self, values: list[bytes]) -> _Left:
        """`Accept-CH` and `Critical-CH`: names of hints, of old with the hosts that get them."""
        return self._list(values, _ANYTHING, self._hint, self._mentions)

    def _hint(self, found: _Match) -> bytes | None:
        return None if self._mentions(found[0]) else found[0]

    def permissions(self, values: list[bytes]) -> _Left:
        """`Permissions-Policy`: who gets hints by its `ch-` directives (Client Hints Infrastructure)."""
        return self._list(values, _DIRECTIVE, self._directive, self._doubtful_directive)

    def _directive(self, found: _Match) -> bytes | None:
        if not found[2].startswith(b"ch-") or b'"' not in found[0]:
            return found[0]
        entries: list[bytes] = _ITEMS(found[3] or b"")
        kept = [entry for entry in entries if not self._delegates(entry)]
        if len(kept) == len(entries):
            return found[0]
        # An empty list is nobody; without the directive it would be everybody that is so by default.
        return b"%s%s=(%s)%s" % (found[1], found[2], b" ".join(kept), found[4])

    def _delegates(self, entry: bytes) -> bool:
        found = _STRING_MEMBER(entry)
        return found is not None and self._refused(_plain(found[1]), unclaimed=False) is not None

    def _doubtful_directive(self, text: bytes) -> bool:
        return b"ch-" in text.lower() and self._mentions(text)

    # --- advertising --------------------------------------------------------------------------------------------------

    def advertising(self, values: list[bytes]) -> _Left:
        """A field of one of the browsers' advertising interfaces: it goes whatever it says."""
        if Purpose.MARKETING in self._verdicts.granted:
            return [*values]
        for value in values:
            self._take(_readings(value)[0], Refusal(None, Purpose.MARKETING, self._name))
        return [None] * len(values)

    # --- what they have in common -------------------------------------------------------------------------------------

    def _list(
        self,
        values: list[bytes],
        certain: Callable[[bytes], _Match | None],
        judge: Callable[[_Match], bytes | None],
        doubt: Callable[[bytes], bool],
        *,
        uris: bool = False,
    ) -> _Left:
        """What is left of the values of a field that is a list.

        Args:
            values: of all fields of that name.
            certain: reads a member; None when browsers may read it in different ways.
            judge: what is left of a member that is certain, None when it goes.
            doubt: whether what is not certain goes.
            uris: as in `members`.
        """
        left: _Left = []
        in_doubt = False
        for value in values:
            kept: list[bytes] = []
            rest = b""
            changed = False
            pieces = members(value, uris=uris)
            for place, piece in enumerate(pieces):
                if not piece.strip(OWS):
                    continue
                found = certain(piece)
                if found is None:
                    rest = b",".join(pieces[place:])
                    break
                judged = judge(found)
                changed = changed or judged != piece
                if judged is not None:
                    kept.append(judged)
            suspect = b",".join((*kept, rest)) if in_doubt else rest
            if suspect and doubt(suspect):
                changed = True
                kept, rest = [] if in_doubt else kept, b""
            if rest:
                kept.append(rest)
                in_doubt = True
            left.append((b",".join(kept).strip(OWS) or None) if changed else value)
        return left

    def _json(self, values: list[bytes], judge: Callable[[str, Mapping[str, object]], str | None]) -> _Left:
        """What is left of the values of a field that is a list of JSON objects.

        Args:
            values: of all fields of that name.
            judge: what is left of an object, which it gets as text too; None when it goes.
        """
        left: _Left = []
        for value in values:
            items = _json_items(value)
            if items is None:
                left.append(None if self._removes_doubt else value)
                if self._removes_doubt:
                    self._take(_readings(value)[0], _UNDECIDABLE)
                continue
            before = [text for text, _ in items]
            after = [judge(text, item) if isinstance(item, dict) else text for text, item in items]
            kept = [text for text in after if text is not None]
            if kept == before:
                left.append(value)
            else:
                left.append(", ".join(kept).encode("utf-8", "surrogateescape") or None)
        return left

    def _mentions(self, text: bytes, *, unclaimed: bool = False) -> bool:
        """Whether the text holds, anywhere, an address of somebody refused; that is why it goes."""
        if _NAMES_HOST(text) is None:
            return False
        for reading in _readings(text.replace(b"\t", b"")):
            for address in dict.fromkeys((*_ADDRESSES(reading), *_IN_BRACKETS(reading), *_IN_QUOTES(reading))):
                if self._refused(address, unclaimed=unclaimed) is not None:
                    return True
        return False

    def _refused(self, url: str, *, unclaimed: bool) -> Refusal | None:
        """Why the address is refused, which is recorded then; None when it is not."""
        refusal = self._verdicts.host(resolve(url, self._page), self._page, unclaimed=unclaimed)
        if refusal is not None:
            self._take(url, refusal)
        return refusal

    def _take(self, what: str, refusal: Refusal) -> None:
        # JSON has names for what is no character.
        text = f"{self._name}: {what}"[:MOST_TEXT].encode("utf-8", "replace").decode()
        self.removals.append(refusal.removal("header", text))


_ADVERTISING = (
    # Attribution Reporting
    b"attribution-reporting-register-source attribution-reporting-register-trigger "
    b"attribution-reporting-register-os-source attribution-reporting-register-os-trigger attribution-reporting-info "
    # Topics, Shared Storage
    b"observe-browsing-topics shared-storage-write shared-storage-cross-origin-worklet-allowed "
    # Protected Audience; `Ad-Auction-Only` is no reason for anything: it forbids the page to read an answer.
    b"ad-auction-allowed x-allow-fledge ad-auction-signals ad-auction-additional-bid ad-auction-result "
    b"ad-auction-result-nonce ad-auction-bidding-signals-format-version x-fledge-bidding-signals-format-version "
    # Fenced Frames
    b"allow-fenced-frame-automatic-beacons allow-cross-origin-event-reporting"
).split()

_READERS: Final[Mapping[bytes, Callable[[_Response, list[bytes]], _Left]]] = {
    b"link": _Response.links,
    b"refresh": _Response.refreshes,
    b"reporting-endpoints": _Response.endpoints,
    b"report-to": _Response.groups,
    b"nel": _Response.error_logs,
    b"speculation-rules": _Response.speculations,
    b"accept-ch": _Response.hints,
    b"critical-ch": _Response.hints,
    b"permissions-policy": _Response.permissions,
    **dict.fromkeys(_ADVERTISING, _Response.advertising),
}

FIELDS: Final[frozenset[bytes]] = frozenset(_READERS)
"""The names, in lower case, of all fields that may be touched."""

_UNDECIDABLE = Refusal(None, None, 'on_undecidable: "remove"')


# --- Link -------------------------------------------------------------------------------------------------------------

_TOKEN = rb"[!#$%&*+.^_`|~0-9A-Za-z-]++"  # without `'`, which is a quote to some
_QUOTED = rb"[^\"\\\x00-\x08\x0a-\x1f\x7f]++|\\[^\\\x00-\x1f\x7f]"  # to some, a quote after any `\` ends nothing
_SINGLE = rb"[^\x00-\x20\x7f\"',;<>\\]*+"
_UNQUOTED = _SINGLE + rb"(?:'" + _SINGLE + rb"'" + _SINGLE + rb")*+"  # it ends where it does whatever `'` is
_PARAMETER = (
    rb"("
    + _TOKEN
    + rb")[\t ]*+(?:=[\t ]*+(?:\"((?:"
    + _QUOTED
    + rb")*+)\"|'("
    + _SINGLE
    + rb")'|("
    + _UNQUOTED
    + rb"))"
    rb"[\t ]*+)?+"
)
_PARAMETERS = re.compile(rb";[\t ]*+" + _PARAMETER).findall
_LINK = re.compile(
    rb"[\t ]*+<([^\x00-\x1f\x7f<>\"]*+)>[\t ]*+((?:;[\t ]*+(?:" + _PARAMETER + rb")?+)*+)",
).fullmatch
"""A link-value (RFC 8288 section 3), with what all take in unquoted values: 1 is the URI, 2 all parameters."""

_READ = frozenset({b"rel", b"as", b"imagesrcset"})
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)


def _link_attributes(found: _Match) -> list[dict[bytes, bytes]]:
    """The attributes of the elements that say what a link says; none when it says nothing of what it is for.

    The first `rel` counts (RFC 8288 section 3.3); of other parameters the first to some and the last to others.
    """
    pairs: list[tuple[bytes, bytes]] = []
    for name, quoted, single, plain in _PARAMETERS(found[2]):
        value = _ESCAPE.sub(rb"\1", quoted) or single or plain
        if value and name.lower() in _READ:  # an empty one is none to some
            pairs.append((name.lower(), value))
    first = dict(reversed(pairs))
    if b"rel" not in first:
        return []
    last = {**dict(pairs), b"rel": first[b"rel"]}
    return [{**attributes, b"href": found[1]} for attributes in ((first,) if first == last else (first, last))]


# --- structured fields (RFC 8941) -------------------------------------------------------------------------------------

_STRING = rb"\"((?:[ !#-\[\]-~]++|\\[\"\\])*+)\""
_KEY = rb"[a-z*][a-z0-9_.*-]*+"
_BARE = (
    rb"(?:\"(?:[ !#-\[\]-~]++|\\[\"\\])*+\"|[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*+|-?+[0-9][0-9.]*+|\?[01]"
    rb"|:[A-Za-z0-9+/=]*+:)"
)
_PARAMS = rb"(?:;[ ]*+" + _KEY + rb"(?:=" + _BARE + rb")?+)*+"
_ITEM = _BARE + _PARAMS
_ITEMS = re.compile(_ITEM).findall

_ENDPOINT = re.compile(rb"[\t ]*+(" + _KEY + rb")=" + _STRING + _PARAMS + rb"[\t ]*+").fullmatch
"""A member of a dictionary with a string: 1 is the key, 2 the string."""
_STRING_MEMBER = re.compile(rb"[\t ]*+" + _STRING + _PARAMS + rb"[\t ]*+").fullmatch
"""A member of a list that is a string, which is 1."""
_DIRECTIVE = re.compile(
    rb"([\t ]*+)(" + _KEY + rb")(?:=(" + _ITEM + rb"|\([ ]*+(?:" + _ITEM + rb"[ ]*+)*+\)))?+(" + _PARAMS + rb"[\t ]*+)"
).fullmatch
"""A member of a dictionary: 1 is space, 2 the key, 3 an item or an inner list, 4 its parameters."""
_ANYTHING = re.compile(rb"(?:[^\"]++|\"[^\"\\]*+\")*+").fullmatch
"""A member whose end is certain."""


def _plain(string: bytes) -> str:
    """What a string of a structured field stands for."""
    return _ESCAPE.sub(rb"\1", string).decode("ascii")


# --- any text ---------------------------------------------------------------------------------------------------------

_NAMES_HOST = re.compile(rb"[:/\\]").search
"""What an address must hold to name a host."""
_ADDRESSES = re.compile(r"(?:https?:)?+(?<![/\\])[/\\]{2,}+[^\s<>\"',;]++").findall
"""What begins with the two slashes before a host."""
_IN_BRACKETS = re.compile(r"[<>]").split
_IN_QUOTES = re.compile(r"\"").split
"""What stands between brackets, or between quotes: there an address may be written in more ways."""


def _readings(value: bytes) -> tuple[str, ...]:
    """The value as text: UTF-8 to some browsers, Latin-1 to others."""
    text = value.decode("utf-8", "replace")
    return (text,) if value.isascii() else (text, value.decode("latin-1"))


# --- JSON (RFC 8259) --------------------------------------------------------------------------------------------------

_BETWEEN = cast("Callable[[str, int], re.Match[str]]", re.compile(r"[\t\n\r ,]*+").match)  # always matches
_DEEPEST = 16
"""How deep brackets may be nested: Chromium reads five, and recursion must end somewhere."""
_BRACKETS = re.compile(r"\"(?:[^\"\\]++|\\[\s\S])*+(?:\"|\\?+\Z)|([\[{])|([\]}])").finditer
_MOST_DIGITS = 20


def _number(digits: str) -> float:
    """An integer of any length, in linear time; nothing is counted in numbers so long."""
    return int(digits) if len(digits) < _MOST_DIGITS else float(digits)


_DECODER = json.JSONDecoder(parse_int=_number)


def _json_items(value: bytes) -> list[tuple[str, object]] | None:
    """The values in a list of JSON values without its brackets, each with its text; None when it cannot be read."""
    text = value.decode("utf-8", "surrogateescape")
    steps = (1 if found[1] else -1 if found[2] else 0 for found in _BRACKETS(text))
    if max(accumulate(steps), default=0) > _DEEPEST:
        return None
    items: list[tuple[str, object]] = []
    pos = 0
    while (pos := _BETWEEN(text, pos).end()) < len(text):
        try:
            item, end = _DECODER.raw_decode(text, pos)
        except ValueError:
            return None
        items.append((text[pos:end], item))
        pos = end
    return items
