"""`make bench`: how fast, next to what else there is.

All contenders run in one process, in turns, on the same bytes; the table shows medians, and ratios of medians. The
machine's own noise moves all of them together.

python-lolhtml runs three times: deciding by the same vendors about `src` and `href` of scripts, frames, images and
links; the same about every address that dntguard judges, which is what the same removals take; and told beforehand
which addresses to remove, which leaves it nothing but the scan. It cannot judge inline scripts, and it does not look
at styles, handlers or documents in attributes.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import platform
import statistics
import sys
import time
import zlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import bs4
import lolhtml
import lxml.html
from selectolax.lexbor import LexborHTMLParser
from starlette.middleware.cors import CORSMiddleware

from dntguard import rewriter, verdicts
from dntguard.asgi import DNTGuardMiddleware
from dntguard.consent import REFUSE_ALL
from dntguard.elements import ELEMENTS, Fetches, candidates
from dntguard.policy import Policy
from dntguard.rewriter import Rewriter
from dntguard.urls import parse_page_url, resolve
from tests.bench import scaling
from tests.bench.pages import Page, own_pages, pages_in
from tests.bench.registry import registry

POLICY = Policy()
CHUNK = 16 * 1024
SELECTOR = {"script": "src", "iframe": "src", "img": "src", "link": "href"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--pages", type=Path, help="a folder with pages and a pages.json; default: pages of our own")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with_list = options.pages is not None and (options.pages / "pages.json").exists()
    pages = pages_in(options.pages) if with_list else own_pages()
    size = sum(len(page.html) for page in pages)
    print(
        f"CPython {platform.python_version()}, {len(pages)} pages, {size / 1e6:.1f} MB, "
        f"medians of {options.rounds} turns\n"
    )
    rewriting(pages, size, options.rounds)
    print()
    asyncio.run(requests(options.rounds))
    print()
    scaling.sizes()
    print()
    within = [registry(), (print(), scaling.doublings())[1]]
    if not all(within):
        sys.exit(1)


# --- rewriting --------------------------------------------------------------------------------------------------------


class Contender(NamedTuple):
    name: str
    run: Callable[[], object]
    turns: int
    before: Callable[[], object] = lambda: None


def rewriting(pages: Sequence[Page], size: int, rounds: int) -> None:
    refused = [refused_addresses(page) for page in pages]
    pairs = list(zip(pages, refused, strict=True))

    def whole() -> object:
        return [ours(page, 0) for page in pages]

    def in_chunks() -> object:
        return [ours(page, CHUNK) for page in pages]

    contenders = [
        Contender("dntguard, whole, warm", whole, rounds, before=whole),
        Contender("dntguard, whole, cold", whole, rounds, before=forget),
        Contender("dntguard, 16 KiB, warm", in_chunks, rounds, before=in_chunks),
        Contender("dntguard, 16 KiB, cold", in_chunks, rounds, before=forget),
        Contender("lolhtml, src and href", lambda: [deciding_lolhtml(page) for page in pages], rounds),
        Contender("lolhtml, all addresses", lambda: [judging_lolhtml(page) for page in pages], rounds),
        Contender("lolhtml, told", lambda: [with_lolhtml(*pair) for pair in pairs], rounds),
        Contender("selectolax", lambda: [with_selectolax(*pair) for pair in pairs], rounds),
        Contender("lxml", lambda: [with_lxml(*pair) for pair in pairs], min(rounds, 7)),
        Contender("beautifulsoup4", lambda: [with_soup(*pair) for pair in pairs], 1),
        Contender("zlib level 6", lambda: [zlib.compress(page.html, 6) for page in pages], min(rounds, 7)),
    ]
    taken: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for turn in range(rounds):
        for contender in contenders:
            if turn < contender.turns:
                contender.before()
                gc.collect()  # what the last one left behind is not on this one's time
                begun = time.perf_counter()
                contender.run()
                taken[contender.name].append(time.perf_counter() - begun)
    speed = {name: size / 1e6 / statistics.median(times) for name, times in taken.items()}
    # Ratios are taken turn by turn, where both ran under the same noise.
    print(f"{'':<26}{'':>9}{'of lolhtml judging':>30}")
    print(f"{'rewriting':<26}{'MB/s':>9}{'src and href':>16}{'all addresses':>14}")
    for name, times in taken.items():
        ratios = [
            statistics.median(b / a for a, b in zip(times, taken[other], strict=False))
            for other in ("lolhtml, src and href", "lolhtml, all addresses")
        ]
        print(f"{name:<26}{speed[name]:>9.1f}{ratios[0]:>16.2f}{ratios[1]:>14.2f}")
    print(f"removed by their address: {sum(map(len, refused))} addresses; lolhtml, all addresses:", end=" ")
    print(f"{sum(judging_lolhtml(page)[1] for page in pages)} elements and attributes")


def ours(page: Page, chunk: int) -> bytes:
    taking = Rewriter(POLICY, REFUSE_ALL, page.url)
    if not chunk:
        return taking.feed(page.html) + taking.close()
    pieces = [taking.feed(page.html[start : start + chunk]) for start in range(0, len(page.html), chunk)]
    return b"".join([*pieces, taking.close()])


def forget() -> None:
    """Empty every cache of verdicts, as in a process that has just started; the vendors are loaded."""
    rewriter.forget()
    verdicts.verdicts_for.cache_clear()


def refused_addresses(page: Page) -> set[str]:
    """What dntguard takes out of the page by address: the others are told, and need only compare."""
    taking = Rewriter(POLICY, REFUSE_ALL, page.url)
    taking.feed(page.html)
    taking.close()
    return {removal.what for removal in taking.removals if removal.kind in SELECTOR}


def deciding_lolhtml(page: Page) -> bytes:
    """The same removals by address, decided by the same verdicts, with nothing remembered but what those remember."""
    decide = verdicts.verdicts_for(POLICY, REFUSE_ALL.granted)
    location = parse_page_url(page.url)

    class Handler:
        def __init__(self, name: str) -> None:
            self.attribute = SELECTOR[name]
            self.unclaimed = name in ("script", "iframe")

        def element(self, element: Any) -> None:
            target = resolve(element.get_attribute(self.attribute), location)
            if decide.host(target, location, unclaimed=self.unclaimed) is not None:
                element.remove()

    out = bytearray()
    rewriting = lolhtml.HTMLRewriter(out.extend)
    for name, attribute in SELECTOR.items():
        rewriting.on(f"{name}[{attribute}]", Handler(name))
    rewriting.write(page.html)
    rewriting.end()
    return bytes(out)


def judging_lolhtml(page: Page) -> tuple[bytes, int]:
    """The removals by address that dntguard makes, of elements and of attributes; and how many they are."""
    decide = verdicts.verdicts_for(POLICY, REFUSE_ALL.granted)
    location = parse_page_url(page.url)
    removed = 0

    class Handler:
        def __init__(self, element: Fetches, attribute: str, *, many: bool) -> None:
            self.fetches = element
            self.attribute = attribute
            self.many = many

        def element(self, element: Any) -> None:
            nonlocal removed
            value = element.get_attribute(self.attribute)
            for url in candidates(value) if self.many else (value,):
                if decide.host(resolve(url, location), location, unclaimed=self.fetches.runs) is not None:
                    removed += 1
                    if self.fetches.stays:
                        element.remove_attribute(self.attribute)
                    else:
                        element.remove()
                    return

    out = bytearray()
    rewriting = lolhtml.HTMLRewriter(out.extend)
    for name, fetches in ELEMENTS.items():
        for attribute in fetches.urls + fetches.srcsets:
            selector = f"{name.decode()}[{attribute.decode()}]".replace(":", "\\:")
            rewriting.on(selector, Handler(fetches, attribute.decode(), many=attribute in fetches.srcsets))
    rewriting.write(page.html)
    rewriting.end()
    return bytes(out), removed


def with_lolhtml(page: Page, refused: set[str]) -> bytes:
    class Handler:
        def __init__(self, attribute: str) -> None:
            self.attribute = attribute

        def element(self, element: Any) -> None:
            if element.get_attribute(self.attribute) in refused:
                element.remove()

    out = bytearray()
    rewriting = lolhtml.HTMLRewriter(out.extend)
    for name, attribute in SELECTOR.items():
        rewriting.on(f"{name}[{attribute}]", Handler(attribute))
    rewriting.write(page.html)
    rewriting.end()
    return bytes(out)


def with_selectolax(page: Page, refused: set[str]) -> str:
    tree = LexborHTMLParser(page.html)
    for name, attribute in SELECTOR.items():
        for node in tree.css(f"{name}[{attribute}]"):
            if node.attributes.get(attribute) in refused:
                node.decompose()
    return tree.html or ""


def with_lxml(page: Page, refused: set[str]) -> bytes:
    tree: Any = lxml.html.document_fromstring(page.html)
    for element in list(tree.iter(*SELECTOR)):
        if element.get(SELECTOR[str(element.tag)]) in refused:
            element.drop_tree()
    return bytes(lxml.html.tostring(tree))


def with_soup(page: Page, refused: set[str]) -> bytes:
    soup = bs4.BeautifulSoup(page.html, "html.parser")
    for element in soup.find_all(list(SELECTOR)):
        if element.get(SELECTOR[element.name]) in refused:
            element.decompose()
    return bytes(soup.encode())


# --- requests ---------------------------------------------------------------------------------------------------------

HEADERS = [
    (b"host", b"www.the-paper.example"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    (b"accept-language", b"en-US,en;q=0.5"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"origin", b"https://other.example"),
    (b"cookie", b"session=0123456789abcdef; _ga=GA1.1.1.1"),
    (b"sec-fetch-dest", b"document"),
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-site", b"cross-site"),
    (b"upgrade-insecure-requests", b"1"),
]
REQUESTS = 2000


async def application(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


async def receive() -> dict[str, object]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Any) -> None:
    del message


async def requests(rounds: int) -> None:
    apps: dict[str, Callable[..., Awaitable[None]]] = {
        "bare application": application,
        "CORSMiddleware": CORSMiddleware(application, allow_origins=["*"]),
        "dntguard, nothing refused": DNTGuardMiddleware(application),
    }
    taken: dict[str, list[float]] = {name: [] for name in apps}
    for _ in range(rounds):
        for name, app in apps.items():
            taken[name].append(await _one_turn(app))
    bare, *others = (statistics.median(times) for times in taken.values())
    added = dict(zip(list(apps)[1:], (other - bare for other in others), strict=True))
    print(f"{'an ASGI request':<26}{'adds µs':>9}{'of CORS':>12}")
    for name, microseconds in added.items():
        print(f"{name:<26}{microseconds:>9.2f}{microseconds / added['CORSMiddleware']:>12.2f}")


async def _one_turn(app: Callable[..., Awaitable[None]]) -> float:
    """Microseconds for one request, the mean of one turn."""
    begun = time.perf_counter()
    for _ in range(REQUESTS):
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
            "path": "/", "raw_path": b"/", "query_string": b"", "headers": HEADERS, "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 443), "state": {},
        }  # fmt: skip
        await app(scope, receive, send)
    return (time.perf_counter() - begun) / REQUESTS * 1e6


if __name__ == "__main__":
    main()
