"""The loop over fakes: what is recorded is done, what is done is recorded, and nothing is lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from scheduler.policies.default import DEFAULT
from scheduler.policies.filter import Capacity
from scheduler.policies.protocols import Offer
from scheduler.snapshot import Node, StageQueue
from tests.fakes_scheduler import NODE, NOW, SOON_S, House, an_active, attempt, exited
from tovi_server.core.errors import InvariantError, NotFoundError, UnavailableError
from tovi_server.core.events import Exited, Lost, Started
from tovi_server.core.ids import AttemptId
from tovi_server.core.reasons import EndReason
from tovi_server.core.resources import Resources
from tovi_server.core.states import TaskState

A_MINUTE = timedelta(minutes=1)
AWAY = UnavailableError("the disk is full", why="no space left")


@pytest.fixture
async def house() -> House:
    return House()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Tracebacks of planted bugs are of no interest."""
    with capture_logs():
        yield


def under_way(
    house: House, *attempts: AttemptId, state: TaskState = TaskState.STARTING, cancel_requested: bool = False
) -> None:
    """As an earlier scheduler left them."""
    for one in attempts:
        house.queue.under_way[one] = an_active(attempt=one, state=state, cancel_requested=cancel_requested)
    house.queue.events += 1


def has_ended(house: House, one: AttemptId) -> bool:
    return one.task in house.queue.ended


def reason(house: House, one: AttemptId) -> EndReason:
    return house.queue.ended[one.task].reason


async def test_a_queued_task_is_dispatched_started_and_its_end_recorded_with_what_it_left(house: House) -> None:
    house.queue.submit(1)
    async with house.running():
        await house.executor.starting.reached(attempt(1))
        house.executor.say(Started(attempt(1), NOW))
        house.executor.say(exited(attempt(1)))
        await house.until(lambda: has_ended(house, attempt(1)))
    assert house.queue.ended[attempt(1).task].metrics == (("finished", 1.0),)
    assert house.queue.batches[0][0] == Started(attempt(1), NOW)


async def test_an_end_makes_room_for_the_next_at_once(house: House) -> None:
    """The interval of this loop is an hour."""
    house.queue.submit(1, tasks=5)
    async with house.running():
        for index in range(4):
            await house.executor.starting.reached(attempt(1, index))
        house.executor.say(exited(attempt(1, 2)))
        await house.executor.starting.reached(attempt(1, 4))


async def test_room_is_free_before_an_end_is_looked_into(house: House) -> None:
    house.queue.submit(1, tasks=5)
    house.files.finishing.close(attempt(1, 2))
    async with house.running():
        for index in range(4):
            await house.executor.starting.reached(attempt(1, index))
        house.executor.say(exited(attempt(1, 2)))
        await house.executor.starting.reached(attempt(1, 4))
        assert not has_ended(house, attempt(1, 2))
        house.files.finishing.open(attempt(1, 2))
        await house.until(lambda: has_ended(house, attempt(1, 2)))


async def test_ends_that_cannot_be_looked_into_do_not_pile_up(house: House) -> None:
    house.queue.submit(1, tasks=6)
    for index in range(6):
        house.files.finishing.fail(attempt(1, index), *[AWAY] * 100)
    async with house.running():
        for index in range(5):
            await house.executor.starting.reached(attempt(1, index))
            house.executor.say(exited(attempt(1, index)))
            await house.look_until(lambda index=index: house.files.finishing.begun.count(attempt(1, index)) >= 2)
        assert attempt(1, 5) not in house.queue.under_way


async def test_everybody_is_told_of_what_was_dispatched_and_recorded(house: House) -> None:
    house.queue.submit(1)
    async with house.running():
        await house.executor.starting.reached(attempt(1))
        assert house.told == 1
        house.executor.say(exited(attempt(1)))
        await house.look_until(lambda: house.told == 2)


async def test_a_lost_attempt_is_tidied_away_and_tried_again_as_the_next(house: House) -> None:
    house.queue.submit(1)
    async with house.running():
        await house.executor.starting.reached(attempt(1))
        house.executor.say(Lost(attempt(1), NOW, "the machine went away"))
        await house.executor.starting.reached(attempt(1, number=2))
    assert house.files.finishing.begun == [attempt(1)]


