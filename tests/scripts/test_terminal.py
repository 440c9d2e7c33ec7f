"""The commands on a terminal of their own, `ssh -tt`, in front of a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import Live, live_server
from tests.ssh_programs import Shown, in_terminal

LONG = b"name: a-name-that-is-longer-than-what-is-left-for-it-on-a-terminal-of-forty-columns\nrun: true\n"


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with live_server() as server:
        assert server.ssh("submit", "--wait", stdin=LONG).code == 0
        yield server


async def shown(
    live: Live, *words: str, columns: int = 80, answer: bytes = b"", option: str = "LogLevel=ERROR"
) -> Shown:
    _, *options = live.ssh_words(*words)
    return await in_terminal(["ssh", "-tt", "-o", option, *options], columns=columns, answer=answer)


@pytest.mark.parametrize("columns", [40, 80, 200])
async def test_tables_fit_and_lines_end_as_terminals_want(live: Live, columns: int) -> None:
    ended = await shown(live, "jobs", columns=columns, option="SetEnv=NO_COLOR=1")
    lines = ended.shown.decode().split("\r\n")
    assert (ended.code, lines[-1]) == (0, "")
    assert [line for line in lines if len(line) > columns or "\n" in line] == []
    assert ("…" in ended.shown.decode()) == (columns < 200)


async def test_states_are_coloured_unless_that_is_not_wanted(live: Live) -> None:
    assert b"\x1b[36msucceeded\x1b[0m" in (await shown(live, "jobs", columns=200)).shown
    assert b"\x1b" not in (await shown(live, "jobs", columns=200, option="SetEnv=NO_COLOR=1")).shown
    assert b"\x1b" not in live.ssh("jobs").out


async def test_an_error_is_three_lines_and_its_status(live: Live) -> None:
    ended = await shown(live, "show", "99")
    assert ended.code == 3
    assert ended.shown == b"not-found: there is no job 99\r\n  hint: `jobs` lists those you can see\r\n"


async def test_nobody_waits_for_a_file_that_is_typed(live: Live) -> None:
    ended = await shown(live, "submit")
    assert ended.code == 2
    assert b"tar c . | " in ended.shown


async def test_control_c_ends_the_looking_and_not_the_job(live: Live) -> None:
    ended = await shown(live, "run", "--", "sleep", "600", answer=b"\x03")
    job = ended.shown.split()[1].decode()
    assert ended.code == 130
    assert f"job {job} goes on: `logs -f {job}` shows it, `cancel {job}` ends it\r\n".encode() in ended.shown
    assert live.json("show", job)["state"] in {"queued", "starting", "running"}
    assert live.ssh("cancel", job).code == 0


async def test_what_a_job_prints_cannot_move_the_cursor_or_stay_red(live: Live) -> None:
    job = live.ssh("submit", stdin=rb"run: printf '\033[31mred\033[2J\033]0;owned\007'" + b"\n").out.decode().strip()
    live.ssh("wait", job)
    assert (await shown(live, "logs", job)).shown == b"\x1b[31mred\\x1b[2J\\x1b]0;owned\\x07\x1b[0m"
    assert live.ssh("logs", job).out == b"\x1b[31mred\x1b[2J\x1b]0;owned\x07"


async def test_without_a_command_a_terminal_that_cannot_draw_is_told_what_to_type(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    ended = await shown(live)
    assert ended.code == 0
    assert b"you are ada, in project ada.\r\n" in ended.shown
