"""The decision: who is granted what, by which word of whom."""

import asyncio
import copy
import pickle
import threading
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from itertools import product

import pytest

from dntguard.choice import Choice
from dntguard.consent import REFUSE_ALL, Consent, GivenConsent, asked, current, current_consent, decide
from dntguard.errors import NoConsentError
from dntguard.policy import Mode, Policy
from dntguard.purposes import ALL_PURPOSES, OPTIONAL_PURPOSES, Purpose
from dntguard.signals import Signals

N, F, A, M = Purpose
ONLY_NECESSARY = frozenset({N})
MODES: tuple[Mode, ...] = ("opt-out", "opt-in", "never")
CHOICES = [None, Choice(frozenset(), 0), Choice(frozenset({A}), 0), Choice(OPTIONAL_PURPOSES, 0)]
REFUSES: list[frozenset[Purpose]] = [frozenset(), frozenset({M}), frozenset({A, M}), OPTIONAL_PURPOSES]
SIGNALS = [Signals(dnt, gpc) for dnt, gpc in product((None, False, True), (False, True))]


@pytest.mark.parametrize("choice", CHOICES, ids=["no choice", "chose nothing", "chose analytics", "chose all"])
@pytest.mark.parametrize("signals", SIGNALS, ids=str)
@pytest.mark.parametrize("mode", MODES)
def test_the_decision_is_the_same_for_the_same_facts(mode: Mode, signals: Signals, choice: Choice | None) -> None:
    """The full table of mode, signals, choice and what each signal refuses, told in another way than the code does."""
    for dnt_refuses, gpc_refuses in product(REFUSES, REFUSES):
        policy = Policy(mode=mode, dnt_refuses=dnt_refuses, gpc_refuses=gpc_refuses)
        refusing = {
            name: refused
            for name, sent, refused in (
                ("DNT: 1", signals.dnt is True, dnt_refuses),
                ("Sec-GPC: 1", signals.gpc, gpc_refuses),
            )
            if sent and refused
        }
        refused = frozenset().union(*refusing.values())
        offered = {
            "opt-out": ALL_PURPOSES if choice is None else choice.granted,
            "opt-in": frozenset() if choice is None else choice.granted,
            "never": frozenset(),
        }[mode]

        consent = decide(signals, choice, policy)

        assert consent.granted == (offered - refused) | {N}
        assert consent.signals is signals
        assert consent.choice is choice
        assert consent.opt_out_honored is bool(refusing)
        if mode == "never":
            assert consent.source == "policy"
            assert "every visitor" in consent.reason
        elif refusing:
            assert consent.source == "signal"
            for name in ("DNT: 1", "Sec-GPC: 1"):
                assert (name in consent.reason) is (name in refusing)
            for purpose in Purpose:
                assert (purpose.value in consent.reason) is (purpose in refused)
        else:
            assert consent.source == ("policy" if choice is None else "choice")
            assert ("chose" in consent.reason) is (choice is not None)
        assert consent.reason[0].isupper()
        assert consent.reason.endswith(".")


@pytest.mark.parametrize(
    ("signals", "choice", "policy", "granted", "reason"),
    [
        (Signals(), None, Policy(), ALL_PURPOSES, "No signal and no choice refuses anything."),
        (
            Signals(gpc=True),
            None,
            Policy(),
            {N, F},
            "The browser sends Sec-GPC: 1, which refuses analytics and marketing.",
        ),
        (
            Signals(dnt=True, gpc=True),
            None,
            Policy(dnt_refuses=OPTIONAL_PURPOSES),
            {N},
            "The browser sends DNT: 1 and Sec-GPC: 1, which refuses functional, analytics and marketing.",
        ),
        (
            Signals(dnt=True),
            None,
            Policy(dnt_refuses=frozenset({M})),
            {N, F, A},
            "The browser sends DNT: 1, which refuses marketing.",
        ),
        (Signals(dnt=False), None, Policy(mode="opt-in"), {N}, "The visitor has not granted any optional purpose."),
        (
            Signals(),
            Choice(frozenset({F, A}), 0),
            Policy(mode="opt-in"),
            {N, F, A},
            "The visitor chose to grant functional and analytics.",
        ),
        (Signals(), Choice(frozenset(), 0), Policy(), {N}, "The visitor chose to grant no optional purpose."),
        (
            Signals(gpc=True),
            None,
            Policy(mode="never"),
            {N},
            "This site refuses all optional purposes for every visitor.",
        ),
    ],
)
def test_the_reason_is_a_sentence_that_a_visitor_understands(
    signals: Signals, choice: Choice | None, policy: Policy, granted: set[Purpose], reason: str
) -> None:
    """Word by word, for each step of the decision."""
    consent = decide(signals, choice, policy)
    assert consent.granted == granted
    assert consent.reason == reason


def test_a_signal_wins_over_an_older_choice() -> None:
    """11 CCR 7025(c)(4): what was granted before is not read against the signal."""
    consent = decide(Signals(gpc=True), Choice(OPTIONAL_PURPOSES, 0), Policy())
    assert consent.granted == {N, F}
    assert consent.source == "signal"


