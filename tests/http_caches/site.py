"""The demo shop, made cacheable: what stands behind the caches. `uvicorn tests.http_caches.site:app` serves it.

    /GUARD/SEQUENCE/FRESHNESS/VALIDATORS/PAGE

`GUARD` names the middleware around the site (`GUARDS`), `SEQUENCE` keeps the entries of one run out of the next one's
way, `FRESHNESS` is what `Cache-Control` says, `VALIDATORS` which validators the answer carries, and the rest is a page
of the shop or one of this file's own. The request field `X-Content-Version` says how often the content has changed:
no cache looks at it, so raising it is what an editor does who publishes while caches hold what was there before.

The site itself does all that RFC 9110 and 9111 ask of an origin, so what a cache serves wrongly is dntguard's doing.
"""

import asyncio
import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from werkzeug.datastructures import Headers as Fields
from werkzeug.http import http_date, is_resource_modified, parse_cookie, parse_range_header

from dntguard import Consent, Policy, current_consent
from dntguard.asgi import ASGIApp, DNTGuardMiddleware, Message, Receive, Scope, Send
from examples.shop.starlette_app import bare as shop
from tests.drive import live

FRESHNESS = {
    "fresh": "public, max-age=600",
    "private": "private, max-age=600",
    "must": "public, max-age=600, must-revalidate",
    "swr": "public, max-age=600, stale-while-revalidate=600",
    "check": "public, max-age=0, must-revalidate",
    "silent": "",
}
VALIDATORS = ("both", "etag", "dated", "none")
SHOP_PAGES = ("/", "/product/morning-moss", "/privacy", "/reviews", "/static/shop.js")
EITHER = ("/either?as=html", "/either?as=json")
OWN_PAGES = (
    "/consent.json", "/scope.json", "/plain.json", "/cookie.html", "/cookie.json", "/seen.html", "/long.html", *EITHER
)  # fmt: skip

FIRST_EDITION = datetime(2024, 1, 1, tzinfo=UTC)
TRACKERS = (
    b'<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>'
    b'<script src="https://connect.facebook.net/en_US/fbevents.js"></script>'
)
COOKIES = ("_ga=GA1.1.1.1; Path=/; Max-Age=9999", "_fbp=fb.0.1.1; Path=/; Max-Age=9999", "session=1; Path=/; HttpOnly")
PIECE = 8 * 1024
STREAMED = frozenset({"/reviews", "/long.html"})
MARKUP = frozenset({"text/html", "text/javascript", "application/javascript"})


@dataclass(frozen=True)
class Content:
    """What a page is before anybody asks for a coding or a part of it.

    A page that depends on who asks has no date, which could not tell one visitor's from another's.
    """

    kind: str
    body: bytes
    personal: bool = False
    vary: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()

    def edition(self, version: int) -> bytes:
        """The bytes after the content has changed `version` times."""
        if self.kind == "application/json":
            return self.body + b"\n" * version
        note = b"<!-- edition %d -->" if self.kind == "text/html" else b"/* edition %d */"
        return self.body + note % version


