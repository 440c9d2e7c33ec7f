"""Tasks whose node falls silent, is gone, is drained, or loses their pod: on a node that no other test uses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import pytest

from tests import kube
from tests.live import Live
from tests.pods import Place
from tests.waiting import eventually as eventually_within

NODE: Final = "node9"
TAINT: Final = "tovi.test/faults"
OURS: Final = {"key": TAINT, "effect": "NoSchedule"}
ONLY_THERE: Final = f"""
node_selector = {{"kubernetes.io/hostname" = "{NODE}"}}
tolerations = [{{key = "{TAINT}", operator = "Exists"}}]
grace = "3s"
"""
SMALL: Final = "resources: {cpus: 0.1, memory: 64Mi, disk: 100Mi}\n"
LONG: Final = f"run: echo ran; sleep 600\n{SMALL}".encode()
SHORT: Final = f"run: echo ran; sleep 40; echo done\n{SMALL}".encode()
DEADLINE_S: Final = 120
eventually = partial(eventually_within, deadline_s=DEADLINE_S)


@pytest.fixture(scope="module", autouse=True)
def node() -> Iterator[None]:
    if not kube.is_shared_cluster():
        pytest.skip("only nodes of ../shared/cluster can be killed")
    begin()
    try:
        yield
    finally:
        kube.cluster("kill", NODE)
        kube.kubectl("delete", "node", NODE, "--ignore-not-found")


@pytest.fixture(scope="module")
def live(place: Place) -> Iterator[Live]:
    with place.server(ONLY_THERE) as server:
        yield server


def begin() -> None:
    """Until the node takes tasks. It is never there without its taint: other tests' tasks would be caught on it."""
    kube.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}, "spec": {"taints": [OURS]}})
    kube.cluster("start", NODE)
    eventually(lambda: condition("Ready") == "True", "the node is ready")


def condition(kind: str) -> str:
    found = kube.read("get", "node", NODE)["status"].get("conditions", ())
    return next((str(one["status"]) for one in found if one["type"] == kind), "")


def submit(live: Live, spec: bytes) -> str:
    ended = live.ssh("submit", stdin=spec)
    assert ended.code == 0, ended
    return ended.out.decode().strip()


def task(live: Live, job: str) -> Any:
    return live.json("show", f"{job}.main.0")


def says(live: Live, job: str, words: str) -> bool:
    return words in live.ssh("why", job).out.decode()


def runs(live: Live, job: str, attempt: int = 1) -> None:
    eventually(lambda: task(live, job)["state"] == "running" and task(live, job)["attempt"] == attempt, f"{job} runs")
    eventually(lambda: b"ran" in live.ssh("logs", f"{job}.main.0/{attempt}").out, f"{job} said that it ran")


def cancel(live: Live, job: str) -> None:
    live.ssh("cancel", job)
    live.ssh("wait", job, deadline_s=DEADLINE_S)


def pod_of(place: Place, job: str) -> str:
    (name,) = [
        str(pod["metadata"]["name"])
        for pod in kube.of_tovi(place.namespace)
        if pod["metadata"]["labels"]["tovi.dev/job"] == job
    ]
    return name


def test_a_pod_that_an_admin_deletes_is_lost_and_its_task_is_tried_again(live: Live, place: Place) -> None:
    job = submit(live, LONG)
    runs(live, job)
    kube.kubectl("delete", "pod", pod_of(place, job), "-n", place.namespace, "--wait=false")
    runs(live, job, attempt=2)
    first, _ = task(live, job)["attempts"]
    assert first["reason"]["code"] == "node-lost"
    assert "its pod was deleted" in first["reason"]["message"]
    cancel(live, job)


def test_a_pod_that_is_removed_by_force_is_lost_once_its_node_has_surely_ended_it(live: Live, place: Place) -> None:
    job = submit(live, LONG)
    runs(live, job)
    pod = pod_of(place, job)
    kube.kubectl("patch", "pod", pod, "-n", place.namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    kube.kubectl("delete", "pod", pod, "-n", place.namespace, "--force", "--grace-period=0", "--wait=false")
    eventually(lambda: says(live, job, "its pod was deleted by somebody"), "it is said why it does not go on")
    runs(live, job, attempt=2)
    cancel(live, job)


def test_what_runs_on_a_node_that_is_drained_is_tried_again_when_there_is_a_place(live: Live, place: Place) -> None:
    job = submit(live, LONG)
    runs(live, job)
    kube.kubectl("drain", NODE, "--force", "--delete-emptydir-data", "--ignore-daemonsets", "--timeout=60s")
    eventually(lambda: task(live, job)["state"] == "queued", "it waits again")
    assert says(live, job, "takes tasks now")
    kube.kubectl("uncordon", NODE)
    runs(live, job, attempt=2)
    assert "EvictionByEvictionAPI" in task(live, job)["attempts"][0]["reason"]["message"]
    cancel(live, job)


def test_a_task_that_uses_more_disk_than_it_asked_for_ends_with_that_reason(live: Live) -> None:
    job = submit(live, f"run: head -c 300M /dev/zero > large; sleep 600\n{SMALL}".encode())
    assert live.ssh("wait", job, deadline_s=DEADLINE_S).code != 0
    assert says(live, job, "used more disk than it asked for (100 MiB)")


def test_a_task_goes_on_while_its_kubelet_is_silent_and_ends_well_when_it_is_back(live: Live) -> None:
    job = submit(live, SHORT)
    runs(live, job)
    with kube.silent_kubelet(NODE):
        eventually(lambda: says(live, job, "has not been heard of"), "it is said that the node is silent")
    assert live.ssh("wait", job, deadline_s=DEADLINE_S).code == 0
    assert live.ssh("logs", job).out == b"ran\ndone\n"
    assert task(live, job)["attempt"] == 1


def test_a_node_that_is_gone_takes_its_task_with_it_and_not_before(live: Live, place: Place) -> None:
    job = submit(live, LONG)
    runs(live, job)
    kube.cluster("kill", NODE)
    eventually(lambda: says(live, job, "has not been heard of"), "it is said that the node is silent")
    kube.kubectl("delete", "pod", pod_of(place, job), "-n", place.namespace, "--wait=false")
    assert (task(live, job)["state"], task(live, job)["attempt"]) == ("running", 1)
    kube.kubectl("delete", "node", NODE)
    eventually(lambda: task(live, job)["state"] == "queued", "its task waits for another")
    begin()
    runs(live, job, attempt=2)
    assert f"the node {NODE} is gone" in task(live, job)["attempts"][0]["reason"]["message"]
    cancel(live, job)


def test_a_node_that_an_admin_declares_out_of_service_is_as_good_as_gone(live: Live) -> None:
    job = submit(live, LONG)
    runs(live, job)
    kube.cluster("kill", NODE)
    eventually(lambda: condition("Ready") == "Unknown", "the node is silent")
    kube.kubectl("taint", "node", NODE, "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
    eventually(lambda: task(live, job)["state"] == "queued", "its task waits for another")
    assert "out of service" in task(live, job)["attempts"][0]["reason"]["message"]
    cancel(live, job)
    kube.kubectl("delete", "node", NODE)
    begin()


def test_nothing_is_left_of_all_this(live: Live, place: Place) -> None:
    eventually(lambda: not kube.of_tovi(place.namespace), "no pod is left")
