"""A very long page: `make bench` runs it, `make test` does not, for it takes a while."""

from __future__ import annotations

import resource
import sys

import pytest

from dntguard.rewriter import Rewriter
from tests.bench.pages import own_pages
from tests.oracles import PAGE

CHUNK = 64 * 1024
GIBIBYTE = 1024**3
MOST = 8 * 1024 * 1024


def peak() -> int:
    """The most memory this process has had, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@pytest.mark.slow
def test_a_gibibyte_in_chunks_of_64_kib_grows_the_process_by_less_than_8_mib() -> None:
    pages = b"".join(page.html for page in own_pages())
    pages *= -(-8 * CHUNK // len(pages))
    rewriter = Rewriter(None, None, PAGE)
    fed = out = place = before = 0
    while fed < GIBIBYTE:
        # Each time around, the pages are cut at other places; a number makes some tags new to every cache.
        chunk = pages[place : place + CHUNK] + b'<img src="//static.hotjar.com/%d.gif"><p id=%d>' % (fed, fed)
        place = (place + CHUNK) % (len(pages) - CHUNK)
        fed += len(chunk)
        out += len(rewriter.feed(chunk))
        if not before and fed > 64 * 1024 * 1024:
            before = peak()
    out += len(rewriter.close())
    grown = peak() - before
    print(f"\n{fed / GIBIBYTE:.2f} GiB in, {out / GIBIBYTE:.2f} GiB out, {rewriter.removal_count} removed, ", end="")
    print(f"{grown / 1024**2:.1f} MiB grown", end="")
    assert rewriter.removal_count > fed // CHUNK // 2
    assert grown < MOST
