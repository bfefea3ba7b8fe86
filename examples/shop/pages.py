"""What the pages of the shop need, whichever framework serves them. Nothing here knows of dntguard but `privacy`.

The frameworks bring the signed session (a mapping), the request's cookies and headers, and send the answers.
Every page is the same for the same request: no clock, no chance, so that two servers can be compared byte by byte.
(Only the form token is drawn at random, once; a browser that sends its `csrf` cookie gets the same page again.)
"""

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment

from dntguard import Consent

from .catalogue import BY_SLUG, PRODUCTS, REVIEWS, Product, euros

TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")

# A shop that earns money reads its key from the environment. This one gives away everything it knows on /login.
SECRET_KEY = "kettle-and-moss-sells-no-real-tea"
DEMO_EMAIL = "ines@kettle.example"
DEMO_PASSWORD = "steep-slowly"

CSRF_COOKIE = "csrf"
YEAR = 365 * 24 * 60 * 60
MOST_OF_ONE = 20

# Seconds between two reviews: long enough to see that the page streams.
REVIEW_PAUSE = 0.05

Context = dict[str, Any]
Session = MutableMapping[str, Any]


class ShopError(Exception):
    """A form that the shop does not accept: the status to answer with, and a sentence for the visitor."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def sentence_for(status: int) -> str:
    """What the error page says where no page of ours had a better sentence."""
    if status == 404:
        return "We looked on every shelf, and behind the kettle too. There is no such page."
    return f"The answer is {status}: {HTTPStatus(status).phrase.lower()}."


# The frame around every page


def shell(session: Session, cookies: Mapping[str, str]) -> Context:
    """What the header and the footer of each page show."""
    return {
        "csrf": csrf_token(cookies),
        "cart_count": sum(quantities(session).values()),
        "user": session.get("user", ""),
    }


def page_cookies(context: Context, cookies: Mapping[str, str]) -> dict[str, str]:
    """The cookies that each page sets: the shop's own form token, and the ones its marketing tools asked for."""
    return {CSRF_COOKIE: context["csrf"], **tracking_cookies(cookies)}


def tracking_cookies(cookies: Mapping[str, str]) -> dict[str, str]:
    """The identifiers that server-side tagging keeps alive for a year, longer than a script of theirs may.

    A real shop draws them at random for a new visitor; here they are fixed, so that answers can be compared.
    """
    return {
        "_ga": cookies.get("_ga", "GA1.1.1000000001.1700000000"),
        "_fbp": cookies.get("_fbp", "fb.0.1700000000000.1000000001"),
    }


# Forms: the same random token in a cookie and in a hidden field, which another site can neither read nor set.


def csrf_token(cookies: Mapping[str, str]) -> str:
    token = cookies.get(CSRF_COOKIE, "")
    return token if re.fullmatch(r"[A-Za-z0-9_-]{43}", token) else secrets.token_urlsafe(32)


def check_csrf(form: Mapping[str, str], cookies: Mapping[str, str]) -> None:
    expected, got = cookies.get(CSRF_COOKIE, ""), form.get(CSRF_COOKIE, "")
    if not expected or not secrets.compare_digest(expected.encode(), got.encode()):
        raise ShopError(403, "This form was not sent from a page of ours, or it waited too long. Please try again.")


# The pages


def home() -> Context:
    return {"products": PRODUCTS}


def product(session: Session, slug: str) -> Context:
    """One product, and the ones this visitor looked at before. Remembers the look in the session."""
    here = find(slug)
    seen = [name for name in session.get("seen", []) if name in BY_SLUG and name != slug]
    if session.get("seen", [])[:1] != [slug]:
        session["seen"] = [slug, *seen][:4]
    return {"product": here, "seen": [BY_SLUG[name] for name in seen]}


def find(slug: str) -> Product:
    try:
        return BY_SLUG[slug]
    except KeyError:
        raise ShopError(404, "There is nothing of that name on our shelves.") from None


def cart(session: Session) -> Context:
    lines = [(BY_SLUG[slug], count) for slug, count in quantities(session).items()]
    return {
        "lines": [(item, count, euros(item.price * count)) for item, count in lines],
        "total": euros(sum(item.price * count for item, count in lines)),
    }


def quantities(session: Session) -> dict[str, int]:
    """What lies in the cart: slug to quantity. What left the catalogue since then is gone from the cart, too."""
    return {slug: count for slug, count in session.get("cart", {}).items() if slug in BY_SLUG}


