"""What a pod holds of its node, counted as Kubernetes' own scheduler counts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from k8s import names
from k8s.pods import Pod, read_pod
from tests.pod_facts import raw
from tovi_server.core.resources import GIB, MIB, Resources

Amounts = dict[str, Any]


def container(requests: Amounts | None = None, limits: Amounts | None = None, **more: Any) -> dict[str, Any]:
    resources = {name: amounts for name, amounts in (("requests", requests), ("limits", limits)) if amounts is not None}
    return {"name": "c", "resources": resources, **more}


def sidecar(requests: Amounts) -> dict[str, Any]:
    return container(requests, restartPolicy="Always")


def read(*containers: dict[str, Any], phase: str = "Running", labels: dict[str, str] | None = None, **spec: Any) -> Pod:
    metadata = {"namespace": "n", "name": "p", "uid": "u", "labels": labels}
    whole = {"metadata": metadata, "spec": {"containers": list(containers), **spec}, "status": {"phase": phase}}
    return read_pod(whole, "mine")


def cpu(pod: Pod) -> int:
    return pod.request.cpu_millicores


def test_containers_run_side_by_side() -> None:
    pod = read(
        container({"cpu": "100m", "memory": "1Gi", "ephemeral-storage": "2Gi", "nvidia.com/gpu": "1"}),
        container({"cpu": "1", "memory": "512Mi", "nvidia.com/gpu": 2, "example.com/disk": "3"}),
        nodeName="node1",
    )

    assert pod.request == Resources(1100, GIB + 512 * MIB, 2 * GIB)
    assert (pod.devices, pod.node, pod.key) == ({"nvidia.com/gpu": 3, "example.com/disk": 3}, "node1", "n/p")


def test_a_limit_without_a_request_is_asked_for() -> None:
    pod = read(
        container(limits={"cpu": "2", "memory": "1Gi"}, requests={"cpu": "500m"}), container(limits={"cpu": "1"})
    )

    assert pod.request == Resources(1500, GIB)


@pytest.mark.parametrize(
    ("before", "millicores"),
    [
        ([container({"cpu": "100m"})], 1000),
        ([container({"cpu": "3"})], 3000),
        ([container({"cpu": "3"}), container({"cpu": "2"})], 3000),
        ([sidecar({"cpu": "500m"})], 1500),
        ([sidecar({"cpu": "500m"}), sidecar({"cpu": "250m"})], 1750),
        ([sidecar({"cpu": "500m"}), container({"cpu": "2"})], 2500),
        ([container({"cpu": "2"}), sidecar({"cpu": "500m"})], 2000),
        ([container({"cpu": "2"}), sidecar({"cpu": "1500m"})], 2500),
    ],
)
def test_what_starts_before_the_rest_counts_while_it_is_there(before: list[dict[str, Any]], millicores: int) -> None:
    assert cpu(read(container({"cpu": "1"}), initContainers=before)) == millicores


def test_a_kind_that_only_an_early_container_asks_for_counts() -> None:
    pod = read(container({"cpu": "1"}), initContainers=[container({"memory": "1Gi", "nvidia.com/gpu": "1"})])

    assert pod.request == Resources(1000, GIB)
    assert pod.devices == {"nvidia.com/gpu": 1}


@pytest.mark.parametrize(
    ("whole", "millicores"),
    [({"requests": {"cpu": "3"}}, 3000), ({"limits": {"cpu": "3"}}, 3000), ({}, 1000), (None, 1000)],
)
def test_a_pod_may_ask_as_a_whole(whole: dict[str, Any] | None, millicores: int) -> None:
    assert cpu(read(container({"cpu": "1"}), resources=whole)) == millicores


def test_what_its_runtime_costs_comes_on_top() -> None:
    pod = read(container({"cpu": "1", "memory": "1Gi"}), overhead={"cpu": "250m", "memory": "120Mi"})

    assert pod.request == Resources(1250, GIB + 120 * MIB)


def test_a_pod_that_asks_for_nothing_holds_nothing() -> None:
    pod = read({"name": "c"}, initContainers=None, overhead=None)

    assert (pod.request, pod.devices, pod.node) == (Resources(), {}, "")


@pytest.mark.parametrize(
    ("phase", "is_over"),
    [("Pending", False), ("Running", False), ("Unknown", False), ("Succeeded", True), ("Failed", True)],
)
def test_a_pod_holds_its_node_until_its_phase_is_final(phase: str, is_over: bool) -> None:
    assert read({"name": "c"}, phase=phase).is_over is is_over


@pytest.mark.parametrize(
    ("labels", "attempt"),
    [
        ({names.INSTALLATION: "mine", names.ATTEMPT: "abc"}, "abc"),
        ({names.INSTALLATION: "others", names.ATTEMPT: "abc"}, ""),
        ({names.ATTEMPT: "abc"}, ""),
        ({names.INSTALLATION: "mine"}, ""),
        (None, ""),
    ],
)
def test_a_pod_is_ours_by_its_labels(labels: dict[str, str] | None, attempt: str) -> None:
    pod = read({"name": "c"}, labels=labels)

    assert (pod.attempt, bool(pod.raw)) == (attempt, bool(attempt))


def test_a_pod_of_the_cluster_is_read() -> None:
    pod = read_pod(raw("running"), "facts")

    assert (pod.node, pod.attempt, pod.request) == ("node2", "running", Resources(20, 64 * MIB, 100 * MIB))


some_amounts = some.dictionaries(some.sampled_from(["cpu", "memory", "nvidia.com/gpu"]), some.integers(0, 9))
some_containers = some.lists(some.tuples(some.booleans(), some_amounts), max_size=4)


@given(some.lists(some_amounts, min_size=1, max_size=3), some_containers)
def test_a_pod_holds_at_least_all_that_ever_runs_at_once(
    main: list[Amounts], before: list[tuple[bool, Amounts]]
) -> None:
    early = [sidecar(amounts) if stays else container(amounts) for stays, amounts in before]
    pod = read(*map(container, main), initContainers=early)

    assert pod.devices.get("nvidia.com/gpu", 0) == most_at_once("nvidia.com/gpu", main, before)
    assert pod.request.memory_bytes == most_at_once("memory", main, before)


def most_at_once(kind: str, main: list[Amounts], before: list[tuple[bool, Amounts]]) -> int:
    """By playing the start of a pod."""
    staying, most = 0, 0
    for stays, amounts in before:
        most = max(most, staying + amounts.get(kind, 0))
        staying += amounts.get(kind, 0) if stays else 0
    return max(most, staying + sum(amounts.get(kind, 0) for amounts in main))
