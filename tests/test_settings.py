"""Settings from outside: a TOML file and the environment mean what the same names mean in the program."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.errors import PolicyError
from dntguard.policy import Policy, option_names
from dntguard.purposes import Purpose, Purposes
from dntguard.settings import from_environment, from_toml

OPTIONS = """\
mode = "opt-in"
third_party = "keep"
allow = ["stripe", "maps.example.net"]
report_only = true
max_undecided = 4096
vendors = "own.toml"

[purposes]
youtube = "functional"
"""
OWN = '[[vendor]]\nid = "own"\npurpose = "analytics"\nhosts = ["count.example"]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with vendors of a site's own."""
    (tmp_path / "own.toml").write_text(OWN)
    return tmp_path


def check(policy: Policy) -> None:
    assert (policy.mode, policy.third_party, policy.report_only) == ("opt-in", "keep", True)
    assert (policy.allow, policy.max_undecided) == (("stripe", "maps.example.net"), 4096)
    assert policy.purposes == Purposes({"youtube": Purpose.FUNCTIONAL})
    assert [vendor.id for vendor in policy.vendors] == ["own"]


def test_a_file_holds_options_at_its_top_level_or_in_its_table(folder: Path) -> None:
    """A file of dntguard's own, or a project's; a relative path in it is relative to the file."""
    own, project = folder / "dntguard.toml", folder / "pyproject.toml"
    own.write_bytes(b"\xef\xbb\xbf" + OPTIONS.encode())
    project.write_text(
        '[project]\nname = "shop"\n[tool.other]\nmode = 7\n[tool.dntguard]\n'
        + OPTIONS.replace("[purposes]", "[tool.dntguard.purposes]")
    )
    check(Policy.from_toml(str(own)))
    check(Policy.from_toml(str(project)))
    assert from_toml(own) == from_toml(project)


def test_a_project_without_the_table_has_no_options(folder: Path) -> None:
    """What other tools keep in the file is none of our business."""
    file = folder / "pyproject.toml"
    file.write_text('[project]\nname = "shop"\n[tool.other]\nmode = 7\n')
    assert Policy.from_toml(str(file)) == Policy()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "dntguard option 'file': cannot be read (No such file or directory), got "),
        (b"mode =", "dntguard option 'file': not TOML ("),
        (b"\xff", "dntguard option 'file': not TOML ("),
        (b"a=" + b"[" * 3000, "dntguard option 'file': not TOML ("),
        (b"[tool]\ndntguard = 7", "dntguard option 'tool.dntguard': not a table, got 7; write [tool.dntguard]"),
        (
            b'thirdparty = "keep"',
            "dntguard option 'thirdparty': no such option, got 'keep'; did you mean 'third_party'?",
        ),
        (b'mode = "optin"', "dntguard option 'mode': not a known value, got 'optin'; write "),
        (b'vendors = "none.toml"', "dntguard option 'vendors': no file that can be read ("),
    ],
)
def test_what_is_wrong_with_a_file_is_said_as_in_the_program(folder: Path, text: bytes | None, said: str) -> None:
    """The option, the value and the fix."""
    file = folder / "settings.toml"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(PolicyError) as caught:
        Policy.from_toml(str(file))
    assert str(caught.value).startswith(said)


def test_the_environment_holds_options_by_their_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In upper case behind the prefix, each in the way of its kind."""
    environment = {
        "DNTGUARD_MODE": " opt-in ",
        "DNTGUARD_THIRD_PARTY": "keep",
        "DNTGUARD_ALLOW": "stripe, maps.example.net",
        "DNTGUARD_REPORT_ONLY": "Yes",
        "DNTGUARD_MAX_UNDECIDED": "4096",
        "DNTGUARD_PURPOSES": "youtube=functional",
        "DNTGUARD_VENDORS": str(folder / "own.toml"),
        "PATH": "/bin",
    }
    check(Policy.from_env(environment=environment))
    for name, text in environment.items():
        monkeypatch.setenv(name.replace("DNTGUARD_", "SHOP_PRIVACY_"), text)
    check(Policy.from_env("SHOP_PRIVACY_"))
    assert Policy.from_env() == Policy()


@pytest.mark.parametrize(
    ("text", "kept"),
    [("1", True), ("TRUE", True), ("on", True), ("0", False), ("no", False), ("False", False), ("off", False)],
)
def test_a_switch_is_written_as_people_write_it(text: str, kept: bool) -> None:
    """In any case."""
    assert Policy.from_env(environment={"DNTGUARD_REPORT_ONLY": text}).report_only is kept


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("DNTGUARD_REPORT_ONLY", "maybe", "'DNTGUARD_REPORT_ONLY': not a switch, got 'maybe'; write true or false"),
        ("DNTGUARD_MAX_UNDECIDED", "4k", "'DNTGUARD_MAX_UNDECIDED': not a whole number, got '4k'; write digits only"),
        ("DNTGUARD_MAX_UNDECIDED", "4", "'max_undecided': not a number of bytes, got 4; write an integer of at least"),
        ("DNTGUARD_PURPOSES", "youtube", "'DNTGUARD_PURPOSES': not a name and a value, got 'youtube'; write"),
        ("DNTGUARD_PURPOSES", "youtube=", "'DNTGUARD_PURPOSES': not a name and a value, got 'youtube='; write"),
        ("DNTGUARD_ON_REPORT", "print", "'DNTGUARD_ON_REPORT': no text can say this, got 'print'; give it to Policy"),
        ("DNTGUARD_MODES", "never", "'modes': no such option, got 'never'; did you mean 'mode'?"),
        ("DNTGUARD_MODE", "", "'mode': not a known value, got ''; write"),
    ],
)
def test_what_is_wrong_with_a_variable_is_said(variable: str, text: str, said: str) -> None:
    """By the variable where its text cannot be read, else by the option."""
    with pytest.raises(PolicyError) as caught:
        Policy.from_env(environment={variable: text})
    assert str(caught.value).startswith(f"dntguard option {said}")


@given(st.dictionaries(st.sampled_from([f"DNTGUARD_{name.upper()}" for name in option_names()]), st.text()))
def test_no_environment_raises_anything_else(environment: Mapping[str, Any]) -> None:
    """A policy, or an error that says what to write."""
    with suppress(PolicyError):
        assert isinstance(Policy.from_env(environment=environment), Policy)


def test_a_list_may_have_commas_or_white_space() -> None:
    """Or both."""
    read = from_environment("P_", {"allow": "list"}, {"P_ALLOW": " a.example,b.example  c.example ,"})
    assert read == {"allow": ["a.example", "b.example", "c.example"]}
