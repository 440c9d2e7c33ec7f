"""What transfers lose when people look at screens meanwhile."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from typing import Final

from tests.bench import seats
from tests.bench.figures import Figure, Gate
from tests.bench.screens_jobs import changes, fill
from tests.bench.spread import Spread
from tests.live import Live, live_server
from tests.tui.terminal import Terminal

_SESSIONS: Final = 20
_FILE: Final = 2**30
_TIMES: Final = 9
_LOGGED_IN_S: Final = 3
"""So long a login goes on to cost something after its first picture."""
_LOOK_S: Final = 0.01


def figures() -> tuple[Figure, ...]:
    with live_server("[limits]\nterminals_per_user = 64\nconnections_per_user = 128\n") as live:
        fill(live, 100)
        _upload(live)
        alone, beside = [], []
        for _ in range(_TIMES):
            alone.append(_rate(live))
            with seats.seats(live, _SESSIONS) as people, _reading(people), changes(live):
                time.sleep(_LOGGED_IN_S)
                beside.append(_rate(live))
    gate = Gate(0.8, least=True)
    return (Figure(f"SFTP beside {_SESSIONS} live sessions", Spread.of(beside), "MiB/s", gate, Spread.of(alone)),)


def _upload(live: Live) -> None:
    file = live.folder / "large"
    file.write_bytes(os.urandom(2**20) * (_FILE // 2**20))
    ended = live.scp(str(file), "tovi:home/large")
    assert ended.code == 0, ended


def _rate(live: Live) -> float:
    """MiB a second of one download. It is written nowhere: people's disks are not the server's."""
    began = time.perf_counter()
    ended = live.sftp("get home/large /dev/null", deadline_s=300)
    taken = time.perf_counter() - began
    assert ended.code == 0, ended
    return _FILE / 2**20 / taken


@contextlib.contextmanager
def _reading(people: list[Terminal]) -> Iterator[None]:
    """What the people's clients show is read all the while, and drawn by nobody."""
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            for person in people:
                person.skim(_LOOK_S)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
