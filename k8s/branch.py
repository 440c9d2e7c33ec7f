"""The branch of a server's settings that is about the cluster."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from k8s.binding import Binding
from k8s.overlay import Overlay
from k8s.tolerations import Toleration
from tovi_server.core.resources import GIB
from tovi_server.core.setting import Amount, Duration, Section


class KubernetesBranch(Section):
    """Tasks as pods of a cluster."""

    kubeconfig: str = ""
    """A file that says how to reach the cluster; empty: as the pod that the server runs in."""
    context: str = ""
    """Of that file; empty: its current one."""
    namespace: str = "tovi"
    """Where the pods of tasks are."""
    claim: str = "tovi-data"
    """The claim, in that namespace, for the volume that the data directory lies on."""
    claim_path: str = ""
    """Where on that volume the data directory lies; empty: at its top."""
    name: str = "tovi"
    """What the names of pods begin with."""
    image: str = ""
    """For tasks whose job names none; empty: every job must name one."""
    image_pull_deadline: Duration = timedelta(minutes=10)
    """A task whose image could not be had for so long has failed to start."""
    image_pull_secrets: tuple[str, ...] = ()
    """Secrets of that namespace for private registries."""
    projects: dict[str, Overlay] = Field(default_factory=dict)
    """More for the pods of single projects: labels, annotations, image_pull_secrets, priority_class, runtime_class."""
    binding: Binding = Binding.TOVI
    """How a pod gets its node: `tovi` names it when it creates the pod, `api` binds it, `kube-scheduler` is told it."""
    uid: int = Field(default=10001, ge=1)
    """Whose ids tasks run under when the server is root; else they are the server's own."""
    gid: int = Field(default=10001, ge=1)
    """The group."""
    gpus: tuple[str, ...] = ("nvidia.com/gpu", "amd.com/gpu")
    """The names under which nodes offer GPUs."""
    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels of the nodes that tasks may run on."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints of nodes that tasks run on all the same."""
    node_lost_after: Duration | None = None
    """Not set: what ran on a node that fell silent is tried again only once it surely ended. Set: after so long."""
    relist: Duration = timedelta(minutes=5)
    """How often all nodes and pods are looked at anew, whatever the cluster told meanwhile."""
    requests: int = Field(default=32, ge=1, le=256)
    """How many requests to the API server may be under way at once."""
    grace: Duration = timedelta(seconds=30)
    """Between asking a task to end (TERM) and ending it (KILL)."""
    log_limit: Amount = 1 * GIB
    """A task whose log is larger is ended."""
