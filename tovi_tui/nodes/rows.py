"""One machine as a row: what of it is used, and what runs there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from tovi_server.core.look import Look
from tovi_server.core.resources import format_bytes, format_cpus
from tovi_server.core.views import NodeView
from tovi_tui.text.bars import bar
from tovi_tui.text.columns import Column
from tovi_tui.text.span import Line, Span, Tone, line

_BAR_COLUMNS: Final = 5

COLUMNS: Final[tuple[Column[NodeView], ...]] = (
    Column("name", "NODE", lambda node, look: line(node.name), 11, grow=1),
    Column("state", "STATE", lambda node, look: _state(node), 11),
    Column("cpus", "CPUS FREE", lambda node, look: _cpus(node), 10),
    Column("memory", "MEMORY FREE", lambda node, look: _memory(node), 16, drop=2),
    Column("gpus", "GPUS FREE", lambda node, look: _gpus(node), 14),
    Column("tasks", "TASKS", lambda node, look: line(str(len(node.tasks))), 5, right=True, drop=1),
    Column("seen", "SEEN", lambda node, look: line(Span(look.when(node.seen_at), Tone.DIM)), 9, drop=3),
)
"""The bars show what is used, the numbers what is free."""


def node_lines(node: NodeView, users: Mapping[int, str], look: Look) -> list[Line]:
    """What of it is free and what runs there, each with whose it is as far as that is known."""
    told = [
        line(Span(f"{node.name}  ", Tone.BOLD), *_state(node), Span(f"  seen {look.when(node.seen_at)}", Tone.DIM)),
        line(Span("free  ", Tone.DIM), ", ".join(_free(node))),
    ]
    if not node.tasks:
        return [*told, line(Span("nothing that you may know of runs there", Tone.DIM))]
    tasks = (line(task, Span(f"  {users.get(job_of(task), '')}", Tone.DIM)) for task in node.tasks)
    return [*told, *_by_user(node.tasks, users), *tasks]


def _free(node: NodeView) -> list[str]:
    free, whole = node.free, node.capacity
    told = [
        f"{format_cpus(free.cpu_millicores)} of {format_cpus(whole.cpu_millicores)} CPUs",
        f"{format_bytes(free.memory_bytes)} of {format_bytes(whole.memory_bytes)} memory",
    ]
    return [*told, f"{free.gpus} of {whole.gpus} {whole.gpu or 'GPUs'}"] if whole.gpus else told


def _by_user(tasks: Sequence[str], users: Mapping[int, str]) -> list[Line]:
    """How many of the tasks are whose, the most first. What each of them takes is not told."""
    counts = Counter(users.get(job_of(task), "") for task in tasks).most_common()
    return [
        line(Span(bar(count, len(tasks), _BAR_COLUMNS), Tone.BUSY), f" {count} of {len(tasks)} tasks  ", user)
        for user, count in counts
        if user
    ]


def job_of(task: str) -> int:
    """The job of a task, from its id."""
    return int(task.partition(".")[0])


def by_load(nodes: Sequence[NodeView], *, by_name: bool) -> list[NodeView]:
    """By name, or those with the most free processors first."""
    if by_name:
        return sorted(nodes, key=lambda node: node.name)
    return sorted(nodes, key=lambda node: (not node.ready, -node.free.cpu_millicores, node.name))


def _state(node: NodeView) -> Line:
    return line(Span("● ready", Tone.GOOD) if node.ready else Span("✗ not ready", Tone.BAD))


def _cpus(node: NodeView) -> Line:
    free, whole = node.free.cpu_millicores, node.capacity.cpu_millicores
    return _used(whole - free, whole, format_cpus(free))


def _memory(node: NodeView) -> Line:
    free, whole = node.free.memory_bytes, node.capacity.memory_bytes
    return _used(whole - free, whole, format_bytes(free))


def _gpus(node: NodeView) -> Line:
    free, whole = node.free.gpus, node.capacity.gpus
    if not whole:
        return line(Span("-", Tone.DIM))
    return (*_used(whole - free, whole, f"{free}/{whole} "), Span(node.capacity.gpu or "gpu", Tone.DIM))


def _used(used: int, whole: int, told: str) -> Line:
    return line(Span(bar(used, whole, _BAR_COLUMNS), Tone.BUSY), f" {told}")
