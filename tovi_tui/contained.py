"""An app that does nothing to the machine it runs on: that is the server, and the person is elsewhere."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import ClassVar

from textual.app import App, SuspendNotSupported


class ContainedApp(App[None]):
    """Textual's features that open, save or stop something act on the server: here they do nothing.

    What goes wrong in the program is no text for the person: `mistake` has it, for who runs the app.
    """

    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False

    mistake: BaseException | None = None

    def open_url(self, url: str, *, new_tab: bool = True) -> None:
        """No browser is there."""

    def deliver_text(self, *_: object, **__: object) -> None:
        """No file is written."""

    def deliver_binary(self, *_: object, **__: object) -> None:
        """No file is written."""

    def deliver_screenshot(self, *_: object, **__: object) -> None:
        """No file is written."""

    def save_screenshot(self, *_: object, **__: object) -> str:
        """No file is written."""
        return ""

    def action_suspend_process(self) -> None:
        """There is no shell to come back to."""

    def suspend(self) -> AbstractContextManager[None]:  # type: ignore[override]  # it never gives one
        """The terminal is never given to another program."""
        raise SuspendNotSupported("the terminal is the person's, not the server's")

    def _fatal_error(self) -> None:
        """Private in Textual, which would show a traceback with the values of variables."""
        self.mistake = self._exception
        self._close_messages_no_wait()

    def panic(self, *_: object) -> None:
        """As above: nothing of it is shown."""
        self._fatal_error()
