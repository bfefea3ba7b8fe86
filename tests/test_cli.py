"""The command line: what it writes where, and that a mistake gets one clear line and exit code 2."""

import contextlib
import gzip
import io
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from dntguard.cli import main

PAGE = (
    b'<!doctype html><p>one</p><script src="https://www.google-analytics.com/analytics.js"></script>'
    b"<script>fbq('init', '1');</script>"
    b'<script src="https://unclaimed.example/x.js"></script><script src="/own.js"></script>\xff'
)
REWRITTEN = b'<!doctype html><p>one</p><!----><!----><!----><script src="/own.js"></script>\xff'
URL = "https://shop.example/page"

Capture = pytest.CaptureFixture[bytes]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page with three trackers in a file."""
    file = tmp_path / "page.html"
    file.write_bytes(PAGE)
    return file


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy file that keeps what no vendor claims."""
    file = tmp_path / "policy.toml"
    file.write_text('third_party = "keep"\nallow = ["meta-pixel"]\n')
    return file


def stdin_of(data: bytes) -> io.TextIOWrapper:
    """A standard input that holds these bytes."""
    return io.TextIOWrapper(io.BytesIO(data))


# --- rewrite ----------------------------------------------------------------------------------------------------------


def test_rewrite_writes_the_page_to_stdout_and_a_table_to_stderr(page: Path, capsysbinary: Capture) -> None:
    assert main(["rewrite", str(page), "--url", URL]) == 0
    out, err = capsysbinary.readouterr()
    assert out == REWRITTEN
    head, *rows, total = err.decode().splitlines()
    assert head.split() == ["KIND", "VENDOR", "PURPOSE", "RULE", "WHAT"]
    assert [re.split(r"\s{2,}", row)[:3] for row in rows] == [
        ["script", "google-analytics", "analytics"],
        ["inline-script", "meta-pixel", "marketing"],
        ["script", "-", "-"],
    ]
    assert rows[0].endswith("https://www.google-analytics.com/analytics.js")
    assert total == "3 removed"


def test_rewrite_reads_stdin(monkeypatch: pytest.MonkeyPatch, capsysbinary: Capture) -> None:
    monkeypatch.setattr(sys, "stdin", stdin_of(PAGE))
    assert main(["rewrite", "-", "--url", URL]) == 0
    assert capsysbinary.readouterr().out == REWRITTEN


def test_rewrite_reads_pages_larger_than_one_chunk(tmp_path: Path, capsysbinary: Capture) -> None:
    file = tmp_path / "large.html"
    file.write_bytes(b"<p>filler</p>" * 20_000 + PAGE)
    assert main(["rewrite", str(file), "--url", URL]) == 0
    assert capsysbinary.readouterr().out == b"<p>filler</p>" * 20_000 + REWRITTEN


def test_rewrite_with_json_writes_a_list_of_objects(page: Path, capsysbinary: Capture) -> None:
    assert main(["rewrite", str(page), "--url", URL, "--json"]) == 0
    out, err = capsysbinary.readouterr()
    assert out == REWRITTEN
    removals = json.loads(err)
    assert [removal["kind"] for removal in removals] == ["script", "inline-script", "script"]
    assert removals[0] == {
        "kind": "script",
        "what": "https://www.google-analytics.com/analytics.js",
        "vendor": "google-analytics",
        "purpose": "analytics",
        "rule": removals[0]["rule"],
    }
    assert removals[2]["vendor"] is None


def test_rewrite_follows_a_policy_file(page: Path, policy: Path, capsysbinary: Capture) -> None:
    assert main(["rewrite", str(page), "--url", URL, "--policy", str(policy)]) == 0
    out = capsysbinary.readouterr().out
    assert b"google-analytics" not in out
    assert b"unclaimed.example" in out
    assert b"fbq(" in out


@pytest.mark.parametrize(("signal", "expected"), [("dnt", REWRITTEN), ("gpc", REWRITTEN), ("none", PAGE)])
def test_rewrite_for_a_signal_does_what_the_policy_says_of_it(
    page: Path, capsysbinary: Capture, signal: str, expected: bytes
) -> None:
    assert main(["rewrite", str(page), "--url", URL, "--signal", signal]) == 0
    assert capsysbinary.readouterr().out == expected


def test_rewrite_says_that_nothing_was_removed(tmp_path: Path, capsysbinary: Capture) -> None:
    file = tmp_path / "plain.html"
    file.write_bytes(b"<p>one")
    assert main(["rewrite", str(file), "--url", URL]) == 0
    assert capsysbinary.readouterr() == (b"<p>one", b"nothing removed\n")


