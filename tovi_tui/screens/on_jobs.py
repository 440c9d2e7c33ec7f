"""What can be done with jobs of a list, whichever list it is."""

from __future__ import annotations

from collections.abc import Sequence

from tovi_server.core.ids import parse_reference
from tovi_server.core.look import asked
from tovi_server.core.states import TaskState
from tovi_server.core.views import JobView, TaskView
from tovi_tui.places import LogPlace
from tovi_tui.screens.control import Target
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.text import jobs, lines_to_type
from tovi_tui.text.span import Span, Tone, line


def targets(chosen: Sequence[JobView]) -> list[Target]:
    """Those that have not ended."""
    return [
        Target(str(job.id), job.name, held=job.held, started=job.started_at is not None)
        for job in chosen
        if job.ended_at is None
    ]


def say_fetch(screen: ToviScreen, job: JobView) -> None:
    """What to type for its results."""
    screen.say(" fetch its results:  ", Span(fetch(screen, job), Tone.BOLD), Span("   y copies it", Tone.DIM))


def fetch(screen: ToviScreen, job: JobView) -> str:
    return lines_to_type.fetch(screen.tovi.viewer.server, f"jobs/{job.id}")


async def open_log(screen: ToviScreen, job: JobView) -> None:
    """Of the task that tells most: one that failed, else one that runs, else the first."""
    details = await screen.manager.show(parse_reference(str(job.id)))
    if task := most_telling(details.tasks):
        screen.tovi.open(LogPlace((task.id,)))
    else:
        screen.tell(f"{job.id} has no task that you may see")


def most_telling(tasks: Sequence[TaskView]) -> TaskView | None:
    """None: there is no task."""
    telling = (TaskState.FAILED, TaskState.RUNNING, TaskState.STARTING)
    return min(
        tasks, key=lambda task: telling.index(task.state) if task.state in telling else len(telling), default=None
    )


async def show_whole(screen: ToviScreen, job: JobView) -> None:
    """All that was cut."""
    told = [line(job.name), line(asked(job.requested)), jobs.note(job), line(job.note), line(" ".join(job.tags))]
    await screen.show_text(f"Job {job.id}", told)
