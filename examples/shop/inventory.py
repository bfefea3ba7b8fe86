"""What a response carries: scripts, frames, images, links and cookies, and whose they are.

This is the demo's own list of who is who. It asks dntguard nothing, so that it can tell whether dntguard is right.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser

from .visitor import Answer, read_set_cookie

# What marks a tag as somebody's: a part of its address, or of its text. The first that fits counts.
TRACKERS = {
    "googletagmanager.com/gtag/js?id=AW-": "Google Ads",
    "googletagmanager.com/gtag/": "Google Analytics",
    "gtag('config'": "Google Analytics",
    "googletagmanager.com": "Google Tag Manager",
    "connect.facebook.net": "Meta Pixel",
    "www.facebook.com/tr": "Meta Pixel",
    "static.hotjar.com": "Hotjar",
    "www.clarity.ms": "Clarity",
    "analytics.tiktok.com": "TikTok",
    "snap.licdn.com": "LinkedIn",
    "px.ads.linkedin.com": "LinkedIn",
    "_linkedin_partner_id": "LinkedIn",
    "www.youtube.com": "YouTube",
}
NEEDED = {
    "js.stripe.com": "Stripe.js",
    "www.google.com/recaptcha": "reCAPTCHA",
    "cdn.jsdelivr.net": "Bootstrap",
}
TRACKING_COOKIES = {"_ga": "Google Analytics", "_fbp": "Meta Pixel"}


@dataclass(frozen=True, slots=True)
class Tag:
    """One thing a response carries: its kind (`script`, `inline`, `iframe`, `img`, `link`, `cookie`) and what it is."""

    kind: str
    what: str

    @property
    def owner(self) -> str:
        """Whose it is, in the demo's words."""
        if self.kind == "cookie":
            return self.what
        for mark, name in (TRACKERS | NEEDED).items():
            if mark in self.what:
                return name
        return "own script" if self.kind in ("script", "inline") else "own file"

    @property
    def tracks(self) -> bool:
        if self.kind == "cookie":
            return self.what in TRACKING_COOKIES
        return any(mark in self.what for mark in TRACKERS)

    def __str__(self) -> str:
        text = " ".join(self.what.split())
        return f"{self.kind} {text if len(text) < 90 else text[:87] + '...'}"


def tags_of(answer: Answer) -> list[Tag]:
    """Everything that the response carries, in its order. Cookies that it takes back do not count."""
    cookies = [name for name, _, expired in map(read_set_cookie, answer.all("set-cookie")) if not expired]
    tags = [Tag("cookie", name) for name in cookies]
    if answer.html:
        reader = _Reader()
        reader.feed(answer.body.decode())
        reader.close()
        tags += reader.tags
    return tags


def marks_left(body: bytes) -> list[str]:
    """The trackers' addresses that occur anywhere in the bytes, whatever a parser makes of them."""
    return [mark for mark in TRACKERS if mark.encode() in body]


def count_by_owner(tags: Iterable[Tag]) -> str:
    """`Meta Pixel 2, Hotjar; cookies _ga, _fbp`."""
    tags = list(tags)
    owners = Counter(tag.owner for tag in tags if tag.kind != "cookie")
    parts = [", ".join(f"{owner} {count}" if count > 1 else owner for owner, count in owners.items())] if owners else []
    cookies = [tag.what for tag in tags if tag.kind == "cookie"]
    if cookies:
        parts.append(f"cookies {', '.join(cookies)}")
    return "; ".join(parts) or "nothing"


class _Reader(HTMLParser):
    """Collects tags. What stands inside `<noscript>` counts as well: it is meant for somebody."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self._script: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag in ("script", "iframe", "img") and "src" in attributes:
            self.tags.append(Tag(tag, attributes["src"]))
        elif tag == "link":
            self.tags.append(Tag(tag, attributes.get("href", "")))
        elif tag == "script":
            self._script = []

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self._script.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._script is not None:
            self.tags.append(Tag("inline", "".join(self._script)))
            self._script = None
