"""What an admin adds to the pods of one project: a few things that widen nobody's rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_OURS: Final = ("tovi.dev/", "app.kubernetes.io/managed-by")
_OF_SECURITY: Final = ("container.apparmor.security.", "seccomp.security.", "container.seccomp.security.")
"""Old ways to say what a pod's security context says."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """Empty: nothing."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    pull_secrets: tuple[str, ...] = ()
    priority_class: str = ""
    runtime_class: str = ""


def is_ours(name: str) -> bool:
    """Whether a label or an annotation is one that Tovi itself sets and relies on, or says what Tovi decides."""
    return name.startswith((*_OURS, *_OF_SECURITY))
