"""A container's last message: the script's hint, `told` and the line `used MICROSECONDS BYTES`. Pure.

The task may have written anything there.
"""

from __future__ import annotations

from typing import Final

from tovi_server.core.events import Usage

_USED: Final = "used"
_TOLD: Final = "told"
_MOST_DIGITS: Final = 18
"""No number that they make is too large for what comes after."""


def hint(message: str) -> str:
    """What refines the end (`core.hint`); empty: nothing."""
    return next((line for line in message.splitlines() if line != _TOLD and not _is_usage(line)), "")


def was_told(message: str) -> bool:
    """Whether the script was told to end while its program ran: by the kubelet, or by the program itself."""
    return _TOLD in message.splitlines()


def used(message: str) -> Usage:
    """The last that was noted."""
    noted = [line.split(" ") for line in message.splitlines() if _is_usage(line)]
    if not noted:
        return Usage()
    _, cpu, peak = noted[-1]
    micros = _number(cpu)
    return Usage(None if micros is None else micros / 1e6, _number(peak))


def _is_usage(line: str) -> bool:
    return line.startswith(f"{_USED} ") and line.count(" ") == 2


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None
