"""`python -m tests.bench.frameworks`: requests per second of a site in Django, Flask and FastAPI, with and without
dntguard as each framework has it.

As `tests.bench.load` measures: wrk on a real server, bare and guarded in turns, medians of the ratios of two turns that
follow each other, and every answer compared. The page is one of 100 KB, which is made from a template with links as the
framework's documentation writes them. A small page that costs next to nothing to make shows, without a bound, what a
request pays at least.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from collections.abc import Sequence

from examples.shop.demo import ask
from tests.bench.load import (
    HEAD,
    SERVERS,
    VISITORS,
    WRK,
    Row,
    Shop,
    measure,
    preamble,
    served,
    variant,
)

_UVICORN, _GUNICORN = (command for _, command in SERVERS.values())
FRAMEWORKS = {
    "Django": ("django_site", _GUNICORN),
    "Flask": ("flask_site", _GUNICORN),
    "FastAPI": ("fastapi_site", _UVICORN),
}
SMALL, LIST = "/", "/list"
ASKED = [("no signal", LIST), ("Sec-GPC: 1", LIST), ("no signal", SMALL)]
"""Who asks for what, a row each."""
BOUNDS = {("no signal", LIST): 0.95, ("Sec-GPC: 1", LIST): 0.85}
"""The part of the bare site's requests per second that is left."""
TRACKERS = (b"googletagmanager", b"google-analytics", b"hotjar")


def rows_of(framework: str, seconds: int) -> list[Row]:
    """Serve a framework's site bare and guarded and measure both, a row for each visitor."""
    module, command = FRAMEWORKS[framework]
    with served(f"tests.bench.sites.{module}", command) as (addresses, pids):
        rows = []
        for visitor, page in ASKED:
            bare, guarded = (shop._replace(pid=pid) for shop, pid in zip(quiet(addresses, page), pids, strict=True))
            rows.append((Row(f"{framework}, {page}", visitor, [], []), bare, guarded))
        measure(rows, seconds)
    return [row for row, _, _ in rows]


def quiet(addresses: Sequence[str], page: str) -> tuple[Shop, Shop]:
    """Both sites and what each visitor must get of the page, as they say it without any load.

    Raises:
        ValueError: already now a visitor gets what is not for them.
    """
    bare, guarded = addresses
    plain = ask(bare, page, [])
    same = plain.body.replace(bare.encode(), guarded.encode())  # links with the host in them
    answers = {visitor: ask(guarded, page, signal) for visitor, signal in VISITORS.items()}
    for visitor, answer in answers.items():
        left = [tracker for tracker in TRACKERS if tracker in answer.body]
        if (answer.body != same) if visitor == "no signal" else left or len(answer.body) < len(same) - 2000:
            raise ValueError(f"{guarded}{page} for {visitor!r}, without any load: not what this visitor must get")
    expected = {visitor: variant(answer) for visitor, answer in answers.items()}
    return (
        Shop(bare, dict.fromkeys(VISITORS, variant(plain)), path=page),
        Shop(guarded, expected, path=page),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.frameworks", description=__doc__)
    parser.add_argument(
        "--seconds", type=int, default=20, help="how long each figure is measured, in all its turns (20)"
    )
    options = parser.parse_args(arguments)
    if shutil.which(WRK) is None:
        print("The table of frameworks cannot be measured: wrk is missing (tests/bench/install).", file=sys.stderr)
        return 0
    print(preamble(options.seconds, ("django", "flask", "fastapi")))
    print(HEAD)
    status = 0
    for framework in FRAMEWORKS:
        for row, asked in zip(rows_of(framework, options.seconds), ASKED, strict=True):
            print(row, flush=True)
            turns, left, bound = row.bare + row.guarded, statistics.median(row.ratios), BOUNDS.get(asked, 0.0)
            if left < bound or any(turn.errors or turn.wrong for turn in turns):
                print(f"    {left:.3f} is left; the bound is {bound}, without errors and wrong answers")
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
