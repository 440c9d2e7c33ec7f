"""The real time."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """Satisfies `scheduler.ports.Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  # a composition root
