"""What an end means: from what is known of it to the report. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from scheduler.local.control import Exit
from tovi_server.core.events import Exited, Lost, Usage
from tovi_server.core.ids import AttemptId
from tovi_server.core.reasons import EndReason

KILLED: Final = 137
_FIRST_SIGNAL, _LAST_SIGNAL = 129, 192
_LOST: Final = "it ended while no server watched, and what watched over it was ended too"


def judged(ended: Exit, *, cause: EndReason | None, ran_out_of_memory: bool) -> Exit:
    """With its reason: what it was ended for comes before what its exit code says."""
    if cause is not None:
        return replace(ended, reason=cause)
    if ended.reason:
        return ended
    if ran_out_of_memory:
        return replace(ended, reason=EndReason.OUT_OF_MEMORY)
    return replace(ended, reason=of_exit_code(ended.exit_code))


def of_exit_code(code: int | None) -> EndReason:
    match code:
        case 0:
            return EndReason.OK
        case int() if _FIRST_SIGNAL <= code <= _LAST_SIGNAL:
            return EndReason.SIGNAL
        case _:
            return EndReason.ERROR


def of_status(status: int) -> Exit:
    """Of a shim that wrote nothing: its own wait status is the program's, unless something ended the shim."""
    if status < 0:
        return Exit(128 - status, "", f"what watched over it was ended by signal {-status}")
    return Exit(status, "")


def unclaimed(why: str) -> Exit:
    """Of a shim that could not even note that it is there, and so started nothing."""
    return Exit(None, EndReason.START_FAILED, f"it could not be claimed: {why}")


def report(attempt: AttemptId, ended: Exit | None, *, now: datetime) -> Exited | Lost:
    """What is told of an end that was noted, or was not."""
    if ended is None:
        return Lost(attempt, now, _LOST)
    return Exited(
        attempt=attempt,
        at=now if ended.at is None else datetime.fromtimestamp(ended.at, UTC),
        reason=EndReason(ended.reason),
        exit_code=ended.exit_code,
        message=ended.message,
        usage=Usage(ended.cpu_s, ended.memory_bytes),
    )


def start_failed(attempt: AttemptId, message: str, *, now: datetime) -> Exited:
    return Exited(attempt, now, EndReason.START_FAILED, None, message)
