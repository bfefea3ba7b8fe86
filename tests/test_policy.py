"""The policy: every option, its forms, and what a wrong value is told."""

import copy
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any, cast

import pytest

from dntguard.errors import PolicyError
from dntguard.policy import Policy, make_policy, option_names
from dntguard.purposes import Purpose, Purposes
from dntguard.report import Report
from dntguard.vendors import Cookie, Registry, Vendor

SIGNAL_DEFAULT = frozenset({Purpose.ANALYTICS, Purpose.MARKETING})
DEFAULTS: dict[str, object] = {
    "mode": "opt-out",
    "dnt_refuses": SIGNAL_DEFAULT,
    "gpc_refuses": SIGNAL_DEFAULT,
    "third_party": "remove",
    "allow": (),
    "block": (),
    "first_party": (),
    "allow_cookies": (),
    "block_cookies": (),
    "cookies": "tracking",
    "purposes": Purposes(),
    "vendors": (),
    "include": (),
    "exclude": (),
    "report_only": False,
    "on_undecidable": "remove",
    "max_undecided": 512 * 1024,
    "cache": "vary",
    "respect_no_transform": False,
    "on_error": "keep",
    "explain": False,
    "on_report": None,
}
SEQUENCES = ["allow", "block", "first_party", "allow_cookies", "block_cookies", "include", "exclude"]
PURPOSES = ["dnt_refuses", "gpc_refuses"]


OWN_ENTRY: dict[str, object] = {
    "id": "our-counter",
    "purpose": "analytics",
    "hosts": ["count.example"],
    "cookies": {"day": ["_ourc_*"]},
}
OWN_VENDOR = Vendor(
    "our-counter",
    "our-counter",
    Purpose.ANALYTICS,
    hosts=("count.example",),
    cookies=(Cookie("_ourc_*", "day"),),
)


def take(report: Report) -> None: ...


def error_of(name: str, value: object) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        Policy.from_mapping({name: value})
    return caught.value


@pytest.mark.parametrize("name", option_names())
def test_each_option_has_its_documented_default(name: str) -> None:
    """A policy without arguments is the one that the documentation describes, and no option is missing here."""
    assert getattr(Policy(), name) == DEFAULTS[name]


