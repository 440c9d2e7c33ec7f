"""A server that cannot keep its promises does not start: it says why in three lines, and changes nothing."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.faults.disks import set_database_apart, small_disk
from tests.live import Live, live_server, made_server, run
from tests.ssh_edge import Ended

pytestmark = pytest.mark.openssh


@pytest.fixture
def made() -> Iterator[Live]:
    with made_server() as live:
        yield live


def start(live: Live) -> Ended:
    """What `serve` answers that should end by itself."""
    settings = live.folder / "tovi.toml"
    config = ["--config", str(settings)] if settings.exists() else []
    words = [sys.executable, "-m", "tovi_server", "serve", "--data", str(live.data), "--listen", "127.0.0.1:0"]
    return run([*words, *config], deadline_s=30)


def assert_refused(ended: Ended, says: str) -> None:
    assert ended.code not in (0, 255), ended
    assert ended.out == b"", "it never says that it listens"
    told = [line for line in ended.err.decode().splitlines() if not line.startswith(("{", "20"))]
    assert re.fullmatch("[a-z-]+: .+", told[0]), ended.err.decode()
    assert all(line.startswith(("  why:  ", "  hint: ")) for line in told[1:]), ended.err.decode()
    assert says in ended.err.decode()
    assert b"Traceback" not in ended.err


def test_a_second_server_on_the_same_data_is_refused_and_the_first_goes_on() -> None:
    with live_server() as live:
        assert_refused(start(live), "another server runs on")

        assert live.ssh("run", "--", "echo", "fine").code == 0


@pytest.mark.parametrize(("key", "mode"), [("ssh_host_ed25519_key", 0o644), ("ssh_host_rsa_key", 0o640)])
def test_a_host_key_that_others_can_read_is_refused(made: Live, key: str, mode: int) -> None:
    (made.data / "server" / key).chmod(mode)

    assert_refused(start(made), f"others can read the host key {made.data}/server/{key}")

    (made.data / "server" / key).chmod(0o600)
    made.start()
    assert made.ssh("whoami").code == 0


def test_a_host_key_that_is_gone_is_not_replaced(made: Live) -> None:
    (made.data / "server" / "ssh_host_ed25519_key").unlink()

    assert_refused(start(made), "no host key at")

    assert not (made.data / "server" / "ssh_host_ed25519_key").exists()


def test_a_database_that_others_can_read_is_refused(made: Live) -> None:
    (made.data / "server" / "tovi.db").chmod(0o644)

    assert_refused(start(made), "others may read the database")


def test_a_database_of_a_newer_version_is_left_alone(made: Live) -> None:
    file = made.data / "server" / "tovi.db"
    with sqlite3.connect(file) as database:
        (ours,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
        database.execute("UPDATE alembic_version SET version_num = '9999_future'")
    database.close()

    assert_refused(start(made), "newer")

    with sqlite3.connect(file) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999_future",)
        database.execute("UPDATE alembic_version SET version_num = ?", (ours,))
    database.close()
    made.start()
    assert made.ssh("whoami").code == 0


@pytest.mark.mount
def test_a_data_directory_that_cannot_be_written_is_refused_until_it_can(made: Live) -> None:
    with small_disk(made.data, megabytes=64) as disk:
        disk.make_read_only()

        assert_refused(start(made), "the data directory cannot be written")

        disk.make_writable()
        made.start()
        assert made.ssh("whoami").code == 0
        made.stop()


@pytest.mark.mount
def test_a_database_that_cannot_be_written_is_refused_until_it_can(made: Live) -> None:
    with small_disk(set_database_apart(made), megabytes=16) as disk:
        disk.make_read_only()

        assert_refused(start(made), "the database")

        disk.make_writable()
        made.start()
        assert made.ssh("whoami").code == 0
        made.stop()


def test_a_file_that_is_no_database_is_left_alone(made: Live) -> None:
    file = made.data / "server" / "tovi.db"
    file.write_bytes(b"this is somebody's diary, not a database\n" * 100)

    assert_refused(start(made), "unavailable: ")

    assert file.read_bytes().startswith(b"this is somebody's diary")


def test_a_folder_that_is_no_data_directory_is_refused_and_left_alone(made: Live, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    words = [sys.executable, "-m", "tovi_server", "serve", "--listen", "127.0.0.1:0", "--data"]

    assert_refused(run([*words, str(empty)]), "init")
    assert_refused(run([*words, str(tmp_path / "nowhere")]), "init")

    assert list(tmp_path.iterdir()) == [empty]
    assert list(empty.iterdir()) == []


def test_wrong_settings_are_named(made: Live) -> None:
    for text, says in (("[server]\nlisen = []\n", "lisen"), ("[servers]\n", "servers"), ("[server\n", "line 1")):
        (made.data / "server" / "tovi.toml").write_text(text)
        (made.data / "tovi.toml").write_text(text)

        assert_refused(start(made), says)