class TestTicks:
    async def test_nothing_changed_is_neither_read_nor_planned_again(self) -> None:
        counting = Counting()
        policies = replace(DEFAULT, filters=(counting,))
        house = House(policies=lambda: policies)
        house.queue.submit(1, tasks=9)
        await house.look()
        await house.look()
        done = (house.queue.reads, counting.asked)
        await house.look()
        await house.look()
        assert (house.queue.reads, counting.asked) == done

    async def test_hints_between_two_ticks_are_one(self, house: House) -> None:
        house.queue.submit(1)
        async with house.running():
            await house.executor.starting.reached(attempt(1))
            reads = house.queue.reads
            house.queue.submit(2)
            for _ in range(5):
                house.loop.wake()
            await house.executor.starting.reached(attempt(2))
            assert house.queue.reads == reads + 1

    async def test_a_look_that_failed_halfway_is_made_again(self, house: House) -> None:
        house.queue.submit(1)
        house.queue.read_failures = [AWAY, AWAY]
        for _ in range(3):
            await house.look()
        assert list(house.queue.under_way) == [attempt(1)]

    async def test_machines_are_recorded(self, house: House) -> None:
        await house.look()
        assert house.queue.nodes == (NODE,)

    async def test_a_new_machine_is_used_by_what_waited(self, house: House) -> None:
        house.queue.submit(1, tasks=5)
        async with house.running():
            await house.executor.starting.reached(attempt(1, 3))
            house.executor.machines = (NODE, Node("node-2", NODE.capacity))
            await house.look()
            await house.executor.starting.reached(attempt(1, 4))
        assert house.queue.under_way[attempt(1, 4)].node == "node-2"

    async def test_other_policies_are_used_at_the_next_tick(self) -> None:
        policies = [DEFAULT]
        house = House(policies=lambda: policies[0])
        house.queue.submit(1)
        policies[0] = replace(DEFAULT, filters=(*DEFAULT.filters, Nothing()))
        await house.look()
        assert house.queue.under_way == {}
        policies[0] = DEFAULT
        await house.look()
        assert list(house.queue.under_way) == [attempt(1)]

    async def test_a_policy_that_raises_does_not_stop_scheduling(self) -> None:
        house = House(policies=lambda: replace(DEFAULT, order=Raising()))
        house.queue.submit(1)
        house.queue.submit(2)
        with capture_logs() as told:
            await house.look()
        assert sorted(house.queue.under_way) == [attempt(1), attempt(2)]
        assert [entry["event"] for entry in told] == ["policy_failed"]

    async def test_a_dry_run_raises_what_a_policy_raises_and_dispatches_nothing(self, house: House) -> None:
        house.queue.submit(2, tasks=9)
        await house.look()
        before = dict(house.queue.under_way)
        with pytest.raises(ZeroDivisionError):
            await house.loop.check(replace(DEFAULT, order=Raising()))
        await house.loop.check(DEFAULT)
        assert house.queue.under_way == before

    async def test_what_is_no_error_of_the_world_ends_the_loop(self, house: House) -> None:
        house.queue.submit(1)
        house.queue.failures = [KeyError("a bug")]
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.timeout(SOON_S):
                await house.loop.run()
        assert caught.group_contains(KeyError)

    async def test_an_executor_that_ends_its_reports_ends_the_loop(self, house: House) -> None:
        house.executor.say_no_more()
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.timeout(SOON_S):
                await house.loop.run()
        assert caught.group_contains(InvariantError)


class Nothing:
    def admits(self, request: object, offer: object) -> bool:
        return False


class Counting(Capacity):
    asked = 0

    def admits(self, request: Resources, offer: Offer) -> bool:
        self.asked += 1
        return super().admits(request, offer)


class Raising:
    def key(self, entry: StageQueue) -> tuple[float, ...]:
        return (1 / (entry.job - 2),)


