"""`python -m dntguard vendors`: the list, the counts, the checks, and whom a page asks."""

import json
import re
from pathlib import Path

import pytest

from dntguard.cli import main
from dntguard.vendors import Registry
from dntguard.vendors.checks import count

Capture = pytest.CaptureFixture[str]
OWN = '[[vendor]]\nid = "our-counter"\npurpose = "analytics"\nhosts = ["count.example"]\n'


def run(capsys: Capture, *arguments: str) -> tuple[int, list[str]]:
    code = main(["vendors", *arguments])
    return code, capsys.readouterr().out.splitlines()


def columns(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


def test_it_lists_every_vendor(capsys: Capture) -> None:
    """One a line, with what it is and how it is known."""
    code, lines = run(capsys)
    assert code == 0
    assert columns(lines[0]) == ["ID", "KIND", "PURPOSE", "NAME", "PATTERNS"]
    assert lines[-1] == f"{len(Registry.default().vendors)} vendors"
    matomo = next(line for line in lines if line.startswith("matomo "))
    assert columns(matomo)[:4] == ["matomo", "analytics", "analytics", "Matomo"]


@pytest.mark.parametrize(
    ("arguments", "found", "not_found"),
    [
        (["hotjar"], "hotjar", "matomo"),
        (["_hjSession"], "hotjar", "matomo"),
        (["--purpose", "necessary"], "stripe", "matomo"),
        (["--kind", "fonts"], "google-fonts", "stripe"),
        (["google", "--kind", "fonts"], "google-fonts", "adobe-fonts"),
    ],
)
def test_it_lists_what_is_asked_for(capsys: Capture, arguments: list[str], found: str, not_found: str) -> None:
    """By what an id, a name or a pattern holds, by purpose and by kind."""
    _, lines = run(capsys, *arguments)
    ids = [columns(line)[0] for line in lines]
    assert found in ids
    assert not_found not in ids


def test_nothing_found_is_code_1(capsys: Capture) -> None:
    """So that a script can ask."""
    assert run(capsys, "no such vendor anywhere") == (1, ["ID  KIND  PURPOSE  NAME  PATTERNS", "0 vendors"])


def test_it_writes_entries_as_json(capsys: Capture) -> None:
    """Every attribute."""
    main(["vendors", "hotjar", "--kind", "session-replay", "--json"])
    entry = next(entry for entry in json.loads(capsys.readouterr().out) if entry["id"] == "hotjar")
    assert entry["purpose"] == "analytics"
    assert "hotjar.com" in entry["hosts"]
    assert {"name", "lifetime", "third_party"} == set(entry["cookies"][0])


def test_it_counts_by_purpose_and_by_kind_of_fact(capsys: Capture) -> None:
    """The curated vendors, and all of them."""
    code, lines = run(capsys, "--stats")
    assert code == 0
    totals = [columns(line) for line in lines if line.startswith("all ")]
    everything = count(Registry.default().vendors)["all"]
    assert totals[1] == ["all", *map(str, everything.values())]
    assert int(totals[0][1]) < int(totals[1][1])
    assert any(columns(line)[:2] == ["year", "FIRST"] or line.startswith("year ") for line in lines)
    assert any(line.startswith("session-replay ") for line in lines)


def test_the_entries_of_dntguard_pass_the_check(capsys: Capture) -> None:
    """What `make check` runs."""
    assert run(capsys, "--check") == (0, ["ok: schema, order, ids, hosts, cookies and sources"])


def test_a_fault_in_the_entries_is_code_1(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence each."""
    monkeypatch.setattr("dntguard.cli.vendors.sources", lambda: {"analytics.toml": OWN})
    code, lines = run(capsys, "--check")
    assert code == 1
    assert lines[0].startswith("analytics.toml: vendor our-counter: 'name' is missing;")
    assert lines[-1] == "1 faults"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (OWN, 0, ["ok: 1 vendors, and 0 of what they claim was another's"]),
        (
            OWN.replace("count.example", "static.hotjar.com"),
            0,
            [
                "vendor our-counter: 'static.hotjar.com' is hotjar's by 'hotjar.com'",
                "ok: 1 vendors, and 1 of what they claim was another's",
            ],
        ),
        (OWN + OWN, 1, ["vendor our-counter: the id is used twice"]),
        ("[[vendor]]", 1, ["vendor number 1: 'id' must be a text"]),
    ],
)
def test_a_file_of_one_s_own_is_checked(capsys: Capture, tmp_path: Path, text: str, code: int, said: list[str]) -> None:
    """Its schema, and what it takes over from the vendors that come with dntguard."""
    file = tmp_path / "vendors.toml"
    file.write_text(text)
    assert run(capsys, "--check", str(file)) == (code, said)


PAGE = (
    "<script src=https://static.hotjar.com/h.js></script><script src=//nobody.example/x.js></script>"
    "<script>fbq('init', '1')</script><script src=/own.js></script>"
)


def test_it_says_whom_a_page_asks(capsys: Capture, tmp_path: Path) -> None:
    """Who is known, and who is not."""
    file = tmp_path / "page.html"
    file.write_text(PAGE)
    code, lines = run(capsys, "--coverage", str(file), "--url", "https://shop.example/")
    assert code == 0
    assert [columns(line) for line in lines] == [
        ["KIND", "TIMES", "VENDOR", "PURPOSE", "WHAT"],
        ["host", "1", "-", "-", "nobody.example"],
        ["host", "1", "hotjar", "analytics", "static.hotjar.com"],
        ["inline-script", "1", "meta-pixel", "marketing", "fbq('init', '1')"],
        ["2 third-party hosts: 1 known (analytics 1), 1 not"],
    ]


def test_it_says_whom_a_recorded_visit_asks(capsys: Capture, tmp_path: Path) -> None:
    """A HAR file says itself which page it is; with vendors of one's own, as JSON too."""
    entries = [
        {"request": {"url": "https://shop.example/", "cookies": [{"name": "_ga"}]}, "response": {"cookies": []}},
        {"request": {"url": "https://count.example/x\u202e"}},
    ]
    har, policy = tmp_path / "visit.har", tmp_path / "policy.toml"
    har.write_text("\ufeff" + json.dumps({"log": {"entries": entries}}))
    (tmp_path / "own.toml").write_text(OWN)
    policy.write_text(f"vendors = {json.dumps(str(tmp_path / 'own.toml'))}\n")
    _, lines = run(capsys, "--coverage", str(har))
    assert columns(lines[1]) == ["cookie", "1", "google-analytics", "analytics", "_ga"]
    assert lines[-1] == "1 third-party hosts: 0 known, 1 not"
    main(["vendors", "--coverage", str(har), "--policy", str(policy), "--json"])
    parties = json.loads(capsys.readouterr().out)
    assert parties[1] == {
        "kind": "host",
        "what": "count.example",
        "times": 1,
        "vendor": "our-counter",
        "purpose": "analytics",
        "rule": "count.example",
    }


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (None, ["--coverage", "{}"], "No such file or directory"),
        (None, ["--check", "{}"], "No such file or directory"),
        ("<p>", ["--coverage", "{}"], "--url: say which address the page has, so that its own hosts are known"),
        ("<p>", ["--coverage", "{}", "--url", "/a"], "not an absolute http or https address: '/a'"),
        ("{", ["--coverage", "{}"], "not JSON: "),
        ("{}", ["--coverage", "{}"], "no HAR: there is no list log.entries"),
    ],
)
def test_a_mistake_gets_one_line_and_code_2(
    capsys: Capture, tmp_path: Path, text: str | None, arguments: list[str], said: str
) -> None:
    """It names the file or the option."""
    file = tmp_path / "file"
    if text is not None:
        file.write_text(text)
    assert main(["vendors", *(argument.format(file) for argument in arguments)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
