"""Datasets, results and home as one tree, with a preview of what the cursor is on."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input

from tovi_server.core.views import FileView
from tovi_tui.file_reader import previewed
from tovi_tui.files.rows import above, columns, is_folder, joined, named, nothing
from tovi_tui.folder import MOST, PAGE, Folder, datasets_in
from tovi_tui.places import DataPlace
from tovi_tui.screens import on_files
from tovi_tui.screens.frame import PERSON, ToviScreen
from tovi_tui.screens.offer import Offer
from tovi_tui.screens.preview_pane import PreviewPane
from tovi_tui.widgets.field import field
from tovi_tui.widgets.row_table import RowTable

_NEAR: Final = 100
"""With so few rows below the cursor the next page is asked for."""


class DataScreen(ToviScreen):
    """As over SFTP."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open"),
        Binding("right", "open", "open", show=False),
        Binding("left,backspace", "above", "the folder above", show=False),
        Binding("slash", "filter", "filter"),
        Binding("u", "upload", "what uploads here"),
        Binding("f", "fetch", "what fetches this"),
        Binding("y", "copy", "copy that", show=False),
        Binding("d", "delete", "delete"),
        Binding("R", "rename", "rename"),
        Binding("w", "whole", "the preview, larger", show=False),
    ]

    def __init__(self, place: DataPlace) -> None:
        super().__init__()
        self._folder = Folder(place.path.strip("/"))
        self._part = ""
        """Only names with this in them are shown."""
        self._came_from = ""
        self._is_reading_on = False
        self._table: RowTable[FileView] = RowTable(columns({}), key=lambda file: file.path, look=self.look, id="main")
        self._pane = PreviewPane(self)
        self._offer = Offer(self)

    def body(self) -> Iterable[Widget]:
        filter = field(placeholder="a part of a name", id="filter")
        filter.display = False
        yield filter
        yield Container(self._table, self._pane.text, id="tree")

    def place(self) -> str:
        part = f" · filter: {self._part}" if self._part else ""
        cut = f" · the first {MOST:,}" if self._folder.is_cut else ""
        return f"data /{self._folder.path}{part}{cut}"

    def on_resize(self) -> None:
        self.set_class(self.size.width < 100, "narrow")

    async def load(self) -> None:
        """As much as was there before."""
        folder = Folder(self._folder.path)
        await folder.read(self.manager, least=max(PAGE, len(self._folder.items)), name=self._came_from)
        self._folder = folder
        self._show()
        self._table.go_to(self._came_from)
        self._came_from = ""
        self._table.show_columns(columns(await datasets_in(self.manager, folder.path)))

    def _show(self) -> None:
        upload = self._offer.upload_line(self._folder) if self._folder.writable else ""
        self._table.empty = nothing(self._part, upload)
        self._table.show(named(self._folder.items, self._part))

    def on_row_table_moved(self) -> None:
        self._pane.follow(self._current_path, self._table.current)
        self._offer.follow(self._current_path)
        is_near = bool(self._part) or self._table.current in self._table.rows[-_NEAR:]
        if is_near and self._folder.has_more and not self._is_reading_on:
            self.work(partial(self._read_on, self._folder), busy="loading …", group="more")

    async def _read_on(self, folder: Folder) -> None:
        """One page more; a filter comes back for the next."""
        self._is_reading_on = True
        try:
            await folder.read(self.manager, least=len(folder.items) + 1)
        finally:
            self._is_reading_on = False
        if folder is self._folder:
            self._show()

    def on_row_table_opened(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        file = self._table.current
        if file is not None and is_folder(file):
            self._go(self._current_path, came_from="")
        else:
            self.action_whole()

    def action_above(self) -> None:
        if path := self._folder.path:
            self._go(above(path), came_from=f"{path.rpartition('/')[2]}/")

    def action_back(self) -> None:
        """Out of the filter first, then up the tree."""
        if self.query_one("#filter", Input).display:
            self._close_filter()
            self._show()
        elif self._folder.path:
            self.action_above()
        else:
            super().action_back()

    def _go(self, path: str, *, came_from: str) -> None:
        self._close_filter()
        self._folder, self._came_from = Folder(path), came_from
        self._table.marked = frozenset()
        self._table.empty = ()
        self._table.show(())
        self.say("")
        self.reload()

    def action_filter(self) -> None:
        filter = self.query_one("#filter", Input)
        filter.display = True
        filter.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._part = event.value.strip()
        self.show_place()
        self._show()

    def on_input_submitted(self) -> None:
        self._table.focus()

    def _close_filter(self) -> None:
        filter = self.query_one("#filter", Input)
        filter.value = self._part = ""
        filter.display = False
        self._table.focus()

    def action_whole(self) -> None:
        if (file := self._table.current) and not is_folder(file):
            self.work(partial(self._show_whole, self._current_path), busy="reading …", group=PERSON)

    async def _show_whole(self, path: str) -> None:
        await self.show_text(path, await previewed(self.manager, path))

    def action_upload(self) -> None:
        self._offer.upload(self._folder, self._current_path)

    def action_fetch(self) -> None:
        if chosen := self._table.chosen:
            self._offer.fetch(self._folder, chosen, self._current_path)

    def action_copy(self) -> None:
        self._offer.copy(self._folder, self._table.chosen)

    @property
    def _current_path(self) -> str:
        file = self._table.current
        return "" if file is None else joined(self._folder.path, file.path.rstrip("/"))

    def _may_change(self) -> bool:
        if not self._folder.writable:
            self.tell(f"what is in /{self._folder.path} is not yours to change")
        return self._folder.writable

    def action_delete(self) -> None:
        if (chosen := self._table.chosen) and self._may_change():
            self.work(partial(on_files.delete, self, self._folder.path, chosen), busy="", group=PERSON)

    def action_rename(self) -> None:
        if (file := self._table.current) and self._may_change():
            self.work(partial(self._rename, file), busy="", group=PERSON)

    async def _rename(self, file: FileView) -> None:
        if to := await on_files.rename(self, self._folder.path, file):
            self._came_from = to
            self.reload()
