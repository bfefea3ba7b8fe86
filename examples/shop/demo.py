"""Both shops on real servers, asked for the same pages with and without a signal. From the root of the repository:

    python -m examples.shop.demo           prints what happened and keeps serving until Ctrl-C
    python -m examples.shop.demo --once    stops after the report (so does ONCE=1 in the environment)

The exit code is 0 only if everything that must hold did hold.
"""

import argparse
import html
import os
import re
import shutil
import signal
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPException

from . import pages
from .catalogue import REVIEWS
from .inventory import TRACKERS, Tag, count_by_owner, marks_left, tags_of
from .serving import Shop, both_shops
from .visitor import Answer, Headers, Visitor, over_http

SIGNALS: dict[str, Headers] = {
    "no signal": [],
    "DNT: 1": [("DNT", "1")],
    "Sec-GPC: 1": [("Sec-GPC", "1")],
}
PAGES = (
    "/",
    "/product/morning-moss",
    "/product/pebble-cup",
    "/cart",
    "/checkout",
    "/login",
    "/account",
    "/reviews",
    "/privacy",
    "/no-such-page",
    "/static/shop.js",
)
# The browser of the table brings its form token, so that pages with forms are the same each time.
COOKIES = {"csrf": "a-token-that-stays-the-same-for-the-demo-00"}

IDENTICAL = "status, bytes and headers, but for Vary and what changes by the second"


class BrokenPromiseError(Exception):
    """A promise was broken; the text says which and where."""


# The table: each page with each signal


def compare(shop: Shop, say: Callable[[str], None]) -> list[str]:
    """Print one row per page and signal. Returns what does not hold."""
    table = Table(("page", "signal", "status", "bytes", "removed", "stayed"), (21, 10, 6, 6))
    say(f"\n{shop.name} at {shop.address}\n")
    say(table.head())
    problems: list[str] = []
    for path in PAGES:
        plain = ask(shop.address, path, [])
        problems += [f"{shop.name}, {path} without a signal: {text}" for text in judge_plain(shop, path, plain)]
        rows = []
        for label, headers in SIGNALS.items():
            answer = ask(shop.address, path, headers) if headers else plain
            if headers:
                problems += [f"{shop.name}, {path} with {label}: {text}" for text in judge(plain, answer)]
            gone, stayed = count_by_owner(gone_from(plain, answer)), count_by_owner(tags_of(answer))
            if answer is plain and stayed != "nothing":
                stayed = f"everything, {len(tags_of(answer))} in all"
            rows.append((label, str(answer.status), str(len(answer.body)), gone, stayed))
        for number, row in enumerate(rows):
            again = number > 1 and row[3:] == rows[number - 1][3:]
            say(table.row(("" if number else path, *row[:3], *(("the same", "the same") if again else row[3:]))))
    return problems


def ask(address: str, path: str, headers: Headers) -> Answer:
    """The page for a visitor who comes for the first time; only the account is asked for by somebody signed in."""
    visitor = Visitor(over_http(address), headers, dict(COOKIES))
    if path == "/account":
        visitor.post("/login", email=pages.DEMO_EMAIL, password=pages.DEMO_PASSWORD)
    return visitor.get(path)


def gone_from(plain: Answer, answer: Answer) -> Iterator[Tag]:
    return (Counter(tags_of(plain)) - Counter(tags_of(answer))).elements()


def judge(plain: Answer, answer: Answer) -> Iterator[str]:
    """What is wrong with a page for somebody who refused, compared with the page for somebody who did not."""
    if answer.status != plain.status:
        yield f"the status is {answer.status} instead of {plain.status}"
    left = [tag for tag in tags_of(answer) if tag.tracks]
    for tag in left:
        yield f"{tag.owner} is left ({tag})"
    if not left:
        for mark in marks_left(answer.body):
            yield f"{TRACKERS[mark]} is left ({mark} occurs in the bytes)"
    for tag in gone_from(plain, answer):
        if not tag.tracks:
            yield f"{tag.owner} is gone ({tag})"


