"""Submission: sniff, keep the code, read the spec, check, and one transaction. `check` is the same, keeping nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from tovi_server.api import SubmitOptions
from tovi_server.core import expand, spec_reader, views
from tovi_server.core.access import Action
from tovi_server.core.errors import InvalidSpecError, NotFoundError, QuotaExceededError, UsageError
from tovi_server.core.job import NewJob
from tovi_server.core.spec import Spec
from tovi_server.manager import names, present
from tovi_server.manager.access import need_project
from tovi_server.manager.desk import Desk
from tovi_server.manager.feasible import need_room
from tovi_server.manager.projects import current_project
from tovi_server.manager.settings import Images
from tovi_server.manager.submission import arrive, read_yaml

UNNAMED = "job"


@dataclass(frozen=True, slots=True)
class Read:
    """What was submitted, understood. `snapshot` None: no code travelled."""

    spec: Spec
    text: str
    snapshot: str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """A submission that could become a job of this project."""

    project: str
    what: Read


async def submit(desk: Desk, options: SubmitOptions, source: AsyncIterable[bytes]) -> views.Submitted:
    """Queue it; durable when this returns. A source that breaks off (ConnectionError) leaves nothing."""
    found = await _receive(desk, options, source, keep=True)
    job, created = await desk.jobs.submit(new_job(desk, options, found), now=desk.clock.now())
    desk.ring()
    return views.Submitted(job, created, _notices(found.what.spec, desk.settings.images))


async def check(desk: Desk, options: SubmitOptions, source: AsyncIterable[bytes]) -> views.Checked:
    found = await _receive(desk, options, source, keep=False)
    stages = tuple(present.planned_stage(stage, expand.count(stage.cells)) for stage in found.what.spec.stages)
    name = present.line(options.name or found.what.spec.name or UNNAMED)
    return views.Checked(
        name, stages, sum(stage.tasks_total for stage in stages), _notices(found.what.spec, desk.settings.images)
    )


async def _receive(desk: Desk, options: SubmitOptions, source: AsyncIterable[bytes], *, keep: bool) -> Checked:
    names.need_good_options(options)
    arrival = await arrive(source)
    if not desk.files.looks_like_archive(arrival.first):
        text = await read_yaml(arrival.whole)
        return await checked(desk, options, Read(await read(text, options.params), text, None))
    project = options.project or await current_project(desk)
    await need_project(desk, project, Action.SUBMIT)
    intake = await desk.files.receive(arrival.whole, project=project, keep=keep)
    spec = await read(intake.spec_text, options.params)
    _need_same_project(project, options.project or spec.project or project)
    return await checked(desk, options, Read(spec, intake.spec_text, intake.snapshot))


def _need_same_project(kept_in: str, wanted: str) -> None:
    """Code is kept per project, and an archive has to be kept before its tovi.yaml can be read."""
    if kept_in != wanted:
        raise UsageError(
            f'the tovi.yaml in the archive names project "{wanted}"',
            why=f'your current project is "{kept_in}", and code is received into a project before its files are read',
            hint=f"`submit --project {wanted} -`, or `project use {wanted}` once",
        )


async def read(text: str, params: Mapping[str, str]) -> Spec:
    """A long file must not hold up the others."""
    return await asyncio.to_thread(spec_reader.read_spec, text, params=params)


async def checked(desk: Desk, options: SubmitOptions, what: Read) -> Checked:
    """All checks of a submission whose bytes are here."""
    project = options.project or what.spec.project or await current_project(desk)
    await need_project(desk, project, Action.SUBMIT)
    _need_queue(desk, options.queue or what.spec.queue)
    _need_few_tasks(desk, what.spec)
    _need_images(desk, what.spec)
    need_room(what.spec, [node for node, _ in await desk.jobs.nodes()])
    await _need_datasets(desk, project, what.spec)
    return Checked(project, what)


def _need_queue(desk: Desk, queue: str | None) -> None:
    queues = desk.settings.queues
    if queue is not None and queue not in queues:
        raise NotFoundError(f'there is no queue "{queue}"', why=f"the queues are {', '.join(queues)}")


def _need_few_tasks(desk: Desk, spec: Spec) -> None:
    total = sum(expand.count(stage.cells) for stage in spec.stages)
    if total > desk.settings.most_tasks:
        raise QuotaExceededError(
            f"the job would have {total} tasks", why=f"the limit of this server is {desk.settings.most_tasks} a job"
        )


def _need_images(desk: Desk, spec: Spec) -> None:
    without = [stage.name for stage in spec.stages if stage.image is None]
    if without and desk.settings.images is Images.REQUIRED:
        raise InvalidSpecError(
            f'stage "{without[0]}" names no image',
            why="tasks run in containers here, and this server has no image for those that name none",
            hint="for instance `image: python:3.12`, in the stage or under `defaults:`",
        )


async def _need_datasets(desk: Desk, project: str, spec: Spec) -> None:
    named = {mount.dataset: stage.name for stage in spec.stages for mount in stage.data}
    if not named:
        return
    there = [one.name for one in await asyncio.to_thread(desk.files.datasets, project)]
    for dataset, stage in named.items():
        if dataset not in there:
            near = get_close_matches(dataset, there, n=1)
            raise InvalidSpecError(
                f'stage "{stage}" uses dataset "{dataset}", which is not there',
                why=f'project "{project}" has no dataset of that name',
                hint=f"perhaps datasets/{near[0]}" if near else f"upload it: `scp -r {dataset} …:datasets/{dataset}`",
            )


def new_job(desk: Desk, options: SubmitOptions, found: Checked) -> NewJob:
    spec = found.what.spec
    return NewJob(
        project=found.project,
        user=desk.caller.user,
        name=options.name or spec.name or UNNAMED,
        queue=options.queue or spec.queue or desk.settings.queues[0],
        priority=int(spec.priority),
        tags=tuple(dict.fromkeys((*spec.tags, *options.tags))),
        note=options.note,
        held=options.hold,
        spec=spec,
        text=found.what.text,
        snapshot=found.what.snapshot,
        key=options.key,
        digest=_digest(options, found),
    )


def _digest(options: SubmitOptions, found: Checked) -> str:
    """The same for the same submission only."""
    said = (found.project, options.name, options.queue, sorted(options.params.items()), options.tags, options.note)
    whole = json.dumps([*said, options.hold, found.what.snapshot, found.what.text])
    return hashlib.sha256(whole.encode()).hexdigest()


def _notices(spec: Spec, images: Images) -> tuple[str, ...]:
    named = sorted({stage.image for stage in spec.stages if stage.image is not None})
    without = (f"image {', '.join(named)} is kept with the job and not used: tasks run on this server's own machine",)
    unused = without if named and images is Images.UNUSED else ()
    return tuple(present.line(notice) for notice in (*spec.notices, *unused))
