"""The cluster: `nodes` and `queues`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from tovi_cli.call import Injected
from tovi_cli.form import TABLE, Form
from tovi_cli.output import Column, Listing, show_list
from tovi_cli.verb import Verb
from tovi_server.core.errors import NotFoundError
from tovi_server.core.look import NOTHING, Look
from tovi_server.core.resources import format_bytes, format_cpus
from tovi_server.core.views import NodeView, QueueView

QUEUES: tuple[Column[QueueView], ...] = (
    Column("name", "QUEUE"),
    Column("queued", "QUEUED"),
    Column("running", "RUNNING"),
)


def _cpus(node: NodeView, look: Look) -> str:
    return f"{format_cpus(node.free.cpu_millicores)} of {format_cpus(node.capacity.cpu_millicores)}"


def _memory(node: NodeView, look: Look) -> str:
    return f"{format_bytes(node.free.memory_bytes)} of {format_bytes(node.capacity.memory_bytes)}"


def _gpus(node: NodeView, look: Look) -> str:
    if not node.capacity.gpus:
        return NOTHING
    return f"{node.free.gpus} of {node.capacity.gpus} {node.capacity.gpu or ''}".rstrip()


NODES: tuple[Column[NodeView], ...] = (
    Column("name", "NODE"),
    Column("ready", "READY"),
    Column("cpus", "FREE CPUS", _cpus),
    Column("memory", "FREE MEMORY", _memory),
    Column("gpus", "FREE GPUS", _gpus),
    Column("tasks", "TASKS"),
    Column("seen_at", "SEEN"),
)


async def nodes(
    node: Annotated[str | None, Parameter(name="NODE", help="Only this one.")] = None,
    /,
    *,
    form: Form = TABLE,
    call: Injected,
) -> int:
    """The machines: what they have, what is free, what runs."""
    found = await call.api.nodes()
    if node is not None:
        found = tuple(one for one in found if one.name == node)
        if not found:
            raise NotFoundError(f'there is no node "{node}"', hint="`nodes` lists them")
    await show_list(call, form, Listing("tovi.nodes/1", "tovi.node/1", found, NODES, empty="no nodes"))
    return 0


async def queues(*, form: Form = TABLE, call: Injected) -> int:
    """The queues and how full they are."""
    found = await call.api.queues()
    await show_list(call, form, Listing("tovi.queues/1", "tovi.queue/1", found, QUEUES, empty="no queues"))
    return 0


VERBS = (
    Verb(("nodes",), nodes, ("ssh {host} nodes",)),
    Verb(("queues",), queues, ("ssh {host} queues",)),
)
