"""The pod of an attempt: all of it, what may differ in it, and that it is *restricted* whatever differs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from k8s import manifests
from k8s.binding import Binding
from k8s.capacity import Wanted
from k8s.manifests import START, Manifest
from k8s.overlay import Overlay, is_ours
from k8s.settings import PodSettings
from k8s.tolerations import Toleration
from scheduler.ports import Mount, Order, Owner
from tests import random_orders
from tests.random_orders import ROOT
from tests.restricted import violations
from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.core.resources import GIB, Resources

PROJECT = ROOT / "projects/lens"
CONTROL = PROJECT / "jobs/12/train.3/attempts/2"
WORK = ROOT / "scratch/12.train.3.2"

ORDER = Order(
    attempt=AttemptId(TaskId(JobId(12), "train", 3), 2),
    project="lens",
    node="node1",
    image=None,
    request=Resources(1500, 2 * GIB, 10 * GIB, gpus=2),
    gpu_ids=(),
    timeout=timedelta(hours=1),
    grace=timedelta(seconds=30),
    script="true",
    environment={"PATH": "/usr/bin", "USER": "ada", "TOVI_JOB": "12"},
    owner=Owner(10001, 10001),
    control=CONTROL,
    work=WORK,
    log_limit_bytes=GIB,
    mounts=(Mount(PROJECT / "trees/ab12"), Mount(PROJECT / "jobs/12"), Mount(CONTROL / "outputs", writable=True)),
    passwd=CONTROL / "passwd",
)
SETTINGS = PodSettings(
    namespace="tasks",
    installation="0123",
    prefix="tovi",
    claim="tovi-data",
    root=ROOT,
    claim_path="groups/lab",
    image="",
    pull_secrets=("registry",),
    overlays={},
    binding=Binding.TOVI,
    uid=10001,
    gid=10002,
    wanted=Wanted({}, (), ()),
)


def made(order: Order = ORDER, settings: PodSettings = SETTINGS, image: str = "python:3.12") -> Manifest:
    return manifests.manifest(order, settings, image=image, gpu_resource="nvidia.com/gpu")


def container(pod: Manifest) -> Any:
    return pod["spec"]["containers"][0]


def test_the_pod_of_an_attempt_is_this() -> None:
    amounts = {"cpu": "1500m", "memory": "2147483648", "ephemeral-storage": "10737418240", "nvidia.com/gpu": "2"}
    silent = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    assert made() == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "tovi-12-train-3-2",
            "namespace": "tasks",
            "finalizers": ["tovi.dev/record"],
            "labels": {
                "app.kubernetes.io/managed-by": "tovi",
                "tovi.dev/installation": "0123",
                "tovi.dev/attempt": "c3a50e69694e028b5d62f5df6414743a28ab744c",
                "tovi.dev/job": "12",
                "tovi.dev/user": "ada",
                "tovi.dev/project": "lens",
            },
            "annotations": {"tovi.dev/task": "12.train.3/2"},
        },
        "spec": {
            "nodeName": "node1",
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 30,
            "activeDeadlineSeconds": 3600 + 30 + 120,
            "imagePullSecrets": [{"name": "registry"}],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "runAsGroup": 10002,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "tolerations": [{"key": key, "operator": "Exists", "effect": "NoExecute"} for key in silent],
            "containers": [
                {
                    "name": "task",
                    "image": "python:3.12",
                    "command": [
                        "sh",
                        "-c",
                        START.replace("$", "$$"),
                        "tovi",
                        *(str(CONTROL / name) for name in ("script.sh", "stdout.log", "stderr.log")),
                    ],
                    "env": [{"name": "USER", "value": "ada"}, {"name": "TOVI_JOB", "value": "12"}],
                    "resources": {"requests": amounts, "limits": amounts},
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                    "terminationMessagePath": str(WORK / "ended"),
                    "volumeMounts": [
                        mount("trees/ab12", readOnly=True),
                        mount("jobs/12", readOnly=True),
                        mount("jobs/12/train.3/attempts/2/outputs", readOnly=False),
                        mount("jobs/12/train.3/attempts/2/passwd", readOnly=True) | {"mountPath": "/etc/passwd"},
                        {"name": "scratch", "mountPath": str(WORK)},
                        {"name": "shm", "mountPath": "/dev/shm"},
                    ],
                }
            ],
            "volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": "tovi-data"}},
                {"name": "scratch", "emptyDir": {}},
                {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2147483648"}},
            ],
        },
    }


def mount(path: str, **more: bool) -> dict[str, Any]:
    return {"name": "data", "mountPath": str(PROJECT / path), "subPath": f"groups/lab/projects/lens/{path}", **more}


@pytest.mark.parametrize("image", ["python", "python:latest", "python:3.12", f"ghcr.io/a/b:1@sha256:{'0a' * 32}"])
def test_an_image_is_named_as_it_was_written_and_when_it_is_pulled_is_not_said(image: str) -> None:
    assert container(made(image=image))["image"] == image
    assert "imagePullPolicy" not in container(made(image=image))


def test_a_volume_whose_top_is_the_data_directory_is_mounted_from_its_top() -> None:
    mounted = container(made(settings=replace(SETTINGS, claim_path="")))["volumeMounts"][0]

    assert mounted["subPath"] == "projects/lens/trees/ab12"


def test_outer_folders_are_mounted_before_what_lies_in_them() -> None:
    order = replace(ORDER, mounts=tuple(reversed(ORDER.mounts)))
    paths = [Path(one["mountPath"]) for one in container(made(order))["volumeMounts"]]

    assert [path for path in paths if path.is_relative_to(PROJECT / "jobs/12")] == [
        PROJECT / "jobs/12",
        CONTROL / "outputs",
    ]


def test_where_the_image_has_its_users_they_stay() -> None:
    paths = [one["mountPath"] for one in container(made(replace(ORDER, passwd=None)))["volumeMounts"]]

    assert "/etc/passwd" not in paths


@pytest.mark.parametrize("text", ["$(HOSTNAME)", "$$(A)", "${A}", "$", "a$(b)$(c)$$$", "$(KUBERNETES_SERVICE_HOST)"])
def test_a_value_is_literal_and_no_variable_is_put_in_its_place(text: str) -> None:
    environment = {**ORDER.environment, "TOVI_STAGE": text}
    value = container(made(replace(ORDER, environment=environment)))["env"][-1]["value"]

    assert expanded(value) == text


def expanded(text: str) -> str:
    """As Kubernetes does it: `$$` is a dollar, `$(NAME)` a variable, here each of them `?`."""
    found, rest = "", text
    while rest:
        if rest.startswith("$$"):
            found, rest = f"{found}$", rest[2:]
        elif rest.startswith("$(") and ")" in rest:
            found, rest = f"{found}?", rest.partition(")")[2]
        else:
            found, rest = found + rest[0], rest[1:]
    return found


@given(some.text(some.characters(exclude_categories=["Cs"])))
def test_any_value_is_literal(text: str) -> None:
    assert expanded(container(made(replace(ORDER, environment={"USER": text})))["env"][0]["value"]) == text


def test_each_way_to_a_node_says_it_in_its_own_place() -> None:
    named = {binding: made(settings=replace(SETTINGS, binding=binding))["spec"] for binding in Binding}
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node1"]}]}

    assert {binding for binding, spec in named.items() if "nodeName" in spec} == {Binding.TOVI}
    assert named[Binding.API]["schedulerName"] == "tovi"
    required = named[Binding.KUBE_SCHEDULER]["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert required == {"nodeSelectorTerms": [term]}


def test_a_pod_is_bound_to_its_node() -> None:
    assert manifests.binding("tasks", "tovi-12-train-3-2", "node1") == {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"namespace": "tasks", "name": "tovi-12-train-3-2"},
        "target": {"apiVersion": "v1", "kind": "Node", "name": "node1"},
    }


def test_what_an_admin_tolerates_is_tolerated_as_it_is_said() -> None:
    wanted = Wanted(
        {},
        (Toleration(key="gpu", operator="Equal", value="yes", effect="NoSchedule"), Toleration(operator="Exists")),
        (),
    )
    tolerations = made(settings=replace(SETTINGS, wanted=wanted))["spec"]["tolerations"]

    assert tolerations[2:] == [
        {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"},
        {"operator": "Exists"},
    ]


@pytest.mark.parametrize(("grace", "asked"), [(0, 1), (0.4, 1), (1, 1), (90, 90)])
def test_a_program_has_at_least_a_second_to_end(grace: float, asked: int) -> None:
    pod = made(replace(ORDER, grace=timedelta(seconds=grace)))

    assert pod["spec"]["terminationGracePeriodSeconds"] == asked


def test_a_kind_that_is_not_asked_for_is_not_named() -> None:
    amounts = container(made(replace(ORDER, request=Resources(500, GIB))))["resources"]

    assert amounts["requests"] == amounts["limits"] == {"cpu": "500m", "memory": "1073741824"}


# Whatever differs


cases = some.randoms(use_true_random=False).map(random_orders.case)


@given(cases)
def test_every_pod_obeys_pod_security_restricted(case: random_orders.Case) -> None:
    assert violations(case.manifest()) == []


IN_SPEC = {
    *("restartPolicy", "automountServiceAccountToken", "enableServiceLinks", "terminationGracePeriodSeconds"),
    *("activeDeadlineSeconds", "imagePullSecrets", "securityContext", "tolerations", "containers", "volumes"),
}
IN_CONTAINER = {
    *("name", "image", "command", "env", "resources", "securityContext", "terminationMessagePath", "volumeMounts"),
}
PLACEMENT = {Binding.TOVI: "nodeName", Binding.API: "schedulerName", Binding.KUBE_SCHEDULER: "affinity"}


@given(cases)
def test_no_pod_has_a_field_that_was_not_thought_of(case: random_orders.Case) -> None:
    pod = case.manifest()

    assert set(pod) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(pod["metadata"]) == {"name", "namespace", "finalizers", "labels", "annotations"}
    assert set(pod["spec"]) == IN_SPEC | {PLACEMENT[case.settings.binding]}
    assert len(pod["spec"]["containers"]) == 1
    assert set(container(pod)) == IN_CONTAINER
    assert {frozenset(one) for one in container(pod)["env"]} <= {frozenset({"name", "value"})}
    assert [sorted(one) for one in pod["spec"]["volumes"]] == [
        ["name", "persistentVolumeClaim"],
        ["emptyDir", "name"],
        ["emptyDir", "name"],
    ]


@given(cases)
def test_every_pod_sees_of_the_volume_what_was_ordered_and_writes_only_where_it_may(case: random_orders.Case) -> None:
    claim = Path("/") / case.settings.claim_path
    seen = {
        (Path("/") / one["subPath"], one["readOnly"])
        for one in container(case.manifest())["volumeMounts"]
        if one["name"] == "data"
    }

    ordered = {(mount.path, not mount.writable) for mount in case.order.mounts} | {(case.order.passwd, True)}
    assert seen == {(claim / path.relative_to(ROOT), read_only) for path, read_only in ordered if path is not None}


@given(cases)
def test_every_pod_is_json_and_the_same_each_time(case: random_orders.Case) -> None:
    assert json.loads(json.dumps(case.manifest())) == case.manifest()


# The checker itself: what it must find


PLANTED: dict[str, tuple[str, Any]] = {
    "hostNetwork": ("spec.hostNetwork", True),
    "hostPID": ("spec.hostPID", True),
    "hostIPC": ("spec.hostIPC", True),
    "hostProcess": ("spec.securityContext.windowsOptions", {"hostProcess": True}),
    "a sysctl": ("spec.securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}]),
    "root": ("spec.securityContext.runAsUser", 0),
    "may be root": ("spec.securityContext.runAsNonRoot", None),
    "no seccomp": ("spec.securityContext.seccompProfile", None),
    "seccomp off": ("spec.securityContext.seccompProfile", {"type": "Unconfined"}),
    "AppArmor off": ("spec.securityContext.appArmorProfile", {"type": "Unconfined"}),
    "AppArmor off, the old way": (
        "metadata.annotations",
        {"container.apparmor.security.beta.kubernetes.io/task": "unconfined"},
    ),
    "SELinux": ("spec.securityContext.seLinuxOptions", {"type": "spc_t"}),
    "SELinux user": ("spec.securityContext.seLinuxOptions", {"user": "system_u"}),
    "hostPath": ("spec.volumes", [{"name": "data", "hostPath": {"path": "/"}}]),
    "nfs": ("spec.volumes", [{"name": "data", "nfs": {"server": "a", "path": "/"}}]),
    "an early container": ("spec.initContainers", [{"name": "early"}]),
    "an ephemeral container": ("spec.ephemeralContainers", [{"name": "late"}]),
    "privileged": ("container.securityContext.privileged", True),
    "escalation": ("container.securityContext.allowPrivilegeEscalation", None),
    "procMount": ("container.securityContext.procMount", "Unmasked"),
    "a capability": ("container.securityContext.capabilities", {"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
    "all capabilities": ("container.securityContext.capabilities", {}),
    "root in one": ("container.securityContext.runAsUser", 0),
    "may be root in one": ("container.securityContext.runAsNonRoot", False),
    "seccomp off in one": ("container.securityContext.seccompProfile", {"type": "Unconfined"}),
    "hostPort": ("container.ports", [{"containerPort": 80, "hostPort": 80}]),
    "a probe of a host": ("container.livenessProbe", {"httpGet": {"host": "10.0.0.1", "port": 80}}),
    "a hook to a host": ("container.lifecycle", {"preStop": {"tcpSocket": {"host": "10.0.0.1", "port": 80}}}),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_checker_finds_what_the_standard_forbids(planted: str) -> None:
    pod = random_orders.case(Random(1)).manifest()
    path, value = PLANTED[planted]
    *above, last = path.split(".")
    holder: Any = {**pod, "container": container(pod)}
    for name in above:
        holder = holder.setdefault(name, {})
    if value is None:
        del holder[last]
    else:
        holder[last] = value

    assert violations(pod) != []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("capabilities", {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
        ("seccompProfile", {"type": "Localhost", "localhostProfile": "a"}),
        ("procMount", "Default"),
        ("seLinuxOptions", {"type": "container_t"}),
    ],
)
def test_the_checker_lets_pass_what_the_standard_allows(path: str, value: Any) -> None:
    pod = random_orders.case(Random(1)).manifest()
    container(pod)["securityContext"][path] = value

    assert violations(pod) == []


@pytest.mark.parametrize(
    "name",
    [
        *("tovi.dev/attempt", "tovi.dev/x", "app.kubernetes.io/managed-by"),
        *("container.apparmor.security.beta.kubernetes.io/task", "seccomp.security.alpha.kubernetes.io/pod"),
        "container.seccomp.security.alpha.kubernetes.io/task",
    ],
)
def test_what_tovi_decides_is_no_admins_to_add(name: str) -> None:
    assert is_ours(name)


@pytest.mark.parametrize(
    "name", ["team", "example.org/tovi.dev", "sidecar.istio.io/inject", "app.kubernetes.io/part-of"]
)
def test_anything_else_is(name: str) -> None:
    assert not is_ours(name)


def test_an_admin_adds_to_the_pods_of_one_project_and_to_no_other() -> None:
    overlay = Overlay(
        labels={"team": "optics"},
        annotations={"note": "x"},
        image_pull_secrets=("lens-registry",),
        priority_class="batch",
        runtime_class="gvisor",
    )
    pod = made(settings=replace(SETTINGS, overlays={"lens": overlay}))
    assert pod["metadata"]["labels"]["team"] == "optics"
    assert pod["metadata"]["annotations"]["note"] == "x"
    assert pod["spec"]["imagePullSecrets"] == [{"name": "registry"}, {"name": "lens-registry"}]
    assert (pod["spec"]["priorityClassName"], pod["spec"]["runtimeClassName"]) == ("batch", "gvisor")
    assert made(settings=replace(SETTINGS, overlays={"other": overlay})) == made()
