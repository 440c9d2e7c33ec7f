"""Taints of nodes that tasks run on all the same. Semantics of
https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/.
"""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from k8s.pods import Json
from tovi_server.core.setting import Section


class Toleration(Section):
    """A taint of nodes that tasks run on all the same, as Kubernetes writes it."""

    key: str = ""
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""

    @model_validator(mode="after")
    def _can_be_in_a_pod(self) -> Toleration:
        if not self.key and self.operator != "Exists":
            raise ValueError('without a key it tolerates everything, and says operator = "Exists"')
        if self.value and self.operator == "Exists":
            raise ValueError('with operator = "Exists" it has no value')
        return self

    def tolerates(self, taint: Json) -> bool:
        if self.effect and self.effect != taint["effect"]:
            return False
        if self.operator == "Exists":
            return self.key in ("", taint["key"])
        return bool(self.key == taint["key"] and self.value == taint.get("value", ""))
