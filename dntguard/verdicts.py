"""A policy and the granted purposes to verdicts: is this host, cookie or snippet refused, and by which rule.

The one place that both nets, the rewriter and the cookie filter, ask. Built once per policy and set of purposes and
shared by all threads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache, partial
from hashlib import blake2b

from dntguard.caches import BoundedCache
from dntguard.elements import AMP_PURPOSES
from dntguard.policy import Policy
from dntguard.purposes import ALL_PURPOSES, Purpose
from dntguard.release import VERSION
from dntguard.report import Removal
from dntguard.urls import Location, parents, resolve, site
from dntguard.vendors import Match, Registry, Snippet, name_pattern
from dntguard.vendors.kinds import SHARED
from dntguard.vendors.marks import Value

_COOKIE_PREFIX = re.compile(r"__(?:Host|Secure)-", re.IGNORECASE).match
"""Cookie name prefixes (RFC 6265bis section 4.1.3) say how a cookie is protected, not what it is."""

_LONGEST_REMEMBERED = 128
_NOWHERE = Location("https", "", "/")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is refused.

    Attributes:
        vendor: the vendor's id; None when no vendor claims it.
        purpose: the purpose that is not granted; None when it is not known, or the site blocks it for everybody.
        rule: the vendor's pattern, or the policy's option.
    """

    vendor: str | None
    purpose: Purpose | None
    rule: str

    def removal(self, kind: str, what: str) -> Removal:
        """The record of something that was taken out for this reason."""
        return Removal(kind, what, self.vendor, self.purpose, self.rule)


