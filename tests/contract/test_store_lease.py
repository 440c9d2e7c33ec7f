"""The lease of a PostgreSQL: one holder at a time, in ever higher epochs, and nothing is written in an old one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text, update

from scheduler.snapshot import Active, Node, Placement
from tests.contract.postgres import PostgresServer
from tests.contract.store_house import House
from tovi_server.core.errors import LeaseLostError
from tovi_server.core.events import Started
from tovi_server.core.ids import JobId, TaskId
from tovi_server.core.resources import Resources
from tovi_server.core.states import TaskState
from tovi_server.store import lease, tables
from tovi_server.store.engine import Database
from tovi_server.store.jobs import JobStore
from tovi_server.store.lease import Lease
from tovi_server.store.leases import LeaseStore

pytest_plugins = ("tests.contract.store_fixtures",)
pytestmark = pytest.mark.postgres

LONG = timedelta(hours=1)


@pytest.fixture
async def database(postgres_server: PostgresServer, postgres_template: str, tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database.open(postgres_server.create_database(template=postgres_template), base=tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def leases(database: Database) -> LeaseStore:
    return LeaseStore(database)


async def taken(leases: LeaseStore, holder: str, *, lasting: timedelta = LONG) -> Lease:
    held = await leases.take("scheduler", holder, lasting=lasting)
    assert held is not None
    return held


async def expire(database: Database) -> None:
    """As if the holder had not renewed it for as long as it lasts."""

    def write(connection: Connection) -> None:
        connection.execute(update(tables.leases).values(until=text("clock_timestamp()")))

    await database.write(write)


async def test_the_first_takes_it_and_the_second_does_not(leases: LeaseStore) -> None:
    assert await taken(leases, "one") == Lease("scheduler", "one", epoch=1)
    assert await leases.take("scheduler", "two", lasting=LONG) is None


async def test_of_many_who_ask_at_once_one_gets_it(leases: LeaseStore) -> None:
    asked = [leases.take("scheduler", f"holder {number}", lasting=LONG) for number in range(20)]
    assert sum(held is not None for held in await asyncio.gather(*asked)) == 1


async def test_leases_of_other_names_are_others(leases: LeaseStore) -> None:
    await taken(leases, "one")
    assert await leases.take("something else", "two", lasting=LONG) is not None


async def test_one_that_is_over_can_be_taken_in_a_higher_epoch(leases: LeaseStore, database: Database) -> None:
    await taken(leases, "one")
    await expire(database)
    assert (await taken(leases, "two")).epoch == 2


async def test_one_that_was_given_back_can_be_taken_at_once_and_its_epoch_is_never_used_again(
    leases: LeaseStore,
) -> None:
    await leases.release(await taken(leases, "one"))
    assert (await taken(leases, "two")).epoch == 2


async def test_a_holder_that_did_not_hear_the_answer_may_ask_again(leases: LeaseStore) -> None:
    first = await taken(leases, "one")
    again = await taken(leases, "one")
    assert again.epoch == first.epoch + 1


async def test_a_renewed_one_lasts_from_then_on(leases: LeaseStore, database: Database) -> None:
    held = await taken(leases, "one")
    await expire(database)
    await leases.renew(held, lasting=LONG)
    assert await leases.take("scheduler", "two", lasting=LONG) is None


async def test_one_that_somebody_else_took_is_neither_renewed_nor_given_back(
    leases: LeaseStore, database: Database
) -> None:
    lost = await taken(leases, "one")
    await expire(database)
    await taken(leases, "two")

    with pytest.raises(LeaseLostError, match="epoch 1, and is in 2"):
        await leases.renew(lost, lasting=LONG)
    await leases.release(lost)
    assert await leases.take("scheduler", "three", lasting=LONG) is None


async def test_the_clock_is_the_databases_at_the_moment_of_the_taking(leases: LeaseStore, database: Database) -> None:
    """A transaction may have begun long before: it waits for the write lock."""

    def take_late(connection: Connection) -> Lease | None:
        connection.execute(text("SELECT pg_sleep(0.3)"))
        return lease.take(connection, "scheduler", "two", LONG)

    await taken(leases, "one", lasting=timedelta(seconds=0.1))
    assert await database.write(take_late) == Lease("scheduler", "two", epoch=2)


async def test_a_leader_writes_as_long_as_nobody_took_its_lease(leases: LeaseStore, database: Database) -> None:
    house = House(database)
    house.store = house.store.as_leader(await taken(leases, "one"))
    job = await house.submit()
    await expire(database)

    await house.run(f"{job}.main.0")

    assert await house.state(f"{job}.main.0") is TaskState.SUCCEEDED


async def test_all_that_an_old_leader_writes_is_refused_and_changes_nothing(
    leases: LeaseStore, database: Database
) -> None:
    house = House(database)
    old = house.store.as_leader(await taken(leases, "one"))
    job = await house.submit()
    (running,) = await house.dispatch(f"{job}.main.0")
    waiting = await house.submit()
    await expire(database)
    await taken(leases, "two")
    before = await everything(database)

    tries: list[Callable[[], Awaitable[object]]] = [
        lambda: old.dispatch([Placement(TaskId(waiting, "main", 0), "n1")], now=house.now()),
        lambda: old.record([Started(running.attempt, house.now())]),
        lambda: old.record_nodes([Node("n2", Resources(cpu_millicores=1000))], now=house.now()),
    ]
    assert [await is_refused(one) for one in tries * 5] == [True] * 15
    assert await everything(database) == before


async def test_a_refused_write_does_not_spoil_others_of_the_same_transaction(
    leases: LeaseStore, database: Database
) -> None:
    house = House(database)
    old = house.store.as_leader(await taken(leases, "one"))
    await expire(database)
    await taken(leases, "two")

    refused, *jobs = await asyncio.gather(
        old.dispatch([], now=house.now()), *(house.submit() for _ in range(10)), return_exceptions=True
    )

    assert isinstance(refused, LeaseLostError)
    assert set(jobs) == set(range(1, 11))


async def test_of_two_leaders_at_work_the_new_one_alone_gets_on(leases: LeaseStore, database: Database) -> None:
    """As they compete for the same tasks: whatever was dispatched, was by one of them, and nothing twice."""
    house = House(database)
    jobs = [await house.submit() for _ in range(40)]
    old = house.store.as_leader(await taken(leases, "one"))
    started: list[Active] = []

    async def dispatch_by(store: JobStore, *, job: JobId) -> None:
        started.extend(await store.dispatch([Placement(TaskId(job, "main", 0), "n1")], now=house.now()))

    await asyncio.gather(*(dispatch_by(old, job=job) for job in jobs[:20]))
    await expire(database)
    new = house.store.as_leader(await taken(leases, "two"))
    answers = await asyncio.gather(
        *(dispatch_by(store, job=job) for job in jobs for store in (old, new)), return_exceptions=True
    )

    assert sum(isinstance(answer, LeaseLostError) for answer in answers) == 40
    assert [active.attempt.number for active in started] == [1] * 40


async def is_refused(write: Callable[[], Awaitable[object]]) -> bool:
    try:
        await write()
    except LeaseLostError:
        return True
    return False


async def everything(database: Database) -> list[object]:
    """All rows of all tables."""
    return await database.read(
        lambda connection: [connection.execute(select(table)).all() for table in tables.metadata.sorted_tables]
    )
