"""The whole case table through every framework, asked by its own test client."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from dntguard.errors import PolicyError
from tests.case_table import Case, load_cases
from tests.frameworks.comparing import Played, compare, is_carried, is_faithful
from tests.frameworks.every import FRAMEWORKS, NAMES
from tests.frameworks.stage import Framework, Stage, primings

CASES = load_cases()


def play(framework: Framework, case: Case, *, guarded: bool) -> Played:
    """The case through the framework's test client."""
    stage = Stage(case, guarded=guarded)
    app: Any = framework.application(stage)
    for priming in primings(case.request):
        framework.ask(app, priming)
    answer = framework.ask(app, case.request)
    assert stage.seen is not None, "the application was not asked"
    return Played(answer, stage.seen, stage.inside)


def carried(framework: Framework, case: Case) -> Played | None:
    """What the bare application's answer is; None where the framework or its client cannot carry the case."""
    try:
        bare = play(framework, case, guarded=False)
    except Exception:
        # Clients and frameworks refuse what they cannot carry each in its own way.
        if case.name not in framework.not_carried:
            raise
        return None
    return bare if is_carried(case, bare) else None


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=NAMES)
def test_every_case_comes_out_of_the_framework_as_the_core_and_the_table_say(framework: Framework) -> None:
    said: list[str] = []
    count: Counter[str] = Counter()
    for case in CASES:
        bare = carried(framework, case)
        if (bare is None) != (case.name in framework.not_carried):
            said.append(f"{case.name}: {'not carried' if bare is None else 'the framework carries it now'}")
        if bare is None:
            continue
        count["faithful"] += is_faithful(case, bare)
        try:
            compare(case, bare, play(framework, case, guarded=True))
        except AssertionError as error:
            if case.name not in framework.altered:
                said.append(f"{case.name}: {error}")
        else:
            if case.name in framework.altered:
                said.append(f"{case.name}: comes out as it is now")
    assert not said, f"{framework.name}: {len(said)} of {len(CASES)} cases:\n\n" + "\n\n".join(said)
    assert count["faithful"] == framework.faithful


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=NAMES)
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"modes": "never"}, "option 'modes': no such option, got 'never'; did you mean 'mode'?"),
        ({"mode": "nevre"}, "option 'mode': not a known value, got 'nevre'; write"),
        ({"third_party": "drop"}, "option 'third_party': not a known value, got 'drop'; write"),
    ],
)
def test_wrong_settings_are_the_same_clear_error_at_start(
    framework: Framework, options: dict[str, str], said: str
) -> None:
    stage = Stage(CASES[0], guarded=True)
    stage.options = dict(options)
    with pytest.raises(PolicyError) as caught:
        framework.ask(framework.application(stage), CASES[0].request)
    assert f"dntguard {said}" in str(caught.value)
    assert stage.seen is None


def test_each_exception_names_a_case() -> None:
    names = {case.name for case in CASES}
    for framework in FRAMEWORKS:
        assert framework.not_carried.keys() | framework.altered.keys() <= names
