"""The site's configuration: one frozen object, validated at construction.

Every way to configure dntguard (keywords of a middleware, a framework's settings, a TOML file, the command line)
ends here, so the names, the defaults and the errors are the same everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Literal, Self, cast, get_args

from dntguard import settings
from dntguard.errors import PolicyError, VendorDataError
from dntguard.purposes import OPTIONAL_PURPOSES, Purpose, Purposes
from dntguard.report import Report
from dntguard.urls import INVALID_HOST, is_public_suffix, parse_host
from dntguard.vendors import Registry, Vendor, load_file, parse_vendors

Mode = Literal["opt-out", "opt-in", "never"]
ThirdParty = Literal["remove", "keep"]
CookieScope = Literal["tracking", "all-but-necessary"]
Undecidable = Literal["remove", "keep"]
Cache = Literal["vary", "invariant"]
OnError = Literal["keep", "remove"]

_SIGNAL_REFUSES = frozenset({Purpose.ANALYTICS, Purpose.MARKETING})
_COOKIE_PATTERN = re.compile(r"[\x21-\x7e]+\Z").match
_HOST_NAME = re.compile(r"[a-z0-9_.-]+\Z|\[[0-9a-f:]+\]\Z").match
_VENDOR_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z").match


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a site does for visitors who refuse.

    Every argument is optional. Sequences may be any iterable of strings, purposes may be given as strings.

    Args:
        mode: `"opt-out"`: all purposes are granted until refused; `"opt-in"`: only the necessary ones until granted;
            `"never"`: the optional purposes are refused for everybody.
        dnt_refuses: the purposes that `DNT: 1` refuses.
        gpc_refuses: the purposes that `Sec-GPC: 1` refuses.
        third_party: what becomes of third-party scripts and frames that no vendor claims: `"remove"` or `"keep"`.
        allow: hosts (with their subdomains) or vendor ids that are never refused.
        block: hosts (with their subdomains) or vendor ids that are refused for every visitor. Where `allow` and
            `block` name different parts of one host, the longer name wins; hosts win over vendor ids.
        first_party: further hosts (with their subdomains) that are this site's own.
        allow_cookies: patterns (`*` for any run of characters) of cookie names that are never refused.
        block_cookies: patterns of cookie names that are refused for every visitor; `allow_cookies` wins.
        cookies: which cookies a refusal takes: `"tracking"` (those of refused vendors) or `"all-but-necessary"`
            (all but those known or declared necessary).
        purposes: what the site files vendors under, from their ids to purposes, where it is not what the registry says.
        vendors: vendors of the site's own, beside those of the registry: entries of the schema in
            `dntguard.vendors.schema` as mappings, or the path of a TOML file of them. One with the id of a known vendor
            takes its place.
        include: path patterns the middleware acts on; empty for all. `*` stands for any run of characters, `/` too; a
            pattern without it means a path and all below it.
        exclude: path patterns it leaves alone; wins over `include`.
        report_only: decide and report, change nothing.
        on_undecidable: what becomes of that which cannot be judged, `"remove"` or `"keep"`: a tag over the limit, an
            element whose extent depends on how a browser reads broken markup, a body in an unknown coding.
        max_undecided: how many bytes of a page may be held back while a tag or script is undecided.
        cache: `"vary"`: each visitor gets a response of their own, and `Vary` tells caches so; `"invariant"`: everybody
            gets the one that who refuses gets, and nothing varies, for caches that do not follow `Vary`.
        respect_no_transform: leave the bytes of a page alone that says `Cache-Control: no-transform`; it is then a body
            that cannot be judged.
        on_error: what becomes of a response when dntguard itself fails on it: `"keep"`: what is left of it goes out as
            the application made it, less the refused cookies; `"remove"`: status 500 where nothing is out yet, else
            the response ends there.
        explain: say in each response what was done to it, for whoever looks: the comment that a removed element leaves
            names the vendor, and the fields `X-DNTGuard` and `Server-Timing` tell the decision and the time it took.
            Every response then varies by the signals. For development and staging.
        on_report: called with the `Report` of each exchange, after its last byte: a function of one argument, or a list
            of them.

    Raises:
        PolicyError: an option is unknown or cannot be used.
    """

    mode: Mode = "opt-out"
    dnt_refuses: frozenset[Purpose] = _SIGNAL_REFUSES
    gpc_refuses: frozenset[Purpose] = _SIGNAL_REFUSES
    third_party: ThirdParty = "remove"
    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    first_party: tuple[str, ...] = ()
    allow_cookies: tuple[str, ...] = ()
    block_cookies: tuple[str, ...] = ()
    cookies: CookieScope = "tracking"
    purposes: Mapping[str, str] = field(default_factory=Purposes)
    vendors: tuple[Vendor, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    report_only: bool = False
    on_undecidable: Undecidable = "remove"
    max_undecided: int = 512 * 1024
    cache: Cache = "vary"
    respect_no_transform: bool = False
    on_error: OnError = "keep"
    explain: bool = False
    on_report: Callable[[Report], object] | Sequence[Callable[[Report], object]] | None = field(
        default=None, compare=False
    )

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        for name, literal in _CHOICES.items():
            _one_of(name, getattr(self, name), get_args(literal))
        for name in ("dnt_refuses", "gpc_refuses"):
            put(name, _purposes(name, getattr(self, name)))
        for name in ("allow", "block", "first_party", "allow_cookies", "block_cookies", "include", "exclude"):
            put(name, _strings(name, getattr(self, name)))
        put("first_party", tuple(_host("first_party", entry) for entry in self.first_party))
        put("vendors", _vendors(self.vendors))
        put("purposes", _filed(self.purposes, self.vendors))
        for name in ("allow", "block"):
            put(name, tuple(_host_or_vendor(name, entry, self.registry) for entry in getattr(self, name)))
        for name in ("allow_cookies", "block_cookies"):
            for entry in getattr(self, name):
                if not _COOKIE_PATTERN(entry) or any(char in entry for char in "=;,"):
                    raise PolicyError(name, entry, "not a cookie-name pattern", 'write a name such as "_ga" or "_ga_*"')
        for name in ("include", "exclude"):
            for entry in getattr(self, name):
                if not entry.startswith(("/", "*")):
                    raise PolicyError(name, entry, "not a path pattern", 'start it with "/", as in "/static/*"')
        for name, other in (("allow", "block"), ("allow_cookies", "block_cookies")):
            both = sorted(set(getattr(self, name)) & set(getattr(self, other)))
            if both:
                raise PolicyError(name, both[0], f"also in {other!r}", "name it in one of the two")
        for name in ("report_only", "respect_no_transform", "explain"):
            if not isinstance(getattr(self, name), bool):
                raise PolicyError(name, getattr(self, name), "not a boolean", "write True or False")
        if isinstance(self.max_undecided, bool) or not isinstance(self.max_undecided, int) or self.max_undecided < 1024:
            raise PolicyError(
                "max_undecided", self.max_undecided, "not a number of bytes", "write an integer of at least 1024"
            )
        if self.on_report is not None and not callable(self.on_report):
            put("on_report", _receivers(self.on_report))

    @property
    def registry(self) -> Registry:
        """The vendors as this site knows and files them; built once for all policies that say the same of them."""
        return Registry.of(self.vendors, cast("Purposes", self.purposes))

    @classmethod
    def from_mapping(cls, options: Mapping[str, object]) -> Self:
        """The policy of a mapping from option names to values: settings, keywords, a TOML table.

        Raises:
            PolicyError: a name is not an option (the nearest one is suggested), or a value cannot be used.
        """
        names = option_names()
        for name, value in options.items():
            if name not in names:
                close = _close(str(name), names)
                fix = f"did you mean {close[0]!r}?" if close else f"the options are {', '.join(names)}"
                raise PolicyError(str(name), value, "no such option", fix)
        return cls(**dict(options))  # type: ignore[arg-type]  # __post_init__ checks each value

    @classmethod
    def from_toml(cls, path: str) -> Self:
        """The policy of a TOML file: its table `[tool.dntguard]`, or without such a table its top level.

        Args:
            path: of a `dntguard.toml` or a `pyproject.toml`. A relative path of `vendors` in it is relative to it.

        Raises:
            PolicyError: the file cannot be read, an option is unknown or cannot be used.
        """
        return cls.from_mapping(settings.from_toml(path))

    @classmethod
    def from_env(cls, prefix: str = "DNTGUARD_", environment: Mapping[str, str] | None = None) -> Self:
        """The policy of environment variables: `DNTGUARD_THIRD_PARTY=keep`, `DNTGUARD_ALLOW=stripe,maps.example.net`.

        Args:
            prefix: of their names; the rest is an option's name in upper case.
            environment: the variables; those of the process without it.

        Raises:
            PolicyError: a variable with the prefix is no option, or has a value that cannot be used.
        """
        return cls.from_mapping(settings.from_environment(prefix, option_kinds(), environment))


def make_policy(policy: Policy | None, options: Mapping[str, object]) -> Policy:
    """The policy of a middleware's arguments: a ready one, or options by name.

    Raises:
        PolicyError: both are given, or an option cannot be used.
    """
    if policy is None:
        return Policy.from_mapping(options)
    if not isinstance(policy, Policy):
        raise PolicyError("policy", policy, "not a Policy", "write Policy(...), or give the options by name")
    if options:
        raise PolicyError(
            next(iter(options)), next(iter(options.values())), "given beside a ready policy", "put it into the Policy"
        )
    return policy


def option_kinds() -> dict[str, str]:
    """From each option to how a text of it is read: see `dntguard.settings.from_environment`."""
    kinds: dict[str, str] = {}
    for option in fields(Policy):
        default = option.default
        if option.name == "vendors" or isinstance(default, str):
            kinds[option.name] = "text"
        elif isinstance(default, (tuple, frozenset)):
            kinds[option.name] = "list"
        elif isinstance(default, bool):
            kinds[option.name] = "switch"
        elif isinstance(default, int):
            kinds[option.name] = "number"
        else:
            kinds[option.name] = "mapping" if option.name == "purposes" else "code"
    return kinds


def option_names() -> list[str]:
    """The names of all options, in the order of the documentation."""
    return [option.name for option in fields(Policy)]


_CHOICES = {
    "mode": Mode,
    "third_party": ThirdParty,
    "cookies": CookieScope,
    "on_undecidable": Undecidable,
    "cache": Cache,
    "on_error": OnError,
}


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise PolicyError(name, value, "not a known value", "write " + " or ".join(f'"{item}"' for item in allowed))


def _strings(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise PolicyError(name, value, "not a list of strings", 'write a list, as in ["a", "b"]')
    entries = tuple(value)
    for entry in entries:
        if not isinstance(entry, str) or not entry:
            raise PolicyError(name, entry, "not a non-empty string", "write each entry as a string")
    return entries


def _receivers(value: object) -> tuple[Callable[[Report], object], ...]:
    entries = tuple(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)) else (value,)
    for entry in entries:
        if not callable(entry):
            fix = "give a function of one argument, a list of them, or None"
            raise PolicyError("on_report", entry, "not callable", fix)
    return entries


def _purposes(name: str, value: object) -> frozenset[Purpose]:
    purposes: set[Purpose] = set()
    for entry in _strings(name, value):
        known = [purpose for purpose in OPTIONAL_PURPOSES if purpose.value == entry]
        if not known:
            choices = ", ".join(f'"{purpose.value}"' for purpose in Purpose if purpose in OPTIONAL_PURPOSES)
            raise PolicyError(name, entry, "not a purpose that can be refused", f"choose from {choices}")
        purposes.update(known)
    return frozenset(purposes)


def _host(name: str, entry: str) -> str:
    host = parse_host(entry.removeprefix("*."))
    # A URL, a port or a list in one string would match no host, without a word.
    if host == INVALID_HOST or not _HOST_NAME(host) or "@" in entry or (":" in entry and not entry.endswith("]")):
        raise PolicyError(name, entry, "not a host name", 'write the host alone, as in "cdn.example.com"')
    if name in _TRUSTING and is_public_suffix(host):
        raise PolicyError(name, entry, "a public suffix, below which anybody can have a site", "name the site's domain")
    return host


_TRUSTING = ("allow", "first_party")


def _host_or_vendor(name: str, entry: str, registry: Registry) -> str:
    if "." in entry or entry == "localhost" or entry.startswith("["):
        return _host(name, entry)
    if entry in registry:
        return entry
    fix = _nearest_vendor(entry, registry) or 'write a host such as "cdn.example.com" or a vendor id'
    raise PolicyError(name, entry, "neither a host nor a known vendor", fix)


def _close(name: str, names: list[str]) -> list[str]:
    from difflib import get_close_matches  # noqa: PLC0415  # costs every start a millisecond, and only mistakes need it

    return get_close_matches(name, names, n=1)


def _nearest_vendor(entry: str, registry: Registry) -> str:
    ids = [vendor.id for vendor in registry.vendors]
    close = _close(entry, ids) if _VENDOR_ID(entry) else []
    return f"did you mean {close[0]!r}?" if close else ""


def _vendors(value: object) -> tuple[Vendor, ...]:
    """The entries of a file, of what a TOML file holds, or of a list; they must not contradict one another."""
    is_path = isinstance(value, str) or hasattr(value, "__fspath__")
    if not is_path and (isinstance(value, bytes) or not isinstance(value, Iterable)):
        raise PolicyError("vendors", value, "not a list of entries", "write a list of mappings, or a file's path")
    try:
        entries = load_file(value) if is_path else parse_vendors(cast("Iterable[object]", value))
        return Registry(entries).vendors
    except VendorDataError as error:
        raise PolicyError("vendors", value if is_path else error.vendor, str(error), "mend the entry") from None
    except (OSError, TypeError, ValueError) as error:
        raise PolicyError("vendors", value, f"no file that can be read ({error})", "check the path") from None


def _filed(value: object, vendors: tuple[Vendor, ...]) -> Purposes:
    """From the ids of vendors to purposes."""
    if not isinstance(value, Mapping):
        raise PolicyError(
            "purposes", value, "not a mapping", 'write vendor ids and purposes: {"youtube": "functional"}'
        )
    registry = Registry.of(vendors, Purposes())
    for vendor_id, purpose in value.items():
        if not isinstance(vendor_id, str) or vendor_id not in registry:
            fix = _nearest_vendor(str(vendor_id), registry) or "`python -m dntguard vendors` lists them"
            raise PolicyError("purposes", vendor_id, "not a known vendor", fix)
        if not isinstance(purpose, str) or purpose not in set(Purpose):
            choices = ", ".join(f'"{known.value}"' for known in Purpose)
            raise PolicyError("purposes", purpose, f"not a purpose, for {vendor_id!r}", f"choose from {choices}")
    return Purposes((vendor_id, Purpose(value[vendor_id])) for vendor_id in sorted(value))