def test_the_options_are_the_fields_in_order() -> None:
    """Every table of options derives from the dataclass."""
    assert option_names() == [field.name for field in fields(Policy)] == list(DEFAULTS)


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("mode", "opt-in", "opt-in"),
        ("mode", "never", "never"),
        ("third_party", "keep", "keep"),
        ("cookies", "all-but-necessary", "all-but-necessary"),
        ("on_undecidable", "keep", "keep"),
        ("report_only", True, True),
        ("cache", "invariant", "invariant"),
        ("respect_no_transform", True, True),
        ("on_error", "remove", "remove"),
        ("max_undecided", 1024, 1024),
        ("explain", True, True),
        ("on_report", take, take),
        ("on_report", [take, print], (take, print)),
        ("on_report", (), ()),
        ("dnt_refuses", [], frozenset()),
        ("dnt_refuses", ["marketing"], frozenset({Purpose.MARKETING})),
        ("gpc_refuses", ("functional", "functional"), frozenset({Purpose.FUNCTIONAL})),
        ("gpc_refuses", {Purpose.ANALYTICS}, frozenset({Purpose.ANALYTICS})),
        ("gpc_refuses", (name for name in ["analytics"]), frozenset({Purpose.ANALYTICS})),
        ("allow", ["CDN.Example.com."], ("cdn.example.com",)),
        ("allow", ["*.example.com", "stripe"], ("example.com", "stripe")),
        ("block", ["bücher.example"], ("xn--bcher-kva.example",)),
        ("block", ["localhost", "127.1", "[0::1]"], ("localhost", "127.0.0.1", "[::1]")),
        ("block", {"hotjar": True}.keys(), ("hotjar",)),
        ("first_party", ["intranet", "Static.Example.net"], ("intranet", "static.example.net")),
        ("allow_cookies", ["_ga", "_ga_*"], ("_ga", "_ga_*")),
        ("block_cookies", {"track*"}, ("track*",)),
        ("purposes", {"youtube": "functional"}, Purposes({"youtube": Purpose.FUNCTIONAL})),
        ("vendors", [OWN_ENTRY], (OWN_VENDOR,)),
        ("vendors", (OWN_VENDOR,), (OWN_VENDOR,)),
        ("vendors", OWN_ENTRY, (OWN_VENDOR,)),
        ("vendors", {"vendor": [OWN_ENTRY]}, (OWN_VENDOR,)),
        ("include", ["/shop/*", "*.html"], ("/shop/*", "*.html")),
        ("exclude", iter(["/api/*"]), ("/api/*",)),
    ],
)
def test_each_accepted_form_is_kept_in_one_spelling(name: str, given: object, kept: object) -> None:
    """Iterables become tuples or frozen sets, strings become purposes, and hosts what a browser looks up."""
    policy = Policy.from_mapping({name: given})
    assert getattr(policy, name) == kept
    assert type(getattr(policy, name)) is type(kept)


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("mode", "optout", 'write "opt-out" or "opt-in" or "never"'),
        ("mode", None, 'write "opt-out"'),
        ("mode", ["opt-out"], 'write "opt-out"'),
        ("third_party", "Remove", 'write "remove" or "keep"'),
        ("third_party", True, 'write "remove" or "keep"'),
        ("cookies", "all", 'write "tracking" or "all-but-necessary"'),
        ("on_undecidable", "", 'write "remove" or "keep"'),
        ("report_only", "yes", "write True or False"),
        ("report_only", 1, "write True or False"),
        ("cache", "none", 'write "vary" or "invariant"'),
        ("respect_no_transform", 0, "write True or False"),
        ("on_error", "raise", 'write "keep" or "remove"'),
        ("max_undecided", 1023, "write an integer of at least 1024"),
        ("max_undecided", "4096", "write an integer of at least 1024"),
        ("max_undecided", 4096.0, "write an integer of at least 1024"),
        ("max_undecided", True, "write an integer of at least 1024"),
        ("on_report", "print", "give a function of one argument, a list of them, or None"),
        ("purposes", "youtube", 'write vendor ids and purposes: {"youtube": "functional"}'),
        ("vendors", 7, "write a list of mappings, or a file's path"),
        ("vendors", b"vendors.toml", "write a list of mappings, or a file's path"),
        ("vendors", "no-such-file.toml", "check the path"),
        ("vendors", "\0", "check the path"),
        ("vendors", "\ud800", "check the path"),
    ],
)
def test_a_bad_value_is_told_what_to_write(name: str, value: object, fix: str) -> None:
    """The error names the option, the value and the fix, in the message and as attributes."""
    error = error_of(name, value)
    assert (error.option, error.value) == (name, value)
    assert error.fix.startswith(fix)
    assert str(error).startswith(f"dntguard option {name!r}: ")
    assert repr(value) in str(error)
    assert str(error).endswith(error.fix)


@pytest.mark.parametrize("name", SEQUENCES + PURPOSES)
@pytest.mark.parametrize("value", ["analytics", b"analytics", {"analytics": True}, None, 7])
def test_a_string_is_not_a_list_of_strings(name: str, value: object) -> None:
    """`allow="cdn.example.com"` must not become the hosts `c`, `d`, `n`."""
    error = error_of(name, value)
    assert (error.option, error.value) == (name, value)
    assert error.fix == 'write a list, as in ["a", "b"]'


@pytest.mark.parametrize("name", SEQUENCES + PURPOSES)
@pytest.mark.parametrize("entry", ["", 7, None, b"/x", ["/x"]])
def test_each_entry_of_a_list_is_a_string(name: str, entry: object) -> None:
    """The error shows the entry, not the list."""
    error = error_of(name, ["analytics", entry])
    assert (error.option, error.value, error.fix) == (name, entry, "write each entry as a string")


@pytest.mark.parametrize("name", PURPOSES)
@pytest.mark.parametrize("entry", ["necessary", "Analytics", "ads", "analytics "])
def test_only_an_optional_purpose_can_be_refused(name: str, entry: str) -> None:
    """What is necessary is never refused, and a misspelt purpose would refuse nothing."""
    error = error_of(name, [entry])
    assert (error.option, error.value) == (name, entry)
    assert error.fix == 'choose from "functional", "analytics", "marketing"'


