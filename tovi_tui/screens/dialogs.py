"""Questions over a screen: whether to do something, and what to call it. Escape always means no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tovi_server.core.look import Look
from tovi_tui.text.columns import Column
from tovi_tui.text.span import Line, Span, Tone, line
from tovi_tui.widgets.row_table import RowTable
from tovi_tui.widgets.text_lines import TextLines
from tovi_tui.widgets.words import Words

NO_TIME: Final = Look(datetime.min.replace(tzinfo=UTC))
"""For tables that tell no times."""


class Answer(Enum):
    """What a person chose."""

    YES = auto()
    OTHER = auto()
    """The milder way that was offered."""
    NO = auto()


@dataclass(frozen=True, slots=True)
class Question:
    """`what` names what it hits; `yes` and `other` are verbs."""

    what: str
    yes: str
    other: str | None = None
    details: Sequence[Line] = ()


class AskScreen(ModalScreen[Answer]):
    """Nothing happens on a bare Enter: only the letter does it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('YES')", "yes"),
        Binding("o", "answer('OTHER')", "the other way"),
        Binding("n,escape,q", "answer('NO')", "no"),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Words(line(Span(self._question.what, Tone.BOLD)), *self._question.details, (), self._choices())

    def action_answer(self, name: str) -> None:
        answer = Answer[name]
        if answer is not Answer.OTHER or self._question.other is not None:
            self.dismiss(answer)

    def _choices(self) -> Line:
        choices = [("y", self._question.yes), ("n", "leave it")]
        if self._question.other is not None:
            choices.insert(1, ("o", self._question.other))
        return tuple(span for key, does in choices for span in (Span(key, Tone.ACCENT), Span(f" {does}   ")))


class PromptScreen(ModalScreen["str | None"]):
    """One line of text; None when it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave it")]

    def __init__(self, what: str, *, text: str, details: Sequence[Line]) -> None:
        super().__init__()
        self._what = what
        self._text = text
        self._details = details

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Words(line(Span(self._what, Tone.BOLD)), *self._details)
            yield Input(self._text, select_on_focus=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_leave(self) -> None:
        self.dismiss(None)


class ChoiceScreen(ModalScreen["str | None"]):
    """One of a few texts; None when it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", "leave it")]

    def __init__(self, what: str, choices: Sequence[str], chosen: str) -> None:
        super().__init__()
        self._what = what
        self._choices = choices
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        columns: list[Column[str]] = [Column("name", "", lambda name, look: line(name), 20, grow=1)]
        with Vertical(classes="dialog reading"):
            yield Words(line(Span(self._what, Tone.BOLD)))
            yield RowTable[str](columns, key=lambda name: name, look=lambda: NO_TIME, id="main")

    def on_mount(self) -> None:
        table = self.query_one(RowTable)
        table.show(self._choices)
        table.go_to(self._chosen)

    def on_row_table_opened(self, event: RowTable.Opened) -> None:
        self.dismiss(self.query_one(RowTable).current)

    def action_leave(self) -> None:
        self.dismiss(None)


class TextScreen(ModalScreen[None]):
    """Something to read, with lines as long as they are: they are wrapped."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,w,question_mark", "dismiss", "close"),
        Binding("up,k", "scroll(-1)", "up"),
        Binding("down,j", "scroll(1)", "down"),
        Binding("pageup", "scroll(-10)", "a page up"),
        Binding("pagedown,space", "scroll(10)", "a page down"),
    ]

    def __init__(self, what: str, lines: Sequence[Line]) -> None:
        super().__init__()
        self._what = what
        self._lines = lines

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog reading"):
            yield Words(line(Span(self._what, Tone.BOLD)), ())
            yield TextLines(self._lines, id="main")

    def action_scroll(self, by: int) -> None:
        text = self.query_one(TextLines)
        text.scroll_to_line(text.top + by)