async def site(scope: Scope, receive: Receive, send: Send) -> None:
    """The site, without dntguard."""
    if scope["type"] != "http":
        return
    fields = Fields([(name.decode(), value.decode("latin-1")) for name, value in scope["headers"]])
    freshness, validators, page = scope["path"].split("/", 3)[1:]
    version = int(fields.get("x-content-version", "0"))
    content = await content_of(f"/{page}", scope, fields)
    coding, body = coded(content, version, "gzip" in fields.get("accept-encoding", ""))

    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"' if validators in ("both", "etag") else None
    dated = validators in ("both", "dated") and not content.personal
    changed = FIRST_EDITION + timedelta(hours=version) if dated else None
    answer: list[tuple[str, str]] = []
    if FRESHNESS[freshness]:
        answer.append(("cache-control", FRESHNESS[freshness]))
    if etag:
        answer.append(("etag", etag))
    if changed:
        answer.append(("last-modified", http_date(changed)))
    vary = (*content.vary, *(("Accept-Encoding",) if content.kind in MARKUP else ()))
    if vary:
        answer.append(("vary", ", ".join(vary)))
    answer.extend(("set-cookie", line) for line in content.cookies)

    # 1. Not modified (RFC 9110 section 13.2.2).
    conditions = {"REQUEST_METHOD": "GET"}
    for name in ("if-none-match", "if-modified-since"):
        if name in fields:
            conditions[f"HTTP_{name.upper().replace('-', '_')}"] = fields[name]
    if not is_resource_modified(conditions, etag, last_modified=changed):
        await reply(send, 304, answer, [])
        return
    answer.append(("content-type", content.kind))
    if coding:
        answer.append(("content-encoding", coding))
    streamed = f"/{page}" in STREAMED
    # 2. A part, if the validator of `If-Range` is this representation's (RFC 9110 section 13.1.5).
    asked = None if streamed or scope["method"] == "HEAD" else parse_range_header(fields.get("range"))
    part = asked.range_for_length(len(body)) if asked else None
    if part and asked and unchanged_for_range(fields.get("if-range"), etag, changed):
        whole, body = len(body), body[part[0] : part[1]]
        answer.append(("content-range", f"bytes {part[0]}-{part[1] - 1}/{whole}"))
        answer.append(("content-length", str(len(body))))
        await reply(send, 206, answer, [body])
        return
    # 3. The whole.
    if streamed:
        pieces = [body[begin : begin + PIECE] for begin in range(0, len(body), PIECE)]
    else:
        answer.extend([("accept-ranges", "bytes"), ("content-length", str(len(body)))])
        pieces = [body]
    await reply(send, 200, answer, [] if scope["method"] == "HEAD" else pieces)


def unchanged_for_range(condition: str | None, etag: str | None, changed: datetime | None) -> bool:
    """Whether a part may be sent: `If-Range` is absent, or is exactly the validator (RFC 9110 section 13.1.5)."""
    return condition is None or condition == etag or (changed is not None and condition == http_date(changed))


async def reply(send: Send, status: int, headers: list[tuple[str, str]], pieces: list[bytes]) -> None:
    """Send an answer; one of several pieces in several messages."""
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    for piece in pieces[:-1]:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": pieces[-1] if pieces else b"", "more_body": False})


@lru_cache(maxsize=2000)
def coded(content: Content, version: int, squeeze: bool) -> tuple[str, bytes]:
    """The content coding and the bytes in it. Markup is compressed for who takes that, as sites do."""
    body = content.edition(version)
    if squeeze and content.kind in MARKUP:
        return "gzip", gzip.compress(body, mtime=0)
    return "", body


async def content_of(page: str, scope: Scope, fields: Fields) -> Content:
    """What a page holds for this request."""
    match page:
        case "/consent.json":
            return Content("application/json", granted_by(current_consent()), personal=True)
        case "/scope.json":
            return Content("application/json", granted_by(scope["dntguard"]), personal=True)
        case "/plain.json":
            return Content("application/json", json.dumps({"html": TRACKERS.decode()}).encode())
        case "/cookie.html":
            return Content("text/html", b"<!doctype html><title>cookies</title>" + TRACKERS, cookies=COOKIES)
        case "/cookie.json":
            return Content("application/json", b'{"cookies": 3}', cookies=COOKIES)
        case "/seen.html":
            seen = ", ".join(sorted(parse_cookie(fields.get("cookie"))))
            return Content("text/html", f"<!doctype html><p>{seen}</p>".encode() + TRACKERS, True, ("Cookie",))
        case "/long.html":
            rows = b"<p>A row, and a row, and a row, and a row.</p>" * 80
            return Content("text/html", b"<!doctype html><title>rows</title>" + (rows + TRACKERS) * 20)
        case "/either" if scope["query_string"] == b"as=json":
            return Content("application/json", b'{"either": true}')
        case "/either":
            return Content("text/html", b"<!doctype html><title>either</title>" + TRACKERS)
        case _:
            return await content_of_shop(page, scope, fields)


