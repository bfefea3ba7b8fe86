"""What a person who calls the command line can mend."""

from __future__ import annotations


class UsageError(Exception):
    """Something the person who called can mend; its text is one line."""
