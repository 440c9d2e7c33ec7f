"""The tables. Their classes never leave this package; statements are written against `metadata.tables`.

A stage of 100,000 tasks is one row: tasks have rows of their own only once they are touched one by one. All
from `next_index` on that have none share `rest_state`; all below it have one. Rows of jobs and stages carry
counts of tasks by state, changed in the same transaction as the tasks.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    UniqueConstraint,
    and_,
    false,
    literal_column,
)
from sqlmodel import Field, SQLModel

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BIG_ID = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only in a column that is called INTEGER."""
_CLUSTERED = {"sqlite_with_rowid": False}
"""Rows lie in the order of their long keys, instead of a second copy of those beside a numbered table."""


class Base(SQLModel):
    metadata: ClassVar[MetaData] = MetaData(naming_convention=_NAMES)


class CountColumns(Base):
    """How many tasks are in each state."""

    waiting: int
    queued: int
    starting: int
    running: int
    succeeded: int
    failed: int
    cancelled: int
    skipped: int


class JobRow(CountColumns, table=True):
    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_project_id", "project", "id"),
        Index("ix_jobs_user_id", "user", "id"),
        {"sqlite_autoincrement": True},
    )
    id: int | None = Field(default=None, sa_column=Column(BIG_ID, primary_key=True, autoincrement=True))
    project: str
    user: str
    name: str
    queue: str
    priority: int
    tags: str
    """Each with a line break before and after, so that one is found whole."""
    note: str
    held: bool
    snapshot: str | None
    origin: int | None = Field(sa_type=BigInteger)
    submitted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class SpecRow(Base, table=True):
    """Apart from the job's row, so that lists do not read it."""

    __tablename__ = "specs"
    job_id: int = Field(sa_column=Column(BigInteger, ForeignKey("jobs.id"), primary_key=True, autoincrement=False))
    spec: str
    text: str


class IdempotencyRow(Base, table=True):
    """Which job a user's key stands for, for ever."""

    __tablename__ = "idempotency"
    user: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    digest: str
    job_id: int = Field(sa_type=BigInteger, foreign_key="jobs.id")


class StageRow(CountColumns, table=True):
    __tablename__ = "stages"
    __table_args__ = (_CLUSTERED,)
    job_id: int = Field(sa_column=Column(BigInteger, ForeignKey("jobs.id"), primary_key=True, autoincrement=False))
    name: str = Field(primary_key=True)
    position: int
    needs: str
    total: int
    rows: int
    """How many of its tasks have a row of their own."""
    next_index: int
    rest_state: str
    queued_at: datetime | None
    """Since when its tasks could start."""
    rest_ended_at: datetime | None
    held: bool
    request: str
    timeout_s: int
    retries: str
    max_concurrent: int | None = Field(sa_type=BigInteger)


class TaskRow(Base, table=True):
    __tablename__ = "tasks"
    __table_args__ = (ForeignKeyConstraint(["job_id", "stage"], ["stages.job_id", "stages.name"]), _CLUSTERED)
    job_id: int = Field(sa_type=BigInteger, primary_key=True)
    stage: str = Field(primary_key=True)
    task_index: int = Field(sa_type=BigInteger, primary_key=True)
    state: str
    version: int
    held: bool
    attempt: int
    failures: int
    losses: int
    cancel_requested: bool
    node: str | None
    gpu_ids: str
    reason: str | None
    message: str
    exit_code: int | None
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    cpu_s: float | None
    memory_bytes: int | None = Field(sa_type=BigInteger)
    metrics: str | None


class AttemptRow(Base, table=True):
    __tablename__ = "attempts"
    __table_args__ = (
        ForeignKeyConstraint(["job_id", "stage", "task_index"], ["tasks.job_id", "tasks.stage", "tasks.task_index"]),
        _CLUSTERED,
    )
    job_id: int = Field(sa_type=BigInteger, primary_key=True)
    stage: str = Field(primary_key=True)
    task_index: int = Field(sa_type=BigInteger, primary_key=True)
    number: int = Field(primary_key=True)
    node: str
    gpu_ids: str
    dispatched_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    reason: str | None
    message: str
    exit_code: int | None
    cpu_s: float | None
    memory_bytes: int | None = Field(sa_type=BigInteger)


