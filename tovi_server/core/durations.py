"""Lengths of time as people write them: `90s`, `30m`, `4h`, `2d12h`, and nothing else."""

from __future__ import annotations

import re
from datetime import timedelta

from tovi_server.core.errors import UsageError

LONGEST = timedelta(days=3650)

_UNITS_S = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """The length that `text` says, at least a second.

    Raises:
        UsageError: the text is of another form, zero, or longer than `LONGEST`.
    """
    match = _DURATION.fullmatch(text)
    seconds = 0
    if match is not None:
        seconds = sum(int(count or 0) * unit for count, unit in zip(match.groups(), _UNITS_S.values(), strict=True))
    if seconds == 0:
        raise UsageError(f'"{text}" is not a duration', why="a duration is written 90s, 30m, 4h or 2d12h")
    if seconds > LONGEST.total_seconds():
        raise UsageError(f'"{text}" is too long', why=f"the longest duration is {LONGEST.days}d")
    return timedelta(seconds=seconds)


def format_duration(length: timedelta) -> str:
    """The two largest units of a length, as in `3h12m`; below a second `0s`, negative lengths too."""
    rest = max(0, int(length.total_seconds()))
    parts: list[str] = []
    for unit, size in _UNITS_S.items():
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count}{unit}")
    shown = [part for part in parts[:2] if not part.startswith("0")]
    return "".join(shown) or "0s"
