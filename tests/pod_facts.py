"""Pods as a real cluster told of them, each in a file, and as its documentation says they look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from k8s.pods import Pod, read_pod
from tovi_server.core.ids import AttemptId, JobId, TaskId

INSTALLATION = "facts"
ATTEMPT = AttemptId(TaskId(JobId(12), "main", 0), 1)

_FOLDER = Path(__file__).parent / "unit/pod_facts"


def names() -> list[str]:
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


def raw(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text())
    return found


def pod(name: str) -> Pod:
    return read_pod(raw(name), INSTALLATION)


def changed(name: str, *, status: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None) -> Pod:
    """The same with other words in these places."""
    found = raw(name)
    return read_pod(
        {**found, "metadata": found["metadata"] | (metadata or {}), "status": found["status"] | (status or {})},
        INSTALLATION,
    )


def with_condition(name: str, kind: str, reason: str, message: str, at: str, /, **status: Any) -> Pod:
    """The same with one condition more."""
    more = {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": at}
    return changed(name, status={"conditions": [*raw(name)["status"]["conditions"], more], **status})