def test_may_track_permits_nothing_that_was_not_offered() -> None:
    """`DNT: 0` is no consent."""
    assert decide(Signals(dnt=False), None, Policy(mode="opt-in")).granted == ONLY_NECESSARY


def test_the_properties_tell_what_is_granted() -> None:
    """`functional`, `analytics`, `marketing`, `allows` and `refused` are views of `granted`."""
    consent = Consent(frozenset({N, A}))
    assert (consent.functional, consent.analytics, consent.marketing) == (False, True, False)
    assert consent.refused == {F, M}
    assert consent.allows("analytics")
    assert consent.allows(Purpose.NECESSARY)
    assert not consent.allows(Purpose.MARKETING)


def test_to_ask_for_an_unknown_purpose_is_an_error() -> None:
    """A misspelt purpose must not read as refused, nor as granted."""
    with pytest.raises(ValueError, match="advertising"):
        REFUSE_ALL.allows("advertising")


def test_a_consent_cannot_be_changed() -> None:
    """The application reads the decision; it does not make it."""
    with pytest.raises(FrozenInstanceError):
        REFUSE_ALL.granted = ALL_PURPOSES  # type: ignore[misc]
    assert hash(Consent(ONLY_NECESSARY)) == hash(Consent(ONLY_NECESSARY))


def test_refuse_all_grants_only_what_is_necessary() -> None:
    """It is what `rewrite` assumes when nobody says."""
    assert REFUSE_ALL.granted == ONLY_NECESSARY
    assert REFUSE_ALL.refused == OPTIONAL_PURPOSES


def test_outside_of_a_request_there_is_no_consent() -> None:
    """The error says where the call works."""
    with pytest.raises(NoConsentError, match="handles a request"):
        current_consent()


def test_each_task_and_thread_sees_its_own_consent() -> None:
    """The context variable does not leak from one request to another."""

    async def request(consent: Consent) -> bool:
        current.set(consent)
        await asyncio.sleep(0)
        return current_consent() is consent

    async def requests() -> list[bool]:
        return await asyncio.gather(*(request(Consent(ONLY_NECESSARY, reason=str(n))) for n in range(3)))

    assert asyncio.run(requests()) == [True, True, True]
    token = current.set(REFUSE_ALL)
    errors: list[type[Exception]] = []

    def elsewhere() -> None:
        try:
            current_consent()
        except NoConsentError as error:
            errors.append(type(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert current_consent() is REFUSE_ALL
    current.reset(token)
    assert errors == [NoConsentError]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("signals", SIGNALS, ids=str)
def test_one_response_for_everybody_is_the_one_for_who_refuses_most(mode: Mode, signals: Signals) -> None:
    policy = Policy(mode=mode, cache="invariant", dnt_refuses=frozenset({A}), gpc_refuses=frozenset({M}))
    consent = decide(signals, Choice(OPTIONAL_PURPOSES, 0), policy)
    assert consent.granted == decide(Signals(True, True), None, replace(policy, cache="vary")).granted
    assert consent.source == "policy"
    assert consent.reason == decide(Signals(), None, policy).reason
    assert consent.opt_out_honored is (signals.dnt is True or signals.gpc)


LOOKS: dict[str, Callable[[Consent], object]] = {
    "granted": lambda consent: consent.granted,
    "analytics": lambda consent: consent.analytics,
    "allows": lambda consent: consent.allows("marketing"),
    "reason": lambda consent: consent.reason,
    "signals": lambda consent: consent.signals,
    "equality": lambda consent: consent == REFUSE_ALL,
    "equality, the other way": lambda consent: consent == REFUSE_ALL,
    "repr": repr,
    "hash": hash,
    "copy": copy.copy,
    "deep copy": copy.deepcopy,
    "pickle": pickle.dumps,
    "replace": lambda consent: replace(consent, reason=""),
}


@pytest.mark.parametrize("look", LOOKS)
def test_every_look_into_a_given_consent_is_known(look: str) -> None:
    given = GivenConsent(REFUSE_ALL)
    assert not asked(given)
    assert repr(LOOKS[look](given)) == repr(LOOKS[look](REFUSE_ALL))
    assert asked(given)


def test_handing_a_given_consent_on_is_no_look() -> None:
    given = GivenConsent(REFUSE_ALL)
    token = current.set(given)
    state = {"consent": given}
    assert current_consent() is state["consent"]
    assert isinstance(given, Consent)
    current.reset(token)
    assert not asked(given)


def test_a_given_consent_equals_what_it_stands_for_and_cannot_be_changed() -> None:
    given = GivenConsent(REFUSE_ALL)
    assert given == REFUSE_ALL
    assert given == REFUSE_ALL
    assert given == GivenConsent(REFUSE_ALL)
    assert hash(given) == hash(REFUSE_ALL)
    assert pickle.loads(pickle.dumps(given)) == REFUSE_ALL  # noqa: S301 - what was dumped here
    with pytest.raises(FrozenInstanceError):
        given.reason = "x"  # type: ignore[misc]
