"""The schema of vendor data: a TOML text or a mapping to `Vendor` objects.

    [[vendor]]
    id = "meta-pixel"                                  # kebab-case, unique
    name = "Meta Pixel"
    kind = "conversion-pixel"                          # see `dntguard.vendors.kinds`
    purpose = "marketing"                              # necessary, functional, analytics, marketing
    why = "..."                                        # where the purpose is not that of its kind
    source = "https://..."                             # the public page where the facts are found
    hosts = ["connect.facebook.net/en_US/fbevents.js"] # a host with its subdomains, or a path prefix on it
    cookies = ["_fbp", "_ga_*"]                        # names of first-party cookies, "*" for any run of characters
    third_party_cookies.year = ["IDE"]                 # those on the vendor's own domain; either may be by lifetime
    inline = ["connect.facebook.net/en_US/fbevents.js", "fbq('init'"]
    globals = ["fbq"]                                  # what page code calls on `window`
    paths = ["/matomo.js", "/g/collect?tid=G-*"]       # marks of tags that the site's own host serves
    elements = ["script[data-website-id]"]             # marks of tags, as CSS selectors

Only `id`, `purpose` and one fact are required; entries that come with dntguard have a name, a kind and a source too.

An inline mark is either a loader address, host and path as a snippet writes them in a JavaScript string, or a call
as a snippet writes it, with single quotes and without whitespace. A path mark is the end of a path in whole segments,
a folder in it (`/plugins/matomo/`), parameters of the query, or both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple, cast, get_args

from dntguard.errors import VendorDataError
from dntguard.purposes import Purpose
from dntguard.vendors.kinds import KINDS

Lifetime = Literal["session", "day", "month", "year", "longer", "unstated"]
"""How long a browser keeps a cookie: until it is closed, up to a day, 31 days, 13 months, longer; or nobody says."""

LIFETIMES: tuple[Lifetime, ...] = get_args(Lifetime)


class Cookie(NamedTuple):
    """A cookie that a vendor sets.

    Attributes:
        name: the name, or a pattern with `*` for any run of characters.
        lifetime: how long a browser keeps it.
        third_party: whether it is on the vendor's own domain, and not on the site's.
    """

    name: str
    lifetime: Lifetime = "unstated"
    third_party: bool = False


class Vendor(NamedTuple):
    """Who a host, cookie, path or inline snippet belongs to. The attributes are those of the schema above.

    A tuple, because a process makes thousands of them when it starts, and a frozen dataclass takes five times as long.
    """

    id: str
    name: str
    purpose: Purpose
    source: str = ""
    kind: str = ""
    why: str = ""
    hosts: tuple[str, ...] = ()
    cookies: tuple[Cookie, ...] = ()
    inline: tuple[str, ...] = ()
    globals: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()


ELEMENT_MARK = re.compile(r"([a-z][a-z0-9-]*)((?:\[[a-z][a-z0-9-]*(?:[*^]?=[\w./:-]+)?\])+)\Z").match
"""A mark of a tag: 1 is the element's name, 2 the conditions on its attributes."""
CONDITION = re.compile(r"\[([a-z0-9-]+)(?:([*^]?)=([^\]]*))?\]")
"""A condition on an attribute: 1 is the name, 2 how to compare, 3 the value."""
MARKED_ELEMENTS = frozenset("script iframe amp-ad amp-embed amp-analytics amp-pixel amp-sticky-ad".split())
"""The elements that a mark may name: those that a rewriter always looks at."""

# Compiled when an entry is checked, which a process that only reads what comes with dntguard never does.
_ID = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_HOST_PATTERN = r"(?:[a-z0-9_-]+\.)+[a-z0-9-]+(?:/[^\s?#]*)?"
_COOKIE_PATTERN = r"[^\s=;,\"\\]+"
_GLOBAL = r"[A-Za-z_$][\w$]*"
_ADDRESS_MARK = r"((?:[a-z0-9-]+\.)+[a-z]+)((?:/[^\s\"'\\]*)?)"
_CALL_MARK = r"([A-Za-z_$][\w$.]*)\(([\[{]?)(?:'([\w:./ -]+))?'?"
_PARAMETER = r"[A-Za-z0-9_.-]+=[A-Za-z0-9_.:*-]+"
_PATH_MARK = rf"(?:(?:/[A-Za-z0-9_.*@%+~!-]+)+/?)?(?:\?{_PARAMETER}(?:&{_PARAMETER})*)?"
_FEWEST_LITERALS = 3
"""How many characters of its own a pattern must have."""

GENERIC_COOKIES = (
    "session sessionid session_id sid PHPSESSID JSESSIONID csrftoken csrf_token XSRF-TOKEN _csrf remember_token "
    "remember_me auth auth_token token access_token user user_id uid id uuid cart cart_id basket locale language lang "
    "currency country theme preferences consent cookie_consent visitor visitor_id guest_id variant experiment ref "
    "source utm_source email name key value data page test connect.sid laravel_session ci_session rack.session "
    "__RequestVerificationToken ASP.NET_SessionId wordpress_logged_in wp-settings __Host-session __Secure-session"
).split()
"""Names that sites give to cookies of their own: whoever refuses a vendor must not lose them."""
_GENERIC = [
    *GENERIC_COOKIES,
    *(name + suffix for name in GENERIC_COOKIES for suffix in ("_1", "-x")),
    *(prefix + name for name in GENERIC_COOKIES for prefix in ("app_", "_app_", "x-", "__Host-", "__Secure-")),
]

