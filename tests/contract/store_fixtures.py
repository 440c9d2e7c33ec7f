"""A plugin of the store's tests: a database of each kind, and a store on it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contract.postgres import PostgresServer, postgres_server
from tests.contract.store_house import House
from tovi_server.store.engine import Database

__all__ = ["postgres_server"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest) -> str:
    """Of a database without tables, of each kind."""
    if request.param == "sqlite":
        return "sqlite:///tovi.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create_database()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database with tables and nothing in them, of each kind: a copy, because migrating takes a while."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "tovi.db")
        return "sqlite:///tovi.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create_database(template=request.getfixturevalue("postgres_template"))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("template")
    _open_and_close("sqlite:///tovi.db", base)
    return base / "tovi.db"


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    url = postgres_server.create_database()
    _open_and_close(url, tmp_path_factory.mktemp("template"))
    return url


def _open_and_close(url: str, base: Path) -> None:
    async def open_and_close() -> None:
        await Database.open(url, base=base).close()

    asyncio.run(open_and_close())


@pytest_asyncio.fixture
async def database(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    database = Database.open(database_url, base=tmp_path)
    yield database
    await database.close()


@pytest.fixture
def house(database: Database) -> House:
    return House(database)
