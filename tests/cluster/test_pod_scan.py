"""The scan for what is left, on a real cluster where somebody breaks things."""

from __future__ import annotations

from tests import kube
from tests.live import Live
from tests.pod_scan import await_clean, scan
from tests.pods import Place
from tests.waiting import eventually

STRAY = "stray"


def submit(live: Live, run: str) -> str:
    ended = live.ssh("submit", stdin=f"run: {run}\nresources: {{cpus: 0.1, memory: 64Mi, disk: 100Mi}}\n".encode())
    assert ended.code == 0, ended
    return ended.out.decode().strip()


def wait_until_it_runs(live: Live, job: str) -> None:
    eventually(lambda: live.json("show", job)["state"] == "running", f"{job} runs")


def copy_without_attempt(pod: kube.Thing) -> kube.Thing:
    """One that nobody looks after."""
    metadata = pod["metadata"]
    labels = {name: value for name, value in metadata["labels"].items() if name != "tovi.dev/attempt"}
    annotations = {"tovi.dev/task": "99.main.0/1"}
    kept = {"name": STRAY, "namespace": metadata["namespace"], "labels": labels, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": kept, "spec": pod["spec"]}


def remove_by_force(pod: str, namespace: str) -> None:
    kube.kubectl("patch", "pod", pod, "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    kube.kubectl("delete", "pod", pod, "-n", namespace, "--force", "--grace-period=0", "--wait=false")


def test_what_somebody_broke_is_found_and_what_goes_its_way_is_not(place: Place) -> None:
    with place.server() as live:
        assert live.ssh("wait", submit(live, "'true'")).code == 0
        await_clean(live, place.namespace)

        job = submit(live, "sleep 600")
        wait_until_it_runs(live, job)
        await_clean(live, place.namespace)
        (pod,) = kube.of_tovi(place.namespace)

        kube.apply(copy_without_attempt(pod))
        assert scan(live, place.namespace) == ["attempt 99.main.0/1 is over, and has a pod"]
        remove_by_force(STRAY, place.namespace)

        remove_by_force(pod["metadata"]["name"], place.namespace)
        assert scan(live, place.namespace) == [f"attempt {job}.main.0/1 is under way, and has no pod"]