def add_to_cart(session: Session, form: Mapping[str, str]) -> int:
    """Put some of a product into the cart and say how many things are in it now."""
    slug, more = find(form.get("slug", "")).slug, quantity(form)
    return store(session, slug, quantities(session).get(slug, 0) + more)


def change_cart(session: Session, form: Mapping[str, str]) -> int:
    """Set the quantity of a product; none takes it out."""
    return store(session, find(form.get("slug", "")).slug, quantity(form))


def store(session: Session, slug: str, count: int) -> int:
    changed = quantities(session) | {slug: min(count, MOST_OF_ONE)}
    session["cart"] = {slug: count for slug, count in changed.items() if count}
    return sum(session["cart"].values())


def quantity(form: Mapping[str, str]) -> int:
    text = form.get("quantity", "1")
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise ShopError(400, "A quantity is a whole number, from none to twenty.")
    return int(text)


def login(session: Session, form: Mapping[str, str]) -> bool:
    """Sign in, if address and password are the demo account's. What lies in the cart stays."""
    email, password = form.get("email", "").strip().lower(), form.get("password", "")
    if not secrets.compare_digest(f"{email}\n{password}".encode(), f"{DEMO_EMAIL}\n{DEMO_PASSWORD}".encode()):
        return False
    session["user"] = "Ines"
    return True


def login_form(failed: bool = False) -> Context:
    return {"email": DEMO_EMAIL, "password": DEMO_PASSWORD, "failed": failed}


def logout(session: Session) -> None:
    session.pop("user", None)


def account(session: Session) -> Context:
    return {"orders": session.get("orders", [])}


def place_order(session: Session) -> None:
    """Turn the cart into an order. Nothing is paid: the shop ends where a payment provider would begin."""
    here = cart(session)
    if not here["lines"]:
        raise ShopError(400, "Your cart is empty, so there is nothing to order.")
    orders = list(session.get("orders", []))
    number = f"KM-{len(orders) + 1:04}"
    what = ", ".join(f"{item.name} ({count})" for item, count, _ in here["lines"])
    session["orders"] = [*orders, {"number": number, "what": what, "total": here["total"]}][-5:]
    session["cart"] = {}


def privacy(consent: Consent | None, header: Callable[[str], str | None], cookies: Iterable[str]) -> Context:
    """What the visitor's browser said, what was decided, and which cookies reached the shop.

    Without dntguard nothing decides, and everything is on. With it, and without a signal, everything is on as well:
    the page says the same in both cases, and its reason comes from dntguard as soon as there is a decision to explain.
    """
    purposes = [
        ("Necessary", "cart, sign-in, payment, protection from robots", True),
        ("Functional", "maps, fonts, chat", consent is None or consent.functional),
        ("Analytics", "counting visits, watching how pages are used", consent is None or consent.analytics),
        ("Marketing", "advertising, and recognizing you elsewhere", consent is None or consent.marketing),
    ]
    silent = consent is None or (consent.source == "policy" and all(granted for *_, granted in purposes))
    sent = [(name, header(name)) for name in ("DNT", "Sec-GPC")]
    return {
        "sent": sent,
        "unheard": consent is None and any(value for _, value in sent),
        "purposes": purposes,
        "consent": None if silent else consent,
        "cookies": sorted(cookies),
    }


# The page that streams


def review_pieces(environment: Environment, context: Context) -> Iterator[str]:
    """The page of reviews, one piece as soon as its review is there: the head, each review, the foot.

    The cuts fall inside the tags of trackers (`<script as` | `ync src=...`), as they do wherever a buffer is full.
    """
    head, foot = environment.get_template("reviews.html").render(context).split("<!-- reviews -->")
    one = environment.get_template("_review.html")
    reviews = (one.render(review=review, product=BY_SLUG[review.product], number=n) for n, review in enumerate(REVIEWS))
    carried = ""
    for text in (head, *reviews):
        ready, carried = cut_inside_tag(carried + text)
        yield ready
    yield carried + foot


def cut_inside_tag(text: str) -> tuple[str, str]:
    """Cut in the middle of the last script, image or frame of another site."""
    starts = [match.start() for match in re.finditer(r'<(?:script|img|iframe)[^>]* src="https:', text)]
    place = starts[-1] + len("<script as") if starts else len(text)
    return text[:place], text[place:]
