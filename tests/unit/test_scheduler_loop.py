"""The loop over fakes: what is recorded is done, what is done is recorded, and nothing is lost on the way."""

from __future__ import annotations

from tests.fakes_scheduler import NOW, House, attempt, exited
from tovi_server.core.events import Started


async def test_a_queued_task_is_dispatched_started_and_its_end_recorded() -> None:
    house = House()
    house.queue.submit(1)
    async with house.running():
        await house.executor.starting.reached(attempt(1))
        house.executor.say(Started(attempt(1), NOW))
        house.executor.say(exited(attempt(1)))
        await house.until(lambda: attempt(1).task in house.queue.ended)
    assert house.queue.ended[attempt(1).task].metrics == (("finished", 1.0),)
