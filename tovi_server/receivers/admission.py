"""Who may try to log in: limits on strangers (connections that are not logged in), and memory of those that failed.

First the source is looked at, then everybody: a flood from one place must not shut out the others. When there are
many strangers, a newcomer displaces the oldest more often than not, instead of being turned away: an honest
login takes a moment, who idles at the door does not, and so a flood from many places costs honest people nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tovi_server.receivers.counter import Claim, Counter
from tovi_server.receivers.settings import Limits
from tovi_server.receivers.sources import is_trusted, source_of

_REMEMBERED = 10_000
"""Failed connections that are remembered at once; the oldest are forgiven early."""
_SPARED_S = 1.0
"""Strangers younger than this are not displaced before there are `strangers_most`: they may well be logging in."""


class Entry:
    """One admitted stranger's claims, until it logs in or leaves."""

    def __init__(self, admission: Admission, *, present: tuple[Claim, ...], failure: Claim | None, at: float) -> None:
        self._admission = admission
        self.present = present
        self.failure = failure
        self.at = at
        self.displaced: Callable[[], None] | None = None
        """Called when somebody else needs the place; set by who holds the connection."""

    def logged_in(self) -> None:
        """It has a user now, whose limits count from here on."""
        self._admission.logged_in(self)

    def left(self, now: float) -> None:
        """It is gone. Without a login this is held against its source."""
        self._admission.left(self, now)


class Admission:
    """Decides about new connections. `dice` gives numbers evenly spread over [0, 1)."""

    def __init__(self, counter: Counter, limits: Limits, *, dice: Callable[[], float]) -> None:
        self._counter = counter
        self._limits = limits
        self._dice = dice
        self._strangers: dict[Entry, None] = {}
        self._failures: deque[tuple[float, Claim]] = deque()

    async def admit(self, host: str, now: float) -> Entry | None:
        """Let a peer try to log in; None: close its connection without a word."""
        here, failure = self._claims_of(host)
        personal = (here, failure) if here is not None and failure is not None else ()
        stranger = Claim("stranger", "", early_limit(self._limits, self._dice()))
        refused = await self._counter.acquire(*personal, stranger)
        for spared_s in (_SPARED_S, 0.0):
            if refused == stranger:
                self._displace_oldest(now, spared_s)
                stranger = Claim("stranger", "", self._limits.strangers_most)
                refused = await self._counter.acquire(*personal, stranger)
        if refused is not None:
            return None
        entry = Entry(self, present=(here, stranger) if here else (stranger,), failure=failure, at=now)
        self._strangers[entry] = None
        return entry

    def logged_in(self, entry: Entry) -> None:
        """See `Entry`; the first of this and `left` counts."""
        if self._strangers.pop(entry, entry) is None:
            self._counter.release(*entry.present, *([entry.failure] if entry.failure else []))

    def left(self, entry: Entry, now: float) -> None:
        if self._strangers.pop(entry, entry) is None:
            self._counter.release(*entry.present)
            if entry.failure is not None:
                self._remember(entry.failure, now)

    def forget(self, now: float) -> None:
        """Forgive the failures whose time is over; to be called now and then."""
        while self._failures and self._failures[0][0] <= now:
            self._counter.release(self._failures.popleft()[1])

    def _claims_of(self, host: str) -> tuple[Claim, Claim] | tuple[None, None]:
        """A place at the door and the risk of a failure, of one source; none of trusted ones."""
        if is_trusted(host, self._limits.trusted_sources):
            return None, None
        source = source_of(host)
        return (
            Claim("source", source, self._limits.strangers_per_source),
            Claim("failure", source, self._limits.failures_per_source),
        )

    def _displace_oldest(self, now: float, spared_s: float) -> None:
        oldest = next(iter(self._strangers), None)
        if oldest is not None and now - oldest.at >= spared_s:
            self.left(oldest, now)
            if oldest.displaced is not None:
                oldest.displaced()

    def _remember(self, failure: Claim, now: float) -> None:
        self._failures.append((now + self._limits.failure_memory.total_seconds(), failure))
        if len(self._failures) > _REMEMBERED:
            self._counter.release(self._failures.popleft()[1])


def early_limit(limits: Limits, dice: float) -> int:
    """How many strangers may be there before a newcomer has to displace one.

    Equivalent to deciding so with a probability that grows from `strangers_percent` at `strangers_few` to
    certainty at `strangers_most`, but needs their number only in one comparison.
    """
    rate = limits.strangers_percent / 100
    if dice < rate:
        return limits.strangers_few
    span = limits.strangers_most - limits.strangers_few
    return min(limits.strangers_most, limits.strangers_few + 1 + int((dice - rate) / (1 - rate) * span))
