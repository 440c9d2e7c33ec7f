"""The whole path with PostgreSQL as the database, and what becomes of it while that is away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.postgres import PostgresServer, postgres_server
from tests.live import Live, live_server

__all__ = ["postgres_server"]

pytestmark = [pytest.mark.openssh, pytest.mark.postgres]

PIPELINE = b"""
stages:
  make:
    array: 0..4
    run: echo $TOVI_INDEX > n
    outputs: {n: n}
  add:
    needs: [make]
    run: echo $(($(cat $TOVI_IN/make/*/n | paste -sd+)))
"""


@pytest.fixture
def live(postgres_server: PostgresServer) -> Iterator[Live]:
    url = postgres_server.create_database()
    with live_server(f'[database]\nurl = "{url}"\n') as server:
        yield server


def test_a_pipeline_runs_and_is_still_known_after_a_restart(live: Live) -> None:
    submitted = live.ssh("submit", "--wait", stdin=PIPELINE)
    before = live.ssh("logs", "1.add.0"), live.ssh("show", "1")
    live.restart()

    assert (submitted.code, submitted.out) == (0, b"1\n")
    assert before[0].out == b"10\n"
    assert (live.ssh("logs", "1.add.0"), live.ssh("show", "1")) == before
    assert live.ssh("submit", stdin=b"run: 'true'").out == b"2\n"


def test_while_the_database_refuses_everything_people_are_told_and_nothing_is_lost(
    live: Live, postgres_server: PostgresServer
) -> None:
    name = live_database(live)
    live.ssh("submit", stdin=b"run: 'true'")

    postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    postgres_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    away = live.ssh("submit", stdin=b"run: 'true'")
    postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    back = live.ssh("submit", "--wait", stdin=b"run: 'true'")

    assert away.code in {6, 255}  # 255: the client could not log in
    assert (back.code, live.ssh("wait", "1").code) == (0, 0)


def live_database(live: Live) -> str:
    """The name of the server's database."""
    return (live.folder / "tovi.toml").read_text().split("@/")[1].split("?")[0]
