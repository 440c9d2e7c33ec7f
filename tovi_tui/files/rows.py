"""One file as a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tovi_server.core.look import Look
from tovi_server.core.resources import format_bytes
from tovi_server.core.views import DatasetView, FileView
from tovi_tui.text.columns import Column
from tovi_tui.text.span import Line, Span, Tone, line

Datasets = Mapping[str, DatasetView]
"""By the names of their folders."""


def columns(datasets: Datasets) -> tuple[Column[FileView], ...]:
    """Of a folder; where there are datasets in it, with what they hold."""
    held: Column[FileView] = Column("files", "FILES", lambda file, look: _files(file, datasets), 8, right=True)
    return (
        Column("name", "NAME", lambda file, look: _name(file), 16, grow=1),
        *([held] if datasets else []),
        Column("size", "SIZE", lambda file, look: _size(file, datasets), 10, right=True),
        Column("changed", "CHANGED", lambda file, look: _changed(file, look), 10, drop=1),
    )


def named(files: Iterable[FileView], part: str) -> list[FileView]:
    """Those with that in their name, capital letters or not."""
    return [file for file in files if part.lower() in file.path.lower()]


def nothing(part: str, upload: str) -> list[Line]:
    """Where no name is: none with that part in it, or none at all, which `upload` would change where it may."""
    if part:
        return [line(f' nothing here has "{part}" in its name')]
    if not upload:
        return [line(" nothing is here")]
    return [line(" nothing is here; upload with"), line(Span(f"  {upload}", Tone.BOLD))]


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


def _dataset(file: FileView, datasets: Datasets) -> DatasetView | None:
    return datasets.get(file.path.rstrip("/")) if is_folder(file) else None


def _files(file: FileView, datasets: Datasets) -> Line:
    dataset = _dataset(file, datasets)
    return line(Span("" if dataset is None else f"{dataset.files_total:,}", Tone.DIM))


def _size(file: FileView, datasets: Datasets) -> Line:
    dataset = _dataset(file, datasets)
    if dataset is None and is_folder(file):
        return line()
    return line(Span(format_bytes(file.size_bytes if dataset is None else dataset.size_bytes), Tone.DIM))


def _changed(file: FileView, look: Look) -> Line:
    return line(Span("" if file.modified_at is None else look.when(file.modified_at), Tone.DIM))
