"""One machine as a row: what of it is used, and what runs there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tovi_server.core.look import Look
from tovi_server.core.resources import format_bytes, format_cpus
from tovi_server.core.views import NodeView
from tovi_tui.text.bars import bar
from tovi_tui.text.columns import Column
from tovi_tui.text.span import Line, Span, Tone, line

_BAR_COLUMNS: Final = 8

COLUMNS: Final[tuple[Column[NodeView], ...]] = (
    Column("name", "NODE", lambda node, look: line(node.name), 12, grow=1),
    Column("state", "STATE", lambda node, look: _state(node), 11),
    Column("cpus", "CPUS", lambda node, look: _cpus(node), 18),
    Column("memory", "MEMORY", lambda node, look: _memory(node), 28, drop=2),
    Column("gpus", "GPUS", lambda node, look: _gpus(node), 14),
    Column("tasks", "TASKS", lambda node, look: line(str(len(node.tasks))), 5, right=True),
    Column("seen", "SEEN", lambda node, look: line(Span(look.when(node.seen_at), Tone.DIM)), 9, drop=1),
)


def node_lines(node: NodeView, users: Mapping[int, str], look: Look) -> list[Line]:
    """What runs there, each with whose it is as far as that is known."""
    lines = [
        line(Span(f"{node.name}  ", Tone.BOLD), *_state(node), Span(f"  seen {look.when(node.seen_at)}", Tone.DIM))
    ]
    if not node.tasks:
        return [*lines, line(Span("nothing that you may know of runs there", Tone.DIM))]
    return [*lines, *(line(task, Span(f"  {users.get(job_of(task), '')}", Tone.DIM)) for task in node.tasks)]


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
    whole = node.capacity.cpu_millicores
    return _used(whole - node.free.cpu_millicores, whole, f"{format_cpus(node.free.cpu_millicores)} free")


def _memory(node: NodeView) -> Line:
    whole = node.capacity.memory_bytes
    return _used(whole - node.free.memory_bytes, whole, f"{format_bytes(node.free.memory_bytes)} free")


def _gpus(node: NodeView) -> Line:
    if not node.capacity.gpus:
        return line(Span("-", Tone.DIM))
    used = node.capacity.gpus - node.free.gpus
    return line(f"{used}/{node.capacity.gpus} ", Span(node.capacity.gpu or "gpu", Tone.DIM))


def _used(used: int, whole: int, told: str) -> Line:
    return line(Span(bar(used, whole, _BAR_COLUMNS), Tone.BUSY), f" {told}")