class TestAdoption:
    async def test_what_was_under_way_is_handed_over_again_before_anything_new(self, house: House) -> None:
        under_way(house, attempt(1), attempt(2, number=3), state=TaskState.RUNNING)
        house.queue.submit(3)
        async with house.running():
            await house.executor.starting.reached(attempt(3))
        assert house.executor.starting.begun == [attempt(1), attempt(2, number=3), attempt(3)]

    async def test_what_was_under_way_holds_its_room(self, house: House) -> None:
        under_way(house, *(attempt(1, index) for index in range(4)))
        house.queue.submit(2)
        await house.look()
        assert attempt(2) not in house.queue.under_way

    async def test_an_end_reported_before_adoption_is_not_missed(self, house: House) -> None:
        under_way(house, attempt(1))
        house.executor.say(exited(attempt(1)))
        async with house.running():
            await house.until(lambda: has_ended(house, attempt(1)))

    async def test_without_the_queue_at_start_it_is_done_once_the_queue_is_there(self, house: House) -> None:
        under_way(house, attempt(1))
        house.executor.machines_errors = [AWAY, AWAY]
        async with house.running():
            await house.look_until(lambda: attempt(1) in house.executor.starting.begun)

    async def test_what_runs_and_is_to_be_cancelled_is_adopted_then_stopped(self, house: House) -> None:
        under_way(house, attempt(1), state=TaskState.RUNNING, cancel_requested=True)
        async with house.running():
            await house.executor.stopping.reached(attempt(1))
        assert house.executor.starting.begun == [attempt(1)]

    async def test_what_may_run_is_adopted_before_it_is_cancelled_however_long_that_takes(self, house: House) -> None:
        under_way(house, attempt(1), cancel_requested=True)
        house.files.preparing.fail(attempt(1), AWAY, AWAY)
        async with house.running():
            await house.look_until(lambda: attempt(1) in house.executor.stopping.begun)
        assert not has_ended(house, attempt(1))

    async def test_each_attempt_is_handed_over_once(self, house: House) -> None:
        under_way(house, attempt(1))
        async with house.running():
            await house.executor.starting.reached(attempt(1))
            for job in range(2, 5):
                house.queue.submit(job)
                await house.look(later=A_MINUTE)
                await house.executor.starting.reached(attempt(job))
        assert house.executor.starting.begun.count(attempt(1)) == 1


class TestOutbox:
    async def test_the_intent_is_recorded_before_anybody_acts(self, house: House) -> None:
        house.queue.submit(1)
        house.files.preparing.close(attempt(1))
        async with house.running():
            await house.files.preparing.reached(attempt(1))
            assert attempt(1) in house.queue.under_way
            assert house.executor.starting.begun == []

    async def test_a_dispatch_that_failed_starts_nothing_and_is_made_again(self, house: House) -> None:
        house.queue.submit(1)
        house.queue.failures = [AWAY]
        async with house.running():
            await house.look()
            await house.executor.starting.reached(attempt(1))
        assert house.executor.starting.begun == [attempt(1)]

    async def test_a_dispatch_whose_answer_was_lost_is_acted_on_and_not_made_twice(self, house: House) -> None:
        house.queue.submit(1)
        house.queue.lost_answers = [AWAY]
        async with house.running():
            await house.look_until(lambda: bool(house.executor.starting.begun))
        assert house.executor.starting.begun == [attempt(1)]

    async def test_a_slow_prepare_holds_up_nobody_else(self, house: House) -> None:
        slow = [attempt(1, index) for index in range(3)]
        for one in slow:
            house.files.preparing.close(one)
        house.queue.submit(1, tasks=3)
        async with house.running():
            await house.files.preparing.reached(slow[0])
            house.queue.submit(2)
            await house.look()
            await house.executor.starting.reached(attempt(2))
            house.executor.say(exited(attempt(2)))
            await house.until(lambda: has_ended(house, attempt(2)))
            for one in slow:
                house.files.preparing.open(one)
            for one in slow:
                await house.executor.starting.reached(one)


