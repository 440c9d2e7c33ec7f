"""Where pods are tried: a namespace of a real cluster, and a folder of this machine that is a volume there."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from k8s import names
from k8s.binding import Binding
from k8s.capacity import Wanted
from k8s.errors import ApiError
from k8s.settings import Access, KubernetesSettings, PodSettings
from scheduler.ports import Executor, Owner
from tests.live import Live, live_server, remove
from tests.local_house import WallClock

if TYPE_CHECKING:
    from k8s.client import Client

Json = dict[str, Any]

TASKS: Final = Owner(10001, 10001)
"""Whose ids pods have where the server is root."""
_GONE_WITHIN_S: Final = 300
_SETTINGS: Final = """
[executor]
kind = "kubernetes"
[executor.kubernetes]
kubeconfig = "{place.kubeconfig}"
namespace = "{place.namespace}"
claim = "{place.claim}"
claim_path = "{folder}"
image = "{place.image}"
"""


@dataclass(frozen=True)
class Place:
    """A namespace that is nobody else's now."""

    kubeconfig: Path
    namespace: str
    claim: str
    folder: Path
    """The claim's volume, on this machine."""
    nodes: tuple[str, ...]
    """The nodes on which pods really run."""
    image: str

    @contextmanager
    def server(self, settings: str = "") -> Iterator[Live]:
        """As `live_server`, with tasks as pods. `settings` go on in the section `executor.kubernetes`."""
        data = self.folder / f"d{secrets.token_hex(5)}"
        with live_server(_SETTINGS.format(place=self, folder=data.name) + settings, data=data) as live:
            try:
                yield live
            finally:
                live.end()
                self.remove_pods((data / "server/installation").read_text())
                remove(data)

    def open_executor(self, installation: str) -> AbstractAsyncContextManager[Executor]:
        """On the volume, without a server; it looks at everything often."""
        from k8s.executor import open_kubernetes_executor  # importing its library takes long

        settings = KubernetesSettings(
            access=self._access,
            pods=PodSettings(
                namespace=self.namespace,
                installation=installation,
                prefix=installation,
                claim=self.claim,
                root=self.folder,
                claim_path="",
                image=self.image,
                pull_secrets=(),
                overlays={},
                binding=Binding.TOVI,
                uid=TASKS.uid or 0,
                gid=TASKS.gid or 0,
                wanted=Wanted({}, (), ()),
            ),
            image_pull_deadline=timedelta(seconds=10),
            node_lost_after=None,
            watch_interval_s=0.1,
        )
        return open_kubernetes_executor(settings, clock=WallClock(), freed=lambda: None)

    def remove_pods(self, installation: str) -> None:
        """Until none is left of an installation whose server is gone."""
        asyncio.run(self._remove_pods(installation))

    async def _remove_pods(self, installation: str) -> None:
        from k8s.client import open_client

        path, label = f"/api/v1/namespaces/{self.namespace}/pods", f"{names.INSTALLATION}={installation}"
        async with open_client(self._access) as client, asyncio.timeout(_GONE_WITHIN_S):
            while found := (await client.get(path, "list pods", labelSelector=label))["items"]:
                for pod in found:
                    await _remove_pod(client, f"{path}/{pod['metadata']['name']}", pod)
                await asyncio.sleep(0.1)

    @property
    def _access(self) -> Access:
        return Access(self.kubeconfig, None, requests=8)


async def _remove_pod(client: Client, path: str, pod: Json) -> None:
    with suppress(ApiError):  # it is gone by now
        await client.patch(path, "patch pods", {"metadata": {"finalizers": None}})
        if "deletionTimestamp" not in pod["metadata"]:
            body = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 1}
            await client.delete(path, "delete pods", body)