_TEXTS = ("id", "name", "kind", "purpose", "why", "source")
_COOKIES = ("cookies", "third_party_cookies")
_LISTS = ("hosts", "inline", "globals", "paths", "elements")
KEYS = (*_TEXTS, "hosts", *_COOKIES, *_LISTS[1:])
"""The keys of an entry, in the order in which the data files write them."""


def load(text: str) -> list[Vendor]:
    """The vendors of one TOML text.

    Raises:
        VendorDataError: the text or an entry breaks the schema.
    """
    import tomllib  # noqa: PLC0415  # costs every start milliseconds, and what comes with dntguard is read without it

    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise VendorDataError("file", f"not TOML: {error}") from None
    if "id" in data:
        raise VendorDataError("file", "each vendor must be a [[vendor]] table, with two brackets")
    return parse_vendors(data)


def load_file(path: Any) -> list[Vendor]:
    """The vendors of a TOML file.

    Args:
        path: where it is, a text or a path object.

    Raises:
        OSError: the file cannot be read.
        VendorDataError: its text or an entry breaks the schema.
    """
    with open(path, encoding="utf-8-sig") as file:  # noqa: PTH123
        try:
            return load(file.read())
        except UnicodeDecodeError as error:
            raise VendorDataError("file", f"not TOML: {error}") from None


def parse_vendors(data: Mapping[str, object] | Iterable[object]) -> list[Vendor]:
    """The vendors of what a TOML text holds, of one entry, or of a list of entries.

    Raises:
        VendorDataError: it is none of these, or an entry breaks the schema.
    """
    entries: object = [data] if isinstance(data, Mapping) and "id" in data else data
    if isinstance(entries, Mapping):
        if set(entries) - {"vendor"}:
            extra = sorted(map(str, set(entries) - {"vendor"}))
            raise VendorDataError("file", f"only [[vendor]] tables belong here, not {extra}")
        entries = entries.get("vendor", [])
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            raise VendorDataError("file", "each vendor must be a [[vendor]] table, with two brackets")
    return [
        parse_vendor(_entry_of(entry) if isinstance(entry, Vendor) else entry, place)
        for place, entry in enumerate(cast("Iterable[Vendor | Mapping[str, object]]", entries), start=1)
    ]


def _entry_of(vendor: Vendor) -> dict[str, object]:
    """The entry that a vendor is, so that one that was written in code is checked like any other."""
    entry: dict[str, object] = {name: value for name, value in vendor._asdict().items() if value}
    for key, third_party in (("cookies", False), ("third_party_cookies", True)):
        groups: dict[str, list[str]] = {}
        for cookie in vendor.cookies:
            if not isinstance(cookie, Cookie):
                raise VendorDataError(str(vendor.id), f"'cookies' must be a list of Cookie objects, not {cookie!r}")
            if cookie.third_party is third_party:
                groups.setdefault(cookie.lifetime, []).append(cookie.name)
        entry[key] = groups
    return entry


def parse_vendor(entry: Mapping[str, object], place: int = 1) -> Vendor:
    """One entry of the schema.

    Raises:
        VendorDataError: a key is missing, unknown or has a value that cannot be used.
    """
    if not isinstance(entry, Mapping):
        raise VendorDataError(f"number {place}", f"an entry must be a table with an id, not {entry!r}")
    label = str(entry.get("id", f"number {place}"))
    unknown = sorted(map(str, set(entry) - set(KEYS)))
    if unknown:
        raise VendorDataError(label, f"unknown key {unknown[0]!r}; the keys are {', '.join(KEYS)}")
    texts: dict[str, str] = {}
    for key in _TEXTS:
        value = entry.get(key, None if key in ("id", "purpose") else "")
        if not isinstance(value, str) or (key in entry and not value):
            raise VendorDataError(label, f"{key!r} must be a text")
        texts[key] = value
    lists = {key: _texts_of(label, key, entry.get(key, [])) for key in _LISTS}
    cookies = [cookie for key in _COOKIES for cookie in _cookies(label, key, entry.get(key, []))]
    vendor = Vendor(
        id=texts["id"],
        name=texts["name"] or texts["id"],
        purpose=_purpose(label, texts["purpose"]),
        source=texts["source"],
        kind=texts["kind"],
        why=texts["why"],
        cookies=tuple(cookies),
        **lists,
    )
    problem = _problem(vendor)
    if problem is not None:
        raise VendorDataError(label, problem)
    return vendor


