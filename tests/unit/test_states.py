"""The one table of states and events."""

from __future__ import annotations

import pytest

from tovi_server.core.events import Kind
from tovi_server.core.states import ACTIVE, FINAL, TRANSITIONS, InvalidTransitionError, TaskState, next_state

PAIRS = [(state, kind) for state in TaskState for kind in Kind]
ALLOWED = [(state, kind) for state, kind in PAIRS if kind in TRANSITIONS[state]]
REFUSED = [(state, kind) for state, kind in PAIRS if kind not in TRANSITIONS[state]]

ENDS = {
    Kind.SUCCEEDED: TaskState.SUCCEEDED,
    Kind.FAILED: TaskState.FAILED,
    Kind.CANCELLED: TaskState.CANCELLED,
    Kind.REQUEUED: TaskState.QUEUED,
}


def test_every_state_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(TaskState)


@pytest.mark.parametrize(("state", "kind"), REFUSED)
def test_what_is_not_in_the_table_names_state_and_event(state: TaskState, kind: Kind) -> None:
    with pytest.raises(InvalidTransitionError, match=f"a task that is {state} cannot be {kind}"):
        next_state(state, kind)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_what_is_final_stays_final(state: TaskState) -> None:
    assert (state.is_final, TRANSITIONS[state]) == (True, {})


@pytest.mark.parametrize("state", sorted(ACTIVE))
@pytest.mark.parametrize(("kind", "expected"), ENDS.items())
def test_an_attempt_under_way_can_end_in_any_way(state: TaskState, kind: Kind, expected: TaskState) -> None:
    assert next_state(state, kind) is expected


@pytest.mark.parametrize("state", sorted(set(TaskState) - FINAL - ACTIVE))
@pytest.mark.parametrize("kind", ENDS)
def test_what_has_no_attempt_cannot_end_as_one(state: TaskState, kind: Kind) -> None:
    assert (state, kind) in REFUSED


@pytest.mark.parametrize("state", sorted(set(TaskState) - FINAL))
def test_holding_changes_no_state(state: TaskState) -> None:
    assert [next_state(state, kind) for kind in (Kind.HELD, Kind.RELEASED)] == [state, state]


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ([Kind.QUEUED, Kind.DISPATCHED, Kind.STARTED, Kind.SUCCEEDED], TaskState.SUCCEEDED),
        ([Kind.QUEUED, Kind.DISPATCHED, Kind.STARTED, Kind.REQUEUED, Kind.DISPATCHED, Kind.FAILED], TaskState.FAILED),
        ([Kind.QUEUED, Kind.DISPATCHED, Kind.CANCEL_REQUESTED, Kind.STARTED, Kind.CANCELLED], TaskState.CANCELLED),
        ([Kind.QUEUED, Kind.CANCEL_REQUESTED], TaskState.CANCELLED),
        ([Kind.CANCEL_REQUESTED], TaskState.CANCELLED),
        ([Kind.SKIPPED], TaskState.SKIPPED),
    ],
)
def test_lives_of_tasks(path: list[Kind], end: TaskState) -> None:
    state = TaskState.WAITING
    for kind in path:
        state = next_state(state, kind)
    assert state is end


def test_every_state_can_be_reached_and_left_for_an_end() -> None:
    reached = {TaskState.WAITING} | {next_state(state, kind) for state, kind in ALLOWED}
    assert reached == set(TaskState)
