"""What is asked of the cluster for one pod. Each can be asked again without harm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from k8s import interruption, manifests, names
from k8s.binding import Binding
from k8s.client import Client, Json
from k8s.errors import ApiError, RefusedError
from k8s.pods import Pod
from k8s.settings import PodSettings
from scheduler.ports import Order
from tovi_server.core.reasons import EndReason

_LONGEST_MESSAGE: Final = 1000
_ANOTHER: Final = ("UID in the precondition", "UID in precondition", "metadata.uid")
"""What is said of a pod that has the name and is not the one that was meant."""


@dataclass(frozen=True, slots=True)
class Made:
    """A pod that is there."""

    uid: str
    node: str


class PodRequests:
    """Raises ApiError wherever it says nothing else."""

    def __init__(self, client: Client, settings: PodSettings) -> None:
        self._client = client
        self._settings = settings
        self._all = f"/api/v1/namespaces/{settings.namespace}/pods"

    async def create(self, order: Order, *, image: str, gpu_resource: str) -> Made:
        """The attempt's pod, whoever created it.

        Raises:
            RefusedError: there can be none: it is forbidden, or another's has its name.
            ApiError: there is none that is known of; asking again is safe.
        """
        body = manifests.manifest(order, self._settings, image=image, gpu_resource=gpu_resource)
        label = body["metadata"]["labels"][names.ATTEMPT]
        try:
            return _made(await self._client.create(self._all, self._asked("create"), body))
        except ApiError as error:
            if not error.is_conflict and not error.is_unknown:
                raise
            return await self._find(body["metadata"]["name"], label, error)

    async def _find(self, name: str, label: str, error: ApiError) -> Made:
        try:
            found = await self._client.get(f"{self._all}/{name}", self._asked("get"))
        except ApiError:
            raise error from None
        if (found["metadata"].get("labels") or {}).get(names.ATTEMPT) != label:
            raise RefusedError(
                self._asked("create"), status=409, reason="AlreadyExists", message=f"{name} is another's"
            )
        return _made(found)

    async def bind(self, name: str, node: str) -> None:
        """Give it the node, where that is ours to do; again is harmless."""
        if self._settings.binding is not Binding.API:
            return
        body = manifests.binding(self._settings.namespace, name, node)
        try:
            await self._client.create(
                f"{self._all}/{name}/binding", f"create pods/binding in {self._settings.namespace}", body
            )
        except ApiError as error:
            if not error.is_conflict:
                raise

    async def end(self, name: str, uid: str, reason: EndReason, message: str, *, grace_s: int) -> None:
        """Ask its program to end, and note what for. Nothing when there is no such pod any more."""
        note = f"{reason} {message}".strip()[:_LONGEST_MESSAGE]
        with _if_there():
            annotations = {names.ENDING: note}
            body = {"metadata": {"uid": uid, "annotations": annotations}}
            await self._client.patch(f"{self._all}/{name}", self._asked("patch"), body)
            await self._delete(name, uid, grace_s=grace_s)

    async def discard(self, pod: Pod) -> None:
        """Remove a pod of which nothing need be kept."""
        with _if_there():
            if names.FINALIZER in (pod.raw["metadata"].get("finalizers") or ()):
                body = {"metadata": {"uid": pod.uid, "$deleteFromPrimitiveList/finalizers": [names.FINALIZER]}}
                await self._client.patch(f"{self._all}/{pod.name}", self._asked("patch"), body)
            if not interruption.is_being_deleted(pod):
                await self._delete(pod.name, pod.uid, grace_s=0 if pod.is_over else None)

    async def exists(self, name: str) -> bool:
        try:
            await self._client.get(f"{self._all}/{name}", self._asked("get"))
        except ApiError as error:
            if error.is_absent:
                return False
            raise
        return True

    async def warning(self, uid: str) -> str:
        """The last thing that the cluster complained of about a pod; empty: nothing."""
        events = sorted(await self._events(f"involvedObject.uid={uid}"), key=_event_time)
        if not events or events[-1].get("type") != "Warning":
            return ""
        return f"{events[-1].get('reason', '')}: {events[-1].get('message', '')}"

    async def eviction(self, uid: str) -> str:
        """What the kubelet evicted a pod for; empty: it did not."""
        events = await self._events(f"involvedObject.uid={uid},reason=Evicted")
        return next((str(event.get("message", "")) for event in events), "")

    async def _events(self, selector: str) -> Sequence[Json]:
        path = f"/api/v1/namespaces/{self._settings.namespace}/events"
        found = await self._client.get(path, f"list events in {self._settings.namespace}", fieldSelector=selector)
        items: Sequence[Json] = found["items"]
        return items

    async def _delete(self, name: str, uid: str, *, grace_s: int | None) -> None:
        body: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        if grace_s is not None:
            body["gracePeriodSeconds"] = grace_s
        await self._client.delete(f"{self._all}/{name}", self._asked("delete"), body)

    def _asked(self, verb: str) -> str:
        return f"{verb} {self._pods}"

    @property
    def _pods(self) -> str:
        return f"pods in {self._settings.namespace}"


@contextmanager
def _if_there() -> Iterator[None]:
    """What is not there any more, or is another of the same name by now, needs nothing done."""
    try:
        yield
    except ApiError as error:
        if not error.is_absent and not any(mark in error.message for mark in _ANOTHER):
            raise


def _made(found: Json) -> Made:
    return Made(found["metadata"]["uid"], found["spec"].get("nodeName", ""))


def _event_time(event: Json) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"])
