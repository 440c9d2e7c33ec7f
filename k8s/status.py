"""What a pod's status says of its attempt: waiting, running, or ended and how. Pure, and looked at again and again.

The container's own facts come first, then what the kubelet says of the pod, then who deleted it. See
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ and …/disruptions/#pod-disruption-conditions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from k8s import names
from k8s.pods import Json, Pod
from tovi_server.core.events import Exited, Lost, Usage
from tovi_server.core.hint import explained
from tovi_server.core.ids import AttemptId
from tovi_server.core.reasons import EndReason

_NOTHING: Final[Mapping[str, Any]] = {}
_NEVER_BETTER: Final = frozenset({"InvalidImageName", "ErrImageNeverPull"})
_OF_THE_NODE: Final = frozenset({"NodeLost", "NodeShutdown", "Terminated", "ContainerStatusUnknown", "Shutdown"})
_NOT_STARTED: Final = frozenset({"ContainerCannotRun", "StartError", "CreateContainerError"})
_REFUSALS: Final = frozenset({"UnexpectedAdmissionError", "NodeAffinity", "AdmissionFailed", "Preempting"})
_OWN_DISK: Final = ("ephemeral local storage", "ephemeral-storage limit", "exceeded its local", "EmptyDir volume")
"""In what the kubelet says when it evicts a pod that used more than it asked for."""
_FIRST_SIGNAL, _LAST_SIGNAL = 129, 192
_MOST_DIGITS: Final = 18


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


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing of it runs any more."""

    started_at: datetime | None
    """None: its program never ran."""
    report: Exited | Lost


def read(pod: Pod, attempt: AttemptId) -> Waiting | Running | Ended:
    """What one of our pods is doing."""
    status = pod.raw["status"]
    container = _container(status)
    terminated = container.get("state", _NOTHING).get("terminated")
    if terminated is not None or pod.is_over or (is_being_deleted(pod) and not pod.node):
        return _ended(pod, attempt, terminated or _NOTHING)
    running = container.get("state", _NOTHING).get("running")
    if running is not None:
        return Running(_time(running["startedAt"]))
    return _waiting(pod, container.get("state", _NOTHING).get("waiting") or _NOTHING)


def ending_of(pod: Pod) -> tuple[EndReason, str] | None:
    """What it is being ended for, if that is our doing; with a message, mostly empty."""
    word, _, message = (pod.raw["metadata"].get("annotations") or _NOTHING).get(names.ENDING, "").partition(" ")
    return (EndReason(word), message) if word in set(EndReason) else None


def is_being_deleted(pod: Pod) -> bool:
    return "deletionTimestamp" in pod.raw["metadata"]


def _container(status: Json) -> Json:
    return next(iter(status.get("containerStatuses") or ()), _NOTHING)


def _waiting(pod: Pod, waiting: Json) -> Waiting:
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    created = _time(pod.raw["metadata"]["creationTimestamp"])
    unplaced = _condition(pod, "PodScheduled")
    if unplaced.get("status") == "False":
        words = _joined(unplaced.get("reason", ""), unplaced.get("message", ""))
        return Waiting(created, words, is_hopeless=False, is_unschedulable=True)
    if reason in {"", "ContainerCreating", "PodInitializing"}:
        return Waiting(created, "", is_hopeless=False)
    return Waiting(created, _joined(reason, message), is_hopeless=reason in _NEVER_BETTER)


def _ended(pod: Pod, attempt: AttemptId, terminated: Json) -> Ended:
    at = _end_time(pod, terminated)
    code = terminated.get("exitCode")
    started = terminated.get("startedAt")
    ran = started is not None and terminated.get("reason") not in _NOT_STARTED
    report = _report(pod, attempt, terminated, Exited(attempt, at, EndReason.OK, code))
    return Ended(_time(started) if started and ran else None, report)


def _report(pod: Pod, attempt: AttemptId, terminated: Json, plain: Exited) -> Exited | Lost:
    """`plain` holds the facts that are the same whatever the reason is."""
    by_itself = terminated and not _was_told_to_end(pod, plain.at)
    ending = ending_of(pod)
    if ending is not None and not by_itself:
        return replace(plain, reason=ending[0], message=ending[1])
    lost = _lost(pod, terminated, told_to_end=not by_itself)
    if lost:
        return Lost(attempt, plain.at, lost)
    return _judged(pod, terminated, plain)


