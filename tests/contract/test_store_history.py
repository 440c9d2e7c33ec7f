"""However much history there is, no look at the present reads it: the databases' own plans say so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from sqlalchemy import Connection, Engine, event, insert, text

from tests.contract.store_house import DAWN, House, stage
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId
from tovi_server.core.job import Counts
from tovi_server.store import feed, listing, queue, tables
from tovi_server.store.convert import counts_values

pytest_plugins = ("tests.contract.store_fixtures",)

Look = Callable[[Connection], object]
Statements = list[tuple[str, Any]]

_LOOKS: Final[dict[str, Look]] = {
    "waiting": queue.waiting,
    "active": queue.active,
    "queues": listing.count_queues,
    "unfinished": lambda c: listing.list_jobs(c, JobFilter(unfinished=True), None, Page(), None),
    "mine": lambda c: listing.list_jobs(c, JobFilter(unfinished=True, user="ann"), ["lab", "b"], Page(), "ann"),
    "my project's": lambda c: listing.list_jobs(c, JobFilter(unfinished=True, user="ann"), ["lab"], Page(), None),
    "one project's": lambda c: listing.list_jobs(c, JobFilter(unfinished=True, project="lab"), None, Page(), None),
    "of projects": lambda c: listing.list_jobs(c, JobFilter(), ["lab", "b"], Page(limit=10), None),
    "of a user": lambda c: listing.list_jobs(c, JobFilter(user="ann"), None, Page(limit=10), None),
    "of a job": lambda c: feed.events(c, after=0, limit=10, job=JobId(1), projects=None),
    "news": lambda c: feed.events(c, after=10_000_000, limit=10, job=None, projects=["lab", "b"]),
    "last": feed.last_event,
}
_PRESENT: Final = ("ix_jobs_unfinished", "ix_stages_queued", "ix_attempts_under_way", "ix_tasks_startable")
_HISTORY: Final = 5000


@pytest.fixture
async def old_house(house: House) -> House:
    """With a long history, and one job that runs."""
    await house.database.write(_fill)
    job = await house.submit(stage(tasks=3))
    await house.start(f"{job}.main.1")
    return house


def _fill(connection: Connection) -> None:
    common = {"project": "lab", "user": "ann", "name": "n", "queue": "q", "priority": 0, "tags": "", "note": ""}
    times = {"submitted_at": DAWN, "started_at": DAWN, "ended_at": DAWN}
    done = counts_values(Counts(succeeded=1))
    ids = range(1, _HISTORY + 1)
    rows = [{"id": job, **common, **times, **done, "held": False, "snapshot": None, "origin": None} for job in ids]
    connection.execute(insert(tables.jobs), rows)
    stages = {"name": "main", "position": 0, "needs": "[]", "total": 1, "rows": 1, "next_index": 1, "held": False}
    more = {"rest_state": "succeeded", "request": "{}", "timeout_s": 1, "retries": "{}"}
    connection.execute(insert(tables.stages), [{"job_id": job, **stages, **more, **done} for job in ids])
    first = [{"job_id": job, "stage": "main", "task_index": 0} for job in ids]
    task = {"state": "succeeded", "version": 3, "held": False, "attempt": 1, "failures": 0, "losses": 0}
    said = {"cancel_requested": False, "gpu_ids": "", "message": ""}
    connection.execute(insert(tables.tasks), [{**one, **task, **said} for one in first])
    tried = {"number": 1, "node": "n", "gpu_ids": "", "dispatched_at": DAWN, "ended_at": DAWN, "message": ""}
    connection.execute(insert(tables.attempts), [{**one, **tried} for one in first])
    happened = {"at": DAWN, "kind": "ended", "project": "lab", "data": "{}"}
    connection.execute(insert(tables.events), [{"job_id": job, **happened} for job in ids])
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT setval('jobs_id_seq', (SELECT max(id) FROM jobs))"))
        connection.execute(text("ANALYZE"))


@pytest.fixture
def statements() -> Iterator[Statements]:
    """Every statement that is run while a test looks."""
    seen: Statements = []

    def note(connection: object, cursor: object, statement: str, parameters: object, *_: object) -> None:
        seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


async def test_no_look_at_the_present_reads_history(old_house: House, statements: Statements) -> None:
    walked: dict[str, list[str]] = {}
    for name, look in _LOOKS.items():
        statements.clear()
        await old_house.database.read(look)
        asked = [one for one in statements if one[0].startswith("SELECT")]
        assert asked, name
        walked[name] = [step for one in asked for step in await _walks(old_house, *one)]
    assert {name: [] for name in _LOOKS} == walked


@pytest.mark.parametrize("name", ["unfinished", "mine", "my project's", "one project's", "queues"])
async def test_what_is_unfinished_is_found_by_its_own_index(
    old_house: House, statements: Statements, name: str
) -> None:
    await old_house.database.read(_LOOKS[name])
    statement, values = next(one for one in statements if one[0].startswith("SELECT"))
    explain = "EXPLAIN QUERY PLAN" if isinstance(values, tuple) else "EXPLAIN"
    plan = await old_house.database.read(
        lambda connection: str(connection.exec_driver_sql(f"{explain} {statement}", values).all())
    )
    assert "ix_jobs_unfinished" in plan


async def _walks(house: House, statement: str, values: Any) -> list[str]:
    """Steps of the plan that go through a whole table, or through a whole index of history."""
    explain = _explain_sqlite if isinstance(values, tuple) else _explain_postgres
    return await house.database.read(lambda connection: explain(connection, statement, values))


def _explain_sqlite(connection: Connection, statement: str, values: Any) -> list[str]:
    assert isinstance(values, tuple)
    plan = [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    walks = [step for step in plan if step.startswith("SCAN") and not step.startswith("SCAN anon")]
    return [step for step in walks if not any(name in step for name in _PRESENT)]


def _explain_postgres(connection: Connection, statement: str, values: Any) -> list[str]:
    assert isinstance(values, dict)
    plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalar_one()
    return re.findall(r'"Node Type": "Seq Scan".*?"Relation Name": "(\w+)"', json.dumps(plan))
