"""What can be done with files of a folder: asked first, with their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tovi_server.core.errors import UsageError
from tovi_server.core.resources import format_bytes
from tovi_server.core.views import FileView
from tovi_tui.files.rows import is_folder, joined
from tovi_tui.screens.dialogs import Answer, Question
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.text.span import Line, Span, Tone, line

_MOST_NAMED: Final = 8


async def delete(screen: ToviScreen, folder: str, files: Sequence[FileView]) -> None:
    """All of them, or as many as it could before one failed."""
    paths = [f"/{joined(folder, file.path)}" for file in files]
    what = paths[0] if len(paths) == 1 else f"{len(paths)} files and folders of /{folder}"
    question = Question(f"Delete {what}?", yes="delete", details=_hit(files))
    if await screen.ask(question) is not Answer.YES:
        return
    try:
        for path in paths:
            await screen.manager.remove_file(path.strip("/"))
        screen.tell(f"deleted {what}")
    finally:
        screen.reload()


def _hit(files: Sequence[FileView]) -> list[Line]:
    named = [line(f"  {file.path}  ", Span(_held(file), Tone.DIM)) for file in files[:_MOST_NAMED]]
    if len(files) > _MOST_NAMED:
        named.append(line(f"  … and {len(files) - _MOST_NAMED} more"))
    return [*named, line(Span("this cannot be taken back", Tone.BAD))]


def _held(file: FileView) -> str:
    return "with all that is in it" if is_folder(file) else format_bytes(file.size_bytes)


async def rename(screen: ToviScreen, folder: str, file: FileView) -> str | None:
    """Its new name; None: it has its old one.

    Raises:
        UsageError: what was typed is no name.
    """
    name = file.path.rstrip("/")
    told = line(Span("jobs and people who name it as before will not find it", Tone.DIM))
    to = await screen.prompt(f"Rename /{joined(folder, name)} to", text=name, details=[told])
    if not to or to == name:
        return None
    if "/" in to or to in {".", ".."}:
        raise UsageError(f'"{to}" is no name', hint="it stays in its folder: a name without /")
    await screen.manager.rename_file(joined(folder, name), to=joined(folder, to))
    screen.tell(f"{name} is {to} now")
    return f"{to}/" if is_folder(file) else to
