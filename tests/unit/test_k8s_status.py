"""What people are told of a pod: shapes that a real cluster showed, and those that its documentation describes."""

from __future__ import annotations

from typing import Any

import pytest

from k8s import status
from k8s.ended import Ended, evicted
from k8s.pods import Pod
from k8s.status import Running, Waiting
from tests.pod_facts import ATTEMPT, changed, names, pod, with_condition
from tovi_server.core.events import Exited, Lost
from tovi_server.core.reasons import EndReason

DISK = "Pod ephemeral local storage usage exceeds the total limit of containers 10Mi."
EVICTED = "its pod was removed: EvictionByEvictionAPI: Eviction API: evicting"
DELETED = "its pod was deleted by somebody"
SHUTDOWN = "Pod was terminated in response to imminent node shutdown."
LOW = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 88Mi. "


def ended(shape: str | Pod) -> Ended:
    read = status.read(pod(shape) if isinstance(shape, str) else shape, ATTEMPT)
    assert isinstance(read, Ended)
    return read


def exited(shape: str | Pod) -> tuple[EndReason, int | None, str]:
    report = ended(shape).report
    assert isinstance(report, Exited)
    return report.reason, report.exit_code, report.message


def lost(shape: str | Pod) -> str:
    report = ended(shape).report
    assert isinstance(report, Lost), report
    return report.message


def waiting(shape: str | Pod) -> Waiting:
    read = status.read(pod(shape) if isinstance(shape, str) else shape, ATTEMPT)
    assert isinstance(read, Waiting)
    return read


EXITS: dict[str, tuple[EndReason, int | None, str]] = {
    "ok": (EndReason.OK, 0, ""),
    "ok-not-over-yet": (EndReason.OK, 0, ""),
    "exit-3": (EndReason.OUTPUTS_MISSING, 3, "the output out/a is missing"),
    "exit-3-deleted-much-later": (EndReason.OUTPUTS_MISSING, 3, "the output out/a is missing"),
    "signal": (EndReason.SIGNAL, 139, ""),
    "abort-first": (EndReason.SIGNAL, 139, ""),
    "oom-first": (EndReason.OUT_OF_MEMORY, 137, ""),
    "oom-child-137": (EndReason.OUT_OF_MEMORY, 137, ""),
    "oom-child-7": (EndReason.OUT_OF_MEMORY, 7, ""),
    "oom-child-0": (EndReason.OK, 0, ""),
    "deadline": (EndReason.TIMEOUT, 137, ""),
    "deadline-trap": (EndReason.TIMEOUT, 0, ""),
    "evicted-disk": (EndReason.OUT_OF_DISK, 137, DISK),
    "deleted-ours-ended": (EndReason.CANCELLED, 0, ""),
    "deleted-ours-over": (EndReason.CANCELLED, 0, ""),
}


@pytest.mark.parametrize("shape", EXITS)
def test_how_a_program_ended_is_told_with_its_cause_and_code(shape: str) -> None:
    assert exited(shape) == EXITS[shape]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("no-command", 'exec: "/no/such/program": stat /no/such/program: no such file or directory'),
        ("not-executable", 'exec: "/etc/passwd": permission denied'),
    ],
)
def test_a_container_that_could_not_start_has_failed_to_start_with_the_runtimes_words(shape: str, words: str) -> None:
    reason, code, message = exited(shape)

    assert (reason, code, ended(shape).started_at) == (EndReason.START_FAILED, None, None)
    assert words in message


def test_an_image_without_a_shell_is_told_as_such() -> None:
    said = 'unable to start container process: exec: "sh": executable file not found in $PATH: unknown'
    shape = with_container("no-command", message=said)

    assert exited(shape) == (EndReason.START_FAILED, None, f"its image has no `sh` on its path: {said}")