class TestCancel:
    async def test_what_runs_is_stopped_again_and_again_until_it_ended(self, house: House) -> None:
        house.queue.submit(1)
        async with house.running():
            await house.executor.starting.reached(attempt(1))
            house.queue.cancel(attempt(1))
            await house.look()
            await house.executor.stopping.reached(attempt(1))
            await house.look()
            await house.executor.stopping.reached(attempt(1), times=2)
            house.executor.say(exited(attempt(1), EndReason.CANCELLED, 143))
            await house.until(lambda: has_ended(house, attempt(1)))

    async def test_a_stop_that_fails_is_tried_again(self, house: House) -> None:
        house.queue.submit(1)
        house.executor.stopping.fail(attempt(1), RuntimeError("a bug"))
        async with house.running():
            await house.executor.starting.reached(attempt(1))
            house.queue.cancel(attempt(1))
            await house.look_until(lambda: len(house.executor.stopping.begun) == 2)

    async def test_what_is_being_prepared_is_not_started(self, house: House) -> None:
        house.queue.submit(1)
        house.files.preparing.close(attempt(1))
        async with house.running():
            await house.files.preparing.reached(attempt(1))
            house.queue.cancel(attempt(1))
            await house.look()
            house.files.preparing.open(attempt(1))
            await house.until(lambda: has_ended(house, attempt(1)))
        assert reason(house, attempt(1)) is EndReason.CANCELLED
        assert house.executor.starting.begun == []
        assert house.files.finishing.begun == [attempt(1)]

    async def test_what_waits_to_be_prepared_is_not_even_prepared(self, house: House) -> None:
        house.queue.submit(1, tasks=3)
        for index in range(2):
            house.files.preparing.close(attempt(1, index))
        async with house.running():
            await house.files.preparing.reached(attempt(1, 1))
            house.queue.cancel(attempt(1, 2))
            await house.look()
            await house.until(lambda: has_ended(house, attempt(1, 2)))
        assert reason(house, attempt(1, 2)) is EndReason.CANCELLED
        assert attempt(1, 2) not in house.files.preparing.begun

    async def test_what_waits_for_a_full_disk_ends_at_once(self, house: House) -> None:
        house.queue.submit(1)
        house.files.preparing.fail(attempt(1), *[AWAY] * 100)
        async with house.running():
            await house.files.preparing.reached(attempt(1))
            house.queue.cancel(attempt(1))
            await house.look()
            await house.until(lambda: has_ended(house, attempt(1)))
        assert reason(house, attempt(1)) is EndReason.CANCELLED

    async def test_what_is_being_started_is_stopped_afterwards(self, house: House) -> None:
        house.queue.submit(1)
        house.executor.starting.close(attempt(1))
        async with house.running():
            await house.executor.starting.reached(attempt(1))
            house.queue.cancel(attempt(1))
            await house.look()
            assert house.executor.stopping.begun == []
            house.executor.starting.open(attempt(1))
            await house.executor.stopping.reached(attempt(1))

    async def test_what_has_ended_is_stopped_no_more(self, house: House) -> None:
        house.queue.submit(1)
        house.files.finishing.close(attempt(1))
        async with house.running():
            await house.executor.starting.reached(attempt(1))
            house.executor.say(exited(attempt(1)))
            await house.files.finishing.reached(attempt(1))
            house.queue.cancel(attempt(1))
            await house.look()
            house.files.finishing.open(attempt(1))
            await house.until(lambda: has_ended(house, attempt(1)))
        assert house.executor.stopping.begun == []