@pytest.mark.parametrize("name", ["allow", "block", "first_party"])
@pytest.mark.parametrize(
    "entry",
    [
        *(
            "https://cdn.example.com",
            "cdn.example.com/x",
            "cdn.example.com:443",
            "user@cdn.example.com",
            "a.b?c",
            "a.b#c",
        ),
        *(
            "a b.example",
            "a..example",
            "1.2.3.4.5",
            ".",
            "[::1",
            "[::1]:80",
            "[::1]x",
            "*.",
            '"cdn.example.com"',
            "cdn.*.com",
        ),
        *("cdn.example.com,b.example", "{cdn}.example.com", "<cdn.example>", "cdn'.example"),
    ],
)
def test_a_host_option_takes_hosts_and_nothing_more(name: str, entry: str) -> None:
    """A URL, a port or a typo would silently match no host."""
    error = error_of(name, ["stripe.com", entry])
    assert (error.option, error.value) == (name, entry)
    assert error.fix == 'write the host alone, as in "cdn.example.com"'


@pytest.mark.parametrize("name", ["allow", "block"])
@pytest.mark.parametrize(
    ("entry", "fix"),
    [
        ("google-analytic", "did you mean 'google-analytics'?"),
        ("hotjarr", "did you mean 'hotjar'?"),
        ("zzzzzzzz", 'write a host such as "cdn.example.com" or a vendor id'),
        ("Hotjar", 'write a host such as "cdn.example.com" or a vendor id'),
        ("intranet-without-a-dot!", 'write a host such as "cdn.example.com" or a vendor id'),
    ],
)
def test_an_unknown_vendor_id_suggests_the_nearest(name: str, entry: str, fix: str) -> None:
    """An entry without a dot is a vendor id."""
    error = error_of(name, [entry])
    assert (error.option, error.value, error.fix) == (name, entry, fix)


@pytest.mark.parametrize("name", ["allow_cookies", "block_cookies"])
@pytest.mark.parametrize("entry", ["_ga=1", "_ga;", "a,b", "a b", "ä", "\x7f", "a\n"])
def test_a_cookie_pattern_is_a_cookie_name(name: str, entry: str) -> None:
    """RFC 6265 section 4.1.1: a name is a token; `*` is one of its characters."""
    error = error_of(name, [entry])
    assert (error.option, error.value) == (name, entry)
    assert error.fix == 'write a name such as "_ga" or "_ga_*"'


@pytest.mark.parametrize("name", ["include", "exclude"])
def test_a_path_pattern_starts_with_a_slash_or_a_star(name: str) -> None:
    """The fix is the entry with the slash."""
    error = error_of(name, ["/ok", "api/*"])
    assert (error.option, error.value, error.fix) == (name, "api/*", 'start it with "/", as in "/static/*"')


@pytest.mark.parametrize(
    ("first", "second", "entry"),
    [("allow", "block", "hotjar"), ("allow", "block", "CDN.example.com"), ("allow_cookies", "block_cookies", "_ga")],
)
def test_nothing_is_both_allowed_and_blocked(first: str, second: str, entry: str) -> None:
    """A conflict is an error, also when the two are spelt differently."""
    with pytest.raises(PolicyError, match="name it in one of the two") as caught:
        Policy.from_mapping({first: [entry], second: [entry.lower()]})
    assert caught.value.option == first
    assert second in str(caught.value)


def test_a_host_may_be_allowed_under_a_blocked_one() -> None:
    """The longer name wins, so this is no conflict."""
    policy = Policy(allow=("cdn.example.com",), block=("example.com",))
    assert (policy.allow, policy.block) == (("cdn.example.com",), ("example.com",))


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("dnt_refuse", "did you mean 'dnt_refuses'?"),
        ("thirdparty", "did you mean 'third_party'?"),
        ("Mode", "did you mean 'mode'?"),
        ("qqqq", "the options are mode, dnt_refuses, "),
    ],
)
def test_an_unknown_option_suggests_the_nearest(name: str, fix: str) -> None:
    """A misspelt option must not be an ignored one."""
    error = error_of(name, "x")
    assert (error.option, error.value) == (name, "x")
    assert error.fix.startswith(fix)


def test_an_option_name_that_is_no_string_is_unknown() -> None:
    """A mapping from a file may hold anything."""
    options: Mapping[Any, object] = {7: "x"}
    with pytest.raises(PolicyError, match="no such option"):
        Policy.from_mapping(options)


