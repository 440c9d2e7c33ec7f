"""What screens need of the app that shows them."""

from __future__ import annotations

from typing import Protocol

from tovi_server.api import ManagerAPI
from tovi_tui.places import Place
from tovi_tui.viewer import Viewer


class Host(Protocol):
    """The app, as screens know it."""

    manager: ManagerAPI
    viewer: Viewer

    def open(self, place: Place) -> None:
        """Show a place over the screen in front."""
        ...

    def go_back(self) -> None:
        """Close the screen in front; the last one ends the session."""
        ...
