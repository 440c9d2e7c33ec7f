"""Wake-ups between processes: heard by all who listen, lost on nobody who was killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from tovi_server.app.bell import Bell
from tovi_server.app.pending import Pending

DEADLINE_S = 20
STAY = "import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1])"


@asynccontextmanager
async def listening(bell: Bell) -> AsyncIterator[asyncio.Event]:
    heard = asyncio.Event()
    task = asyncio.create_task(bell.listen(heard.set))
    await asyncio.sleep(0)
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_ring_is_heard(tmp_path: Path) -> None:
    mine, other = Bell(tmp_path / "bell"), Bell(tmp_path / "bell")
    async with listening(mine) as heard, asyncio.timeout(DEADLINE_S):
        other.ring()

        await heard.wait()
    mine.close()
    other.close()


async def test_who_rings_does_not_wake_itself(tmp_path: Path) -> None:
    mine, other = Bell(tmp_path / "bell"), Bell(tmp_path / "bell")
    async with listening(mine) as heard, asyncio.timeout(DEADLINE_S):
        mine.ring()
        for _ in range(3):  # a datagram that is there is found by the next look of the loop
            await asyncio.sleep(0)
        assert not heard.is_set()

        other.ring()
        await heard.wait()
    mine.close()
    other.close()


async def test_many_rings_never_wait_for_who_does_not_listen(tmp_path: Path) -> None:
    mine, other = Bell(tmp_path / "bell"), Bell(tmp_path / "bell")
    async with listening(mine) as heard, asyncio.timeout(DEADLINE_S):
        for _ in range(10_000):
            other.ring()

        await heard.wait()
    mine.close()
    other.close()


class Clockwork:
    """A loop's time, turned by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.asked: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], None]) -> object:
        self.asked.append((when, call))
        return self.asked[-1]

    def turn_to(self, now: float) -> int:
        """How many calls were due by then, which are made."""
        self.now = max(self.now, now)
        due = [one for one in self.asked if one[0] <= now]
        for one in due:
            self.asked.remove(one)
            one[1]()
        return len(due)


def test_the_first_ring_is_told_at_once_and_those_right_after_it_together() -> None:
    clock, told = Clockwork(), []
    pending = Pending(lambda: told.append(clock.now), cast(asyncio.AbstractEventLoop, clock))

    pending.ask()
    assert clock.turn_to(100.0) == 1

    for _ in range(3):
        pending.ask()
    assert clock.turn_to(100.001) == 0
    assert clock.turn_to(101.0) == 1
    assert told == [100.0, 101.0]


async def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "bell")
    subprocess.run([sys.executable, "-c", STAY, tmp_path / "bell" / "4711"], check=True)

    bell.ring()

    assert os.listdir(tmp_path / "bell") == []
    bell.close()


async def test_who_listens_no_more_leaves_nothing(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "bell")
    async with listening(bell):
        assert os.listdir(tmp_path / "bell") == [str(os.getpid())]

    assert os.listdir(tmp_path / "bell") == []
    bell.close()


async def test_the_folder_may_have_a_long_path(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 40)
    folder.mkdir()
    mine, other = Bell(folder / "bell"), Bell(folder / "bell")
    async with listening(mine) as heard, asyncio.timeout(DEADLINE_S):
        other.ring()

        await heard.wait()
    mine.close()
    other.close()
