"""The Kubernetes executor: the face over its parts, and what is done about each attempt.

Everything is decided by looking again at what is known of one pod, whatever made us look: an event, a list, a clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import structlog

from k8s import interruption, names, status
from k8s.charge import Charge, Ending
from k8s.client import open_client
from k8s.cluster import Cluster
from k8s.discards import Discards
from k8s.ended import Ended, evicted
from k8s.errors import ApiError, NoSuchDeviceError, RefusedError
from k8s.pods import Pod
from k8s.requests import Made, PodRequests
from k8s.settings import KubernetesSettings
from k8s.status import Running
from k8s.watch import Look, Watch
from scheduler.logs import LogMarks
from scheduler.ports import Clock, Executor, Order
from scheduler.snapshot import Node
from tovi_server.core.events import Delayed, Exited, Lost, Report, Started
from tovi_server.core.ids import AttemptId
from tovi_server.core.reasons import EndReason

_BETWEEN_DELAYS_S: Final = 30.0
_AFTER_FAILURE_S: Final = 1.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_kubernetes_executor(
    settings: KubernetesSettings, *, clock: Clock, freed: Callable[[], None]
) -> AsyncIterator[Executor]:
    """An executor of attempts as pods. Leaving ends the watch over them, and never an attempt.

    `freed` is called when a node has let go of a pod whose end was told before: from then on there is room.

    Raises:
        UsageError: it is not known how to reach the cluster.
    """
    async with open_client(settings.access) as client, asyncio.TaskGroup() as tasks:
        executor = KubernetesExecutor(settings, PodRequests(client, settings.pods), clock=clock, tasks=tasks)
        cluster = Cluster(
            client, settings.pods, told=executor.look, freed=freed, relist_interval=settings.relist_interval
        )
        executor.join(cluster)
        background = [tasks.create_task(work) for work in (cluster.run(), executor.watch(), executor.discard())]
        try:
            yield executor
        finally:
            executor.leave()
            for task in background:
                task.cancel()


class KubernetesExecutor:
    """`Executor` by pods."""

    def __init__(
        self, settings: KubernetesSettings, requests: PodRequests, *, clock: Clock, tasks: asyncio.TaskGroup
    ) -> None:
        self._settings = settings
        self._requests = requests
        self._clock = clock
        self._tasks = tasks
        self._charges: dict[str, Charge] = {}
        """By label."""
        self._labels: dict[AttemptId, str] | None = None
        """Of all attempts under way; None: nobody has said which there are."""
        self._reports: asyncio.Queue[Report] = asyncio.Queue()

    def join(self, cluster: Cluster) -> None:
        """What it looks at, before anything else is asked of it."""
        self._cluster = cluster
        self._watch = Watch(self._settings, cluster, self._requests, tell=self)
        self._discards = Discards(self._requests, self._unwanted)

    async def nodes(self) -> tuple[Node, ...]:
        """As `Executor.nodes`."""
        await self._cluster.seen()
        return self._cluster.nodes()

    async def start(self, order: Order) -> None:
        """As `Executor.start`."""
        label = names.attempt_label(self._settings.pods.installation, order.attempt)
        if label in self._charges:
            return
        await self._cluster.seen()
        charge = self._charges[label] = self._charge(order, label)
        try:
            charge.made = await self._find_or_create(charge)
        except RefusedError as error:
            self._tell_end(charge, self._failed_to_start(order, error.message))
        except NoSuchDeviceError as error:
            self.lost(charge, str(error))
        except BaseException:  # raised again: whatever it was, nothing is known to run
            self._charges.pop(label, None)  # its end may have been seen and recorded meanwhile
            raise
        else:
            self.look(label)

    async def stop(self, attempt: AttemptId) -> None:
        """As `Executor.stop`."""
        charge = self._charges.get(names.attempt_label(self._settings.pods.installation, attempt))
        if charge is not None:
            self.end(charge, EndReason.CANCELLED)

    async def tend(self, under_way: Collection[AttemptId]) -> None:
        """As `Executor.tend`."""
        before, installation = self._labels or {}, self._settings.pods.installation
        self._labels = {
            attempt: before.get(attempt) or names.attempt_label(installation, attempt) for attempt in under_way
        }
        labels = frozenset(self._labels.values())
        for label in [label for label in self._charges if label not in labels]:
            self._charges.pop(label).forget_timers()
        self._cluster.count_as_known(labels)
        self._discards.ask(self._cluster.ours() - labels)

    async def reports(self) -> AsyncIterator[Report]:
        """As `Executor.reports`."""
        while True:
            yield await self._reports.get()

    async def watch(self) -> None:
        """Until cancelled: look at what clocks and files say of the attempts. Neither waits for the other."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_for_ever(self._watch.look))
            group.create_task(self._look_for_ever(self._watch.look_at_logs))

    async def discard(self) -> None:
        """Until cancelled: remove pods of which everything is recorded."""
        await self._discards.run()

    def leave(self) -> None:
        """Watch no more; what runs goes on."""
        for charge in self._charges.values():
            charge.forget_timers()

    def look(self, label: str) -> None:
        """At what became of the pod of an attempt."""
        charge, pod = self._charges.get(label), self._cluster.pod(label)
        if charge is None or charge.is_over:
            return
        if pod is not None:
            charge.missing_since_s = None
            charge.made = Made(pod.uid, pod.node)
            self._take(charge, pod)
        elif charge.condition is not None and charge.missing_since_s is None:
            charge.missing_since_s = asyncio.get_running_loop().time()

    def end(self, charge: Charge, reason: EndReason, message: str = "") -> None:
        """Have it ended; nothing when it is over or being ended. What fails is tried again with the next look."""
        if charge.is_over or charge.made is None:
            return
        if charge.ending is None:
            charge.ending = Ending(reason, message)
        if not charge.ending.is_asked:
            charge.ending.is_asked = True
            self._in_background(self._ask_to_end(charge, charge.made, charge.ending))

    def delayed(self, charge: Charge, message: str) -> None:
        """It cannot go on; empty: it can. The cluster says the same in many ways, so this is told now and then."""
        now_s = asyncio.get_running_loop().time()
        if message == charge.delayed_by or (message and now_s - charge.told_at_s < _BETWEEN_DELAYS_S):
            return
        charge.delayed_by, charge.told_at_s = message, now_s
        if message:
            log.warning("attempt_delayed", attempt=str(charge.order.attempt), why=message)
        self._reports.put_nowait(Delayed(charge.order.attempt, self._clock.now(), message))

    def lost(self, charge: Charge, message: str) -> None:
        """It surely runs no more, and how it ended nobody will know."""
        self._tell_end(charge, Ended(None, Lost(charge.order.attempt, self._clock.now(), message)))

    def _unwanted(self, label: str) -> Pod | None:
        return None if label in self._charges else self._cluster.pod(label)

    async def _look_for_ever(self, look: Look) -> None:
        while True:
            await asyncio.sleep(self._settings.watch_interval_s)
            await look(tuple(self._charges.values()), now=self._clock.now())

    def _charge(self, order: Order, label: str) -> Charge:
        return Charge(order, label, names.pod_name(self._settings.pods.prefix, order.attempt), LogMarks(order.control))

    async def _find_or_create(self, charge: Charge) -> Made | None:
        """None: there was one, and there is none any more."""
        order, pod = charge.order, self._cluster.pod(charge.label)
        if pod is None and order.was_running:
            charge.missing_since_s = asyncio.get_running_loop().time()
            return None
        made = await self._create(order) if pod is None else Made(pod.uid, pod.node)
        if not made.node:
            await self._requests.bind(charge.name, order.node)
        return made

    async def _create(self, order: Order) -> Made:
        image = order.image or self._settings.pods.image
        if not image:
            raise RefusedError("create its pod", status=422, message="its stage names no image, and no default is set")
        machine = self._cluster.machine(order.node)
        gpu_resource = machine.gpu_resource if machine else ""
        if order.request.gpus and not gpu_resource:
            raise NoSuchDeviceError(order.node)
        return await self._requests.create(order, image=image, gpu_resource=gpu_resource)

    def _take(self, charge: Charge, pod: Pod) -> None:
        """What is told now of a pod, against what was told before."""
        before, charge.condition = charge.condition, status.read(pod, charge.order.attempt)
        if charge.ending is None and (ending := interruption.ending_of(pod)) is not None:
            charge.ending = Ending(*ending, is_asked=interruption.is_being_deleted(pod))
        match charge.condition:
            case Running(started_at) if not isinstance(before, Running):
                self._started(charge, started_at)
            case Ended(started_at, _) as ended:
                if started_at is not None and not isinstance(before, Running):
                    self._reports.put_nowait(Started(charge.order.attempt, started_at))
                if ended.is_doubtful:
                    self._in_background(self._tell_doubtful_end(charge, ended, pod.uid))
                else:
                    self._tell_end(charge, ended)

    def _started(self, charge: Charge, at: datetime) -> None:
        self._reports.put_nowait(Started(charge.order.attempt, at))
        charge.delayed_by = ""
        left_s = (at + charge.order.timeout - self._clock.now()).total_seconds()
        charge.later(left_s, lambda: self.end(charge, EndReason.TIMEOUT))

    def _tell_end(self, charge: Charge, ended: Ended) -> None:
        charge.condition = ended
        self._cluster.count_as_ended(charge.label)
        charge.forget_timers()
        self._in_background(asyncio.to_thread(charge.marks.look, ended.report.at.timestamp()))
        self._reports.put_nowait(ended.report)

    async def _tell_doubtful_end(self, charge: Charge, ended: Ended, uid: str) -> None:
        """Once the cluster has said whether its kubelet evicted it."""
        charge.forget_timers()
        while True:
            try:
                message = await self._requests.eviction(uid)
            except ApiError as error:
                log.warning("end_not_told_yet", attempt=str(charge.order.attempt), why=error.what)
                await asyncio.sleep(_AFTER_FAILURE_S)
            else:
                return self._tell_end(charge, evicted(ended, message) if message else ended)

    def _failed_to_start(self, order: Order, message: str) -> Ended:
        return Ended(None, Exited(order.attempt, self._clock.now(), EndReason.START_FAILED, None, message))

    async def _ask_to_end(self, charge: Charge, made: Made, ending: Ending) -> None:
        grace_s = max(1, round(charge.order.grace.total_seconds()))
        try:
            await self._requests.end(charge.name, made.uid, ending.reason, ending.message, grace_s=grace_s)
            ending.problem = ""
        except ApiError as error:
            ending.is_asked, ending.problem = False, f"it has to end, and cannot be ended yet: {error.in_one_line}"

    def _in_background(self, work: Coroutine[object, object, object]) -> None:
        self._tasks.create_task(work)
