"""The event feed and the machines, as others read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from scheduler.snapshot import Node
from tests.contract.store_house import DAWN, House, stage
from tovi_server.core.events import Exited
from tovi_server.core.ids import JobId
from tovi_server.core.reasons import EndReason
from tovi_server.core.resources import GIB, Resources
from tovi_server.core.views import EventView

pytest_plugins = ("tests.contract.store_fixtures",)

ALPHA = Node("alpha", Resources(4000, 8 * GIB, GIB, 2, ("a100",), 40 * GIB))
BETA = Node("beta", Resources(2000, GIB), ready=False)


async def test_before_the_first_event_there_is_none(house: House) -> None:
    assert await house.store.last_event() == 0
    assert await house.store.events(after=0, limit=10, job=None, projects=None) == ()


async def test_the_last_event_is_the_last_of_the_feed(house: House) -> None:
    await house.submit()
    events = await house.store.events(after=0, limit=10, job=None, projects=None)
    assert events[-1].seq == await house.store.last_event()


async def test_a_feed_goes_on_after_the_last_one_seen(house: House) -> None:
    job = await house.submit()
    await house.run(f"{job}.main.0")
    whole = await house.store.events(after=0, limit=100, job=None, projects=None)
    pieces: list[EventView] = []
    while piece := await house.store.events(after=pieces[-1].seq if pieces else 0, limit=2, job=None, projects=None):
        pieces += piece
    assert tuple(pieces) == whole


async def test_a_feed_is_narrowed_to_a_job_or_to_projects(house: House) -> None:
    first, second = await house.submit(), await house.submit(project="other")
    assert {event.job for event in await house.store.events(after=0, limit=9, job=second, projects=None)} == {second}
    assert {event.job for event in await house.store.events(after=0, limit=9, job=None, projects=["lab"])} == {first}
    assert await house.store.events(after=0, limit=9, job=None, projects=[]) == ()
    assert await house.store.events(after=2**80, limit=9, job=JobId(2**80), projects=None) == ()


async def test_an_end_is_told_with_its_reason_and_place(house: House) -> None:
    job = await house.submit(stage(tasks=2))
    (one,) = await house.start(f"{job}.main.1")
    facts = Exited(one.attempt, DAWN, EndReason.OUT_OF_MEMORY, 137, "used 3 GiB of 2 GiB")
    await house.store.record([facts])
    told = (await house.store.events(after=0, limit=99, job=job, projects=None))[-1]
    assert (told.kind, told.stage, told.index, told.attempt, told.at) == ("failed", "main", 1, 1, DAWN)
    assert told.data == {
        "node": "n1",
        "reason": "out-of-memory",
        "exit_code": 137,
        "message": "used 3 GiB of 2 GiB",
    }


async def test_many_tasks_without_rows_are_one_event(house: House) -> None:
    job = await house.submit(stage(tasks=100))
    await house.dispatch(f"{job}.main.0")
    await house.cancel(job)
    told = await house.store.events(after=0, limit=99, job=job, projects=None)
    (cancelled,) = [event for event in told if event.kind == "cancelled"]
    assert (cancelled.stage, cancelled.index) == ("main", None)
    assert cancelled.data == {"tasks": 99, "first": 1, "last": 99}


async def test_machines_are_remembered_until_they_are_gone(house: House) -> None:
    await house.store.record_nodes([BETA, ALPHA], now=DAWN)
    assert await house.store.nodes() == ((ALPHA, DAWN), (BETA, DAWN))
    await house.store.record_nodes([BETA], now=DAWN)
    assert await house.store.nodes() == ((BETA, DAWN),)
    await house.store.record_nodes([], now=DAWN)
    assert await house.store.nodes() == ()


async def test_what_others_took_of_a_machine_is_remembered(house: House) -> None:
    shared = replace(ALPHA, foreign=Resources(cpu_millicores=500, gpus=1), slots=109)
    await house.store.record_nodes([ALPHA, BETA], now=DAWN)
    await house.store.record_nodes([shared, BETA], now=DAWN + timedelta(seconds=1))
    assert await house.store.nodes() == ((shared, DAWN + timedelta(seconds=1)), (BETA, DAWN))


async def test_machines_seen_again_a_moment_later_are_not_written_again(house: House) -> None:
    soon, later = DAWN + timedelta(seconds=2), DAWN + timedelta(seconds=30)
    for now in (DAWN, soon):
        await house.store.record_nodes([ALPHA], now=now)
    assert await house.store.nodes() == ((ALPHA, DAWN),)
    await house.store.record_nodes([ALPHA], now=later)
    assert await house.store.nodes() == ((ALPHA, later),)


async def test_a_look_shows_what_waits_and_runs_of_jobs_to_which_something_happened(house: House) -> None:
    first, second = await house.submit(), await house.submit()
    (running,) = await house.start(f"{first}.main.0")
    everything = await house.store.look(after=None)
    assert everything is not None
    assert (everything.last, everything.jobs) == (await house.store.last_event(), None)
    assert [entry.job for entry in everything.waiting] == [second]
    await house.hold(second)
    news = await house.store.look(after=everything.last)
    assert news is not None
    assert (news.last, news.jobs) == (await house.store.last_event(), frozenset({second}))
    assert [(entry.job, entry.held) for entry in news.waiting] == [(second, True)]
    assert [one.attempt for one in news.active] == [running.attempt]
    assert await house.store.look(after=news.last) is None


async def test_more_news_than_can_be_named_are_of_all_jobs(house: House) -> None:
    first, second = await house.submit(stage(tasks=401)), await house.submit(stage(tasks=701))
    seen = await house.store.last_event()
    await house.dispatch(*(f"{first}.main.{index}" for index in range(400)))
    named = await house.store.look(after=seen)
    await house.dispatch(*(f"{second}.main.{index}" for index in range(700)))
    unnamed = await house.store.look(after=seen)
    assert named is not None
    assert unnamed is not None
    assert (named.jobs, unnamed.jobs) == (frozenset({first}), None)
    assert {entry.job for entry in unnamed.waiting} == {first, second}
