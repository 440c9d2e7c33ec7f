"""Durable submissions over open connections, against files made durable through sshd."""

from __future__ import annotations

import asyncio
import itertools
import shlex
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import asyncssh

from tests.bench import connections
from tests.bench.figures import Figure, Gate
from tests.bench.spread import Spread
from tests.bench.sshd import Sshd, stock_sshd
from tests.live import Live, live_server

TITLE: Final = "Durable submissions over open connections"
ABOUT: Final = """
Each client has one open connection, and for each submission a session on it: `submit --hold` with a tovi.yaml of 60
bytes as its input, until the id was printed and the session ended, against `cat >f && sync f` through sshd with the
same bytes, until that ended. The clients are the same program for both, all in one process of their own. Held, so that
the jobs' own work is not in it. Both in turns; the figures are the time of a turn by the submissions in it.
"""
GATES: Final[Mapping[int, float]] = {1: 1.0, 32: 0.5}
"""By the number of clients."""
_TURNS: Final = 7
_A_TURN: Final = 96
"""Submissions, by all clients together."""
_SPEC: Final = b"run: python3 train.py --lr 0.1\nresources: {memory: 512Mi}\n"

Submit = Callable[[asyncssh.SSHClientConnection], Awaitable[object]]


def bench() -> tuple[Figure, ...]:
    found = []
    with live_server(f"[limits]\nconnections_per_user = {2 * max(GATES)}\n") as live, stock_sshd() as sshd:
        for clients in GATES:
            found.append(summary(clients, *asyncio.run(_measure(live, sshd, clients))))
    return tuple(found)


def summary(clients: int, ours: Sequence[float], peers: Sequence[float]) -> Figure:
    """From seconds per submission, of each turn."""
    who = f"{clients} client{'s' if clients > 1 else ''}"
    return Figure(f"durable submission, {who}", _ms(ours), "ms", Gate(GATES[clients]), _ms(peers))


def _ms(seconds: Sequence[float]) -> Spread:
    return Spread.of(1000 * one for one in seconds)


async def _measure(live: Live, sshd: Sshd, clients: int) -> tuple[list[float], list[float]]:
    ours, peers = [], []
    with tempfile.TemporaryDirectory(prefix="tovi-bench-files-") as folder:
        write = _writer(Path(folder))
        async with connections.to_tovi(live, clients) as tovi, connections.to_sshd(sshd, clients) as plain:
            for _ in range(_TURNS):
                ours.append(await _turn(tovi, _submit))
                peers.append(await _turn(plain, write))
    return ours[1:], peers[1:]  # the first turn warms up


async def _turn(clients: Sequence[asyncssh.SSHClientConnection], submit: Submit) -> float:
    """Seconds per submission."""
    each = _A_TURN // len(clients)

    async def work(client: asyncssh.SSHClientConnection) -> None:
        for _ in range(each):
            await submit(client)

    began = time.perf_counter()
    await asyncio.gather(*map(work, clients))
    return (time.perf_counter() - began) / (each * len(clients))


async def _submit(client: asyncssh.SSHClientConnection) -> None:
    assert int(await connections.run(client, "submit --hold", _SPEC)) > 0


def _writer(folder: Path) -> Submit:
    names = itertools.count()

    async def write(client: asyncssh.SSHClientConnection) -> None:
        file = shlex.quote(str(folder / str(next(names))))
        await connections.run(client, f"cat >{file} && sync {file}", _SPEC)

    return write
