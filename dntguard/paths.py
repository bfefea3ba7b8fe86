"""Path patterns: which paths a policy acts on."""

from __future__ import annotations

import re
from collections.abc import Callable

from dntguard.policy import Policy
from dntguard.vendors import name_pattern


def path_filter(policy: Policy) -> Callable[[str], bool] | None:
    """Whether the policy acts on a path; None when it acts on all."""
    if not (policy.include or policy.exclude):
        return None
    included = re.compile("|".join(map(_pattern, policy.include)) or ".*", re.DOTALL).fullmatch
    excluded = re.compile("|".join(map(_pattern, policy.exclude)) or "(?!)", re.DOTALL).fullmatch
    return lambda path: included(path) is not None and excluded(path) is None


def _pattern(pattern: str) -> str:
    """The regular expression of a path pattern; without `*` it means a path and all below it."""
    below = "" if "*" in pattern or pattern == "/" else "[\\s\\S]*" if pattern.endswith("/") else "(?:/[\\s\\S]*)?"
    return name_pattern(pattern) + below
