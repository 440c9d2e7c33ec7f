"""`kill -9` of parts of a running server, at moments that only a seed knows."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from tests import processes
from tests.integration.faults.load import Load, now
from tests.live import Live

PARENT: Final = "parent"
NURSERY: Final = "nursery"
WEIGHTS: Final = {PARENT: 2, "receiver": 3, "scheduler": 3, NURSERY: 1}
"""How often each part is chosen."""
AT_ONCE: Final = 0.5
"""So often the server is started again before all of the old one is gone."""
LONGEST_PAUSE_S: Final = 1.0
BACK_S: Final = 60
LOOK_S: Final = 0.02


@dataclass
class Kills:
    """What was killed, and how it went on."""

    load: Load
    chance: random.Random
    weights: Mapping[str, int] = field(default_factory=lambda: WEIGHTS)
    victims: Counter[str] = field(default_factory=Counter)
    adopted: int = 0
    """Programs that ran at the moments when a scheduler or everything was killed."""
    away_s: list[float] = field(default_factory=list)
    """From each kill to the next submission that was answered."""

    async def go_on(self, times: int) -> None:
        for _ in range(times):
            await asyncio.sleep(self.chance.uniform(0, LONGEST_PAUSE_S))
            while not await self._kill(self.chance.choices(list(self.weights), list(self.weights.values()))[0]):
                pass

    async def _kill(self, part: str) -> bool:
        """Kill it, and see the server back; False when it was not there to be killed."""
        running, killed_at = self.load.ground.alive(), now()
        if part == PARENT:
            await asyncio.to_thread(_kill_all, self.load.live, at_once=self.chance.random() < AT_ONCE)
        elif not await self._kill_one(part):
            return False
        self.victims[part] += 1
        self.adopted += running if part in (PARENT, "scheduler") else 0
        await self._back_since(killed_at)
        return True

    async def _kill_one(self, part: str) -> bool:
        """One of its kind. All come back of themselves but a nursery: the next is there when a part needs it."""
        live = self.load.live
        there = parts_of(live, part) if part == NURSERY else await _until(lambda: parts_of(live, part), part)
        if not there:
            return False
        with suppress(ProcessLookupError):
            os.kill(self.chance.choice(sorted(there)), signal.SIGKILL)
            return True
        return False

    async def _back_since(self, killed_at: float) -> None:
        """Until a submission that came later was answered, so that no kill hits what is away already."""
        await _until(
            lambda: any(submit.started >= killed_at and submit.ended for submit in self.load.submits[-200:]),
            "an answered submission",
        )
        self.away_s.append(now() - killed_at)


def _kill_all(live: Live, *, at_once: bool) -> None:
    """The parent, with which all its parts end; then the admin, or their init system, starts it again."""
    if not at_once:
        live.kill()
        live.start()
        return
    parts = live.kill_parent()
    live.start()
    processes.wait_gone(parts, deadline_s=BACK_S)


def parts_of(live: Live, part: str) -> set[int]:
    """The processes that are this part now. What a scheduler starts is of its session and name for a moment too."""
    parts = live.parts()
    if part == NURSERY:
        return processes.children_of(live.pid, parts)
    found = processes.called(f"tovi-{part}", parts)
    return found.difference(*(processes.children_of(pid, parts) for pid in found))


async def _until(found: Callable[[], object], what: str) -> set[int]:
    """What is found, once there is something."""
    deadline = time.monotonic() + BACK_S
    while not (it := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} was not there within {BACK_S} s")
        await asyncio.sleep(LOOK_S)
    return it if isinstance(it, set) else set()
