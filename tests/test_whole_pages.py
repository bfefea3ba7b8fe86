"""The project's own pages, whole; `make pages PAGES=FOLDER` checks others."""

import pytest

from tests.bench.pages import Page, own_pages
from tests.whole_pages import faults


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
