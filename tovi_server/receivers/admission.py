"""Who may try to log in: limits on connections that have not logged in, and memory of those that failed to.

First the source is looked at, then everybody: a flood from one place must not shut out the others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tovi_server.receivers.counter import Claim, Counter
from tovi_server.receivers.settings import Limits
from tovi_server.receivers.sources import is_trusted, source_of

_REMEMBERED = 10_000
"""Failed connections that are remembered at once; the oldest are forgiven early."""


class Entry:
    """One admitted connection's claims, until it logs in or leaves."""

    def __init__(self, admission: Admission, *, present: tuple[Claim, ...], failure: Claim | None) -> None:
        self._admission = admission
        self._present = present
        self._failure = failure
        self._open = True

    def logged_in(self) -> None:
        """It has a user now, whose limits count from here on."""
        if self._close() and self._failure is not None:
            self._admission.forgive(self._failure)

    def left(self, now: float) -> None:
        """It is gone. Without a login this is held against its source."""
        if self._close() and self._failure is not None:
            self._admission.remember(self._failure, now)

    def _close(self) -> bool:
        """Whether this was the first call."""
        was_open, self._open = self._open, False
        if was_open:
            self._admission.forgive(*self._present)
        return was_open


class Admission:
    """Decides about new connections. `dice` gives numbers evenly spread over [0, 1)."""

    def __init__(self, counter: Counter, limits: Limits, *, dice: Callable[[], float]) -> None:
        self._counter = counter
        self._limits = limits
        self._dice = dice
        self._failures: deque[tuple[float, Claim]] = deque()

    async def admit(self, host: str) -> Entry | None:
        """Let a peer try to log in; None: close its connection without a word."""
        everybody = Claim("unauthenticated", "", drop_limit(self._limits, self._dice()))
        if is_trusted(host, self._limits.trusted_sources):
            refused = await self._counter.acquire(everybody)
            return None if refused else Entry(self, present=(everybody,), failure=None)
        source = source_of(host)
        failure = Claim("failure", source, self._limits.failures_per_source)
        here = Claim("source", source, self._limits.unauthenticated_per_source)
        if await self._counter.acquire(failure, here, everybody):
            return None
        return Entry(self, present=(here, everybody), failure=failure)

    def forgive(self, *claims: Claim) -> None:
        self._counter.release(*claims)

    def remember(self, failure: Claim, now: float) -> None:
        self._failures.append((now + self._limits.failure_memory.total_seconds(), failure))
        if len(self._failures) > _REMEMBERED:
            self._counter.release(self._failures.popleft()[1])

    def forget(self, now: float) -> None:
        """Forgive the failures whose time is over; to be called now and then."""
        while self._failures and self._failures[0][0] <= now:
            self._counter.release(self._failures.popleft()[1])


def drop_limit(limits: Limits, dice: float) -> int:
    """How many connections without a login the next one tolerates before it.

    Equivalent to dropping it with a probability that grows from `unauthenticated_percent` at
    `unauthenticated_start` to certainty at `unauthenticated_full`, but needs the number only in one comparison.
    """
    rate = limits.unauthenticated_percent / 100
    if dice < rate:
        return limits.unauthenticated_start
    span = limits.unauthenticated_full - limits.unauthenticated_start
    return min(limits.unauthenticated_full, limits.unauthenticated_start + 1 + int((dice - rate) / (1 - rate) * span))
