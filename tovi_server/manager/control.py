"""Cancel, hold and release: asked of the store, which changes what is still to be changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tovi_server.core import views
from tovi_server.core.events import Kind
from tovi_server.core.ids import Reference
from tovi_server.core.states import ACTIVE, TaskState
from tovi_server.manager import part as parts
from tovi_server.manager.access import need_job, need_job_to_change
from tovi_server.manager.desk import Desk
from tovi_server.manager.part import Part, narrow

_DID: Final = {Kind.HELD: "held", Kind.RELEASED: "released"}


async def request(desk: Desk, kind: Kind, targets: Sequence[Reference]) -> tuple[views.Controlled, ...]:
    """Do it to all, after every one of them was found allowed: a list with one foreign id changes nothing."""
    for target in targets:
        narrow(await need_job_to_change(desk, target.job), target)
    done = tuple([await _request_one(desk, kind, target) for target in targets])
    desk.ring()
    return done


async def _request_one(desk: Desk, kind: Kind, target: Reference) -> views.Controlled:
    await need_job_to_change(desk, target.job)
    changed = await desk.jobs.request(kind, target, user=desk.caller.user, now=desk.clock.now())
    part = narrow(await need_job(desk, target.job), target)
    state, active = await _now(desk, part)
    if not changed:
        return views.Controlled(str(target), "unchanged", _unchanged(kind, state, target, part))
    if kind is not Kind.CANCEL_REQUESTED:
        return views.Controlled(str(target), _DID[kind], _counted(changed))
    if active:
        return views.Controlled(str(target), "cancelling", f"{_counted(active)} still running, told to end")
    if not _is_cancelled(part, state):  # it ended of itself before it could be told to
        return views.Controlled(str(target), "unchanged", _unchanged(kind, state, target, part))
    return views.Controlled(str(target), "cancelled", _counted(changed))


def _is_cancelled(part: Part, state: TaskState) -> bool:
    """Whether any task of the part was."""
    if part.index is not None:
        return state is TaskState.CANCELLED
    return any(stage.counts.cancelled for stage in part.stages)


async def _now(desk: Desk, part: Part) -> tuple[TaskState, int]:
    """The state of the part, and how many of its tasks hold a place on a machine."""
    state = await parts.state_of(desk.jobs, part)
    if part.index is not None:
        return state, int(state in ACTIVE)
    return state, sum(stage.counts.active for stage in part.stages)


def _unchanged(kind: Kind, state: TaskState, target: Reference, part: Part) -> str:
    if state.is_final:
        return f"it is {state.value} already"
    if kind is Kind.RELEASED and (above := _held_above(target, part)):
        return f"{above} is held; `release {above}` lets all of it go on"
    return {Kind.CANCEL_REQUESTED: "it is being cancelled", Kind.HELD: "it is held"}.get(kind, "it is not held")


def _held_above(target: Reference, part: Part) -> str:
    """The id of what holds the target together with more than it; empty when nothing does."""
    if target.stage is None:
        return ""
    if part.job.held:
        return str(target.job)
    return f"{target.job}.{target.stage}" if target.index is not None and part.stages[0].held else ""


def _counted(tasks: int) -> str:
    return f"{tasks} task{'' if tasks == 1 else 's'}"
