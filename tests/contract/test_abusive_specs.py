"""Job files that reach for more of a cluster than a task is given: refused at the door, or harmless in the pod."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from k8s import manifests
from k8s.binding import Binding
from k8s.capacity import Wanted
from k8s.manifests import Manifest
from k8s.settings import PodSettings
from tests.files_house import Jobs, a_data_dir, a_tree, active, attempt, refusal
from tests.manager_house import NO_OPTIONS, House, open_house, submitted
from tests.restricted import violations
from tovi_server.api import ManagerAPI
from tovi_server.core import spec_reader
from tovi_server.core.access import Role
from tovi_server.core.errors import InvalidSpecError, ToviError
from tovi_server.core.filters import JobFilter, Page
from tovi_server.manager.settings import Images


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Whose tasks are pods; of the projects there, `victim` is not ada's."""
    async with open_house(tmp_path, images=Images.OPTIONAL) as house:
        await house.person("eve")
        await house.project("victim", {"eve": Role.OWNER})
        yield house


@pytest.fixture
async def ada(house: House) -> ManagerAPI:
    return await house.person("ada")


RAW_FIELDS = [
    # Ways to say "and this as well, to Kubernetes"
    *(
        "pod",
        "podSpec",
        "pod_spec",
        "pod_overlay",
        "kubernetes",
        "k8s",
        "overlay",
        "spec",
        "template",
        "manifest",
        "raw",
    ),
    *("metadata", "annotations", "labels", "finalizers", "ownerReferences", "namespace", "container", "containers"),
    # What a pod may have and a task may not
    *(
        "initContainers",
        "init_containers",
        "ephemeralContainers",
        "sidecars",
        "command",
        "args",
        "entrypoint",
        "lifecycle",
    ),
    *("livenessProbe", "readinessProbe", "startupProbe", "ports", "hostPort", "envFrom", "env_from", "volumeMounts"),
    *(
        "volumes",
        "volumeDevices",
        "mounts",
        "hostPath",
        "host_path",
        "nfs",
        "csi",
        "persistentVolumeClaim",
        "configMap",
    ),
    *("hostNetwork", "host_network", "hostPID", "hostIPC", "hostUsers", "shareProcessNamespace", "privileged"),
    *(
        "securityContext",
        "security_context",
        "capabilities",
        "procMount",
        "sysctls",
        "appArmorProfile",
        "seLinuxOptions",
    ),
    *(
        "seccompProfile",
        "allowPrivilegeEscalation",
        "runAsUser",
        "runAsNonRoot",
        "runAsGroup",
        "fsGroup",
        "user",
        "uid",
    ),
    *("serviceAccount", "serviceAccountName", "service_account", "automountServiceAccountToken", "nodeName", "node"),
    *("nodeSelector", "node_selector", "affinity", "tolerations", "topologySpreadConstraints", "schedulerName"),
    *("priorityClassName", "priority_class", "runtimeClassName", "runtime_class", "overhead", "preemptionPolicy"),
    *("imagePullSecrets", "image_pull_secrets", "imagePullPolicy", "dnsPolicy", "dnsConfig", "hostAliases", "hostname"),
    *("restartPolicy", "activeDeadlineSeconds", "terminationGracePeriodSeconds", "resourceClaims", "readinessGates"),
]

