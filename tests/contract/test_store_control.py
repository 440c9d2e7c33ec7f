"""Cancel, hold and release, of a job, a stage, a task: what runs, what waits, and what never got a row."""

from __future__ import annotations

import pytest

from tests.contract.store_house import House, assert_counts_are_true, stage
from tovi_server.core.errors import NotFoundError
from tovi_server.core.events import Kind
from tovi_server.core.reasons import EndReason
from tovi_server.core.retry import RetryPolicy
from tovi_server.core.states import TaskState

pytest_plugins = ("tests.contract.store_fixtures",)


async def test_cancelling_a_job_ends_what_waits_and_asks_what_runs(house: House) -> None:
    job = await house.submit(stage("a", 10), stage("b", 5, needs=("a",)))
    await house.start(f"{job}.a.0")
    await house.dispatch(f"{job}.a.1")
    assert await house.cancel(job) == 15
    assert await house.counts(job) == {"cancelled": 13, "running": 1, "starting": 1}
    assert [one.cancel_requested for one in await house.store.active()] == [True, True]
    assert (await house.job(job)).ended_at is None


async def test_a_cancelled_job_ends_when_the_last_of_it_stopped(house: House) -> None:
    job = await house.submit(stage(tasks=2))
    attempts = await house.start(f"{job}.main.0")
    await house.cancel(job)
    await house.end(*attempts, reason=EndReason.CANCELLED, exit_code=143)
    ended = await house.job(job)
    assert (ended.state, ended.ended_at is None) == (TaskState.CANCELLED, False)


async def test_a_job_that_only_waited_ends_at_once(house: House) -> None:
    job = await house.submit(stage("a", 3), stage("b", needs=("a",)))
    await house.cancel(job)
    assert (await house.job(job)).ended_at is not None
    story = await house.story(job)
    assert story == ["submitted", "queued a", "cancel-requested", "cancelled a", "cancelled b", "ended"]


async def test_a_cancelled_task_is_not_tried_again(house: House) -> None:
    job = await house.submit(stage(retries=RetryPolicy(max=3)))
    attempts = await house.start(f"{job}.main.0")
    await house.cancel(job)
    await house.end(*attempts, reason=EndReason.ERROR)
    assert await house.counts(job) == {"cancelled": 1}


async def test_a_task_that_succeeded_while_it_was_cancelled_succeeded(house: House) -> None:
    job = await house.submit()
    attempts = await house.start(f"{job}.main.0")
    await house.cancel(job)
    await house.end(*attempts)
    assert await house.counts(job) == {"succeeded": 1}


async def test_cancelling_twice_changes_nothing_the_second_time(house: House) -> None:
    job = await house.submit(stage(tasks=3))
    await house.start(f"{job}.main.0")
    await house.cancel(job)
    before = await house.store.last_event()
    assert [await house.cancel(job), await house.cancel(f"{job}.main.0"), await house.cancel(f"{job}.main.2")] == [
        0,
        0,
        0,
    ]
    assert await house.store.last_event() == before


async def test_cancelling_a_stage_skips_what_needs_it(house: House) -> None:
    job = await house.submit(stage("a", 2), stage("b", needs=("a",)), stage("c"))
    assert await house.cancel(f"{job}.a") == 2
    assert await house.counts(job) == {"cancelled": 2, "skipped": 1, "queued": 1}


async def test_cancelling_one_task_leaves_the_others(house: House) -> None:
    job = await house.submit(stage(tasks=5))
    assert await house.cancel(f"{job}.main.3") == 1
    assert await house.counts(job) == {"queued": 4, "cancelled": 1}
    task = await house.task(f"{job}.main.3")
    assert (task.reason, task.ended_at is None) == (EndReason.CANCELLED, False)
    (entry,) = await house.store.waiting()
    assert (entry.rest_from, entry.taken, entry.indices) == (0, {3}, ())


async def test_cancelling_one_running_task_asks_it_alone(house: House) -> None:
    job = await house.submit(stage(tasks=2))
    await house.start(f"{job}.main.0", f"{job}.main.1")
    await house.cancel(f"{job}.main.1")
    assert {one.attempt.task.index: one.cancel_requested for one in await house.store.active()} == {0: False, 1: True}


