"""The scheduler is killed at each step of an attempt, and at any moment: the next one goes on as if nothing was."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import pytest

from tests.cluster.faults.fail_points import Killer, ended, runs
from tests.cluster.faults.house import House, house
from tests.cluster.faults.people import LONG
from tests.cluster.faults.storm import pod_storm
from tests.fault_proxy.faults import Fault
from tests.integration.faults.program import Kind
from tests.pods import Place

KILLS: Final = 10
SHORT: Final = Kind(lines=3, pause="0.2")

Point = tuple[str, Callable[[Killer], Fault]]
POINTS: Final[Mapping[str, Point]] = {
    "before the pod is created": ("create", Killer.before),
    "before it is known that the pod was created": ("create", Killer.after),
    "when the pod runs": ("watch", lambda killer: killer.at_event(runs)),
    "when the pod has ended": ("watch", lambda killer: killer.at_event(ended)),
    "before the finalizer is removed": ("patch", Killer.before),
    "before it is known that the finalizer was removed": ("patch", Killer.after),
    "before the pod is deleted": ("delete", Killer.before),
    "before it is known that the pod was deleted": ("delete", Killer.after),
}
ENDING_POINTS: Final[Mapping[str, Point]] = {
    "before it is noted why the pod has to end": ("patch", Killer.before),
    "when it is noted why the pod has to end": ("patch", Killer.after),
    "before the pod is asked to end": ("delete", Killer.before),
    "when the pod is asked to end": ("delete", Killer.after),
}


@pytest.fixture(scope="module")
def tovi(place: Place) -> Iterator[House]:
    with house(place) as made:
        yield made


@pytest.fixture
def killer(tovi: House) -> Iterator[Killer]:
    killer = Killer(tovi.live)
    yield killer
    tovi.proxy.forget()
    assert killer.kills == 1


def arm(tovi: House, killer: Killer, point: Point) -> None:
    verb, fault = point
    tovi.proxy.program(fault(killer), verb=verb, what="pods", times=None if verb == "watch" else 1)
    if verb == "watch":
        tovi.proxy.cut()


@pytest.mark.parametrize("when", POINTS)
async def test_a_task_runs_once_though_the_scheduler_dies(when: str, tovi: House, killer: Killer) -> None:
    arm(tovi, killer, POINTS[when])
    async with tovi.people(when) as people:
        await people.submit(SHORT)
    assert people.ends == ["succeeded"]


@pytest.mark.parametrize("when", ENDING_POINTS)
async def test_a_task_is_cancelled_though_the_scheduler_dies(when: str, tovi: House, killer: Killer) -> None:
    async with tovi.people(when) as people:
        job = await people.submit(LONG)
        await people.running(job)
        arm(tovi, killer, ENDING_POINTS[when])
        await people.cancel(job)
    assert people.ends == ["cancelled"]


def test_kills_at_any_moment_lose_and_double_nothing(place: Place) -> None:
    seed = int(os.environ.get("TOVI_TEST_SEED", random.randrange(2**16)))
    print(f"to see this again: TOVI_TEST_SEED={seed}")

    outcome = pod_storm(place, seed, KILLS)

    assert outcome.problems == ()
    assert outcome.hangs == ()
    assert outcome.acknowledged > KILLS
    assert outcome.kills.victims["scheduler"] > 0