class Verdicts:
    """The verdicts of one policy for one set of granted purposes.

    Use `verdicts_for`, which builds each only once.
    """

    def __init__(self, policy: Policy, granted: frozenset[Purpose], registry: Registry) -> None:
        self.policy = policy
        self.granted = granted
        self.registry = registry
        self.refusing = granted != ALL_PURPOSES
        # A site's own block list holds for visitors who refuse nothing too.
        self.rewrites = self.refusing or bool(policy.block)
        self.active = self.rewrites or bool(policy.block_cookies)
        self._named_hosts = {entry: True for entry in policy.block if entry not in registry}
        self._named_hosts.update({entry: False for entry in policy.allow if entry not in registry})
        self._named_vendors = {entry: True for entry in policy.block if entry in registry}
        self._named_vendors.update({entry: False for entry in policy.allow if entry in registry})
        self._first_party = frozenset(policy.first_party)
        self._allow_cookies = _any_pattern(policy.allow_cookies)
        self._block_cookies = _any_pattern(policy.block_cookies)
        self._remove_unclaimed = self.refusing and policy.third_party == "remove"
        self._scripts = BoundedCache(partial(self._inline, page=_NOWHERE), entries=1024, size=4 * 1024 * 1024)
        self._cookies = lru_cache(maxsize=4096)(self._cookie)

    @cached_property
    def variant(self) -> bytes:
        """A short name of what these verdicts make of a page.

        It is the same in every process of one release with the same policy, and another one after a change of either,
        so that no cache takes a page that was rewritten by other rules for the one that would be made now.
        """
        options = [(option.name, getattr(self.policy, option.name)) for option in fields(Policy) if option.compare]
        rules = [(name, sorted(value) if isinstance(value, frozenset) else value) for name, value in options]
        everything = repr((VERSION, self.registry.fingerprint, sorted(self.granted), rules))
        return blake2b(everything.encode(), digest_size=5).hexdigest().encode()

    def host(self, target: Location, page: Location, *, unclaimed: bool, image: bool = False) -> Refusal | None:
        """Why a request from `page` to `target` is refused; None when it is not.

        Args:
            target: where the request would go.
            page: the page's own address.
            unclaimed: whether what is there is run, a page of its own, or a pixel: then `Policy.third_party` decides
                about hosts that no vendor claims.
            image: whether it is a picture. What is no picture and is not run can be no vendor's tag, whoever serves it.
        """
        host = target.host
        # 1. Nobody is asked.
        if not host:
            return None
        # 2. The site names the host.
        named = self._named(host)
        if named is not None:
            blocked, entry = named
            return Refusal(None, None, f"block: {entry}") if blocked else None
        # 3. A vendor's.
        known = False
        for match in self.claims(target, page, runs=unclaimed, image=image):
            if self._named_vendors.get(match.vendor.id) is False:
                return None
            refusal = self._vendor(match)
            if refusal is not None:
                return refusal
            known = not match.rule.startswith(("/", "?"))  # a tag that is granted says nothing of a host of nobody's
        # 4. Nobody's.
        if unclaimed and not known and self._remove_unclaimed and not self.own(host, page.host):
            return Refusal(None, None, 'third_party: "remove"')
        return None

    def claims(self, target: Location, page: Location, *, runs: bool, image: bool = False) -> Iterator[Match]:
        """Whose an address is: vendors' tags that the site's own host serves, or one that is nobody's or everybody's,
        and then the vendor whose host it is. The site's own host (the same registrable domain, or declared) is never a
        vendor's.

        Args:
            target: the address.
            page: the page's own address.
            runs: see `unclaimed` in `host`.
            image: as in `host`.
        """
        match = None if self.own(target.host, page.host) else self.registry.find_url(target.host, target.path)
        if (runs or (image and target.query)) and (match is None or match.vendor.kind in SHARED):
            yield from self.registry.find_path(target.path, target.query, runs=runs)
        if match is not None:
            yield match

    def element(self, name: bytes, attributes: Collection[bytes], value: Value, page: Location) -> Refusal | None:
        """Why a tag is refused for what it is, whatever it fetches: a vendor's own, or AMP's for certain purposes.

        Args:
            name: of the element, lower case.
            attributes: the names of those it has.
            value: of each.
            page: the page's own address.
        """
        claimed = False
        for match in self.registry.find_element(name, attributes, value):
            source = value(b"src")
            named = self._named(resolve(source, page).host) if source and self._named_hosts else None
            refusal = None if named is not None and not named[0] else self._vendor(match)
            if refusal is not None:
                return refusal
            claimed = True
        purpose = AMP_PURPOSES.get(name)
        return None if claimed or purpose is None or purpose in self.granted else Refusal(None, purpose, name.decode())

    def own(self, host: str, page_host: str) -> bool:
        """Whether `host` is the site's own."""
        if host == page_host or (self._first_party and not self._first_party.isdisjoint(parents(host))):
            return True
        return bool(page_host) and site(host) == site(page_host)

    def script(self, text: bytes, page: Location) -> Refusal | None:
        """The same as `inline`, remembered."""
        found = self._scripts[text]
        if found is None:
            return None
        refusal, host = found
        # What is remembered holds for a page that is nobody's; to a vendor's own page, its address is no reason.
        return self.inline(text, page) if host and self.own(host, page.host) else refusal

    def inline(self, text: bytes, page: Location) -> Refusal | None:
        """Why an inline script, or a handler, with this text is refused; None when it is not."""
        found = self._inline(text, page)
        return None if found is None else found[0]

    def _inline(self, text: bytes, page: Location) -> tuple[Refusal, str] | None:
        """The refusal, and the host of the address that is the reason; empty when it is none."""
        for snippet in dict.fromkeys(self.registry.each_inline(text)):
            refusal = self._snippet(snippet, page)
            if refusal is not None:
                return refusal, snippet.host
        return None

    def _snippet(self, snippet: Snippet, page: Location) -> Refusal | None:
        vendor = snippet.match.vendor
        # A call, or a file of the site's own: of no host, so what is allowed of the vendor's hosts counts.
        if not snippet.host:
            return None if vendor.id in self._spared else self._vendor(snippet.match)
        named = self._named(snippet.host)
        if named is not None:
            blocked, entry = named
            return Refusal(vendor.id, None, f"block: {entry}") if blocked else None
        if not snippet.anywhere and self.own(snippet.host, page.host):
            return None
        return self._vendor(snippet.match)

    @cached_property
    def _spared(self) -> frozenset[str]:
        """The vendors of which the site allows a host."""
        if False not in self._named_hosts.values():
            return frozenset()
        return frozenset(
            vendor.id
            for vendor in self.registry.vendors
            for pattern in vendor.hosts
            if (named := self._named(pattern.partition("/")[0])) is not None and not named[0]
        )

    def _named(self, host: str) -> tuple[bool, str] | None:
        """Whether the site blocks (True) or allows (False) the host by name, and by which; the longest name wins."""
        if self._named_hosts:
            for name in parents(host):
                if name in self._named_hosts:
                    return self._named_hosts[name], name
        return None

    def _vendor(self, match: Match) -> Refusal | None:
        vendor = match.vendor
        named = self._named_vendors.get(vendor.id)
        if named is not None:
            return Refusal(vendor.id, vendor.purpose, f"block: {vendor.id}") if named else None
        if vendor.purpose in self.granted:
            return None
        return Refusal(vendor.id, vendor.purpose, match.rule)

    def cookie(self, name: str) -> Refusal | None:
        """Why a cookie of this name is refused; None when it is not."""
        # Clients choose the names: long ones are not remembered.
        return self._cookies(name) if len(name) <= _LONGEST_REMEMBERED else self._cookie(name)

    def _cookie(self, name: str) -> Refusal | None:
        # 1. The site names the cookie.
        if self._allow_cookies(name):
            return None
        if self._block_cookies(name):
            return Refusal(None, None, "block_cookies")
        # 2. A vendor's.
        match = self.registry.find_cookie(name)
        prefix = _COOKIE_PREFIX(name)
        if match is None and prefix is not None:
            match = self.registry.find_cookie(name[prefix.end() :])
        if match is not None:
            refusal = self._vendor(match)
            allowed = match.vendor.id in self._named_vendors
            if refusal is not None or allowed or match.vendor.purpose is Purpose.NECESSARY:
                return refusal
        # 3. Everything that is not necessary, where the site promises that.
        if self.refusing and self.policy.cookies == "all-but-necessary":
            purpose = match.vendor.purpose if match is not None else None
            return Refusal(match.vendor.id if match else None, purpose, 'cookies: "all-but-necessary"')
        return None


@lru_cache(maxsize=64)
def verdicts_for(policy: Policy, granted: frozenset[Purpose]) -> Verdicts:
    """The verdicts of `policy` for the `granted` purposes, built once."""
    return Verdicts(policy, granted, policy.registry)


def _any_pattern(patterns: tuple[str, ...]) -> Callable[[str], re.Match[str] | None]:
    """Whether a cookie name matches one of the patterns; none matches no pattern."""
    return re.compile("|".join(map(name_pattern, patterns)) if patterns else r"(?!)").fullmatch
