"""The server's processes: one of them may die at any moment, and none is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import processes
from tests.live import Live, live_server
from tests.waiting import eventually

pytestmark = pytest.mark.openssh

DEADLINE_S = 30


@pytest.fixture
def live() -> Iterator[Live]:
    with live_server() as server:
        yield server


def parts_of(live: Live, kind: str) -> set[int]:
    """The pids of the parts of one kind."""
    return processes.called(f"tovi-{kind}", live.parts())


def test_there_are_a_scheduler_and_at_least_two_receivers(live: Live) -> None:
    assert len(parts_of(live, "scheduler")) == 1
    assert len(parts_of(live, "receiver")) >= 2


@pytest.mark.parametrize("kind", ["receiver", "scheduler"])
def test_a_part_that_is_killed_is_started_again(live: Live, kind: str) -> None:
    before = parts_of(live, kind)

    for pid in before:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(parts_of(live, kind) - before) == len(before), deadline_s=DEADLINE_S)

    assert live.ssh("submit", "--wait", stdin=b"run: echo hello").code == 0


def test_a_server_that_has_served_goes_on_trying_though_what_parts_come_from_dies_at_birth(live: Live) -> None:
    before = parts_of(live, "receiver")
    killed: set[int] = set()

    while len(killed) < 6:
        assert processes.of_session(live.pid), "the server ended"
        born = live.parts() - {live.pid} - parts_of(live, "scheduler")
        receivers = parts_of(live, "receiver")
        for pid in born:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed |= {pid} - receivers
        time.sleep(0.01)
    eventually(lambda: len(parts_of(live, "receiver") - before) == len(before), deadline_s=DEADLINE_S)

    assert live.ssh("whoami").code == 0


def test_a_killed_parent_takes_its_parts_with_it(live: Live) -> None:
    session = live.pid

    live.kill()

    assert processes.of_session(session) == set()


def test_told_to_end_the_server_ends_with_0_and_leaves_no_process(live: Live) -> None:
    session = live.pid

    code = live.stop()

    assert (code, processes.of_session(session)) == (0, set())


def test_a_job_goes_on_while_no_server_runs_and_is_known_afterwards(live: Live) -> None:
    gate = live.folder / "gate"
    gate.touch()
    text = f"run: while [ -e {gate} ]; do sleep 0.1; done; echo over"
    live.ssh("submit", stdin=text.encode())
    eventually(lambda: live.json("show", "1")["state"] == "running", deadline_s=DEADLINE_S)

    live.kill()
    gate.unlink()
    live.start()

    assert live.ssh("wait", "1").code == 0
    assert live.ssh("logs", "1").out == b"over\n"
    assert live.json("show", "1.main.0")["attempt"] == 1


def test_a_second_server_on_the_same_data_directory_is_refused(live: Live) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "tovi_server", "serve", "--data", live.data, "--listen", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )

    assert second.returncode == 5
    assert f"another server runs on {live.data}" in second.stderr
    assert live.ssh("whoami").code == 0


def test_a_part_that_cannot_begin_says_why_and_its_status_is_the_servers(live: Live) -> None:
    live.stop()
    key = live.data / "server" / "ssh_host_ed25519_key"
    key.chmod(0o644)

    with pytest.raises(AssertionError, match="others can read the host key"):
        live.start()


def test_a_folder_that_is_no_data_directory_is_named(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tovi_server", "serve", "--data", tmp_path / "none"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )

    assert ended.returncode == 3
    assert "is no data directory of Tovi" in ended.stderr


def test_people_are_told_the_port_that_they_reach_it_by_where_that_is_another() -> None:
    with live_server("[server]\nport = 30022\n") as live:
        assert b"    Port 30022\n" in live.ssh("ssh-config").out