class TestFailingStarts:
    async def test_what_cannot_be_prepared_now_is_prepared_later(self, house: House) -> None:
        house.queue.submit(1)
        house.files.preparing.fail(attempt(1), AWAY, AWAY)
        async with house.running():
            await house.look_until(lambda: attempt(1) in house.executor.starting.begun)
        assert house.files.preparing.begun == [attempt(1)] * 3

    async def test_why_it_waits_is_told_once(self, house: House) -> None:
        house.queue.submit(1)
        house.files.preparing.fail(attempt(1), AWAY, AWAY)
        async with house.running():
            await house.look_until(lambda: attempt(1) in house.executor.starting.begun)
        assert [(delay.attempt, delay.message) for delay in house.queue.delays] == [
            (attempt(1), f"{AWAY.what}: {AWAY.why}")
        ]

    async def test_a_start_that_fails_after_the_end_was_recorded_is_no_matter(self, house: House) -> None:
        house.queue.submit(1)
        house.executor.starting.close(attempt(1))
        house.executor.starting.fail(attempt(1), AWAY)
        async with house.running():
            await house.executor.starting.reached(attempt(1))
            house.executor.say(exited(attempt(1)))
            await house.look_until(lambda: has_ended(house, attempt(1)))
            await house.look()
            house.executor.starting.open(attempt(1))
            house.queue.submit(2)
            await house.look_until(lambda: attempt(2) in house.executor.starting.begun)

    async def test_the_next_try_waits_for_its_time(self, house: House) -> None:
        house.queue.submit(1)
        house.files.preparing.fail(attempt(1), AWAY)
        async with house.running():
            await house.files.preparing.reached(attempt(1))
            for _ in range(5):
                await house.look()
            assert house.files.preparing.begun == [attempt(1)]
            await house.look(later=timedelta(seconds=1))
            await house.executor.starting.reached(attempt(1))

    async def test_what_can_never_be_prepared_has_failed_to_start(self, house: House) -> None:
        house.queue.submit(1)
        house.files.preparing.fail(attempt(1), NotFoundError('dataset "scans" is gone', why='stage "main" uses it'))
        async with house.running():
            await house.until(lambda: has_ended(house, attempt(1)))
        ended = house.queue.ended[attempt(1).task]
        assert ended.reason is EndReason.START_FAILED
        assert ended.message == 'dataset "scans" is gone: stage "main" uses it'

    async def test_a_bug_with_one_attempt_stops_neither_the_others_nor_the_loop(self, house: House) -> None:
        house.queue.submit(1)
        house.queue.submit(2)
        house.files.preparing.fail(attempt(1), KeyError("a bug"))
        async with house.running():
            await house.executor.starting.reached(attempt(2))
            await house.look_until(lambda: attempt(1) in house.executor.starting.begun)

    async def test_a_bug_that_stays_fails_the_attempt_in_the_end(self, house: House) -> None:
        house.queue.submit(1)
        house.files.preparing.fail(attempt(1), *[KeyError("a bug")] * 100)
        async with house.running():
            await house.look_until(lambda: has_ended(house, attempt(1)))
        assert house.queue.ended[attempt(1).task].message == "KeyError: 'a bug'"
        assert reason(house, attempt(1)) is EndReason.START_FAILED

    async def test_what_may_run_already_is_never_given_up(self, house: House) -> None:
        """Its start went wrong in the middle: if it were failed and tried again, two could run at once."""
        house.queue.submit(1)
        house.executor.starting.fail(attempt(1), *[OSError("a bug")] * 20)
        async with house.running():
            await house.look_until(lambda: len(house.executor.starting.begun) == 21)
        assert not has_ended(house, attempt(1))

    async def test_an_end_that_is_reported_while_it_is_prepared_again_is_its_end(self, house: House) -> None:
        under_way(house, attempt(1))
        house.files.preparing.close(attempt(1))
        async with house.running():
            await house.files.preparing.reached(attempt(1))
            house.executor.say(exited(attempt(1)))
            await house.until(lambda: has_ended(house, attempt(1)))
            house.files.preparing.open(attempt(1))
            house.queue.submit(2)
            await house.look()
            await house.executor.starting.reached(attempt(2))
        assert house.executor.starting.begun == [attempt(2)]