LOSSES = {
    "deleted-well-ended": DELETED,
    "deleted-well-over": DELETED,
    "deleted-ill-ended": DELETED,
    "deleted-ill-over": DELETED,
    "deleted-killed-ended": DELETED,
    "deleted-killed-over": DELETED,
    "deleted-pulling-ended": DELETED,
    "deleted-pulling-over": DELETED,
    "forced-over": DELETED,
    "unbound-deleted-being": DELETED,
    "unbound-deleted-over": DELETED,
    "evicted-api-ended": EVICTED,
    "evicted-api-over": EVICTED,
    "evicted-api-well-ended": EVICTED,
    "evicted-api-well-over": EVICTED,
    "no-node": "its pod was removed: DeletionByPodGC: PodGC: node no longer exists",
    "no-node-deleted": "its pod was removed: DeletionByPodGC: PodGC: node no longer exists",
    "outofcpu": "node2 refused it: OutOfcpu: Pod was rejected: Node didn't have enough resource: cpu, "
    "requested: 1999, used: 420, capacity: 2000",
    "outofmemory": "node2 refused it: OutOfmemory: Pod was rejected: Node didn't have enough resource: memory, "
    "requested: 966367641600, used: 1342177280, capacity: 7991775232",
    "affinity": "node2 refused it: NodeAffinity: Pod was rejected: Predicate NodeAffinity failed: "
    "node(s) didn't match Pod's node affinity/selector",
}


@pytest.mark.parametrize("shape", LOSSES)
def test_what_others_ended_or_no_node_took_says_nothing_of_the_program_however_that_ended(shape: str) -> None:
    assert lost(shape) == LOSSES[shape]


def test_every_shape_is_told_and_what_has_not_started_or_still_runs_is_not_ended() -> None:
    others = {name for name in names() if not isinstance(status.read(pod(name), ATTEMPT), Ended)}

    known = {*EXITS, *LOSSES, "no-command", "not-executable", "evicted-disk-dir"}
    assert set(names()) - others == known
    running = {name for name in others if isinstance(status.read(pod(name), ATTEMPT), Running)}
    deleted = {
        "deleted-well",
        "deleted-ill",
        "deleted-killed",
        "deleted-ours",
        "evicted-api",
        "evicted-api-well",
        "forced",
    }
    assert running == {"running", *(f"{name}-being" for name in deleted)}


def test_a_program_that_runs_is_told_since_when() -> None:
    read = status.read(pod("running"), ATTEMPT)

    assert isinstance(read, Running)
    assert read.started_at.isoformat() == "2026-11-26T00:56:14+00:00"


PROBLEMS = {
    "created": ("", False),
    "creating": ("", False),
    "no-config-volume": ("", False),
    "deleted-pulling-being": ("", False),
    "no-secret": ('CreateContainerConfigError: secret "nope" not found', False),
    "no-image": ('ErrImagePull: failed to pull and unpack image "tovi.test/no-such:1"', False),
    "no-image-backing-off": ('ImagePullBackOff: Back-off pulling image "tovi.test/no-such:1"', False),
    "bad-image": ('InvalidImageName: Failed to apply default image tag "Tovi::x"', True),
    "never-pull": ('ErrImageNeverPull: Container image "tovi.test/no-such:1" is not present', True),
}


@pytest.mark.parametrize("shape", PROBLEMS)
def test_what_keeps_a_program_from_starting_is_told_and_whether_time_can_mend_it(shape: str) -> None:
    found, (words, is_hopeless) = waiting(shape), PROBLEMS[shape]

    assert found.problem.startswith(words)
    assert bool(found.problem) == bool(words)
    assert (found.is_hopeless, found.is_unschedulable) == (is_hopeless, False)


def test_a_registrys_own_words_are_told() -> None:
    assert "lookup tovi.test: no such host" in waiting("no-image").problem


def test_a_pod_that_the_clusters_scheduler_does_not_want_is_known_as_such() -> None:
    found = waiting("unschedulable")

    assert (found.is_unschedulable, found.is_hopeless) == (True, False)
    assert found.problem.startswith("Unschedulable: 0/2 nodes are available")


# What the documentation describes and this cluster was not made to do


