"""How a terminal UI is served: through a real `ssh -tt`, with a small program in its place."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from tests import processes
from tests.ssh_edge import Server, client, serving, with_limits
from tests.tui import fake_zygote, slow_line
from tests.tui.terminal import DEADLINE_S, Terminal, terminal

pytestmark = pytest.mark.openssh

FAKE = (sys.executable, fake_zygote.__file__)
NORMAL = {7, 25}
"""Lines wrap, and the cursor is there."""
Story = Callable[[Terminal], None]


@asynccontextmanager
async def hosting(folder: Path, **limits: object) -> AsyncIterator[Server]:
    async with serving(folder, limits=with_limits(**limits), tui=FAKE) as server:
        yield server
    assert zygotes() == set(), "the zygote outlived its receiver"


async def visit(server: Server, story: Story, *options: str, kind: str = "xterm-256color", **environment: str) -> None:
    """What one person does at a terminal, in a thread: the server is in this loop."""

    def happens() -> None:
        words = server.ssh(options=["-o", "LogLevel=ERROR", *options])
        with terminal(words, kind=kind, environment=environment) as person:
            story(person)

    await asyncio.to_thread(happens)


def zygotes() -> set[int]:
    return processes.called("tovi-zygote", processes.children(os.getpid()))


def sessions() -> set[int]:
    return {pid for zygote in zygotes() for pid in processes.children(zygote)}


def end_session(number: signal.Signals = signal.SIGKILL) -> None:
    (pid,) = sessions()
    os.kill(pid, number)


def end_zygote() -> None:
    (pid,) = zygotes()
    os.kill(pid, signal.SIGKILL)


def wait_no_sessions() -> None:
    deadline = time.monotonic() + DEADLINE_S
    while sessions():
        assert time.monotonic() < deadline, "a session is left"
        time.sleep(0.01)


async def test_it_opens_draws_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    def story(person: Terminal) -> None:
        person.wait_for("ready")
        assert {1049, 1003, 2004} <= person.modes_on()
        person.keys("q")
        assert (person.wait(), person.modes_on()) == (0, NORMAL)

    async with hosting(tmp_path) as server:
        await visit(server, story)


async def test_it_has_a_terminal_of_its_own_and_nothing_else(tmp_path: Path) -> None:
    def story(person: Terminal) -> None:
        person.wait_for("ready")
        person.keys("h")
        person.wait_for("here nice=5 full=1000 files=6 tty=/dev/pts/")

    async with hosting(tmp_path) as server:
        await visit(server, story)


async def test_what_is_typed_before_it_is_there_waits_for_it(tmp_path: Path) -> None:
    async with hosting(tmp_path) as server, client(server) as connection:
        process = await connection.create_process(term_type="xterm")
        process.stdin.write("hq")
        assert "here nice" in str((await process.wait()).stdout)
        assert process.exit_status == 0


async def test_its_environment_is_what_is_allowed_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the server's own variables nor what else a client sends."""
    monkeypatch.setenv("TEXTUAL_DEBUG", "1")
    monkeypatch.setenv("TOVI_SERVER__DATABASE__URL", "postgresql://secret")
    sent = {"LANG": "C.UTF-8", "LC_TIME": "C", "TZ": "Europe/Berlin", "COLORTERM": "truecolor", "NO_COLOR": ""}
    options = [f"{name}={value}" for name, value in {**sent, "TEXTUAL_X": "1", "LD_PRELOAD": "x"}.items()]

    def story(person: Terminal) -> None:
        person.wait_for("ready")
        person.keys("e")
        person.wait_until(lambda: b"}\r\n" in person.bytes)
        shown = bytes(person.bytes).partition(b"environment ")[2].partition(b"\r\n")[0]
        del sent["NO_COLOR"]  # empty: not set
        assert json.loads(shown) == {**sent, "TERM": "xterm-16color"}

    async with hosting(tmp_path) as server:
        await visit(server, story, "-o", "SetEnv=" + " ".join(options), kind="xterm-16color")


async def test_a_variable_that_no_program_can_have_is_left_out(tmp_path: Path) -> None:
    async with hosting(tmp_path) as server, client(server) as connection:
        process = await connection.create_process(term_type="x\0y", env={"LANG": "C\0"})
        await process.stdout.readuntil("ready")
        process.stdin.write("e")
        assert await process.stdout.readuntil("{}")


async def test_it_follows_the_window(tmp_path: Path) -> None:
    def story(person: Terminal) -> None:
        person.wait_for("ready")
        person.resize(132, 43)
        person.wait_for("size 132x43")

    async with hosting(tmp_path) as server:
        await visit(server, story)


