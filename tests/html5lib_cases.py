"""The inputs of html5lib-tests as pages: markup that implementers of the standard thought worth a test.

`make` fetches them into `.cache/html5lib-tests`; their text is not part of this repository. Only the inputs are used:
what is in a page is asked of the parsers in `tests.oracles`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent / ".cache" / "html5lib-tests"
MISSING = "html5lib-tests are not in .cache/html5lib-tests; `make test` fetches them"


@dataclass(frozen=True, slots=True)
class HTML5Case:
    """One input of html5lib-tests.

    Attributes:
        file: the file in html5lib-tests.
        number: its place in the file; a tokenizer case counts once for each of its initial states.
        start: markup that brings a parser where the case begins: nothing, or a start tag or some.
        html: the input.
    """

    file: str
    number: int
    start: bytes
    html: bytes

    @property
    def page(self) -> bytes:
        """The input as a page."""
        return self.start + self.html

    def planted(self, place: int, plant: bytes) -> bytes:
        """The page with `plant` before the byte `place` of the input."""
        return self.start + self.html[:place] + plant + self.html[place:]


def files() -> list[str]:
    """The names of the files, none when they were not fetched."""
    found = [*FOLDER.glob("tokenizer/*.test"), *FOLDER.glob("tree-construction/**/*.dat")]
    return sorted(str(path.relative_to(FOLDER)) for path in found)


@cache
def cases(file: str) -> list[HTML5Case]:
    """All cases of one file."""
    read = _tokenizer if file.endswith(".test") else _tree_construction
    return [HTML5Case(file, number, start, html) for number, (start, html) in enumerate(read(FOLDER / file))]


# --- tokenizer cases --------------------------------------------------------------------------------------------------

# By initial state: the elements whose start tag leads to it, the usual one first.
_STATES = {
    "Data state": (),
    "CDATA section state": (),
    "PLAINTEXT state": ("plaintext",),
    "RCDATA state": ("title", "textarea"),
    "RAWTEXT state": ("style", "xmp", "iframe", "noembed", "noframes"),
    "Script data state": ("script",),
}


def _tokenizer(path: Path) -> Iterator[tuple[bytes, bytes]]:
    content = json.loads(path.read_text("utf-8"))
    for case in content.get("tests") or content["xmlViolationTests"]:
        text: str = case["input"]
        if case.get("doubleEscaped"):
            text = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda match: chr(int(match[1], 16)), text)
        for state in case.get("initialStates", ["Data state"]):
            yield _begun(state, case.get("lastStartTag", ""), text)


def _begun(state: str, last: str, text: str) -> tuple[bytes, bytes]:
    start = "<svg><![CDATA[" if state == "CDATA section state" else ""
    if elements := _STATES[state]:
        # A case may begin in a state that no page reaches with that start tag. Then another element stands for it.
        name = last if last in elements else elements[0]
        text = text.replace(last, name) if last else text
        start = f"<{name}>"
    return start.encode(), _encoded(text)


def _encoded(text: str) -> bytes:
    # Over UTF-16, in which the cases were written down: two surrogates that belong together are one character.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass").encode("utf-8", "surrogatepass")


# --- tree-construction cases ------------------------------------------------------------------------------------------

# What must be open so that the start tag of a fragment's context element is honored; a drawing's says so itself.
_AROUND = {
    **dict.fromkeys(("caption", "colgroup", "tbody", "thead", "tfoot"), "<table>"),
    "tr": "<table><tbody>",
    "td": "<table><tbody><tr>",
}


def _tree_construction(path: Path) -> Iterator[tuple[bytes, bytes]]:
    for case in (b"\n" + path.read_bytes()).split(b"\n#data\n")[1:]:
        html, _, rest = case.partition(b"\n#errors")
        context = re.search(rb"^#document-fragment\n(.+)$", rest, re.MULTILINE)
        yield _opened(context[1].decode()) if context else b"", html


def _opened(context: str) -> bytes:
    """Start tags that make the context element of a fragment the current node."""
    space, _, name = context.rpartition(" ")
    start = _AROUND.get(name, "")
    if space and name != space:
        start = f"<{space}>"
    return f"{start}<{name}>".encode()
