"""The header fields of a request in a CGI environ, as WSGI and Django have it (RFC 3875 section 4.1.18, PEP 3333)."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any

from dntguard.headers import Headers

_LISTED = frozenset({"HTTP_DNT", "HTTP_SEC_GPC"})
"""Fields whose repetitions a server has joined with a comma, which their grammars do not know: taken apart again."""


@lru_cache(maxsize=512)  # clients choose the names, and nearly all choose the same
def _name(key: str) -> bytes:
    return key[5:].replace("_", "-").lower().encode("latin-1", "replace")


def request_headers(environ: Mapping[str, Any]) -> Headers:
    """The header list of the request; `Content-Type` and `Content-Length` are not in it.

    Args:
        environ: the environ; the characters of its values are bytes.
    """
    headers: Headers = []
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            name = _name(key)
            for part in value.split(",") if key in _LISTED else (value,):
                headers.append((name, part.encode("latin-1", "replace")))
    return headers


def show(environ: MutableMapping[str, Any], before: Headers, after: Headers) -> None:
    """Let the application see the request headers `after` instead of `before`; what they share stays untouched.

    Args:
        environ: the environ, which is changed.
        before: what is in it.
        after: what is to be in it.
    """
    left = dict(reversed(after))
    for name, _ in set(before) - set(after):
        key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
        if name in left:
            environ[key] = left[name].decode("latin-1")
        else:
            environ.pop(key, None)