def judge_plain(shop: Shop, path: str, plain: Answer) -> Iterator[str]:
    """What is wrong with a page for somebody who said nothing: it is to be the bare shop's, to the byte."""
    bare = ask(shop.bare, path, [])
    if plain.status != bare.status:
        yield f"the status is {plain.status}, the bare shop's {bare.status}"
    if plain.body != bare.body:
        yield f"the {len(plain.body)} bytes differ from the bare shop's {len(bare.body)}"
    if comparable(plain.headers) != comparable(bare.headers):
        yield f"the headers differ from the bare shop's: {sorted(set(plain.headers) ^ set(bare.headers))}"
    if plain.html and not any(tag.tracks for tag in tags_of(plain)):
        yield "it carries no tracker, so the comparison would show nothing"
    varies = {word.strip().lower() for word in ",".join(plain.all("vary")).split(",")}
    if plain.html and not {"dnt", "sec-gpc"} <= varies:
        yield "Vary does not name DNT and Sec-GPC, so a cache could give it to somebody who refused"


def comparable(headers: Headers) -> Headers:
    """Headers without what changes by the second, and without `Vary`, to which dntguard has to add."""
    return [
        (name.lower(), re.sub(r"(session_\w+=[^.;]*)[^;]*|Expires=[^;]*", r"\1", value))
        for name, value in headers
        if name.lower() not in ("date", "vary")
    ]


class Table:
    """Rows whose last two cells wrap; the widths are those of the other cells."""

    def __init__(self, titles: Sequence[str], widths: Sequence[int]) -> None:
        total = min(max(shutil.get_terminal_size((130, 24)).columns, 110), 170)
        rest = total - sum(widths) - 2 * (len(titles) - 1)
        self.titles = titles
        self.widths = [*widths, rest * 3 // 5, rest - rest * 3 // 5]

    def head(self) -> str:
        return f"{self.row(self.titles)}\n{self.row(['-' * width for width in self.widths])}"

    def row(self, cells: Sequence[str]) -> str:
        columns = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells, self.widths, strict=True)]
        lines = []
        for number in range(max(map(len, columns))):
            parts = [column[number] if number < len(column) else "" for column in columns]
            # Numbers stand on the right.
            padded = [
                part.rjust(width) if column in (2, 3) else part.ljust(width)
                for column, (part, width) in enumerate(zip(parts, self.widths, strict=True))
            ]
            lines.append("  ".join(padded).rstrip())
        return "\n".join(lines)


# What a visitor wants to do, beside looking


def check_login(shop: Shop) -> str:
    visitor = Visitor(over_http(shop.address), SIGNALS["Sec-GPC: 1"])
    visitor.get("/login")
    account = {"email": pages.DEMO_EMAIL, "password": pages.DEMO_PASSWORD}
    need(visitor.post("/login", csrf="wrong", **account).status == 403, "a form with a wrong token was accepted")
    need(visitor.post("/login", **account).status == 303, "signing in was refused")
    need("Good to see you" in text_of(visitor.get("/account")), "the account does not know who signed in")
    need(visitor.post("/logout").status == 303, "signing out was refused")
    need(visitor.get("/account").status == 303, "the account is still open after signing out")
    return "With Sec-GPC: 1, signing in and out works, and a form with a wrong token gets 403."


def check_cart(shop: Shop) -> str:
    visitor = Visitor(over_http(shop.address), SIGNALS["DNT: 1"])
    visitor.get("/product/pebble-cup")
    visitor.post("/cart/add", slug="pebble-cup", quantity="2")
    visitor.post("/cart/add", slug="hay-loft")
    need("€ 67.80" in text_of(visitor.get("/cart")), "two Pebble Cups and a Hay Loft do not cost € 67.80")
    visitor.post("/login", email=pages.DEMO_EMAIL, password=pages.DEMO_PASSWORD)
    need(visitor.post("/checkout").status == 303, "the order was refused")
    need("KM-0001" in text_of(visitor.get("/account")), "the order is not in the account")
    return "With DNT: 1, the cart counts, and what was ordered stands in the account."


def check_stream(shop: Shop) -> str:
    answer = ask(shop.address, "/reviews", SIGNALS["DNT: 1"])
    first, last = answer.times[0], answer.times[-1]
    pauses = pages.REVIEW_PAUSE * len(REVIEWS)
    need(last - first > pauses / 2, f"the reviews came at once: first after {first:.3f} s, last after {last:.3f} s")
    return (
        f"With DNT: 1, /reviews streams: the first of {len(answer.pieces)} pieces came after {1000 * first:.0f} ms, "
        f"the last after {1000 * last:.0f} ms."
    )


