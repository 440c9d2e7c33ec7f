"""What the scheduler's loop needs of the world, each with the fewest verbs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from scheduler.snapshot import Active, Changes, Node, Placement
from tovi_server.core.events import Exited, Report
from tovi_server.core.ids import AttemptId
from tovi_server.core.resources import Resources


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose numeric ids a task runs under. None: the server's own (it is not root)."""

    uid: int | None
    gid: int | None


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder or file of the data directory that a task sees, under the path that it has there."""

    path: Path
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """All that an executor needs to run one attempt. Paths are of the machine the server runs on.

    `script` is what `core.script.render` made; `environment` is all the environment there is.
    """

    attempt: AttemptId
    project: str
    node: str
    image: str | None
    """What the job file asks for; None: it leaves it to the server."""
    request: Resources
    gpu_ids: tuple[int, ...]
    timeout: timedelta
    grace: timedelta
    script: str
    environment: Mapping[str, str]
    owner: Owner
    control: Path
    """The attempt's own folder: logs, exit facts. Jobs cannot write in it, only append to the two logs."""
    work: Path
    """A private folder of `owner`, removed by `AttemptFiles.finish`; made by prepare where there are no `mounts`."""
    log_limit_bytes: int
    mounts: tuple[Mount, ...] = ()
    """All that a task in a pod sees of the data directory; empty where it runs on the server's machine."""
    passwd: Path | None = None
    """A file for /etc/passwd that knows `owner`; None where the machine has one."""
    was_running: bool = False
    """Its start was recorded: if nothing is found of it any more, it is lost, and is not started again."""


class Queue(Protocol):
    """The durable truth about what waits and runs."""

    async def look(self, *, after: int | None) -> Changes | None:
        """What waits and runs, as of one moment; None when nothing happened after that event.

        With an event, what waits is only that of jobs to which something happened; `after` None: everything.
        """
        ...

    async def dispatch(self, placements: Sequence[Placement], *, now: datetime) -> tuple[Active, ...]:
        """Record the intent to start these tasks, in one transaction; those no longer queued are left out.

        Returns the attempts that were recorded, which the executor may now be told of.
        """
        ...

    async def record(self, reports: Sequence[Report]) -> None:
        """Apply facts, in one transaction, and what follows from them. Stale and doubled ones change nothing."""
        ...

    async def record_nodes(self, nodes: Sequence[Node], *, now: datetime) -> None:
        """Remember what the machines have, for everybody who asks; nodes not named are gone."""
        ...

    async def record_outage(self, why: str, *, now: datetime) -> None:
        """Remember why nothing can be started now, for everybody who asks; empty: it can."""
        ...


class AttemptFiles(Protocol):
    """The files around an attempt. Doing a verb twice is harmless."""

    async def prepare(self, active: Active) -> Order:
        """Lay out code, data, inputs and folders for an attempt, and say how to run it.

        An attempt that was prepared before is only described again: it may be running.

        Raises UnavailableError when it can only be done later (a disk is full), another ToviError when that is
        impossible (a dataset was deleted): the attempt then failed to start.
        """
        ...

    async def finish(self, exited: Exited) -> Exited:
        """After the end: collect metrics, seal outputs if it succeeded, drop the working copy.

        Returns the facts with metrics; as a failure when declared outputs are missing. Also asked of attempts that
        never started, prepared or not.

        Raises UnavailableError when it can only be done later (a disk is full).
        """
        ...


class Executor(Protocol):
    """Starts, stops and observes attempts on some machines."""

    async def nodes(self) -> tuple[Node, ...]:
        """The machines and what they have in all."""
        ...

    async def start(self, order: Order) -> None:
        """Start an attempt, or adopt it when it was started before, by whichever server process: never twice.

        So after a restart every attempt under way is prepared and started again, and the ends that were missed
        come as reports. A failure to start comes as a report too.
        """
        ...

    async def stop(self, attempt: AttemptId) -> None:
        """Ask it to end: TERM, its grace, KILL. Nothing for unknown ones.

        Its end comes as a report with reason `cancelled`.
        """
        ...

    async def tend(self, under_way: Collection[AttemptId]) -> None:
        """Told now and then of all that is recorded as under way; nothing need be kept of any other attempt.

        An attempt that was started is in it until its end is recorded.
        """
        ...

    def reports(self) -> AsyncIterator[Report]:
        """Facts as they happen; may repeat itself. A fact is given again after a restart until it was recorded."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, in UTC."""
        ...
