"""`LeaseStore`: the verbs of a lease, each one transaction on another thread."""

from __future__ import annotations

from datetime import timedelta

from tovi_server.store import lease
from tovi_server.store.engine import Database
from tovi_server.store.lease import Lease


class LeaseStore:
    """On PostgreSQL alone. All verbs raise UnavailableError when the database cannot be used now."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, name: str, holder: str, *, lasting: timedelta) -> Lease | None:
        """Hold it for so long, on the database's clock, in an epoch of its own; None: somebody else holds it.

        `holder` is a name that no other process ever has; it may take what it holds again, in a new epoch.
        """
        if await self._database.read(lambda connection: lease.is_held_by_others(connection, name, holder)):
            return None
        return await self._database.write(lambda connection: lease.take(connection, name, holder, lasting))

    async def renew(self, held: Lease, *, lasting: timedelta) -> None:
        """Hold it for so long from now on. Raises LeaseLostError when somebody else took it."""
        await self._database.write(lambda connection: lease.renew(connection, held, lasting))

    async def release(self, held: Lease) -> None:
        """Give it back: others may take it at once. Nothing if they did."""
        await self._database.write(lambda connection: lease.release(connection, held))
