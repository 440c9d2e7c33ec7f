"""Writing logs: raw bytes of one task, or lines with the task, the time, or both before them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from tovi_cli import output_json
from tovi_cli.call import Call
from tovi_cli.log_text import RESET, Lines, SafeText, safe_colours
from tovi_server.api import LogOptions
from tovi_server.core.closing import closed_after
from tovi_server.core.ids import Reference
from tovi_server.core.reasons import Reason, WaitReason
from tovi_server.core.safe import safe_line
from tovi_server.core.states import TaskState
from tovi_server.core.views import Details, LogPiece

UNKNOWN_TIME = "-"
_NOT_STARTED = frozenset({TaskState.WAITING, TaskState.QUEUED})


@dataclass(frozen=True, slots=True)
class LogForm:
    """How lines are written."""

    timestamps: bool = False
    jsonl: bool = False


@dataclass(frozen=True, slots=True)
class _Named:
    """What was asked after; `single` when it is one task."""

    state: str
    reason: Reason | None
    single: bool


@dataclass(slots=True)
class _Source:
    """One stream of one task, under way."""

    lines: Lines = field(default_factory=Lines)
    at: datetime | None = None


async def show_log(call: Call, reference: Reference, options: LogOptions, form: LogForm) -> None:
    """Write the log until it ends; where there is none, say why on standard error."""
    named = _named(reference, await call.api.show(reference, limit=1))
    if options.follow and named.state in _NOT_STARTED and named.reason and named.reason.code != WaitReason.NEXT:
        await call.say(f"{reference} is {named.state}: {named.reason.message}")
    pieces = call.api.logs(reference, options)
    async with closed_after(pieces):
        if named.single and not form.timestamps and not form.jsonl:
            told = await _whole(call, pieces)
        else:
            told = await _by_line(call, pieces, form, named=not named.single)
    if not told and options == LogOptions():
        await call.say(f"{reference} is {named.state}, and has printed nothing")


def _named(reference: Reference, details: Details) -> _Named:
    """What `reference` stands for, of the details that came for it."""
    job = details.job
    if reference.index is not None:
        task = details.tasks[0]
        return _Named(task.state, task.reason, single=True)
    if reference.stage is None:
        return _Named(job.state, job.reason, single=job.tasks_total == 1)
    stage = next(stage for stage in job.stages if stage.name == reference.stage)
    return _Named(stage.state, None, single=stage.tasks_total == 1)


async def _whole(call: Call, pieces: AsyncIterator[LogPiece]) -> bool:
    """False when there was nothing to write."""
    if call.streams.columns is not None:
        return await _as_text(call, pieces)
    told = False
    async for piece in pieces:
        await call.streams.write(piece.data)
        told = True
    return told


async def _as_text(call: Call, pieces: AsyncIterator[LogPiece]) -> bool:
    texts: dict[str, SafeText] = {}
    async for piece in pieces:
        await call.put(texts.setdefault(piece.stream, SafeText()).feed(piece.data))
    for text in texts.values():
        await call.put(text.end())
    return bool(texts)


async def _by_line(call: Call, pieces: AsyncIterator[LogPiece], form: LogForm, *, named: bool) -> bool:
    """False when there was nothing to write."""
    sources: dict[tuple[str, str], _Source] = {}
    async for piece in pieces:
        source = sources.setdefault((piece.task, piece.stream), _Source())
        source.at = piece.at
        await _write(call, source.lines.feed(piece.data), piece, form, named=named)
    for (task, stream), source in sources.items():
        last = LogPiece(task, stream, b"", source.at)
        await _write(call, source.lines.end(), last, form, named=named)
    return bool(sources)


async def _write(call: Call, lines: list[bytes], piece: LogPiece, form: LogForm, *, named: bool) -> None:
    if form.jsonl:
        text = "".join(_document(line, piece) for line in lines)
    else:
        before = _before(piece, form, named=named)
        text = "".join(_line(line, before) for line in lines)
    if text:
        await call.put(text)


def _before(piece: LogPiece, form: LogForm, *, named: bool) -> str:
    words = []
    if form.timestamps:
        words.append(output_json.iso(piece.at) if piece.at else UNKNOWN_TIME)
    if named:
        words.append(f"{safe_line(piece.task)} |")
    return " ".join(words) + " "


def _line(line: bytes, before: str) -> str:
    parts = safe_colours(line.decode("utf-8", "backslashreplace").rstrip("\r")).split("\n")
    return "".join(f"{before}{part}{RESET if chr(27) in part else ''}\n" for part in parts)


def _document(line: bytes, piece: LogPiece) -> str:
    text = line.decode("utf-8", "backslashreplace")
    at = output_json.iso(piece.at) if piece.at else None
    return (
        output_json.line({"schema": "tovi.log/1", "task": piece.task, "stream": piece.stream, "at": at, "text": text})
        + "\n"
    )
