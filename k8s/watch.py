"""What is looked at about once a second: logs, what should have started by now, and nodes that fell silent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from k8s.charge import Charge
from k8s.cluster import Cluster
from k8s.errors import ApiError, MissingRightError
from k8s.requests import PodRequests
from k8s.settings import KubernetesSettings
from k8s.status import Running, Waiting
from scheduler.outage import Outage
from tovi_server.core.reasons import EndReason

_UNSCHEDULABLE: Final = timedelta(minutes=1)
"""A pod that the cluster's scheduler does not want on the node that was chosen is placed anew after so long."""
_COMPLAINTS_AFTER: Final = timedelta(minutes=1)
_COMPLAINTS_EVERY_S: Final = 30.0
_QUESTIONS_A_LOOK: Final = 5
_KILL_MARGIN_S: Final = 10.0
"""How long a kubelet that is heard may take, beyond the grace, to end what has no pod any more."""


class Findings(Protocol):
    """Who is told what was found."""

    def end(self, charge: Charge, reason: EndReason, message: str = "") -> None:
        """It has to end."""

    def lost(self, charge: Charge, message: str) -> None:
        """It surely runs no more."""

    def delayed(self, charge: Charge, message: str) -> None:
        """It cannot go on for now; empty: it can."""


class Look(Protocol):
    """One look at all attempts."""

    async def __call__(self, charges: Sequence[Charge], *, now: datetime) -> None: ...


class Watch:
    """Looks at all attempts in turn, and has those ended that must."""

    def __init__(
        self,
        settings: KubernetesSettings,
        cluster: Cluster,
        requests: PodRequests,
        *,
        tell: Findings,
    ) -> None:
        self._settings = settings
        self._cluster = cluster
        self._requests = requests
        self._tell = tell
        self._outage = Outage("what is asked of attempts under way")
        self._questions_left = _QUESTIONS_A_LOOK
        self._asked_at_s: dict[str, float] = {}
        """When the cluster was last asked what it complains of, by label."""

    async def look(self, charges: Sequence[Charge], *, now: datetime) -> None:
        """Once, at all of them."""
        self._questions_left = _QUESTIONS_A_LOOK
        for charge in charges:
            if charge.ending is not None and not charge.ending.is_asked:
                self._tell.end(charge, charge.ending.reason, charge.ending.message)
        try:
            for charge in charges:
                if not charge.is_over:
                    self._tell.delayed(charge, await self._delay(charge, now))
            self._outage.worked()
        except ApiError as error:
            self._outage.failed(error)
        self._asked_at_s = {one.label: at for one in charges if (at := self._asked_at_s.get(one.label)) is not None}

    async def look_at_logs(self, charges: Sequence[Charge], *, now: datetime) -> None:
        """Once, at those of all that run: note how large they are, and end what wrote too much."""
        running = [charge for charge in charges if isinstance(charge.condition, Running)]
        for charge in await asyncio.to_thread(_with_too_large_logs, running, now.timestamp()):
            self._tell.end(charge, EndReason.LOG_TOO_LARGE)

    async def _delay(self, charge: Charge, now: datetime) -> str:
        """Why it cannot go on, as far as is known; empty: it can, or it has to end and that was told."""
        if charge.ending is not None and charge.ending.problem:
            return charge.ending.problem
        try:
            return await self._known_delay(charge, now) or self._blindness()
        except MissingRightError as error:
            return error.in_one_line

    def _blindness(self) -> str:
        """Why what happens to it may not be seen, where that does not mend itself."""
        trouble = self._cluster.trouble
        return trouble.in_one_line if isinstance(trouble, MissingRightError) else ""

    async def _known_delay(self, charge: Charge, now: datetime) -> str:
        if charge.missing_since_s is not None:
            return await self._look_for(charge, charge.missing_since_s)
        silent = await self._look_at_node(charge, now)
        if not silent and isinstance(charge.condition, Waiting):
            return await self._look_at_waiting(charge, charge.condition, now)
        return silent

    async def _look_for(self, charge: Charge, since_s: float) -> str:
        """Its pod was removed by somebody. A kubelet that is heard ends it; of one that is not, nothing is known."""
        machine = self._cluster.machine(charge.order.node)
        missing_s = asyncio.get_running_loop().time() - since_s
        if machine is not None and not machine.is_gone:
            grace_s = charge.order.grace.total_seconds() + _KILL_MARGIN_S
            if machine.silent_since is not None or missing_s < grace_s:
                return f"its pod was deleted by somebody, and {machine.name} may not have ended it yet"
        if not await self._requests.exists(charge.name):
            self._tell.lost(charge, "its pod was deleted by somebody")
        return ""

    async def _look_at_node(self, charge: Charge, now: datetime) -> str:
        """An attempt is lost only once nothing can run there any more, or an admin takes the risk."""
        node = charge.made.node if charge.made else ""
        machine = self._cluster.machine(node)
        if not node:
            return ""
        if machine is None:
            if await self._cluster.is_surely_gone(node):
                self._tell.lost(charge, f"the node {node} is gone")
        elif machine.is_gone:
            self._tell.lost(charge, f"the node {node} was declared out of service")
        elif machine.silent_since is not None:
            return self._look_at_silent(charge, node, machine.silent_since, now)
        return ""

    def _look_at_silent(self, charge: Charge, node: str, since: datetime, now: datetime) -> str:
        silent = f"{node} has not been heard of since {since:%Y-%m-%d %H:%M:%S} UTC"
        limit = self._settings.node_lost_after
        if limit is None or now - since < limit:
            return f"{silent}; what runs there may still be running, and is not started anew while it may"
        self._tell.lost(charge, silent)
        return ""

    async def _look_at_waiting(self, charge: Charge, waiting: Waiting, now: datetime) -> str:
        waited, late = now - waiting.since, now - waiting.since > self._settings.image_pull_deadline
        if waiting.is_unschedulable:
            if waited > _UNSCHEDULABLE:
                self._tell.end(charge, EndReason.NODE_LOST, f"{charge.order.node} was refused: {waiting.problem}")
        elif waiting.is_hopeless or (waiting.problem and late):
            self._tell.end(charge, EndReason.START_FAILED, waiting.problem)
        elif waited > min(_COMPLAINTS_AFTER, self._settings.image_pull_deadline) and charge.made is not None:
            complaint = await self._complaint(charge, charge.made.uid)
            if complaint and late:
                self._tell.end(charge, EndReason.START_FAILED, complaint)
            return charge.delayed_by if complaint is None else complaint
        return waiting.problem or charge.delayed_by

    async def _complaint(self, charge: Charge, uid: str) -> str | None:
        """What keeps it from starting; empty: nothing; None: the cluster was not asked again so soon."""
        now_s = asyncio.get_running_loop().time()
        asked_at_s = self._asked_at_s.get(charge.label, -_COMPLAINTS_EVERY_S)
        if now_s - asked_at_s < _COMPLAINTS_EVERY_S or not self._questions_left:
            return None
        self._questions_left -= 1
        self._asked_at_s[charge.label] = now_s
        return await self._requests.warning(uid)


def _with_too_large_logs(charges: Sequence[Charge], now: float) -> list[Charge]:
    return [charge for charge in charges if charge.marks.look(now) > charge.order.log_limit_bytes]
