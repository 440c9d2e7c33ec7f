"""The jobs that a list shows: loaded in pages, and renewed one by one as news comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Final

from tovi_server.api import ManagerAPI
from tovi_server.core.filters import Page
from tovi_server.core.ids import JobId
from tovi_server.core.views import JobView
from tovi_tui.text.sought import Sought

_PAGE: Final = 500
_MOST: Final = 10_000


class JobList:
    """What is sought, and what was found of it by now."""

    def __init__(self, manager: Callable[[], ManagerAPI], *, me: Callable[[], str], sought: Sought) -> None:
        self.sought = sought
        self._manager = manager
        self._me = me
        self._jobs: dict[int, JobView] = {}

    def ordered(self) -> list[JobView]:
        """In the order in which they are shown."""
        return self.sought.order.sorted(self._jobs.values(), me=self._me())

    def check(self) -> None:
        """Raises UsageError: a word of what is sought cannot be meant."""
        self.sought.job_filter(self._me())

    async def load(self) -> AsyncIterator[None]:
        """All of them, anew; a step for each page. What is no longer among them goes at the end."""
        filter, found, before = self.sought.job_filter(self._me()), dict[int, JobView](), None
        while len(found) < _MOST:
            page = await self._manager().jobs(filter, Page(_PAGE, None if before is None else JobId(before)))
            found |= {job.id: job for job in page.items}
            before = page.next
            if before is None or not page.items:
                break
            self._jobs |= found
            yield
        self._jobs = found
        yield

    async def renew(self, ids: tuple[int, ...]) -> None:
        """Only these; those that no longer belong here go."""
        filter = replace(self.sought.job_filter(self._me()), ids=tuple(map(JobId, ids)))
        page = await self._manager().jobs(filter, Page(len(ids)))
        kept = {number: job for number, job in self._jobs.items() if number not in ids}
        self._jobs = kept | {job.id: job for job in page.items}
