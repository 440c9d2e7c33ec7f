"""How an attempt ended, from what its pod's status says in the end. Pure.

What we ended it for comes first, then what the kubelet did to the pod, then who else interrupted it, then what its
program says itself. See https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ and
…/disruptions/#pod-disruption-conditions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from k8s import interruption, left_behind
from k8s.pods import Json, Pod, said
from tovi_server.core.events import Exited, Lost
from tovi_server.core.hint import explained
from tovi_server.core.ids import AttemptId
from tovi_server.core.reasons import EndReason

_OF_THE_NODE: Final = frozenset({"NodeLost", "NodeShutdown", "Shutdown", "Terminated", "Preempting"})
"""In a pod's status: its node ended it for reasons of its own."""
_UNKNOWN: Final = "ContainerStatusUnknown"
_NOT_STARTED: Final = frozenset({"ContainerCannotRun", "StartError", "CreateContainerError"})
_NO_SHELL: Final = 'exec: "sh"'
_OWN_DISK: Final = ("Pod ephemeral local storage", "exceeded its local ephemeral storage", "Usage of EmptyDir volume")
"""What the kubelet says when it evicts a pod that used more than it asked for."""
_FIRST_SIGNAL, _LAST_SIGNAL = 129, 192
_NEVER: Final = "1970-01-01"
"""When a container started that did not."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing of it runs any more."""

    started_at: datetime | None
    """None: its program never ran."""
    report: Exited | Lost
    is_doubtful: bool = False
    """It was told to end, and ended well. For its use of disk the kubelet tells so, and leaves no sign but an event."""


def ended(pod: Pod, attempt: AttemptId, terminated: Json) -> Ended:
    """`terminated` is what is said of its container; empty: nothing, it may never have been there."""
    started = "" if terminated.get("reason") in _NOT_STARTED else terminated.get("startedAt") or ""
    ran = bool(started) and not started.startswith(_NEVER)
    code = terminated.get("exitCode") if ran else None
    usage = left_behind.used(terminated.get("message", ""))
    plain = Exited(attempt, _end_time(pod, terminated), EndReason.OK, code, usage=usage)
    report = _report(pod, terminated, plain)
    is_well = isinstance(report, Exited) and report.reason is EndReason.OK
    is_doubtful = is_well and left_behind.was_told(terminated.get("message", ""))
    return Ended(datetime.fromisoformat(started) if ran else None, report, is_doubtful)


def evicted(told: Ended, message: str) -> Ended:
    """The same, by a kubelet that said so."""
    words, report = message.strip(), told.report
    assert isinstance(report, Exited)
    if any(mark in words for mark in _OWN_DISK):
        return Ended(told.started_at, replace(report, reason=EndReason.OUT_OF_DISK, message=words))
    return Ended(told.started_at, Lost(report.attempt, report.at, said("Evicted", words)))


def _report(pod: Pod, terminated: Json, plain: Exited) -> Exited | Lost:
    """`plain` holds the facts that are the same whatever the reason is."""
    ending = interruption.ending_of(pod)
    if ending is not None and (not terminated or interruption.was_deleted_before(pod, _finished_at(terminated))):
        return replace(plain, reason=ending[0], message=ending[1])
    if pod.raw["status"].get("reason") == "DeadlineExceeded":
        return replace(plain, reason=EndReason.TIMEOUT)
    if _is_over_its_disk(pod):
        return replace(plain, reason=EndReason.OUT_OF_DISK, message=_words(pod))
    lost = _lost(pod, terminated)
    return Lost(plain.attempt, plain.at, lost) if lost else _by_itself(pod, terminated, plain)


def _is_over_its_disk(pod: Pod) -> bool:
    return pod.raw["status"].get("reason") == "Evicted" and any(mark in _words(pod) for mark in _OWN_DISK)


def _lost(pod: Pod, terminated: Json) -> str:
    """Why its end says nothing about its program; empty: it does."""
    reason = pod.raw["status"].get("reason", "")
    words = said(reason, _words(pod))
    if reason == "Evicted" or reason in _OF_THE_NODE:
        return words
    if reason and not terminated:
        return f"{pod.node} refused it: {words}"
    interrupted = interruption.by_others(pod, _finished_at(terminated))
    if interrupted or terminated.get("reason") != _UNKNOWN:
        return interrupted
    return said(_UNKNOWN, terminated.get("message", ""))


def _by_itself(pod: Pod, terminated: Json, plain: Exited) -> Exited:
    code, reason = plain.exit_code, terminated.get("reason")
    if reason in _NOT_STARTED:
        return replace(plain, reason=EndReason.START_FAILED, message=_start_error(terminated.get("message", "")))
    if code is None:
        return replace(plain, reason=EndReason.START_FAILED, message=_words(pod) or "its pod failed and says no reason")
    if reason == "OOMKilled" and code:
        return replace(plain, reason=EndReason.OUT_OF_MEMORY)
    if _FIRST_SIGNAL <= code <= _LAST_SIGNAL:
        return replace(plain, reason=EndReason.SIGNAL)
    hint = left_behind.hint(terminated.get("message", ""))
    return explained(replace(plain, reason=EndReason.ERROR if code else EndReason.OK), hint)


def _start_error(message: str) -> str:
    return f"its image has no `sh` on its path: {message}" if _NO_SHELL in message else message


def _words(pod: Pod) -> str:
    return str(pod.raw["status"].get("message", "")).strip()


def _end_time(pod: Pod, terminated: Json) -> datetime:
    """Of the container; else of the newest thing that happened to the pod."""
    finished = _finished_at(terminated)
    if finished is not None:
        return finished
    conditions = pod.raw["status"].get("conditions") or ()
    times = [one["lastTransitionTime"] for one in conditions if one.get("lastTransitionTime")]
    happened = datetime.fromisoformat(max(times, default=pod.raw["metadata"]["creationTimestamp"]))
    return max(happened, interruption.deleted_at(pod) or happened)


def _finished_at(terminated: Json) -> datetime | None:
    """None: nobody knows when, or it was never there."""
    finished = terminated.get("finishedAt")
    return datetime.fromisoformat(finished) if finished else None
