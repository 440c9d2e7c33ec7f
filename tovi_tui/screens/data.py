"""Datasets, results and home as one tree, with a preview of what the cursor is on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from tovi_server.core.views import FileView
from tovi_tui.files.rows import COLUMNS, above, is_folder, joined
from tovi_tui.places import DataPlace
from tovi_tui.previews import preview
from tovi_tui.screens.dialogs import Answer, Question
from tovi_tui.screens.frame import PERSON, ToviScreen
from tovi_tui.text import lines_to_type
from tovi_tui.text.span import Span, Tone, line
from tovi_tui.widgets.row_table import RowTable
from tovi_tui.widgets.text_lines import TextLines

_PAGE: Final = 500
_MOST: Final = 20_000
_REST_S: Final = 0.25
_PIECE: Final = 256 * 1024


class DataScreen(ToviScreen):
    """As over SFTP."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right", "open", "open"),
        Binding("left,backspace", "above", "the folder above"),
        Binding("u", "upload", "what uploads here"),
        Binding("f", "fetch", "what fetches this"),
        Binding("y", "copy", "copy that", show=False),
        Binding("d", "delete", "delete"),
        Binding("R", "rename", "rename"),
        Binding("w", "whole", "the preview, larger", show=False),
    ]

    def __init__(self, place: DataPlace) -> None:
        super().__init__()
        self._path = place.path.strip("/")
        self._writable = False
        self._came_from = ""
        self._line = ""
        """What `y` copies."""
        self._table: RowTable[FileView] = RowTable(COLUMNS, key=lambda file: file.path, look=self.look, id="main")

    def body(self) -> Iterable[Widget]:
        yield Container(self._table, TextLines((), id="preview"), id="tree")

    def place(self) -> str:
        return f"data /{self._path}"

    def on_resize(self) -> None:
        self.set_class(self.size.width < 100, "narrow")

    async def load(self) -> None:
        """In pages, each shown when it is there."""
        found: list[FileView] = []
        more, after = True, None
        while more and len(found) < _MOST:
            page = await self.manager.list_files(self._path, after=after, limit=_PAGE)
            self._writable, more = page.writable, page.more and bool(page.items)
            found += page.items
            after = found[-1].path if found else None
            self._table.show(found)
        self._table.go_to(self._came_from)
        if not found:
            self._say_empty()

    def _say_empty(self) -> None:
        if self._writable or self._path == "datasets":
            self.say(" nothing is here; upload with  ", Span(self._upload(), Tone.BOLD))
        else:
            self.say(" nothing is here")

    def on_row_table_moved(self) -> None:
        file = self._table.current
        self.query_one("#preview", TextLines).show([])
        if file is not None and not is_folder(file):
            self.set_timer(_REST_S, partial(self._ask_preview, file))

    def _ask_preview(self, file: FileView) -> None:
        if self._table.current is file:
            self.work(partial(self._preview, file), busy="", group="preview")

    async def _preview(self, file: FileView) -> None:
        lines = await self._previewed(file)
        if self._table.current is file:
            self.query_one("#preview", TextLines).show(lines)

    async def _previewed(self, file: FileView) -> list[tuple[Span, ...]]:
        wanted = file.size_bytes if preview.wants_whole(file.path, file.size_bytes) else preview.FIRST_BYTES
        data = b""
        while len(data) < wanted:
            path = joined(self._path, file.path)
            part = await self.manager.read_file(path, start=len(data), length=min(_PIECE, wanted - len(data)))
            data += part.data
            if not part.data:
                break
        return await asyncio.to_thread(preview.preview, file.path, data, file.size_bytes)

    def on_row_table_opened(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        file = self._table.current
        if file is not None and is_folder(file):
            self._go(joined(self._path, file.path.rstrip("/")), came_from="")
        else:
            self.action_whole()

    def action_above(self) -> None:
        if self._path:
            self._go(above(self._path), came_from=f"{self._path.rpartition('/')[2]}/")

    def action_back(self) -> None:
        """Up the tree first."""
        if self._path:
            self.action_above()
        else:
            super().action_back()

    def _go(self, path: str, *, came_from: str) -> None:
        self._path, self._came_from = path, came_from
        self._table.show(())
        self.say("")
        self.reload()

    def action_whole(self) -> None:
        if (file := self._table.current) and not is_folder(file):
            self.work(partial(self._show_whole, file), busy="reading …", group=PERSON)

    async def _show_whole(self, file: FileView) -> None:
        await self.show_text(joined(self._path, file.path), await self._previewed(file))

    def action_upload(self) -> None:
        self._offer("upload here", self._upload())

    def action_fetch(self) -> None:
        if path := self._current_path:
            self._offer("fetch it", lines_to_type.fetch(self.tovi.viewer.server, path))

    def _offer(self, what: str, text: str) -> None:
        self._line = text
        self.say(f" {what}:  ", Span(text, Tone.BOLD), Span("   y copies it", Tone.DIM))

    def action_copy(self) -> None:
        if not self._line and (path := self._current_path):
            self._line = lines_to_type.fetch(self.tovi.viewer.server, path)
        self.tovi.copy(self._line)

    def _upload(self) -> str:
        return lines_to_type.upload(self.tovi.viewer.server, self._path or "datasets/NAME")

    @property
    def _current_path(self) -> str:
        file = self._table.current
        return "" if file is None else joined(self._path, file.path.rstrip("/"))

    def action_delete(self) -> None:
        if path := self._current_path:
            self.work(partial(self._delete, path), busy="", group=PERSON)

    async def _delete(self, path: str) -> None:
        file = self._table.current
        inner = line("with all that is in it; ") if file is not None and is_folder(file) else line()
        details = [(*inner, Span("this cannot be taken back", Tone.BAD))]
        if await self.ask(Question(f"Delete /{path}?", yes="delete", details=details)) is Answer.YES:
            await self.manager.remove_file(path)
            self.tell(f"deleted /{path}")
            self.reload()

    def action_rename(self) -> None:
        if path := self._current_path:
            self.work(partial(self._rename, path), busy="", group=PERSON)

    async def _rename(self, path: str) -> None:
        name = path.rpartition("/")[2]
        to = await self.prompt(f"Rename /{path} to", text=name)
        if to and to != name:
            await self.manager.rename_file(path, to=joined(above(path), to))
            self._came_from = to
            self.reload()
