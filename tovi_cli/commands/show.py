"""Looking at one thing: `show` and `why`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from tovi_cli.call import Call, Id, Injected
from tovi_cli.commands.submit import assignments
from tovi_cli.details import job_lines, task_lines
from tovi_cli.form import TABLE, Form
from tovi_cli.jobs_table import STAGES, TASKS
from tovi_cli.look import look_of
from tovi_cli.output import Column, Document, Listing, show_document, show_list
from tovi_cli.verb import Verb
from tovi_server.core.errors import NotFoundError
from tovi_server.core.ids import Reference, parse_reference
from tovi_server.core.safe import safe, safe_line
from tovi_server.core.views import AttemptView, Details, FileView, StageView, TaskView

Where = Annotated[tuple[str, ...], Parameter(name="--where", help="Only tasks with this parameter, as name=value.")]

FILES: tuple[Column[FileView], ...] = (Column("size_bytes", "SIZE"), Column("path", "PATH"))


async def show(
    reference: Id,
    /,
    *,
    files: bool = False,
    where: Where = (),
    limit: int = 200,
    form: Form = TABLE,
    call: Injected,
) -> int:
    """A job, stage, task or attempt: states, times, exits, use.

    Parameters
    ----------
    files
        The files of its frozen code, too.
    limit
        List at most so many tasks.
    """
    wanted = parse_reference(reference)
    details = await call.api.show(wanted, where=assignments(where, "--where") or None, files=files, limit=limit)
    if not await show_document(call, form, _document(wanted, details)):
        await _print(call, wanted, details)
    return 0


def _document(wanted: Reference, details: Details) -> Document:
    if wanted.attempt is not None:
        return Document("tovi.attempt/1", _attempt(wanted, details))
    if wanted.index is not None:
        return Document("tovi.task/1", _task(wanted, details))
    parts = {"tasks": details.tasks, "more_tasks": details.more_tasks, "files": details.files}
    if wanted.stage is not None:
        return Document("tovi.stage/1", _stage(wanted, details), parts)
    return Document("tovi.job/1", details.job, parts)


def _stage(wanted: Reference, details: Details) -> StageView:
    for stage in details.job.stages:
        if stage.name == wanted.stage:
            return stage
    raise NotFoundError(f"there is no {wanted}")


def _task(wanted: Reference, details: Details) -> TaskView:
    for task in details.tasks:
        if task.index == wanted.index and task.stage == wanted.stage:
            return task
    raise NotFoundError(f"there is no {wanted}")


def _attempt(wanted: Reference, details: Details) -> AttemptView:
    for attempt in _task(wanted, details).attempts:
        if attempt.attempt == wanted.attempt:
            return attempt
    raise NotFoundError(f"there is no {wanted}")


async def _print(call: Call, wanted: Reference, details: Details) -> None:
    look = look_of(call)
    if wanted.index is not None:
        task = _task(wanted, details)
        await call.put("\n".join(task_lines(task, look, only=wanted.attempt)) + "\n")
        return
    await call.put("\n".join(job_lines(details.job, look)) + "\n")
    if len(details.job.stages) > 1 and wanted.stage is None:
        await call.put("\n")
        await show_list(call, TABLE, Listing("", "", details.job.stages, STAGES, empty=""))
    await call.put("\n")
    await show_list(call, TABLE, Listing("", "", details.tasks, TASKS, empty="no such tasks"))
    if details.more_tasks:
        await call.say(f"and {details.more_tasks} more tasks: --limit, --where or the id of a stage")
    if details.job.spec and wanted.stage is None:
        await call.put("\ntovi.yaml\n" + "".join(f"  {line}\n" for line in safe(details.job.spec).splitlines()))
    if details.files:
        await call.put("\n")
        await show_list(call, TABLE, Listing("", "", details.files, FILES, empty=""))


async def why(reference: Id, /, *, form: Form = TABLE, call: Injected) -> int:
    """Why it waits or ended, with numbers."""
    answer = await call.api.why(parse_reference(reference))
    if not await show_document(call, form, Document("tovi.why/1", answer)):
        lines = [f"{answer.id} {answer.state}", *(f"  {safe_line(reason.message)}" for reason in answer.reasons)]
        await call.put("".join(f"{line}\n" for line in lines))
    return 0


VERBS = (
    Verb(
        ("show",), show, ("ssh {host} show 12", "ssh {host} show 12.train --where lr=0.1", "ssh {host} show 12 --json")
    ),
    Verb(("why",), why, ("ssh {host} why 12",)),
)
