"""Who holds how many of what: the counts behind the limits."""

from __future__ import annotations

from collections import Counter as Tally
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claim:
    """One unit of something limited, e.g. a connection (`kind`) of a user (`key`)."""

    kind: str
    key: str
    limit: int
    """Granted while fewer than this are held."""


class Counter(Protocol):
    """Counts over all receivers of a machine."""

    async def acquire(self, *claims: Claim) -> Claim | None:
        """Take all claims, or none: then the answer is the first one that was refused.

        Raises UnavailableError when nobody can tell.
        """
        ...

    def release(self, *claims: Claim) -> None:
        """Give back what was acquired, once; never waits."""
        ...


class LocalCounter:
    """Counts within one process."""

    def __init__(self) -> None:
        self._held: Tally[tuple[str, str]] = Tally()

    async def acquire(self, *claims: Claim) -> Claim | None:
        return self.take(*claims)

    def take(self, *claims: Claim) -> Claim | None:
        """As `acquire`, at once."""
        for claim in claims:
            if self._held[claim.kind, claim.key] >= claim.limit:
                return claim
        for claim in claims:
            self._held[claim.kind, claim.key] += 1
        return None

    def release(self, *claims: Claim) -> None:
        for claim in claims:
            self._held[claim.kind, claim.key] -= 1
            if self._held[claim.kind, claim.key] <= 0:
                del self._held[claim.kind, claim.key]

    def held(self, kind: str) -> int:
        """How many claims of a kind are held now, whatever their keys."""
        return sum(count for (of, _), count in self._held.items() if of == kind)
