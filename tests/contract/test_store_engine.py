"""The database itself: opened safely or not at all, migrated once, written durably, honest when the disk fails."""

from __future__ import annotations

import asyncio
import resource
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event, insert, select, text

from tests.contract.postgres import PostgresServer
from tests.contract.store_house import DAWN, House
from tovi_server.core.errors import UnavailableError, UsageError
from tovi_server.store import postgres, schema, tables
from tovi_server.store.engine import Database
from tovi_server.store.failure import StoreBrokenError

pytest_plugins = ("tests.contract.store_fixtures",)


@pytest.fixture
async def migrated(empty_url: str, tmp_path: Path) -> Database:
    database = Database.open(empty_url, base=tmp_path)
    yield database
    await database.close()


@pytest.fixture
async def sqlite(sqlite_template: Path, tmp_path: Path) -> Database:
    (tmp_path / "tovi.db").touch(0o600)
    (tmp_path / "tovi.db").write_bytes(sqlite_template.read_bytes())
    database = Database.open("sqlite:///tovi.db", base=tmp_path)
    yield database
    await database.close()


async def test_the_migrated_schema_is_that_of_the_tables(migrated: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [
            difference for difference in compare_metadata(context, tables.metadata) if "alembic" not in str(difference)
        ]

    assert await migrated.read(differences) == []


async def test_the_conditions_of_partial_indices_are_migrated_too(migrated: Database) -> None:
    """Alembic's comparison does not look at them."""

    def definitions(connection: Connection) -> set[str]:
        if connection.dialect.name == "sqlite":
            found = connection.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")).scalars()
        else:
            found = connection.execute(text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'")).scalars()
        return {" ".join(one.split()).replace(" ,", ",") for one in found if "alembic_version" not in one}

    def made_anew(connection: Connection) -> set[str]:
        tables.metadata.drop_all(connection)
        tables.metadata.create_all(connection)
        return definitions(connection)

    before = await migrated.write(definitions)
    assert before == await migrated.write(made_anew)


def test_the_newest_migration_is_the_one_the_program_knows() -> None:
    config = Config()
    config.set_main_option("script_location", "tovi_server.store:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


async def test_processes_that_open_it_at_once_migrate_it_once(empty_url: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        databases = list(threads.map(lambda _: Database.open(empty_url, base=tmp_path), range(8)))
    job = await House(databases[0]).submit(name="seen by all")
    assert {(await House(database).job(job)).name for database in databases} == {"seen by all"}
    for database in databases:
        await database.close()


async def test_a_newer_database_is_refused_and_left_as_it_is(database_url: str, tmp_path: Path) -> None:
    def set_version(connection: Connection) -> None:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    database = Database.open(database_url, base=tmp_path)
    await database.write(set_version)
    await database.close()
    for _ in range(2):
        with pytest.raises(UnavailableError, match="schema 9999"):
            Database.open(database_url, base=tmp_path)


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "", "sqlite+aiosqlite:///x"])
def test_other_databases_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no database"):
        Database.open(url, base=tmp_path)


def test_a_server_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="did not answer"):
        Database.open(f"postgresql:///tovi?host={tmp_path}", base=tmp_path)


async def test_sqlite_is_set_up_to_keep_what_it_acknowledged(sqlite: Database) -> None:
    def pragmas(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "mmap_size")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await sqlite.write(pragmas) == ["wal", 2, 1, 0]
    assert await sqlite.read(pragmas) == ["wal", 2, 1, 0]


async def test_sqlite_files_are_for_their_owner_alone(sqlite: Database, tmp_path: Path) -> None:
    await House(sqlite).submit()
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.glob("tovi.db*")}
    assert modes == {"tovi.db": "0o600", "tovi.db-wal": "0o600", "tovi.db-shm": "0o600"}


def test_a_database_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tovi.db").touch(0o644)
    with pytest.raises(UnavailableError, match="others may read"):
        Database.open("sqlite:///tovi.db", base=tmp_path)


