"""Reports on their way to the site."""

import json
import logging

import pytest

from dntguard import delivery
from dntguard.delivery import deliver, extras
from dntguard.exchange import Exchange, Guard
from dntguard.policy import Policy
from dntguard.report import Report


@pytest.fixture(autouse=True)
def nobody_else_learns_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test kit does, of every exchange, where some test has imported it before."""
    monkeypatch.setattr(delivery, "witnesses", [])


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

    delivery.witnesses.append(witness)
    try:
        deliver(policy, exchange)
    finally:
        delivery.witnesses.remove(witness)
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


def test_several_receivers_get_it_one_after_the_other(caplog: pytest.LogCaptureFixture) -> None:
    """And each is called, whatever the one before it raises."""
    reports: list[Report] = []

    def fail(report: Report) -> None:
        raise RuntimeError("out of order")

    policy = Policy(on_report=[reports.append, fail, reports.append])
    deliver(policy, Guard(policy).exchange("GET", "https", "shop.example", "/", [], 0))
    assert len(reports) == 2
    assert [record.message for record in caplog.records] == ["on_report failed"]


# --- the log ----------------------------------------------------------------------------------------------------------

HTML = (b"content-type", b"text/html")
PAGE = (
    b"<script src='https://www.google-analytics.com/a.js?uid=7'></script><script>fbq('init', 'jane@x.example')</script>"
)
COOKIES = [(b"dnt", b"1"), (b"cookie", b"_ga=secret")]


def exchanged(policy: Policy, headers: list[tuple[bytes, bytes]], page: bytes = PAGE, path: str = "/a") -> Exchange:
    """An exchange with a page."""
    exchange = Guard(policy).exchange("GET", "https", "shop.example", path, headers, 0)
    exchange.start(200, [HTML], page, False)
    return exchange


def logged(caplog: pytest.LogCaptureFixture, exchange: Exchange, level: int) -> list[logging.LogRecord]:
    """What is written of it at a level."""
    caplog.clear()
    with caplog.at_level(level, logger="dntguard"):
        deliver(Policy(), exchange)
    return list(caplog.records)


def test_an_exchange_that_took_something_out_is_one_record(caplog: pytest.LogCaptureFixture) -> None:
    """A sentence for a person, and the whole report for a program, less what may be about the visitor."""
    (record,) = logged(caplog, exchanged(Policy(), COOKIES), logging.INFO)
    reason = "The browser sends DNT: 1, which refuses analytics and marketing."
    assert record.getMessage() == f"GET 'shop.example/a': removed 4. {reason}"
    assert (record.name, record.levelno) == ("dntguard", logging.INFO)
    told = {name: value for name, value in vars(record).items() if name.startswith("dntguard_")}
    removals = told.pop("dntguard_removals")
    assert told == {
        "dntguard_method": "GET",
        "dntguard_host": "shop.example",
        "dntguard_path": "/a",
        "dntguard_status": 200,
        "dntguard_dnt": True,
        "dntguard_gpc": False,
        "dntguard_granted": ["necessary", "functional"],
        "dntguard_source": "signal",
        "dntguard_reason": reason,
        "dntguard_removal_count": 4,
        "dntguard_report_only": False,
        "dntguard_error": None,
    }
    assert [(removal["kind"], removal["what"], removal["vendor"]) for removal in removals] == [
        ("cookie", "_ga", "google-analytics"),
        ("expired-cookie", "_ga", "google-analytics"),
        ("script", "www.google-analytics.com", "google-analytics"),
        ("inline-script", "", "meta-pixel"),
    ]
    everything = json.dumps(vars(record), default=str)
    assert not any(visitors in everything for visitors in ("secret", "uid=7", "jane"))


def test_the_names_of_the_extras_are_no_attributes_of_a_record() -> None:
    """`logging` raises where they are."""
    record = logging.LogRecord("dntguard", logging.INFO, "", 0, "", (), None)
    report = exchanged(Policy(), COOKIES).report
    assert not set(extras(report)) & (set(vars(record)) | {"message", "asctime"})


def test_only_debugging_tells_of_exchanges_that_took_nothing_out(caplog: pytest.LogCaptureFixture) -> None:
    for exchange in (exchanged(Policy(), []), exchanged(Policy(), COOKIES[:1], b"<p>")):
        assert logged(caplog, exchange, logging.INFO) == []
        (record,) = logged(caplog, exchange, logging.DEBUG)
        assert record.levelno == logging.DEBUG
        assert record.getMessage().startswith("GET 'shop.example/a': removed 0. ")


def test_report_only_says_what_would_go(caplog: pytest.LogCaptureFixture) -> None:
    (record,) = logged(caplog, exchanged(Policy(report_only=True), COOKIES[:1]), logging.INFO)
    assert record.getMessage().startswith("GET 'shop.example/a': would remove 2. ")
    assert vars(record)["dntguard_report_only"] is True


def test_what_cannot_be_judged_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """In the page, or all of it; also where it stays."""
    for policy in (Policy(), Policy(on_undecidable="keep")):
        exchange = Guard(policy).exchange("GET", "https", "shop.example", "/a", COOKIES[:1], 0)
        exchange.start(200, [HTML, (b"content-encoding", b"x-unknown")], b"?", False)
        (record,) = logged(caplog, exchange, logging.WARNING)
        assert record.levelno == logging.WARNING
        assert record.getMessage().startswith("GET 'shop.example/a': removed 0, could not judge 1. ")
        assert vars(record)["dntguard_removals"][0]["what"] == "x-unknown, text/html"
    (record,) = logged(caplog, exchanged(Policy(), COOKIES[:1], b"<svg></x><![CDATA[a><img src=//b.example>]]>"), 30)
    assert record.levelno == logging.WARNING


def test_a_path_cannot_look_like_another_line(caplog: pytest.LogCaptureFixture) -> None:
    (record,) = logged(caplog, exchanged(Policy(), COOKIES, path="/a\nERROR\x1b[31m\u2028é"), logging.INFO)
    assert "'shop.example/a\\nERROR\\x1b[31m\\u2028é'" in record.getMessage()


@pytest.mark.parametrize("headers", [[], COOKIES])
def test_where_nobody_listens_no_report_is_made(
    headers: list[tuple[bytes, bytes]], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default the logger's level is that of the root, which is WARNING."""
    exchange = exchanged(Policy(), headers)

    def fail(_: object) -> Report:
        raise AssertionError("a report was made")

    monkeypatch.setattr(Exchange, "report", property(fail))
    assert logged(caplog, exchange, logging.WARNING) == []


def test_a_log_that_fails_does_not_fail_the_response(caplog: pytest.LogCaptureFixture) -> None:
    """Handlers catch what they raise themselves, filters do not."""

    def refuse(record: logging.LogRecord) -> bool:
        if record.levelno == logging.INFO:
            raise RuntimeError("out of order")
        return True

    logging.getLogger("dntguard").addFilter(refuse)
    try:
        (record,) = logged(caplog, exchanged(Policy(), COOKIES), logging.INFO)
    finally:
        logging.getLogger("dntguard").removeFilter(refuse)
    assert record.levelno == logging.ERROR
