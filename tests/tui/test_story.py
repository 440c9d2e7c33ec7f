"""One person's visit, through a real ssh: from the queue to a log and back, and out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import processes
from tests.live import Live, live_server
from tests.tui import openings
from tests.tui.terminal import Terminal, terminal

pytestmark = pytest.mark.openssh

SLOW = b"name: slow\nrun: 'for i in $(seq 1 300); do echo line $i; done; echo ready; sleep 600'\n"
OTHER = b"name: other\nrun: ':'\n"


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with live_server() as running:
        running.ssh("submit", "--hold", stdin=OTHER)
        running.ssh("submit", stdin=SLOW)
        yield running


@pytest.fixture
def person(live: Live) -> Iterator[Terminal]:
    with terminal(live.ssh_words(), columns=100, lines=28) as sitting:
        sitting.wait_for("tovi ·")
        sitting.keys("1")  # a session opens where the one before it was
        sitting.wait_for("other")
        yield sitting


def test_a_job_is_found_looked_into_followed_and_cancelled(live: Live, person: Terminal) -> None:
    person.wait_for("other")
    person.keys("/slow\r")
    person.wait_until(lambda: "other" not in person.text, what="the filtered list")
    person.keys("\r")
    person.wait_for("main: 1 task")
    person.keys("l")
    person.wait_for("line 300")
    person.wait_for("following")
    person.keys("/line 77\r")
    person.wait_for("1 of 1 matches")
    person.keys("\x1b")
    person.wait_until(lambda: "matches" not in person.text, what="the end of the search")
    person.keys("q")
    person.wait_for("main: 1 task")
    person.keys("c")
    person.wait_for("Cancel 2 slow?")
    person.keys("\r")
    person.keys("y")
    person.wait_for("cancelled", deadline_s=60)
    assert live.json("show", "2")["state"] == "cancelled"


def test_the_screens_follow_the_size_of_the_window(person: Terminal) -> None:
    person.resize(140, 40)
    person.wait_until(lambda: "ASKED" in person.text, what="a column that needs room")
    person.resize(60, 20)
    person.wait_until(lambda: "ASKED" not in person.text and "STATE" in person.text, what="fewer columns")


def test_keys_typed_in_one_piece_go_where_the_one_before_them_led(person: Terminal) -> None:
    person.keys(":nodes\r")
    person.wait_for("NODE")
    person.keys("1/other\r")
    person.wait_for("filter: other")


def test_what_others_do_is_seen_without_a_key(live: Live, person: Terminal) -> None:
    live.ssh("submit", "--hold", "--name", "newcomer", stdin=b"run: ':'\n")
    person.wait_for("newcomer")


def test_a_dropped_line_leaves_nothing(live: Live) -> None:
    with terminal(live.ssh_words()) as dropped:
        dropped.wait_for("STATE")
        mine = openings.sessions(live)
        assert mine
    processes.wait_gone(mine, deadline_s=20)
