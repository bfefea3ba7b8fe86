"""What the examples of all frameworks show: a page from a template, a page in pieces, error pages, and two cookies."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader

TEMPLATES = Path(__file__).parent / "templates"
COOKIES = [("session", "1"), ("_ga", "GA1.1.1.1")]
"""One that the site needs, and Google Analytics'."""

PIECES = [
    b"<!doctype html><title>Leaves</title><h1>All leaves</h1>",
    b'<script async src="https://www.googletagma',
    b'nager.com/gtag/js?id=G-EXAMPLE"></script><p>Oak</p>',
    b"<p>Beech</p>",
]
"""A long page as it is made, piece by piece; a tracker's tag is cut in two."""

NOT_FOUND = "There is no such leaf."
BROKEN = "A branch broke."

_environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)


def render(template: str, **values: object) -> str:
    """A page from a template, for frameworks that have no templates of their own."""
    return _environment.get_template(template).render(values)
