"""What pods and their labels are called: from the attempt's id alone, so that creating one twice is a conflict."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from tovi_server.core.ids import AttemptId

FINALIZER: Final = "tovi.dev/record"
"""Keeps the pod until its end is recorded."""
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
INSTALLATION: Final = "tovi.dev/installation"
ATTEMPT: Final = "tovi.dev/attempt"
JOB: Final = "tovi.dev/job"
USER: Final = "tovi.dev/user"
PROJECT: Final = "tovi.dev/project"
TASK: Final = "tovi.dev/task"
"""An annotation: the attempt's id as people write it."""
ENDING: Final = "tovi.dev/ending"
"""An annotation: what the pod is being ended for."""

_LONGEST: Final = 63
_HASHED: Final = 10
_PLAIN: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.ASCII)
_UNFIT: Final = re.compile(r"[^a-z0-9]+", re.ASCII)
_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)


def pod_name(prefix: str, attempt: AttemptId) -> str:
    """A DNS label; one that had to be cut or changed ends in a hash of what it was."""
    task = attempt.task
    name = f"{prefix}-{task.job}-{task.stage}-{task.index}-{attempt.number}"
    if len(name) <= _LONGEST and _PLAIN.fullmatch(name):
        return name
    ending = _hash(name)[:_HASHED]
    readable = _UNFIT.sub("-", name.lower())[: _LONGEST - _HASHED - 1].strip("-")
    return f"{readable}-{ending}"


def attempt_label(installation: str, attempt: AttemptId) -> str:
    """What a pod is known by: no attempt of another installation has the same."""
    return _hash(f"{installation}/{attempt}")[:40]


def label(text: str) -> str:
    """The text if it can be a label, else a hash of it."""
    return text if _LABEL.fullmatch(text) else f"hash-{_hash(text)[:40]}"


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
