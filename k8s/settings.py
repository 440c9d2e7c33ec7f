"""What must be known to run tasks as pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from k8s.binding import Binding
from k8s.capacity import Wanted
from k8s.overlay import Overlay


@dataclass(frozen=True, slots=True)
class Access:
    """How the API server is reached."""

    kubeconfig: Path | None
    """None: as the pod that this process runs in."""
    context: str | None
    """None: the kubeconfig's current one."""
    requests: int
    """How many may be under way at once, watches not counted."""


@dataclass(frozen=True, slots=True)
class PodSettings:
    """What is the same for all pods."""

    namespace: str
    installation: str
    """Tells this installation's pods from those of others; the same for ever."""
    prefix: str
    """Of their names."""
    claim: str
    root: Path
    """The data directory, here and in the pods."""
    claim_path: str
    """Where on the claim's volume the data directory lies; empty: at its top."""
    image: str
    """For tasks that name none; empty: there is none."""
    pull_secrets: tuple[str, ...]
    overlays: Mapping[str, Overlay]
    """By project."""
    binding: Binding
    uid: int
    gid: int
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class KubernetesSettings:
    """All of it."""

    access: Access
    pods: PodSettings
    image_pull_deadline: timedelta
    node_lost_after: timedelta | None
    """None: never, while it may still be running."""
    relist_interval: timedelta = timedelta(minutes=5)
    """After so long everything is listed anew, whatever the watches told."""
    watch_interval_s: float = 1.0
    """Between two looks at logs and at what should have started."""
