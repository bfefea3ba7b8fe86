"""Chromium asks nobody whom the visitor refused: the table of markup, and planted inputs of html5lib-tests."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from dntguard.rewriter import rewrite
from tests.browser.chromium import MISSING, SITE, WAIT, Asked, asked, command
from tests.cases_markup import ALL, MARKED, Case, T
from tests.html5lib_cases import MISSING as NO_CASES
from tests.html5lib_cases import cases, files
from tests.oracles import REFUSED

pytestmark = pytest.mark.skipif(command() is None, reason=MISSING)


def rewritten(page: bytes, number: int) -> bytes:
    return rewrite(page, page_url=f"{SITE}/{number}")


# --- named cases ------------------------------------------------------------------------------------------------------

IMG = "<img src=//static.hotjar.com/>"

# What the preload scanner reads in another way than any parser.
READ_AHEAD = {
    "a base in svg": "<svg><base href=//static.hotjar.com/></svg><img src=x.gif>",
    "a base in math": "<math><base href=//static.hotjar.com/></math><script src=x.js></script>",
    "a base in select": "<select><base href=//static.hotjar.com/></select><img src=x.gif>",
    "a base in a template": "<template><base href=//static.hotjar.com/></template><img src=x.gif>",
    "a base in noscript": "<noscript><base href=//static.hotjar.com/></noscript><img src=x.gif>",
    "a CDATA section after a greater-than sign in it": f"<svg><![CDATA[>{IMG}]]></svg>",
    "such a section in math": f"<math><![CDATA[>{IMG}]]></math>",
    "such a section in foreignObject": f"<svg><foreignObject><![CDATA[>{IMG}]]></foreignObject></svg>",
    "a script in such a section": "<svg><![CDATA[><script src=//static.hotjar.com/></script>]]></svg>",
    "an end tag in an attribute in svg title": f"<svg><title><a b='</title>{IMG}'></title></svg>",
    "an end tag in an attribute in svg style": f"<svg><style><a b='</style>{IMG}'></style></svg>",
    "an end tag in an attribute in svg textarea": f"<svg><textarea><a b='</textarea>{IMG}'></textarea></svg>",
    "an end tag in an attribute in svg xmp": f"<svg><xmp><a b='</xmp>{IMG}'></xmp></svg>",
    "an end tag in an attribute in svg script": f"<svg><script><a b='</script>{IMG}'></script></svg>",
    "an end tag in a comment in svg title": f"<svg><title><!--</title>{IMG}--></title></svg>",
    "an end tag in a comment in svg style": f"<svg><style><!--</style>{IMG}--></style></svg>",
    "an end tag in a comment in math title": f"<math><title><!--</title>{IMG}--></title></math>",
    "a poster in svg": "<svg><video poster=//static.hotjar.com/></video></svg>",
    "an input in svg": "<svg><input type=image src=//static.hotjar.com/></svg>",
    "a link in svg": "<svg><link rel=stylesheet href=//static.hotjar.com/></svg>",
    "a source in svg": "<svg><picture><source srcset=//static.hotjar.com/><img src=/x.gif></picture></svg>",
    "an image in a template": f"<template>{IMG}</template>",
    "an image in a comment": f"<!-- > {IMG} -->",
    "an image in a textarea": f"<textarea>{IMG}</textarea>",
}

# How URLs are resolved.
RESOLVED = {
    f"{url} against {base}": f"<base href='{base}'><script src='{url}'></script>"
    for base in ("about:blank", "x://y/", "ftp://y/", "blob:x", "file:///x", "file://static.hotjar.com/x", "data:,")
    for url in ("http:static.hotjar.com/h.js", "http:/static.hotjar.com/h.js", "/h.js")
}


def over_http(case: Case) -> bytes:
    """Its input, asking over http: then a proxy learns which page asks."""
    return case.html.replace(b"https://static.hotjar.com", b"http://static.hotjar.com")


NAMED = {case.says: over_http(case) for case in ALL if case not in MARKED or T not in case.out}
NAMED |= {name: text.encode() for name, text in (READ_AHEAD | RESOLVED).items()}
"""Each is given to Chromium twice: as it is, and after a script that takes its time."""


@pytest.fixture(scope="module")
def answer() -> Asked:
    return asked([rewritten(page, 0) for html in NAMED.values() for page in (html, WAIT + html)])


def test_all_rewritten_pages_were_shown(answer: Asked) -> None:
    assert answer.loaded
    assert answer.pages == set(range(2 * len(NAMED)))


@pytest.mark.parametrize("case", NAMED)
def test_chromium_asks_nobody_who_is_refused_for_a_named_case(answer: Asked, case: str) -> None:
    place = 2 * list(NAMED).index(case)
    assert [url for url, page in answer.by(REFUSED) if page in (place, place + 1)] == []


def test_chromium_asks_nobody_who_is_refused_for_what_cannot_be_told_to_belong_to_a_case(answer: Asked) -> None:
    """Over https a proxy learns the host, and not which page asks."""
    assert [url for url, page in answer.by(REFUSED) if page is None] == []


# --- planted inputs ---------------------------------------------------------------------------------------------------

PLANTS = (
    b"<script src=http://static.hotjar.com/h.js></script>",
    b"<img src=//static.hotjar.com/p.gif>",
    b"<script src=https://www.google-analytics.com/analytics.js></script>",
    b"<script src=//connect.facebook.net/en_US/fbevents.js></script>",
)
AT_ONCE = 400
"""How many pages one Chromium is given."""


@pytest.fixture(scope="module")
def planted() -> list[bytes]:
    """Inputs of html5lib-tests with a plant that is still there when they were rewritten: as text, if all is well."""
    pages = [
        case.planted((7 * case.number) % (len(case.html) + 1), PLANTS[case.number % len(PLANTS)])
        for file in files()
        for case in cases(file)
    ]
    left = [page for page in pages if any(plant in rewritten(page, 0) for plant in PLANTS)]
    return left[:: len(left) // AT_ONCE + 1]


@pytest.mark.skipif(not files(), reason=NO_CASES)
@pytest.mark.parametrize("before", [b"", WAIT], ids=["as they are", "after a slow script"])
def test_chromium_asks_nobody_who_is_refused_for_planted_pages(planted: list[bytes], before: bytes) -> None:
    pages = [rewritten(before + page, 0) for page in planted]
    answer = asked(pages)
    assert [(url, pages[page] if page else b"") for url, page in answer.by(REFUSED)] == []
    assert answer.loaded
    assert answer.pages == set(range(len(pages)))


# --- the proof that it can fail ---------------------------------------------------------------------------------------


def test_chromium_asks_the_refused_for_pages_that_are_not_rewritten() -> None:
    asking = [plant + b"%d" % number for number in range(10) for plant in PLANTS]
    answer = asked([*map(over_http, ALL), *asking])
    hosts = {urlsplit(url).hostname for url, _ in answer.by(REFUSED)}
    assert {"static.hotjar.com", "www.google-analytics.com", "connect.facebook.net"} <= hosts
    assert len({page for _, page in answer.by(REFUSED)}) > 100
