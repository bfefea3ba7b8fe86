"""Request headers to `Signals`: the grammars of the two signals and no policy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dntguard.headers import OWS


@dataclass(frozen=True, slots=True)
class Signals:
    """What the browser says.

    Attributes:
        dnt: True for "do not track", False for an explicit "may track", None for no preference
            (W3C Tracking Preference Expression, section 5.2).
        gpc: True when the visitor asks not to be sold or shared (Global Privacy Control, section 3.2).
    """

    dnt: bool | None = None
    gpc: bool = False

    @property
    def refuse(self) -> bool:
        """Whether either signal says no."""
        return self.gpc or self.dnt is True


NO_SIGNALS = Signals()


def read_signals(headers: Iterable[tuple[bytes, bytes]]) -> Signals:
    """The signals in a request's header list.

    `Sec-GPC` is on when a field's value is exactly `1`, and nothing else turns it on. `DNT` is decided by the
    first character of its value, for extensions may follow it. Of several `DNT` fields one that refuses is enough.
    Any bytes are welcome: what is not in the grammar is no signal.
    """
    dnt: bool | None = None
    gpc = False
    for name, value in headers:
        if len(name) == 7 and name.lower() == b"sec-gpc":
            gpc = gpc or value.strip(OWS) == b"1"
        elif len(name) == 3 and name.lower() == b"dnt":
            first = value.lstrip(OWS)[:1]
            if first == b"1":
                dnt = True
            elif first == b"0" and dnt is None:
                dnt = False
    return _ALL[dnt, gpc]


_ALL = {(dnt, gpc): Signals(dnt, gpc) for dnt in (None, True, False) for gpc in (False, True)}
"""Built once: it happens for every request."""
