"""The machines and the queues, as everybody may see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from scheduler.snapshot import Active, Node
from tovi_server.core import views
from tovi_server.manager import present
from tovi_server.manager.access import readable_projects
from tovi_server.manager.desk import Desk


async def nodes(desk: Desk) -> tuple[views.NodeView, ...]:
    """With what is free, and the tasks that the caller may know of."""
    projects = await readable_projects(desk)
    active = await desk.jobs.active()
    known = [one for one in active if projects is None or one.project in projects]
    return tuple(_view(node, seen_at, active, known) for node, seen_at in await desk.jobs.nodes())


def _view(node: Node, seen_at: datetime, active: Sequence[Active], known: Sequence[Active]) -> views.NodeView:
    free = node.capacity - node.foreign
    for attempt in active:
        if attempt.node == node.name:
            free -= attempt.request
    tasks = sorted(one.attempt.task for one in known if one.node == node.name)
    return views.NodeView(
        name=present.line(node.name),
        ready=node.ready,
        capacity=present.requested(node.capacity),
        free=present.requested(free.not_below_zero()),
        tasks=tuple(str(task) for task in tasks),
        seen_at=seen_at,
    )


async def queues(desk: Desk) -> tuple[views.QueueView, ...]:
    """Every queue of the settings, and any other that still has jobs."""
    found = {one.name: one for one in await desk.jobs.queue_counts()}
    names = dict.fromkeys((*desk.settings.queues, *found))
    return tuple(found.get(name, views.QueueView(name, 0, 0)) for name in names)
