"""What Tovi's account may do: exactly that is enough, and each right that is missing is named, and missed by nobody for
longer than it is missing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import pytest

from tests import kube
from tests.kube import Rule
from tests.live import Live
from tests.pods import Place
from tests.waiting import eventually

DEADLINE_S: Final = 60.0
SETTINGS: Final = """\
image_pull_deadline = "3s"
grace = "1s"
"""
SMALL: Final = "resources: {cpus: 0.1, memory: 64M}\n"
SLEEP: Final = f"run: sleep 600\n{SMALL}"


@pytest.fixture(scope="module")
def live(place: Place) -> Iterator[Live]:
    with place.server(SETTINGS) as server:
        yield server


def submit(live: Live, spec: str) -> str:
    submitted = live.ssh("submit", stdin=spec.encode())
    assert submitted.code == 0, submitted
    return submitted.out.decode().strip()


def state(live: Live, job: str) -> str:
    return str(live.json("show", job)["state"])


def runs(live: Live, job: str) -> None:
    eventually(lambda: state(live, job) == "running", f"job {job} runs")


def ends(live: Live, job: str) -> str:
    live.ssh("wait", job, deadline_s=DEADLINE_S)
    return state(live, job)


def is_told(live: Live, job: str, *, right: str) -> None:
    """The server's log and the job's `why` name a missing right."""
    words = f"Tovi lacks the right to {right}"
    eventually(lambda: words in live.ssh("why", job).out.decode(), f"`why {job}` says {words!r}")
    assert words in live.log


def no_pods_are_left(place: Place) -> None:
    eventually(lambda: not kube.of_tovi(place.namespace), "all pods are removed")


@contextmanager
def without(place: Place, *rules: Rule, also: frozenset[Rule] = frozenset()) -> Iterator[None]:
    """While some of its rights are missing."""
    _grant(place, kube.IN_NAMESPACE | also, frozenset(rules))
    try:
        yield
    finally:
        _grant(place, kube.IN_NAMESPACE | also, frozenset())


def _grant(place: Place, inside: frozenset[Rule], missing: frozenset[Rule]) -> None:
    kube.grant(place.namespace, inside - missing, kube.EVERYWHERE - missing)
    eventually(
        lambda: all(may(place, rule) is (rule not in missing) for rule in inside | kube.EVERYWHERE),
        f"rights are granted without {set(missing)}",
    )


def may(place: Place, rule: Rule) -> bool:
    """As the API server sees it now: what is granted counts a moment later."""
    verb, what = rule
    resource, _, subresource = what.partition("/")
    words = [
        "auth",
        "can-i",
        verb,
        resource,
        "-n",
        place.namespace,
        f"--as=system:serviceaccount:{place.namespace}:tovi",
    ]
    ended = subprocess.run(
        [kube.program("kubectl") or "kubectl", *words, *([f"--subresource={subresource}"] if subresource else [])],
        env={**os.environ, "KUBECONFIG": str(kube.admin_kubeconfig())},
        capture_output=True,
        check=False,
    )
    return ended.returncode == 0


def test_exactly_these_rights_are_enough_for_all_that_becomes_of_tasks(live: Live, place: Place) -> None:
    fine = submit(live, f"run: echo hi >out.txt\noutputs: [out.txt]\n{SMALL}")
    unending = submit(live, SLEEP)
    without_image = submit(live, f"run: true\nimage: tovi.test/no-such:1\n{SMALL}")

    runs(live, unending)
    assert live.ssh("cancel", unending).code == 0

    assert (ends(live, fine), ends(live, unending)) == ("succeeded", "cancelled")
    assert ends(live, without_image) == "failed"
    assert "no-such" in live.ssh("why", without_image).out.decode()
    no_pods_are_left(place)
    assert "lacks the right" not in live.log


def test_without_the_right_to_create_pods_tasks_wait(live: Live, place: Place) -> None:
    with without(place, ("create", "pods")):
        job = submit(live, f"run: true\n{SMALL}")
        is_told(live, job, right=f"create pods in {place.namespace}")
        assert kube.of_tovi(place.namespace) == []

    assert ends(live, job) == "succeeded"


@pytest.mark.parametrize("verb", ["patch", "delete"])
def test_without_the_right_to_end_pods_a_cancelled_task_goes_on_until_it_is_given(
    live: Live, place: Place, verb: str
) -> None:
    job = submit(live, SLEEP)
    runs(live, job)

    with without(place, (verb, "pods")):
        assert live.ssh("cancel", job).code == 0
        is_told(live, job, right=f"{verb} pods in {place.namespace}")
        assert state(live, job) == "running"

    assert ends(live, job) == "cancelled"


@pytest.mark.parametrize("verb", ["patch", "delete"])
def test_without_the_right_to_remove_pods_results_are_kept_and_the_pods_too(
    live: Live, place: Place, verb: str
) -> None:
    no_pods_are_left(place)

    with without(place, (verb, "pods")):
        job = submit(live, f"run: true\n{SMALL}")
        assert ends(live, job) == "succeeded"
        eventually(lambda: f"Tovi lacks the right to {verb} pods in {place.namespace}" in live.log, "the log names it")
        assert kube.of_tovi(place.namespace)

    no_pods_are_left(place)


@pytest.mark.parametrize("rule", [("list", "nodes"), ("list", "pods")], ids=" ".join)
def test_without_the_right_to_see_what_there_is_a_new_server_starts_nothing(
    live: Live, place: Place, rule: Rule
) -> None:
    with without(place, rule):
        live.restart()
        job = submit(live, f"run: true\n{SMALL}")
        is_told(live, job, right=" ".join(rule))

    assert ends(live, job) == "succeeded"


@pytest.mark.parametrize("rule", [("watch", "nodes"), ("watch", "pods")], ids=" ".join)
def test_without_the_right_to_see_what_happens_it_is_told_of_what_is_under_way(
    live: Live, place: Place, rule: Rule
) -> None:
    with without(place, rule):
        live.restart()
        job = submit(live, SLEEP)
        is_told(live, job, right=" ".join(rule))

    runs(live, job)
    is_cancelled(live, job)


def test_without_the_right_to_get_pods_one_that_was_deleted_is_not_given_up(live: Live, place: Place) -> None:
    no_pods_are_left(place)
    job = submit(live, SLEEP)
    runs(live, job)
    (pod,) = kube.of_tovi(place.namespace)

    with without(place, ("get", "pods")):
        patch = '{"metadata": {"finalizers": null}}'
        name = pod["metadata"]["name"]
        kube.kubectl("patch", "pod", name, "-n", place.namespace, "--type=merge", "-p", patch)
        kube.kubectl("delete", "pod", name, "-n", place.namespace, "--grace-period=0", "--force")
        is_told(live, job, right=f"get pods in {place.namespace}")

    eventually(lambda: "node-lost message=its pod was deleted by somebody" in events(live, job), "it is lost")
    is_cancelled(live, job)


def test_without_the_right_to_get_nodes_one_that_is_gone_is_not_given_up(place: Place) -> None:
    node = f"{place.namespace}-node"
    with place.server(SETTINGS + _ONLY_ON.format(node=node)) as live, passing_node(node):
        job = submit(live, SLEEP)
        eventually(lambda: state(live, job) == "starting", "it is on that node")

        with without(place, ("get", "nodes")):
            kube.kubectl("delete", "node", node)
            is_told(live, job, right="get nodes")

        eventually(lambda: f"node-lost message=the node {node} is gone" in events(live, job), "it is lost")
        is_cancelled(live, job)


def test_without_the_right_to_list_events_that_is_told_instead_of_what_keeps_a_task(place: Place) -> None:
    with replace(place, claim="no-such-claim").server(SETTINGS) as live:
        with without(place, ("list", "events")):
            job = submit(live, f"run: true\n{SMALL}")
            is_told(live, job, right=f"list events in {place.namespace}")

        assert ends(live, job) == "failed"
        assert "no-such-claim" in live.ssh("why", job).out.decode()


def test_without_the_right_to_bind_pods_they_wait_for_their_node(place: Place) -> None:
    also = frozenset({kube.BINDING})
    with place.server(SETTINGS + 'binding = "api"\n') as live:
        with without(place, kube.BINDING, also=also):
            job = submit(live, f"run: true\n{SMALL}")
            is_told(live, job, right=f"create pods/binding in {place.namespace}")

        assert ends(live, job) == "succeeded"


def events(live: Live, job: str) -> str:
    return live.ssh("events", job).out.decode()


def is_cancelled(live: Live, job: str) -> None:
    assert live.ssh("cancel", job).code == 0
    assert ends(live, job) == "cancelled"


@contextmanager
def passing_node(name: str) -> Iterator[None]:
    """A node without a machine, on which only who tolerates it puts anything."""
    taint = {"key": "tovi.test/only", "value": name, "effect": "NoSchedule"}
    metadata = {"name": name, "labels": {"tovi.test/only": name}}
    has = {"cpu": "4", "memory": "8Gi", "ephemeral-storage": "20Gi", "pods": "10"}
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    kube.apply(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": metadata,
            "spec": {"taints": [taint]},
            "status": {"capacity": has, "allocatable": has, "conditions": [ready]},
        }
    )
    try:
        yield
    finally:
        kube.kubectl("delete", "node", name, "--ignore-not-found")


_ONLY_ON: Final = """\
node_selector = {{ "tovi.test/only" = "{node}" }}
tolerations = [{{ key = "tovi.test/only", operator = "Exists" }}]
"""
