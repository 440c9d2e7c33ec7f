"""What an admin adds to the pods of one project: a few things that widen nobody's rights."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from tovi_server.core.setting import Section

_OURS: Final = ("tovi.dev/", "app.kubernetes.io/managed-by")
_OF_SECURITY: Final = ("container.apparmor.security.", "seccomp.security.", "container.seccomp.security.")
"""Old ways to say what a pod's security context says."""


def is_ours(name: str) -> bool:
    """Whether a label or an annotation is one that Tovi itself sets and relies on, or says what Tovi decides."""
    return name.startswith((*_OURS, *_OF_SECURITY))


def _not_ours(given: dict[str, str]) -> dict[str, str]:
    for name in given:
        if is_ours(name):
            raise ValueError(f'"{name}" is set by Tovi itself')
    return given


_Names = Annotated[dict[str, str], AfterValidator(_not_ours)]


class Overlay(Section):
    """What the pods of one project have beside what all have."""

    labels: _Names = Field(default_factory=dict)
    annotations: _Names = Field(default_factory=dict)
    image_pull_secrets: tuple[str, ...] = ()
    priority_class: str = ""
    runtime_class: str = ""
