"""Which tasks of a part are shown: the first ones, or those of some parameters."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from tovi_server.core import expand
from tovi_server.core.job import Frozen, Stage
from tovi_server.core.spec import StageSpec
from tovi_server.core.task import Task
from tovi_server.manager.part import Part
from tovi_server.store.jobs import JobStore


async def tasks(
    jobs: JobStore, part: Part, frozen: Frozen, *, where: Mapping[str, str], limit: int
) -> tuple[list[Task], int]:
    """The first `limit` tasks, in order, whose parameters are as `where` says; and how many more there are."""
    found: list[Task] = []
    left_out = 0
    for stage in part.stages:
        indices = await _indices(part, stage, frozen.spec.stage(stage.name), where)
        room = limit - len(found)
        left_out += max(0, len(indices) - room)
        found += await _load(jobs, part, stage, indices[: max(0, room)])
    return found, left_out


async def _indices(part: Part, stage: Stage, spec: StageSpec, where: Mapping[str, str]) -> Sequence[int]:
    every = range(stage.total) if part.index is None else range(part.index, part.index + 1)
    if not where:
        return every
    # A wide matrix takes long enough to be in other people's way.
    return await asyncio.to_thread(lambda: [index for index in every if _matches(spec, index, where)])


def _matches(spec: StageSpec, index: int, where: Mapping[str, str]) -> bool:
    params = expand.cell(spec, index).params
    return all(params.get(name) == value for name, value in where.items())


async def _load(jobs: JobStore, part: Part, stage: Stage, indices: Sequence[int]) -> Sequence[Task]:
    if not indices:
        return ()
    if isinstance(indices, range):
        return await jobs.tasks(part.job.id, stage=stage.name, first=indices.start, limit=len(indices))
    return await jobs.tasks(part.job.id, stage=stage.name, indices=indices)
