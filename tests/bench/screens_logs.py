"""Large logs: how soon the end of one is seen, and a search through another."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from tests.bench import seats
from tests.bench.figures import Figure, Gate
from tests.bench.spread import Spread
from tests.live import Live, live_server
from tests.tui.terminal import Terminal

_HUGE: Final = 10**9
_LARGE: Final = 100 * 2**20
_LINE: Final = b"epoch 0001 step 000001 loss 0.123456 accuracy 0.987654\n"
_LAST: Final = "this is the last line"
_NEEDLE: Final = "needle"
_TIMES: Final = 10


def figures() -> tuple[Figure, ...]:
    with live_server() as live:
        log = _a_log(live)
        _write(log, _HUGE)
        opened = [_opened(live) for _ in range(_TIMES)]
        _write(log, _LARGE)
        searched = [_searched(live) for _ in range(_TIMES)]
    return (
        Figure("opening a log of 1 GB at its end", Spread.of(1000 * one for one in opened), "ms", Gate(200, "ms")),
        Figure("a search through 100 MiB", Spread.of(searched), "s", Gate(2, "s")),
    )


def _a_log(live: Live) -> Path:
    ended = live.ssh("submit", "--wait", stdin=b"run: echo hello\n")
    assert ended.code == 0, ended
    (log,) = live.data.rglob("stdout.log")
    return log


def _write(log: Path, size: int) -> None:
    """A log of that size: whole lines, a needle in its first, and a last line to wait for."""
    log.parent.chmod(0o700)
    log.chmod(0o600)
    lines = _LINE * (2**20 // len(_LINE))
    with log.open("wb") as file:
        file.write(f"a {_NEEDLE}\n".encode())
        while file.tell() < size:
            file.write(lines)
        file.write(f"{_LAST}\n".encode())
        os.fsync(file.fileno())


def _opened(live: Live) -> float:
    with seats.seats(live, 1) as (person,):
        _on_its_job(person)
        began = time.perf_counter()
        person.keys("l")
        person.wait_for(_LAST)
        return time.perf_counter() - began


def _searched(live: Live) -> float:
    with seats.seats(live, 1) as (person,):
        _on_its_job(person)
        person.keys("l")
        person.wait_for(_LAST)
        person.keys(f"/{_NEEDLE}")
        person.wait_for(_NEEDLE)
        began = time.perf_counter()
        person.keys("\r")
        person.wait_for(f"a {_NEEDLE}")
        return time.perf_counter() - began


def _on_its_job(person: Terminal) -> None:
    """The job has ended, so that the queue shows it only when it is asked for."""
    person.keys(":show 1\r")
    person.wait_for("main")
    seats.quiet(person)
