"""The decision for one request: which purposes are granted, and why."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from dntguard.choice import Choice
from dntguard.errors import NoConsentError
from dntguard.policy import Policy
from dntguard.purposes import ALL_PURPOSES, ALWAYS_GRANTED, Purpose, in_order
from dntguard.signals import NO_SIGNALS, Signals

Source = Literal["signal", "choice", "policy"]


@dataclass(frozen=True, slots=True)
class Consent:
    """Which purposes are granted for one request, and why.

    Attributes:
        granted: the granted purposes; `Purpose.NECESSARY` is always among them.
        signals: what the browser said.
        choice: what the visitor told this site, or None.
        source: what decided: `"signal"`, `"choice"` or `"policy"`.
        reason: one sentence a person can read.
        opt_out_honored: whether a signal refused something, as California asks sites to show
            (11 CCR 7025(c)(6)).
    """

    granted: frozenset[Purpose]
    signals: Signals = NO_SIGNALS
    choice: Choice | None = None
    source: Source = "policy"
    reason: str = ""
    opt_out_honored: bool = False

    def allows(self, purpose: Purpose | str) -> bool:
        """Whether `purpose` is granted.

        Raises:
            ValueError: there is no such purpose.
        """
        return Purpose(purpose) in self.granted

    @property
    def refused(self) -> frozenset[Purpose]:
        """The purposes that are not granted."""
        return ALL_PURPOSES - self.granted

    @property
    def functional(self) -> bool:
        """Whether functional services (fonts, maps, chat) are granted."""
        return Purpose.FUNCTIONAL in self.granted

    @property
    def analytics(self) -> bool:
        """Whether measurement is granted."""
        return Purpose.ANALYTICS in self.granted

    @property
    def marketing(self) -> bool:
        """Whether advertising and profiling are granted."""
        return Purpose.MARKETING in self.granted


class GivenConsent(Consent):
    """A consent as one application gets it: who looks into it makes the response depend on it.

    It equals the consent it stands for, is copied as that one, and knows whether anybody has looked.

    Args:
        decision: the consent it stands for.
    """

    __slots__ = ("_asked", "_decision")

    def __init__(self, decision: Consent) -> None:
        object.__setattr__(self, "_decision", decision)
        object.__setattr__(self, "_asked", False)

    def __getattribute__(self, name: str) -> Any:
        # Every look passes here: reading a field, comparing, printing and copying read fields, and so do frameworks
        # that hand the object from scope to state to template.
        object.__setattr__(self, "_asked", True)
        return getattr(object.__getattribute__(self, "_decision"), name)


def asked(consent: GivenConsent) -> bool:
    """Whether anybody has looked into the consent."""
    return bool(object.__getattribute__(consent, "_asked"))


REFUSE_ALL = Consent(ALWAYS_GRANTED, reason="All optional purposes are refused.")


def decide(signals: Signals, choice: Choice | None, policy: Policy) -> Consent:
    """The decision for one request.

    Args:
        signals: what the browser said.
        choice: what the visitor told this site, or None.
        policy: the site's configuration.
    """
    by_signal = (policy.dnt_refuses if signals.dnt else frozenset()) | (
        policy.gpc_refuses if signals.gpc else frozenset()
    )
    honored = bool(by_signal)

    # 1. A site that tracks nobody needs no signal.
    if policy.mode == "never":
        reason = "This site refuses all optional purposes for every visitor."
        return Consent(ALWAYS_GRANTED, signals, choice, "policy", reason, honored)

    # 2. One response for everybody, so it is the one for who refuses most.
    if policy.cache == "invariant":
        granted = (
            (ALL_PURPOSES if policy.mode == "opt-out" else ALWAYS_GRANTED) - policy.dnt_refuses - policy.gpc_refuses
        )
        reason = "This site gives every visitor what it gives those who refuse."
        return Consent(granted, signals, choice, "policy", reason, honored)

    # 3. Without a signal: the visitor's own choice, else what the mode grants.
    if choice is not None:
        granted = ALWAYS_GRANTED | choice.granted
    elif policy.mode == "opt-out":
        granted = ALL_PURPOSES
    else:
        granted = ALWAYS_GRANTED

    # 4. A signal refuses whatever was chosen before: it is the visitor's current word, and a business may not read
    #    an older setting against it (11 CCR 7025(c)(4)). `DNT: 0` permits nothing that the site does not offer.
    if honored:
        dnt = ["DNT: 1"] if signals.dnt and policy.dnt_refuses else []
        gpc = ["Sec-GPC: 1"] if signals.gpc and policy.gpc_refuses else []
        sent = " and ".join(dnt + gpc)
        names = _listed(by_signal)
        return Consent(
            granted - by_signal, signals, choice, "signal", f"The browser sends {sent}, which refuses {names}.", True
        )

    # 5. The choice.
    if choice is not None:
        given = _listed(choice.granted) if choice.granted else "no optional purpose"
        return Consent(granted, signals, choice, "choice", f"The visitor chose to grant {given}.")

    # 6. The policy's mode.
    if policy.mode == "opt-out":
        return Consent(granted, signals, None, "policy", "No signal and no choice refuses anything.")
    reason = "The visitor has not granted any optional purpose."
    return Consent(granted, signals, None, "policy", reason)


def _listed(purposes: frozenset[Purpose]) -> str:
    names = [purpose.value for purpose in in_order(purposes)]
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]


current: ContextVar[Consent] = ContextVar("dntguard.consent")
"""Set by the adapters while the application runs."""


def current_consent() -> Consent:
    """The consent of the request that is being handled.

    Raises:
        NoConsentError: no request is being handled here, or dntguard does not wrap the application.
    """
    try:
        return current.get()
    except LookupError:
        raise NoConsentError(
            "no request is being handled here: current_consent() works while an application that dntguard wraps "
            "handles a request"
        ) from None
