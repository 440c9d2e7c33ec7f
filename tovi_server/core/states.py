"""Everything that decides how a task moves from state to state is in this file.

One table says which event may meet a task in which state, and what the task becomes. Whatever is not in
the table is a bug and raises. Stale reports never get here: `JobStore.apply` drops events that name
another attempt than the task's newest.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from tovi_server.core.errors import InvariantError
from tovi_server.core.events import Kind


class TaskState(StrEnum):
    """Where a task is in its life; why it is there is a reason, not a state."""

    WAITING = "waiting"
    """Other stages must end first."""
    QUEUED = "queued"
    """It could start; the scheduler looks for a place."""
    STARTING = "starting"
    """A place is chosen and recorded; the executor has been told, or will be."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    """It will not run, because a stage it needs did not succeed."""

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL: Final = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED, TaskState.SKIPPED})
ACTIVE: Final = frozenset({TaskState.STARTING, TaskState.RUNNING})

TRANSITIONS: Final[Mapping[TaskState, Mapping[Kind, TaskState]]] = MappingProxyType(
    {
        TaskState.WAITING: {
            Kind.QUEUED: TaskState.QUEUED,
            Kind.SKIPPED: TaskState.SKIPPED,
            Kind.CANCEL_REQUESTED: TaskState.CANCELLED,
            Kind.HELD: TaskState.WAITING,
            Kind.RELEASED: TaskState.WAITING,
        },
        TaskState.QUEUED: {
            Kind.DISPATCHED: TaskState.STARTING,
            Kind.SKIPPED: TaskState.SKIPPED,
            Kind.CANCEL_REQUESTED: TaskState.CANCELLED,
            Kind.HELD: TaskState.QUEUED,
            Kind.RELEASED: TaskState.QUEUED,
        },
        TaskState.STARTING: {
            Kind.DELAYED: TaskState.STARTING,
            Kind.STARTED: TaskState.RUNNING,
            Kind.SUCCEEDED: TaskState.SUCCEEDED,
            Kind.FAILED: TaskState.FAILED,
            Kind.REQUEUED: TaskState.QUEUED,
            Kind.CANCELLED: TaskState.CANCELLED,
            Kind.CANCEL_REQUESTED: TaskState.STARTING,
            Kind.HELD: TaskState.STARTING,
            Kind.RELEASED: TaskState.STARTING,
        },
        TaskState.RUNNING: {
            Kind.DELAYED: TaskState.RUNNING,
            Kind.STARTED: TaskState.RUNNING,
            Kind.SUCCEEDED: TaskState.SUCCEEDED,
            Kind.FAILED: TaskState.FAILED,
            Kind.REQUEUED: TaskState.QUEUED,
            Kind.CANCELLED: TaskState.CANCELLED,
            Kind.CANCEL_REQUESTED: TaskState.RUNNING,
            Kind.HELD: TaskState.RUNNING,
            Kind.RELEASED: TaskState.RUNNING,
        },
        TaskState.SUCCEEDED: {},
        TaskState.FAILED: {},
        TaskState.CANCELLED: {},
        TaskState.SKIPPED: {},
    }
)


class InvalidTransitionError(InvariantError):
    """An event met a task in a state that the table does not allow."""

    def __init__(self, state: TaskState, kind: Kind) -> None:
        super().__init__(f"a task that is {state} cannot be {kind}")
        self.state = state
        self.kind = kind


def next_state(state: TaskState, kind: Kind) -> TaskState:
    """What a task in `state` becomes when an event of `kind` happens to it.

    Raises:
        InvalidTransitionError: the table has no such entry.
    """
    try:
        return TRANSITIONS[state][kind]
    except KeyError:
        raise InvalidTransitionError(state, kind) from None
