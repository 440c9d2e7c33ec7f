"""What the scheduler last saw of the machines, for everybody who asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from scheduler.snapshot import Node
from tovi_server.store import tables
from tovi_server.store.convert import request_of, request_text

_FRESH: Final = timedelta(seconds=10)


def record_nodes(connection: Connection, nodes: Sequence[Node], now: datetime) -> None:
    """Remember exactly these. Nothing is written while the same were seen a moment ago."""
    known = read_nodes(connection)
    if tuple(node for node, _ in known) == _sorted(nodes) and all(now - seen < _FRESH for _, seen in known):
        return
    connection.execute(delete(tables.nodes))
    values = [
        {"name": node.name, "ready": node.ready, "capacity": request_text(node.capacity), "seen_at": now}
        for node in nodes
    ]
    if values:
        connection.execute(insert(tables.nodes), values)


def read_nodes(connection: Connection) -> tuple[tuple[Node, datetime], ...]:
    """By name, each with when it was last seen."""
    rows = connection.execute(select(tables.nodes)).all()
    found = {row.name: (Node(row.name, request_of(row.capacity), row.ready), row.seen_at) for row in rows}
    return tuple(found[name] for name in sorted(found))


def _sorted(nodes: Sequence[Node]) -> tuple[Node, ...]:
    return tuple(sorted(nodes, key=lambda node: node.name))
