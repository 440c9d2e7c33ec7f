"""What the scheduler last saw of the machines, for everybody who asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from scheduler.snapshot import Node
from tovi_server.core.resources import Resources
from tovi_server.store import tables
from tovi_server.store.convert import AnyRow, Values, request_of, request_text
from tovi_server.store.scopes import pieces

_FRESH: Final = timedelta(seconds=10)


def record_nodes(connection: Connection, nodes: Sequence[Node], now: datetime) -> None:
    """Remember exactly these. Of thousands only those are written that changed; when they were seen, now and then."""
    known = read_nodes(connection)
    before, after = {node.name: node for node, _ in known}, {node.name: node for node in nodes}
    changed = [node for name, node in after.items() if before.get(name) != node]
    for some in pieces([*(before.keys() - after.keys()), *(node.name for node in changed)]):
        connection.execute(delete(tables.nodes).where(tables.nodes.c.name.in_(some)))
    if changed:
        connection.execute(insert(tables.nodes), [_values(node, now) for node in changed])
    if any(now - seen >= _FRESH for _, seen in known):
        connection.execute(update(tables.nodes).values(seen_at=now))


def read_nodes(connection: Connection) -> tuple[tuple[Node, datetime], ...]:
    """By name, each with when it was last seen."""
    rows = connection.execute(select(tables.nodes)).all()
    found = {row.name: (_node(row), row.seen_at) for row in rows}
    return tuple(found[name] for name in sorted(found))


def _node(row: AnyRow) -> Node:
    foreign = Resources() if row.taken_by_others is None else request_of(row.taken_by_others)
    return Node(row.name, request_of(row.capacity), row.ready, foreign, row.slots)


def _values(node: Node, now: datetime) -> Values:
    return {
        "name": node.name,
        "ready": node.ready,
        "capacity": request_text(node.capacity),
        "taken_by_others": None if node.foreign == Resources() else request_text(node.foreign),
        "slots": node.slots,
        "seen_at": now,
    }
