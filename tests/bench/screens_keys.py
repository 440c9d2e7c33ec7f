"""How soon a key is answered, and what a session costs that nobody touches."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from tests import processes
from tests.bench import cpu, seats
from tests.bench.figures import Figure, Gate
from tests.bench.screens_jobs import CHANGING, changes, fill
from tests.bench.spread import Spread
from tests.live import ADMIN, Live, live_server
from tests.tui.terminal import Terminal
from tests.wire_door import wire

_LIVE: Final = 10
_KEYS: Final = 200
_ROWS: Final = 10_000
_CURSOR: Final = "▸".encode()
_IDLE_S: Final = 60
_GROWN_S: Final = 60
"""Times that count seconds change all the while."""
_UPDATES: Final = 15
_PAUSE_S: Final = 1.5
"""News come once a second at most: this measures the way of one, not that wait."""
_SETTINGS: Final = "[limits]\nterminals_per_user = 64\nconnections_per_user = 128\n"


def figures() -> tuple[Figure, ...]:
    with live_server(_SETTINGS) as live:
        fill(live, 100)
        return (*_beside_others(live), *_idle(live))


def figures_of_long_queue() -> tuple[Figure, ...]:
    with live_server(_SETTINGS) as live:
        fill(live, _ROWS)
        with seats.seats(live, 1) as (person,):
            seats.quiet(person, 3)
            taken = seats.pages_down(person, _KEYS)
            updated = asyncio.run(_updated(live, person))
        return (
            Figure(f"scrolling {_ROWS:,} rows, key to paint, p99", _ms([_at(taken, 99)]), "ms", Gate(50, "ms")),
            Figure("one job of them changes, request to paint", _ms(updated), "ms", Gate(100, "ms")),
        )


async def _updated(live: Live, person: Terminal) -> list[float]:
    """Seconds from the request that releases the last job until it is drawn, for who looks at it."""
    person.keys("G")
    taken = []
    async with wire(live, ADMIN) as api:
        for _ in range(_UPDATES):
            seats.quiet(person, _PAUSE_S)
            known = len(person.bytes)
            began = time.perf_counter()
            await api.release((CHANGING,))
            seats.wait_for_drawn(person, b"queued", known)
            taken.append(time.perf_counter() - began)
            await api.hold((CHANGING,))
    return taken


def _beside_others(live: Live) -> tuple[Figure, ...]:
    with seats.seats(live, _LIVE) as people, changes(live):
        taken = []
        for turn in range(_KEYS):
            key = "j" if turn // 20 % 2 == 0 else "k"
            taken.append(seats.drawn_after(people[0], key, mark=_CURSOR))
            for other in people[1:]:
                other.read(0)
    return (
        Figure(f"key to paint, {_LIVE} live sessions, p50", _ms([_at(taken, 50)]), "ms", Gate(50, "ms")),
        Figure("the same, p99", _ms([_at(taken, 99)]), "ms", Gate(150, "ms")),
    )


def _idle(live: Live) -> tuple[Figure, ...]:
    with seats.seats(live, 1) as (person,):
        time.sleep(_GROWN_S)
        seats.quiet(person, 3)
        sessions = processes.descendants(live.parts()) - live.parts()
        known, before = len(person.bytes), cpu.seconds(sessions)
        deadline = time.monotonic() + _IDLE_S
        while time.monotonic() < deadline:
            person.read(deadline - time.monotonic())
        used, sent = cpu.seconds(sessions) - before, len(person.bytes) - known
    return (
        Figure("idle session, CPU of a core", Spread.of([100 * used / _IDLE_S]), "%", Gate(0.2, "%")),
        Figure("idle session, bytes a minute", Spread.of([sent * 60 / _IDLE_S / 1000]), "kB", Gate(2, "kB")),
    )


def _at(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _ms(seconds: list[float]) -> Spread:
    return Spread.of(1000 * one for one in seconds)
