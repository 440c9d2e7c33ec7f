"""Submitting an array of 100,000 tasks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench import memory
from tests.bench.figures import Figure, Gate
from tests.bench.spread import Spread
from tests.live import Live, live_server

TITLE: Final = "An array of 100,000 tasks"
ABOUT: Final = """
A fresh `ssh tovi submit` of an array of 100,000 tasks, from the start of the client to its end. The first tasks begin
while the others wait, and the job is cancelled before the next is submitted. Memory is the proportional set size of all
processes of the server together, before the first submission and after the last cancel.
"""
_TIMES: Final = 10
_SPEC: Final = b"run: sleep 100\narray: 0..99999\nresources: {memory: 64Mi}\n"
_SETTLE_S: Final = 3


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of the whole server, in KiB."""

    before: int
    after: int


def bench() -> tuple[Figure, ...]:
    with live_server("[executor.local]\ngrace = '1s'\n") as live:
        _submit(live)  # warms up
        time.sleep(_SETTLE_S)
        before = memory.pss_kib(live.parts())
        taken = [_submit(live) for _ in range(_TIMES)]
        time.sleep(_SETTLE_S)
        return summary(taken, Sizes(before, memory.pss_kib(live.parts())))


def summary(taken: Sequence[float], sizes: Sizes) -> tuple[Figure, ...]:
    """From seconds of each submission."""
    growth = (sizes.after - sizes.before) / len(taken)
    return (
        Figure("submitting 100,000 tasks", Spread.of(taken), "s", Gate(1, "s")),
        Figure("growth of the server by each", Spread.of([growth]), "KiB", Gate(512, "KiB")),
        Figure("the server's size at the end", Spread.of([sizes.after / 1024]), "MiB"),
    )


def _submit(live: Live) -> float:
    began = time.perf_counter()
    ended = live.ssh("submit", stdin=_SPEC)
    taken = time.perf_counter() - began
    assert ended.code == 0, ended
    job = ended.out.decode().strip()
    assert live.ssh("cancel", job).code == 0
    live.ssh("wait", job)
    return taken
