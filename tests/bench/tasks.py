"""How many tasks that do nothing get done in a second, against the same scripts started by a bare loop."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from tests.bench.figures import Figure, Gate
from tests.bench.spread import Spread
from tests.live import ADMIN, Live, live_server

TITLE: Final = "Tasks that do nothing"
TASKS: Final = 2000
ABOUT: Final = f"""
One array of {TASKS:,} tasks with `run: ":"`, from the start of `ssh tovi submit --wait` to its end, on as many tasks at
a time as the machine has cores. The peer starts the very scripts that Tovi rendered, with the same environment, by
posix_spawn, as many at a time, their output to files, in folders that are there before; it keeps no record of them.
Both in turns.
"""
_TURNS: Final = 1
_WIDTH: Final = len(os.sched_getaffinity(0))
_SETTINGS: Final = f"[executor.local]\ncpus = {_WIDTH}\n"
_LIMIT_S: Final = 240


def bench() -> tuple[Figure, ...]:
    ours, peers = [], []
    with live_server(_SETTINGS) as live:
        environment = _environment_of_a_task(live)
        for _ in range(_TURNS):
            job, taken = _run_array(live)
            ours.append(TASKS / taken)
            peers.append(TASKS / _spawn_all(sorted(_folder(live, job).glob("*/attempts/1/script.sh")), environment))
    return summary(ours, peers)


def summary(ours: Sequence[float], peers: Sequence[float]) -> tuple[Figure, ...]:
    """From tasks per second, of each turn."""
    gate = Gate(0.25, least=True)
    return (Figure("tasks that do nothing, per second", Spread.of(ours), "/s", gate, Spread.of(peers)),)


def _run_array(live: Live) -> tuple[str, float]:
    spec = f"run: ':'\narray: 0..{TASKS - 1}\nresources: {{cpus: 1, memory: 64Mi}}\n"
    began = time.perf_counter()
    ended = live.ssh("submit", "--wait", stdin=spec.encode(), deadline_s=_LIMIT_S)
    assert ended.code == 0, ended
    return ended.out.decode().split()[0], time.perf_counter() - began


def _environment_of_a_task(live: Live) -> Mapping[str, str]:
    """What the executor sets; the script sets the rest again."""
    ended = live.ssh("submit", "--follow", stdin=b"run: tr '\\0' '\\n' </proc/$PPID/environ\n")
    lines = ended.out.decode().splitlines()[1:]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def _folder(live: Live, job: str) -> Path:
    return live.data / "projects" / ADMIN / "jobs" / job


def _spawn_all(scripts: Sequence[Path], environment: Mapping[str, str]) -> float:
    """Seconds from the first start to the last end."""
    assert len(scripts) == TASKS
    with tempfile.TemporaryDirectory(prefix="tovi-bench-tasks-") as folder:
        places = [_laid_out(Path(folder, str(number))) for number in range(TASKS)]
        began = time.perf_counter()
        starts = _starts(scripts, places, environment)
        running = len(list(islice(starts, _WIDTH)))
        while running:
            _, status = os.wait()
            assert status == 0
            running -= next(starts, None) is None
        return time.perf_counter() - began


def _laid_out(place: Path) -> Path:
    for name in ("work", "home", "tmp", "outputs"):
        (place / name).mkdir(parents=True)
    return place


def _starts(scripts: Sequence[Path], places: Sequence[Path], environment: Mapping[str, str]) -> Iterator[int]:
    """Starts the next, each time it is asked."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for script, place in zip(scripts, places, strict=True):
        own = {"TOVI_SCRATCH": str(place), "TOVI_OUT": str(place / "outputs"), "TOVI_SIGNALS": "child"}
        yield os.posix_spawn(
            "/bin/sh",
            ["/bin/sh", str(script)],
            {**environment, **own},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, place / "stdout.log", flags, 0o600),
                (os.POSIX_SPAWN_OPEN, 2, place / "stderr.log", flags, 0o600),
            ],
        )
