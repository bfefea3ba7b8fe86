"""A page and a consent to the page less what is refused.

`page.py` drives the scanners, `tags.py` says what becomes of a start tag and of the text of a script or style,
`encodings.py` reads pages in encodings in which a byte below 0x80 need not be a character, and `barrier.py` lets a page
go on when the scan itself fails.
"""

from dntguard.rewriter.page import MOST_REMOVALS, Rewriter, rewrite
from dntguard.rewriter.tags import forget

__all__ = ["MOST_REMOVALS", "Rewriter", "forget", "rewrite"]
