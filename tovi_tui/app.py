"""The app of one session: its screens, its themes, and its one door to the manager."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from textual.binding import Binding, BindingType

from tovi_server.api import ManagerAPI
from tovi_server.core.errors import ToviError, UsageError
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId
from tovi_server.core.safe import safe_line
from tovi_server.core.views import News
from tovi_tui import feed, orders, places, themes
from tovi_tui.opening import screen_of
from tovi_tui.paced import PacedApp
from tovi_tui.places import Place
from tovi_tui.screens.frame import PERSON, ToviScreen
from tovi_tui.specs.draft import kept_draft
from tovi_tui.text.ends import ended
from tovi_tui.viewer import Viewer
from tovi_tui.way import LAST_PLACE, Way, place_of, words_of
from tovi_tui.wishes import Wishes

_PLACES: Final = (
    places.QueuePlace(),
    places.NodesPlace(),
    places.DataPlace(),
    places.SubmitPlace(),
    places.AdminPlace(),
)
_ON: Final = "on"
_DRAFT: Final = "draft"


class ToviApp(PacedApp):
    """Screens lie on each other; the queue is the lowest."""

    TITLE = "tovi"
    CSS_PATH = "theme.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "this help"),
        Binding("colon", "command", "a word, e.g. :show 12"),
        Binding("ctrl+p", "command", "find what can be done"),
        *(
            Binding(str(number), f"go({number})", name)
            for number, name in enumerate(("queue", "nodes", "data", "submit", "people"), start=1)
        ),
        Binding("p", "project", "another project"),
        Binding("ctrl+l", "repaint", "draw all anew"),
        Binding("ctrl+c", "quit", "end the session", priority=True),
    ]

    def __init__(self, manager: ManagerAPI, viewer: Viewer, wishes: Wishes, *, theme: str = themes.DARK) -> None:
        super().__init__()
        self.manager = manager
        self.viewer = viewer
        self.wishes = wishes
        self.is_watched = True
        self.draft = kept_draft(wishes.get(_DRAFT, ""))
        self._way = Way(_PLACES[0])
        self._told: set[int] = set()
        for one in themes.THEMES:
            self.register_theme(one)
        self.theme = wishes.get("theme", theme)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """For the moment before a theme of ours is chosen."""
        return {themes.CURSOR: "#333333", themes.DIM: "#888888"}

    def on_mount(self) -> None:
        self.run_worker(feed.follow(self.manager, self._hear), group="news")
        self.push_screen(screen_of(self._way.here))
        if (last := place_of(self.wishes.get(LAST_PLACE, ""))) != self._way.here:
            self.open(last)

    def open(self, place: Place) -> None:
        """Show a place over the screen in front."""
        self._way.forth(place)
        self.push_screen(screen_of(place))
        self._remember_place()

    def go_back(self) -> None:
        """Close the screen in front; the last one ends the session."""
        if len(self.screen_stack) > 2:  # below the queue is the empty screen of Textual
            self.pop_screen()
            self._way.back()
            self._remember_place()
        else:
            self.leave()

    def copy(self, text: str) -> None:
        """By OSC 52, and only on a key of the person's own."""
        self.copy_to_clipboard(text)
        self.tell("copied")

    def tell(self, text: str) -> None:
        """As a toast."""
        self.notify(text, markup=False)

    async def keep_draft(self) -> None:
        """So that another session has it. Raises what the manager does."""
        await self.wishes.keep(_DRAFT, self.draft.kept)

    def leave(self) -> None:
        """End the session; asked, when a text in the editor would be lost."""
        is_kept = kept_draft(self.wishes.get(_DRAFT, "")).text == self.draft.text
        if self.draft.is_unsent and not is_kept and isinstance(self.screen, ToviScreen):
            self._in_front(lambda screen: screen.work(lambda: orders.ask_leave(screen), busy="", group=PERSON))
        else:
            self.exit()

    async def action_quit(self) -> None:
        """Ctrl-C. Pressed again while it is asked, it does not wait for the answer."""
        if isinstance(self.screen, ToviScreen):
            self.screen.interrupt()
        else:
            self.leave()

    async def set(self, what: str, value: str) -> None:
        """One wish of the person.

        Raises:
            UsageError: it has no such value.
        """
        match what:
            case "theme":
                if value not in themes.NAMES:
                    raise UsageError(f'there is no theme "{value}"', hint=f"there are {', '.join(themes.NAMES)}")
                self.theme = value
            case "zone":
                self.viewer = self.viewer.moved_to(_zone(value))
            case "bell" | "title" if value not in {_ON, "off"}:
                raise UsageError(f'the {what} cannot be "{value}"', hint="it is on or off")
        await self.wishes.set(what, value)

    async def use_project(self, name: str) -> None:
        """Work in another project from now on."""
        await self.manager.use_project(name)
        self.viewer = self.viewer.known_as(await self.manager.me())
        self._in_front(lambda screen: screen.reload())

    def action_go(self, number: int) -> None:
        """One of the main screens; nothing lies above it then but the queue below."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        self._way.home()
        if number > 1:
            self.open(_PLACES[number - 1])
        else:
            self._remember_place()

    def action_help(self) -> None:
        self._in_front(lambda screen: screen.work(lambda: orders.show_help(screen), busy="", group=PERSON))

    def action_command(self) -> None:
        self._in_front(lambda screen: screen.work(lambda: orders.ask(screen), busy="", group=PERSON))

    def action_project(self) -> None:
        self._in_front(lambda screen: screen.work(lambda: orders.ask_project(screen), busy="", group=PERSON))

    def action_repaint(self) -> None:
        self.screen.refresh(layout=True)

    def on_app_blur(self) -> None:
        self.is_watched = False

    def on_app_focus(self) -> None:
        self.is_watched = True

    def _in_front(self, do: Callable[[ToviScreen], None]) -> None:
        if isinstance(self.screen, ToviScreen):
            do(self.screen)

    def _hear(self, news: News) -> None:
        self._in_front(lambda screen: screen.news(news))
        if news.ended:
            self.run_worker(self._tell_ends(news.ended), group="ends")  # whatever is in front, a question too

    def _remember_place(self) -> None:
        """To open there next time, though the line is cut here."""
        self.run_worker(self.wishes.set(LAST_PLACE, words_of(self._way.here)), group="place")

    async def _tell_ends(self, jobs: tuple[int, ...]) -> None:
        """Of one's own jobs, each once."""
        mine = JobFilter(ids=tuple(map(JobId, jobs)), user=self.viewer.me.user, everybody=True)
        try:
            page = await self.manager.jobs(mine, Page(len(jobs)))
        except ToviError:
            return  # the screen in front tells that nobody answers
        for job in page.items:
            if job.ended_at is not None and job.ended_at > self.viewer.began_at and job.id not in self._told:
                self._told.add(job.id)
                self._tell_end(ended(job))

    def _tell_end(self, text: str) -> None:
        self.tell(text)
        if self.wishes.get("bell", "off") == _ON:
            self.bell()
        if self.wishes.get("title", "off") == _ON and self._driver is not None:
            self._driver.write(f"\x1b]2;tovi {safe_line(text)}\x07")  # OSC 2, the title of the person's window


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise UsageError(f'there is no time zone "{name}"', hint="for instance Europe/Berlin or UTC") from error
