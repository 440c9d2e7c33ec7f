"""An editor of a tovi.yaml. Printable keys are text in it; Escape is left to the screen."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.document._document import EditResult
from textual.document._edit import Edit
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from tovi_server.core.safe import safe
from tovi_server.core.yaml_node import Mark
from tovi_server.core.yaml_reader import LARGEST_BYTES
from tovi_tui.text.span import Tone
from tovi_tui.widgets.toned import TONE_CLASSES

_HIGHLIGHTED_CHARACTERS: Final = 2**16
"""A longer text is not coloured: that would take longer than the next key takes to come."""
_INDENT: Final = 2
_TONES: Final = {
    "yaml.field": Tone.ACCENT,
    "string": Tone.GOOD,
    "number": Tone.BUSY,
    "boolean": Tone.BUSY,
    "constant.builtin": Tone.BUSY,
    "comment": Tone.DIM,
    "error": Tone.BAD,
}
"""What Textual's grammar of YAML calls the parts that get a tone."""


class YamlEditor(TextArea):
    """Whatever comes into it is harmless on a terminal, and no longer than a tovi.yaml may be."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*TONE_CLASSES}
    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "indent", "indent", show=False)]

    class TooLong(Message):
        """What was pasted has no room: it was left out."""

    def __init__(self, text: str, *, id: str) -> None:
        super().__init__(safe(text), soft_wrap=False, show_line_numbers=True, id=id, compact=True)
        self.indent_width = _INDENT
        self.cursor_blink = False
        self._problem: Mark | None = None

    def on_mount(self) -> None:
        self._colour()
        self._highlight_if_short()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._colour())

    def put(self, text: str) -> None:
        """Another text instead, which can be undone."""
        self.replace(text, (0, 0), self.document.end)
        self.move_cursor((0, 0))

    def mark(self, problem: Mark | None) -> None:
        """Point at a line."""
        self._problem = problem
        self.refresh()

    def go_to(self, mark: Mark) -> None:
        """Put the cursor there."""
        self.move_cursor((mark.line - 1, mark.column - 1), center=True)

    def edit(self, edit: Edit) -> EditResult:
        """All changes come by here."""
        edit.text = safe(edit.text.replace("\r\n", "\n").replace("\r", "\n"))
        if len(self.text.encode()) + len(edit.text.encode()) > LARGEST_BYTES and edit.text:
            edit.text = ""
            edit.to_location = edit.from_location
            self.post_message(self.TooLong())
        result = super().edit(edit)
        self._highlight_if_short()
        return result

    def on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self._break_line()

    def action_indent(self) -> None:
        self._type(" " * (_INDENT - self.cursor_location[1] % _INDENT))

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        if self._problem is None or y + self.scroll_offset.y != self._problem.line - 1:
            return strip
        at = self.gutter_width - 2  # behind the number are two spaces
        style = self.rich_style + self.get_component_rich_style(f"tone--{Tone.BAD}", partial=True)
        return Strip.join([strip.crop(0, at), Strip([Segment("✗ ", style)]), strip.crop(at + 2)])

    def _break_line(self) -> None:
        """The next line is as deep as this one; one deeper under a key."""
        row, column = self.selection.start
        before = self.document.get_line(row)[:column]
        depth = len(before) - len(before.lstrip(" "))
        self._type("\n" + " " * (depth + _INDENT * before.rstrip().endswith(":")))

    def _type(self, text: str) -> None:
        self.replace(text, *self.selection, maintain_selection_offset=False)

    def _highlight_if_short(self) -> None:
        language = "yaml" if len(self.text) <= _HIGHLIGHTED_CHARACTERS else None
        if language != self.language:
            self.language = language

    def _colour(self) -> None:
        """The colours of the theme, as everywhere."""
        name = f"tovi-{self.app.theme}"
        styles = {part: self.get_component_rich_style(f"tone--{tone}", partial=True) for part, tone in _TONES.items()}
        self.register_theme(TextAreaTheme(name, syntax_styles=styles))
        self.theme = name
