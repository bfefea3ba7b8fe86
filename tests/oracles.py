"""What other parsers see in a page, and which of it should not be there.

Three independent implementations of the standard's parsing algorithm: html5lib, which knows the algorithm of 2017
(`select` ignores most start tags, no `template`), lexbor and turbohtml, which know today's. A page is safe when none
of them sees anything refused. What is refused is told by a handful of hosts and one snippet, with ada's URL parser:
nothing here uses dntguard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import html5lib
import tinycss2
import turbohtml
from ada_url import URL
from selectolax.lexbor import LexborHTMLParser

PAGE = "https://shop.example/shelf/page.html"
"""The address of every page in these tests."""

OWN = ("shop.example", "static.shop.example")
NECESSARY = ("stripe.com", "jsdelivr.net")
REFUSED = (
    "www.google-analytics.com",
    "static.hotjar.com",
    "connect.facebook.net",
    "xn--bcher-kva.google-analytics.com",
)
UNCLAIMED = ("cdn.nobody-knows.example", "203.0.113.7")
SNIPPET = "fbq('init'"

_XHTML, _SVG, _MATH = (
    "http://www.w3.org/1999/xhtml",
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/1998/Math/MathML",
)
_XLINK = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True, slots=True)
class Element:
    """An element as a parser sees it.

    Attributes:
        name: the lower-case local name.
        attributes: by lower-case name; `href` of XLink is `xlink:href`.
        text: for a script or style, its child text content; else empty.
        namespace: `html`, `svg` or `math`.
        template: whether it stands in the content of a template.
    """

    name: str
    attributes: dict[str, str]
    text: str = ""
    namespace: str = "html"
    template: bool = False


def html5lib_elements(html: bytes, *, scripting: bool) -> list[Element]:
    """All elements of a page in tree order, as html5lib sees them."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=True)
    parser.parseError = _AtMost(1000 + 20 * len(html))
    try:
        root = parser.parse(html, override_encoding="utf-8", scripting=scripting)
    except AssertionError:
        # html5lib 1.1 itself fails on some markup that needs a `select` closed for it, and takes the same token again
        # and again after a `<thead>` in `<math>` in a table; it saw nothing then.
        return []
    short = {_XHTML: "html", _SVG: "svg", _MATH: "math"}
    found = []
    for node in root.iter():
        if not isinstance(node.tag, str):
            continue  # a comment or the doctype
        space, _, name = node.tag.removeprefix("{").rpartition("}")
        attributes = {("xlink:href" if key == _XLINK else key).lower(): value for key, value in node.attrib.items()}
        text = (node.text or "") + "".join(child.tail or "" for child in node) if name in _WITH_TEXT else ""
        found.append(Element(name.lower(), attributes, text, short.get(space, "")))
    return found


class _AtMost:
    """Takes so many parse errors and no more: a parser that finds more in a page will never be done with it."""

    def __init__(self, errors: int) -> None:
        self._left = errors

    def __call__(self, *_: object) -> None:
        self._left -= 1
        assert self._left >= 0


def lexbor_elements(html: bytes, *, scripting: bool) -> list[Element]:
    """All elements of a page in tree order, as lexbor sees them; those in templates come last."""
    parser = LexborHTMLParser(html, scripting=scripting)
    root = parser.root
    if root is None:
        return []
    found = list(_lexbor(root, template=False))
    # A template's content is a document of its own, and holds the next.
    found += [element for fragment in _fragments(root) for element in _lexbor(fragment, template=True)]
    return found


def _fragments(node: Any) -> Iterator[Any]:
    for fragment in node.template_fragments():
        yield fragment
        for child in fragment.iter():
            yield from _fragments(child)


def _lexbor(root: Any, *, template: bool) -> Iterator[Element]:
    for node in root.traverse(include_text=False):
        if not node.is_element_node:
            continue
        name = (node.tag or "").lower()
        attributes = {key.lower(): value or "" for key, value in node.attributes.items()}
        text = node.text(deep=False) if name in _WITH_TEXT else ""
        yield Element(name, attributes, text, _lexbor_namespace(node) if name in _BOTH else "html", template)


_WITH_TEXT = ("script", "style")
_BOTH = frozenset({"script", "style", "image", "iframe", "link", "base"})
"""Elements that mean something in HTML and something else, or nothing, in a drawing."""


def _lexbor_namespace(node: Any) -> str:
    # lexbor's binding does not tell; what an element that never breaks out of a drawing is follows from where it is.
    while (node := node.parent) is not None and node.is_element_node:
        name = (node.tag or "").lower()
        if name in ("svg", "math"):
            return str(name)
        if name in ("foreignobject", "desc", "title", "mi", "mo", "mn", "ms", "mtext", "annotation-xml", "body", "p"):
            return "html"
    return "html"


