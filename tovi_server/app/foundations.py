"""What every part works with: the data directory, the database, the clock, the bell, the policies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tovi_server.app.bell import Bell
from tovi_server.app.clock import SystemClock
from tovi_server.app.pending import Pending
from tovi_server.app.server_folder import check_server_folder
from tovi_server.files.datadir import DataDir
from tovi_server.settings import Settings
from tovi_server.store.accounts import AccountStore
from tovi_server.store.engine import Database
from tovi_server.store.jobs import JobStore
from tovi_server.store.notices import Notices

_LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Foundations:
    """Opened once a process."""

    root: Path
    settings: Settings
    data: DataDir
    database: Database
    jobs: JobStore
    accounts: AccountStore
    clock: SystemClock
    bell: Bell | Notices

    @property
    def server(self) -> Path:
        """The folder that is never in a task's sight."""
        return self.root / "server"

    @property
    def policy_file(self) -> Path:
        """Which need not exist."""
        return self.server / self.settings.scheduler.policy

    @property
    def host_keys(self) -> Path:
        """The folder with the SSH host keys."""
        return self.server / self.settings.server.host_keys

    async def listen(self, heard: Callable[[], None]) -> None:
        """Call `heard` after rings, until cancelled: at once after a quiet time, else once for several."""
        pending = Pending(heard, asyncio.get_running_loop())
        try:
            await self.bell.listen(pending.ask)
        finally:
            pending.cancel()

    async def watch_database(self) -> None:
        """Until it may not be written any more by this process, which then must end.

        Raises:
            StoreBrokenError: the disk failed under it.
        """
        while self.database.broken is None:  # noqa: ASYNC110  # the writer's thread sets it
            await asyncio.sleep(_LOOK_S)
        raise self.database.broken


@asynccontextmanager
async def open_foundations(root: Path, settings: Settings) -> AsyncIterator[Foundations]:
    """Open everything, and let go of it in reverse.

    Raises:
        ToviError: it is no data directory, or not a safe one; the database cannot be used.
    """
    check_server_folder(root)
    async with AsyncExitStack() as stack:
        data = DataDir.create(root)
        stack.callback(data.close)
        database = await asyncio.to_thread(Database.open, settings.database.url, base=root / "server")
        stack.push_async_callback(database.close)
        bell = _bell(root, settings, database)
        stack.callback(bell.close)
        jobs, accounts = JobStore(database), AccountStore(database)
        yield Foundations(root, settings, data, database, jobs, accounts, SystemClock(), bell)


def _bell(root: Path, settings: Settings, database: Database) -> Bell | Notices:
    """By the database where parts may be on several machines."""
    if settings.database.is_shared:
        return Notices(database, settings.database.url)
    return Bell(root / "server" / "bell")
