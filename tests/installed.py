"""Tovi as its chart puts it into a cluster, and the people who use it through a node's port.

The images are made from this checkout, and the volume is a folder of this machine, which all nodes of the shared
cluster see.
"""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests import kube, processes
from tests.cluster_image import postgres_image, server_image
from tests.helm import CHART, Values, helm, over
from tests.live import ADMIN, Live, remove

RELEASE: Final = "tovi"
_SERVER_UID: Final = 10001
_SMALL: Final[Values] = {"resources": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}}
_INSTALL_S: Final = 500
_FIGURE: Final = re.compile(r'^([a-z_]+)(?:{part="[a-z]+"})? (\S+)$', re.MULTILINE)


@dataclass
class Installed:
    """A release of the chart in two namespaces of its own."""

    folder: Path
    name: str
    """What the namespaces are called: the tasks' so, the server's with `-system` after it."""
    values: Values
    told: list[str] = field(default_factory=list)
    """What Helm said, over all that was asked of it."""

    @property
    def system(self) -> str:
        return f"{self.name}-system"

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def people(self) -> Live:
        """Whoever uses it."""
        return Live(self.folder, self.data)

    def install(self) -> None:
        """Or change it, and wait until all of it serves."""
        words = ("upgrade", "--install", RELEASE, CHART, "--namespace", self.system, "--wait", "--timeout", "8m")
        self._helm(*words, values=self.values)
        (port,) = self.read("service", RELEASE)["spec"]["ports"]
        self.people.point_clients_at(node_address(), port["nodePort"])

    def upgrade(self, *more: Values) -> None:
        """With other values from now on."""
        self.values = over(self.values, *more)
        self.install()

    def uninstall(self) -> None:
        self._helm("uninstall", RELEASE, "--namespace", self.system, "--wait", "--cascade", "foreground")

    def read(self, *words: str) -> Any:
        """Things of the server's namespace."""
        return kube.read("get", *words, "-n", self.system)

    def pods(self, part: str) -> tuple[str, ...]:
        """The names of those that run and are not being ended."""
        found = self.read("pods", "-l", f"app.kubernetes.io/component={part}")["items"]
        return tuple(pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"])

    def figures(self, pod: str) -> Mapping[str, float]:
        """What a pod of one part tells who watches; nothing while it does not answer."""
        path = f"/api/v1/namespaces/{self.system}/pods/{pod}:8080/proxy/metrics"
        try:
            told = kube.kubectl("get", "--raw", path)
        except AssertionError:
            return {}
        return {name: float(figure) for name, figure in _FIGURE.findall(told)}

    def leader(self) -> str | None:
        """The scheduler's pod that leads now."""
        return next((pod for pod in self.pods("scheduler") if self.figures(pod).get("tovi_leader")), None)

    def kill(self, pod: str) -> None:
        """With `kill -9` of all that runs in it at once, so that nothing is given back in good order."""
        running = processes.of_pod(self.read("pod", pod)["metadata"]["uid"])
        assert running
        processes.end(running)
        kube.kubectl("delete", "pod", pod, "-n", self.system, "--grace-period=0", "--force", "--wait=false")

    def host_keys(self) -> Mapping[str, str]:
        keys: Mapping[str, str] = self.read("secret", f"{RELEASE}-host-keys")["data"]
        return keys

    def _helm(self, *words: str | Path, values: Values | None = None) -> None:
        ended = helm(*words, values=values, deadline_s=_INSTALL_S)
        assert ended.returncode == 0, f"{ended.stderr}\n{self._state()}"
        self.told.append(ended.stdout + ended.stderr)

    def _state(self) -> str:
        """For who has to find out why it does not serve."""
        pods = kube.kubectl("get", "pods", "-n", self.system, "-o", "wide")
        select = ("-l", f"app.kubernetes.io/instance={RELEASE}", "--all-containers", "--prefix", "--tail=20")
        return pods + kube.kubectl("logs", "-n", self.system, *select)


@contextmanager
def installed(*more: Values) -> Iterator[Installed]:
    """The chart, installed and serving, with one user, `ada`."""
    images = _images()  # which takes long, and may fail before there is anything to remove
    folder = Path(tempfile.mkdtemp(prefix="tovi-chart-", dir="/tmp"))
    folder.chmod(0o755)
    name = f"chart-{secrets.token_hex(3)}"
    _make_folder(folder / "data", _SERVER_UID)
    _make_folder(folder / "database", 999)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", ADMIN, "-f", folder / ADMIN], check=True)
    one = Installed(folder, name, over(_values(folder, name), images, *more))
    try:
        _prepare(one)
        one.install()
        yield one
    finally:
        _remove(one)


def node_address() -> str:
    """At which node ports answer."""
    addresses = kube.read("get", "node", kube.nodes()[0])["status"]["addresses"]
    found: str = next(one["address"] for one in addresses if one["type"] == "InternalIP")
    return found


def _images() -> Values:
    repository, _, tag = server_image().rpartition(":")
    return {
        "image": {"repository": repository, "tag": tag},
        "postgresql": {"bundled": {"image": postgres_image()}},
    }


def _values(folder: Path, name: str) -> Values:
    return {
        "admin": {"name": ADMIN, "publicKey": (folder / f"{ADMIN}.pub").read_text()},
        "postgresql": {"bundled": {"enabled": True, "storageClassName": name, **_SMALL}},
        "data": {"volume": {"hostPath": {"path": str(folder / "data"), "type": "Directory"}}},
        "tasks": {"namespace": name},
        "service": {"type": "NodePort"},
        "settings": {"executor": {"kubernetes": {"image": kube.IMAGE}}},
        "receiver": _SMALL,
        "scheduler": _SMALL,
    }


def _prepare(one: Installed) -> None:
    """A namespace that complains of what is not restricted, and a volume for the database that nobody provisions."""
    kube.apply(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": one.system,
                "labels": {f"pod-security.kubernetes.io/{what}": "restricted" for what in ("enforce", "warn")},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"{one.name}-database"},
            "spec": {
                "storageClassName": one.name,
                "accessModes": ["ReadWriteOnce"],
                "capacity": {"storage": "8Gi"},
                "hostPath": {"path": str(one.folder / "database"), "type": "Directory"},
            },
        },
    )


def _make_folder(path: Path, owner: int) -> None:
    path.mkdir()
    shutil.chown(path, owner, owner)


def _remove(one: Installed) -> None:
    """Also what the chart keeps."""
    helm("uninstall", RELEASE, "--namespace", one.system, "--wait", "--cascade", "foreground", "--ignore-not-found")
    if kube.kubectl("get", "namespace", one.name, "--ignore-not-found"):
        kube.remove_namespace(one.name)
    kube.remove_namespace(one.system)
    volumes = [f"{one.name}-database", *(f"{one.system}-{RELEASE}-{part}" for part in ("server", "tasks"))]
    kube.kubectl("delete", "pv", *volumes, "--ignore-not-found", "--wait=false")
    kube.kubectl("wait", "--for=delete", f"namespace/{one.name}", f"namespace/{one.system}", "--timeout=100s")
    remove(one.folder)
