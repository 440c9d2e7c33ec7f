"""The process that sessions are forked from, seen from the other end of its socket."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests import processes
from tests.tui import fake_zygote
from tovi_server.core.errors import UnavailableError
from tovi_server.receivers.pseudo_terminal import PseudoTerminal
from tovi_server.receivers.terminal import Size
from tovi_server.receivers.tui_process import TuiProcess
from tovi_server.receivers.tui_zygote import TuiZygote
from tovi_tui import unprivileged

FAKE = (sys.executable, fake_zygote.__file__)
DEADLINE_S = 10


@asynccontextmanager
async def zygote_of(*words: str, user: str = "") -> AsyncIterator[TuiZygote]:
    zygote = TuiZygote(words or FAKE, user=user)
    try:
        yield zygote
    finally:
        await zygote.close()


@asynccontextmanager
async def session(zygote: TuiZygote) -> AsyncIterator[tuple[TuiProcess, PseudoTerminal]]:
    terminal = PseudoTerminal(Size.told(80, 24, 0, 0))
    try:
        async with TuiProcess.started(zygote, terminal, {"TERM": "xterm"}) as process:
            yield process, terminal
    finally:
        terminal.close()


async def said(terminal: PseudoTerminal, text: bytes) -> bytes:
    """All that a session says until it has said `text`."""
    seen = b""
    async with asyncio.timeout(DEADLINE_S):
        while text not in seen:
            await asyncio.sleep(0.01)
            seen += terminal.read() or b""
    return seen


def zygotes() -> set[int]:
    return processes.called("tovi-zygote", processes.children(os.getpid()))


async def test_many_at_once_get_a_session_each() -> None:
    async with zygote_of() as zygote, session(zygote) as (_, one), session(zygote) as (_, two):
        await asyncio.gather(said(one, b"ready"), said(two, b"ready"))
        assert len(processes.children(*zygotes())) == 2


async def test_who_gives_up_while_it_is_forked_leaves_no_session_and_no_answer() -> None:
    """The next one is not given the session that nobody wanted."""
    async with zygote_of() as zygote:
        await zygote.warm()
        for _ in range(20):
            asking = asyncio.create_task(_open_and_wait(zygote))
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait({asking})
        async with session(zygote) as (_, terminal):
            terminal.write(b"h")
            await said(terminal, b"here nice=")
        async with asyncio.timeout(DEADLINE_S):
            while processes.children(*zygotes()):
                await asyncio.sleep(0.01)


async def test_a_session_that_dies_at_once_is_told_of_like_any_other() -> None:
    async with zygote_of() as zygote:
        await zygote.warm()
        (pid,) = zygotes()
        before = descriptors(pid)
        for _ in range(20):
            async with session(zygote) as (process, _):
                for child in processes.children(pid):
                    os.kill(child, signal.SIGKILL)
                async with asyncio.timeout(DEADLINE_S):
                    await asyncio.wait({process.has_ended})
                assert process.status() < 0
        async with asyncio.timeout(DEADLINE_S):
            while descriptors(pid) != before:
                await asyncio.sleep(0.01)


async def test_what_cannot_be_started_is_said_and_tried_again() -> None:
    async with zygote_of(sys.executable, "-c", "pass") as zygote:
        for _ in range(2):
            with pytest.raises(UnavailableError, match="the terminal UI cannot be opened now"):
                async with session(zygote):
                    pass


async def test_it_ends_with_who_started_it() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        words = (*FAKE, str(theirs.fileno()), "")
        zygote = subprocess.Popen(words, pass_fds=(theirs.fileno(),))
    await asyncio.to_thread(ours.recv, 4096)
    ours.close()
    assert await asyncio.to_thread(zygote.wait, DEADLINE_S) == 0


@pytest.mark.root
async def test_root_becomes_another_who_can_still_be_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    planted = (
        "import sys, runpy; from tovi_tui import unprivileged; unprivileged._could_read_program = lambda _: True; "
    )
    begun = f"sys.argv[:1] = [{fake_zygote.__file__!r}]; runpy.run_path(sys.argv[0], run_name='__main__')"
    async with zygote_of(sys.executable, "-c", planted + begun, user="nobody") as zygote:
        async with session(zygote) as (process, terminal):
            await said(terminal, b"ready")
            (pid,) = processes.children(*zygotes())
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            nobody = pwd.getpwnam("nobody")
            assert status["Uid"].split() == [str(nobody.pw_uid)] * 4
            assert status["Gid"].split() == [str(nobody.pw_gid)] * 4
            assert status["Groups"].split() == []
            assert status["Name"].strip() == "tovi-terminal"
        assert process.has_ended.done()


@pytest.mark.parametrize(("user", "why"), [("", ""), ("nobody-at-all", "there is no user nobody-at-all")])
@pytest.mark.root
def test_root_stays_where_nobody_else_is_named_or_known(user: str, why: str) -> None:
    assert unprivileged.drop_to(user).startswith(why)
    assert os.geteuid() == 0


async def _open_and_wait(zygote: TuiZygote) -> None:
    async with session(zygote):
        await asyncio.Event().wait()


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
