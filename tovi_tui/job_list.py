"""The jobs that a list shows: loaded in pages, and renewed one by one as news comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from tovi_server.api import ManagerAPI
from tovi_server.core.filters import Page
from tovi_server.core.ids import JobId
from tovi_server.core.views import JobView
from tovi_tui.text.sought import Sought
from tovi_tui.viewer import Clock

FRESH: Final = timedelta(seconds=5)
"""So long a job that changed looks changed."""
MOST: Final = 10_000
_PAGE: Final = 100
"""Larger ones are read no faster, and what is taken to read one stays taken."""


class JobList:
    """What is sought, and what was found of it by now."""

    def __init__(self, manager: Callable[[], ManagerAPI], *, me: Callable[[], str], sought: Sought, now: Clock) -> None:
        self.sought = sought
        self.is_cut = False
        """There are more than are shown."""
        self.is_renewing = False
        self._manager = manager
        self._me = me
        self._now = now
        self._jobs: dict[int, JobView] = {}
        self._due: set[int] = set()
        self._meanwhile: dict[int, JobView | None] | None = None
        """While a load goes on, which may have read it before, what was renewed; a job that is gone is None."""
        self._changed: dict[int, datetime] = {}

    def ordered(self) -> list[JobView]:
        """In the order in which they are shown."""
        return self.sought.order.sorted(filter(self.sought.keeps, self._jobs.values()), me=self._me())

    def is_fresh(self, job: JobView) -> bool:
        """Whether it changed, or came, just now."""
        changed_at = self._changed.get(job.id)
        return changed_at is not None and self._now() - changed_at < FRESH

    @property
    def has_fresh(self) -> bool:
        """Whether any of them is fresh."""
        return any(self._now() - at < FRESH for at in self._changed.values())

    async def load(self) -> AsyncIterator[None]:
        """All of them, anew; a step whenever there are twice as many. What is no longer among them goes at the end.

        Raises:
            UsageError: a word of what is sought cannot be meant.
        """
        asked, found, before = self.sought.job_filter(self._me()), dict[int, JobView](), None
        enough = _PAGE
        self._meanwhile = {}
        while True:
            page = await self._manager().jobs(asked, Page(_PAGE, None if before is None else JobId(before)))
            found |= {job.id: job for job in page.items}
            before = page.next
            if before is None or not page.items or len(found) >= MOST:
                break
            if len(found) >= enough:
                enough = 2 * len(found)
                self._jobs = _with(self._jobs | found, self._meanwhile)
                yield
        self.is_cut = before is not None
        self._jobs, self._meanwhile = _with(found, self._meanwhile), None
        yield

    def due(self, ids: Iterable[int]) -> None:
        """Something happened to these: `renew` asks for them."""
        self._due.update(ids)

    async def renew(self) -> None:
        """All that are due, and those that become so meanwhile; what no longer belongs here goes."""
        self.is_renewing = True
        try:
            while self._due:
                ids = tuple(self._due)[:_PAGE]
                self._due.difference_update(ids)
                await self._renew(ids)
        finally:
            self.is_renewing = False

    async def _renew(self, ids: tuple[int, ...]) -> None:
        asked = self.sought.job_filter(self._me())
        page = await self._manager().jobs(replace(asked, ids=tuple(map(JobId, ids))), Page(len(ids)))
        if asked == self.sought.job_filter(self._me()):  # else a load of what is sought now has begun after the news
            told = {**dict.fromkeys(ids), **{job.id: job for job in page.items}}
            self._note_changes(told)
            self._jobs = _with(self._jobs, told)
            if self._meanwhile is not None:
                self._meanwhile |= told

    def _note_changes(self, told: Mapping[int, JobView | None]) -> None:
        now = self._now()
        kept = {number: at for number, at in self._changed.items() if now - at < FRESH}
        self._changed = kept | {number: now for number, job in told.items() if job != self._jobs.get(number)}


def _with(jobs: Mapping[int, JobView], told: Mapping[int, JobView | None] | None) -> dict[int, JobView]:
    return {number: job for number, job in {**jobs, **(told or {})}.items() if job is not None}
