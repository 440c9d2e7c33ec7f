"""The preview beside a list of files: of the one under the cursor, once that rests."""

from __future__ import annotations

from functools import partial
from typing import Final

from tovi_server.core.views import FileView
from tovi_tui.file_reader import previewed
from tovi_tui.files.rows import is_folder
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.widgets.text_lines import TextLines

REST_S: Final = 0.25


class PreviewPane:
    """Part of a screen, which says where the cursor is."""

    def __init__(self, screen: ToviScreen) -> None:
        self.text = TextLines((), id="preview")
        self._screen = screen
        self._on: tuple[str, FileView] | None = None

    def follow(self, path: str, file: FileView | None) -> None:
        """The cursor is on this file, maybe still; None: on none."""
        on = None if file is None or is_folder(file) else (path, file)
        if on != self._on:
            self._on = on
            self.text.show([])
            if on is not None:
                self._screen.set_timer(REST_S, partial(self._ask, on))

    def _ask(self, on: tuple[str, FileView]) -> None:
        if self._on == on:
            self._screen.work(partial(self._read, on), busy="", group="preview")

    async def _read(self, on: tuple[str, FileView]) -> None:
        lines = await previewed(self._screen.manager, on[0], is_wanted=lambda: self._on == on)
        if self._on == on:
            self.text.show(lines)
