"""The app of one session: its screens, its themes, and its one door to the manager."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from tovi_server.api import ManagerAPI
from tovi_server.core.views import News
from tovi_tui import feed
from tovi_tui.places import Place, QueuePlace
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.screens.queue import QueueScreen
from tovi_tui.viewer import Viewer


class ToviApp(App[None]):
    """Screens lie on each other; the queue is the lowest."""

    CSS_PATH = "theme.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit", "quit", show=False, priority=True),
        Binding("1", "home", "queue", show=False),
    ]

    def __init__(self, manager: ManagerAPI, viewer: Viewer) -> None:
        super().__init__()
        self.manager = manager
        self.viewer = viewer
        self.is_watched = True

    def on_mount(self) -> None:
        self.push_screen(QueueScreen(QueuePlace()))
        self.run_worker(feed.follow(self.manager, self._tell), group="news")

    def open(self, place: Place) -> None:
        """Show a place over the screen in front."""
        self.push_screen(_screen(place))

    def copy(self, text: str) -> None:
        """By OSC 52, and only on a key of the person's own."""
        self.copy_to_clipboard(text)
        self.tell("copied")

    def tell(self, text: str) -> None:
        """As a toast."""
        self.notify(text, markup=False)

    def on_app_blur(self) -> None:
        self.is_watched = False

    def on_app_focus(self) -> None:
        self.is_watched = True

    def go_back(self) -> None:
        """Close the screen in front; the last one ends the session."""
        if len(self.screen_stack) > 2:  # below the queue is the empty screen of Textual
            self.pop_screen()
        else:
            self.exit()

    def action_home(self) -> None:
        """Close all but the queue."""
        while len(self.screen_stack) > 2:
            self.pop_screen()

    def _tell(self, news: News) -> None:
        if isinstance(self.screen, ToviScreen):
            self.screen.news(news)


def _screen(place: Place) -> ToviScreen:
    match place:
        case QueuePlace():
            return QueueScreen(place)
        case _:
            raise NotImplementedError(place)