def _judged(pod: Pod, terminated: Json, plain: Exited) -> Exited:
    status, code = pod.raw["status"], plain.exit_code
    words = _joined(status.get("reason", ""), status.get("message", ""))
    hint, usage = _left_behind(terminated)
    plain = replace(plain, usage=usage)
    if status.get("reason") == "DeadlineExceeded":
        return replace(plain, reason=EndReason.TIMEOUT)
    if status.get("reason") == "Evicted":
        return replace(plain, reason=EndReason.OUT_OF_DISK, message=status.get("message", ""))
    if terminated.get("reason") in _NOT_STARTED:
        return replace(plain, reason=EndReason.START_FAILED, exit_code=None, message=terminated.get("message", ""))
    if code is None:
        return replace(plain, reason=EndReason.START_FAILED, message=words or "its pod failed and says no reason")
    if terminated.get("reason") == "OOMKilled" and code:
        return replace(plain, reason=EndReason.OUT_OF_MEMORY)
    if _FIRST_SIGNAL <= code <= _LAST_SIGNAL:
        return replace(plain, reason=EndReason.SIGNAL)
    return explained(replace(plain, reason=EndReason.ERROR if code else EndReason.OK), hint)


def _lost(pod: Pod, terminated: Json, *, told_to_end: bool) -> str:
    """Why its end says nothing about its program; empty: it does."""
    status, reason = pod.raw["status"], pod.raw["status"].get("reason", "")
    words = _joined(reason, status.get("message", ""))
    if reason == "Evicted" and not any(mark in words for mark in _OWN_DISK):
        return words
    if reason in _OF_THE_NODE or terminated.get("reason") in _OF_THE_NODE:
        return words or f"{pod.node}: {_joined(terminated['reason'], terminated.get('message', ''))}"
    if _is_refusal(reason, terminated):
        return f"{pod.node} refused it: {words}"
    if told_to_end and is_being_deleted(pod):
        disruption = _condition(pod, "DisruptionTarget")
        words = _joined(disruption.get("reason", ""), disruption.get("message", ""))
        return f"its pod was deleted: {words or 'nobody said why'}"
    return ""


def _is_refusal(reason: str, terminated: Json) -> bool:
    """The kubelet found no room for it, or would not have it: another node may."""
    return not terminated and (reason.startswith("OutOf") or reason in _REFUSALS)


def _was_told_to_end(pod: Pod, ended_at: datetime) -> bool:
    """Whether it had been deleted when it ended. A second is as fine as these times are."""
    metadata = pod.raw["metadata"]
    if "deletionTimestamp" not in metadata:
        return False
    grace = timedelta(seconds=metadata.get("deletionGracePeriodSeconds") or 0)
    return ended_at >= _time(metadata["deletionTimestamp"]) - grace


def _end_time(pod: Pod, terminated: Json) -> datetime:
    """Of the container; else of the newest thing that happened to the pod."""
    if terminated.get("finishedAt"):
        return _time(terminated["finishedAt"])
    conditions = pod.raw["status"].get("conditions") or ()
    times = [one["lastTransitionTime"] for one in conditions if one.get("lastTransitionTime")]
    return _time(max(times, default=pod.raw["metadata"]["creationTimestamp"]))


def _condition(pod: Pod, kind: str) -> Json:
    conditions = pod.raw["status"].get("conditions") or ()
    return next((one for one in conditions if one.get("type") == kind), _NOTHING)


def _left_behind(terminated: Json) -> tuple[str, Usage]:
    """From the container's last message: the script's hint, and the line `used MICROSECONDS BYTES`."""
    hint, usage = "", Usage()
    for line in terminated.get("message", "").splitlines():
        match line.split(" "):
            case ["used", cpu, peak]:
                usage = Usage(None if (told := _number(cpu)) is None else told / 1e6, _number(peak))
            case _:
                hint = hint or line
    return hint, usage


def _number(text: str) -> int | None:
    """The task may have written anything there: no number that it can be is too large for what comes after."""
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None


def _joined(reason: str, message: str) -> str:
    return f"{reason}: {message}" if reason and message else reason or message


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
