"""What a pod's status says of its attempt: waiting, running, or ended. Pure, and looked at again and again.

A program's own end is told about a second before the pod's phase says so; when the kubelet ends it, that and its reason
are told together. See https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from k8s.ended import Ended, ended
from k8s.interruption import is_being_deleted
from k8s.pods import NOTHING, Json, Pod, condition, said
from tovi_server.core.ids import AttemptId

_NEVER_BETTER: Final = frozenset({"InvalidImageName", "ErrImageNeverPull"})
_NO_PROBLEM: Final = frozenset({"", "ContainerCreating", "PodInitializing"})


@dataclass(frozen=True, slots=True)
class Waiting:
    """Its program has not started."""

    since: datetime
    problem: str
    """Why it cannot, in the cluster's words; empty: nothing is wrong."""
    is_hopeless: bool
    """Time will not mend it."""
    is_unschedulable: bool = False


@dataclass(frozen=True, slots=True)
class Running:
    started_at: datetime


def read(pod: Pod, attempt: AttemptId) -> Waiting | Running | Ended:
    """What one of our pods is doing."""
    container: Json = next(iter(pod.raw["status"].get("containerStatuses") or ()), NOTHING)
    state = container.get("state", NOTHING)
    terminated = state.get("terminated")
    if terminated is not None or pod.is_over or (is_being_deleted(pod) and not pod.node):
        return ended(pod, attempt, terminated or NOTHING)
    if "running" in state:
        return Running(datetime.fromisoformat(state["running"]["startedAt"]))
    return _waiting(pod, state.get("waiting", NOTHING))


def _waiting(pod: Pod, waiting: Json) -> Waiting:
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    created = datetime.fromisoformat(pod.raw["metadata"]["creationTimestamp"])
    unplaced = condition(pod, "PodScheduled")
    if unplaced.get("status") == "False":
        words = said(unplaced.get("reason", ""), unplaced.get("message", ""))
        return Waiting(created, words, is_hopeless=False, is_unschedulable=True)
    problem = "" if reason in _NO_PROBLEM else said(reason, message)
    return Waiting(created, problem, is_hopeless=reason in _NEVER_BETTER)