class EventRow(Base, table=True):
    """Only ever appended to; the order of `seq` is the order of commit."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_job_id_seq", "job_id", "seq"),
        Index("ix_events_project_seq", "project", "seq"),
        {"sqlite_autoincrement": True},
    )
    seq: int | None = Field(default=None, sa_column=Column(BIG_ID, primary_key=True, autoincrement=True))
    at: datetime
    kind: str
    job_id: int = Field(sa_type=BigInteger)
    stage: str | None
    task_index: int | None = Field(sa_type=BigInteger)
    attempt: int | None
    user: str | None
    project: str
    data: str


class NodeRow(Base, table=True):
    __tablename__ = "nodes"
    name: str = Field(primary_key=True)
    ready: bool
    capacity: str
    taken_by_others: str | None
    """None: nothing."""
    slots: int | None
    seen_at: datetime


class OutageRow(Base, table=True):
    """Why nothing can be started now, while that is so."""

    __tablename__ = "outages"
    name: str = Field(primary_key=True)
    """Always the same: there is one at most."""
    why: str
    since: datetime


class UserRow(Base, table=True):
    __tablename__ = "users"
    name: str = Field(primary_key=True)
    admin: bool
    disabled: bool
    current_project: str | None
    created_at: datetime


class PreferenceRow(Base, table=True):
    """What front ends keep for a user."""

    __tablename__ = "preferences"
    user: str = Field(primary_key=True, foreign_key="users.name")
    name: str = Field(primary_key=True)
    value: str


class KeyRow(Base, table=True):
    __tablename__ = "keys"
    fingerprint: str = Field(primary_key=True)
    user: str = Field(foreign_key="users.name", index=True)
    line: str
    added_at: datetime
    used_at: datetime | None


class ProjectRow(Base, table=True):
    __tablename__ = "projects"
    name: str = Field(primary_key=True)
    note: str
    archived: bool
    created_at: datetime


class MemberRow(Base, table=True):
    __tablename__ = "members"
    project: str = Field(primary_key=True, foreign_key="projects.name")
    user: str = Field(primary_key=True, foreign_key="users.name", index=True)
    role: str


class IdentityRow(Base, table=True):
    """A number per (project, user), which the tasks of that user run as; per project with no user: its group."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("project", "user"),)
    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    project: str
    user: str


class LeaseRow(Base, table=True):
    """Who may act as the only one of its kind, and until when, by the database's clock."""

    __tablename__ = "leases"
    name: str = Field(primary_key=True)
    holder: str
    epoch: int = Field(sa_type=BigInteger)
    """One more with each taking."""
    until: datetime


metadata = Base.metadata
jobs = metadata.tables["jobs"]
specs = metadata.tables["specs"]
idempotency = metadata.tables["idempotency"]
stages = metadata.tables["stages"]
tasks = metadata.tables["tasks"]
attempts = metadata.tables["attempts"]
events = metadata.tables["events"]
nodes = metadata.tables["nodes"]
outages = metadata.tables["outages"]
users = metadata.tables["users"]
preferences = metadata.tables["preferences"]
keys = metadata.tables["keys"]
projects = metadata.tables["projects"]
members = metadata.tables["members"]
identities = metadata.tables["identities"]
leases = metadata.tables["leases"]

# The conditions below are also used in queries: SQLite takes a partial index only for the very same words.
UNFINISHED = jobs.c.ended_at.is_(None)
HAS_QUEUED = stages.c.queued > literal_column("0")
UNDER_WAY = attempts.c.ended_at.is_(None)
STARTABLE = and_(tasks.c.state == literal_column("'queued'"), tasks.c.held == false())

Index("ix_jobs_unfinished", jobs.c.id, sqlite_where=UNFINISHED, postgresql_where=UNFINISHED)
Index("ix_stages_queued", stages.c.job_id, sqlite_where=HAS_QUEUED, postgresql_where=HAS_QUEUED)
Index("ix_attempts_under_way", attempts.c.job_id, sqlite_where=UNDER_WAY, postgresql_where=UNDER_WAY)
Index(
    "ix_tasks_startable",
    *(tasks.c.job_id, tasks.c.stage, tasks.c.task_index),
    sqlite_where=STARTABLE,
    postgresql_where=STARTABLE,
)
