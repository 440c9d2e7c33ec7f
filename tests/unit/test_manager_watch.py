"""Waiters learn that something changed about their jobs, late commits and idle times included."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from tovi_server.core.ids import JobId
from tovi_server.core.views import EventView
from tovi_server.manager.news import pause_s
from tovi_server.manager.watch import ChangeFeed

AT_ONCE = timedelta(0)
SOON = timedelta(seconds=5)


class Feed:
    """An event feed that a test appends to."""

    def __init__(self) -> None:
        self.jobs: list[int] = []
        self.kind = "queued"

    async def events(
        self, *, after: int, limit: int, job: JobId | None, projects: Collection[str] | None
    ) -> list[EventView]:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        numbered = list(enumerate(self.jobs, start=1))[after : after + limit]
        return [EventView(seq, at, self.kind, one, None, None, None, None) for seq, one in numbered]

    async def last_event(self) -> int:
        return len(self.jobs)


async def test_a_waiter_hears_of_its_own_job_only() -> None:
    source = Feed()
    feed = ChangeFeed(source)
    with feed.watching([JobId(1)]) as mine, feed.watching([JobId(2)]) as other, feed.watching() as every:
        await feed.look()
        for watch in (mine, other, every):
            await watch.changed(within=AT_ONCE)
        source.jobs.append(1)
        await feed.look()
        assert [await watch.changed(within=AT_ONCE) for watch in (mine, other, every)] == [True, False, True]


async def test_who_waits_for_the_end_hears_of_nothing_else() -> None:
    source = Feed()
    feed = ChangeFeed(source)
    with feed.watching([JobId(1)], only_ends=True) as watch:
        await feed.look()
        await watch.changed(within=AT_ONCE)
        heard = []
        for source.kind in ("succeeded", "ended"):
            source.jobs.append(1)
            await feed.look()
            heard.append(await watch.changed(within=AT_ONCE))
        assert heard == [False, True]


async def test_changes_between_two_questions_are_one() -> None:
    source = Feed()
    feed = ChangeFeed(source)
    with feed.watching([JobId(1)]) as watch:
        source.jobs += [1, 1, 1]
        await feed.look()
        assert [await watch.changed(within=AT_ONCE) for _ in range(2)] == [True, False]


async def test_the_first_look_after_an_idle_time_tells_everybody_to_look_again() -> None:
    source = Feed()
    feed = ChangeFeed(source)
    with feed.watching([JobId(1)]) as watch:
        source.jobs.append(1)  # committed after the watch was opened, before the feed knows where it is
        await feed.look()
        assert await watch.changed(within=AT_ONCE)


async def test_a_hint_makes_it_look_long_before_the_interval() -> None:
    source = Feed()
    feed = ChangeFeed(source, interval=timedelta(hours=1))
    running = asyncio.create_task(feed.run())
    with feed.watching([JobId(1)]) as watch:
        assert await watch.changed(within=SOON)
        source.jobs.append(1)
        feed.hint()
        assert await watch.changed(within=SOON)
    running.cancel()


async def test_without_a_hint_the_interval_finds_it() -> None:
    source = Feed()
    feed = ChangeFeed(source, interval=timedelta(milliseconds=10))
    running = asyncio.create_task(feed.run())
    with feed.watching([JobId(1)]) as watch:
        assert await watch.changed(within=SOON)
        source.jobs.append(1)
        assert await watch.changed(within=SOON)
    running.cancel()


async def test_a_look_that_fails_is_tried_again() -> None:
    source = Feed()
    feed = ChangeFeed(source, interval=timedelta(milliseconds=10))
    good = source.last_event
    failures: list[int] = []

    async def last_event() -> int:
        if not failures:
            failures.append(1)
            raise OSError("the database is away")
        return await good()

    source.last_event = last_event  # type: ignore[method-assign]  # a fault is planted
    running = asyncio.create_task(feed.run())
    with feed.watching([JobId(1)]) as watch:
        assert await watch.changed(within=SOON)
    assert failures
    running.cancel()


async def test_a_watch_names_the_jobs_that_changed_and_that_ended_since_it_was_asked() -> None:
    source = Feed()
    feed = ChangeFeed(source)
    with feed.watching() as watch:
        await feed.look()
        assert watch.take() is None, "what happened before the first look is not known"
        source.jobs += [1, 2, 1]
        await feed.look()
        source.jobs.append(2)
        source.kind = "ended"
        await feed.look()
        source.jobs.append(1)
        source.kind = "started"
        await feed.look()
        assert watch.take() == ({1, 2}, {2})
        assert watch.take() == (set(), set())


async def test_more_jobs_than_anybody_wants_to_hear_of_are_not_named() -> None:
    source = Feed()
    feed = ChangeFeed(source)
    with feed.watching() as watch:
        await feed.look()
        watch.take()
        source.jobs += range(5000)
        await feed.look()
        assert watch.take() is None


def test_only_watches_on_all_jobs_are_wide() -> None:
    feed = ChangeFeed(Feed())
    with feed.watching([JobId(1)]), feed.watching(), feed.watching():
        assert feed.wide == 2
    assert feed.wide == 0


def test_news_come_once_a_second_and_to_many_less_often() -> None:
    assert [pause_s(listeners) for listeners in (1, 6, 12, 24, 500)] == [1, 1, 2, 4, 4]
