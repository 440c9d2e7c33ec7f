"""Who waits for something to change: one poller a process looks at the event feed for all of them.

A wake-up from outside is only a hint; the feed is also looked at every `interval`. Nothing is queued for a
waiter but the fact that something changed, and some ids of what did, so a slow one costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, NamedTuple, Protocol, Self

import structlog

from tovi_server.core.events import Kind
from tovi_server.core.ids import JobId
from tovi_server.core.views import EventView

log = structlog.get_logger()

_BATCH = 1000
_MOST_IDS = 500


class EventSource(Protocol):
    """Where events are read from, in order of commit."""

    async def events(
        self, *, after: int, limit: int, job: JobId | None, projects: Collection[str] | None
    ) -> Collection[EventView]: ...

    async def last_event(self) -> int: ...


class News(NamedTuple):
    """What events tell of: the jobs, and those of them that ended."""

    jobs: frozenset[JobId]
    ended: frozenset[JobId]

    @classmethod
    def of(cls, events: Collection[EventView]) -> Self:
        return cls(
            jobs=frozenset(JobId(event.job) for event in events),
            ended=frozenset(JobId(event.job) for event in events if event.kind == Kind.ENDED),
        )


NOTHING: Final = News(frozenset(), frozenset())


class Watch:
    """Tells whether something changed since it was last asked. Made by `ChangeFeed.watching`."""

    def __init__(self, jobs: frozenset[JobId] | None, *, only_ends: bool) -> None:
        self._jobs = jobs
        self._only_ends = only_ends
        self._changed = asyncio.Event()
        self._untold: News | None = NOTHING

    @property
    def is_wide(self) -> bool:
        """Whether it is on all jobs."""
        return self._jobs is None

    async def changed(self, *, within: timedelta | None = None) -> bool:
        """Wait for a change; False when `within` passed without one. Changes between two calls count."""
        try:
            async with asyncio.timeout(None if within is None else within.total_seconds()):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True

    def take(self) -> News | None:
        """What changed since this was last called; None: too much to name, or who knows what."""
        news, self._untold = self._untold, NOTHING
        return None if news is None or len(news.jobs) > _MOST_IDS else news

    def tell(self, news: News | None) -> None:
        """Something changed; None: who knows what."""
        jobs = None if news is None else news.ended if self._only_ends else news.jobs
        if jobs is None or self._is_meant(jobs):
            self._note(news)
            self._changed.set()

    def _note(self, news: News | None) -> None:
        if news is None:
            self._untold = None
        elif self._untold is not None and len(self._untold.jobs) <= _MOST_IDS:
            self._untold = News(self._untold.jobs | news.jobs, self._untold.ended | news.ended)

    def _is_meant(self, jobs: frozenset[JobId]) -> bool:
        return bool(jobs) if self._jobs is None else not self._jobs.isdisjoint(jobs)


class ChangeFeed:
    """Runs as one task of the process; others `watch`, and `hint` when they know that something happened."""

    def __init__(self, source: EventSource, *, interval: timedelta = timedelta(seconds=1)) -> None:
        self._source = source
        self._interval = interval
        self._watches: set[Watch] = set()
        self._hinted = asyncio.Event()
        self._seen: int | None = None

    @property
    def wide(self) -> int:
        """How many watches are on all jobs."""
        return sum(watch.is_wide for watch in self._watches)

    def hint(self) -> None:
        """Look soon; from within the loop only."""
        self._hinted.set()

    @contextmanager
    def watching(self, jobs: Collection[JobId] | None = None, *, only_ends: bool = False) -> Iterator[Watch]:
        """A watch on these jobs, None: on all. Look at their state after it is opened, never before.

        With `only_ends` it tells no more than that a job of them ended: a wide one changes all the time.
        """
        watch = Watch(None if jobs is None else frozenset(jobs), only_ends=only_ends)
        self._watches.add(watch)
        if len(self._watches) == 1:
            self._seen = None
        self.hint()
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    async def run(self) -> None:
        """Until cancelled. A look that fails is logged, and tried again at the next interval."""
        while True:
            await self._hint_or_interval()
            if not self._watches:
                continue
            try:
                await self.look()
            except Exception:  # who waits goes on waiting; tried again at the next interval
                log.exception("change_feed_failed")

    async def look(self) -> None:
        """Tell the watches of what happened since the last look."""
        seen = self._seen
        if seen is None:
            # Nobody looked for a while: what happened since the first watch was opened may lie before this end.
            self._seen = await self._source.last_event()
            self._tell(None)
            return
        while events := await self._source.events(after=seen, limit=_BATCH, job=None, projects=None):
            seen = max(event.seq for event in events)
            self._tell(News.of(events))
        self._seen = seen

    def _tell(self, news: News | None) -> None:
        for watch in tuple(self._watches):
            watch.tell(news)

    async def _hint_or_interval(self) -> None:
        try:
            async with asyncio.timeout(self._interval.total_seconds() if self._watches else None):
                await self._hinted.wait()
        except TimeoutError:
            return
        self._hinted.clear()