def test_sqlite_on_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tovi_server.store.sqlite.network_file_system", lambda path: "nfs4")
    with pytest.raises(UnavailableError, match="nfs4"):
        Database.open("sqlite:///tovi.db", base=tmp_path)
    assert not (tmp_path / "tovi.db").exists()


async def test_reading_cannot_write(database: Database) -> None:
    values = {"name": "eve", "admin": True, "disabled": False, "current_project": None, "created_at": DAWN}
    with pytest.raises(Exception, match=r"(?i)read-?only|cannot be written"):
        await database.read(lambda connection: connection.execute(insert(tables.users), values))


async def test_many_writes_share_a_commit(database: Database) -> None:
    commits = 0

    def count(connection: Connection) -> None:
        nonlocal commits
        commits += 1

    event.listen(Engine, "commit", count)
    await asyncio.gather(*(House(database).submit() for _ in range(200)))
    event.remove(Engine, "commit", count)
    assert commits < 100


async def test_a_bug_in_one_write_fails_that_one_alone(database: Database) -> None:
    def bug(connection: Connection) -> None:
        connection.execute(insert(tables.users), {"name": None})

    house = House(database)
    answers = await asyncio.gather(house.submit(), database.write(bug), house.submit(), return_exceptions=True)
    assert [isinstance(answer, Exception) for answer in answers] == [False, True, False]
    assert (await house.rows())["jobs"] == 2


async def test_a_caller_that_gives_up_does_not_stop_the_others(database: Database) -> None:
    house = House(database)
    gone = asyncio.ensure_future(house.submit())
    await asyncio.sleep(0)
    gone.cancel()
    assert await house.submit() > 0
    assert gone.cancelled()


async def test_closing_finishes_what_was_asked_for(database_url: str, tmp_path: Path) -> None:
    database = Database.open(database_url, base=tmp_path)
    asked = [asyncio.ensure_future(House(database).submit()) for _ in range(50)]
    await asyncio.sleep(0)
    await database.close()
    assert len(set(await asyncio.gather(*asked))) == 50
    with pytest.raises(UnavailableError, match="stopping"):
        await House(database).submit()


