"""A fresh `ssh tovi queue` against a fresh `ssh sshd true`."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.bench import cpu
from tests.bench.figures import Figure, Gate
from tests.bench.spread import Spread
from tests.bench.sshd import Sshd, stock_sshd
from tests.live import Live, live_server

TITLE: Final = "A fresh login"
ABOUT: Final = """
A new connection for each: `ssh tovi queue`, which lists what waits, against `ssh sshd true`. Both in turns, ten at a
time. Wall is from the start of the client to its end. CPU is what the server's processes used: of Tovi all of them, of
sshd the processes of its connections with what they started.
"""
_BLOCKS: Final = 10
_LOGINS: Final = 10
_SETTLE_S: Final = 0.2
"""What a server does after the client ended counts too."""


@dataclass(slots=True)
class Samples:
    """Seconds: of each login, and per login of each block."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def bench() -> tuple[Figure, ...]:
    ours, peers = Samples(), Samples()
    with live_server() as live, stock_sshd() as sshd:
        _log_in(live.ssh_words("queue"), 2)
        _log_in(sshd.ssh_words("true"), 2)
        for _ in range(_BLOCKS):
            _block(ours, live.ssh_words("queue"), lambda: _used_by_tovi(live))
            _block(peers, sshd.ssh_words("true"), lambda: _used_by_sshd(sshd))
    return summary(ours, peers)


def summary(ours: Samples, peers: Samples) -> tuple[Figure, ...]:
    """The two figures."""
    return (
        Figure("login, wall", _ms(ours.wall), "ms", Gate(0.30), _ms(peers.wall)),
        Figure("login, server CPU", _ms(ours.cpu), "ms", Gate(0.25), _ms(peers.cpu)),
    )


def _ms(seconds: Sequence[float]) -> Spread:
    return Spread.of(1000 * one for one in seconds)


def _block(samples: Samples, words: list[str], used: Callable[[], float]) -> None:
    before = used()
    samples.wall += _log_in(words, _LOGINS)
    samples.cpu.append((used() - before) / _LOGINS)


def _log_in(words: list[str], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        taken.append(time.perf_counter() - began)
    time.sleep(_SETTLE_S)
    return taken


def _used_by_tovi(live: Live) -> float:
    return cpu.seconds(live.parts())


def _used_by_sshd(sshd: Sshd) -> float:
    while sshd.has_children():
        time.sleep(0.01)
    return cpu.seconds([sshd.pid]) + cpu.seconds_of_children(sshd.pid)
