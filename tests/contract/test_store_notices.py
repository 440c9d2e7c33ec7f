"""Wake-ups over PostgreSQL: heard by others on the same database, also after it was away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.contract.postgres import PostgresServer
from tovi_server.store.engine import Database
from tovi_server.store.notices import Notices

pytest_plugins = ("tests.contract.store_fixtures",)
pytestmark = pytest.mark.postgres

DEADLINE_S = 30
A_MOMENT_S = 0.3
"""In which what must not happen would have."""


@pytest.fixture
def url(postgres_server: PostgresServer, postgres_template: str) -> str:
    return postgres_server.create_database(template=postgres_template)


@pytest.fixture
async def database(url: str, tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database.open(url, base=tmp_path)
    yield opened
    await opened.close()


class Ear(asyncio.Event):
    """Counts how often it was told."""

    times = 0

    def tell(self) -> None:
        self.times += 1
        self.set()


@asynccontextmanager
async def listening(notices: Notices) -> AsyncIterator[Ear]:
    """Once it listens indeed, which it tells by a first call; that is not counted."""
    heard = Ear()
    task = asyncio.create_task(notices.listen(heard.tell))
    try:
        await heard.wait()
        heard.clear()
        heard.times = 0
        yield heard
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_ring_is_heard_by_the_others_and_not_by_who_rings(database: Database, url: str) -> None:
    mine, other = Notices(database, url), Notices(database, url)
    async with asyncio.timeout(DEADLINE_S), listening(mine) as here, listening(other) as there:
        other.ring()
        await here.wait()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(A_MOMENT_S):
                await there.wait()

        mine.ring()
        await there.wait()


async def test_another_database_of_the_same_server_is_not_rung(
    database: Database, url: str, postgres_server: PostgresServer, postgres_template: str, tmp_path: Path
) -> None:
    elsewhere = postgres_server.create_database(template=postgres_template)
    strange = Database.open(elsewhere, base=tmp_path)
    mine, other = Notices(database, url), Notices(database, url)
    async with (
        asyncio.timeout(DEADLINE_S),
        listening(Notices(strange, elsewhere)) as there,
        listening(other) as here,
        listening(mine),
    ):
        mine.ring()
        await here.wait()
        assert not there.is_set()
    await strange.close()


async def test_a_flood_of_rings_is_few_notices(database: Database, url: str) -> None:
    mine, other = Notices(database, url), Notices(database, url)
    async with asyncio.timeout(DEADLINE_S), listening(mine), listening(other) as heard:
        for _ in range(10_000):
            mine.ring()
        await heard.wait()
    assert heard.times <= 3


async def test_after_its_connections_were_cut_it_listens_again_and_tells_that_some_may_be_missed(
    database: Database, url: str, postgres_server: PostgresServer
) -> None:
    mine, other = Notices(database, url), Notices(database, url)
    name = url.partition("?")[0].rpartition("/")[2]
    with capture_logs() as logs:
        async with asyncio.timeout(DEADLINE_S), listening(mine) as heard, listening(other):
            postgres_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            await heard.wait()
            heard.clear()

            other.ring()
            await heard.wait()
    assert {"unavailable", "available_again"} <= {entry["event"] for entry in logs}


async def test_while_the_database_is_away_ringing_is_harmless_and_listening_goes_on_trying(
    database: Database, url: str, postgres_server: PostgresServer
) -> None:
    mine, other = Notices(database, url), Notices(database, url)
    name = url.partition("?")[0].rpartition("/")[2]
    with capture_logs() as logs:
        async with asyncio.timeout(DEADLINE_S), listening(mine) as heard, listening(other):
            postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            postgres_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            other.ring()
            while "unavailable" not in {entry["event"] for entry in logs}:
                await asyncio.sleep(0.05)
            assert not heard.is_set()

            postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            await heard.wait()


async def test_who_listens_holds_one_connection_and_none_afterwards(
    database: Database, url: str, postgres_server: PostgresServer
) -> None:
    notices = Notices(database, url)
    async with asyncio.timeout(DEADLINE_S):
        async with listening(notices):
            assert postgres_server.listeners(url) == 1
        while postgres_server.listeners(url):
            await asyncio.sleep(0.05)
