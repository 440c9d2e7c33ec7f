"""Writing logs: raw bytes of one task, or lines with the task, the time, or both before them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from tovi_cli import output_json
from tovi_cli.call import Call
from tovi_cli.closing import closed_after
from tovi_cli.log_text import RESET, Lines, SafeText, safe_colours
from tovi_server.api import LogOptions
from tovi_server.core.ids import Reference
from tovi_server.core.safe import safe_line
from tovi_server.core.views import LogPiece

UNKNOWN_TIME = "-"


@dataclass(frozen=True, slots=True)
class LogForm:
    """How lines are written."""

    timestamps: bool = False
    jsonl: bool = False


@dataclass(slots=True)
class _Source:
    """One stream of one task, under way."""

    lines: Lines = field(default_factory=Lines)
    at: datetime | None = None


async def show_log(call: Call, reference: Reference, options: LogOptions, form: LogForm) -> None:
    """Write the log until it ends."""
    single = await _is_one_task(call, reference)
    pieces = call.api.logs(reference, options)
    async with closed_after(pieces):
        if single and not form.timestamps and not form.jsonl:
            await _whole(call, pieces)
        else:
            await _by_line(call, pieces, form, named=not single)


async def _is_one_task(call: Call, reference: Reference) -> bool:
    if reference.index is not None:
        return True
    job = (await call.api.show(reference, limit=1)).job
    if reference.stage is None:
        return job.tasks_total == 1
    return any(stage.name == reference.stage and stage.tasks_total == 1 for stage in job.stages)


async def _whole(call: Call, pieces: AsyncIterator[LogPiece]) -> None:
    if call.streams.columns is None:
        async for piece in pieces:
            await call.streams.write(piece.data)
        return
    texts: dict[str, SafeText] = {}
    async for piece in pieces:
        await call.put(texts.setdefault(piece.stream, SafeText()).feed(piece.data))
    for text in texts.values():
        await call.put(text.end())


async def _by_line(call: Call, pieces: AsyncIterator[LogPiece], form: LogForm, *, named: bool) -> None:
    sources: dict[tuple[str, str], _Source] = {}
    async for piece in pieces:
        source = sources.setdefault((piece.task, piece.stream), _Source())
        source.at = piece.at
        await _write(call, source.lines.feed(piece.data), piece, form, named=named)
    for (task, stream), source in sources.items():
        last = LogPiece(task, stream, b"", source.at)
        await _write(call, source.lines.end(), last, form, named=named)


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
