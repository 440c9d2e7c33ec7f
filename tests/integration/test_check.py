"""`tovi-server check` on one machine: the data directory, the database, the host keys."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncssh
import pytest

from tests.contract.postgres import PostgresServer, postgres_server
from tovi_server.__main__ import run
from tovi_server.app import log_form
from tovi_server.store import schema

__all__ = ["postgres_server"]

Capture = pytest.CaptureFixture[str]
KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()


@pytest.fixture(autouse=True)
def _no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log's form belongs to the process, which here is the tests'."""
    monkeypatch.setattr(log_form, "set_up", lambda: None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "key.pub").write_text(KEY)
    assert run(["init", "--data", f"{tmp_path}/data", "--admin", "ada", "--key", f"{tmp_path}/key.pub"]) == 0
    return tmp_path / "data"


def check(data: Path, capsys: Capture) -> tuple[int, str]:
    capsys.readouterr()
    return run(["check", "--data", str(data)]), capsys.readouterr().out


def test_a_fresh_data_directory_has_all_that_it_needs(data: Path, capsys: Capture) -> None:
    code, told = check(data, capsys)

    assert code == 0
    assert [line.partition(":")[0] for line in told.splitlines()] == [
        "fine   data directory",
        "fine   database",
        "fine   host keys",
    ]


def test_what_others_can_read_or_must_pass_comes_with_the_mode_that_it_needs(data: Path, capsys: Capture) -> None:
    (data / "server").chmod(0o755)
    (data / "scratch").chmod(0o700)

    code, told = check(data, capsys)

    assert code == 1
    assert f"chmod 700 {data}/server" in told
    assert f"chmod 0711 {data}/scratch" in told


@pytest.mark.root
def test_what_belongs_to_somebody_else_is_told(data: Path, capsys: Capture) -> None:
    os.chown(data / "projects", 4711, -1)

    code, told = check(data, capsys)

    assert code == 1
    assert f"{data}/projects belongs to uid 4711, and this is uid 0" in told


def test_a_folder_that_is_no_data_directory_is_all_that_is_told(tmp_path: Path, capsys: Capture) -> None:
    code, told = check(tmp_path, capsys)

    assert code == 1
    assert told.splitlines() == [
        f"short  data directory: {tmp_path} is no data directory of Tovi",
        f"         `tovi-server init --data {tmp_path} …` makes one",
    ]


def test_a_host_key_that_is_missing_is_told(data: Path, capsys: Capture) -> None:
    (data / "server/ssh_host_rsa_key").unlink()

    code, told = check(data, capsys)

    assert code == 1
    assert f"short  host keys: no host key at {data}/server/ssh_host_rsa_key" in told


def test_an_older_database_is_left_as_it_is(data: Path, capsys: Capture) -> None:
    _set_schema(data, "0001")

    code, told = check(data, capsys)

    assert code == 0
    assert f"at schema 0001; a server of this version brings it to {schema.HEAD} when it starts" in told
    assert _schema(data) == "0001"


def test_a_database_of_a_newer_version_falls_short(data: Path, capsys: Capture) -> None:
    _set_schema(data, "9999")

    code, told = check(data, capsys)

    assert code == 1
    assert "install the newer version again" in told


def test_a_database_that_was_never_filled_is_told_with_what_fills_it(data: Path, capsys: Capture) -> None:
    for file in (data / "server").glob("tovi.db*"):
        file.unlink()

    code, told = check(data, capsys)

    assert code == 1
    assert f"tovi-server init --data {data}" in told
    assert not (data / "server/tovi.db").exists()


def test_a_scheduler_needs_no_host_keys_and_a_receiver_no_cluster(
    data: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOVI_SERVER__EXECUTOR__KIND", "kubernetes")

    monkeypatch.setenv("TOVI_SERVER__SERVER__ROLE", "scheduler")
    _, of_a_scheduler = check(data, capsys)
    monkeypatch.setenv("TOVI_SERVER__SERVER__ROLE", "receiver")
    _, of_a_receiver = check(data, capsys)

    assert ("host keys" in of_a_scheduler, "api server" in of_a_scheduler) == (False, True)
    assert ("host keys" in of_a_receiver, "api server" in of_a_receiver) == (True, False)


def test_a_cluster_of_which_it_is_not_known_where_it_is_falls_short(
    data: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOVI_SERVER__EXECUTOR__KIND", "kubernetes")

    code, told = check(data, capsys)

    assert (code, "short  api server: the cluster cannot be reached as a pod" in told) == (1, True)


@pytest.mark.postgres
def test_an_empty_postgresql_can_be_reached(
    postgres_server: PostgresServer, data: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOVI_SERVER__DATABASE__URL", postgres_server.create_database())

    code, told = check(data, capsys)

    assert (code, "short  database: it is empty, or not there" in told) == (1, True)


def test_a_database_that_does_not_answer_is_told(data: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOVI_SERVER__DATABASE__URL", f"postgresql://tovi@/tovi?host={data}/no-socket-here")

    code, told = check(data, capsys)

    assert (code, "short  database: the database did not answer" in told) == (1, True)


def _schema(data: Path) -> str:
    with closing(sqlite3.connect(data / "server/tovi.db")) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _set_schema(data: Path, version: str) -> None:
    with closing(sqlite3.connect(data / "server/tovi.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (version,))
