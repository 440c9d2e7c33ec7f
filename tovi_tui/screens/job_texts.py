"""Texts of a job: what people note on it, what was submitted, why it is as it is."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Final

from tovi_server.core.ids import JobId, Reference, parse_reference
from tovi_server.core.resources import format_bytes
from tovi_server.core.views import JobView, TaskView
from tovi_tui.jobs.known import Known
from tovi_tui.jobs.told import waits
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.text.span import Line, Span, Tone, line


async def edit_note(screen: ToviScreen, job: JobView) -> None:
    """An empty one is none."""
    text = await screen.prompt(f"Note on {job.id} {job.name}", text=job.note)
    if text is not None:
        await screen.manager.annotate(JobId(job.id), note=text, tags=None)
        screen.reload()


async def edit_tags(screen: ToviScreen, job: JobView) -> None:
    """Words, with spaces between them."""
    text = await screen.prompt(f"Tags of {job.id} {job.name}", text=" ".join(job.tags))
    if text is not None:
        await screen.manager.annotate(JobId(job.id), note=None, tags=tuple(text.split()))
        screen.reload()


async def show_snapshot(screen: ToviScreen, job: JobView) -> None:
    """The files of its frozen code."""
    details = await screen.manager.show(Reference(JobId(job.id)), files=True, limit=0)
    lines = [line(Span(f"{format_bytes(file.size_bytes):>10}  ", Tone.DIM), file.path) for file in details.files]
    await screen.show_text(f"Code of {job.id}", lines or [line("no code travelled with it: its tovi.yaml is all (v)")])


async def show_spec(screen: ToviScreen, job: JobView) -> None:
    """The file as it was submitted."""
    text = job.spec or "it is not for you to see"
    await screen.show_text(f"tovi.yaml of {job.id}", [line(one) for one in text.expandtabs().split("\n")])


async def show_whole(screen: ToviScreen, job: JobView, of_task: Sequence[Line]) -> None:
    """Why the job is as it is, the most telling reason first; and the task in words."""
    why = await screen.manager.why(Reference(JobId(job.id)))
    reasons = [line(reason.message) for reason in why.reasons] or [line("nothing is known")]
    await screen.show_text(f"Why {why.id} is {why.state}", [*reasons, (), *of_task])


async def known_of(screen: ToviScreen, task: TaskView) -> Known:
    """Its attempts and, while it waits, why and behind whom."""
    details = await screen.manager.show(parse_reference(task.id))
    reasons = (await screen.manager.why(parse_reference(task.id))).reasons if waits(task) else ()
    return Known(task.id, details.tasks[0].attempts if details.tasks else (), reasons)


OfJob = Callable[[ToviScreen, JobView], Coroutine[None, None, None]]

NAMED: Final[Mapping[str, OfJob]] = {
    "note": edit_note,
    "tags": edit_tags,
    "snapshot": show_snapshot,
    "spec": show_spec,
}