def turbohtml_elements(html: bytes, *, scripting: bool) -> list[Element]:
    """All elements of a page in tree order, template contents in place, as turbohtml sees them."""
    document = turbohtml.parse(html.decode("utf-8", "replace"), scripting=scripting, positions=False)
    return list(_turbohtml(document, template=False))


def _turbohtml(parent: Any, *, template: bool) -> Iterator[Element]:
    stack = [(iter(parent.children), template)]
    while stack:
        children, template = stack[-1]
        node = next(children, None)
        if node is None:
            stack.pop()
        elif isinstance(node, turbohtml.Element):
            text = "".join(map(_text, node.children)) if node.tag in _WITH_TEXT else ""
            attributes = {key.lower(): _joined(value) for key, value in node.attrs.items()}
            yield Element(node.tag.lower(), attributes, text, str(node.namespace.value), template)
            stack.append((iter(node.children), template))
            if node.shadow_root is not None:
                stack.append((iter(node.shadow_root.children), True))
        elif isinstance(node, turbohtml.DocumentFragment):
            stack.append((iter(node.children), True))


def _joined(value: object) -> str:
    return " ".join(value) if isinstance(value, list) else str(value or "")


def _text(node: object) -> str:
    return str(node.data) if isinstance(node, (turbohtml.Text, turbohtml.CData)) else ""


Oracle = Callable[[bytes], list[Element]]

