"""Reports on their way to the site."""

import logging

import pytest

from dntguard.delivery import deliver, witnesses
from dntguard.exchange import Guard
from dntguard.policy import Policy
from dntguard.report import Report


def test_a_report_is_given_once_for_each_exchange() -> None:
    reports: list[Report] = []
    policy = Policy(on_report=reports.append)
    exchange = Guard(policy).exchange("POST", "https", "Shop.Example:443", "/x", [(b"dnt", b"1")], 0)
    deliver(policy, exchange)
    assert reports == [exchange.report]
    assert (reports[0].method, reports[0].host, reports[0].path) == ("POST", "shop.example", "/x")
    assert (reports[0].dnt, reports[0].gpc) == (True, False)


def test_without_a_receiver_nothing_happens() -> None:
    deliver(Policy(), Guard().exchange("GET", "https", "shop.example", "/", [], 0))


def test_witnesses_learn_of_each_exchange_and_its_policy() -> None:
    """Whether or not the site wants reports."""
    seen: list[tuple[Policy, Report]] = []
    policy = Policy(mode="never")
    exchange = Guard(policy).exchange("GET", "https", "shop.example", "/", [], 0)

    def witness(policy: Policy, report: Report) -> None:
        seen.append((policy, report))

    witnesses.append(witness)
    try:
        deliver(policy, exchange)
    finally:
        witnesses.remove(witness)
    deliver(policy, exchange)
    assert seen == [(policy, exchange.report)]


def test_what_the_receiver_raises_is_logged_and_goes_no_further(caplog: pytest.LogCaptureFixture) -> None:
    def receive(report: Report) -> None:
        raise RuntimeError("out of order")

    policy = Policy(on_report=receive)
    with caplog.at_level(logging.ERROR, logger="dntguard"):
        deliver(policy, Guard(policy).exchange("GET", "https", "shop.example", "/", [], 0))
    (record,) = caplog.records
    assert record.message == "on_report failed"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], RuntimeError)


def test_what_stops_the_process_is_not_caught() -> None:
    def receive(report: Report) -> None:
        raise KeyboardInterrupt

    policy = Policy(on_report=receive)
    with pytest.raises(KeyboardInterrupt):
        deliver(policy, Guard(policy).exchange("GET", "https", "shop.example", "/", [], 0))
