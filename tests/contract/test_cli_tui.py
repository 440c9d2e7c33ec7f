"""`tovi tui`: the screens on a person's own machine, through a stand-in for ssh that can be cut."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.terminal import terminal

ROOT = Path(__file__).parents[2]
TUI = (sys.executable, "-m", "tovi_cli", "--host", "tovi.test", "tui")
SSH = f"""\
#!{sys.executable}
import asyncio, os, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from tests.tui.lab import Lab
from tovi_server.receivers.api_channel import serve_api

async def serve():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout)
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    await serve_api(Lab(), reader, writer)

sys.stderr.write("NOISE of ssh\\n")
sys.stderr.flush()
here = Path(__file__).parent
is_asked_well = "BatchMode=yes" in sys.argv and sys.argv[-4:] == ["-T", "tovi.test", "-s", "tovi-api"]
if (here / "down").exists() or not is_asked_well:
    (here / "refused").touch()
    sys.exit("ssh: Could not resolve hostname")
with (here / "pids").open("a") as pids:
    pids.write(f"{{os.getpid()}}\\n")
asyncio.run(serve())
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    ssh = tmp_path / "ssh"
    ssh.write_text(SSH)
    ssh.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}


def pids(folder: Path) -> list[int]:
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def test_the_screens_open_and_leave_the_terminal_in_order(environment: dict[str, str], tmp_path: Path) -> None:
    with terminal(TUI, environment=environment) as person:
        person.wait_for("cifar-sweep")
        assert 1049 in person.modes_on()
        person.keys("q")
        assert person.wait() == 0
        assert 1049 not in person.modes_on()
        assert b"NOISE" not in person.bytes
    (pid,) = pids(tmp_path)
    assert not Path(f"/proc/{pid}").exists()


def test_a_cut_line_is_a_banner_and_is_dialled_again(environment: dict[str, str], tmp_path: Path) -> None:
    with terminal(TUI, environment=environment) as person:
        person.wait_for("cifar-sweep")
        (tmp_path / "down").touch()
        os.kill(pids(tmp_path)[0], signal.SIGKILL)
        person.keys("e")  # something to ask for
        person.wait_for("no answer from the server")
        assert "cifar-sweep" in person.text, "what was shown stays"
        person.wait_until((tmp_path / "refused").exists, what="a dial that fails")
        (tmp_path / "down").unlink()
        person.wait_until(lambda: "no answer" not in person.text, what="the banner to go")
        person.keys("q")
        assert person.wait() == 0
        assert b"NOISE" not in person.bytes
        assert b"Could not resolve" not in person.bytes.split(b"\x1b[?1049l")[1]
    assert len(pids(tmp_path)) == 2, "one dial at a time"


def test_a_server_that_is_not_there_says_why_before_anything_is_drawn(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "down").touch()
    with terminal(TUI, environment=environment) as person:
        assert person.wait() == 6
        assert b"Could not resolve hostname" in person.bytes
        assert b"\x1b[?1049h" not in person.bytes


@pytest.mark.parametrize("change", [{}, {"TERM": "dumb"}])
def test_without_a_terminal_it_says_what_works(environment: dict[str, str], change: dict[str, str]) -> None:
    done = subprocess.run(TUI, env={**environment, **change}, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"the screens need a terminal" in done.stderr
    assert b"tovi queue" in done.stderr