def test_a_policy_cannot_be_changed() -> None:
    """It is shared by all threads and tasks."""
    with pytest.raises(FrozenInstanceError):
        Policy().mode = "never"  # type: ignore[misc]
    with pytest.raises(TypeError):
        Policy("never")  # type: ignore[call-arg]


def test_policies_of_equal_options_are_equal_and_hash_alike() -> None:
    """So that what is built from a policy is built once; who is told of reports makes no difference."""
    given: list[Any] = [["b.example", "stripe"], ("b.example", "stripe")]
    first, second = (Policy.from_mapping({"allow": allow, "dnt_refuses": ["marketing"]}) for allow in given)
    assert first == second
    assert hash(first) == hash(second)
    assert Policy(on_report=take) == Policy()
    assert hash(Policy(on_report=take)) == hash(Policy())
    assert Policy(mode="never") != Policy()


def test_from_mapping_takes_what_the_constructor_takes() -> None:
    """Settings, keywords and files end in the same policy, and the mapping stays as it was."""
    options: dict[str, object] = {"mode": "opt-in", "block": ["hotjar"], "report_only": True}
    assert Policy.from_mapping(options) == Policy(mode="opt-in", block=("hotjar",), report_only=True)
    assert options == {"mode": "opt-in", "block": ["hotjar"], "report_only": True}
    assert Policy.from_mapping({}) == Policy()


def test_make_policy_takes_a_policy_or_options() -> None:
    """A ready policy is used as it is."""
    policy = Policy(mode="never")
    assert make_policy(policy, {}) is policy
    assert make_policy(None, {"mode": "never"}) == policy
    assert make_policy(None, {}) == Policy()


def test_make_policy_does_not_take_both() -> None:
    """Which of the two would win nobody could guess."""
    with pytest.raises(PolicyError, match="given beside a ready policy") as caught:
        make_policy(Policy(), {"mode": "never"})
    assert (caught.value.option, caught.value.value) == ("mode", "never")


def test_make_policy_takes_no_mapping_for_a_policy() -> None:
    """`DNTGuardMiddleware(app, {...})` is told how to write it."""
    with pytest.raises(PolicyError, match="not a Policy") as caught:
        make_policy({"mode": "never"}, {})  # type: ignore[arg-type]
    assert caught.value.option == "policy"


@pytest.mark.parametrize("option", ["allow", "first_party"])
@pytest.mark.parametrize("suffix", ["co.uk", "github.io"])
def test_a_public_suffix_is_nobody_s_to_trust(option: str, suffix: str) -> None:
    """One word there would let everybody below it through."""
    with pytest.raises(PolicyError, match="public suffix"):
        Policy.from_mapping({option: [suffix]})


def test_a_top_level_domain_is_nobody_s_own_but_a_local_name_is() -> None:
    """An intranet's single label is no public suffix."""
    with pytest.raises(PolicyError, match="public suffix"):
        Policy(first_party=("com",))
    assert Policy(first_party=("intranet", "localhost")).first_party == ("intranet", "localhost")


