"""How keys and the window's size come in, on a pseudo-terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator

import pytest
from textual import events
from textual.message import Message

from tovi_tui.loop_driver import LoopDriver

SOON_S = 10


class Person:
    """In place of an app: what came is kept."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._came: asyncio.Queue[Message] = asyncio.Queue()

    async def _post_message(self, message: Message) -> None:
        self._came.put_nowait(message)

    def types(self, data: bytes) -> None:
        os.write(self._terminal, data)

    def hangs_up(self) -> None:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, self._terminal)
        os.close(nothing)

    async def next(self, kind: type[Message]) -> Message:
        """Whatever else comes before it."""
        async with asyncio.timeout(SOON_S):
            while not isinstance(message := await self._came.get(), kind):
                pass
        return message

    async def key(self) -> str:
        message = await self.next(events.Key)
        assert isinstance(message, events.Key)
        return message.key


@contextlib.asynccontextmanager
async def at_terminal(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Person]:
    ours, theirs = os.openpty()
    before = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)}
    with open(theirs) as keys, open(os.devnull, "w") as screen:
        monkeypatch.setattr(sys, "__stdin__", keys)
        monkeypatch.setattr(sys, "__stderr__", screen)
        person = Person(ours)
        driver = LoopDriver(person)  # type: ignore[arg-type]  # as much of an app as it needs
        driver.start_application_mode()
        await person.next(events.Resize)
        try:
            yield person
        finally:
            driver.stop_application_mode()
            driver.close()
            os.close(ours)
            for number, handler in before.items():
                signal.signal(number, handler)


async def test_keys_come_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_terminal(monkeypatch) as person:
        person.types("aé\x1b[B".encode())
        assert [await person.key() for _ in range(3)] == ["a", "é", "down"]


async def test_a_letter_may_come_in_two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (bytes([one]) for one in "é".encode())
    async with at_terminal(monkeypatch) as person:
        person.types(b"a" + first)
        assert await person.key() == "a"
        person.types(second)
        assert await person.key() == "é"


async def test_an_escape_that_nothing_follows_is_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_terminal(monkeypatch) as person:
        person.types(b"\x1b")
        assert await person.key() == "escape"


async def test_bytes_that_are_no_text_end_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_terminal(monkeypatch) as person:
        person.types(b"\xff\xfe\xc3a")
        while await person.key() != "a":
            pass


async def test_a_change_of_the_window_wakes_a_loop_that_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel may give the signal to any thread."""

    def change() -> None:
        time.sleep(0.05)
        signal.pthread_kill(threading.get_ident(), signal.SIGWINCH)

    async with at_terminal(monkeypatch) as person:
        threading.Thread(target=change).start()
        await person.next(events.Resize)


async def test_no_thread_looks_for_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_terminal(monkeypatch) as person:
        person.types(b"a")
        await person.key()
        assert "textual-input" not in {thread.name for thread in threading.enumerate()}


async def test_a_terminal_that_is_gone_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    read = os.read

    def counted(file: int, most: int) -> bytes:
        reads.append(file)
        return read(file, most)

    async with at_terminal(monkeypatch) as person:
        monkeypatch.setattr(os, "read", counted)
        person.hangs_up()
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(reads) == 1
