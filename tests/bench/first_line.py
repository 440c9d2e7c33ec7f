"""From a submission to the first line of its log, one at a time, and the steps it is made of."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import asyncssh

from tests.bench import connections
from tests.bench.figures import Figure, Gate
from tests.bench.spread import Spread
from tests.live import Live, live_server

TITLE: Final = "From a submission to the first line of its log"
ABOUT: Final = """
`submit --follow` of a job that prints the time, one after the other: from sending the command until the client reads
that line, over an open connection, and with a login of its own (from the start of `ssh` on). The steps are told by the
job's events and by what it printed: `submitted` by when the manager had the file, `dispatched` by when the scheduler
decided, `started` by when the executor had started the shim, and then the program's own time.
"""
_TIMES: Final = 40
_SPEC: Final = b"run: date +%s.%N\n"


@dataclass(frozen=True, slots=True)
class Run:
    """Moments in seconds since 1970."""

    sent: float
    submitted: float
    dispatched: float
    started: float
    printed: float
    read: float


def bench() -> tuple[Figure, ...]:
    with live_server() as live:
        opened = asyncio.run(_over_one_connection(live))
        return summary(opened, [_afresh(live) for _ in range(_TIMES)])


def summary(opened: Sequence[Run], fresh: Sequence[Run]) -> tuple[Figure, ...]:
    """The whole, and its steps over the open connection."""
    gate = Gate(80, "ms")
    return (
        _figure("submission to first log line, open connection", opened, "sent", "read", gate),
        _figure("the same with a login of its own", fresh, "sent", "read", gate),
        _figure("step: sent to submitted", opened, "sent", "submitted"),
        _figure("step: submitted to dispatched", opened, "submitted", "dispatched"),
        _figure("step: dispatched to started", opened, "dispatched", "started"),
        _figure("step: started to printed", opened, "started", "printed"),
        _figure("step: printed to read", opened, "printed", "read"),
    )


def _figure(measure: str, runs: Sequence[Run], begin: str, end: str, gate: Gate | None = None) -> Figure:
    taken = [1000 * (getattr(run, end) - getattr(run, begin)) for run in runs]
    return Figure(measure, Spread.of(taken), "ms", gate)


async def _over_one_connection(live: Live) -> list[Run]:
    async with connections.to_tovi(live, 1) as (connection,):
        await connections.run(connection, "submit --follow", _SPEC)
        return [await _one(live, connection) for _ in range(_TIMES)]


async def _one(live: Live, connection: asyncssh.SSHClientConnection) -> Run:
    sent = _now()
    async with connection.create_process("submit --follow", encoding=None) as process:
        process.stdin.write(_SPEC)
        process.stdin.write_eof()
        job, line = await process.stdout.readline(), await process.stdout.readline()
        read = _now()
    return _run(live, sent=sent, job=job, line=line, read=read)


def _afresh(live: Live) -> Run:
    sent = _now()
    with subprocess.Popen(
        live.ssh_words("submit", "--follow"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(_SPEC)
        process.stdin.close()
        job, line = process.stdout.readline(), process.stdout.readline()
        read = _now()
        process.wait()
    return _run(live, sent=sent, job=job, line=line, read=read)


def _now() -> float:
    return datetime.now(UTC).timestamp()  # noqa: TID251  # the moments are compared with the server's


def _run(live: Live, *, sent: float, job: bytes, line: bytes, read: float) -> Run:
    events = {event["kind"]: event["at"] for event in live.json("events", job.decode().strip())["items"]}
    submitted, dispatched, started = (
        datetime.fromisoformat(events[kind]).timestamp() for kind in ("submitted", "dispatched", "started")
    )
    return Run(sent, submitted, dispatched, started, printed=float(line), read=read)
