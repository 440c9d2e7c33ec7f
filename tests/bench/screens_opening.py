"""What it takes to open the terminal UI: time, CPU and memory."""

from __future__ import annotations

import time
from typing import Final

from tests import processes
from tests.bench import cpu, memory, seats
from tests.bench.figures import Figure, Gate
from tests.bench.screens_jobs import fill
from tests.bench.spread import Spread
from tests.live import Live, live_server

JOBS: Final = 1_000
_TIMES: Final = 15
_OPEN: Final = 20
_SETTLE_S: Final = 3
_LOOK_S: Final = 0.05


def figures() -> tuple[Figure, ...]:
    with live_server(f"[limits]\nterminals_per_user = {2 * _OPEN}\n") as live:
        fill(live, JOBS)
        with seats.shared_connection(live) as shared:
            opened = [_open(live, shared) for _ in range(_TIMES + 1)][1:]
        alternate, painted = zip(*opened, strict=True)
        return (
            Figure("first bytes of the alternate screen", _ms(alternate), "ms", Gate(100, "ms")),
            Figure(f"first full paint, {JOBS:,} jobs", _ms(painted), "ms", Gate(400, "ms")),
            Figure("CPU of a login, all processes of the server", _ms(_login_cpu(live)), "ms", Gate(400, "ms")),
            Figure(f"memory of a session, {_OPEN} open", _session_memory(live), "MB", Gate(25, "MB")),
        )


def _open(live: Live, shared: str) -> tuple[float, float]:
    """Seconds to the alternate screen, and to the whole first picture, on a connection that is there."""
    began = time.perf_counter()
    with seats.seat(live, shared) as person:
        person.wait_until(lambda: seats.ALTERNATE in person.bytes, what="the alternate screen")
        alternate = time.perf_counter() - began
        lowest = str(JOBS - (seats.LINES - 10))
        person.wait_for(lowest)
        painted = time.perf_counter() - began
        person.keys("q")
        person.wait()
    return alternate, painted


def _login_cpu(live: Live) -> list[float]:
    nobody_there = len(_processes(live))
    return [_cpu_of_one(live, nobody_there) for _ in range(_TIMES)]


def _cpu_of_one(live: Live, nobody_there: int) -> float:
    while len(_processes(live)) > nobody_there:
        time.sleep(_LOOK_S)
    before = cpu.seconds(_processes(live))
    with seats.seats(live, 1) as (person,):
        seats.quiet(person)
        return cpu.seconds(_processes(live)) - before


def _session_memory(live: Live) -> Spread:
    with seats.seats(live, 1):
        time.sleep(_SETTLE_S)
        one = _pss(live)
    with seats.seats(live, _OPEN):
        time.sleep(_SETTLE_S)
        return Spread.of([(_pss(live) - one) * 1024 / 1e6 / (_OPEN - 1)])


def _pss(live: Live) -> int:
    return memory.pss_kib(_processes(live))


def _processes(live: Live) -> set[int]:
    return processes.descendants(live.parts())


def _ms(seconds: tuple[float, ...] | list[float]) -> Spread:
    return Spread.of(1000 * one for one in seconds)
