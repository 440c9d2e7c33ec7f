"""A crew works on a few attempts at a time, on each at most once at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from scheduler.crew import Crew, Width
from tests.fakes_scheduler import SOON_S, Gate, attempt
from tovi_server.core.ids import AttemptId


@asynccontextmanager
async def at_work(gate: Gate, *, of_a_stage: int = 8) -> AsyncIterator[Crew]:
    crew = Crew(gate.pass_through, Width(8, of_a_stage))
    running = asyncio.create_task(crew.run())
    try:
        yield crew
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_what_was_asked_for_before_it_runs_has_waited() -> None:
    gate = Gate()
    crew = Crew(gate.pass_through, Width(8, 1))
    crew.ask(attempt(1))
    running = asyncio.create_task(crew.run())
    await gate.reached(attempt(1))
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_no_more_than_eight_are_worked_on_and_the_next_when_one_is_done() -> None:
    gate, jobs = Gate(), [attempt(job) for job in range(1, 11)]
    for one in jobs:
        gate.close(one)
    async with at_work(gate) as crew:
        for one in jobs:
            crew.ask(one)
        await gate.reached(jobs[7])
        assert gate.begun == jobs[:8]
        gate.open(jobs[3])
        await gate.reached(jobs[8])
        assert gate.begun == jobs[:9]


async def test_a_stage_has_its_share_and_leaves_the_rest_to_others() -> None:
    gate, of_one = Gate(), [attempt(1, index) for index in range(4)]
    for one in of_one:
        gate.close(one)
    async with at_work(gate, of_a_stage=2) as crew:
        for one in (*of_one, attempt(2)):
            crew.ask(one)
        await gate.reached(attempt(2))
        await gate.reached(of_one[1])
        assert gate.begun == [of_one[0], attempt(2), of_one[1]]
        gate.open(of_one[1])
        await gate.reached(of_one[2])


async def test_stages_take_turns_and_of_a_stage_the_order_of_asking_holds() -> None:
    gate, first, second = Gate(), [attempt(1, index) for index in range(3)], [attempt(2, index) for index in range(3)]
    crew = Crew(gate.pass_through, Width(1, 1))
    for one in (*first, *second):
        crew.ask(one)
    running = asyncio.create_task(crew.run())
    await gate.reached(second[2])
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert gate.begun == [first[0], second[0], first[1], second[1], first[2], second[2]]


async def test_the_same_is_never_worked_on_twice_at_once() -> None:
    gate = Gate()
    gate.close(attempt(1))
    async with at_work(gate) as crew:
        crew.ask(attempt(1))
        await gate.reached(attempt(1))
        crew.ask(attempt(1))
        crew.ask(attempt(2))
        crew.ask(attempt(2))
        await gate.reached(attempt(2))
        gate.open(attempt(1))
        crew.ask(attempt(3))
        await gate.reached(attempt(3))
    assert gate.begun == [attempt(1), attempt(2), attempt(3)]


async def test_it_may_be_asked_again_when_it_was_done() -> None:
    gate = Gate()
    async with at_work(gate) as crew:
        crew.ask(attempt(1))
        await gate.reached(attempt(1))
        await asyncio.sleep(0)
        crew.ask(attempt(1))
        await gate.reached(attempt(1), times=2)


async def test_what_work_raises_ends_it() -> None:
    async def work(_: AttemptId) -> None:
        raise KeyError("a bug")

    crew = Crew(work, Width(8, 1))
    crew.ask(attempt(1))
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(SOON_S):
            await crew.run()
    assert caught.group_contains(KeyError)
