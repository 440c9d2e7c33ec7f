"""Disks that are full or cannot be written: nothing acknowledged is lost, everything else says so, and it passes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.faults.disks import Disk, set_database_apart, small_disk
from tests.live import Live, made_server
from tests.ssh_edge import Ended
from tests.waiting import eventually

pytestmark = [pytest.mark.openssh, pytest.mark.mount]

SMALL = "resources: {cpus: 0.1, memory: 256M, disk: 1M}\n"


@contextmanager
def with_small_data_disk(megabytes: int = 64) -> Iterator[tuple[Live, Disk]]:
    """A server whose database is elsewhere, so that only its data can be full."""
    with made_server() as live:
        set_database_apart(live)
        with small_disk(live.data, megabytes=megabytes) as disk:
            live.start()
            yield live, disk
            live.stop()


@contextmanager
def with_small_database_disk(megabytes: int = 16) -> Iterator[tuple[Live, Disk]]:
    """A server whose database alone can be full."""
    with made_server() as live, small_disk(set_database_apart(live), megabytes=megabytes) as disk:
        live.start()
        yield live, disk
        live.stop()


def submitted(live: Live, run: str) -> str:
    """The id of a small job."""
    ended = live.ssh("submit", stdin=f"run: {run}\n{SMALL}".encode())
    assert ended.code == 0, ended
    return ended.out.decode().strip()


def works(live: Live) -> bool:
    """A job can be submitted and does what it should."""
    return live.ssh("submit", "--wait", stdin=f"run: true\n{SMALL}".encode()).code == 0


def state(live: Live, job: str) -> str:
    told = live.json("show", job)["state"]
    assert isinstance(told, str)
    return told


def test_an_upload_that_fills_the_disk_fails_and_leaves_nothing(tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(bytes(100 << 20))
    with with_small_data_disk() as (live, _):
        live.sftp("mkdir datasets/d")
        for mode in ("-s", "-O"):
            ended = live.scp(mode, str(big), "tovi:datasets/d/big")

            assert ended.code != 0
            assert b"full" in ended.err.lower() or b"no space" in ended.err.lower(), ended
            assert not (live.data / "projects" / "ada" / "datasets" / "d" / "big").exists()

        (tmp_path / "small").write_bytes(b"fits")
        live.sftp("-rm datasets/d/big")
        assert live.scp(str(tmp_path / "small"), "tovi:datasets/d/small").code == 0
        assert works(live)


def test_an_archive_that_does_not_fit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "tovi.yaml").write_text("run: true\n")
    (tmp_path / "big").write_bytes(bytes(100 << 20))
    packed = subprocess.run(["tar", "c", "-C", tmp_path, "tovi.yaml", "big"], check=True, capture_output=True).stdout
    with with_small_data_disk() as (live, _):
        ended = live.ssh("submit", "-", stdin=packed)

        assert (ended.code, ended.out) == (6, b""), ended
        assert ended.err.startswith(b"unavailable: the archive does not fit")
        assert live.json("jobs")["items"] == []
        assert list((live.data / "server" / "staging").iterdir()) == []


def test_a_log_that_fills_the_disk_ends_neither_the_server_nor_others() -> None:
    with with_small_data_disk() as (live, _):
        other = submitted(live, f"until [ -e {live.folder}/go ]; do sleep 0.1; done")
        filling = submitted(live, "cat /dev/zero; echo $? >&2; exit 7")
        eventually(lambda: state(live, filling) == "failed")

        assert live.json("show", filling)["exit_code"] == 7
        assert state(live, other) == "running"

        (live.folder / "go").touch()
        eventually(lambda: state(live, other) == "succeeded")
        (live.data / "projects" / "ada" / "jobs" / filling / "main.0" / "attempts" / "1" / "stdout.log").unlink()
        assert works(live)


def test_the_scheduler_goes_on_when_the_data_disk_is_full_and_recovers() -> None:
    with with_small_data_disk() as (live, disk):
        running = submitted(live, f"until [ -e {live.folder}/go ]; do sleep 0.1; done; exit 3")
        eventually(lambda: state(live, running) == "running")
        disk.fill()

        meanwhile = submitted(live, "true")
        (live.folder / "go").touch()
        assert live.ssh("queue").code == 0
        assert live.ssh("why", meanwhile).code == 0
        disk.empty()

        eventually(lambda: state(live, running) == "failed")
        assert live.json("show", running)["exit_code"] == 3
        eventually(lambda: state(live, meanwhile) in ("succeeded", "failed"))
        assert works(live)
        assert "Traceback" not in live.log


def test_a_full_database_keeps_nothing_and_says_so_and_recovers() -> None:
    with with_small_database_disk() as (live, disk):
        running = submitted(live, f"until [ -e {live.folder}/go ]; do sleep 0.1; done; exit 3")
        eventually(lambda: state(live, running) == "running")
        disk.fill()
        kept, refused = _submit_until_refused(live)

        assert (refused.code, refused.out) == (6, b""), refused
        assert b"the disk with the database is full" in refused.err
        assert [job["id"] for job in live.json("jobs")["items"]] == [*reversed(kept), int(running)]

        (live.folder / "go").touch()
        disk.empty()

        eventually(lambda: state(live, running) == "failed")
        assert live.json("show", running)["exit_code"] == 3
        eventually(lambda: all(state(live, str(job)) == "succeeded" for job in kept))
        assert works(live)


def _submit_until_refused(live: Live) -> tuple[list[int], Ended]:
    """The ids of those that still fitted into what the database had, and the first answer that is no id."""
    kept: list[int] = []
    while True:
        ended = live.ssh("submit", stdin=b"run: true\n" + SMALL.encode())
        if ended.code:
            return kept, ended
        kept.append(int(ended.out))
