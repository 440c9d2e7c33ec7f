"""How often something may happen."""

from __future__ import annotations


class Frequency:
    """At most `most` at once, and so many in each `window_s` from then on."""

    __slots__ = ("_left", "_most", "_since", "_window_s")

    def __init__(self, most: int, *, window_s: float) -> None:
        self._most = most
        self._window_s = window_s
        self._left = float(most)
        self._since = 0.0

    def allows(self, now: float) -> bool:
        """Whether it may happen once more, which is then counted."""
        regained = (now - self._since) / self._window_s * self._most
        self._left = min(self._most, self._left + regained)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