def with_container(shape: str, **terminated: Any) -> Pod:
    there = pod(shape).raw["status"]["containerStatuses"][0]
    state = {"terminated": there["state"]["terminated"] | terminated}
    return changed(shape, status={"containerStatuses": [{**there, "state": state}]})


def test_a_program_ended_by_the_shutdown_of_its_node_is_lost_also_when_it_ended_well() -> None:
    at = "2026-11-26T00:56:05Z"
    failed = with_condition(
        "oom-child-137", "DisruptionTarget", "TerminationByKubelet", SHUTDOWN, at, reason="Terminated", message=SHUTDOWN
    )
    well = with_condition("ok", "DisruptionTarget", "TerminationByKubelet", SHUTDOWN, at)

    assert lost(failed) == f"Terminated: {SHUTDOWN}"
    assert lost(well) == f"its pod was removed: TerminationByKubelet: {SHUTDOWN}"


def test_a_program_that_had_ended_when_its_node_was_removed_keeps_its_end() -> None:
    later = with_condition(
        "ok", "DisruptionTarget", "DeletionByPodGC", "PodGC: node no longer exists", "2026-11-26T01:00:00Z"
    )

    assert exited(later) == EXITS["ok"]


def test_an_announced_eviction_that_did_not_come_is_forgotten_at_the_end() -> None:
    announced = with_condition(
        "ok", "DisruptionTarget", "EvictionByEvictionAPI", "Eviction API: evicting", "2026-11-26T00:56:04Z"
    )

    assert exited(announced) == EXITS["ok"]


@pytest.mark.parametrize(
    ("reason", "message", "told"),
    [
        ("Evicted", LOW, f"Evicted: {LOW.strip()}"),
        (
            "Preempting",
            "Preempted in order to admit critical pod",
            "Preempting: Preempted in order to admit critical pod",
        ),
        (
            "NodeLost",
            "Node node2 which was running pod x is unresponsive",
            "NodeLost: Node node2 which was running pod x is unresponsive",
        ),
    ],
)
def test_a_program_that_its_node_gave_up_for_its_own_reasons_is_lost(reason: str, message: str, told: str) -> None:
    shape = changed("oom-child-137", status={"reason": reason, "message": message, "phase": "Failed"})

    assert lost(shape) == told


@pytest.mark.parametrize(
    "reason", ["UnexpectedAdmissionError", "TopologyAffinityError", "OutOfephemeral-storage", "OutOfpods"]
)
def test_whatever_a_kubelet_refuses_a_pod_for_another_node_may_take_it(reason: str) -> None:
    assert lost(changed("outofcpu", status={"reason": reason, "message": "no"})) == f"node2 refused it: {reason}: no"


def test_a_node_under_pressure_that_takes_no_pod_has_refused_it() -> None:
    shape = changed("outofcpu", status={"reason": "Evicted", "message": "The node had condition: [DiskPressure]. "})

    assert lost(shape) == "Evicted: The node had condition: [DiskPressure]."


@pytest.mark.parametrize(
    "message",
    [
        'Container task exceeded its local ephemeral storage limit "10Mi". ',
        'Usage of EmptyDir volume "scratch" exceeds the limit "5Mi". ',
    ],
)
def test_a_program_that_used_more_disk_than_it_asked_for_has_failed(message: str) -> None:
    assert exited(changed("evicted-disk", status={"message": message})) == (EndReason.OUT_OF_DISK, 137, message.strip())


def test_a_node_without_disk_evicts_for_its_own_reasons_whatever_the_task_is_called() -> None:
    message = "The node was low on resource: ephemeral-storage. Container task was using 5Gi, request is 1Gi. "

    assert lost(changed("evicted-disk", status={"message": message})) == f"Evicted: {message.strip()}"


def test_a_container_of_which_its_node_knows_nothing_any_more_is_lost() -> None:
    shape = changed("deleted-pulling-ended", metadata={"deletionTimestamp": None})
    del shape.raw["metadata"]["deletionTimestamp"]

    assert lost(shape) == "ContainerStatusUnknown: The container could not be located when the pod was terminated"


