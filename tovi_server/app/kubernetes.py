"""The settings of a cluster, as its executor takes them."""

from __future__ import annotations

import os
from pathlib import Path

from k8s.capacity import Wanted
from k8s.settings import Access, KubernetesSettings, PodSettings
from tovi_server.settings import Settings


def kubernetes_settings(settings: Settings, root: Path, installation: str) -> KubernetesSettings:
    """`root` is the data directory."""
    given = settings.executor.kubernetes
    return KubernetesSettings(
        access=access(settings),
        pods=PodSettings(
            namespace=given.namespace,
            installation=installation,
            prefix=given.name,
            claim=given.claim,
            root=root.absolute(),
            claim_path=given.claim_path,
            image=given.image,
            pull_secrets=given.image_pull_secrets,
            overlays=given.projects,
            binding=given.binding,
            uid=given.uid if os.geteuid() == 0 else os.geteuid(),
            gid=given.gid if os.geteuid() == 0 else os.getegid(),
            wanted=Wanted(
                node_selector=given.node_selector,
                tolerations=given.tolerations,
                gpu_resources=given.gpus,
            ),
        ),
        image_pull_deadline=given.image_pull_deadline,
        node_lost_after=given.node_lost_after,
        relist_interval=given.relist,
    )


def access(settings: Settings) -> Access:
    """How the API server is reached."""
    given = settings.executor.kubernetes
    return Access(
        kubeconfig=Path(given.kubeconfig) if given.kubeconfig else None,
        context=given.context or None,
        requests=given.requests,
    )
