"""A field for one line of text."""

from __future__ import annotations

from textual.widgets import Input


def field(text: str = "", *, placeholder: str = "", id: str | None = None) -> Input:
    """Its cursor stands still: one that blinks is sent over the line all day."""
    made = Input(text, placeholder=placeholder, select_on_focus=False, id=id)
    made.cursor_blink = False
    return made
