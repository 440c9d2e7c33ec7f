"""A bad line: what a key costs over 200 ms and 50 kB/s, beside a quiet screen and beside a log that never ends."""

from __future__ import annotations

import time
from typing import Final

from tests.bench import seats
from tests.bench.figures import Figure, Gate
from tests.bench.screens_jobs import fill
from tests.bench.spread import Spread
from tests.live import Live, live_server
from tests.tui import slow_line
from tests.tui.terminal import Terminal

_JOBS: Final = 1_000
_KEYS: Final = 30
_HELP: Final = "This screen"
_TALKING: Final = b"""\
run: |
  i=0
  while :; do
    n=0
    while [ $n -lt 200 ]; do i=$((i + 1)); n=$((n + 1)); echo "step $i loss 0.$i accuracy 0.$i"; done
    sleep 0.02
  done
"""


def figures() -> tuple[Figure, ...]:
    with live_server() as live:
        talking = live.ssh("submit", stdin=_TALKING)
        assert talking.code == 0, talking
        beside_log = _beside_log(live, talking.out.decode().strip())
        live.ssh("cancel", talking.out.decode().strip())
    with live_server() as live:
        fill(live, _JOBS)
        pages = _pages(live)
    return (
        Figure("line of 200 ms and 50 kB/s: a page of the queue, key to paint", _ms(pages), "ms", Gate(500, "ms")),
        Figure("the same line beside a log that flows: help, key to paint", _ms(beside_log), "ms", Gate(1000, "ms")),
    )


def _pages(live: Live) -> list[float]:
    with seats.seat(live, "-o", slow_line.option()) as person:
        person.wait_for(seats.HINTS)
        seats.quiet(person, 1)
        return seats.pages_down(person, _KEYS)


def _beside_log(live: Live, job: str) -> list[float]:
    with seats.seat(live, "-o", slow_line.option()) as person:
        person.wait_for(seats.HINTS)
        person.keys(f":logs {job}\r")
        person.wait_for("step")
        return [_help(person) for _ in range(_KEYS)]


def _help(person: Terminal) -> float:
    began = time.perf_counter()
    person.keys("?")
    person.wait_for(_HELP)
    taken = time.perf_counter() - began
    person.keys("q")
    person.wait_until(lambda: _HELP not in person.text, what="the help to go")
    return taken


def _ms(seconds: list[float]) -> Spread:
    return Spread.of(1000 * one for one in seconds)