ORACLES: dict[str, Oracle] = {
    f"{name}, scripting {'on' if scripting else 'off'}": partial(read, scripting=scripting)
    for name, read in (
        ("html5lib", html5lib_elements),
        ("lexbor", lexbor_elements),
        ("turbohtml", turbohtml_elements),
    )
    for scripting in (True, False)
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a visitor refused, in this small world of hosts.

    Attributes:
        unclaimed: whether third-party scripts and frames of nobody are refused.
    """

    unclaimed: bool = True

    def host(self, url: str, base: str, *, loads_code: bool) -> bool:
        """Whether a request for `url` from a page whose base is `base` would be refused."""
        try:
            target = URL(url, base=base)
        except ValueError:
            return False  # no browser asks anybody
        if target.protocol not in ("http:", "https:", "ws:", "wss:", "ftp:"):
            return False
        host = target.hostname.removesuffix(".")
        if ".." in f".{host}.":
            return False  # a URL may have an empty label, a name that can be looked up may not
        if loads_code and _is_tag(url, base):
            return True
        if any(host == own or host.endswith("." + own) for own in OWN + NECESSARY):
            return False
        if host in REFUSED or host.endswith(".google-analytics.com"):
            return True
        return loads_code and self.unclaimed


def _is_tag(url: str, base: str) -> bool:
    """Whether an address is a vendor's tag, whoever serves it. What a `base` adds to a path does not count."""
    try:
        target = URL(url, base=URL("/", base=base).href)
    except ValueError:
        return False
    return _TAG(f"{target.pathname}{target.search}") is not None


_TAG = re.compile(r"[^?]*/matomo\.js(?:\?|\Z)|[^?]*\?(?:.*&)?id=GTM-[^&]*(?:&|\Z)", re.DOTALL).match
_FETCHING = {"stylesheet", "preload", "modulepreload", "prefetch", "preconnect", "dns-prefetch", "icon", "manifest"}
_CODE_TYPES = {"", "module", "text/javascript", "application/javascript", "text/ecmascript", "application/ecmascript"}


def bases(elements: list[Element]) -> list[str]:
    """The base URL in force at each element: the page's own until the first `base` with `href` in tree order."""
    base = PAGE
    found = []
    honored = False
    for element in elements:
        if (
            not honored
            and not element.template
            and element.name == "base"
            and element.namespace == "html"
            and "href" in element.attributes
        ):
            honored = True
            try:
                target = URL(element.attributes["href"], base=PAGE)
                base = PAGE if target.protocol in ("data:", "javascript:") else target.href
            except ValueError:
                base = PAGE
        found.append(base)
    return found


def refused_elements(elements: list[Element], judgement: Judgement | None = None) -> list[Element]:
    """Those of a page's elements that make a browser ask a refused host or run a refused snippet."""
    judge = judgement or Judgement()
    return [
        element for element, base in zip(elements, bases(elements), strict=True) if _is_refused(element, base, judge)
    ]


def _is_refused(element: Element, base: str, judge: Judgement) -> bool:
    attributes = element.attributes
    in_svg = element.namespace == "svg"

    def asks(*names: str, code: bool = False) -> bool:
        return any(judge.host(attributes[name], base, loads_code=code) for name in names if name in attributes)

    mark = attributes.get("data-dntguard", "").strip().lower()
    if mark in _PURPOSES:
        return mark in _PURPOSES[2:]
    if any(_starts_with_snippet(value) for name, value in attributes.items() if name.startswith("on")):
        return True
    if _css_asks(attributes.get("style", ""), base, judge):
        return True
    if element.name == "style" and element.namespace != "math" and _css_asks(element.text, base, judge):
        return True
    if element.name == "script" and element.namespace != "math":
        urls = [attributes[key] for key in (("href", "xlink:href") if in_svg else ("src",)) if key in attributes]
        if any(judge.host(url, base, loads_code=True) for url in urls):
            return True
        kind = attributes.get("type", "").strip().lower()
        return not urls and kind in _CODE_TYPES and bool(_starts_with_snippet(element.text))
    if in_svg:
        return element.name in ("image", "use", "feimage") and asks("href", "xlink:href")
    return element.namespace == "html" and (
        element.name in ("amp-analytics", "amp-ad") or _html_asks(element, base, judge, asks)
    )


def _html_asks(element: Element, base: str, judge: Judgement, asks: Callable[..., bool]) -> bool:
    attributes = element.attributes
    if asks("background"):
        return True
    match element.name:
        case "iframe":
            inner = attributes.get("srcdoc")
            return asks("src", code=True) or (inner is not None and _document_asks(inner, judge))
        case "frame" | "embed":
            return asks("src", code=True)
        case "object":
            return asks("data", code=True)
        case "link":
            kinds = set(attributes.get("rel", "").lower().split())
            return bool(kinds & _FETCHING) and asks("href")
        case "img" | "source":
            urls = candidates(attributes.get("srcset", ""))
            return asks("src") or any(judge.host(url, base, loads_code=False) for url in urls)
        case "video" | "audio" | "track":
            return asks("src", "poster")
        case "input":
            return asks("formaction") or (attributes.get("type", "").lower() == "image" and asks("src"))
        case "button":
            return asks("formaction")
        case "form":
            return asks("action")
        case "a" | "area":
            return any(judge.host(url, base, loads_code=True) for url in attributes.get("ping", "").split())
        case _:
            return False


_PURPOSES = ("keep", "necessary", "functional", "analytics", "marketing")
"""What an author may write on an element; all but the first two are refused here."""


def _document_asks(html: str, judge: Judgement) -> bool:
    """Whether a document inside another holds anything refused, as lexbor sees it."""
    return bool(refused_elements(lexbor_elements(html.encode("utf-8", "replace"), scripting=True), judge))


def _css_asks(css: str, base: str, judge: Judgement) -> bool:
    """Whether a style sheet asks a refused host by `url()`, as tinycss2 reads it."""
    if "(" not in css:
        return False
    return any(judge.host(url, base, loads_code=False) for url in _css_urls(tinycss2.parse_component_value_list(css)))


def _css_urls(nodes: Iterable[Any]) -> Iterator[str]:
    for node in nodes:
        if node.type == "url":
            yield node.value
        else:
            yield from _css_urls(getattr(node, "arguments", None) or getattr(node, "content", None) or ())


_starts_with_snippet = re.compile(r"\s*(?:<!--[^\n]*\n\s*)?" + re.escape(SNIPPET)).match


def candidates(srcset: str) -> list[str]:
    """The URLs of a `srcset` value (HTML section 4.8.4.2), whatever their descriptors."""
    found: list[str] = []
    position = 0
    space = "\t\n\f\r "
    while True:
        while position < len(srcset) and srcset[position] in space + ",":
            position += 1
        start = position
        while position < len(srcset) and srcset[position] not in space:
            position += 1
        url = srcset[start:position]
        if not url:
            return found
        found.append(url.rstrip(","))
        if url.endswith(","):
            continue
        parentheses = False
        while position < len(srcset) and (parentheses or srcset[position] != ","):
            parentheses = srcset[position] == "(" or (parentheses and srcset[position] != ")")
            position += 1


def refusals(html: bytes, judgement: Judgement | None = None) -> dict[str, list[Element]]:
    """By the name of each parser that sees anything refused in a page: what it sees."""
    found = {name: refused_elements(read(html), judgement) for name, read in ORACLES.items()}
    return {name: elements for name, elements in found.items() if elements}
