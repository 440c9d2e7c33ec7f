"""Datasets, and what jobs left behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from difflib import get_close_matches

from tovi_server.core import expand, views
from tovi_server.core.access import Action
from tovi_server.core.errors import NotFoundError
from tovi_server.core.ids import Reference
from tovi_server.manager import part as parts
from tovi_server.manager import present
from tovi_server.manager.access import absent_job, need_job, need_project
from tovi_server.manager.desk import Desk
from tovi_server.manager.part import narrow
from tovi_server.manager.projects import current_project


async def datasets(desk: Desk, project: str | None) -> tuple[views.DatasetView, ...]:
    """Those of a project, None: of the current one."""
    name = await _readable(desk, project)
    return tuple(present.dataset(one) for one in await asyncio.to_thread(desk.files.datasets, name))


async def dataset(desk: Desk, name: str, project: str | None) -> views.DatasetView:
    where = await _readable(desk, project)
    found = await asyncio.to_thread(desk.files.dataset, where, name)
    if found is None:
        there = [one.name for one in await asyncio.to_thread(desk.files.datasets, where)]
        near = get_close_matches(name, there, n=1)
        raise NotFoundError(
            f'project "{where}" has no dataset "{name}"', hint=f"perhaps {near[0]}" if near else "`datasets` lists them"
        )
    return present.dataset(found)


async def metrics(desk: Desk, reference: Reference) -> tuple[views.MetricsRow, ...]:
    """Of the part's tasks that have some, in order."""
    part = narrow(await need_job(desk, reference.job), reference)
    frozen = await desk.jobs.frozen(reference.job)
    if frozen is None:
        raise absent_job(reference.job)
    return tuple(
        views.MetricsRow(
            task=str(task.id),
            state=task.state.value,
            params=present.safe_texts(expand.cell(frozen.spec.stage(task.id.stage), task.id.index).params),
            metrics=present.safe_metrics(task.metrics),
        )
        for task in await desk.jobs.metrics(reference.job)
        if part.has(task.id)
    )


async def outputs(desk: Desk, reference: Reference) -> tuple[views.OutputView, ...]:
    """The files that the part's tasks left, in order."""
    part = narrow(await need_job(desk, reference.job), reference)
    tried = [task.id async for task in parts.tasks(desk.jobs, part) if task.attempt]
    found = await asyncio.to_thread(desk.files.outputs, part.job.project, tried)
    return tuple(replace(one, path=present.line(one.path)) for one in found)


async def _readable(desk: Desk, project: str | None) -> str:
    return (await need_project(desk, project or await current_project(desk), Action.READ)).name
