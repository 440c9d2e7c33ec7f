"""A field for one parameter, with what is wrong with it below."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from tovi_tui.specs.params import Param
from tovi_tui.text.span import Line, line
from tovi_tui.widgets.field import field
from tovi_tui.widgets.words import Words


class ParamField(Vertical):
    """Begins with the value there was."""

    def __init__(self, param: Param) -> None:
        super().__init__()
        self.param = param
        absent = "each stage its own" if param.used is None else ""
        self._input = field(param.shown, placeholder=absent)
        self._wrong = Words(classes="wrong")

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Words(line(f" {self.param.name}"), classes="name")
            yield self._input
        yield self._wrong

    @property
    def value(self) -> str:
        return self._input.value

    def tell(self, lines: Sequence[Line]) -> None:
        """What is wrong; nothing for no lines."""
        self._wrong.show(lines)

    def enter(self) -> None:
        """Give it the keys."""
        self._input.focus()
