"""How long the registry takes to import and compile, how much memory it takes, and how fast it answers."""

from __future__ import annotations

import statistics
import subprocess
import sys
import timeit
from collections.abc import Callable

from dntguard.vendors import Registry

MOST_MILLISECONDS = 60
MOST_MEGABYTES = 25

_BUILD = """
import time
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6
before = resident()
begun = time.perf_counter()
import dntguard.vendors
imported = time.perf_counter()
dntguard.vendors.Registry.default()
built = time.perf_counter()
print((imported - begun) * 1e3, (built - imported) * 1e3, resident() - before)
"""
"""In a process of its own: all of dntguard that the registry needs, and the registry."""


def registry(rounds: int = 15) -> bool:
    """Print the table; return whether the bounds hold."""
    runs = [_run() for _ in range(rounds)]
    imported, built, megabytes = (statistics.median(run[column] for run in runs) for column in range(3))
    known = Registry.default()
    print(f"{'registry':<46}{len(known.vendors)} vendors, medians of {rounds} processes")
    total = imported + built
    print(f"{'  import of dntguard.vendors':<44}{imported:>8.1f} ms")
    print(f"{'  compile':<44}{built:>8.1f} ms   both {total:.1f}; the bound is {MOST_MILLISECONDS}")
    print(f"{'  memory, both':<44}{megabytes:>8.1f} MB   the bound is {MOST_MEGABYTES}")
    for what, ask in _QUESTIONS.items():
        print(f"{'  ' + what:<44}{_microseconds(lambda ask=ask: ask(known)):>8.2f} µs")  # type: ignore[misc]
    return total <= MOST_MILLISECONDS and megabytes <= MOST_MEGABYTES


def _run() -> tuple[float, float, float]:
    ran = subprocess.run([sys.executable, "-c", _BUILD], capture_output=True, text=True, check=True)
    imported, built, megabytes = map(float, ran.stdout.split())
    return imported, built, megabytes


def _microseconds(ask: Callable[[], object]) -> float:
    ask()
    return min(timeit.repeat(ask, number=10_000, repeat=7)) / 10_000 * 1e6


_QUESTIONS: dict[str, Callable[[Registry], object]] = {
    "a host of a vendor": lambda known: known.find_url("www.google-analytics.com", "/g/collect"),
    "a host of nobody": lambda known: known.find_url("static.shop.example", "/a.js"),
    "a host that is shared by path": lambda known: known.find_url("www.google.com", "/recaptcha/api.js"),
    "a cookie of a vendor": lambda known: known.find_cookie("_ga"),
    "a cookie by a pattern": lambda known: known.find_cookie("_ga_1A2B3C4D5E"),
    "a cookie of nobody": lambda known: known.find_cookie("my_own_cookie"),
    "the path of a site's own script": lambda known: [*known.find_path("/static/js/own.js", "v=7", runs=True)],
}
