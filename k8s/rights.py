"""The rights that Tovi's account needs in the cluster: which, what for, and the rule that gives each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from k8s.binding import Binding
from tovi_server.core.findings import Finding, fine, short

_REVIEW: Final = "authorization.k8s.io/v1"
_OF_PODS: Final = {
    "create": "no task starts",
    "get": "a start whose answer got lost cannot be told from none",
    "list": "tasks are not seen",
    "watch": "what becomes of tasks is not seen",
    "delete": "no task can be cancelled, nor any pod removed",
    "patch": "no task can be cancelled, nor any pod removed",
}
_OF_ALL: Final = {
    "get": "a node that is gone cannot be told from one that is silent",
    "list": "room is not known, so nothing starts",
    "watch": "changes are seen minutes late",
}


@dataclass(frozen=True, slots=True)
class Right:
    verb: str
    resource: str
    namespace: str
    """Empty: in all of them, or of what has none."""
    without: str
    """What happens where it is missing."""

    @property
    def review(self) -> dict[str, Any]:
        """The question whether the account that asks has it. Everybody may ask that."""
        resource, _, subresource = self.resource.partition("/")
        asked = {
            "namespace": self.namespace,
            "verb": self.verb,
            "group": "",
            "resource": resource,
            "subresource": subresource,
        }
        return {
            "apiVersion": _REVIEW,
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {name: text for name, text in asked.items() if text}},
        }


def needed(namespace: str, binding: Binding) -> tuple[Right, ...]:
    """All of them, where tasks are in this namespace."""
    return (
        *(Right(verb, "pods", namespace, without) for verb, without in _OF_PODS.items()),
        Right("list", "events", namespace, "why a pod does not start cannot be told"),
        *([Right("create", "pods/binding", namespace, "no task gets its node")] if binding is Binding.API else []),
        *(Right(verb, resource, "", without) for resource in ("nodes", "pods") for verb, without in _OF_ALL.items()),
    )


def findings(rights: Sequence[Right], allowed: Sequence[bool]) -> Iterator[Finding]:
    """One for all rights to a resource that are there, and one for each that is not."""
    groups = dict.fromkeys((one.resource, one.namespace) for one in rights)
    for resource, namespace in groups:
        group = [
            (one, has)
            for one, has in zip(rights, allowed, strict=True)
            if (one.resource, one.namespace) == (resource, namespace)
        ]
        if there := [one.verb for one, has in group if has]:
            yield fine("rights", f"{', '.join(there)} {_place(resource, namespace)}")
        yield from (_missing(one) for one, has in group if not has)


def _missing(right: Right) -> Finding:
    what = f"{right.verb} {_place(right.resource, right.namespace)}"
    where = (
        f"the Role of Tovi's account in {right.namespace}" if right.namespace else "the ClusterRole of Tovi's account"
    )
    rule = f'- apiGroups: [""]\n  resources: [{right.resource}]\n  verbs: [{right.verb}]'
    return short(
        "rights", f"Tovi lacks the right to {what}: without it {right.without}", f"add to the rules of {where}:\n{rule}"
    )


def _place(resource: str, namespace: str) -> str:
    if namespace:
        return f"{resource} in {namespace}"
    return f"{resource} in all namespaces" if resource == "pods" else resource
