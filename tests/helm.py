"""Helm on the chart of this checkout, for tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests import kube
from tests.kube import Thing

CHART: Final = Path(__file__).parents[1] / "deploy" / "chart"
KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzg1hcLzVyNwUxmU8GK2Y8k1UcUW0jEO4y9QF0b2x7Z ada"
VERSION: Final = "1.37.2"
"""Of Kubernetes, where no cluster is asked."""

Values = Mapping[str, Any]

LEAST: Final[Values] = {
    "admin": {"publicKey": KEY},
    "database": {"existingSecret": "database"},
    "data": {"storageClassName": "shared"},
    "hostKeys": {"existingSecret": "host-keys"},
}
"""What has to be said for a chart to be rendered, and that it makes no keys, which takes long."""


def helm(*words: str | Path, values: Values | None = None, deadline_s: float = 300) -> subprocess.CompletedProcess[str]:
    """Run Helm as the cluster's admin, with values as a file of its own, to its end."""
    given = [] if values is None else ["-f", "-"]
    return subprocess.run(
        [kube.program("helm") or "helm", *words, *given],
        input=yaml.safe_dump(values),
        capture_output=True,
        text=True,
        timeout=deadline_s,
        env={**os.environ, "KUBECONFIG": str(kube.admin_kubeconfig())},
        check=False,
    )


def render(*more: Values, namespace: str = "tovi-system") -> Sequence[Thing]:
    """All that the release `tovi` is made of; `more` is laid over LEAST, the later over the earlier."""
    return _rendered(yaml.safe_dump(over(LEAST, *more)), namespace)


@cache
def _rendered(values: str, namespace: str) -> Sequence[Thing]:
    words = ("template", "tovi", CHART, "--namespace", namespace, "--kube-version", VERSION)
    ended = helm(*words, values=yaml.safe_load(values))
    assert ended.returncode == 0, ended.stderr
    return [thing for thing in yaml.safe_load_all(ended.stdout) if thing]


def refusal(*more: Values) -> str:
    """What Helm says of values that it has to refuse."""
    ended = helm("template", "tovi", CHART, "--kube-version", VERSION, values=over(LEAST, *more))
    assert ended.returncode != 0, "it was not refused"
    return ended.stderr


def one(things: Sequence[Thing], kind: str, name: str) -> Thing:
    (found,) = [thing for thing in things if (thing["kind"], thing["metadata"]["name"]) == (kind, name)]
    return found


def over(*layers: Values) -> Values:
    """Each laid over those before it, tables within tables."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            below = merged.get(name)
            if isinstance(below, Mapping) and isinstance(value, Mapping):
                merged[name] = over(below, value)
            else:
                merged[name] = value
    return merged
