"""Which scheduler works: on SQLite the one with the lock of the data directory, on PostgreSQL the one with the lease.

A leader that could not renew its lease is ended by the system before another can have it, even if it stands still.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

import structlog

from scheduler.outage import Outage
from tovi_server.app.foundations import Foundations
from tovi_server.app.link import Link
from tovi_server.app.sole import sole_scheduler
from tovi_server.core.errors import UnavailableError
from tovi_server.store.jobs import JobStore
from tovi_server.store.lease import Lease
from tovi_server.store.leases import LeaseStore

log = structlog.get_logger(__name__)

_NAME: Final = "scheduler"
_LASTING: Final = timedelta(seconds=10)
_USED_S: Final = 9.0
"""Of that, counted from before it was asked for: clocks do not run alike."""
_RENEW_S: Final = 2.5
_TRY_S: Final = 0.5


@asynccontextmanager
async def leading(base: Foundations, link: Link) -> AsyncIterator[JobStore | None]:
    """The store as this scheduler may write to it, once no other works; None: it was told to end before.

    Raises:
        ExceptionGroup: of LeaseLostError: another took over.
    """
    if not base.settings.database.is_shared:
        async with sole_scheduler(base.server):
            yield base.jobs
        return
    leases = LeaseStore(base.database)
    held = await _wait_for(leases, link)
    if held is None:
        yield None
        return
    async with _holding(leases, held):
        yield base.jobs.as_leader(held)


async def _wait_for(leases: LeaseStore, link: Link) -> Lease | None:
    """As a standby, unless it is free right now."""
    holder = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(8)}"
    standby = _Standby(link)
    while (held := await _try(leases, holder, standby)) is None:
        standby.tell()
        with suppress(TimeoutError):
            async with asyncio.timeout(_TRY_S):
                await link.told_to_end()
                return None
    log.info("leading", epoch=held.epoch)
    return held


class _Standby:
    """What is said of waiting, once."""

    def __init__(self, link: Link) -> None:
        self.outage = Outage("the scheduler's lease")
        self._link = link
        self._told = False

    def tell(self) -> None:
        if not self._told:
            log.info("standing_by")
            self._link.ready()
        self._told = True


async def _try(leases: LeaseStore, holder: str, standby: _Standby) -> Lease | None:
    began_s = time.monotonic()
    try:
        held = await leases.take(_NAME, holder, lasting=_LASTING)
    except UnavailableError as error:
        standby.outage.failed(error)
        return None
    standby.outage.worked()
    if held is not None:
        _live_on_from(began_s)
    return held


@asynccontextmanager
async def _holding(leases: LeaseStore, held: Lease) -> AsyncIterator[None]:
    """Keep the lease, and give it back at once when all that needs it has ended."""
    try:
        async with asyncio.TaskGroup() as group:
            renewing = group.create_task(_renew_for_ever(leases, held))
            yield
            renewing.cancel()
    finally:
        with suppress(UnavailableError):  # then it is over soon
            await leases.release(held)


async def _renew_for_ever(leases: LeaseStore, held: Lease) -> None:
    outage = Outage("the scheduler's lease")
    while True:
        await asyncio.sleep(_RENEW_S)
        began_s = time.monotonic()
        try:
            await leases.renew(held, lasting=_LASTING)
        except UnavailableError as error:
            outage.failed(error)
            continue
        outage.worked()
        _live_on_from(began_s)


def _live_on_from(began_s: float) -> None:
    """Until the lease that was asked for then may be over: the system then ends this process, whatever it is doing."""
    signal.setitimer(signal.ITIMER_REAL, max(0.001, began_s + _USED_S - time.monotonic()))
