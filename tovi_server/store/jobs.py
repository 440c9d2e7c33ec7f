"""`JobStore`: every verb is one transaction, on another thread. What the verbs do is in the modules beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from scheduler.snapshot import Active, Changes, Node, Placement, StageQueue
from tovi_server.core.events import Kind, Report
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId, Reference, TaskId
from tovi_server.core.job import Frozen, Job, NewJob
from tovi_server.core.task import Attempt, Task
from tovi_server.core.views import EventView, QueueView
from tovi_server.store import control, feed, lease, listing, machines, notes, outages, queue, tasks
from tovi_server.store.convert import spec_text
from tovi_server.store.dispatch import dispatch
from tovi_server.store.engine import Database
from tovi_server.store.lease import Lease
from tovi_server.store.record import record
from tovi_server.store.submit import openings, submit
from tovi_server.store.texts import check, check_filter, check_job, check_line

T = TypeVar("T")


class JobStore:
    """The durable truth about jobs. All verbs raise UnavailableError when the database cannot be used now."""

    def __init__(self, database: Database, lease: Lease | None = None) -> None:
        self._database = database
        self._lease = lease

    def as_leader(self, lease: Lease) -> JobStore:
        """The same for the scheduler that holds a lease: once somebody else took it, LeaseLostError is raised instead
        of dispatching or recording anything.
        """
        return JobStore(self._database, lease)

    async def submit(self, new: NewJob, *, now: datetime) -> tuple[JobId, bool]:
        """Make a job; durable when it returns. False: the same key and digest had given it before.

        Raises:
            ConflictError: the key was used for something else.
            UsageError: a text is too long, or cannot be kept.
        """
        check_job(new)
        spec, stages = spec_text(new.spec), openings(new.spec, new.unfinished)
        return await self._database.write(lambda connection: submit(connection, new, spec, stages, now))

    async def job(self, job: JobId) -> Job | None:
        """With its stages; None: there is none."""
        return await self._database.read(lambda connection: listing.read_job(connection, job))

    async def frozen(self, job: JobId) -> Frozen | None:
        """What was submitted; None: there is no such job."""
        return await self._database.read(lambda connection: listing.read_frozen(connection, job))

    async def jobs(
        self, filter: JobFilter, *, projects: Collection[str] | None, page: Page, first_user: str | None = None
    ) -> tuple[Job, ...]:
        """Jobs of these projects (None: of all) without their stages, newest first.

        With `first_user` that user's come first, and `page.before` means the place of that job in the list.
        """
        check_filter(filter)
        return await self._database.read(
            lambda connection: listing.list_jobs(connection, filter, projects, page, first_user)
        )

    async def tasks(
        self,
        job: JobId,
        *,
        stage: str | None = None,
        first: int = 0,
        limit: int = 200,
        indices: Sequence[int] | None = None,
    ) -> tuple[Task, ...]:
        """At most `limit` tasks from place `first` on, or those of `indices` that exist, in the file's order.

        Places count over all stages of the job, or within `stage`, where they are the indices.
        """
        if indices is not None:
            return await self._database.read(lambda connection: tasks.choose_tasks(connection, job, stage, indices))
        return await self._database.read(lambda connection: tasks.read_tasks(connection, job, stage, first, limit))

    async def task(self, task: TaskId) -> Task | None:
        """None: there is none."""
        return await self._database.read(lambda connection: tasks.read_task(connection, task))

    async def first_failed(self, job: JobId) -> Task | None:
        """The failed task that comes first in the file's order; None when none failed."""
        return await self._database.read(lambda connection: tasks.first_failed(connection, job))

    async def first_delayed(self, job: JobId) -> Task | None:
        """The task under way that comes first of those that cannot go on; None when there is none."""
        return await self._database.read(lambda connection: tasks.first_delayed(connection, job))

    async def attempts(self, task: TaskId) -> tuple[Attempt, ...]:
        """Oldest first; none before the first dispatch."""
        return await self._database.read(lambda connection: tasks.read_attempts(connection, task))

    async def metrics(self, job: JobId) -> tuple[Task, ...]:
        """The tasks that have metrics, in the file's order."""
        return await self._database.read(lambda connection: tasks.tasks_with_metrics(connection, job))

    async def request(self, kind: Kind, target: Reference, *, user: str, now: datetime) -> int:
        """CANCEL_REQUESTED, HELD or RELEASED; how many tasks it changed. Ends wait for the executor where one runs.

        Raises:
            NotFoundError: there is nothing of that id.
        """
        return await self._database.write(lambda connection: control.request(connection, kind, target, user, now))

    async def annotate(
        self, job: JobId, *, note: str | None, tags: Sequence[str] | None, user: str, now: datetime
    ) -> None:
        """Change the note and the tags of a job that exists, where they are not None."""
        check("the note", note or "", longest=16_384)
        for tag in tags or ():
            check_line("a tag", tag, longest=64)
        await self._database.write(
            lambda connection: notes.annotate(connection, job, note=note, tags=tags, user=user, now=now)
        )

    async def events(
        self, *, after: int, limit: int, job: JobId | None, projects: Collection[str] | None
    ) -> tuple[EventView, ...]:
        """Events with higher numbers than `after`, in order; of one job or all, of these projects or all (None)."""
        return await self._database.read(
            lambda connection: feed.events(connection, after=after, limit=limit, job=job, projects=projects)
        )

    async def last_event(self) -> int:
        """The highest number so far; 0 before the first event."""
        return await self._database.read(feed.last_event)

    async def queue_counts(self) -> tuple[QueueView, ...]:
        """Tasks that are queued or under way, by queue; queues without any are left out."""
        return await self._database.read(listing.count_queues)

    async def look(self, *, after: int | None) -> Changes | None:
        """See `scheduler.ports.Queue`."""
        return await self._database.read(lambda connection: queue.look(connection, after=after))

    async def waiting(self) -> tuple[StageQueue, ...]:
        """An entry for every stage with queued tasks, held ones too, in no order."""
        return await self._database.read(queue.waiting)

    async def active(self) -> tuple[Active, ...]:
        """Every attempt that is starting or running."""
        return await self._database.read(queue.active)

    async def dispatch(self, placements: Sequence[Placement], *, now: datetime) -> tuple[Active, ...]:
        """See `scheduler.ports.Queue`."""
        return await self._lead(lambda connection: dispatch(connection, placements, now=now))

    async def record(self, reports: Sequence[Report]) -> None:
        """See `scheduler.ports.Queue`."""
        await self._lead(lambda connection: record(connection, reports))

    async def record_nodes(self, nodes: Sequence[Node], *, now: datetime) -> None:
        """See `scheduler.ports.Queue`. Nothing is written while the same were seen a moment ago."""
        await self._lead(lambda connection: machines.record_nodes(connection, nodes, now))

    async def record_outage(self, why: str, *, now: datetime) -> None:
        """See `scheduler.ports.Queue`."""
        await self._lead(lambda connection: outages.record_outage(connection, why, now))

    async def surroundings(self) -> tuple[int, tuple[Node, ...], str]:
        """What else a plan depends on: the newest event, the machines, and why nothing can be started now, if so."""

        def read(connection: Connection) -> tuple[int, tuple[Node, ...], str]:
            nodes = tuple(node for node, _ in machines.read_nodes(connection))
            return feed.last_event(connection), nodes, outages.read_outage(connection)

        return await self._database.read(read)

    async def nodes(self) -> tuple[tuple[Node, datetime], ...]:
        """The machines by name, each with when it was last seen."""
        return await self._database.read(machines.read_nodes)

    async def _lead(self, work: Callable[[Connection], T]) -> T:
        """A write that only the one scheduler may do."""
        held = self._lease

        def led(connection: Connection) -> T:
            if held is not None:
                lease.check(connection, held)
            return work(connection)

        return await self._database.write(led)
