"""The stages of a job as a graph: what needs what stands to the right of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Final

from tovi_server.core.job_words import count_ended
from tovi_server.core.states import TaskState
from tovi_server.core.views import StageView
from tovi_tui.text.span import Line, Span, Tone, line, width
from tovi_tui.text.states import look_of

_ARROW: Final = " ──▶ "
_MOST_LINES: Final = 6
_TELLING: Final = (TaskState.FAILED, TaskState.RUNNING, TaskState.STARTING, TaskState.QUEUED, TaskState.WAITING)


def graph_lines(stages: Sequence[StageView], *, chosen: str, columns: int) -> list[Line]:
    """A column for each level, an arrow between two; stages one below the other where that is too wide."""
    levels = _levels(stages)
    drawn = _beside_each_other(levels, chosen)
    if len(drawn) > _MOST_LINES or any(width(one) > columns for one in drawn):
        drawn = [(*_stage(stage, chosen), *_needs(stage)) for level in levels for stage in level]
    return [(Span(" "), *one) for one in drawn]


def first_of_interest(stages: Sequence[StageView]) -> str:
    """The stage that has failed tasks, else the first that is not done, else the last; empty: there is none."""
    for wanted in _TELLING:
        for stage in stages:
            if stage.tasks_by_state.get(wanted):
                return stage.name
    return stages[-1].name if stages else ""


def _levels(stages: Sequence[StageView]) -> list[list[StageView]]:
    """Stages by how long the longest way to them is."""
    depth: dict[str, int] = {}
    for stage in stages:  # a stage comes after what it needs
        depth[stage.name] = 1 + max((depth.get(need, 0) for need in stage.needs), default=-1)
    levels: dict[int, list[StageView]] = {}
    for stage in stages:
        levels.setdefault(depth[stage.name], []).append(stage)
    return [levels[number] for number in sorted(levels)]


def _beside_each_other(levels: Sequence[Sequence[StageView]], chosen: str) -> list[Line]:
    rooms = [max(width(_stage(stage, chosen)) for stage in level) for level in levels]
    rows = zip_longest(*levels)
    return [_row(row, rooms, chosen, is_first=at == 0) for at, row in enumerate(rows)]


def _row(row: Sequence[StageView | None], rooms: Sequence[int], chosen: str, *, is_first: bool) -> Line:
    spans: list[Span] = []
    for at, (stage, room) in enumerate(zip(row, rooms, strict=True)):
        if at:
            spans.append(Span(_ARROW if is_first else " " * len(_ARROW), Tone.DIM))
        drawn = () if stage is None else _stage(stage, chosen)
        spans += [*drawn, Span(" " * (room - width(drawn)))]
    return tuple(spans)


def _stage(stage: StageView, chosen: str) -> Line:
    is_chosen = stage.name == chosen
    name = Span(f"▸{stage.name}" if is_chosen else f" {stage.name}", Tone.ACCENT if is_chosen else Tone.PLAIN)
    return line(name, " ", look_of(stage.state).mark, *_count(stage.tasks_total, stage.tasks_by_state))


def _count(total: int, by_state: Mapping[str, int]) -> Line:
    """Nothing of a single task, whose mark says it all."""
    if total == 1:
        return ()
    failed = by_state.get(TaskState.FAILED, 0)
    count = line(Span(f" {count_ended(by_state)}/{total}", Tone.DIM))
    return (*count, Span(f" ✗{failed}", Tone.BAD)) if failed else count


def _needs(stage: StageView) -> Line:
    return line(Span(f"  needs {', '.join(stage.needs)}", Tone.DIM)) if stage.needs else ()