def test_the_table_cuts_long_rows_and_shows_no_control_characters(tmp_path: Path, capsysbinary: Capture) -> None:
    file = tmp_path / "long.html"
    file.write_bytes(b'<script src="//unclaimed.example/\x1b[31m' + b"x" * 400 + b'"></script>')
    assert main(["rewrite", str(file), "--url", URL]) == 0
    err = capsysbinary.readouterr().err.decode()
    assert "\x1b" not in err
    row = err.splitlines()[1]
    assert len(row) == 200
    assert row.endswith("…")


def test_the_table_says_how_many_of_very_many_it_shows(tmp_path: Path, capsysbinary: Capture) -> None:
    file = tmp_path / "many.html"
    file.write_bytes(b"<script src=//unclaimed.example></script>" * 10_001)
    assert main(["rewrite", str(file), "--url", URL]) == 0
    assert capsysbinary.readouterr().err.decode().splitlines()[-1] == "10001 removed, the first 10000 are shown"


# --- explain ----------------------------------------------------------------------------------------------------------


def explained(capsysbinary: Capture, *arguments: str) -> tuple[int, list[str]]:
    """The exit code and lines of `explain`."""
    code = main(["explain", *arguments])
    out, err = capsysbinary.readouterr()
    assert err == b""
    return code, out.decode().splitlines()


@pytest.mark.parametrize(
    ("name", "kind", "vendor"),
    [
        ("www.google-analytics.com", "host", "google-analytics"),
        ("WWW.Google-Analytics.com:443", "host", "google-analytics"),
        ("https://www.google-analytics.com/analytics.js?x", "host", "google-analytics"),
        ("connect.facebook.net/en_US/fbevents.js", "host", "meta-pixel"),
        ("_ga", "cookie", "google-analytics"),
        ("_ga_ABC", "cookie", "google-analytics"),
    ],
)
def test_explain_says_who_it_is_and_what_each_signal_does(
    capsysbinary: Capture, name: str, kind: str, vendor: str
) -> None:
    code, (who, source, *signals) = explained(capsysbinary, name)
    assert code == 0
    assert who.startswith(f"{name}: {kind} of ")
    assert f"({vendor}), purpose " in who
    assert source.startswith("  see https://")
    assert [line.split(":")[0].strip() for line in signals] == ["DNT", "Sec-GPC", "no signal"]
    assert "refused, because" in signals[0]
    assert "refused, because" in signals[1]
    assert signals[2].endswith(" kept")


def test_explain_knows_what_is_necessary(capsysbinary: Capture) -> None:
    code, lines = explained(capsysbinary, "js.stripe.com")
    assert code == 0
    assert all(line.endswith(" kept") for line in lines[2:])


def test_explain_says_of_an_unknown_host_that_no_vendor_claims_it(capsysbinary: Capture) -> None:
    code, lines = explained(capsysbinary, "unclaimed.example")
    assert code == 1
    assert lines[0] == "unclaimed.example: no vendor claims this host"
    assert lines[1].endswith('refused as a script or frame from another site, by the rule third_party: "remove"')
    assert lines[3].endswith(" kept")


def test_explain_says_of_an_unknown_cookie_that_no_vendor_claims_it(capsysbinary: Capture) -> None:
    code, lines = explained(capsysbinary, "my_own_cookie")
    assert code == 1
    assert lines[0] == "my_own_cookie: no vendor claims this cookie"
    assert all(line.endswith(" kept") for line in lines[1:])


def test_explain_follows_a_policy_file(tmp_path: Path, capsysbinary: Capture) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('block_cookies = ["my_own_*"]\n')
    code, lines = explained(capsysbinary, "my_own_cookie", "--policy", str(file))
    assert code == 1
    assert all(line.endswith("refused, by the rule block_cookies") for line in lines[1:])


@pytest.mark.parametrize("name", ["", "_", "a b", "é", "_gä", "x\udcff", "..", "no host.example", "/", "[::1]"])
def test_explain_answers_to_any_name(capsysbinary: Capture, name: str) -> None:
    assert explained(capsysbinary, name)[0] == 1


# --- mistakes ---------------------------------------------------------------------------------------------------------


