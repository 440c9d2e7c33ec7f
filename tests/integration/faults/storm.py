"""A server under load whose parts are killed, from its start to the verdict on all that happened."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests import processes
from tests.integration.faults.aftermath import read_history
from tests.integration.faults.kills import Kills
from tests.integration.faults.load import Load
from tests.integration.faults.program import Ground
from tests.integration.history import History, problems
from tests.live import Live, live_server

SUBMITS_PER_S: Final = 20
LOG_TOLD: Final = 8000
SETTINGS: Final = """\
[executor.local]
cpus = 4
memory = "16G"
disk = "100G"
"""


@dataclass(frozen=True)
class Outcome:
    """How a storm went. `problems` is what should be empty."""

    seed: int
    history: History
    kills: Kills
    hangs: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def acknowledged(self) -> int:
        return sum(submit.job is not None for submit in self.history.submits)

    @property
    def ends(self) -> Counter[str]:
        return Counter(job.state for job in self.history.jobs)


async def storm(seed: int, kills: int) -> Outcome:
    """Submissions all the time, so many kills, and what is left when all jobs have ended."""
    with live_server(SETTINGS) as live:
        load = Load(live, Ground(live.folder / "ground"), random.Random(seed), f"s{seed}")
        killing = Kills(load, random.Random(seed + 1))
        with _log_told(live):
            history = await blow(killing, kills, rate=SUBMITS_PER_S)
            live.stop()
        return judge(killing, history, _left_over(live), seed=seed)


@contextmanager
def _log_told(live: Live) -> Iterator[None]:
    """What goes wrong comes with what the server said last."""
    try:
        yield
    except Exception as error:  # whatever it is, its reader wants to know
        error.add_note(f"the server's log ends so:\n{live.log[-LOG_TOLD:]}")
        raise


async def blow(killing: Kills, kills: int, *, rate: float) -> History:
    """So many submissions a second and so many kills, until all jobs have ended."""
    async with killing.load.running(rate):
        await killing.go_on(kills)
    return await read_history(killing.load)


def judge(killing: Kills, history: History, left_over: Sequence[str], *, seed: int) -> Outcome:
    """`left_over` is what should not be there any more."""
    found = (*problems(history), *killing.load.refusals, *left_over)
    hangs = tuple(hang for client in killing.load.clients for hang in client.hangs)
    return Outcome(seed, history, killing, hangs, found)


def _left_over(live: Live) -> list[str]:
    """No process, and no working folder, outlives its job."""
    running = [f"process {pid} is left over: {processes.told(pid)}" for pid in processes.mentioning(live.folder)]
    return running + [f"{path.name} is left over" for path in (live.data / "scratch").iterdir()]
