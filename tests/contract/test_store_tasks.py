"""Tasks from the queue to their end: intents, facts, retries, and facts that come late or twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.snapshot import Active, Placement
from tests.contract.store_house import DAWN, House, assert_counts_are_true, stage
from tovi_server.core.events import Delayed, Exited, Lost, Started, Usage
from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.core.reasons import EndReason
from tovi_server.core.retry import Cause, RetryPolicy
from tovi_server.core.states import TaskState

pytest_plugins = ("tests.contract.store_fixtures",)


async def test_what_waits_is_one_entry_a_stage(house: House) -> None:
    job = await house.submit(stage(tasks=1000), queue="long", priority=100)
    (entry,) = await house.store.waiting()
    assert (entry.job, entry.stage, entry.project, entry.user) == (job, "main", "lab", "ann")
    assert (entry.queue, entry.priority, entry.held) == ("long", 100, False)
    assert (entry.indices, entry.rest_from, entry.rest_until, entry.taken) == ((), 0, 1000, frozenset())


async def test_a_stage_with_nothing_queued_is_not_waiting(house: House) -> None:
    await house.submit(stage("a"), stage("b", needs=("a",)))
    assert [entry.stage for entry in await house.store.waiting()] == ["a"]


async def test_dispatching_in_order_keeps_the_entry_small(house: House) -> None:
    job = await house.submit(stage(tasks=1000))
    await house.dispatch(*(f"{job}.main.{index}" for index in range(10)))
    (entry,) = await house.store.waiting()
    assert (entry.rest_from, entry.rest_until, entry.taken, entry.active) == (10, 1000, frozenset(), 10)


async def test_tasks_dispatched_out_of_order_are_taken_until_the_gap_closes(house: House) -> None:
    job = await house.submit(stage(tasks=10))
    await house.dispatch(f"{job}.main.1", f"{job}.main.4")
    (entry,) = await house.store.waiting()
    assert (entry.rest_from, entry.taken) == (0, {1, 4})
    await house.dispatch(f"{job}.main.0")
    (entry,) = await house.store.waiting()
    assert (entry.rest_from, entry.taken) == (2, {4})
    await house.dispatch(f"{job}.main.2", f"{job}.main.3")
    (entry,) = await house.store.waiting()
    assert (entry.rest_from, entry.taken) == (5, frozenset())


async def test_an_intent_is_active_until_its_end(house: House) -> None:
    job = await house.submit()
    placement = Placement(TaskId(job, "main", 0), "n7", (1, 3))
    (intent,) = await house.store.dispatch([placement], now=DAWN)
    assert await house.store.active() == (intent,)
    assert (intent.attempt.number, intent.node, intent.gpu_ids) == (1, "n7", (1, 3))
    assert (intent.state, intent.dispatched_at) == (TaskState.STARTING, DAWN)
    await house.store.record([Started(intent.attempt, DAWN)])
    assert await house.store.active() == (replace(intent, state=TaskState.RUNNING, started_at=DAWN),)
    await house.end(intent)
    assert await house.store.active() == ()


async def test_a_delay_says_why_until_the_start_and_is_an_event_once(house: House) -> None:
    job = await house.submit()
    (intent,) = await house.store.dispatch([Placement(TaskId(job, "main", 0), "n7")], now=DAWN)
    late = Delayed(intent.attempt, DAWN, "no such image")
    await house.store.record([late])
    await house.store.record([late])
    delayed = await house.store.first_delayed(job)
    assert delayed is not None
    assert (delayed.state, delayed.message) == (TaskState.STARTING, "no such image")
    assert sum("delayed" in line for line in await house.story(job)) == 1
    await house.store.record([Started(intent.attempt, DAWN)])
    assert await house.store.first_delayed(job) is None


async def test_a_task_is_dispatched_once(house: House) -> None:
    job = await house.submit(stage(tasks=3))
    assert len(await house.dispatch(f"{job}.main.0", f"{job}.main.0")) == 1
    assert len(await house.dispatch(f"{job}.main.0", f"{job}.main.1")) == 1
    assert await house.counts(job) == {"queued": 1, "starting": 2}


@pytest.mark.parametrize("absent", ["99.main.0", "1.other.0", "1.main.3"])
async def test_what_does_not_exist_is_not_dispatched(house: House, absent: str) -> None:
    await house.submit(stage(tasks=3))
    assert await house.dispatch(absent) == ()


@pytest.mark.parametrize("held", ["1", "1.main", "1.main.0"])
async def test_held_tasks_are_not_dispatched(house: House, held: str) -> None:
    await house.submit(stage(tasks=3))
    await house.hold(held)
    assert await house.dispatch("1.main.0") == ()


async def test_tasks_that_wait_for_others_are_not_dispatched(house: House) -> None:
    job = await house.submit(stage("a"), stage("b", needs=("a",)))
    assert await house.dispatch(f"{job}.b.0") == ()


async def test_max_concurrent_holds_whatever_the_plan_says(house: House) -> None:
    job = await house.submit(stage(tasks=5, max_concurrent=2))
    first = await house.dispatch(*(f"{job}.main.{index}" for index in range(5)))
    assert [str(one.attempt) for one in first] == [f"{job}.main.0/1", f"{job}.main.1/1"]
    assert await house.dispatch(f"{job}.main.2") == ()
    await house.end(first[0])
    assert len(await house.dispatch(f"{job}.main.2", f"{job}.main.3")) == 1


async def test_a_task_that_ends_well_says_so(house: House) -> None:
    job = await house.submit()
    (one,) = await house.start(f"{job}.main.0")
    facts = Exited(one.attempt, DAWN, EndReason.OK, 0, "done", Usage(1.5, 2**33), (("loss", 0.25),))
    await house.store.record([facts])
    task = await house.task(f"{job}.main.0")
    assert (task.state, task.reason, task.exit_code, task.message) == (TaskState.SUCCEEDED, EndReason.OK, 0, "done")
    assert (task.usage, task.metrics, task.ended_at) == (Usage(1.5, 2**33), {"loss": 0.25}, DAWN)
    (attempt,) = await house.store.attempts(TaskId(job, "main", 0))
    assert (attempt.reason, attempt.ended_at, attempt.usage) == (EndReason.OK, DAWN, Usage(1.5, 2**33))


async def test_a_task_may_end_before_it_was_seen_to_start(house: House) -> None:
    job = await house.submit()
    (one,) = await house.dispatch(f"{job}.main.0")
    await house.end(one, reason=EndReason.START_FAILED, exit_code=None)
    assert await house.counts(job) == {"failed": 1}


async def test_facts_of_one_attempt_may_come_together(house: House) -> None:
    job = await house.submit()
    (one,) = await house.dispatch(f"{job}.main.0")
    await house.store.record([Started(one.attempt, DAWN), Exited(one.attempt, DAWN, EndReason.OK, 0)])
    assert [str(kind) for kind in await house.story(job)][-4:] == [
        "dispatched main.0",
        "started main.0",
        "succeeded main.0",
        "ended",
    ]


async def _ended(house: House) -> Active:
    job = await house.submit()
    (one,) = await house.start(f"{job}.main.0")
    await house.end(one)
    return one


async def test_doubled_facts_change_nothing(house: House) -> None:
    one = await _ended(house)
    before = await house.store.last_event()
    await house.store.record([Started(one.attempt, DAWN), Exited(one.attempt, DAWN, EndReason.ERROR, 3)])
    await house.store.record([Lost(one.attempt, DAWN, "gone")])
    assert await house.store.last_event() == before
    assert await house.state("1.main.0") is TaskState.SUCCEEDED


async def test_a_doubled_start_changes_nothing(house: House) -> None:
    job = await house.submit()
    (one,) = await house.start(f"{job}.main.0")
    before = await house.task(f"{job}.main.0")
    await house.store.record([Started(one.attempt, DAWN)])
    assert await house.task(f"{job}.main.0") == before


async def test_facts_of_an_earlier_attempt_change_nothing(house: House) -> None:
    job = await house.submit(stage(retries=RetryPolicy(max=1)))
    (first,) = await house.start(f"{job}.main.0")
    await house.end(first, reason=EndReason.ERROR)
    (second,) = await house.start(f"{job}.main.0")
    await house.end(first)
    assert await house.state(f"{job}.main.0") is TaskState.RUNNING
    assert second.attempt.number == 2


@pytest.mark.parametrize("absent", [AttemptId(TaskId(JobId(9), "x", 0), 1), AttemptId(TaskId(JobId(1), "main", 9), 1)])
async def test_facts_about_nothing_known_change_nothing(house: House, absent: AttemptId) -> None:
    await house.submit()
    before = await house.store.last_event()
    await house.store.record([Exited(absent, DAWN, EndReason.OK, 0)])
    assert await house.store.last_event() == before


async def test_a_failed_task_is_tried_again_as_its_policy_says(house: House) -> None:
    job = await house.submit(stage(tasks=3, retries=RetryPolicy(max=1)))
    await house.run(f"{job}.main.1", reason=EndReason.ERROR)
    (entry,) = await house.store.waiting()
    assert (entry.indices, entry.rest_from, entry.taken) == ((1,), 0, {1})
    await house.run(f"{job}.main.1", reason=EndReason.ERROR)
    task = await house.task(f"{job}.main.1")
    assert (task.state, task.failures, task.attempt) == (TaskState.FAILED, 2, 2)
    assert [attempt.number for attempt in await house.store.attempts(task.id)] == [1, 2]


async def test_an_end_that_the_policy_does_not_name_is_final(house: House) -> None:
    job = await house.submit(stage(retries=RetryPolicy(max=5, when=(Cause.OOM,))))
    await house.run(f"{job}.main.0", reason=EndReason.ERROR)
    assert await house.counts(job) == {"failed": 1}


async def test_a_task_that_waits_again_is_on_no_node(house: House) -> None:
    job = await house.submit(stage(retries=RetryPolicy(max=1)))
    await house.run(f"{job}.main.0", reason=EndReason.TIMEOUT)
    task = await house.task(f"{job}.main.0")
    assert (task.state, task.node, task.gpu_ids, task.started_at) == (TaskState.QUEUED, None, (), None)
    assert task.reason is EndReason.TIMEOUT


async def test_a_lost_node_costs_no_retry(house: House) -> None:
    job = await house.submit()
    (one,) = await house.start(f"{job}.main.0")
    await house.store.record([Lost(one.attempt, DAWN, "no answer for 60 s")])
    task = await house.task(f"{job}.main.0")
    assert (task.state, task.failures, task.losses, task.reason) == (TaskState.QUEUED, 0, 1, EndReason.NODE_LOST)


async def test_messages_of_programs_are_kept_whatever_is_in_them(house: House) -> None:
    job = await house.submit()
    (one,) = await house.start(f"{job}.main.0")
    await house.store.record([Exited(one.attempt, DAWN, EndReason.ERROR, 1, "a\0b\ud800" + "x" * 10_000)])
    message = (await house.task(f"{job}.main.0")).message
    assert message.startswith("a\ufffdb\ufffdxxx")
    assert len(message) == 4096


async def test_a_stage_is_queued_once_all_it_needs_succeeded(house: House) -> None:
    job = await house.submit(stage("a", 2), stage("b"), stage("c", 3, needs=("a", "b")))
    await house.run(f"{job}.a.0", f"{job}.b.0")
    assert await house.counts(job, "c") == {"waiting": 3}
    await house.run(f"{job}.a.1")
    assert await house.counts(job, "c") == {"queued": 3}


async def test_stages_behind_a_failed_one_are_skipped_to_the_end(house: House) -> None:
    job = await house.submit(stage("a"), stage("b", 2, needs=("a",)), stage("c", needs=("b",)), stage("d"))
    await house.run(f"{job}.a.0", reason=EndReason.ERROR)
    assert await house.counts(job) == {"failed": 1, "skipped": 3, "queued": 1}
    task = await house.task(f"{job}.c.0")
    assert (task.state, task.reason) == (TaskState.SKIPPED, EndReason.NEEDS_FAILED)


async def test_a_job_ends_with_its_last_task(house: House) -> None:
    job = await house.submit(stage("a"), stage("b", needs=("a",)))
    await house.run(f"{job}.a.0")
    assert (await house.job(job)).ended_at is None
    await house.run(f"{job}.b.0")
    ended = await house.job(job)
    assert (ended.state, ended.ended_at is None) == (TaskState.SUCCEEDED, False)
    assert await house.story(job) == [
        "submitted",
        "queued a",
        "dispatched a.0",
        "started a.0",
        "succeeded a.0",
        "queued b",
        "dispatched b.0",
        "started b.0",
        "succeeded b.0",
        "ended",
    ]


async def test_a_job_starts_with_its_first_task(house: House) -> None:
    job = await house.submit(stage(tasks=2))
    await house.dispatch(f"{job}.main.0")
    assert (await house.job(job)).started_at is None
    await house.start(f"{job}.main.1")
    started_at = (await house.job(job)).started_at
    assert started_at is not None
    assert started_at == (await house.task(f"{job}.main.1")).started_at


async def test_many_jobs_may_end_in_one_report(house: House) -> None:
    jobs = [await house.submit(stage("a"), stage("b", needs=("a",))) for _ in range(20)]
    attempts = await house.start(*(f"{job}.a.0" for job in jobs))
    await house.end(*attempts)
    assert {entry.stage for entry in await house.store.waiting()} == {"b"}
    await house.end(*await house.start(*(f"{job}.b.0" for job in jobs)))
    assert await house.store.waiting() == ()
    await house.database.read(assert_counts_are_true)