def complaint(capsysbinary: Capture, *arguments: str) -> str:
    """The one line that a mistake gets."""
    assert main(arguments) == 2
    out, err = capsysbinary.readouterr()
    assert out == b""
    (line,) = err.decode().splitlines()
    assert line.startswith("dntguard: ")
    return line


def test_a_missing_file_gets_one_line(capsysbinary: Capture, tmp_path: Path) -> None:
    missing = str(tmp_path / "no.html")
    assert (
        complaint(capsysbinary, "rewrite", missing, "--url", URL) == f"dntguard: {missing}: No such file or directory"
    )


def test_a_folder_gets_one_line(capsysbinary: Capture, tmp_path: Path) -> None:
    assert "Is a directory" in complaint(capsysbinary, "rewrite", str(tmp_path), "--url", URL)


@pytest.mark.parametrize(
    "url", ["shop.example", "/page", "ftp://shop.example/", "https://", "https://[::", "", "https:// "]
)
def test_a_bad_url_gets_one_line(capsysbinary: Capture, page: Path, url: str) -> None:
    assert "--url: " in complaint(capsysbinary, "rewrite", str(page), "--url", url)


@pytest.mark.parametrize("command", [["rewrite", "-", "--url", URL], ["explain", "_ga"]], ids=["rewrite", "explain"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"mode = ", "not TOML"),
        (b"\xff\xfe", "not TOML"),
        (b'mdoe = "never"', "did you mean 'mode'?"),
        (b'mode = "sometimes"', "'sometimes'"),
        (b'on_report = "x"', "not callable"),
        (b"[dntguard]\nmode = 1", "no such option"),
    ],
)
def test_a_bad_policy_file_gets_one_line_that_names_it(
    capsysbinary: Capture, tmp_path: Path, command: list[str], text: bytes, said: str
) -> None:
    file = tmp_path / "policy.toml"
    file.write_bytes(text)
    line = complaint(capsysbinary, *command, "--policy", str(file))
    assert str(file) in line
    assert said in line


def test_a_missing_policy_file_gets_one_line(capsysbinary: Capture, tmp_path: Path) -> None:
    missing = str(tmp_path / "no.toml")
    assert "No such file" in complaint(capsysbinary, "explain", "_ga", "--policy", missing)


def test_a_bad_address_to_explain_gets_one_line(capsysbinary: Capture) -> None:
    assert "not an absolute http or https address" in complaint(capsysbinary, "explain", "ftp://shop.example/")


