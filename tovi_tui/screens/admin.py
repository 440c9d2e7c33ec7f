"""People: users for admins, and everybody's own projects and keys."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget

from tovi_server.core.views import KeyView, ProjectView, UserView
from tovi_tui.screens import on_people
from tovi_tui.screens.frame import PERSON, ToviScreen
from tovi_tui.text import people
from tovi_tui.text.span import Line, Span, Tone
from tovi_tui.widgets.row_table import RowTable
from tovi_tui.widgets.text_lines import TextLines
from tovi_tui.widgets.words import Words

_SECTIONS: Final = ("projects", "keys", "users")
_TITLES: Final[Mapping[str, str]] = {"projects": "projects", "keys": "my keys", "users": "users"}
_Act = Callable[[], Coroutine[None, None, None]]


class PeopleScreen(ToviScreen):
    """Three tables, one at a time; below it what the row under the cursor holds."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "section(1)", "projects, keys, users"),
        Binding("shift+tab", "section(-1)", "the section before", show=False),
        Binding("a", "act('add')", "add"),
        Binding("d", "act('turn')", "disable, archive or remove"),
        Binding("plus", "act('give')", "a key or member more"),
        Binding("minus", "act('take')", "a key or member less"),
        Binding("A", "act('admin')", "admin or not", show=False),
        Binding("e", "act('note')", "edit the note", show=False),
        Binding("enter", "act('use')", "work in this project", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._section = "projects"
        self._projects = RowTable(people.PROJECTS, key=lambda one: one.name, look=self.look, id="projects")
        self._keys = RowTable(people.KEYS, key=lambda one: one.fingerprint, look=self.look, id="keys")
        self._users = RowTable(people.USERS, key=lambda one: one.name, look=self.look, id="users")

    def body(self) -> Iterable[Widget]:
        yield Words((), id="sections")
        yield from self._tables.values()
        yield TextLines((), id="details")

    def on_mount(self) -> None:
        self._open("users" if self._is_admin else "projects")

    def place(self) -> str:
        return f"people · {_TITLES[self._section]}"

    async def load(self) -> None:
        self._projects.show(await self.manager.projects())
        self._keys.show(await self.manager.keys())
        if self._is_admin:
            self._users.show(await self.manager.users())
        self._show_details()

    def on_row_table_moved(self) -> None:
        self._show_details()

    def on_row_table_opened(self) -> None:
        self.action_act("use")

    def action_section(self, by: int) -> None:
        self._open(_SECTIONS[(_SECTIONS.index(self._section) + by) % len(_SECTIONS)])

    def action_act(self, name: str) -> None:
        """What the key does in this section, with the row under the cursor."""
        if act := self._acts().get(name):
            self.work(act, busy="", group=PERSON)

    def _acts(self) -> Mapping[str, _Act]:
        match self._section:
            case "users":
                return self._user_acts(self._users.current) if self._is_admin else {}
            case "keys":
                return self._key_acts(self._keys.current)
            case _:
                return self._project_acts(self._projects.current)

    def _user_acts(self, user: UserView | None) -> Mapping[str, _Act]:
        acts: dict[str, _Act] = {"add": partial(on_people.add_user, self)}
        if user is not None:
            acts["turn"] = partial(on_people.turn_user, self, user)
            acts["admin"] = partial(on_people.turn_admin, self, user)
            acts["give"] = partial(on_people.add_user_key, self, user)
            acts["take"] = partial(on_people.remove_user_key, self, user)
        return acts

    def _key_acts(self, key: KeyView | None) -> Mapping[str, _Act]:
        acts: dict[str, _Act] = {"add": partial(on_people.add_key, self), "give": partial(on_people.add_key, self)}
        if key is not None:
            acts["turn"] = acts["take"] = partial(on_people.remove_key, self, key)
        return acts

    def _project_acts(self, project: ProjectView | None) -> Mapping[str, _Act]:
        acts: dict[str, _Act] = {"add": partial(on_people.add_project, self)}
        if project is not None:
            acts["turn"] = partial(on_people.turn_project, self, project)
            acts["give"] = partial(on_people.set_member, self, project)
            acts["take"] = partial(on_people.remove_member, self, project)
            acts["note"] = partial(on_people.note_project, self, project)
            acts["use"] = partial(on_people.use_project, self, project)
        return acts

    def _open(self, section: str) -> None:
        self._section = section
        for name, table in self._tables.items():
            table.display = name == section
        self._tables[section].focus()
        self.query_one("#sections", Words).show([self._titles()])
        self.show_place()
        self._show_details()

    def _titles(self) -> Line:
        tones = {True: Tone.ACCENT, False: Tone.DIM}
        return tuple(Span(f" {title} ", tones[name == self._section]) for name, title in _TITLES.items())

    def _show_details(self) -> None:
        self.query_one("#details", TextLines).show(self._details())
        if self._section == "users" and not self._is_admin:
            self.say(" users are managed by admins; your projects and keys are beside this ", Span("⇥", Tone.ACCENT))
        else:
            self.say()

    def _details(self) -> list[Line]:
        match self._tables[self._section].current:
            case UserView() as user:
                return people.user_details(user, self.look())
            case KeyView() as key:
                return people.key_details(key)
            case ProjectView() as project:
                return people.project_details(project)
        return []

    @property
    def _tables(self) -> Mapping[str, RowTable[UserView] | RowTable[KeyView] | RowTable[ProjectView]]:
        return {"projects": self._projects, "keys": self._keys, "users": self._users}

    @property
    def _is_admin(self) -> bool:
        return self.tovi.viewer.me.admin
