"""The `:` line: words with what they take and do below it, and the actions of the screen it was called from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tovi_server.core.errors import ToviError
from tovi_tui.text.commands import Order, matching, read_command
from tovi_tui.text.frame import error_lines
from tovi_tui.text.span import Line, Span, Tone, line
from tovi_tui.widgets.field import field
from tovi_tui.widgets.words import Words

_SHOWN: Final = 10
_USAGE_COLUMNS: Final = 18


@dataclass(frozen=True, slots=True)
class KeyAction:
    """What a key of the screen does, which can be found by its words too."""

    key: str
    action: str
    does: str


class CommandScreen(ModalScreen[Order | KeyAction | None]):
    """Ends with what is to be done; None when it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave it"),
        Binding("tab", "complete", "complete the word", priority=True),
        Binding("down", "choose(1)", "the next word"),
        Binding("up", "choose(-1)", "the word before"),
    ]

    def __init__(self, actions: Sequence[KeyAction]) -> None:
        super().__init__()
        self._actions = actions
        self._chosen = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog command"):
            yield field(placeholder="a word, or what you look for")
            yield Words(id="matches")

    def on_mount(self) -> None:
        self._show()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._chosen = 0
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """A command as it stands; a beginning, as it is completed; else the action that was found."""
        try:
            self.dismiss(read_command(event.value))
        except ToviError as error:
            found = self._found()
            if " " not in event.value.strip() and self._chosen < len(found):
                self._take(found[self._chosen])
            else:
                self.query_one("#matches", Words).show(error_lines(error))

    def action_complete(self) -> None:
        found = self._found()
        if self._chosen < len(found) and isinstance(found[self._chosen], str):
            self._put(found[self._chosen])

    def action_choose(self, by: int) -> None:
        self._chosen = max(0, min(self._chosen + by, len(self._found()) - 1))
        self._show()

    def action_leave(self) -> None:
        self.dismiss(None)

    def _take(self, one: str | KeyAction) -> None:
        if isinstance(one, KeyAction):
            self.dismiss(one)
            return
        try:
            self.dismiss(read_command(one))
        except ToviError:
            self._put(one)  # it needs more words

    def _put(self, word: str | KeyAction) -> None:
        field = self.query_one(Input)
        field.value = f"{word} "
        field.cursor_position = len(field.value)

    def _found(self) -> list[str | KeyAction]:
        typed = self.query_one(Input).value.strip().lower()
        words = [command.word for command in matching(typed)]
        return [*words, *(action for action in self._actions if typed in action.does.lower())]

    def _show(self) -> None:
        first = max(0, self._chosen - _SHOWN + 1)
        shown = self._found()[first : first + _SHOWN]
        lines = [self._line(one, is_chosen=first + at == self._chosen) for at, one in enumerate(shown)]
        self.query_one("#matches", Words).show(lines)

    def _line(self, one: str | KeyAction, *, is_chosen: bool) -> Line:
        mark = Span("▸ " if is_chosen else "  ", Tone.ACCENT)
        if isinstance(one, KeyAction):
            return line(mark, Span(f"{one.key:<{_USAGE_COLUMNS}}", Tone.ACCENT), Span(one.does, Tone.DIM))
        command = next(command for command in matching(one) if command.word == one)
        return line(mark, f"{command.usage:<{_USAGE_COLUMNS}}", Span(command.does, Tone.DIM))
