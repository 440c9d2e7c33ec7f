"""A real cluster for tests: what is asked of it as its admin, and places in it that are a test's own.

TOVI_TEST_KUBECONFIG names it. What kills parts of the cluster needs that of `../shared/cluster`. What needs a volume
needs it too, or a folder that this machine and all nodes have at one path, which TOVI_TEST_VOLUME names.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from k8s.names import FINALIZER, MANAGED_BY
from tests import live
from tests.pods import Place

SHARED: Final = Path(__file__).parents[2] / "shared" / "cluster"
IMAGE: Final = os.environ.get("TOVI_TEST_IMAGE", "tovi.test/python:3.11")
CLAIM: Final = "tovi-data"
ACCOUNT: Final = "tovi"
_DEADLINE_S: Final = 120
_ENFORCED: Final = "pod-security.kubernetes.io/enforce=restricted"

Rule = tuple[str, str]
"""A verb and what it is of: `("create", "pods")`."""
Thing = Mapping[str, Any]

IN_NAMESPACE: Final[frozenset[Rule]] = frozenset(
    {
        *((verb, "pods") for verb in ("create", "get", "list", "watch", "delete", "patch")),
        ("get", "pods/log"),
        ("list", "events"),
    }
)
"""What Tovi's account may do where its tasks are."""
BINDING: Final[Rule] = ("create", "pods/binding")
"""And this, where it binds pods itself."""
EVERYWHERE: Final[frozenset[Rule]] = frozenset(
    (verb, what) for verb in ("get", "list", "watch") for what in ("nodes", "pods")
)


def admin_kubeconfig() -> Path | None:
    """None: no cluster was named."""
    named = os.environ.get("TOVI_TEST_KUBECONFIG")
    return Path(named) if named else None


def missing() -> str:
    """What is not there of a cluster; empty when all is."""
    kubeconfig = admin_kubeconfig()
    if kubeconfig is None:
        return "TOVI_TEST_KUBECONFIG"
    if not kubeconfig.exists():
        return str(kubeconfig)
    if program("kubectl") is None:
        return "kubectl"
    return "" if _answers() else f"the API server of {kubeconfig}"


@cache
def _answers() -> bool:
    return _run("get", "--raw", "/readyz", "--request-timeout=10s").returncode == 0


@cache
def program(name: str) -> str | None:
    """`kubectl` or `helm`: of the shared cluster, or on PATH."""
    if (SHARED / "cluster").exists():
        folder = subprocess.run([SHARED / "cluster", "bin"], capture_output=True, text=True, check=False).stdout.strip()
        if (Path(folder) / name).exists():
            return str(Path(folder) / name)
    return shutil.which(name)


def kubectl(*words: str, stdin: str = "", deadline_s: float = _DEADLINE_S) -> str:
    """Run it to its end as the cluster's admin; it must succeed. What it printed."""
    ended = _run(*words, stdin=stdin, deadline_s=deadline_s)
    assert ended.returncode == 0, f"kubectl {' '.join(words)}: {ended.stderr}"
    return ended.stdout


def complaint(*words: str, stdin: str = "") -> str:
    """What the same says to what it does not do; empty: it did it."""
    return _run(*words, stdin=stdin).stderr


def read(*words: str) -> Any:
    """What `kubectl WORDS -o json` tells."""
    return json.loads(kubectl(*words, "-o", "json"))


def apply(*things: Thing) -> None:
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": things}))


def cluster(*words: str) -> str:
    """Run a command of the shared cluster's own program, such as `kill node2`."""
    return subprocess.run(
        [SHARED / "cluster", *words], capture_output=True, text=True, check=True, timeout=_DEADLINE_S
    ).stdout


@contextmanager
def silent_kubelet(node: str) -> Iterator[None]:
    """Stop the kubelet of a node of the shared cluster for a while; its containers go on."""
    starter = int((_state() / "pids" / f"{node}.kubelet").read_text().split()[0])
    kubelets = [int(pid) for pid in Path(f"/proc/{starter}/task/{starter}/children").read_text().split()]
    for pid in kubelets:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in (*kubelets, starter):
            os.kill(pid, signal.SIGCONT)


def is_shared_cluster() -> bool:
    """Whether its parts may be killed and paused from here."""
    kubeconfig = admin_kubeconfig()
    return (SHARED / "cluster").exists() and kubeconfig is not None and kubeconfig == _state() / "admin.kubeconfig"


@contextmanager
def place(name: str) -> Iterator[Place]:
    """A namespace of its own that enforces PodSecurity *restricted*, with a volume, and Tovi's account in it."""
    namespace = f"{name}-{secrets.token_hex(3)}"
    folder = _volumes() / namespace
    kubectl("create", "namespace", namespace)
    try:
        kubectl("label", "namespace", namespace, _ENFORCED)
        _make_volume(namespace, folder)
        yield Place(
            kubeconfig=account(namespace, IN_NAMESPACE, EVERYWHERE),
            namespace=namespace,
            claim=CLAIM,
            folder=folder,
            nodes=nodes(),
            image=IMAGE,
        )
    finally:
        remove_namespace(namespace)
        _kubeconfig(namespace).unlink(missing_ok=True)
        if folder.exists():
            live.remove(folder)


