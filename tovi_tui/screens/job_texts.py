"""Texts of a job: what people note on it, what was submitted, why it is as it is."""

from __future__ import annotations

from tovi_server.core.ids import JobId, Reference, parse_reference
from tovi_server.core.resources import format_bytes
from tovi_server.core.views import JobView, TaskView
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.text.span import Span, Tone, line


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


async def show_snapshot(screen: ToviScreen, job: int) -> None:
    """The files of its frozen code."""
    details = await screen.manager.show(Reference(JobId(job)), files=True, limit=0)
    lines = [line(Span(f"{format_bytes(file.size_bytes):>10}  ", Tone.DIM), file.path) for file in details.files]
    await screen.show_text(f"Code of {job}", lines or [line("no code travelled with it: its tovi.yaml is all (v)")])


async def show_spec(screen: ToviScreen, job: JobView) -> None:
    """The file as it was submitted."""
    text = job.spec or "it is not for you to see"
    await screen.show_text(f"tovi.yaml of {job.id}", [line(one) for one in text.expandtabs().split("\n")])


async def show_why(screen: ToviScreen, job: int) -> None:
    """All reasons, the most telling first."""
    why = await screen.manager.why(Reference(JobId(job)))
    lines = [line(reason.message) for reason in why.reasons]
    await screen.show_text(f"Why {why.id} is {why.state}", lines or [line("nothing is known")])


async def say_why(screen: ToviScreen, task: TaskView) -> None:
    """Of one task, while it waits."""
    if task.started_at is None and task.ended_at is None:
        why = await screen.manager.why(parse_reference(task.id))
        screen.say(" ", " · ".join(reason.message for reason in why.reasons))
