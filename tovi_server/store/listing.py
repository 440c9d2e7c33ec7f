"""Jobs, read: one, and lists of them that cost by what they show, whatever the history holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select, union_all

from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import LARGEST_JOB_ID, JobId
from tovi_server.core.job import Frozen, Job
from tovi_server.core.states import TaskState
from tovi_server.core.views import QueueView
from tovi_server.store import tables
from tovi_server.store.convert import job_of, spec_of
from tovi_server.store.scopes import is_possible

_MOST_PROJECTS_ONE_BY_ONE: Final = 100
_MOST_JOBS: Final = 1_000_000
_JOBS = tables.jobs.c
_UNFINISHED_TASKS = _JOBS.waiting + _JOBS.queued + _JOBS.starting + _JOBS.running
_FINISHED_TASKS = _JOBS.succeeded + _JOBS.failed + _JOBS.cancelled + _JOBS.skipped
STATE: Final = case(
    (
        _UNFINISHED_TASKS == 0,
        case(
            (_JOBS.failed > 0, TaskState.FAILED.value),
            (_JOBS.cancelled > 0, TaskState.CANCELLED.value),
            (_JOBS.skipped > 0, TaskState.SKIPPED.value),
            else_=TaskState.SUCCEEDED.value,
        ),
    ),
    (or_(_JOBS.running > 0, and_(_JOBS.starting > 0, _FINISHED_TASKS > 0)), TaskState.RUNNING.value),
    (_JOBS.starting > 0, TaskState.STARTING.value),
    (_JOBS.queued > 0, TaskState.QUEUED.value),
    else_=TaskState.WAITING.value,
)
"""`core.job.overall_state` in SQL."""


def read_job(connection: Connection, job: JobId) -> Job | None:
    """With its stages; None: there is none."""
    if not is_possible(job):
        return None
    row = connection.execute(select(tables.jobs).where(_JOBS.id == job)).one_or_none()
    if row is None:
        return None
    columns = tables.stages.c
    stages = connection.execute(select(tables.stages).where(columns.job_id == job).order_by(columns.position))
    return job_of(row, stages)


def read_frozen(connection: Connection, job: JobId) -> Frozen | None:
    """None: there is no such job."""
    if not is_possible(job):
        return None
    query = select(tables.jobs, tables.specs.c.spec, tables.specs.c.text).join(
        tables.specs, tables.specs.c.job_id == _JOBS.id
    )
    row = connection.execute(query.where(_JOBS.id == job)).one_or_none()
    if row is None:
        return None
    return Frozen(
        id=job,
        project=row.project,
        user=row.user,
        name=row.name,
        spec=spec_of(row.spec),
        text=row.text,
        snapshot=row.snapshot,
        origin=row.origin,
    )


def list_jobs(
    connection: Connection, filter: JobFilter, projects: Collection[str] | None, page: Page, first_user: str | None
) -> tuple[Job, ...]:
    """Newest first, `first_user`'s before all others, without their stages."""
    page = _within_reason(page)
    if projects is not None and filter.project is not None:
        projects = {filter.project}.intersection(projects)
    query = select(tables.jobs).where(*_conditions(filter), *_after(connection, page, first_user))
    query = query.order_by(*_order(first_user)).limit(page.limit)
    if projects is not None:
        if filter.unfinished or first_user is not None:
            query = query.where(_plain(_JOBS.project).in_(projects))
        else:
            query = _within(query, projects, limit=page.limit)
    return tuple(job_of(row) for row in connection.execute(query))


def _within_reason(page: Page) -> Page:
    before = None if page.before is None else JobId(min(max(page.before, 0), LARGEST_JOB_ID))
    return Page(limit=min(max(page.limit, 0), _MOST_JOBS), before=before)


def _conditions(filter: JobFilter) -> Iterator[ColumnElement[bool]]:
    user: ColumnElement[str] = _JOBS.user
    project: ColumnElement[str] = _JOBS.project
    if filter.unfinished:
        yield tables.UNFINISHED
        user, project = _plain(user), _plain(project)
    if filter.user is not None:
        yield user == filter.user
    if filter.project is not None:
        yield project == filter.project
    if filter.states:
        yield STATE.in_([state.value for state in filter.states])
    if filter.queue is not None:
        yield _JOBS.queue == filter.queue
    if filter.tag is not None:
        yield func.replace(_JOBS.tags, f"\n{filter.tag}\n", "") != _JOBS.tags  # unlike LIKE the same everywhere
    if filter.name is not None:
        yield _JOBS.name.icontains(filter.name, autoescape=True)
    if filter.ids:
        yield _JOBS.id.in_([job for job in filter.ids if is_possible(job)])
    if filter.since is not None:
        yield _JOBS.submitted_at >= filter.since
    if filter.until is not None:
        yield _JOBS.submitted_at <= filter.until


def _plain(column: ColumnElement[str]) -> ColumnElement[str]:
    """The column without its index: what is unfinished is few, and SQLite would rather walk a user's history."""
    return func.coalesce(column, "")


def _order(first_user: str | None) -> tuple[ColumnElement[int], ...]:
    newest = _JOBS.id.desc()
    return (newest,) if first_user is None else (case((_JOBS.user == first_user, 0), else_=1), newest)


def _after(connection: Connection, page: Page, first_user: str | None) -> Iterator[ColumnElement[bool]]:
    """What comes after the job `page.before` in the order of the list."""
    if page.before is None:
        return
    older = _JOBS.id < page.before
    last_user = connection.execute(select(_JOBS.user).where(_JOBS.id == page.before)).scalar_one_or_none()
    if first_user is None or last_user is None:
        yield older
        return
    others = _JOBS.user != first_user
    yield or_(others, older) if last_user == first_user else and_(others, older)


def _within(
    query: Select[*tuple[object, ...]], projects: Collection[str], *, limit: int
) -> Select[*tuple[object, ...]]:
    """Narrow to some projects: each is read from its own index, newest first, and no further than `limit`."""
    if not 1 < len(projects) <= _MOST_PROJECTS_ONE_BY_ONE:
        return query.where(_JOBS.project.in_(projects))
    newest = [query.where(_JOBS.project == name).with_only_columns(_JOBS.id).subquery() for name in projects]
    ids = union_all(*(select(one.c.id) for one in newest))
    return select(tables.jobs).where(_JOBS.id.in_(ids)).order_by(*_order(None)).limit(limit)


def count_queues(connection: Connection) -> tuple[QueueView, ...]:
    """Tasks that are queued or under way, by queue; queues without any are left out."""
    query = select(_JOBS.queue, func.sum(_JOBS.queued), func.sum(_JOBS.starting + _JOBS.running))
    query = query.where(tables.UNFINISHED).group_by(_JOBS.queue).order_by(_JOBS.queue)
    return tuple(QueueView(name, int(queued), int(under_way)) for name, queued, under_way in connection.execute(query))