def check_returning(shop: Shop) -> str:
    visitor = Visitor(over_http(shop.address))
    visitor.get("/")
    need({"_ga", "_fbp"} <= visitor.cookies.keys(), "without a signal, _ga and _fbp are not set")
    visitor.signal = SIGNALS["Sec-GPC: 1"]
    answer = visitor.get("/privacy")
    shown = text_of(answer).partition("Cookies that reached us")[2]
    need("csrf" in shown, "the shop does not see its own cookie")
    need("_ga" not in shown and "_fbp" not in shown, "the shop still sees tracking cookies")
    need(not {"_ga", "_fbp"} & visitor.cookies.keys(), "the browser was not told to drop _ga and _fbp")
    return "_ga and _fbp of an earlier visit, now with Sec-GPC: 1, are hidden from the shop and taken back."


def check_reason(shop: Shop) -> str:
    reasons = []
    for label in ("DNT: 1", "Sec-GPC: 1"):
        page = ask(shop.address, "/privacy", SIGNALS[label]).body.decode()
        found = re.search(r'<p class="reason">([^<]+)</p>', page)
        need(found is not None and "asked us not to track you" in page, f"/privacy does not honor {label}")
        reasons.append(html.unescape(found[1]) if found else "")
    return f"/privacy says why. With DNT: 1: “{reasons[0]}” With Sec-GPC: 1: “{reasons[1]}”"


def need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise BrokenPromiseError(otherwise)


def text_of(answer: Answer) -> str:
    """The words of a page, roughly: enough to look for some of them."""
    return html.unescape(re.sub(r"<[^>]*>", "", answer.body.decode()))


CHECKS = (check_login, check_cart, check_stream, check_returning, check_reason)


def check(shop: Shop, say: Callable[[str], None]) -> list[str]:
    problems = []
    for one in CHECKS:
        try:
            say(bullet("ok", f"{shop.name}: {one(shop)}"))
        except BrokenPromiseError as problem:
            problems.append(f"{shop.name}, {one.__name__.removeprefix('check_')}: {problem}")
            say(bullet("NO", problems[-1]))
    return problems


def bullet(mark: str, text: str) -> str:
    width = min(max(shutil.get_terminal_size((130, 24)).columns, 60), 130)
    return textwrap.fill(text, width, initial_indent=f"{mark}  ", subsequent_indent="    ")


# The program


def report(shops: Sequence[Shop], say: Callable[[str], None]) -> list[str]:
    """Print everything. Returns what does not hold, one sentence each."""
    problems = [problem for shop in shops for problem in compare(shop, say)]
    say("")
    if not problems:
        say(bullet("ok", f"Without a signal, all {len(PAGES)} answers equal the bare shop's: {IDENTICAL}."))
        say(bullet("ok", "With a signal, no tag, script or cookie of a tracker is left, and nothing else is gone."))
    problems += [problem for shop in shops for problem in check(shop, say)]
    return problems


def main(arguments: Sequence[str] | None = None) -> int:
    summary = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m examples.shop.demo", description=summary)
    parser.add_argument("--once", action="store_true", help="stop after the report")
    parser.add_argument("--port", type=int, default=8001, help="where to begin looking for two free ports (8001)")
    options = parser.parse_args(arguments)
    once = options.once or os.environ.get("ONCE", "") not in ("", "0")

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # also where the shell that started us ignores Ctrl-C
    try:
        with both_shops(options.port) as shops:
            problems = report(shops, say)
            for problem in problems:
                print(f"DOES NOT HOLD: {problem}", file=sys.stderr)
            if not problems and not once:
                keep_serving(shops)
    except KeyboardInterrupt:
        say("\nClosed before the end of the report.")
        return 130
    except (OSError, HTTPException) as problem:
        print(f"DOES NOT HOLD: a shop does not answer: {type(problem).__name__}: {problem}", file=sys.stderr)
        return 1
    return 1 if problems else 0


def keep_serving(shops: Sequence[Shop]) -> None:
    try:
        say("\nBoth shops are open, with dntguard and, for comparison, bare. Ctrl-C closes them.\n")
        for shop in shops:
            say(f"    {shop.name:22} {shop.address}    bare: {shop.bare}")
        say(f"\n    curl -s -H 'Sec-GPC: 1' {shops[0].address}/privacy")
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        say("\nClosed.")


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
