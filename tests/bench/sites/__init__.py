"""One small site three times, for `tests.bench.frameworks`: `bare`, and `app` with dntguard as each framework has it.

`/` is a small page, `/list` one of 100 KB. Both are made from templates; the links in the long one are made by the
framework, as its documentation says.
"""

from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"

LEAVES: list[dict[str, Any]] = [
    {
        "number": number,
        "name": f"Leaf {number} & stem",
        "image": f"images/{number % 7}/leaf-{number}.jpg",
        "text": "A leaf of the better kind, picked by hand, and dried in the shade for as long as it takes.",
        "price": number * 7 % 90 + 10,
    }
    for number in range(230)
]
