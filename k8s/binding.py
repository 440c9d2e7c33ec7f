"""How a pod comes to its node."""

from __future__ import annotations

from enum import StrEnum


class Binding(StrEnum):
    """Tovi has chosen the node in each of them."""

    TOVI = "tovi"
    """The pod is created with its node: one request."""
    API = "api"
    """The pod is created without one and bound to it: for clusters whose admission forbids the former."""
    KUBE_SCHEDULER = "kube-scheduler"
    """The pod may run on no other node, and the cluster's own scheduler puts it there."""
