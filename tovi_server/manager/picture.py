"""What waits and runs now, and the scheduler's own reasons for what waits; kept until something changes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from scheduler.snapshot import Node, Snapshot
from tovi_server.core.ids import JobId
from tovi_server.core.reasons import Reason, WaitReason
from tovi_server.core.resources import Resources
from tovi_server.manager.ports import Planner
from tovi_server.store.jobs import JobStore

Planned = Mapping[tuple[JobId, str], Reason]
"""By job and stage; a stage with queued tasks that is not in it starts next."""


@dataclass(frozen=True, slots=True)
class Picture:
    """As of one moment. JobStore that neither wait for machines nor run are not in it."""

    planned: Planned = field(default_factory=dict)
    by_job: Mapping[JobId, Reason] = field(default_factory=dict)
    """For lists: one of the reasons of each job."""
    requests: Mapping[JobId, Resources] = field(default_factory=dict)
    """For lists: what each task of a job asks for, of the stage that waits or runs."""


NOTHING = Picture()


DEAR_S: Final = 0.1
"""A plan that took longer is dear: lists do not wait for a newer one."""
_REST: Final = 10
"""So many times as long as it took, a dear plan is not made anew."""


@dataclass(frozen=True, slots=True)
class _Kept:
    seq: int
    nodes: tuple[Node, ...]
    outage: str
    picture: Picture
    cost_s: float


class Pictures:
    """One for a process: many lists in a row cost one plan."""

    def __init__(self, jobs: JobStore, planner: Planner) -> None:
        self._jobs = jobs
        self._planner = planner
        self._one_at_a_time = asyncio.Lock()
        self._kept: _Kept | None = None
        self._looked_at_s = 0.0
        """When nothing newer than that was known, in the time of the loop."""
        self._renewing: asyncio.Task[Picture] | None = None

    async def now(self) -> Picture:
        """As of the newest event."""
        async with self._one_at_a_time:
            seq, nodes, outage = await self._jobs.surroundings()
            kept = self._kept
            if kept is None or (kept.seq, kept.nodes, kept.outage) != (seq, nodes, outage):
                self._kept = kept = await self._take(seq, nodes, outage)
            self._looked_at_s = asyncio.get_running_loop().time()
            return kept.picture

    async def lately(self) -> Picture:
        """For lists: as of now; where tens of thousands wait, as of some seconds ago while a newer one is made."""
        kept = self._kept
        if kept is None or kept.cost_s <= DEAR_S:
            return await self.now()
        age_s = asyncio.get_running_loop().time() - self._looked_at_s
        rests = age_s / (_REST * kept.cost_s)
        if rests >= 2:
            return await self.now()
        if rests >= 1 and (self._renewing is None or self._renewing.done()):
            self._renewing = asyncio.create_task(self.now())
        return kept.picture

    async def _take(self, seq: int, nodes: tuple[Node, ...], outage: str) -> _Kept:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        snapshot = Snapshot(nodes=nodes, queues=await self._jobs.waiting(), active=await self._jobs.active())
        planned = await asyncio.to_thread(self._planner, snapshot)
        planned = _in_outage(planned, snapshot, outage) if outage else planned
        picture = Picture(planned, _by_job(planned), _requests(snapshot))
        return _Kept(seq, nodes, outage, picture, loop.time() - begun)


def _in_outage(planned: Planned, snapshot: Snapshot, outage: str) -> Planned:
    """Nothing starts now, whatever the plan is for what was seen last; but what is held waits for its release."""
    reason = Reason(WaitReason.UNAVAILABLE, f"nothing can be started now: {outage}")
    held = {key: one for key, one in planned.items() if one.code == WaitReason.HELD}
    return {**{(entry.job, entry.stage): reason for entry in snapshot.queues}, **held}


def _by_job(planned: Planned) -> dict[JobId, Reason]:
    found: dict[JobId, Reason] = {}
    for (job, _), reason in planned.items():
        found.setdefault(job, reason)
    return found


def _requests(snapshot: Snapshot) -> dict[JobId, Resources]:
    """Of a job in several stages at once the running one's counts."""
    waiting = {entry.job: entry.request for entry in snapshot.queues}
    return waiting | {one.attempt.task.job: one.request for one in snapshot.active}
