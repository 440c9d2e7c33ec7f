"""Servers that share a database and a data directory: they wake each other, and one schedules, whatever happens."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from tests import processes
from tests.contract.postgres import PostgresServer, postgres_server
from tests.integration.faults.aftermath import read_history
from tests.integration.faults.load import Load
from tests.integration.faults.program import Ground
from tests.integration.faults.split import DEADLINE_S, Other, split_server, the_leader
from tests.integration.history import problems
from tests.live import Live
from tests.waiting import eventually

__all__ = ["postgres_server"]

pytestmark = [pytest.mark.openssh, pytest.mark.postgres]

RARELY = '[scheduler]\ninterval = "1h"\n'
SMALL = '[executor.local]\ncpus = 4\nmemory = "16G"\ndisk = "100G"\n'
SUBMITS_PER_S = 10
HELLO = b"run: echo hello"

Split = tuple[Live, Sequence[Other]]


@pytest.fixture
def url(postgres_server: PostgresServer) -> str:
    return postgres_server.create_database()


@pytest.fixture
def split(url: str) -> Iterator[Split]:
    """A receiver that runs, and two schedulers that do not."""
    with split_server(url, SMALL, others=2) as servers:
        yield servers


def test_a_job_runs_though_who_receives_and_who_schedules_only_meet_in_the_database(url: str) -> None:
    """And soon: without being woken the scheduler would look in an hour."""
    with split_server(url, RARELY, others=1) as (live, (other,)):
        other.start()

        submitted = live.ssh("submit", "--wait", stdin=HELLO)

        assert (submitted.code, live.ssh("logs", "1").out) == (0, b"hello\n")
        assert processes.called("tovi-scheduler", live.parts()) == set()
        assert processes.called("tovi-receiver", processes.of_session(other.pid)) == set()


def test_what_is_submitted_while_nobody_schedules_waits_for_who_will(split: Split) -> None:
    live, (first, _) = split
    live.ssh("submit", stdin=HELLO)

    first.start()

    assert live.ssh("wait", "1").code == 0


def test_of_two_schedulers_one_leads_and_the_other_is_ready_to(split: Split) -> None:
    live, (first, second) = split
    first.start()
    second.start()

    assert the_leader([first, second]) is first
    assert (second.probe("/ready"), second.events().count("leading")) == ((200, "ready\n"), 0)
    assert live.ssh("submit", "--wait", stdin=HELLO).code == 0


def test_a_leader_that_ends_in_good_order_gives_its_lease_back(split: Split, url: str) -> None:
    live, (first, second) = split
    first.start()
    second.start()

    first.stop()

    assert is_free_or_taken_again(url)
    assert the_leader([second]) is second
    assert live.ssh("submit", "--wait", stdin=HELLO).code == 0


def is_free_or_taken_again(url: str) -> bool:
    """Long before it would have been over."""
    with database(url) as connection:
        query = text("SELECT until <= clock_timestamp() OR epoch > 1 FROM leases")
        return bool(connection.execute(query).scalar_one())


async def test_a_leader_whose_machine_dies_under_load_loses_nothing_and_is_followed_in_time(split: Split) -> None:
    live, servers = split
    for one in servers:
        await asyncio.to_thread(one.start)
    load = Load(live, Ground(live.folder / "ground"), random.Random(4), "roles")

    async with load.running(SUBMITS_PER_S):
        for _ in range(2):
            leader = await asyncio.to_thread(the_leader, servers)
            await asyncio.to_thread(_some_more_answered, load)
            await asyncio.to_thread(leader.kill)
            await asyncio.to_thread(the_leader, servers)
            await asyncio.to_thread(leader.start)
        await asyncio.to_thread(_some_more_answered, load)

    history = await read_history(load)
    assert (problems(history), load.refusals) == ([], [])
    assert sum(submit.job is not None for submit in history.submits) > 30


def _some_more_answered(load: Load) -> None:
    before = len(load.answered_at)
    eventually(lambda: len(load.answered_at) >= before + 10)


async def test_a_leader_that_stood_still_for_longer_than_its_lease_ends_itself(split: Split) -> None:
    live, (first, second) = split
    await asyncio.to_thread(first.start)
    await asyncio.to_thread(second.start)
    load = Load(live, Ground(live.folder / "ground"), random.Random(5), "still")

    async with load.running(SUBMITS_PER_S):
        await asyncio.to_thread(_some_more_answered, load)
        stopped = first.part
        os.kill(stopped, signal.SIGSTOP)
        await asyncio.to_thread(the_leader, [second])
        await asyncio.to_thread(_some_more_answered, load)
        os.kill(stopped, signal.SIGCONT)
        await asyncio.to_thread(processes.wait_gone, [stopped], deadline_s=DEADLINE_S)
        await asyncio.to_thread(_some_more_answered, load)

    history = await read_history(load)
    assert (problems(history), load.refusals) == ([], [])
    assert eventually(lambda: first.probe("/ready") == (200, "ready\n"))
    assert (first.leads(), second.leads()) == (False, True)


async def test_a_leader_whose_lease_was_taken_writes_nothing_any_more(split: Split, url: str) -> None:
    live, (server, _) = split
    await asyncio.to_thread(server.start)
    load = Load(live, Ground(live.folder / "ground"), random.Random(6), "taken")

    async with load.running(SUBMITS_PER_S):
        await asyncio.to_thread(_some_more_answered, load)
        leading = server.part
        taken_at = steal_lease(url)
        await asyncio.to_thread(processes.wait_gone, [leading], deadline_s=DEADLINE_S)
        await asyncio.to_thread(_some_more_answered, load)
        of_schedulers = scheduled_since(url, taken_at)
        give_lease_back(url)
        await asyncio.to_thread(the_leader, [server])

    assert of_schedulers == 0
    assert "lease_lost" in server.events()
    history = await read_history(load)
    assert (problems(history), load.refusals) == ([], [])


def steal_lease(url: str) -> int:
    """As another scheduler takes it, in a transaction like all that write; the last event before that."""
    with database(url) as connection:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({0x546F7669})"))
        connection.execute(text("UPDATE leases SET epoch = epoch + 1, holder = 'a thief', until = 'infinity'"))
        return int(connection.execute(text("SELECT max(seq) FROM events")).scalar_one())


def give_lease_back(url: str) -> None:
    with database(url) as connection:
        connection.execute(text("UPDATE leases SET until = clock_timestamp()"))


def scheduled_since(url: str, event: int) -> int:
    """How many events that only a scheduler can cause came after an event."""
    kinds = "('dispatched', 'started', 'succeeded', 'failed', 'requeued')"
    with database(url) as connection:
        query = text(f"SELECT count(*) FROM events WHERE seq > {event} AND kind IN {kinds}")
        return int(connection.execute(query).scalar_one())


def test_a_database_that_is_away_for_longer_than_a_lease_is_waited_for(
    split: Split, url: str, postgres_server: PostgresServer
) -> None:
    live, (first, second) = split
    name = make_url(url).database
    first.start()
    second.start()
    leading = the_leader([first, second]).part

    postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    postgres_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    processes.wait_gone([leading], deadline_s=DEADLINE_S)
    assert first.probe("/live") == second.probe("/live") == (200, "live\n")
    postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    the_leader([first, second])
    assert eventually(lambda: live.ssh("submit", "--wait", stdin=HELLO).code == 0)


@pytest.mark.parametrize("scheduler_first", [True, False])
def test_whichever_starts_first_brings_an_older_database_up_to_date(
    split: Split, url: str, scheduler_first: bool
) -> None:
    live, (other, _) = split
    live.ssh("submit", stdin=HELLO)
    live.stop()
    take_back(url)

    for start in (other.start, live.start) if scheduler_first else (live.start, other.start):
        start()

    assert live.ssh("wait", "1").code == 0
    assert the_leader([other]) is other


def take_back(url: str) -> None:
    """To the schema before there were leases."""
    with database(url) as connection:
        connection.execute(text("DROP TABLE leases, outages, preferences"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))


@contextmanager
def database(url: str) -> Iterator[Connection]:
    """A transaction of ours."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_a_server_with_all_parts_may_have_another_beside_it(split: Split) -> None:
    live, (other, _) = split
    other.start("--role", "all", "--listen", "127.0.0.1:0")

    assert live.ssh("submit", "--wait", stdin=HELLO).code == 0
    assert the_leader([other]) is other


def test_probes_hear_when_a_part_is_away_and_how_often_that_was(split: Split) -> None:
    _, (other, _) = split
    other.start()
    assert (other.probe("/live"), other.probe("/ready")) == ((200, "live\n"), (200, "ready\n"))

    os.kill(other.part, signal.SIGKILL)

    assert eventually(lambda: 'tovi_part_restarts_total{part="scheduler"} 1.0\n' in other.probe("/metrics")[1])
    assert eventually(lambda: other.probe("/ready") == (200, "ready\n"))


@pytest.mark.parametrize("role", ["receiver", "scheduler"])
def test_a_part_of_a_server_with_sqlite_is_refused_with_a_way_out(role: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tovi_server", "serve", "--data", tmp_path, "--role", role],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 2
    assert f"usage: a server that is only a {role} needs PostgreSQL" in ended.stderr
    assert 'hint: set [database] url = "postgresql://' in ended.stderr
