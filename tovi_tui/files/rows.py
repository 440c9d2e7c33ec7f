"""One file as a row."""

from __future__ import annotations

from typing import Final

from tovi_server.core.look import Look
from tovi_server.core.resources import format_bytes
from tovi_server.core.views import FileView
from tovi_tui.text.columns import Column
from tovi_tui.text.span import Line, Span, Tone, line

COLUMNS: Final[tuple[Column[FileView], ...]] = (
    Column("name", "NAME", lambda file, look: _name(file), 16, grow=1),
    Column("size", "SIZE", lambda file, look: _size(file), 10, right=True),
    Column("changed", "CHANGED", lambda file, look: _changed(file, look), 10, drop=1),
)


def is_folder(file: FileView) -> bool:
    return file.path.endswith("/")


def joined(folder: str, name: str) -> str:
    """The path of something in a folder; the top is empty."""
    return f"{folder}/{name}".strip("/")


def above(path: str) -> str:
    """The folder that a path is in; of the top the top."""
    return path.rpartition("/")[0]


def _name(file: FileView) -> Line:
    return line(Span(file.path, Tone.ACCENT if is_folder(file) else Tone.PLAIN))


def _size(file: FileView) -> Line:
    return line(Span("" if is_folder(file) else format_bytes(file.size_bytes), Tone.DIM))


def _changed(file: FileView, look: Look) -> Line:
    return line(Span("" if file.modified_at is None else look.when(file.modified_at), Tone.DIM))
