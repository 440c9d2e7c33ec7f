"""The line over a log, and what stands before its lines."""

from __future__ import annotations

from dataclasses import dataclass

from tovi_server.core.look import Look
from tovi_server.core.resources import format_bytes
from tovi_tui.logs.lines import LogLine
from tovi_tui.logs.rows import Lead
from tovi_tui.text.span import Line, Span, Tone, line

_DAY_TIME = "%H:%M:%S"


@dataclass(frozen=True, slots=True)
class Standing:
    """How one log is looked at now."""

    name: str
    size: int
    place: int
    """The first byte in sight."""
    is_front: bool
    """Whether it has the keys, beside others."""
    is_following: bool
    is_final: bool
    state: str
    """Of its task, once that is known."""
    new_bytes: int
    """Written since it was paused."""
    matches: str
    """How many of what was searched for; empty: nothing was searched for."""
    searched: float


def title_of(log: Standing) -> Line:
    """What matters most is at the left: a narrow window cuts the rest."""
    told = f" {format_bytes(log.size)}" if log.size else " nothing is written yet"
    if log.is_final and not log.size:
        told = " nothing was written"
    elif log.size and not log.is_following:
        told += f" · at {100 * log.place // log.size} %"
    if log.matches:
        told += f" · {log.matches}"
    if log.searched < 1:
        told += f" · searched {int(100 * log.searched)} %"
    name = Span(f"▸{log.name}" if log.is_front else f" {log.name}", Tone.ACCENT if log.is_front else Tone.BOLD)
    return line(name, " · ", _doing(log), Span(f" ·{told}", Tone.DIM))


def _doing(log: Standing) -> Span:
    new = f", {format_bytes(log.new_bytes)} new" if log.new_bytes else ""
    if log.is_final:
        return Span(f"ended: {log.state}" if log.state else "ended", Tone.DIM)
    return Span("following", Tone.BUSY) if log.is_following else Span(f"paused{new}", Tone.WAIT)


def lead_of(look: Look, *, is_timed: bool, is_named: bool, has_both: bool) -> Lead:
    """When a line was written, of which task it is, and a mark at what is err."""

    def lead(one: LogLine) -> Line:
        task, _, stream = one.source.rpartition(" ")
        time = f"{one.at.astimezone(look.zone):{_DAY_TIME}} " if one.at else f"{'':9}"
        name = Span(f"{task} ", Tone.DIM) if is_named else Span("")
        mark = Span("err " if stream == "err" else "    ", Tone.BAD) if has_both else Span("")
        return tuple(span for span in (Span(time if is_timed else "", Tone.DIM), name, mark) if span.text)

    return lead
