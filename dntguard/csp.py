"""The `Content-Security-Policy` under which a page goes out that could not be read."""

from __future__ import annotations

from dntguard.headers import Headers
from dntguard.policy import Policy
from dntguard.urls import may_be_echoed, parents, site


def under_csp(headers: Headers, policy: Policy, host: str) -> Headers:
    """The headers with a further policy under which a browser asks no foreign host for anything.

    Policies intersect (CSP section 8.1), so it never loosens one that the application sent.

    Args:
        headers: the response's headers.
        policy: the site's configuration, whose own and allowed hosts may be asked.
        host: the request's host.
    """
    own = site(host) if host else ""
    names = [name for name in (own, *policy.first_party, *policy.allow) if "." in name and may_be_echoed(name)]
    sources = " ".join(f"{name} *.{name}" if parents(name)[1:] else name for name in dict.fromkeys(names))
    value = f"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob: {sources}".rstrip()
    return [*headers, (b"content-security-policy", value.encode())]