async def test_the_order_of_the_feed_is_the_order_of_commit(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """A reader that only ever looks behind the last number it saw misses nothing of several writers."""
    others = [Database.open(database_url, base=tmp_path) for _ in range(2)]
    houses = [House(one) for one in (database, *others)]
    writing = [asyncio.ensure_future(house.submit()) for _ in range(60) for house in houses]
    seen: list[int] = []
    store = houses[0].store
    while not all(one.done() for one in writing) or seen[-1:] != [await store.last_event()]:
        after = seen[-1] if seen else 0
        seen += [one.seq for one in await store.events(after=after, limit=7, job=None, projects=None)]
    query = select(tables.events.c.seq).order_by(tables.events.c.seq)
    assert seen == await database.read(lambda connection: list(connection.execute(query).scalars()))
    for one in others:
        await one.close()


async def test_a_full_disk_loses_nothing_and_ends_with_the_room(sqlite: Database) -> None:
    def allow(connection: Connection, pages: int) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def is_full(connection: Connection) -> int:
        return connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    house = House(sqlite)
    kept = await house.submit()
    used = await sqlite.read(is_full)
    await sqlite.write(lambda connection: allow(connection, used))
    with pytest.raises(UnavailableError, match="full") as caught:
        await house.submit(note="x" * 10_000, text="x" * 100_000)
    assert not isinstance(caught.value, StoreBrokenError)
    await sqlite.write(lambda connection: allow(connection, 10**6))
    assert await house.submit() == kept + 1


async def test_after_a_disk_error_nothing_is_written_any_more(sqlite: Database) -> None:
    house = House(sqlite)
    kept = await house.submit()
    with _no_file_may_grow(), pytest.raises(StoreBrokenError, match="failed"):
        await house.submit(text="x" * 1_000_000)
    with pytest.raises(StoreBrokenError, match="failed"):
        await house.submit()
    assert sqlite.broken is not None
    assert (await house.job(kept)).id == kept


@contextmanager
def _no_file_may_grow() -> Iterator[None]:
    """Writes beyond 64 KiB of a file fail with EFBIG, which is none of the errors that pass."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.postgres
async def test_connections_that_were_cut_are_made_again(postgres_server: PostgresServer, tmp_path: Path) -> None:
    url = postgres_server.create_database()
    database = Database.open(url, base=tmp_path)
    house = House(database)
    job = await house.submit()
    name = url.partition("?")[0].rpartition("/")[2]
    postgres_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert (await house.job(job)).id == job
    assert await house.submit() == job + 1
    await database.close()


@pytest.mark.postgres
async def test_a_connection_cut_in_the_middle_is_unavailable(postgres_server: PostgresServer, tmp_path: Path) -> None:
    database = Database.open(postgres_server.create_database(), base=tmp_path)

    def cut(connection: Connection) -> None:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        postgres_server.execute(f"SELECT pg_terminate_backend({pid})")
        connection.execute(select(tables.jobs))

    with pytest.raises(UnavailableError, match="did not answer"):
        await database.write(cut)
    assert await House(database).submit() == 1
    await database.close()


def between_two_statements(_: psycopg.Connection, stand: Callable[[], object]) -> None:
    stand()


def in_the_middle_of_a_batch(connection: psycopg.Connection, stand: Callable[[], object]) -> None:
    with suppress(psycopg.Error), connection.pipeline():
        connection.execute("SELECT 1")
        stand()


def with_an_answer_to_read(connection: psycopg.Connection, stand: Callable[[], object]) -> None:
    connection.pgconn.send_query(b"SELECT repeat('x', 1000) FROM generate_series(1, 100000)")
    stand()


@pytest.mark.postgres
@pytest.mark.parametrize("where", [between_two_statements, in_the_middle_of_a_batch, with_an_answer_to_read])
async def test_who_stands_still_in_the_middle_of_a_write_does_not_keep_the_others_from_writing(
    where: Callable[[psycopg.Connection, Callable[[], object]], None],
    postgres_server: PostgresServer,
    postgres_template: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres, "_STILL", "2s")
    monkeypatch.setattr(postgres, "_PATIENCE", "0.2s")
    url = postgres_server.create_database(template=postgres_template)
    still, other = Database.open(url, base=tmp_path), Database.open(url, base=tmp_path)
    begun, go_on = threading.Event(), threading.Event()

    def stand_still(connection: Connection) -> None:
        held = cast("psycopg.Connection", connection.connection.dbapi_connection)
        where(held, lambda: (begun.set(), go_on.wait()))
        connection.execute(select(tables.jobs))

    standing = asyncio.ensure_future(still.write(stand_still))
    await asyncio.to_thread(begun.wait)
    async with asyncio.timeout(30):
        assert await House(other).submit() == 1

    go_on.set()
    with pytest.raises(UnavailableError, match="did not answer"):
        await standing
    await still.close()
    await other.close()


@pytest.mark.postgres
async def test_a_write_that_takes_long_is_waited_for(
    postgres_server: PostgresServer, postgres_template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_STILL", "2s")
    monkeypatch.setattr(postgres, "_PATIENCE", "0.1s")
    url = postgres_server.create_database(template=postgres_template)
    slow, other = Database.open(url, base=tmp_path), Database.open(url, base=tmp_path)
    began = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(connection: Connection) -> int:
        loop.call_soon_threadsafe(began.set)
        connection.exec_driver_sql("SELECT pg_sleep(3)")
        return connection.exec_driver_sql("SELECT 7").scalar_one()

    working = asyncio.ensure_future(slow.write(work))
    await began.wait()
    assert [await House(other).submit() for _ in range(20)] == [*range(1, 21)]
    assert await working == 7
    await slow.close()
    await other.close()
