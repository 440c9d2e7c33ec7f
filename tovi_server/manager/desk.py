"""Where one caller is served: who they are, and all that the use cases work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.ports import Clock
from tovi_server.core.access import Caller
from tovi_server.manager.picture import Pictures
from tovi_server.manager.ports import Files
from tovi_server.manager.settings import ManagerSettings
from tovi_server.manager.watch import ChangeFeed
from tovi_server.store.accounts import AccountStore
from tovi_server.store.jobs import JobStore


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything but `caller` is the same for all callers of a process."""

    caller: Caller
    jobs: JobStore
    accounts: AccountStore
    files: Files
    settings: ManagerSettings
    clock: Clock
    ring: Callable[[], None]
    """Wakes whoever looks at the queue or follows changes; only a hint."""
    changes: ChangeFeed
    pictures: Pictures