@pytest.mark.parametrize(
    "arguments", [[], ["rewrite"], ["rewrite", "x.html"], ["explain"], ["unknown"], ["rewrite", "x", "--url"]]
)
def test_a_call_that_is_no_command_gets_the_usage_and_code_2(capsysbinary: Capture, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    out, err = capsysbinary.readouterr()
    assert out == b""
    assert err.startswith(b"usage: dntguard")


# --- as a process -----------------------------------------------------------------------------------------------------


def test_it_runs_as_a_module(page: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dntguard", "rewrite", "-", "--url", URL],
        input=page.read_bytes(),
        capture_output=True,
        check=True,
    )
    assert done.stdout == REWRITTEN
    assert done.stderr.endswith(b"3 removed\n")


def test_the_module_ends_with_the_exit_code(monkeypatch: pytest.MonkeyPatch, capsysbinary: Capture) -> None:
    monkeypatch.setattr(sys, "argv", ["dntguard", "explain", "my_own_cookie"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("dntguard", run_name="__main__", alter_sys=True)
    assert ended.value.code == 1
    assert capsysbinary.readouterr().out.startswith(b"my_own_cookie: ")


def test_bytes_that_are_no_text_can_be_explained() -> None:
    done = subprocess.run(
        [os.fsencode(sys.executable), b"-m", b"dntguard", b"explain", b"x\xff"], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.startswith(b"x\\udcff: no vendor claims this cookie")


def test_a_reader_that_goes_away_ends_it_without_a_word(tmp_path: Path) -> None:
    file = tmp_path / "large.html"
    file.write_bytes(b"<p>filler</p>" * 100_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "dntguard", "rewrite", str(file), "--url", URL],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    process.stdout = None
    assert process.communicate(timeout=30)[1] == b""
    assert process.returncode == 141


def test_a_reader_that_went_away_before_the_first_byte_is_told_nothing(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    out = open(write_end, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - closed below, where closing fails
    complaints = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", complaints)
    assert main(["rewrite", str(page), "--url", URL]) == 141
    assert complaints.closed
    with pytest.raises(BrokenPipeError):
        out.close()


@pytest.mark.parametrize(
    ("content", "type_", "out"),
    [
        ("<p><img src=//static.hotjar.com/>".encode("utf-16"), "text/html", "<p><!---->".encode("utf-16")),
        (
            "<p><img src=//static.hotjar.com/>".encode("utf-16-be"),
            "text/html; charset=utf-16be",
            "<p><!---->".encode("utf-16-be"),
        ),
        (b"<p><img src='//static.hotjar.com/'/><IMG/></p>", "application/xhtml+xml", b"<p><!----><IMG/></p>"),
    ],
)
def test_rewrite_reads_a_page_as_its_type_says(
    tmp_path: Path, capsysbinary: Capture, content: bytes, type_: str, out: bytes
) -> None:
    file = tmp_path / "page"
    file.write_bytes(content)
    assert main(["rewrite", str(file), "--url", URL, "--type", type_]) == 0
    assert capsysbinary.readouterr().out == out


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(b"<p>"), "compressed"),
        (b"\x7fELF\x02\x01\x00\x00", "binary"),
    ],
)
def test_rewrite_does_not_call_clean_what_it_cannot_read(
    tmp_path: Path, capsysbinary: Capture, content: bytes, says: str
) -> None:
    file = tmp_path / "page"
    file.write_bytes(content)
    assert main(["rewrite", str(file), "--url", URL]) == 2
    out, err = capsysbinary.readouterr()
    assert out == b""
    assert err.startswith(b"dntguard: " + str(file).encode())
    assert says.encode() in err


def test_a_full_disk_is_not_blamed_on_the_page(page: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dntguard", "rewrite", str(page), "--url", URL],
            stdout=full, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(b"dntguard: standard output: ")


def test_explain_a_vendor_s_id_names_what_to_ask_for(capsysbinary: Capture) -> None:
    assert main(["explain", "google-analytics"]) == 2
    assert b"_ga" in capsysbinary.readouterr().err


def test_a_closed_standard_input_gets_one_line(monkeypatch: pytest.MonkeyPatch, capsysbinary: Capture) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["rewrite", "-", "--url", URL]) == 2
    assert b"standard input is closed" in capsysbinary.readouterr().err


def test_a_name_that_the_terminal_cannot_show_is_no_reason_to_fail() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dntguard", "explain", "b\u00fccher.example"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.startswith(b"b\\xfccher.example: ")


def test_a_full_disk_in_the_middle_gets_one_line(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["rewrite", str(page), "--url", URL]) == 2
        monkeypatch.undo()
        with contextlib.suppress(OSError):
            full.close()
    assert capsys.readouterr().err.startswith("dntguard: standard output: ")


def test_explain_knows_a_tag_that_any_host_serves(capsysbinary: Capture) -> None:
    """By its path or its query, and says the same as the verdict."""
    for name in ("https://a.example/matomo.js", "a.example/x?id=GTM-1A2B"):
        assert main(["explain", name]) == 0
        out = capsysbinary.readouterr().out.decode()
        assert "no vendor claims" not in out
        assert "refused, because" in out


def test_explain_follows_vendors_beside_the_policy_file(tmp_path: Path, capsysbinary: Capture) -> None:
    """A relative path is relative to the file that names it; an entry without a page shows none."""
    (tmp_path / "own.toml").write_text('[[vendor]]\nid = "own"\npurpose = "analytics"\npaths = ["/our-count.js"]\n')
    policy = tmp_path / "policy.toml"
    policy.write_bytes(b'\xef\xbb\xbfvendors = "own.toml"\n')
    assert main(["explain", "a.example/our-count.js", "--policy", str(policy)]) == 0
    assert b"see" not in capsysbinary.readouterr().out
    assert main(["explain", "own", "--policy", str(policy)]) == 2
    assert b"/our-count.js" in capsysbinary.readouterr().err


def test_a_list_that_cannot_be_written_gets_one_line() -> None:
    """Whatever the command."""
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "dntguard", "vendors"]
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ran.returncode == 2
    assert ran.stderr.decode().splitlines()[0] == "dntguard: standard output: No space left on device"


class FullOutput(io.StringIO):
    """An output on a disk that is full, which is told when it is written at last."""

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_an_output_that_is_full_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in one process, for what is written at the end."""
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stdout", FullOutput())
    monkeypatch.setattr(sys, "stderr", errors)
    assert main(["explain", "_ga"]) == 2
    assert errors.getvalue() == "dntguard: standard output: No space left on device\n"