PLACES = {
    "at the top": "run: x\n{}: {}\n",
    "of a stage": "stages: {{a: {{run: x, {}: {}}}}}\n",
    "in the defaults": "run: x\ndefaults: {{{}: {}}}\n",
    "in the resources": "run: x\nresources: {{{}: {}}}\n",
    "beside stages": "stages: {{a: {{run: x}}}}\n{}: {}\n",
    "in the retries": "run: x\nretries: {{max: 1, {}: {}}}\n",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_job_file_has_no_place_for_a_field_of_pods(place: str) -> None:
    for key, value in itertools.product(RAW_FIELDS, ("true", "{a: b}", "[{name: x, hostPath: {path: /}}]")):
        with pytest.raises(InvalidSpecError) as raised:
            spec_reader.read_spec(PLACES[place].format(key, value))
        assert f'there is no key "{key}"' in raised.value.what


REFUSED: dict[str, tuple[str, str]] = {
    "the host's network": ("hostNetwork: true", 'no key "hostNetwork"'),
    "the host's processes": ("hostPID: true", 'no key "hostPID"'),
    "the host's memory": ("hostIPC: true", 'no key "hostIPC"'),
    "the host's files": ("volumes: [{name: x, hostPath: {path: /}}]", 'no key "volumes"'),
    "all rights": ("securityContext: {privileged: true}", 'no key "securityContext"'),
    "a capability": ("capabilities: {add: [SYS_ADMIN]}", 'no key "capabilities"'),
    "a port of the host": ("ports: [{hostPort: 22}]", 'no key "ports"'),
    "an unmasked /proc": ("procMount: Unmasked", 'no key "procMount"'),
    "a sysctl": ("sysctls: [{name: kernel.msgmax, value: '1'}]", 'no key "sysctls"'),
    "no AppArmor": ("appArmorProfile: {type: Unconfined}", 'no key "appArmorProfile"'),
    "another SELinux type": ("seLinuxOptions: {type: spc_t}", 'no key "seLinuxOptions"'),
    "no seccomp": ("seccompProfile: {type: Unconfined}", 'no key "seccompProfile"'),
    "to be root": ("runAsUser: 0", 'no key "runAsUser"'),
    "to be somebody": ("user: root", 'no key "user"'),
    "an early container": ("initContainers: [{image: x}]", 'no key "initContainers"'),
    "an ephemeral container": ("ephemeralContainers: [{image: x}]", 'no key "ephemeralContainers"'),
    "a hook": ("lifecycle: {postStart: {exec: {command: [id]}}}", 'no key "lifecycle"'),
    "a service account": ("serviceAccountName: default", 'no key "serviceAccountName"'),
    "a node": ("nodeName: control-plane", 'no key "nodeName"'),
    "a toleration": ("tolerations: [{operator: Exists}]", 'no key "tolerations"'),
    "a class of priority": ("priorityClassName: system-node-critical", 'no key "priorityClassName"'),
    "such a priority": ("priority: system-node-critical", '"system-node-critical" is not known here'),
    "a runtime": ("runtimeClassName: kata", 'no key "runtimeClassName"'),
    "secrets of registries": ("imagePullSecrets: [{name: x}]", 'no key "imagePullSecrets"'),
    "annotations": ("annotations: {container.apparmor.security.beta.kubernetes.io/task: unconfined}", "annotations"),
    "labels": ("labels: {tovi.dev/installation: another}", 'no key "labels"'),
    "an overlay": ("overlay: {spec: {hostNetwork: true}}", 'no key "overlay"'),
    "secrets that are not there yet": ("secrets: [tovi-database]", "not yet supported"),
    # Variables
    "a variable from a Secret": ("env: {A: {valueFrom: {secretKeyRef: {name: x, key: y}}}}", "this is a table"),
    "a variable from a field": ("env: {A: {valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}}", "this is a table"),
    "a list of variables": ("env: [{name: A, value: b}]", "this is a list"),
    "a name with an equals sign": ("env: {'A=B': c}", "is not the name of a variable"),
    "a name that is a command": ("env: {'A;id': c}", "is not the name of a variable"),
    "a name with a line break": ('env: {"A\\nB": c}', "is not the name of a variable"),
    "a name that expands": ("env: {'$(id)': c}", "is not the name of a variable"),
    "Tovi's own variables": ("env: {TOVI_SCRATCH: /etc}", "would shadow the environment"),
    "the path": ("env: {PATH: /evil}", "would shadow the environment"),
    "the shell's start": ("env: {ENV: /evil}", "would shadow the environment"),
    "the linker, by a parameter": ("params: {LD_PRELOAD: /evil.so}", "would shadow the environment"),
    "a value with a NUL": ('env: {A: "a\\0b"}', "NUL"),
    "a value of a megabyte": (f"env: {{A: {'x' * 40_000}}}", "this value has 40000 bytes"),
    # Other people's data
    "a path as data": ("data: {x: /var/lib/tovi/projects/victim}", "is not a dataset"),
    "another project's dataset": ("data: {x: ../victim/datasets/scans}", "is not a dataset"),
    "another project's dataset, by its path": ("data: {x: projects/victim/datasets/scans}", "is not a dataset"),
    "a dataset outside": ("data: {x: datasets/../../victim/datasets/scans}", "is not a dataset"),
    "the folder above": ("data: {x: datasets/..}", "is not a dataset"),
    "a folder of the host": ("data: {x: {hostPath: /}}", "this is a table"),
    "a claim": ("data: {x: {persistentVolumeClaim: {claimName: other}}}", "this is a table"),
    "a colon, which mounts read as a mode": ("data: {x: 'datasets/a:rw'}", "is not a dataset"),
    "a place for data outside": ("data: {../../etc: datasets/x}", "cannot be a name here"),
    "a dataset that is not ours": ("data: {x: datasets/scans}", "which is not there"),
    "an output outside": ("outputs: [../../../victim]", "is not such a path"),
    "an output that is the machine's": ("outputs: [/etc]", "is not such a path"),
    "metrics outside": ("metrics: /var/run/secrets/kubernetes.io/serviceaccount/token", "is not such a path"),
    "another project": ("project: victim", "victim"),
    "a project by its path": ("project: ../victim", "victim"),
    # Images
    "a table for an image": ("image: {name: x, pullPolicy: Always}", "this is a table"),
    "an image that is a command": ("image: 'x; id'", "is not the name of an image"),
    "an image that expands": ("image: $(HOSTNAME)", "is not the name of an image"),
    "an image from a file": ("image: file:///etc/passwd", "is not the name of an image"),
    "an image outside": ("image: ../../x", "is not the name of an image"),
    "an image with a line break": ('image: "x\\ny"', "is not a line of text"),
    "an image that looks like another": ("image: 'pythоn'", "is not the name of an image"),
    "an image that is an option": ("image: --privileged", "is not the name of an image"),
    # Amounts
    "less than no cores": ("resources: {cpus: -1}", "is not a number of cpus"),
    "no number of cores": ("resources: {cpus: .nan}", "is not a number of cpus"),
    "endless cores": ("resources: {cpus: .inf}", "is not a number of cpus"),
    "less than no memory": ("resources: {memory: -1G}", "is not an amount of memory"),
    "endless memory": ("resources: {memory: 1e999G}", "is not an amount of memory"),
    "all memory": ("resources: {memory: 9999999T}", "is out of range"),
    "more than any machine has": ("resources: {memory: 100T}", "asks for 100 TiB of memory"),
    "less than no GPUs": ("resources: {gpus: -1}", "is out of range"),
    "part of a GPU": ("resources: {gpus: 0.5}", "is not a whole number"),
    "amounts of Kubernetes": ("resources: {limits: {cpu: 1}}", 'no key "limits"'),
    "a device": ("resources: {'nvidia.com/gpu': 1}", 'no key "nvidia.com/gpu"'),
    "huge pages": ("resources: {hugepages-2Mi: 1G}", 'no key "hugepages-2Mi"'),
    "a time without end": ("timeout: 99999999d", "is too long"),
    "a time before now": ("timeout: -1h", "is not a duration"),
    "no end": ("timeout: .inf", "is not a duration"),
    "tries without end": ("retries: 1000000", "is out of range"),
    "tasks without end": ("array: 0..999999999999", "this makes 1000000000000 tasks"),
    "more tasks than the server takes": ("array: 0..5000", "the job would have 5001 tasks"),
    "many nodes at once": ("nodes: 1000", "not yet supported"),
    # Names
    "a name that writes to terminals": ('name: "a\\e]0;x\\a"', "is not a line of text"),
    "a tag that writes to terminals": ('tags: ["a\\e[2J"]', "is not a line of text"),
    "a name that reads backwards": ('name: "a\\u202eb"', "is not a line of text"),
    "a queue by its path": ("queue: ../../etc", "there is no queue"),
    "YAML that runs": ("env: {A: !!python/object/apply:os.system [id]}", "tags (!)"),
    "YAML that grows": ("env: {A: &a x, B: *a}", "anchors"),
    "YAML that merges": ("<<: {hostNetwork: true}", "merge keys"),
}


async def test_what_reaches_for_more_is_refused_by_its_name_and_leaves_nothing(ada: ManagerAPI) -> None:
    said = {abuse: await refusal_of(ada, line) for abuse, (line, _) in REFUSED.items()}

    assert {abuse: words for abuse, words in said.items() if REFUSED[abuse][1] not in words} == {}
    assert (await ada.jobs(JobFilter(), Page())).items == ()


async def refusal_of(api: ManagerAPI, line: str) -> str:
    try:
        job = await submitted(api, f"run: x\n{line}\n")
    except ToviError as error:
        return str(error)
    return f"admitted as job {job}"


async def test_a_stages_name_cannot_reach_into_a_pods_name_or_labels(ada: ManagerAPI) -> None:
    for name in ("../a", "a/b", "A", "-a", "a.b", "a b", "a\\eb", "$(id)", "x" * 64):
        with pytest.raises(InvalidSpecError, match="cannot be the name of a stage"):
            await submitted(ada, f'stages: {{"{name}": {{run: x}}}}\n', NO_OPTIONS)


# Harmless: what people may write, and what becomes of it in the pod


SETTINGS = PodSettings(
    namespace="tasks",
    installation="0123",
    prefix="tovi",
    claim="tovi-data",
    root=Path("/"),
    claim_path="",
    image="python:3.12",
    pull_secrets=(),
    overlays={},
    binding=Binding.TOVI,
    uid=10001,
    gid=10001,
    wanted=Wanted({}, (), ()),
)

HARMLESS = {
    "variables that would expand": "env: {A: $(HOSTNAME), B: $$(HOSTNAME), C: '${HOME}', D: $(TOVI_OUT)}",
    "parameters that would": "params: {a: $(TOVI_SCRATCH), b: '`id`', c: \"'; id #\"}",
    "a matrix that would": "matrix: {a: [$(HOSTNAME), '`id`']}",
    "variables that look like the cluster's": "env: {KUBERNETES_SERVICE_HOST: 10.0.0.1, KUBERNETES_PORT: '443'}",
    "the linker's variables": "env: {LD_PRELOAD: /evil.so, LD_LIBRARY_PATH: /evil}",
    "values that end the script": 'env: {A: "\'\\nexit 0\\n\'", B: "\\nEOF\\n"}',
    "values that look like YAML": 'env: {A: "x\\n  hostNetwork: true"}',
    "a name like a label": "name: tovi.dev/installation=another",
    "tags like labels": "tags: [tovi.dev/attempt=x, app.kubernetes.io/managed-by=other]",
    "a priority": "priority: urgent",
    "a set-up that reaches out": "setup: cat /var/run/secrets/kubernetes.io/serviceaccount/token",
    "a kind of GPU": "resources: {gpus: 1, gpu: h100}",
    "outputs that are odd": "outputs: ['$(id)', '-rf', '*', 'a b']",
}


ODD = b"/datasets/$(HOSTNAME) rw,exec"


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    jobs = Jobs(a_data_dir(tmp_path), in_pods=True)
    a_tree(jobs.data).mkdir(ODD)
    return jobs


async def pod_of(jobs: Jobs, text: str, *, job: int = 1) -> Manifest:
    """As the server would make it, with what is random about a folder taken out."""
    jobs.add(text, job=job)
    order = await jobs.folders().prepare(active(attempt(job)))
    return manifests.manifest(order, SETTINGS, image=order.image or SETTINGS.image, gpu_resource="nvidia.com/gpu")


def mounts(pod: Manifest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pod["spec"]["containers"][0]["volumeMounts"]
    return found


@pytest.mark.parametrize("harmless", HARMLESS)
async def test_what_is_admitted_changes_nothing_of_the_pod(tmp_path: Path, harmless: str) -> None:
    plain, other = (Jobs(a_data_dir(tmp_path / name), in_pods=True) for name in ("plain", "other"))
    expected = await pod_of(plain, "run: x\n")
    pod = await pod_of(other, f"run: x\n{HARMLESS[harmless]}\n")

    assert violations(pod) == []
    assert without_setup(as_text(pod, tmp_path / "other")) == without_setup(as_text(expected, tmp_path / "plain"))


def as_text(pod: Manifest, folder: Path) -> Any:
    return json.loads(json.dumps(pod).replace(str(folder).lstrip("/"), "FOLDER"))


def without_setup(pod: Any) -> Any:
    """The one folder and variable more that a `setup` has."""
    container = pod["spec"]["containers"][0]
    container["volumeMounts"] = [one for one in container["volumeMounts"] if "/env/" not in one["mountPath"]]
    container["env"] = [one for one in container["env"] if one["name"] != "TOVI_ENV"]
    return pod


async def test_an_image_is_all_that_a_job_file_writes_into_a_pod(jobs: Jobs) -> None:
    pod = await pod_of(jobs, "run: x\nimage: ghcr.io/astro/lens:1.8\n")

    assert pod["spec"]["containers"][0].pop("image") == "ghcr.io/astro/lens:1.8"
    plain = await pod_of(jobs, "run: x\n", job=1)
    del plain["spec"]["containers"][0]["image"]
    assert pod == plain


async def test_a_dataset_with_an_odd_name_is_that_folder_read_only_and_nothing_else(jobs: Jobs) -> None:
    pod = await pod_of(jobs, "run: x\ndata: {x: 'datasets/$(HOSTNAME) rw,exec'}\n")
    dataset = str(jobs.data.path("projects/lens/datasets/$(HOSTNAME) rw,exec"))

    assert [one for one in mounts(pod) if "datasets" in one["mountPath"]] == [
        {"name": "data", "mountPath": dataset, "subPath": dataset.lstrip("/"), "readOnly": True}
    ]


async def test_a_pod_sees_of_the_data_directory_its_own_project_alone(jobs: Jobs) -> None:
    pod = await pod_of(jobs, "run: x\nsetup: y\ndata: {x: 'datasets/$(HOSTNAME) rw,exec'}\n")
    project = jobs.data.path("projects/lens")

    seen = [Path("/") / one["subPath"] for one in mounts(pod) if one["name"] == "data"]
    assert seen
    assert all(path.is_relative_to(project) and ".." not in path.parts and path != project for path in seen)


async def test_a_pod_writes_only_where_its_own_results_go(jobs: Jobs) -> None:
    pod = await pod_of(jobs, "run: x\ndata: {x: 'datasets/$(HOSTNAME) rw,exec'}\n")
    control = jobs.data.path("projects/lens/jobs/1/main.0/attempts/1")

    written = {one["mountPath"] for one in mounts(pod) if one["name"] == "data" and not one["readOnly"]}
    assert written == {str(control / name) for name in ("outputs", "stdout.log", "stderr.log")}


def test_a_dataset_is_never_a_link_to_somewhere_else(jobs: Jobs) -> None:
    """The kubelet would follow it anywhere on the volume."""
    tree = a_tree(jobs.data)
    for folder in (b"/datasets/mine", b"/datasets/mine/a", b"/datasets/mine/a/b"):
        tree.mkdir(folder)
    tree.symlink(b"../../../mine", b"/datasets/mine/a/b/link")

    for target in (b"../../victim/datasets", b"/etc", b"mine"):
        assert refusal(lambda target=target: tree.symlink(target, b"/datasets/evil"))
    for replaced in (False, True):
        assert refusal(
            lambda replaced=replaced: tree.rename(b"/datasets/mine/a/b/link", b"/datasets/evil", replace=replaced)
        )
    assert not any(path.is_symlink() for path in jobs.data.path("projects/lens/datasets").iterdir())


@pytest.mark.parametrize("user", ["_ada", "a-", "a" * 32, "z_"])
async def test_a_user_of_any_name_has_labels(jobs: Jobs, user: str) -> None:
    jobs.add("run: x\n")
    jobs.frozen[1] = replace(jobs.frozen[1], user=user)
    order = await jobs.folders().prepare(active(attempt()))
    pod = manifests.manifest(order, SETTINGS, image="x", gpu_resource="")

    assert pod["metadata"]["labels"]["tovi.dev/user"].strip("-_") == pod["metadata"]["labels"]["tovi.dev/user"]
