"""Nodes as the scheduler sees them, by Kubernetes' rules for taints, conditions and labels."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from k8s.capacity import Machine, Wanted, read_machine, with_foreign
from k8s.pods import Pod
from k8s.tolerations import Toleration
from tovi_server.core.resources import GIB, MIB, Resources

ANY = Wanted({}, (), ("nvidia.com/gpu", "amd.com/gpu"))
READY = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-26T00:00:00Z"}
OFFERED = {"cpu": "7910m", "memory": "32Gi", "ephemeral-storage": "100Gi", "pods": "110"}
SINCE = datetime(2026, 11, 26, tzinfo=UTC)


def machine(
    *,
    taints: list[dict[str, str]] | None = None,
    labels: dict[str, str] | None = None,
    offered: dict[str, str] | None = None,
    conditions: list[dict[str, str]] | None = None,
    wanted: Wanted = ANY,
    **spec: Any,
) -> Machine:
    raw = {
        "metadata": {"name": "node1", "labels": labels},
        "spec": {"taints": taints, **spec},
        "status": {
            "allocatable": {**OFFERED, **(offered or {})},
            "conditions": [READY] if conditions is None else conditions,
        },
    }
    return read_machine(raw, wanted)


def tolerating(*tolerations: Toleration, selector: dict[str, str] | None = None) -> Wanted:
    return Wanted(selector or {}, tolerations, ANY.gpu_resources)


def taint(key: str = "gpu", value: str = "yes", effect: str = "NoSchedule") -> dict[str, str]:
    return {"key": key, "effect": effect, **({"value": value} if value else {})}


def test_a_node_offers_what_it_can_allocate() -> None:
    found = machine()

    assert found.node.capacity == Resources(7910, 32 * GIB, 100 * GIB)
    assert (found.name, found.node.ready, found.node.slots, found.node.foreign) == ("node1", True, 110, Resources())
    assert (found.is_wanted, found.is_gone, found.silent_since, found.gpu_resource) == (True, False, None, "")


def test_a_node_that_says_little_offers_nothing() -> None:
    found = read_machine({"metadata": {"name": "new"}, "status": {}}, ANY)

    assert (found.node.capacity, found.node.slots, found.node.ready, found.silent_since) == (
        Resources(),
        0,
        False,
        None,
    )


# Taints, by https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/


@pytest.mark.parametrize("effect", ["NoSchedule", "NoExecute"])
def test_a_taint_shuts_tasks_out(effect: str) -> None:
    assert not machine(taints=[taint(effect=effect)]).node.ready


def test_a_taint_that_only_prefers_others_shuts_nobody_out() -> None:
    assert machine(taints=[taint(effect="PreferNoSchedule")]).node.ready


@pytest.mark.parametrize(
    ("toleration", "tolerates"),
    [
        (Toleration(key="gpu", operator="Equal", value="yes", effect="NoSchedule"), True),
        (Toleration(key="gpu", operator="Equal", value="yes"), True),
        (Toleration(key="gpu", operator="Equal", value="no"), False),
        (Toleration(key="gpu"), False),
        (Toleration(key="cpu", operator="Equal", value="yes"), False),
        (Toleration(key="gpu", operator="Equal", value="yes", effect="NoExecute"), False),
        (Toleration(key="gpu", operator="Exists"), True),
        (Toleration(key="gpu", operator="Exists", effect="NoSchedule"), True),
        (Toleration(key="gpu", operator="Exists", effect="NoExecute"), False),
        (Toleration(key="cpu", operator="Exists"), False),
        (Toleration(operator="Exists"), True),
        (Toleration(operator="Exists", effect="NoExecute"), False),
    ],
)
def test_a_toleration_meets_a_taint_by_key_value_and_effect(toleration: Toleration, tolerates: bool) -> None:
    assert toleration.tolerates(taint()) is tolerates
    assert machine(taints=[taint()], wanted=tolerating(toleration)).node.ready is tolerates


def test_a_taint_without_a_value_has_the_empty_one() -> None:
    assert Toleration(key="gpu").tolerates(taint(value=""))


def test_each_taint_must_be_tolerated() -> None:
    wanted = tolerating(Toleration(key="gpu", operator="Exists"))

    assert machine(taints=[taint(), taint(effect="NoExecute")], wanted=wanted).node.ready
    assert not machine(taints=[taint(), taint("other")], wanted=wanted).node.ready


some_words = some.sampled_from(["", "a", "b"])
some_effects = some.sampled_from(["NoSchedule", "NoExecute", "PreferNoSchedule"])
some_taints = some.lists(some.builds(taint, some.sampled_from(["a", "b"]), some_words, some_effects), max_size=3)
some_tolerations = some.one_of(
    some.builds(
        Toleration,
        key=some.sampled_from(["", "a", "b"]),
        operator=some.just("Exists"),
        effect=some.one_of(some.just(""), some_effects),
    ),
    some.builds(
        Toleration,
        key=some.sampled_from(["a", "b"]),
        operator=some.just("Equal"),
        value=some_words,
        effect=some.one_of(some.just(""), some_effects),
    ),
)


@given(some_taints, some.lists(some_tolerations, max_size=3), some_tolerations)
def test_one_toleration_more_never_shuts_a_node(
    taints: list[dict[str, str]], tolerations: list[Toleration], more: Toleration
) -> None:
    before = machine(taints=taints, wanted=tolerating(*tolerations)).node.ready

    assert machine(taints=taints, wanted=tolerating(*tolerations, more)).node.ready >= before


# Cordons and conditions


def test_a_cordoned_node_takes_nothing_whatever_is_tolerated() -> None:
    cordon = taint("node.kubernetes.io/unschedulable", "")
    wanted = tolerating(Toleration(operator="Exists"))

    assert not machine(taints=[cordon], unschedulable=True, wanted=wanted).node.ready


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_a_node_that_is_not_ready_takes_nothing_and_is_silent_since_then(status: str) -> None:
    found = machine(conditions=[READY | {"status": status}])

    assert (found.node.ready, found.silent_since) == (False, SINCE)


@pytest.mark.parametrize("kind", ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"])
def test_a_node_in_want_takes_nothing_and_is_not_silent(kind: str) -> None:
    unwell, well = (machine(conditions=[{"type": kind, "status": status}, READY]) for status in ("True", "False"))

    assert (unwell.node.ready, unwell.silent_since) == (False, None)
    assert (well.node.ready, well.silent_since) == (True, None)


def test_a_node_that_an_admin_declared_out_of_service_is_gone() -> None:
    found = machine(taints=[taint("node.kubernetes.io/out-of-service", "nodeshutdown", "NoExecute")])

    assert (found.is_gone, found.node.ready) == (True, False)


# Labels


@pytest.mark.parametrize(
    ("selector", "labels", "is_wanted"),
    [
        ({"pool": "gpu"}, {"pool": "gpu", "zone": "a"}, True),
        ({"pool": "gpu"}, {"pool": "cpu"}, False),
        ({"pool": "gpu"}, None, False),
        ({"pool": "gpu", "zone": "a"}, {"pool": "gpu", "zone": "b"}, False),
        ({}, {"kubernetes.io/os": "linux"}, True),
        ({}, {"kubernetes.io/os": "windows"}, False),
    ],
)
def test_tasks_run_on_linux_nodes_with_all_the_labels_that_are_wanted(
    selector: dict[str, str], labels: dict[str, str] | None, is_wanted: bool
) -> None:
    assert machine(labels=labels, wanted=tolerating(selector=selector)).is_wanted is is_wanted


@pytest.mark.parametrize(
    ("labels", "short", "memory"),
    [
        ({"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB", "nvidia.com/gpu.memory": "40960"}, "a100", 40 * GIB),
        (
            {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3-SHARED", "nvidia.com/gpu.memory": "81559"},
            "h100",
            81559 * MIB,
        ),
        ({"nvidia.com/gpu.product": "Tesla-T4", "nvidia.com/gpu.memory": "15360"}, "t4", 15 * GIB),
        ({"nvidia.com/gpu.product": "NVIDIA-GeForce-RTX-3090", "nvidia.com/gpu.memory": "24576"}, "rtx3090", 24 * GIB),
        (
            {"nvidia.com/gpu.product": "NVIDIA-A100-80GB-PCIe-MIG-1g.10gb", "nvidia.com/gpu.memory": "9728"},
            "a100",
            9728 * MIB,
        ),
        ({"amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM", "amd.com/gpu.vram": "191G"}, "mi300x", 191 * GIB),
        ({"cloud.google.com/gke-accelerator": "nvidia-tesla-v100"}, "v100", 0),
        ({"cloud.google.com/gke-accelerator": "nvidia-l4"}, "l4", 0),
    ],
)
def test_a_gpus_model_and_memory_are_what_the_labels_of_its_maker_say(
    labels: dict[str, str], short: str, memory: int
) -> None:
    found = machine(labels=labels, offered={"nvidia.com/gpu": "8"}).node.capacity

    assert (found.gpus, found.gpu_memory_bytes) == (8, memory)
    assert found.gpu_models[-1] == short
    assert Resources(gpus=1, gpu_models=(short,)).fits(found)


@pytest.mark.parametrize("memory", ["", "unknown", "80 GiB", "1e", "-"])
def test_a_memory_of_gpus_in_no_words_that_are_known_is_unknown_and_the_node_is_there(memory: str) -> None:
    found = machine(labels={"nvidia.com/gpu.memory": memory}, offered={"nvidia.com/gpu": "1"}).node.capacity

    assert (found.gpus, found.gpu_memory_bytes, found.gpu_models) == (1, 0, ())


def test_a_node_without_gpus_has_no_model_whatever_its_labels_say() -> None:
    found = machine(labels={"nvidia.com/gpu.product": "Tesla-T4"}, offered={"nvidia.com/gpu": "0"})

    assert (found.gpu_resource, found.node.capacity.gpus, found.node.capacity.gpu_models) == ("", 0, ())


def test_gpus_are_counted_under_the_first_wanted_name_that_the_node_offers() -> None:
    both = {"amd.com/gpu": "2", "nvidia.com/gpu": "4", "example.com/gpu": "9"}

    assert machine(offered=both).gpu_resource == "nvidia.com/gpu"
    assert machine(offered={"amd.com/gpu": "2"}).gpu_resource == "amd.com/gpu"
    assert machine(offered=both, wanted=Wanted({}, (), ("example.com/gpu",))).node.capacity.gpus == 9


# What is on it


def a_pod(name: str, request: Resources, *, attempt: str = "", is_over: bool = False, **devices: int) -> Pod:
    named = {kind.replace("_", ".com/"): number for kind, number in devices.items()}
    return Pod("n", name, name, "node1", request, named, is_over, attempt, {})


def test_what_others_hold_is_taken_from_the_node_and_what_we_count_ourselves_is_not() -> None:
    pods = [
        a_pod("foreign", Resources(1000, GIB, GIB), nvidia_gpu=2),
        a_pod("other kind", Resources(500), amd_gpu=1),
        a_pod("over", Resources(4000, GIB), is_over=True, nvidia_gpu=1),
        a_pod("known", Resources(2000, GIB), attempt="known", nvidia_gpu=1),
        a_pod("ended, not gone", Resources(100, GIB), attempt="unknown"),
    ]
    node = with_foreign(machine(offered={"nvidia.com/gpu": "4"}), pods, {"known"})

    assert node.foreign == Resources(1600, 2 * GIB, GIB, gpus=2)
    assert node.slots == 110 - 3


def test_a_node_that_is_full_of_others_has_no_room_for_pods_and_not_less_than_none() -> None:
    pods = [a_pod(str(number), Resources()) for number in range(5)]

    assert with_foreign(machine(offered={"pods": "3"}), pods, frozenset()).slots == 0
