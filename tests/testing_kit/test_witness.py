"""What the kit remembers of exchanges."""

from __future__ import annotations

from dntguard import Policy
from dntguard.delivery import deliver, witnesses
from dntguard.exchange import Guard
from dntguard.testing.witness import Witness, witness

KEEP = Policy(third_party="keep")


def exchanged(policy: Policy, path: str) -> None:
    deliver(policy, Guard(policy).exchange("GET", "https", "shop.example", path, [], 0))


def test_the_last_exchange_of_a_path_counts() -> None:
    exchanged(Policy(), "/")
    exchanged(KEEP, "/")
    exchanged(Policy(), "/shop")
    record = witness.of("/")
    assert record is not None
    assert (record.policy, record.path, record.error) == (KEEP, "/", None)
    assert witness.of("/nowhere") is None


def test_who_asks_for_newer_ones_gets_no_older_one() -> None:
    exchanged(KEEP, "/")
    before = witness.count
    assert witness.of("/", before) is None
    exchanged(KEEP, "/")
    assert witness.of("/", before) is not None
    witness.forget()
    assert witness.of("/") is None
    assert witness.count == before + 1


def test_not_every_path_is_remembered() -> None:
    """Nothing grows with the length of a run."""
    own = Witness()
    witnesses.append(own)
    try:
        for number in range(5000):
            exchanged(KEEP, f"/{number}")
    finally:
        witnesses.remove(own)
    assert own.of("/4999") is not None
    assert len(own._records) <= 4096
    assert own.count == 5000
