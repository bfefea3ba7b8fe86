"""The project's own pages, whole; `make pages PAGES=FOLDER` checks others."""

import pytest

from dntguard.vendors import Registry
from tests.bench.pages import Page, own_pages
from tests.whole_pages import LEFT, UNCLAIMED, faults


@pytest.mark.parametrize("page", own_pages(), ids=lambda page: page.url)
def test_a_page_keeps_its_bytes_or_loses_exactly_what_is_refused(page: Page) -> None:
    assert faults(page) == []


def test_a_page_that_is_cut_short_or_holds_what_no_rule_takes_is_found() -> None:
    """The check above can fail."""
    tracker = b"<img src=https://www.google-analytics.com/p.gif>"
    kept = b"<div data-dntguard=keep>" + tracker.replace(b"<img", b"<img data-dntguard=keep") + b"</div>"
    lost = b"<p data-dntguard=marketing><img src=/own.png></p>"
    found = faults(Page("kept and lost", "https://www.shop.example/", kept + lost))
    assert any("is left" in fault for fault in found)
    assert any("are gone" in fault for fault in found)


def test_a_script_of_a_stranger_or_one_that_is_left_and_loads_a_tracker_is_found() -> None:
    """The check above can fail in these too."""
    stranger = b"<script src=https://nobody.example/a.js></script>"
    loader = b"<script data-dntguard=keep>var i=new Image();i.src='//www.google-analytics.com/p'</script>"
    assert faults(Page("strange", "https://www.shop.example/", stranger)) == [
        "scripts of nobody.example, which no vendor claims and no list"
    ]
    assert faults(Page("left", "https://www.shop.example/", loader)) == [
        "a script is left that names www.google-analytics.com"
    ]


def test_what_is_listed_as_unclaimed_is_unclaimed_and_says_why() -> None:
    """A host that a vendor claims today has no place in the list."""
    assert [host for host in UNCLAIMED if Registry.default().match_host(host)] == []
    assert all(len(reason) > 10 for reason in (*UNCLAIMED.values(), *LEFT.values()))
