"""An incremental HTML scanner: bytes in, the same bytes out, less the elements that a judge refuses.

It knows HTML and no vendor. Its place in the markup is always that of a browser reading the *output*: a tag that is
taken out has no effect on what follows, so what the scanner believes and what the browser does cannot drift apart.

How it stays fast: one regular expression with possessive quantifiers runs over text, comments, end tags and the
start tags that can never matter in a single C loop, and stops at the next tag that can. It cannot backtrack: each
construct either ends inside the chunk or runs to its end, and then a small resumable state takes over, so every byte
is looked at a bounded number of times however the input is cut.

The attacks it is built against, each a way to make a scanner and a browser disagree about where markup is:

1. Quotes count only after `=` in a tag, and tags may span chunks: the tag grammar is the standard's, everywhere.
2. `</script>` inside `<!-- <script>` does not end a script: the script's escaped states are tracked.
3. In SVG and MathML, `style`, `title`, `script` and the like hold markup, and `<![CDATA[` hides it: a stack of open
   elements is kept from `<svg>` or `<math>` to its end, as in the standard's tree construction (section 13.2.6.5).
4. `select`, `frameset` and column groups in templates make browsers ignore the start tag that would have begun raw
   text, and browsers of different years disagree. There, and after broken markup in foreign content, the scan is
   *uncertain*: an element whose content would be raw text in one reading and markup in the other is let through only
   when both readings end in the same place and neither holds anything refused. Otherwise the judge's word for what
   cannot be decided applies. Taking bytes out up to a point where both readings meet restores certainty.
5. `noscript` is raw text with scripting and markup without: its content is scanned as markup on its own, and must
   end where it began, in data.

`machine.py` is the scan, and hands on what it meets: `text.py` reads an element whose content is text, `sections.py` a
comment or CDATA section, `extent.py` finds where an element ends that goes, `foreign.py` follows SVG and MathML. They
are written in the patterns of `grammar.py`, and what they decide comes together in `output.py`. `xml.py` is the sibling
for XHTML.

Sections are those of the HTML standard, https://html.spec.whatwg.org/multipage/parsing.html.
"""

from dntguard.scanner.judge import INERT, Edit, Filter, Judge, Leaves, Text, inert
from dntguard.scanner.machine import Scanner
from dntguard.scanner.tags import attribute_value, tag_parts, with_attributes
from dntguard.scanner.xml import XmlScanner

__all__ = [
    "INERT",
    "Edit",
    "Filter",
    "Judge",
    "Leaves",
    "Scanner",
    "Text",
    "XmlScanner",
    "attribute_value",
    "inert",
    "tag_parts",
    "with_attributes",
]
