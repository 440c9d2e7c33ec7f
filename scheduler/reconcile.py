"""What the store believes to be under way against what was done about it. Pure, and looked at again and again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from scheduler.snapshot import Active
from tovi_server.core.ids import AttemptId

_PAUSES_S: Final = (1, 2, 4, 8, 16, 30)


def pause(tries: int) -> timedelta:
    """How long to wait after this many failures before the one that just was."""
    return timedelta(seconds=_PAUSES_S[min(tries, len(_PAUSES_S) - 1)])


class Phase(Enum):
    """How far an attempt is with this scheduler."""

    WAITING = auto()
    """To be handed over, now or when its pause is over."""
    PREPARING = auto()
    HANDED = auto()
    """The executor has it; its end will be reported."""
    ENDED = auto()
    """Its end is known, and is being recorded."""


@dataclass(frozen=True, slots=True)
class Charge:
    """An attempt under way, and what this scheduler did about it."""

    active: Active
    phase: Phase = Phase.WAITING
    may_run: bool = False
    """The executor may know it: an earlier scheduler dispatched it, or a start was tried."""
    tries: int = 0
    """How often handing it over went wrong."""
    not_before: datetime | None = None
    """When it may be tried again; None: at once."""
    delayed_by: str = ""
    """What was last told of why it could not be handed over."""

    def after_failure(self, now: datetime) -> Charge:
        """Waiting again, each time longer."""
        return replace(self, phase=Phase.WAITING, tries=self.tries + 1, not_before=now + pause(self.tries))


@dataclass(frozen=True, slots=True)
class Steps:
    """What is to be done now. Each step may be taken again without harm."""

    new: tuple[Active, ...] = ()
    """Of an earlier scheduler, or of a dispatch whose answer was lost: hand them over."""
    hand_over: tuple[AttemptId, ...] = ()
    stop: tuple[AttemptId, ...] = ()
    cancel: tuple[AttemptId, ...] = ()
    """Never started, and not wanted any more."""
    forget: tuple[AttemptId, ...] = ()
    """Ended, and recorded."""


def reconcile(active: Iterable[Active], charges: Mapping[AttemptId, Charge], *, now: datetime) -> Steps:
    """Compare. `active` was read after whatever the charges tell of was recorded."""
    believed = {one.attempt: one for one in active}
    known = [replace(charge, active=believed[key]) for key, charge in charges.items() if key in believed]
    waiting = [charge for charge in known if charge.phase is Phase.WAITING]
    unwanted = {charge.active.attempt for charge in waiting if _never_starts(charge)}
    return Steps(
        new=tuple(one for key, one in believed.items() if key not in charges),
        hand_over=tuple(
            one.active.attempt for one in waiting if one.active.attempt not in unwanted and _is_due(one, now)
        ),
        stop=tuple(one.active.attempt for one in known if one.phase is Phase.HANDED and one.active.cancel_requested),
        cancel=tuple(unwanted),
        forget=tuple(key for key in charges if key not in believed),
    )


def _never_starts(charge: Charge) -> bool:
    return charge.active.cancel_requested and not charge.may_run


def _is_due(charge: Charge, now: datetime) -> bool:
    return charge.not_before is None or charge.not_before <= now
