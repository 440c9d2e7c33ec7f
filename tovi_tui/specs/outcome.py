"""What a tovi.yaml would do, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from tovi_server.core.durations import format_duration
from tovi_server.core.look import asked
from tovi_server.core.views import Checked, StageView
from tovi_tui.text.span import Line, Span, Tone, line


def outcome_lines(checked: Checked, project: str) -> tuple[Line, ...]:
    """Name, project and number of tasks; each stage; what is to be noticed."""
    count = counted(checked.tasks_total, "task")
    first = line(Span(checked.name, Tone.BOLD), " in ", Span(project, Tone.BOLD), f" would be {count}")
    notices = [line(Span("! ", Tone.WAIT), notice) for notice in checked.notices]
    return (first, *(part for stage in checked.stages for part in _stage(stage)), *notices)


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def empty_lines(to_type: Sequence[str]) -> tuple[Line, ...]:
    """What to do with an empty editor; `to_type` are lines for one's own machine."""
    return (
        line("Paste or write a tovi.yaml, for instance"),
        line(Span("  run: python3 -c 'print(42)'", Tone.BOLD)),
        line("or take that of a job, or a file, with ", Span("^o", Tone.ACCENT), "."),
        (),
        line(Span("Code beside it comes from your own machine:", Tone.DIM)),
        *(line(f"  {one}") for one in to_type),
    )


def _stage(stage: StageView) -> Iterator[Line]:
    after = f" after {', '.join(stage.needs)}" if stage.needs else ""
    yield line(Span("▸ ", Tone.ACCENT), Span(stage.name, Tone.BOLD), f" {counted(stage.tasks_total, 'task')}{after}")
    limits = [f"each asks {asked(stage.requested)}", f"at most {format_duration(timedelta(seconds=stage.timeout_s))}"]
    if stage.max_concurrent is not None:
        limits.append(f"{stage.max_concurrent} at once")
    yield line(Span(f"  {' · '.join(limits)}", Tone.DIM))
