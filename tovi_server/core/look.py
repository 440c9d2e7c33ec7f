"""How times and amounts appear to one reader: their clock, zone and terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tovi_server.core.durations import format_duration, parse_duration
from tovi_server.core.errors import UsageError
from tovi_server.core.resources import format_bytes, format_cpus
from tovi_server.core.views import Requested

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Look:
    """`columns` is None without a terminal: then nothing is cut."""

    now: datetime
    zone: tzinfo = UTC
    colour: bool = False
    columns: int | None = None

    def when(self, time: datetime | None) -> str:
        """Short: `3m ago`, past a day `Mon 14:05`, past a week the date."""
        if time is None:
            return NOTHING
        away = self.now - time
        if timedelta() <= away < SECOND:
            return "now"
        if abs(away) < DAY:
            return f"{format_duration(away)} ago" if away >= timedelta() else f"in {format_duration(-away)}"
        local = time.astimezone(self.zone)
        return f"{local:%a %H:%M}" if timedelta() < away < WEEK else f"{local:%Y-%m-%d}"

    def exact(self, time: datetime | None) -> str:
        """To the second, in the reader's zone."""
        return NOTHING if time is None else f"{time.astimezone(self.zone):%Y-%m-%d %H:%M:%S %Z}"

    def length(self, start: datetime | None, end: datetime | None) -> str:
        """From start to end, or until now."""
        return NOTHING if start is None else format_duration((end or self.now) - start)

    def moment(self, text: str) -> datetime:
        """Read what a person typed for a time: `2h` (ago), `2026-01-31` or `2026-01-31T14:05`.

        Without a zone it is in the reader's.

        Raises:
            UsageError: it is neither.
        """
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            return self.now - self._ago(text)
        try:
            return (time if time.tzinfo else time.replace(tzinfo=self.zone)).astimezone(UTC)
        except OverflowError as error:
            raise UsageError(f'"{text}" is out of range') from error

    def _ago(self, text: str) -> timedelta:
        try:
            return parse_duration(text)
        except UsageError as error:
            raise UsageError(
                f'"{text}" is not a time', why="a time is 2h (ago), 2026-01-31 or 2026-01-31T14:05"
            ) from error


def zone_of(environment: Mapping[str, str]) -> tzinfo:
    """The zone that TZ names; UTC when it names none that is known here."""
    name = environment.get("TZ", "").removeprefix(":")
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return UTC


def asked(request: Requested | None) -> str:
    """A request in a cell: `4 cpu 16 GiB 1 h100`."""
    if request is None:
        return NOTHING
    text = f"{format_cpus(request.cpu_millicores)} cpu {format_bytes(request.memory_bytes)}"
    return f"{text} {request.gpus} {request.gpu or 'gpu'}" if request.gpus else text
