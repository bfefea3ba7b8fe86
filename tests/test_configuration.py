"""docs/configuration.md is made from `Policy`, and says something of every option."""

import pytest

from dntguard.policy import option_names
from scripts import configuration as script


def test_the_page_is_what_the_options_make(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`make check` asks the same."""
    monkeypatch.setattr("sys.argv", ["configuration.py", "--check"])
    assert script.main() == 0
    monkeypatch.setattr(script, "documentation", lambda: "")
    assert script.main() == 1
    assert capsys.readouterr().out == "docs/configuration.md is not what `make configuration` writes; run it\n"


@pytest.mark.parametrize("name", option_names())
def test_each_option_is_in_it_with_its_meaning(name: str) -> None:
    """A row each."""
    rows = [line for line in script.documentation().splitlines() if line.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    assert len(rows[0].split(" | ")[3]) > 20
