"""Whatever the API server does, or what lies between, every job comes to its end, and nothing runs twice or is left."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pytest

from tests.cluster.faults.house import SETTINGS, House, house
from tests.cluster.quota import QUOTA, make_room_for_pods, no_room_for_pods
from tests.fault_proxy import answers, events, faults
from tests.fault_proxy.book import Programmed
from tests.fault_proxy.faults import Fault
from tests.fault_proxy.proxy import FaultProxy
from tests.integration.faults.program import Kind
from tests.pods import Place

RETRY_AFTER_S: Final = 3
PAUSE_S: Final = 5
SHORT: Final = Kind(lines=1)
SLOW: Final = Kind(lines=4, pause="0.5")
UNTIL_FORGOTTEN: Final = None


@dataclass(frozen=True)
class Planned:
    """A fault, and to what and how often it happens."""

    fault: Fault
    verb: str
    times: int | None = 2

    def program(self, proxy: FaultProxy) -> Programmed:
        return proxy.program(self.fault, verb=self.verb, times=self.times)


def in_writes(fault: Fault, times: int = 2) -> Sequence[Planned]:
    return [Planned(fault, verb, times) for verb in ("create", "patch", "delete")]


def everywhere(fault: Fault, times: int = 2) -> Sequence[Planned]:
    return [*in_writes(fault, times), Planned(fault, "list", times), Planned(fault, "watch", times)]


def in_watches(fault: Fault, times: int | None = 3) -> Sequence[Planned]:
    return [Planned(fault, "watch", times)]


FAULTS: Final[Mapping[str, Sequence[Planned]]] = {
    "500": everywhere(faults.refused(answers.internal_error())),
    "500 and 504 after it had its effect": [
        *in_writes(faults.answered_after_effect(answers.internal_error()), times=1),
        *in_writes(faults.answered_after_effect(answers.timed_out()), times=1),
    ],
    "409": in_writes(faults.refused(answers.conflict)),
    "a reset": everywhere(faults.reset),
    "a reset after it had its effect": in_writes(faults.reset_after_effect),
    "a reset in the answer": [*in_writes(faults.reset_in_answer), Planned(faults.reset_in_answer, "list")],
    "no answer after it had its effect": in_writes(faults.silence_after_effect, times=1),
    "slow lists": [Planned(faults.slow(4), "list")],
    "a watch that is too old, or becomes so": [
        *in_watches(faults.watch_is_too_old),
        *in_watches(faults.told(events.error_after(3))),
    ],
    "a watch that is cut in an event": in_watches(faults.told(events.cut_after(2))),
    "events that come twice": in_watches(faults.told(events.doubled), UNTIL_FORGOTTEN),
    "events in another order": in_watches(faults.told(events.reordered()), UNTIL_FORGOTTEN),
    "events that are never told": in_watches(faults.told(events.only_bookmarks), UNTIL_FORGOTTEN),
}


@pytest.fixture(scope="module")
def tovi(place: Place) -> Iterator[House]:
    with house(place, f'{SETTINGS}relist = "5s"\n') as made:
        yield made


@pytest.mark.parametrize("what", FAULTS)
async def test_jobs_end_as_they_should_under(what: str, tovi: House) -> None:
    programmed = [planned.program(tovi.proxy) for planned in FAULTS[what]]
    times = [1 if one.left == float("inf") else int(one.left) for one in programmed]
    tovi.proxy.cut()
    async with tovi.at_work(what):
        for one, wanted in zip(programmed, times, strict=True):
            await asyncio.to_thread(tovi.proxy.wait_for, one, times=wanted)


async def test_nobody_asks_while_the_api_server_wants_to_be_left_alone(tovi: House) -> None:
    planned = everywhere(faults.refused(answers.too_many(RETRY_AFTER_S)), times=1)
    programmed = [one.program(tovi.proxy) for one in planned]
    async with tovi.at_work("429"):
        pass
    refused = [request.at_s for one in programmed for request in one.happened]
    assert len(refused) == sum(one.times or 0 for one in planned)
    asked = [request.at_s for request in tovi.proxy.requests()]
    too_early = [at for at in asked if any(1 < at - since < RETRY_AFTER_S for since in refused)]
    assert too_early == []


async def test_jobs_go_on_when_the_api_server_is_back(tovi: House) -> None:
    async with tovi.at_work("away") as people:
        await people.running(await people.submit(SLOW))
        with tovi.proxy.away():
            job = await people.submit(SHORT)
            await people.told(job, "the cluster did not answer")


async def test_jobs_go_on_when_the_api_server_stood_still(tovi: House) -> None:
    async with tovi.at_work("paused") as people:
        await people.running(await people.submit(SLOW))
        with tovi.proxy.paused():
            await people.submit(SHORT)
            await asyncio.sleep(PAUSE_S)  # this is the fault


async def test_a_task_waits_for_the_quota_says_so_and_starts_when_there_is_room(tovi: House) -> None:
    tovi.proxy.program(faults.refused(answers.over_quota), verb="create", times=UNTIL_FORGOTTEN)
    async with tovi.at_work("quota") as people:
        job = await people.submit(SHORT)
        await people.told(job, "exceeded quota")
        tovi.proxy.forget()


async def test_a_real_quota_is_waited_for_too(tovi: House) -> None:
    with no_room_for_pods(tovi.place.namespace):
        async with tovi.people("real quota") as people:
            job = await people.submit(SHORT)
            await people.told(job, f"exceeded quota: {QUOTA}")
            make_room_for_pods(tovi.place.namespace)
    assert people.ends == ["succeeded"]


async def test_a_renewed_token_is_read(tovi: House) -> None:
    async with tovi.at_work("401") as people:
        await people.running(await people.submit(SLOW))
        tovi.proxy.rotate_token()
        tovi.proxy.cut()
