"""Lists: 10,000 jobs, and what waits, with a million jobs in the history."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

from tests.bench.figures import Figure, Gate
from tests.bench.spread import Spread
from tests.live import Live, live_server

TITLE: Final = "Lists with a long history"
JOBS: Final = 1_000_000
SHOWN: Final = 10_000
ABOUT: Final = f"""
A fresh `ssh tovi jobs --limit {SHOWN}`, to its end, and a fresh `ssh tovi queue`, to the first byte, both from the
start of the client, with {JOBS:,} ended jobs in the history, each with its spec, task, attempt and events, and ten jobs
that wait. The history is made before, of a job that really ran, whose rows a program copies while the server is down.
"""
_TIMES: Final = 15
_WAITING: Final = 10


def bench() -> tuple[Figure, ...]:
    with live_server() as live:
        _make_history(live)
        for _ in range(_WAITING):
            live.ssh("submit", "--hold", stdin=b"run: ':'\n")
        _taken(live, "jobs", "--limit", str(SHOWN))
        listing = [_taken(live, "jobs", "--limit", str(SHOWN)) for _ in range(_TIMES)]
        queue = [_first_byte(live, "queue") for _ in range(_TIMES)]
        return summary(listing, queue, [_first_byte(live, "jobs") for _ in range(_TIMES)])


def summary(listing: Sequence[float], queue: Sequence[float], jobs: Sequence[float]) -> tuple[Figure, ...]:
    """From seconds of each."""
    return (
        Figure(f"list of {SHOWN:,} jobs", Spread.of(listing), "s", Gate(1, "s")),
        Figure(f"first byte of `queue`, {JOBS:,} jobs in history", _ms(queue), "ms", Gate(300, "ms")),
        Figure("first byte of `jobs`", _ms(jobs), "ms"),
    )


def _ms(seconds: Sequence[float]) -> Spread:
    return Spread.of(1000 * one for one in seconds)


def _make_history(live: Live) -> None:
    ended = live.ssh("submit", "--wait", stdin=b"run: echo done\n")
    assert ended.code == 0, ended
    live.stop()
    database = str(live.data / "server" / "tovi.db")
    subprocess.run([sys.executable, "-m", "tests.bench.past", database, "1", str(JOBS - 1)], check=True)
    live.start()


def _taken(live: Live, *words: str) -> float:
    began = time.perf_counter()
    ended = live.ssh(*words)
    taken = time.perf_counter() - began
    assert ended.out.count(b"\n") > SHOWN, ended
    return taken


def _first_byte(live: Live, *words: str) -> float:
    began = time.perf_counter()
    with subprocess.Popen(live.ssh_words(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(1)
        taken = time.perf_counter() - began
        process.stdout.read()
    return taken
