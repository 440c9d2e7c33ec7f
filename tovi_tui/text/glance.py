"""The cluster at a glance: what is free of it, what runs and what waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from tovi_server.core.look import Look
from tovi_server.core.resources import format_cpus
from tovi_server.core.views import NodeView, QueueView
from tovi_tui.text.bars import bar
from tovi_tui.text.span import Line, Span, Tone, line

_BAR_COLUMNS: Final = 8


def glance(nodes: Sequence[NodeView], queues: Sequence[QueueView]) -> Line:
    """CPUs and GPUs in use of all there are, and tasks that run and wait."""
    ready = [node for node in nodes if node.ready]
    running, waiting = sum(queue.running for queue in queues), sum(queue.queued for queue in queues)
    tasks = line(Span("   running ", Tone.DIM), str(running), Span(" · waiting ", Tone.DIM), str(waiting))
    lost = len(nodes) - len(ready)
    return (*_cpus(ready), *tasks, *_gpus(ready), *line(Span(f"   {lost} not ready" if lost else "", Tone.BAD)))


def told_time(look: Look) -> Line:
    """The hour, and in which zone all times are told."""
    return line(Span(f"   {look.now.astimezone(look.zone):%H:%M %Z}", Tone.DIM))


def _cpus(nodes: Sequence[NodeView]) -> Line:
    whole = sum(node.capacity.cpu_millicores for node in nodes)
    used = whole - sum(node.free.cpu_millicores for node in nodes)
    share = Span(bar(used, whole, _BAR_COLUMNS), Tone.BUSY)
    return line(Span("CPU ", Tone.DIM), f"{format_cpus(used)}/{format_cpus(whole)} ", share)


def _gpus(nodes: Sequence[NodeView]) -> Line:
    whole: Counter[str] = Counter()
    free: Counter[str] = Counter()
    for node in nodes:
        if node.capacity.gpus:
            kind = node.capacity.gpu or "gpu"
            whole[kind] += node.capacity.gpus
            free[kind] += node.free.gpus
    told = " · ".join(f"{whole[kind] - free[kind]}/{whole[kind]} {kind}" for kind in sorted(whole))
    return line(Span("   GPU ", Tone.DIM), told) if told else ()
