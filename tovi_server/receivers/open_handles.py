"""How many files a user has open, over all sessions: what one session has reserved of that."""

from __future__ import annotations

from typing import Final

from tovi_server.receivers.counter import Claim, Counter

_SPARE: Final = 8
"""Kept for the next files, so that a copy of many small ones need not ask for each."""


class OpenHandles:
    """The reservation of one session."""

    def __init__(self, counter: Counter, user: str, *, most: int) -> None:
        self._counter = counter
        self._claim = Claim("handles", user, most)
        self._reserved = 0

    async def reserve(self, wanted: int) -> int:
        """Have at least so many, if the user's other sessions leave them; how many there are.

        Raises:
            UnavailableError: nobody can tell.
        """
        while self._reserved < min(wanted, self._claim.limit):
            if await self._counter.acquire(self._claim) is not None:
                break
            self._reserved += 1
        return self._reserved

    def keep(self, needed: int) -> None:
        """Give back what is more than `needed` and a few to spare."""
        surplus = self._reserved - needed - _SPARE
        if surplus > 0:
            self._give_back(surplus)

    def release(self) -> None:
        """Give all of it back, at the session's end."""
        self._give_back(self._reserved)

    def _give_back(self, count: int) -> None:
        self._counter.release(*[self._claim] * count)
        self._reserved -= count
