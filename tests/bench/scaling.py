"""How the time grows with the page: per byte at four sizes, and per doubling for inputs made to be slow."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator

from dntguard import rewriter, verdicts
from dntguard.consent import REFUSE_ALL
from dntguard.rewriter import Rewriter
from tests.bench.pages import own_pages
from tests.endless import ENDLESS, cost
from tests.oracles import PAGE

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
MOST = 2.3
"""By how much twice the input may take longer."""
WHOLE = 1 << 30


def sizes() -> None:
    """Nanoseconds per byte for pages of four sizes, cold and warm."""
    html = b"".join(page.html for page in own_pages())
    print(f"{'a page of':<26}{'ns/byte cold':>14}{'warm':>8}")
    for size in SIZES:
        page = (html * -(-size // len(html)))[:size]
        cold, warm = [], []
        for _ in range(5):
            rewriter.forget()
            verdicts.verdicts_for.cache_clear()
            cold.append(_seconds(page))
            warm.append(_seconds(page))
        name = f"{size // 1000:,} KB"
        print(f"{name:<26}{_per_byte(cold, size):>14.2f}{_per_byte(warm, size):>8.2f}")


def _seconds(page: bytes) -> float:
    begun = time.process_time()
    taking = Rewriter(None, REFUSE_ALL, PAGE)
    taking.feed(page)
    taking.close()
    return time.process_time() - begun


def _per_byte(seconds: list[float], size: int) -> float:
    return statistics.median(seconds) / size * 1e9


def doublings() -> bool:
    """The growth of each hostile input per doubling, whole and byte by byte. Returns whether all are in bounds.

    Whole on either side of `max_undecided`, where what is held back is read in another way: a style of many rules,
    which a look for hosts had told before, is read by its tokens from there on, at a few times the price.
    """
    print(f"{'time per doubling of':<42}{'below':>7}{'above':>7}{'by bytes':>10}")
    worst = 0.0
    for name in ENDLESS:
        factors = [_factor(name, length, chunk) for length, chunk in ((120_000, WHOLE), (1_200_000, WHOLE), (8_000, 1))]
        worst = max(worst, *factors)
        mark = "  over the bound" if max(factors) > MOST else ""
        print(f"{name:<42}{factors[0]:>7.2f}{factors[1]:>7.2f}{factors[2]:>10.2f}{mark}")
    print(f"{len(ENDLESS)} inputs, the worst grows {worst:.2f}-fold when it doubles; the bound is {MOST}")
    return worst <= MOST


def _factor(name: str, length: int, chunk: int) -> float:
    """The growth per doubling over two doublings; what is over the bound is measured again, for machines are noisy."""
    return min(_growths(name, length, chunk))


def _growths(name: str, length: int, chunk: int) -> Iterator[float]:
    for _ in range(3):
        # What takes less than half a millisecond is as much the clock as the rewriter.
        growth = math.sqrt(max(cost(name, 4 * length, chunk), 5e-4) / max(cost(name, length, chunk), 5e-4))
        yield growth
        if growth <= MOST:
            return