async def test_a_window_has_a_largest_size(tmp_path: Path) -> None:
    async with hosting(tmp_path) as server, client(server) as connection:
        process = await connection.create_process(term_type="xterm", term_size=(80, 24))
        await process.stdout.readuntil("ready")
        process.change_terminal_size(100_000, 100_000)
        assert await process.stdout.readuntil("\n") == "\r\n"
        assert await process.stdout.readuntil("\n") == "size 1000x500\r\n"


@pytest.mark.parametrize(
    ("end", "status", "told"),
    [
        pytest.param(end_session, 1, "failed: the terminal UI broke off", id="killed"),
        pytest.param(end_zygote, 1, "failed: the terminal UI broke off", id="zygote"),
    ],
)
async def test_what_is_killed_leaves_the_terminal_as_it_was_and_says_so(
    tmp_path: Path, end: Callable[[], None], status: int, told: str
) -> None:
    def story(person: Terminal) -> None:
        person.wait_for("ready")
        end()
        assert (person.wait(), person.modes_on()) == (status, NORMAL)
        assert told in person.text
        wait_no_sessions()

    def next_one(person: Terminal) -> None:
        person.wait_for("ready")

    async with hosting(tmp_path) as server:
        await visit(server, story)
        await visit(server, next_one)


@pytest.mark.parametrize(("key", "story_told"), [("c", True), ("3", False)])
async def test_what_crashes_is_in_the_log_and_not_on_the_screen(
    tmp_path: Path, key: str, story_told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def story(person: Terminal) -> None:
        person.wait_for("ready")
        person.keys(key)
        assert (person.wait(), person.modes_on()) == (1, NORMAL)
        assert "failed: the terminal UI broke off" in person.text
        assert b"Traceback" not in person.bytes

    async with hosting(tmp_path) as server:
        await visit(server, story)
    assert ("RuntimeError: planted" in capsys.readouterr().out) == story_told


async def test_who_does_not_hear_a_hang_up_is_killed(tmp_path: Path) -> None:
    def story(person: Terminal) -> None:
        person.wait_for("ready")
        person.keys("d")
        person.wait_for("deaf")

    async with hosting(tmp_path) as server:
        await visit(server, story)
        await asyncio.to_thread(wait_no_sessions)


async def test_a_dropped_line_ends_the_session(tmp_path: Path) -> None:
    async with hosting(tmp_path) as server:
        await visit(server, lambda person: person.wait_for("ready"))
        await asyncio.to_thread(wait_no_sessions)


@pytest.mark.parametrize("kind", ["dumb", ""])
async def test_a_terminal_that_cannot_draw_gets_the_short_help(tmp_path: Path, kind: str) -> None:
    def story(person: Terminal) -> None:
        assert person.wait() == 0
        assert bytes(person.bytes).replace(b"\r\r", b"\r") == b"hello alice\r\n"

    async with hosting(tmp_path) as server:
        await visit(server, story, kind=kind)


async def test_without_a_terminal_there_is_the_short_help(tmp_path: Path) -> None:
    async with hosting(tmp_path) as server:
        ended = await server.run()
        assert (ended.code, ended.out) == (0, b"hello alice\n")


async def test_input_that_ends_ends_it(tmp_path: Path) -> None:
    async with hosting(tmp_path) as server:
        ended = await server.run(options=["-tt", "-o", "LogLevel=ERROR"])
        assert ended.code == 124
        assert b"the input has ended" in ended.out


async def test_a_user_has_so_many(tmp_path: Path) -> None:
    def second(person: Terminal) -> None:
        assert person.wait() == 5
        assert b"\x1b" not in person.bytes
        assert "quota-exceeded: alice has 1 terminals open already" in person.text

    def first(person: Terminal) -> None:
        person.wait_for("ready")
        asyncio.run_coroutine_threadsafe(visit(server, second), loop).result()
        person.keys("q")
        assert person.wait() == 0

    loop = asyncio.get_running_loop()
    async with hosting(tmp_path, terminals_per_user=1) as server:
        await visit(server, first)
        await visit(server, lambda person: person.wait_for("ready"))


async def test_a_server_has_so_many(tmp_path: Path) -> None:
    def story(person: Terminal) -> None:
        assert person.wait() == 5
        assert "quota-exceeded: 0 terminals are open on this server already" in person.text

    async with hosting(tmp_path, terminals=0) as server:
        await visit(server, story)


async def test_nobody_typing_is_warned_of_and_then_ends_it(tmp_path: Path) -> None:
    def story(person: Terminal) -> None:
        person.wait_for('line {"idle_left_s": 1}')
        person.keys("x")
        began = time.monotonic()
        person.wait_until(lambda: person.text.count("idle_left_s") == 2)
        assert time.monotonic() - began > 0.5
        assert (person.wait(), person.modes_on()) == (124, NORMAL)
        assert "timeout: no key was typed for 2s" in person.text

    async with hosting(tmp_path, idle_timeout=timedelta(seconds=2)) as server:
        await visit(server, story)
        await asyncio.to_thread(wait_no_sessions)


async def test_a_revoked_key_ends_it_within_five_seconds(tmp_path: Path) -> None:
    def story(person: Terminal) -> None:
        person.wait_for("ready")
        loop.call_soon_threadsafe(server.gate.users.clear)
        assert (person.wait(5), person.modes_on()) == (4, NORMAL)
        assert "denied: this key or its user is no longer valid" in person.text

    loop = asyncio.get_running_loop()
    async with hosting(tmp_path) as server:
        await visit(server, story)
        await asyncio.to_thread(wait_no_sessions)


@pytest.mark.parametrize("how", ["drained", "cancelled"])
async def test_a_server_that_ends_leaves_terminals_as_they_were(tmp_path: Path, how: str) -> None:
    def story(person: Terminal) -> None:
        person.wait_for("ready")
        if how == "drained":
            asyncio.run_coroutine_threadsafe(server.receiver.drain(DEADLINE_S), loop).result()
        else:
            loop.call_soon_threadsafe(server.serving.cancel)
        assert (person.wait(), person.modes_on()) == (6, NORMAL)
        assert "unavailable: the server" in person.text
        wait_no_sessions()

    loop = asyncio.get_running_loop()
    with suppress(asyncio.CancelledError):
        async with hosting(tmp_path) as server:
            await visit(server, story)


async def test_a_reader_who_stops_holds_up_the_session_and_no_memory(tmp_path: Path) -> None:
    """It is told, so that it can draw less; and the client goes on where it stopped."""

    def story(person: Terminal) -> None:
        person.wait_for("ready")
        before = memory_bytes()
        person.keys("f")
        time.sleep(2)  # not reading is the deed
        assert memory_bytes() - before < 8 << 20
        person.keys("g")
        person.wait_until(lambda: b"told " in person.bytes)
        person.wait_until(lambda: person.bytes.partition(b"told ")[2].count(b"\n") > 0)
        told = bytes(person.bytes).partition(b"told ")[2].partition(b"\n")[0]
        assert json.loads(told)[0] == '{"behind": true}'
        person.keys("q")
        assert person.wait() == 0

    async with hosting(tmp_path) as server:
        await visit(server, story)


async def test_on_a_slow_line_a_key_is_not_behind_a_flood(tmp_path: Path) -> None:
    """At 50 kB/s the buffers of the system alone would hold megabytes."""

    def story(person: Terminal) -> None:
        person.wait_for("ready")
        person.keys("f")
        began = len(person.bytes)
        person.wait_until(lambda: len(person.bytes) > began + 100_000)
        typed = len(person.bytes)
        person.keys("g")
        person.wait_until(lambda: b"told " in person.bytes)
        assert person.bytes.index(b"told ") - typed < 100_000

    async with hosting(tmp_path) as server:
        await visit(server, story, "-o", slow_line.option())


async def test_who_types_and_is_not_read_takes_no_memory(tmp_path: Path) -> None:
    def story(person: Terminal) -> None:
        person.wait_for("ready")
        person.keys("s")
        person.wait_for("sleeping")
        before, typed = memory_bytes(), 0
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            typed += person.keys_at_once(b"x" * 4096)
        assert memory_bytes() - before < 8 << 20

    async with hosting(tmp_path) as server:
        await visit(server, story)
        await asyncio.to_thread(wait_no_sessions)


async def test_a_client_that_was_stopped_goes_on(tmp_path: Path) -> None:
    def story(person: Terminal) -> None:
        person.wait_for("ready")
        person.program.send_signal(signal.SIGSTOP)
        person.keys("h")
        time.sleep(0.5)  # being away is the deed
        assert b"here" not in person.bytes
        person.program.send_signal(signal.SIGCONT)
        person.wait_for("here nice=5")

    async with hosting(tmp_path) as server:
        await visit(server, story)


def memory_bytes() -> int:
    """Of this process, which is the server."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