async def test_cancelling_what_waits_for_another_try(house: House) -> None:
    job = await house.submit(stage(tasks=2, retries=RetryPolicy(max=1)))
    await house.run(f"{job}.main.0", reason=EndReason.ERROR)
    assert await house.cancel(job) == 2
    assert await house.counts(job) == {"cancelled": 2}
    await house.database.read(assert_counts_are_true)


@pytest.mark.parametrize("absent", ["7", "1.other", "1.main.3", "1.main.9999999999"])
async def test_what_does_not_exist_cannot_be_changed(house: House, absent: str) -> None:
    await house.submit(stage(tasks=3))
    with pytest.raises(NotFoundError, match=absent):
        await house.cancel(absent)


async def test_holding_a_job_holds_its_entries(house: House) -> None:
    job = await house.submit(stage("a", 2), stage("b"))
    assert await house.hold(job) == 3
    assert [entry.held for entry in await house.store.waiting()] == [True, True]
    assert await house.release(job) == 3
    assert [entry.held for entry in await house.store.waiting()] == [False, False]


async def test_holding_a_stage_leaves_the_others(house: House) -> None:
    job = await house.submit(stage("a", 2), stage("b"))
    assert await house.hold(f"{job}.a") == 2
    assert {entry.stage: entry.held for entry in await house.store.waiting()} == {"a": True, "b": False}


async def test_a_task_held_alone_is_not_offered(house: House) -> None:
    job = await house.submit(stage(tasks=3))
    assert await house.hold(f"{job}.main.0") == 1
    (entry,) = await house.store.waiting()
    assert (entry.indices, entry.rest_from, entry.taken, entry.held) == ((), 1, frozenset(), False)
    assert await house.release(f"{job}.main.0") == 1
    (entry,) = await house.store.waiting()
    assert entry.indices == (0,)


async def test_releasing_a_job_releases_all_in_it(house: House) -> None:
    job = await house.submit(stage("a", 3), stage("b", 2))
    await house.hold(f"{job}.a.1")
    await house.hold(f"{job}.b")
    assert await house.release(job) == 3
    assert len(await house.dispatch(f"{job}.a.1", f"{job}.b.0")) == 2


async def test_holding_twice_changes_nothing_the_second_time(house: House) -> None:
    job = await house.submit(stage(tasks=3))
    await house.hold(job)
    await house.hold(f"{job}.main.0")
    before = await house.store.last_event()
    assert [await house.hold(job), await house.hold(f"{job}.main.0")] == [0, 0]
    assert await house.store.last_event() == before


async def test_a_held_task_that_is_tried_again_stays_held(house: House) -> None:
    job = await house.submit(stage(retries=RetryPolicy(max=1)))
    attempts = await house.start(f"{job}.main.0")
    await house.hold(f"{job}.main.0")
    await house.end(*attempts, reason=EndReason.ERROR)
    assert await house.dispatch(f"{job}.main.0") == ()


@pytest.mark.parametrize("kind", [Kind.HELD, Kind.RELEASED, Kind.CANCEL_REQUESTED])
@pytest.mark.parametrize("target", ["1", "1.main", "1.main.0"])
async def test_what_ended_stays_as_it_is(house: House, kind: Kind, target: str) -> None:
    await house.submit()
    await house.run("1.main.0")
    before = await house.store.last_event()
    assert await house.request(kind, target) == 0
    assert await house.store.last_event() == before


async def test_the_feed_says_who_asked(house: House) -> None:
    job = await house.submit(stage(tasks=2))
    await house.hold(f"{job}.main.1")
    await house.cancel(job)
    events = await house.store.events(after=0, limit=100, job=job, projects=None)
    asked = {event.kind: (event.user, event.stage, event.index) for event in events if event.user}
    assert asked == {
        "submitted": ("ann", None, None),
        "held": ("ann", "main", 1),
        "cancel-requested": ("ann", None, None),
    }