class TestReports:
    async def test_a_doubled_end_is_recorded_once(self, house: House) -> None:
        house.queue.submit(1)
        house.queue.submit(2)
        async with house.running():
            await house.executor.starting.reached(attempt(2))
            house.executor.say(exited(attempt(1)))
            house.executor.say(exited(attempt(1)))
            await house.until(lambda: has_ended(house, attempt(1)))
            house.executor.say(exited(attempt(1)))
            house.executor.say(exited(attempt(2)))
            await house.until(lambda: has_ended(house, attempt(2)))
        assert house.files.finishing.begun == [attempt(1), attempt(2)]

    async def test_reports_of_what_is_not_under_way_are_dropped(self, house: House) -> None:
        house.queue.submit(1)
        async with house.running():
            await house.executor.starting.reached(attempt(1))
            house.executor.say(exited(attempt(7)))
            house.executor.say(exited(attempt(1, number=9)))
            house.executor.say(exited(attempt(1)))
            await house.until(lambda: has_ended(house, attempt(1)))
        assert house.files.finishing.begun == [attempt(1)]

    async def test_what_comes_while_one_batch_is_recorded_is_the_next(self, house: House) -> None:
        house.queue.submit(1, tasks=4)
        async with house.running():
            await house.executor.starting.reached(attempt(1, 3))
            house.queue.recording.clear()
            for index in range(4):
                house.executor.say(exited(attempt(1, index)))
                await house.files.finishing.reached(attempt(1, index))
            house.queue.recording.set()
            await house.until(lambda: len(house.queue.ended) == 4)
        assert len(house.queue.batches) == 2

    async def test_a_start_that_is_all_there_is_to_record_is_recorded_too(self, house: House) -> None:
        house.queue.submit(1, tasks=2)
        async with house.running():
            await house.executor.starting.reached(attempt(1, 1))
            for index in range(2):
                house.executor.say(Started(attempt(1, index), NOW))
                await house.until(lambda: len(house.queue.batches) == index + 1)  # noqa: B023  # awaited in the turn

    async def test_right_after_a_transaction_a_start_waits_for_company(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("scheduler.recorder._BETWEEN_STARTS_S", 3600)
        house.queue.submit(1, tasks=2)
        async with house.running():
            await house.executor.starting.reached(attempt(1, 1))
            house.executor.say(exited(attempt(1, 0)))
            await house.until(lambda: has_ended(house, attempt(1, 0)))
            house.executor.say(Started(attempt(1, 1), NOW))
            await house.look()
            house.executor.say(exited(attempt(1, 1)))
            await house.until(lambda: has_ended(house, attempt(1, 1)))
        assert [type(report) for report in house.queue.batches[-1]] == [Started, Exited]

    async def test_a_start_makes_no_room_and_wakes_nobody(self, house: House) -> None:
        house.queue.submit(1)
        async with house.running():
            await house.executor.starting.reached(attempt(1))
            reads = house.queue.reads
            house.executor.say(Started(attempt(1), NOW))
            await house.until(lambda: house.told == 2)
            await asyncio.sleep(0)
            assert house.queue.reads == reads

    async def test_an_end_that_cannot_be_looked_into_now_keeps_no_other_from_being_recorded(self, house: House) -> None:
        house.queue.submit(1)
        house.queue.submit(2)
        house.files.finishing.fail(attempt(1), AWAY, AWAY)
        async with house.running():
            await house.executor.starting.reached(attempt(2))
            house.executor.say(exited(attempt(1)))
            house.executor.say(exited(attempt(2)))
            await house.until(lambda: has_ended(house, attempt(2)))
            assert not has_ended(house, attempt(1))
            await house.look_until(lambda: has_ended(house, attempt(1)))
        assert reason(house, attempt(1)) is EndReason.OK

    async def test_the_next_look_into_an_end_waits_for_its_time(self, house: House) -> None:
        house.queue.submit(1)
        house.files.finishing.fail(attempt(1), AWAY)
        async with house.running():
            await house.executor.starting.reached(attempt(1))
            house.executor.say(exited(attempt(1)))
            await house.files.finishing.reached(attempt(1))
            for _ in range(5):
                await house.look()
            assert house.files.finishing.begun == [attempt(1)]
            await house.look(later=timedelta(seconds=1))
            await house.until(lambda: has_ended(house, attempt(1)))

    @pytest.mark.parametrize(
        ("before", "after", "message"),
        [
            (EndReason.OK, EndReason.ERROR, "its outputs could not be kept: KeyError: 'a bug'"),
            (EndReason.TIMEOUT, EndReason.TIMEOUT, ""),
        ],
    )
    async def test_an_end_that_no_try_could_look_into_is_no_success(
        self, house: House, before: EndReason, after: EndReason, message: str
    ) -> None:
        house.queue.submit(1)
        house.files.finishing.fail(attempt(1), *[KeyError("a bug")] * 100)
        async with house.running():
            await house.executor.starting.reached(attempt(1))
            house.executor.say(exited(attempt(1), before))
            await house.look_until(lambda: has_ended(house, attempt(1)))
        ended = house.queue.ended[attempt(1).task]
        assert (ended.reason, ended.message) == (after, message)

    async def test_while_the_queue_is_away_everything_is_kept_in_order_and_told_of_once(self, house: House) -> None:
        house.queue.submit(1)
        async with house.running():
            await house.executor.starting.reached(attempt(1))
            house.queue.failures = [AWAY] * 5
            with capture_logs() as told:
                house.executor.say(Started(attempt(1), NOW))
                house.executor.say(exited(attempt(1)))
                await house.look_until(lambda: has_ended(house, attempt(1)))
        assert [type(report) for batch in house.queue.batches for report in batch] == [Started, Exited]
        assert [entry["event"] for entry in told] == ["unavailable", "available_again"]

    async def test_a_record_that_breaks_a_rule_ends_the_loop(self, house: House) -> None:
        under_way(house, attempt(1))
        house.executor.say(exited(attempt(1)))
        house.queue.failures = [InvariantError("counts are wrong")]
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.timeout(SOON_S):
                await house.loop.run()
        assert caught.group_contains(InvariantError)


async def test_people_are_told_why_nothing_can_be_started_and_no_more_once_it_can(house: House) -> None:
    house.executor.machines_errors += [AWAY, AWAY]

    for _ in range(4):
        await house.loop.tick()

    assert house.queue.outages == ["the disk is full: no space left", ""], "each is told once"


async def test_what_an_earlier_scheduler_told_is_taken_back(house: House) -> None:
    await house.loop.tick()

    assert house.queue.outages == [""]