def granted_by(consent: Consent) -> bytes:
    """What an application says that asks for the decision."""
    return json.dumps({"granted": sorted(consent.granted)}).encode()


_of_shop: dict[tuple[str, ...], Content] = {}


async def content_of_shop(page: str, scope: Scope, fields: Fields) -> Content:
    """A page of the shop, without the cookies it gives to each visitor. Only its privacy page looks at who asks."""
    signals = [(name, fields[name]) for name in ("dnt", "sec-gpc") if name in fields]
    key = (page, *(f"{name}: {value}" for name, value in signals)) if page == "/privacy" else (page,)
    if key not in _of_shop:
        token = ("cookie", "csrf=a-token-that-stays-the-same-for-everybody-0")
        asked = [(name.encode(), value.encode()) for name, value in [("host", HOST), *signals, token]]
        messages = await ask(
            shop, {**scope, "method": "GET", "path": page, "raw_path": page.encode(), "headers": asked}
        )
        kind = dict(messages[0]["headers"])[b"content-type"].decode().partition(";")[0]
        body = b"".join(message.get("body", b"") for message in messages[1:])
        _of_shop[key] = Content(kind, body, personal=page == "/privacy")
    return _of_shop[key]


async def ask(app: ASGIApp, scope: Scope) -> list[Message]:
    """The messages of an answer."""
    messages: list[Message] = []
    request: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        # After the request the visitor waits; who listens for more is cancelled when the answer is complete.
        return request.pop() if request else await asyncio.Future()

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    return messages


HOST = "www.shop.example"


def without_vary(app: ASGIApp) -> ASGIApp:
    """What dntguard would be if it forgot to say that its answers depend on the signals."""

    async def forgetful(scope: Scope, receive: Receive, send: Send) -> None:
        async def forget(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*_less_signals(message["headers"])]}
            await send(message)

        await app(scope, receive, forget)

    return forgetful


def _less_signals(headers: list[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    for name, value in headers:
        if name.lower() != b"vary":
            yield name, value
            continue
        members = [member.strip() for member in value.split(b",")]
        kept = [member for member in members if member.lower() not in (b"dnt", b"sec-gpc")]
        if kept:
            yield name, b", ".join(kept)


def _each_signal(**more: object) -> ASGIApp:
    """dntguard with a policy by which each signal refuses something else: four decisions, none of them alike."""
    return DNTGuardMiddleware(site, Policy(dnt_refuses=["analytics"], gpc_refuses=["marketing"], **more))  # type: ignore[arg-type]


GUARDS: dict[str, ASGIApp] = {
    "guarded": _each_signal(),
    "without-vary": without_vary(_each_signal()),
    "never": DNTGuardMiddleware(site, mode="never"),
    "invariant": _each_signal(cache="invariant"),
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The site behind the guard that the path names; the guard and the sequence are no part of the path from there."""
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    if scope["path"] == "/ready":
        await reply(send, 200, [], [b"ready"])
        return
    guard, _, path = scope["path"].split("/", 3)[1:]
    await GUARDS[guard](dict(scope, path=f"/{path}", raw_path=f"/{path}".encode()), receive, send)


def fresh(method: str, path: str, headers: list[tuple[str, str]]) -> tuple[int, list[tuple[str, str]], bytes]:
    """What a server without any cache answers: status, headers and body."""
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
    path, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": encoded,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip
    start, *rest = asyncio.run(ask(app, scope))
    decoded = [(name.decode(), value.decode("latin-1")) for name, value in start["headers"]]
    return start["status"], decoded, b"".join(message.get("body", b"") for message in rest)
