"""The terminal UI of a real server through a real `ssh -tt`: opened, ended in every way, and nothing left."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import processes
from tests.live import Live, live_server
from tests.tui import openings
from tests.tui.openings import NORMAL, ONE_RECEIVER, opened
from tests.tui.terminal import terminal

pytestmark = pytest.mark.openssh


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with live_server(ONE_RECEIVER) as server:
        yield server


def test_it_opens_and_shows_and_ends(live: Live) -> None:
    with terminal(live.ssh_words()) as person:
        opened(person)
        person.wait_for("ada")
        person.resize(132, 43)
        person.wait_until(lambda: any(len(line.rstrip()) > 80 for line in person.screen.display), what="a wider screen")
        openings.by_key(live, person)


def test_a_session_runs_behind_the_server(live: Live) -> None:
    with terminal(live.ssh_words()) as person:
        opened(person)
        (pid,) = openings.sessions(live)
        assert os.getpriority(os.PRIO_PROCESS, pid) == 5
        assert Path(f"/proc/{pid}/comm").read_text() == "tovi-terminal\n"


def test_a_session_has_no_file_or_socket_of_the_server(live: Live) -> None:
    with terminal(live.ssh_words()) as person:
        opened(person)
        person.wait_for("ada")
        (pid,) = openings.sessions(live)
        targets = [os.fspath(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        kinds = {target.split(":")[0] for target in targets if not target.startswith("/dev/pts/")}
        assert kinds <= {"socket", "anon_inode"}, targets
        assert b"TOVI" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_thirty_openings_and_kills_leave_nothing(live: Live) -> None:
    before = openings.settled(live)
    openings.open_and_end(live, 30, random.Random(5))
    with terminal(live.ssh_words()) as person:
        openings.by_key(live, opened(person))
    openings.wait_held(live, before)


def test_a_removed_user_is_out_within_five_seconds(live: Live) -> None:
    live.add_user("bob")
    with terminal(live.ssh_words(user="bob")) as person:
        opened(person)
        live.admin("user", "disable", "bob")
        assert (person.wait(5), person.modes_on()) == (4, NORMAL)
        assert "denied: this key or its user is no longer valid" in person.text


def test_so_many_of_one_user_whichever_receiver_they_meet() -> None:
    with live_server("[server]\nreceivers = 2\n") as server, contextlib.ExitStack() as stack:
        for _ in range(4):
            opened(stack.enter_context(terminal(server.ssh_words())))
        fifth = stack.enter_context(terminal(server.ssh_words()))
        assert fifth.wait() == 5
        assert "quota-exceeded: ada has 4 terminals open already" in fifth.text
        assert b"\x1b" not in fifth.bytes


def test_a_server_that_ends_puts_terminals_in_order() -> None:
    with live_server(ONE_RECEIVER) as server, terminal(server.ssh_words()) as person:
        opened(person)
        left = openings.sessions(server) | openings.zygotes(server)
        server.stop()
        assert (person.wait(), person.modes_on()) == (6, NORMAL)
        assert "unavailable: the server is going down" in person.text
        processes.wait_gone(left, deadline_s=5)


def test_a_killed_server_puts_terminals_in_order() -> None:
    with live_server(ONE_RECEIVER) as server, terminal(server.ssh_words()) as person:
        opened(person)
        left = openings.sessions(server) | openings.zygotes(server)
        server.kill()
        assert (person.wait(), person.modes_on()) == (6, NORMAL)
        assert "unavailable: the server broke off" in person.text
        processes.wait_gone(left, deadline_s=5)


def test_a_killed_receiver_leaves_no_process(live: Live) -> None:
    """It cannot put the terminal in order; `ssh` says that the connection is gone."""
    with terminal(live.ssh_words()) as person:
        opened(person)
        left = openings.sessions(live) | openings.zygotes(live)
        (receiver,) = openings.receivers(live)
        os.kill(receiver, signal.SIGKILL)
        assert person.wait() == 255
        processes.wait_gone(left, deadline_s=5)
    with terminal(live.ssh_words()) as person:
        openings.by_key(live, opened(person))


def test_nothing_is_imported_after_the_fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What each session would import for itself costs its time, and its memory."""
    (tmp_path / "sitecustomize.py").write_text(WATCHING.format(file=str(tmp_path / "late")))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with live_server(ONE_RECEIVER) as server, terminal(server.ssh_words()) as person:
        opened(person).wait_for("ada")
        openings.by_key(server, person)
    assert set((tmp_path / "late").read_text().split()) == {"forked"}


WATCHING = """
import os, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        say(name)

def say(what):
    with open({file!r}, "a") as late:
        print(what, file=late)

def forked():
    say("forked")
    sys.meta_path.insert(0, Finder())

if "tovi_tui.zygote" in sys.orig_argv:
    os.register_at_fork(after_in_child=forked)
"""