def nodes() -> tuple[str, ...]:
    """Those on which pods really run."""
    found = read("get", "nodes")["items"]
    return tuple(one["metadata"]["name"] for one in found if not (one["spec"].get("taints") or ()))


def remove_namespace(namespace: str) -> None:
    """With all that is in it, whatever holds it."""
    for pod in read("get", "pods", "-n", namespace)["items"]:
        if FINALIZER in (pod["metadata"].get("finalizers") or ()):
            patch = '{"metadata": {"finalizers": null}}'
            _run("patch", "pod", pod["metadata"]["name"], "-n", namespace, "--type=merge", "-p", patch)
    kubectl("delete", "namespace", namespace, "--wait=false")
    _run("delete", "pv", f"{namespace}-{CLAIM}", "--wait=false")
    for kind in ("clusterrole", "clusterrolebinding"):
        _run("delete", kind, namespace, "--wait=false")


def account(namespace: str, inside: frozenset[Rule], everywhere: frozenset[Rule]) -> Path:
    """A kubeconfig of an account that may do exactly this, in the namespace and in the whole cluster."""
    grant(namespace, inside, everywhere)
    token = kubectl("create", "token", ACCOUNT, "-n", namespace, "--duration=24h").strip()
    return write_kubeconfig(namespace, token)


def grant(namespace: str, inside: frozenset[Rule], everywhere: frozenset[Rule]) -> None:
    """These rights and no others, from now on."""
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}
    here = {"name": ACCOUNT, "namespace": namespace}
    api = "rbac.authorization.k8s.io"
    apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": here},
        {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": here, "rules": _rules(inside)},
        {
            "apiVersion": f"{api}/v1",
            "kind": "RoleBinding",
            "metadata": here,
            "subjects": [subject],
            "roleRef": {"apiGroup": api, "kind": "Role", "name": ACCOUNT},
        },
        {
            "apiVersion": f"{api}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": namespace},
            "rules": _rules(everywhere),
        },
        {
            "apiVersion": f"{api}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": namespace},
            "subjects": [subject],
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": namespace},
        },
    )


def write_kubeconfig(namespace: str, token: str) -> Path:
    """A file of its own, for whoever has the token."""
    admin = admin_kubeconfig()
    assert admin is not None
    config = yaml.safe_load(admin.read_text())
    current = next(one for one in config["contexts"] if one["name"] == config["current-context"])
    current["context"] |= {"user": ACCOUNT, "namespace": namespace}
    config["users"] = [{"name": ACCOUNT, "user": {"token": token}}]
    config["contexts"] = [current]
    path = _kubeconfig(namespace)
    path.touch(0o600)
    path.write_text(yaml.safe_dump(config))
    return path


def of_tovi(namespace: str) -> Sequence[Thing]:
    """All pods of Tovi in a namespace, as the API server knows them."""
    found: Sequence[Thing] = read("get", "pods", "-n", namespace, "-l", f"{MANAGED_BY}=tovi")["items"]
    return found


def _volumes() -> Path:
    """Where the folders of claims lie: hostPath volumes are shared by all nodes that see this machine's folders."""
    if is_shared_cluster():
        return _state() / "volumes"
    if named := os.environ.get("TOVI_TEST_VOLUME"):
        return Path(named)
    pytest.skip("volume is not here: TOVI_TEST_VOLUME; name a folder that this machine and all nodes have at one path")


def _make_volume(namespace: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o2777)
    apply(*_claim(namespace, folder))


def _claim(namespace: str, folder: Path) -> tuple[Thing, Thing]:
    kind: Thing = {"storageClassName": "shared", "accessModes": ["ReadWriteMany"]}
    volume = f"{namespace}-{CLAIM}"
    return (
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": volume},
            "spec": {
                **kind,
                "capacity": {"storage": "50Gi"},
                "persistentVolumeReclaimPolicy": "Retain",
                "hostPath": {"path": str(folder), "type": "Directory"},
                "claimRef": {"namespace": namespace, "name": CLAIM},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": CLAIM, "namespace": namespace},
            "spec": {**kind, "volumeName": volume, "resources": {"requests": {"storage": "50Gi"}}},
        },
    )


def _rules(rights: frozenset[Rule]) -> list[Thing]:
    resources = sorted({what for _, what in rights})
    return [
        {"apiGroups": [""], "resources": [what], "verbs": sorted(verb for verb, of in rights if of == what)}
        for what in resources
    ]


def _kubeconfig(namespace: str) -> Path:
    return Path(tempfile.gettempdir()) / f"{namespace}.kubeconfig"


def _state() -> Path:
    return Path(os.environ.get("TOVI_CLUSTER_DIR", "/tmp/tovi-cluster"))


def _run(*words: str, stdin: str = "", deadline_s: float = _DEADLINE_S) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KUBECONFIG": str(admin_kubeconfig())}
    return subprocess.run(
        [program("kubectl") or "kubectl", *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=deadline_s,
        env=environment,
        check=False,
    )
