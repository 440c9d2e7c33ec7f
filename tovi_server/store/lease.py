"""A lease: of all processes that share a database, one may act at a time. PostgreSQL's clock alone decides.

Each taking has a higher epoch than all before it. What the holder writes is done in one transaction with a look at
the epoch, so that who was away for too long, and does not know it, changes nothing any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, DateTime, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from tovi_server.core.errors import LeaseLostError
from tovi_server.store import tables

_COLUMNS: Final = tables.leases.c
_NOW: Final = func.clock_timestamp(type_=DateTime(timezone=True))
"""Not that of the transaction's beginning: it may have waited long for the write lock."""
_CAN_BE_TAKEN: Final = or_(_COLUMNS.until <= _NOW, _COLUMNS.holder == bindparam("b_holder"))
_OTHERS: Final = select(_COLUMNS.epoch).where(_COLUMNS.name == bindparam("b_name"), ~_CAN_BE_TAKEN)
_EPOCH: Final = select(_COLUMNS.epoch).where(_COLUMNS.name == bindparam("b_name"))
_HELD: Final = update(tables.leases).where(_COLUMNS.name == bindparam("b_name"), _COLUMNS.epoch == bindparam("b_epoch"))
_END: Final = _HELD.values(until=_NOW)


@dataclass(frozen=True, slots=True)
class Lease:
    """That `holder` holds what is called `name`, or did."""

    name: str
    holder: str
    epoch: int


def is_held_by_others(connection: Connection, name: str, holder: str) -> bool:
    """Whether it cannot be taken now; takes no lock to tell."""
    return connection.execute(_OTHERS, {"b_name": name, "b_holder": holder}).first() is not None


def take(connection: Connection, name: str, holder: str, lasting: timedelta) -> Lease | None:
    """Hold it for so long; None: somebody else does. Again is harmless, and needed by who did not hear the answer."""
    first = {"name": name, "holder": holder, "epoch": 1, "until": _NOW + lasting}
    again = {"holder": holder, "epoch": _COLUMNS.epoch + 1, "until": _NOW + lasting}
    taking = (
        insert(tables.leases)
        .values(first)
        .on_conflict_do_update(index_elements=[_COLUMNS.name], set_=again, where=_CAN_BE_TAKEN)
    )
    epoch = connection.execute(taking.returning(_COLUMNS.epoch), {"b_holder": holder}).scalar_one_or_none()
    return None if epoch is None else Lease(name, holder, epoch)


def renew(connection: Connection, lease: Lease, lasting: timedelta) -> None:
    """Hold it for so long from now on. Raises LeaseLostError."""
    check(connection, lease)
    connection.execute(_HELD.values(until=_NOW + lasting), {"b_name": lease.name, "b_epoch": lease.epoch})


def release(connection: Connection, lease: Lease) -> None:
    """Let others take it at once; nothing if they did."""
    connection.execute(_END, {"b_name": lease.name, "b_epoch": lease.epoch})


def check(connection: Connection, lease: Lease) -> None:
    """Part of each transaction that only the holder may make. Raises LeaseLostError when somebody took it since."""
    epoch = connection.execute(_EPOCH, {"b_name": lease.name}).scalar_one_or_none()
    if epoch != lease.epoch:
        raise LeaseLostError(f"{lease.name} was held in epoch {lease.epoch}, and is in {epoch}")
