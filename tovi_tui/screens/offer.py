"""What to type for files: offered in the line under them, for the key that copies it."""

from __future__ import annotations

from collections.abc import Sequence

from tovi_server.core.views import FileView
from tovi_tui.files.rows import joined
from tovi_tui.folder import Folder
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.text import lines_to_type
from tovi_tui.text.span import Span, Tone


class Offer:
    """Holds until the cursor is elsewhere."""

    def __init__(self, screen: ToviScreen) -> None:
        self._screen = screen
        self._line, self._on = "", ""

    def follow(self, path: str) -> None:
        """The cursor is on this path."""
        if self._line and path != self._on:
            self._line = ""
            self._screen.say("")

    def upload(self, folder: Folder, on: str) -> None:
        self._say("upload here" if folder.writable else "not here, but as a dataset", self.upload_line(folder), on)

    def fetch(self, folder: Folder, files: Sequence[FileView], on: str) -> None:
        self._say("fetch it", self._fetch_line(folder, files), on)

    def copy(self, folder: Folder, files: Sequence[FileView]) -> None:
        """What was offered last, or else what fetches the files."""
        if self._line or files:
            self._screen.tovi.copy(self._line or self._fetch_line(folder, files))

    def upload_line(self, folder: Folder) -> str:
        path = folder.path if folder.writable else "datasets/NAME"
        return lines_to_type.upload(self._screen.tovi.viewer.server, path)

    def _fetch_line(self, folder: Folder, files: Sequence[FileView]) -> str:
        paths = [joined(folder.path, file.path.rstrip("/")) for file in files]
        return lines_to_type.fetch(self._screen.tovi.viewer.server, *paths)

    def _say(self, what: str, text: str, on: str) -> None:
        self._line, self._on = text, on
        self._screen.say(f" {what}:  ", Span(text, Tone.BOLD), Span("   y copies it", Tone.DIM))