# --- vendors of the site's own ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said", "fix"),
    [
        ({"yuotube": "functional"}, "yuotube", "did you mean 'youtube'?"),
        ({"Not a vendor": "functional"}, "Not a vendor", "`python -m dntguard vendors` lists them"),
        ({7: "functional"}, 7, "`python -m dntguard vendors` lists them"),
        ({"youtube": "video"}, "video", 'choose from "necessary", "functional", "analytics", "marketing"'),
        ({"youtube": None}, None, "choose from"),
        ({"youtube": []}, [], "choose from"),
    ],
)
def test_a_vendor_is_filed_by_its_id_under_a_purpose(value: dict[Any, Any], said: object, fix: str) -> None:
    """The error names the entry, and the nearest vendor."""
    error = error_of("purposes", value)
    assert (error.option, error.value) == ("purposes", said)
    assert error.fix.startswith(fix)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([{"purpose": "analytics"}], "vendor number 1: 'id' must be a text"),
        ([OWN_ENTRY, {"id": "x"}], "vendor x: 'purpose' must be a text"),
        ([OWN_ENTRY, OWN_ENTRY], "vendor our-counter: the id is used twice"),
        ([{**OWN_ENTRY, "cookies": ["sess*"]}], "cookies entry 'sess*' would take 'session'"),
        ([7], "an entry must be a table with an id, not 7"),
        ({"vendors": []}, "only [[vendor]] tables belong here, not ['vendors']"),
        ({"vendor": 7}, "each vendor must be a [[vendor]] table"),
        ([dict([*OWN_ENTRY.items(), (1, 2), ("x", 3)])], "unknown key '1'"),
        ([{**OWN_ENTRY, "cookies": {1: [], "x": []}}], "'cookies' has no lifetime '1'"),
        ([OWN_VENDOR._replace(purpose=cast("Purpose", "bogus"))], "no such purpose: 'bogus'"),
        ([OWN_VENDOR._replace(hosts=("*",))], "hosts entry '*' must be a lower-case host"),
        ([OWN_VENDOR._replace(cookies=(Cookie("*"),))], "cookies entry '*' is too wide"),
        (
            [OWN_VENDOR._replace(cookies=cast("tuple[Cookie]", ("a",)))],
            "'cookies' must be a list of Cookie objects, not 'a'",
        ),
        ([OWN_VENDOR._replace(inline=cast("tuple[str]", (5,)))], "'inline' must be a list of texts"),
    ],
)
def test_an_entry_of_the_site_s_own_follows_the_same_schema(entries: object, said: str) -> None:
    """What is wrong with it is said as for the entries that come with dntguard."""
    error = error_of("vendors", entries)
    assert said in str(error)
    assert error.fix == "mend the entry"


def test_the_site_s_own_vendors_may_be_in_a_file(tmp_path: Path) -> None:
    """By its path as text or as an object; what is wrong with it names the file."""
    file = tmp_path / "vendors.toml"
    file.write_text(
        '[[vendor]]\nid = "our-counter"\npurpose = "analytics"\nhosts = ["count.example"]\ncookies.day = ["_ourc_*"]\n'
    )
    assert Policy(vendors=file).vendors == Policy(vendors=str(file)).vendors == (OWN_VENDOR,)  # type: ignore[arg-type]
    file.write_bytes(b"\xff")
    assert "not TOML" in str(error_of("vendors", file))
    file.write_text("[[vendor]]\nid = 'a'")
    error = error_of("vendors", str(file))
    assert (error.value, "'purpose' must be a text" in str(error)) == (str(file), True)


def test_a_policy_has_the_registry_that_its_options_make() -> None:
    """Built once for all policies that say the same; without such options the one that everybody shares."""
    assert Policy().registry is Policy(third_party="keep").registry is Registry.default()
    policy = Policy(vendors=[OWN_ENTRY], purposes={"youtube": "functional", "our-counter": "marketing"})  # type: ignore[arg-type]
    assert policy.registry is Policy(vendors=(OWN_VENDOR,), purposes=policy.purposes).registry
    found = policy.registry.match_host("www.youtube.com"), policy.registry.match_host("a.count.example")
    assert [(vendor.id, vendor.purpose) for vendor in found if vendor] == [
        ("youtube", Purpose.FUNCTIONAL),
        ("our-counter", Purpose.MARKETING),
    ]
    assert Policy(vendors=(OWN_VENDOR,), allow=("our-counter",)).allow == ("our-counter",)
    assert hash(policy) == hash(Policy(vendors=(OWN_VENDOR,), purposes=policy.purposes)) != hash(Policy())


def test_what_a_policy_holds_cannot_be_changed() -> None:
    """Else its hash, and the registry that was built for it, would be of another policy."""
    given = {"youtube": "functional"}
    policy = Policy.from_mapping({"purposes": given})
    given["youtube"] = "necessary"
    assert policy.purposes == {"youtube": Purpose.FUNCTIONAL}
    assert repr(policy.purposes) == "Purposes({'youtube': <Purpose.FUNCTIONAL: 'functional'>})"
    with pytest.raises(TypeError):
        policy.purposes["youtube"] = Purpose.NECESSARY  # type: ignore[index]
    assert replace(policy, third_party="keep").purposes == policy.purposes
    assert copy.deepcopy(policy) == pickle.loads(pickle.dumps(policy)) == policy  # noqa: S301  # our own bytes