def _texts_of(label: str, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise VendorDataError(label, f"{key!r} must be a list of texts")
    return tuple(value)


def _cookies(label: str, key: str, value: object) -> list[Cookie]:
    groups = value if isinstance(value, Mapping) else {"unstated": value}
    unknown = sorted(map(str, set(groups) - set(LIFETIMES)))
    if unknown:
        raise VendorDataError(label, f"{key!r} has no lifetime {unknown[0]!r}; choose from {', '.join(LIFETIMES)}")
    third = key == "third_party_cookies"
    return [
        Cookie(name, lifetime, third)
        for lifetime in LIFETIMES
        for name in _texts_of(label, key, groups.get(lifetime, []))
    ]


def _purpose(label: str, value: str) -> Purpose:
    if value not in set(Purpose):
        raise VendorDataError(label, f"no such purpose: {value!r}; choose from {', '.join(Purpose)}")
    return Purpose(value)


def _problem(vendor: Vendor) -> str | None:
    """What of an entry breaks the schema, and what to write instead."""
    if not re.fullmatch(_ID, vendor.id):
        return 'the id must be kebab-case, as in "google-analytics"'
    if vendor.kind and vendor.kind not in KINDS:
        return f"no such kind: {vendor.kind!r}; choose from {', '.join(KINDS)}"
    if vendor.source and not vendor.source.startswith("https://"):
        return "the source must be an https address"
    names = tuple(cookie.name for cookie in vendor.cookies)
    checks = (
        ("hosts", vendor.hosts, partial(re.fullmatch, _HOST_PATTERN),
         'a lower-case host, with a path or without: "www.example.com/tag/"'),
        ("cookies", names, partial(re.fullmatch, _COOKIE_PATTERN),
         'a cookie name, "*" for any run of characters: "_ga_*"'),
        ("globals", vendor.globals, partial(re.fullmatch, _GLOBAL), 'a plain identifier: "fbq"'),
        ("inline", vendor.inline, _is_inline_mark,
         'a loader address ("cdn.example.com/tag.js") or an initialising call ("fbq(\'init\'", "mixpanel.init(")'),
        ("paths", vendor.paths, _is_path_mark,
         'the end of a path, a folder or parameters: "/matomo.js", "/plugins/matomo/", "/g/collect?tid=G-*"'),
        ("elements", vendor.elements, _is_element_mark,
         'a selector of a script, iframe or AMP element: "script[data-website-id]", "amp-ad[type=criteo]"'),
    )  # fmt: skip
    for key, items, check, fix in checks:
        for item in items:
            if not check(item):
                return f"{key} entry {item!r} must be {fix}"
        twice = next((item for item in items if items.count(item) > 1), None)
        if twice is not None:
            return f"{key} entry {twice!r} is listed twice; write it once"
    for name in names if vendor.purpose is not Purpose.NECESSARY else ():
        if "*" in name and len(name.replace("*", "")) < _FEWEST_LITERALS:
            return (
                f"cookies entry {name!r} is too wide; write {_FEWEST_LITERALS} characters or more that are the vendor's"
            )
        taken = re.compile(name_pattern(name)).fullmatch
        generic = next(filter(taken, _GENERIC if "*" in name else GENERIC_COOKIES), None)
        if generic is not None:
            return f"cookies entry {name!r} would take {generic!r}, which sites call cookies of their own; write less"
    if not any((vendor.hosts, names, vendor.inline, vendor.paths, vendor.elements)):
        return "nothing tells it; write a host, a cookie, an inline mark, a path or an element"
    return None


def _is_inline_mark(mark: str) -> bool:
    call = re.fullmatch(_CALL_MARK, mark)
    address = re.fullmatch(_ADDRESS_MARK, mark)
    # A host alone is a mark when it is a string of its own, and no site's name.
    told = address is not None and (bool(address[2]) or mark.count(".") > 1)
    return told or (call is not None and ("." in call[1] or bool(call[3])))


def _is_path_mark(mark: str) -> bool:
    path, _, query = mark.partition("?")
    parameters = [parameter.partition("=") for parameter in query.split("&")]
    # A short path, or `?id=` with anything, is some page of the site's own.
    told = len(path.replace("*", "")) > _FEWEST_LITERALS or any(
        len(name) > 2 * _FEWEST_LITERALS or value.strip("*") for name, _, value in parameters
    )
    return bool(mark) and re.fullmatch(_PATH_MARK, mark) is not None and told


def _is_element_mark(mark: str) -> bool:
    found = ELEMENT_MARK(mark)
    if found is None or found[1] not in MARKED_ELEMENTS:
        return False
    if found[1].startswith("amp-"):
        return True  # of these elements the type is the vendor's
    conditions = CONDITION.findall(found[2])
    return any(name.startswith("data-") or len(value) >= _FEWEST_LITERALS for name, _, value in conditions)


def name_pattern(pattern: str) -> str:
    """The regular expression of a pattern in which `*` stands for any run of characters."""
    first, *others = map(re.escape, pattern.split("*"))
    if not others:
        return first
    # Each piece where it comes first, and never again: otherwise several stars would backtrack over each other.
    middle = "".join(rf"(?>[\s\S]*?{piece})" for piece in others[:-1])
    return rf"{first}{middle}[\s\S]*{others[-1]}"
