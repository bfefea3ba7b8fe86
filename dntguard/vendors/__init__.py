"""Who the web's hosts, cookies, tags and snippets belong to, and what for.

Vendors are data: `dntguard/data/*.toml`, one file per purpose, in the schema of `dntguard.vendors.schema`. `Registry`
is what they are compiled to.
"""

from dntguard.vendors.inline import Snippet
from dntguard.vendors.kinds import KINDS
from dntguard.vendors.marks import Match
from dntguard.vendors.registry import Registry
from dntguard.vendors.schema import Cookie, Vendor, load, load_file, name_pattern, parse_vendor, parse_vendors

__all__ = [
    "KINDS", "Cookie", "Match", "Registry", "Snippet", "Vendor", "load", "load_file", "name_pattern", "parse_vendor",
    "parse_vendors",
]  # fmt: skip