def test_a_pod_that_waited_long_for_a_node_and_was_deleted_is_lost_when_it_was_deleted() -> None:
    shape = changed("unbound-deleted-over", metadata={"creationTimestamp": "2026-11-25T00:00:00Z"})

    assert lost(shape) == DELETED
    assert ended(shape).report.at.isoformat() == "2026-11-26T00:56:46+00:00"


@pytest.mark.parametrize("reason", [EndReason.TIMEOUT, EndReason.LOG_TOO_LARGE, EndReason.START_FAILED])
def test_what_we_ended_it_for_is_told_with_our_words_however_long_the_kubelet_took_to_clear_up(
    reason: EndReason,
) -> None:
    shape = changed(
        "deleted-ours-over",
        metadata={
            "annotations": {"tovi.dev/ending": f"{reason} too much"},
            "deletionTimestamp": "2026-11-26T01:56:47Z",
        },
    )

    assert exited(shape) == (reason, 0, "too much")


def test_what_we_ended_before_its_container_was_there_has_no_exit_code() -> None:
    shape = changed("deleted-pulling-over", metadata={"annotations": {"tovi.dev/ending": "cancelled"}})

    assert exited(shape) == (EndReason.CANCELLED, None, "")


def test_a_program_that_ended_before_our_wish_reached_its_pod_keeps_its_end() -> None:
    shape = changed("exit-3", metadata={"annotations": {"tovi.dev/ending": "cancelled"}})

    assert exited(shape) == EXITS["exit-3"]


def test_an_ending_in_words_that_are_not_ours_is_none() -> None:
    shape = changed("deleted-ours-over", metadata={"annotations": {"tovi.dev/ending": "because"}})

    assert lost(shape) == DELETED


def test_a_pod_that_failed_without_any_reason_has_failed_to_start() -> None:
    shape = changed("outofcpu", status={"reason": "", "message": ""})

    assert exited(shape) == (EndReason.START_FAILED, None, "its pod failed and says no reason")


def test_what_was_used_is_told_also_of_what_we_ended() -> None:
    report = ended(with_container("deleted-ours-over", message="used 2500000 4096\n")).report

    assert isinstance(report, Exited)
    assert (report.usage.cpu_s, report.usage.memory_bytes) == (2.5, 4096)


def told(shape: str, message: str = "told\nused 1 1\n") -> Ended:
    return ended(with_container(shape, message=message))


def test_a_program_that_its_kubelet_told_to_end_and_that_ended_well_in_time_is_in_doubt() -> None:
    """The cluster keeps no other sign of an eviction for disk than an event: no reason, and the phase Succeeded."""
    assert exited("evicted-disk-dir") == (EndReason.OK, 0, "")
    assert told("evicted-disk-dir").is_doubtful
    assert not told("evicted-disk-dir", "used 1 1\n").is_doubtful


def test_there_is_no_doubt_where_somebody_says_what_happened_or_it_ended_ill() -> None:
    for shape in (
        "deleted-well-over",
        "deleted-ours-over",
        "deadline-trap",
        "evicted-disk",
        "deleted-ill-ended",
        "signal",
    ):
        assert not told(shape).is_doubtful


def test_what_the_kubelet_said_when_it_evicted_it_resolves_the_doubt() -> None:
    doubtful = told("evicted-disk-dir")
    own = evicted(doubtful, 'Usage of EmptyDir volume "scratch" exceeds the limit "5Mi". ')
    others = evicted(doubtful, LOW)

    assert isinstance(own.report, Exited)
    assert (own.report.reason, own.report.exit_code) == (EndReason.OUT_OF_DISK, 0)
    assert own.report.message == 'Usage of EmptyDir volume "scratch" exceeds the limit "5Mi".'
    assert isinstance(others.report, Lost)
    assert others.report.message == f"Evicted: {LOW.strip()}"


def test_that_it_was_told_is_no_hint_of_why_it_failed() -> None:
    assert exited(with_container("exit-3", message="told\nsetup-failed\nused 1 1\n"))[0] is EndReason.SETUP_FAILED
