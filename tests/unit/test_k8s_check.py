"""What `tovi-server check` makes of a cluster's answers."""

from __future__ import annotations

from typing import Any

import pytest

from k8s import admission, rights, survey
from k8s.binding import Binding
from k8s.capacity import Wanted
from k8s.errors import from_answer
from k8s.pods import read_pod
from k8s.rights import Right
from k8s.tolerations import Toleration
from tovi_server.core.findings import Finding, Standing

ANY = Wanted({}, (), ("nvidia.com/gpu",))
RESTRICTED = 'pods "probe" is forbidden: violates PodSecurity "restricted:latest": host namespaces (hostPID=true)'


def node(name: str, *, labels: dict[str, str] | None = None, ready: str = "True", **more: Any) -> dict[str, Any]:
    offered = {"cpu": "4", "memory": "8Gi", "pods": "110", **more.pop("devices", {})}
    conditions = [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-03-01T06:00:00Z"}]
    return {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": more,
        "status": {"allocatable": offered, "conditions": conditions},
    }


def pod(on: str, memory: str) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "others", "name": f"on-{on}", "uid": "1"},
        "spec": {"nodeName": on, "containers": [{"resources": {"requests": {"cpu": "1", "memory": memory}}}]},
    }


def looked_at(*nodes: dict[str, Any], pods: tuple[dict[str, Any], ...] = (), wanted: Wanted = ANY) -> list[Finding]:
    found = survey.survey(nodes, [read_pod(one, "tovi") for one in pods], wanted)
    return list(survey.findings(found, wanted))


def short(findings: list[Finding]) -> list[Finding]:
    return [one for one in findings if one.standing is Standing.SHORT]


def test_all_rights_are_asked_for_and_binding_only_where_tovi_binds() -> None:
    needed = {(one.verb, one.resource, one.namespace) for one in rights.needed("jobs", Binding.TOVI)}

    assert needed == {
        *((verb, "pods", "jobs") for verb in ("create", "get", "list", "watch", "delete", "patch")),
        ("list", "events", "jobs"),
        *((verb, kind, "") for verb in ("get", "list", "watch") for kind in ("nodes", "pods")),
    }
    more = {(one.verb, one.resource, one.namespace) for one in rights.needed("jobs", Binding.API)}
    assert more - needed == {("create", "pods/binding", "jobs")}


def test_a_right_is_asked_for_as_the_cluster_names_it() -> None:
    binding = Right("create", "pods/binding", "jobs", "").review["spec"]["resourceAttributes"]
    nodes = Right("list", "nodes", "", "").review["spec"]["resourceAttributes"]

    assert binding == {"namespace": "jobs", "verb": "create", "resource": "pods", "subresource": "binding"}
    assert nodes == {"verb": "list", "resource": "nodes"}


def test_a_missing_right_comes_with_the_rule_that_gives_it() -> None:
    needed = rights.needed("jobs", Binding.TOVI)

    findings = list(rights.findings(needed, [(one.verb, one.resource) != ("delete", "pods") for one in needed]))

    (missing,) = short(findings)
    assert missing.text.startswith("Tovi lacks the right to delete pods in jobs")
    assert missing.todo == (
        "add to the rules of the Role of Tovi's account in jobs:\n"
        '- apiGroups: [""]\n  resources: [pods]\n  verbs: [delete]'
    )
    assert "create, get, list, watch, patch pods in jobs" in [one.text for one in findings]


def test_a_missing_right_in_the_whole_cluster_is_given_by_a_cluster_role() -> None:
    needed = rights.needed("jobs", Binding.TOVI)

    (missing,) = short(
        list(rights.findings(needed, [one.resource != "nodes" or one.verb != "watch" for one in needed]))
    )

    assert "watch nodes:" in missing.text
    assert missing.todo.startswith("add to the rules of the ClusterRole of Tovi's account:")


@pytest.mark.parametrize(
    ("status", "reason", "message", "standing", "todo"),
    [
        (404, "NotFound", 'namespaces "jobs" not found', Standing.SHORT, "kubectl create namespace jobs\n"),
        (403, "Forbidden", 'User "tovi" cannot create resource "pods"', Standing.NOTE, ""),
        (403, "Forbidden", "exceeded quota: all", Standing.SHORT, "kubectl describe quota -n jobs"),
        (403, "Forbidden", "a policy forbids it", Standing.SHORT, "change what refuses it"),
    ],
    ids=["no-namespace", "no-right", "quota", "policy"],
)
def test_why_a_pod_is_not_let_in_decides_what_to_do(
    status: int, reason: str, message: str, standing: Standing, todo: str
) -> None:
    finding = admission.namespace("jobs", from_answer("create pods in jobs", status, reason, message))

    assert (finding.standing, finding.todo.startswith(todo)) == (standing, True)


