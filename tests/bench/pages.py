"""The pages that `make bench` measures on: pages written for the project, or a folder of others."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import NamedTuple

_WORDS = (
    "kettle leaf garden morning harvest letter quiet river paper window story market winter lantern copper "
    "evening station harbour ribbon orchard summer village bridge colour notebook season journey"
).split()

_HEAD = """<!DOCTYPE html>
<html lang="en" class="no-js">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="canonical" href="{url}">
<link rel="stylesheet" href="/static/css/main.css?v=81">
<link rel="preconnect" href="https://www.googletagmanager.com">
<link rel="dns-prefetch" href="//static.hotjar.com">
<link rel="stylesheet" href="https://cdn.jsdelivr.net/npm/bootstrap@5.3.3/dist/css/bootstrap.min.css">
<link rel="icon" href="/favicon.ico">
<style>
{css}
</style>
<script>(function(w,d,s,l,i){{w[l]=w[l]||[];var f=d.getElementsByTagName(s)[0],j=d.createElement(s);j.async=true;
j.src='https://www.googletagmanager.com/gtm.js?id='+i;f.parentNode.insertBefore(j,f);}})(window,document,'script','dataLayer','GTM-TEST');</script>
<script async src="https://www.googletagmanager.com/gtag/js?id=G-TEST"></script>
<script>window.dataLayer=window.dataLayer||[];function gtag(){{dataLayer.push(arguments)}}gtag('js',new Date());gtag('config','G-TEST');</script>
<script>window.page = {config};</script>
<script src="/static/js/vendor.js?v=81" defer></script>
<script src="/static/js/main.js?v=81" defer></script>
</head>
<body class="page page--{kind}">
<noscript><iframe src="https://www.googletagmanager.com/ns.html?id=GTM-TEST" height="0" width="0"></iframe></noscript>
"""

_ICON = (
    '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2 2 7l10 5 10-5-10-5z"/>'
    '<circle cx="12" cy="12" r="3"/></svg>'
)

_TAIL = """
<footer class="footer"><p>&copy; The paper. <a href="/privacy">Privacy</a> &middot; <a href="/terms">Terms</a></p></footer>
<script>!function(f,b,e,v,n,t,s){{if(f.fbq)return;n=f.fbq=function(){{n.queue.push(arguments)}};n.queue=[];t=b.createElement(e);
t.src=v;s=b.getElementsByTagName(e)[0];s.parentNode.insertBefore(t,s)}}(window,document,'script','https://connect.facebook.net/en_US/fbevents.js');
fbq('init','1');fbq('track','PageView');</script>
<noscript><img height="1" width="1" src="https://www.facebook.com/tr?id=1&ev=PageView&noscript=1" alt=""></noscript>
<script src="https://cdn.taboola.com/libtrc/paper/loader.js" async></script>
<script src="https://widgets.unknown-partner.example/w.js" async></script>
<img src="https://sb.scorecardresearch.com/p?c1=2&c2=1" width="1" height="1" alt="">
<script>
{application}
</script>
</body>
</html>
"""


class Page(NamedTuple):
    """A page to measure on."""

    name: str
    url: str
    html: bytes


def own_pages() -> list[Page]:
    """Pages written for the project: a front page, an article, a shop's list, a manual; the same on every run."""
    chance = random.Random(20261122)
    return [
        _page("front", _front(chance), chance),
        _page("article", _article(chance, 90), chance),
        _page("listing", _listing(chance), chance),
        _page("manual", _manual(chance), chance),
    ]


def pages_in(folder: Path) -> list[Page]:
    """The pages of a folder whose `pages.json` lists objects with `file` and `page_url`."""
    listed = json.loads((folder / "pages.json").read_text("utf-8"))
    return [Page(entry["file"], entry["page_url"], (folder / entry["file"]).read_bytes()) for entry in listed]


def _page(kind: str, body: str, chance: random.Random) -> Page:
    url = f"https://www.the-paper.example/{kind}"
    css = "\n".join(f".c{number}{{margin:{number % 7}px;color:#{number:03x}}}" for number in range(120))
    config = json.dumps({word: _sentence(chance, 6) for word in _WORDS})
    code = "\n".join(
        f"function {word}_{number}(a, b) {{ if (a < b && b > 0) {{ return '<div class=\"{word}\">' + a + '</div>'; }} }}"
        for number, word in enumerate(_WORDS * 3)
    )
    head = _HEAD.format(title=_sentence(chance, 6), url=url, css=css, config=config, kind=kind)
    return Page(f"own/{kind}", url, (head + body + _TAIL.format(application=code)).encode())


def _sentence(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=words)).capitalize() + "."


def _front(chance: random.Random) -> str:
    teasers = []
    for number in range(220):
        teasers.append(
            f'<article class="teaser teaser--{number % 5}" data-id="{number}" data-track="front|{number}">\n'
            f'  <a href="/{chance.choice(_WORDS)}/{number}" class="teaser__link">\n'
            f'    <img class="teaser__image" src="https://images.the-paper.example/{number}/640.jpg" alt="{_sentence(chance, 4)}"'
            f' srcset="https://images.the-paper.example/{number}/320.jpg 320w, https://images.the-paper.example/{number}/640.jpg 640w"'
            f' loading="lazy" width="640" height="360">\n'
            f"    <h3>{_sentence(chance, 9)}</h3>\n"
            f"  </a>\n  <p>{_sentence(chance, 24)}</p>\n  <button type='button' class=\"share\">{_ICON} Share</button>\n</article>\n"
        )
    return "".join(teasers)


def _article(chance: random.Random, paragraphs: int) -> str:
    parts = [f"<main><h1>{_sentence(chance, 8)}</h1>\n"]
    for number in range(paragraphs):
        linked = f'<a href="/{chance.choice(_WORDS)}">{chance.choice(_WORDS)}</a>'
        parts.append(
            f"<p>{_sentence(chance, 60)} {linked} {_sentence(chance, 40)} <em>{_sentence(chance, 5)}</em></p>\n"
        )
        if number % 15 == 7:
            parts.append(
                '<figure><iframe src="https://www.youtube.com/embed/abc" width="560" height="315" allowfullscreen></iframe>'
                f"<figcaption>{_sentence(chance, 8)}</figcaption></figure>\n"
                "<!-- ad slot -->\n<div class=\"ad\"><script>googletag.cmd.push(function(){googletag.display('ad');});</script></div>\n"
            )
    return "".join([*parts, "</main>"])


def _listing(chance: random.Random) -> str:
    rows = [
        f'<tr><td><img src="/img/{number}.jpg" alt=""></td><td><a href="/p/{number}">{_sentence(chance, 3)}</a></td>'
        f'<td class="num">{chance.randrange(100, 9999) / 100}</td><td><form method="post" action="/cart">'
        f'<input type="hidden" name="id" value="{number}"><button>Buy</button></form></td></tr>\n'
        for number in range(600)
    ]
    return "<table>\n" + "".join(rows) + "</table>"


def _manual(chance: random.Random) -> str:
    sections = []
    for number in range(60):
        sections.append(
            f'<section id="s{number}"><h2>{_sentence(chance, 4)}</h2><p>{_sentence(chance, 70)}</p>'
            f"<pre><code>&lt;script src=&quot;{chance.choice(_WORDS)}.js&quot;&gt;&lt;/script&gt;\n{_sentence(chance, 30)}</code></pre>"
            f"<ul>{''.join(f'<li>{_sentence(chance, 9)}</li>' for _ in range(8))}</ul></section>\n"
        )
    return "".join(sections)
