"""A policy and the granted purposes to verdicts: is this host, cookie or snippet refused, and by which rule.

The one place that both nets, the rewriter and the cookie filter, ask. Built once per policy and set of purposes and
shared by all threads.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache, partial
from hashlib import blake2b

from dntguard.caches import BoundedCache
from dntguard.policy import Policy
from dntguard.purposes import ALL_PURPOSES, Purpose
from dntguard.release import VERSION
from dntguard.report import Removal
from dntguard.urls import Location, parents, site
from dntguard.vendors import Match, Registry, name_pattern

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

    def host(self, target: Location, page: Location, *, unclaimed: bool) -> Refusal | None:
        """Why a request from `page` to `target` is refused; None when it is not.

        Args:
            target: where the request would go.
            page: the page's own address.
            unclaimed: whether `Policy.third_party` decides about hosts that no vendor claims.
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
        # 3. The site's own: the same registrable domain, or declared.
        if self.own(host, page.host):
            return None
        # 4. A vendor's.
        match = self.registry.find_url(host, target.path)
        if match is not None:
            return self._vendor(match)
        # 5. Nobody's.
        if unclaimed and self._remove_unclaimed:
            return Refusal(None, None, 'third_party: "remove"')
        return None

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
        """The refusal, and the host of the address that is the reason; empty when it is a call."""
        for match in self.registry.each_inline(text):
            refusal = self._snippet(match, page)
            if refusal is not None:
                return refusal, "" if "(" in match.rule else match.rule.partition("/")[0]
        return None

    def _snippet(self, match: Match, page: Location) -> Refusal | None:
        if "(" in match.rule:
            hosts = [pattern.partition("/")[0] for pattern in match.vendor.hosts]
            if any(self._named(host) == (False, entry) for host in hosts for entry in self.policy.allow):
                return None
            return self._vendor(match)
        host = match.rule.partition("/")[0]
        named = self._named(host)
        if named is not None:
            blocked, entry = named
            return Refusal(match.vendor.id, None, f"block: {entry}") if blocked else None
        return None if self.own(host, page.host) else self._vendor(match)

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
    return Verdicts(policy, granted, Registry.default())


def _any_pattern(patterns: tuple[str, ...]) -> Callable[[str], re.Match[str] | None]:
    """Whether a cookie name matches one of the patterns; none matches no pattern."""
    return re.compile("|".join(map(name_pattern, patterns)) if patterns else r"(?!)").fullmatch