def test_a_level_that_is_enforced_is_told_by_the_refusal() -> None:
    told = {
        message: admission.security("jobs", from_answer("create pods in jobs", 403, "Forbidden", message))
        for message in (RESTRICTED, RESTRICTED.replace("restricted", "baseline"), "no privileged pods, says a policy")
    }

    assert [one.standing for one in told.values()] == [Standing.FINE, Standing.NOTE, Standing.FINE]
    assert [one.text.split(";")[0] for one in told.values()] == [
        "jobs enforces the level restricted",
        "jobs enforces the level baseline",
        "jobs refuses privileged pods: no privileged pods, says a policy",
    ]


def test_a_namespace_that_lets_everything_in_comes_with_the_label_that_ends_it() -> None:
    finding = admission.security("jobs", None)

    assert (finding.standing, finding.todo) == (
        Standing.NOTE,
        "kubectl label --overwrite namespace jobs pod-security.kubernetes.io/enforce=restricted",
    )


@pytest.mark.parametrize(
    ("phase", "mode", "standing"),
    [
        ("Bound", "ReadWriteMany", Standing.FINE),
        ("Pending", "ReadWriteMany", Standing.SHORT),
        ("Bound", "ReadWriteOnce", Standing.SHORT),
    ],
)
def test_a_claim_must_be_bound_and_shared(phase: str, mode: str, standing: Standing) -> None:
    raw = {"metadata": {"name": "data"}, "spec": {"accessModes": [mode]}, "status": {"phase": phase}}

    assert admission.claim(raw, "jobs").standing is standing


def test_a_claim_that_may_not_be_seen_is_no_shortfall_and_one_that_is_not_there_is() -> None:
    hidden = from_answer("get claims", 403, "Forbidden", 'User "tovi" cannot get resource "persistentvolumeclaims"')
    absent = from_answer("get claims", 404, "NotFound", "not found")

    standings = [admission.no_claim("data", "jobs", error).standing for error in (hidden, absent)]

    assert standings == [Standing.NOTE, Standing.SHORT]


def test_nodes_are_summed_and_what_others_took_of_them_is_not_free() -> None:
    first, *_ = looked_at(node("a"), node("b"), pods=(pod("a", "2Gi"),))

    assert (first.standing, first.text) == (
        Standing.FINE,
        "2 of 2 take tasks: 8 cpu, 16 GiB memory, of which 7 cpu, 14 GiB memory are free",
    )


def test_the_probe_task_goes_where_most_memory_is_left() -> None:
    pods = [read_pod(pod("a", "2Gi"), "tovi")]

    assert survey.roomiest(survey.survey([node("a"), node("b")], pods, ANY)) == "b"
    assert survey.roomiest(survey.survey([node("a", unschedulable=True)], pods, ANY)) == ""


def test_each_node_that_takes_no_tasks_says_why_and_what_would_change_it() -> None:
    taint = {"key": "team", "value": "bio", "effect": "NoSchedule"}

    findings = looked_at(
        node("a"), node("cordoned", unschedulable=True), node("silent", ready="Unknown"), node("shut", taints=[taint])
    )

    told = {one.text: one.todo for one in findings if "takes no tasks" in one.text}
    assert told == {
        "cordoned takes no tasks: it is cordoned": "if tasks may run there: kubectl uncordon cordoned",
        "silent takes no tasks: its kubelet is not ready, or is not heard any more": "kubectl describe node silent",
        "shut takes no tasks: it has the taint team=bio:NoSchedule": (
            "if tasks may run there: add it to [[executor.kubernetes.tolerations]]"
        ),
    }
    assert short(findings) == []


def test_a_taint_that_is_tolerated_shuts_nobody_out() -> None:
    tolerant = Wanted({}, (Toleration(key="team", operator="Exists"),), ())

    found = survey.survey([node("a", taints=[{"key": "team", "effect": "NoSchedule"}])], [], tolerant)

    assert (len(found.nodes), found.shut) == (1, {})


def test_no_node_at_all_falls_short_and_names_the_selector() -> None:
    (finding,) = short(looked_at(node("a"), wanted=Wanted({"pool": "jobs"}, (), ())))

    assert "1 have not the labels of [executor.kubernetes] node_selector" in finding.text


def test_gpus_that_nodes_offer_under_another_name_are_told() -> None:
    findings = looked_at(node("a", devices={"gpu.intel.com/i915": "2"}))

    told = [(one.text, one.todo) for one in findings if one.what == "gpus"]
    assert told[0] == (
        "nodes also offer gpu.intel.com/i915",
        'if these are GPUs for tasks: add to [executor.kubernetes] gpus: "gpu.intel.com/i915"',
    )
    assert told[1][0] == "no node offers nvidia.com/gpu: no task can have a GPU"


def test_gpus_are_counted_over_all_nodes() -> None:
    nodes = [node(name, devices={"nvidia.com/gpu": "4"}) for name in "ab"]

    assert "nodes offer 8 nvidia.com/gpu" in [one.text for one in looked_at(*nodes)]
