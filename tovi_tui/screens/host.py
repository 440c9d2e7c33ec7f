"""What screens need of the app that shows them."""

from __future__ import annotations

from typing import Protocol

from tovi_server.api import ManagerAPI
from tovi_tui.places import Place
from tovi_tui.specs.draft import Draft
from tovi_tui.viewer import Viewer
from tovi_tui.wishes import Wishes


class Host(Protocol):
    """The app, as screens know it."""

    manager: ManagerAPI
    viewer: Viewer
    is_watched: bool
    """Whether the window is in front, as far as the terminal tells: timers need not work for nobody."""

    wishes: Wishes
    """What the person has set; `set` sets it."""

    draft: Draft
    """The text in the editor, wherever one is."""

    async def keep_draft(self) -> None:
        """So that another session has it. Raises what the manager does."""
        ...

    def open(self, place: Place) -> None:
        """Show a place over the screen in front."""
        ...

    def copy(self, text: str) -> None:
        """Into the clipboard of the person's own terminal, on a key of theirs."""
        ...

    def tell(self, text: str) -> None:
        """Say something that has happened, for a moment."""
        ...

    async def set(self, what: str, value: str) -> None:
        """One wish of the person, from now on. Raises UsageError: it has no such value."""
        ...

    async def use_project(self, name: str) -> None:
        """Work in another project from now on."""
        ...

    def leave(self) -> None:
        """End the session; asked, when a text in the editor would be lost."""
        ...

    def go_back(self) -> None:
        """Close the screen in front; the last one ends the session."""
        ...
