"""Every key of the job language: where it belongs, and which of them are known but cannot be done yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

JOB: Final = ("tovi", "name", "project", "queue", "priority", "tags")
"""Of the whole job."""

SHARED: Final = ("params", "env", "data")
"""Of the whole job, for all stages, and of a stage for itself."""

DEFAULTS: Final = ("image", "setup", "setup_files", "resources", "timeout", "retries", "max_concurrent")
"""Of a stage, or in `defaults` for all that do not say otherwise."""

OWN: Final = ("run", "matrix", "array", "outputs", "metrics", "needs", "inputs", "nodes")
"""Of one stage alone."""

STAGE: Final = (*SHARED, *DEFAULTS, *OWN)
ONE_STAGE_JOB: Final = (*JOB, "defaults", "stages", *STAGE)
STAGES_JOB: Final = (*JOB, "defaults", "stages", *SHARED)

RESOURCES: Final = ("cpus", "memory", "disk", "gpus", "gpu")
RETRIES: Final = ("max", "when")

JOB_LATER: Final[Mapping[str, str]] = {"secrets": "secrets", "notify": "notifications"}
STAGE_LATER: Final[Mapping[str, str]] = {
    "cache": "reuse of earlier outputs",
    "checkpoint": "checkpoints",
    "fail_fast": "stopping the rest at the first failure",
    "launcher": "launchers of multi-node tasks",
    "preemptible": "preemption",
    "secrets": "secrets",
    "tolerate": "fan-in over failed tasks",
    "when": "conditions",
}
RESOURCES_LATER: Final[Mapping[str, str]] = {"any_of": "alternative requests"}
RETRIES_LATER: Final[Mapping[str, str]] = {"grow_memory": "growing memory", "backoff": "waiting between tries"}
MATRIX_LATER: Final[Mapping[str, str]] = {"from": "a matrix from a table of values"}
