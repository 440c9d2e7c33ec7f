"""Who told a pod to end before its program ended by itself, if anybody did. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from k8s import names
from k8s.pods import NOTHING, Json, Pod, condition, said
from tovi_server.core.reasons import EndReason

_LAST_ACT: Final = timedelta(minutes=1)
"""The kubelet's last act is to delete what was told to end once more, without a grace: within so long, mostly."""
_ENDS_AT_ONCE: Final = frozenset({"TerminationByKubelet", "DeletionByPodGC"})
"""Disruptions that announce nothing: the pod is at its end, deleted or not."""


def is_being_deleted(pod: Pod) -> bool:
    return "deletionTimestamp" in pod.raw["metadata"]


def ending_of(pod: Pod) -> tuple[EndReason, str] | None:
    """What it is being ended for, if that is our doing; with a message, mostly empty."""
    word, _, message = (pod.raw["metadata"].get("annotations") or NOTHING).get(names.ENDING, "").partition(" ")
    return (EndReason(word), message) if word in set(EndReason) else None


def deleted_at(pod: Pod) -> datetime | None:
    """When somebody asked for its end; later than that once the kubelet has asked for the last time. None: nobody."""
    metadata = pod.raw["metadata"]
    if not is_being_deleted(pod):
        return None
    return datetime.fromisoformat(metadata["deletionTimestamp"]) - timedelta(seconds=_grace_s(pod))


def was_deleted_before(pod: Pod, ended_at: datetime | None) -> bool:
    """Whether it had been deleted when it ended, by whomever. A second is as fine as these times are."""
    deleted = deleted_at(pod)
    if deleted is None or ended_at is None:
        return deleted is not None
    if _grace_s(pod):
        return ended_at >= deleted
    return ending_of(pod) is not None or ended_at >= deleted - _LAST_ACT


def by_others(pod: Pod, ended_at: datetime | None) -> str:
    """Who ended it, as far as the cluster says; empty: nobody, or it had ended by then. None: nobody knows when."""
    is_deleted = was_deleted_before(pod, ended_at)
    disruption = condition(pod, "DisruptionTarget")
    if disruption.get("status") == "True" and (is_deleted or _ended_by(disruption, ended_at)):
        return f"its pod was removed: {said(disruption.get('reason', ''), disruption.get('message', ''))}"
    return "its pod was deleted by somebody" if is_deleted else ""


def _ended_by(disruption: Json, ended_at: datetime | None) -> bool:
    if disruption.get("reason") not in _ENDS_AT_ONCE:
        return False
    return ended_at is None or datetime.fromisoformat(disruption["lastTransitionTime"]) <= ended_at


def _grace_s(pod: Pod) -> int:
    return pod.raw["metadata"].get("deletionGracePeriodSeconds") or 0
