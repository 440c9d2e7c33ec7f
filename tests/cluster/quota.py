"""A real quota that leaves no room for a pod."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests import kube
from tests.cluster.bare_pod import bare_pod
from tests.waiting import eventually

QUOTA: Final = "tasks"


@contextmanager
def no_room_for_pods(namespace: str) -> Iterator[None]:
    """From when the API server refuses them: it hears of a quota some time after it has taken it."""
    kube.kubectl("create", "quota", QUOTA, "--hard=pods=0", "-n", namespace)
    try:
        eventually(lambda: f"exceeded quota: {QUOTA}" in _refusal(namespace), "pods are refused")
        yield
    finally:
        make_room_for_pods(namespace)


def make_room_for_pods(namespace: str) -> None:
    """Again, if it was taken."""
    kube.kubectl("delete", "quota", QUOTA, "-n", namespace, "--ignore-not-found")


def _refusal(namespace: str) -> str:
    """Why there may be no pod; empty: there may."""
    pod = json.dumps(bare_pod("one"))
    return kube.complaint("create", "--dry-run=server", "-n", namespace, "-f", "-", stdin=pod)
