"""The themes: what each tone looks like. The one for 16 colours uses the terminal's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual.theme import Theme

DARK: Final = "dark"
LIGHT: Final = "light"
CONTRAST: Final = "contrast"
TERMINAL: Final = "terminal"

CURSOR: Final = "cursor"
"""The variable for what lies behind the row of the cursor, and behind fields."""
DIM: Final = "dim"
"""The variable for what rarely matters: one that Textual derives is white or black where only a part is styled."""

THEMES: Final = (
    Theme(
        DARK,
        primary="#6ab0f3",
        accent="#f0b35e",
        success="#7cc58a",
        warning="#d9c07c",
        error="#ef7a7a",
        foreground="#d8dce2",
        background="#14171c",
        surface="#1d2229",
        panel="#1a1e25",
        variables={CURSOR: "#2a313c", DIM: "#8b95a5"},
    ),
    Theme(
        LIGHT,
        primary="#1f5fae",
        accent="#9a4f00",
        success="#1d7434",
        warning="#7a5b00",
        error="#b3261e",
        foreground="#1b1f24",
        background="#fbfbf9",
        surface="#f0f0ec",
        panel="#ececE6",
        variables={CURSOR: "#dde4ee", DIM: "#5f6875"},
        dark=False,
    ),
    Theme(
        CONTRAST,
        primary="#7fd4ff",
        accent="#ffff00",
        success="#00ff7f",
        warning="#ffd700",
        error="#ff6b6b",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#000000",
        variables={CURSOR: "#003a75", DIM: "#c0c0c0"},
    ),
    Theme(
        TERMINAL,
        ansi=True,
        primary="ansi_bright_blue",
        accent="ansi_bright_yellow",
        success="ansi_green",
        warning="ansi_yellow",
        error="ansi_red",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        variables={
            CURSOR: "ansi_blue",
            DIM: "ansi_bright_black",
            "ansi-background": "ansi_default",  # Textual's own styles name these two, and make none for this theme
            "ansi-foreground": "ansi_default",
        },
    ),
)
NAMES: Final = tuple(theme.name for theme in THEMES)


def usual(environment: Mapping[str, str]) -> str:
    """The theme of somebody who chose none: few colours are the terminal's own."""
    kind = environment.get("TERM", "")
    has_many = "256color" in kind or "direct" in kind or environment.get("COLORTERM") in {"truecolor", "24bit"}
    return DARK if has_many else TERMINAL
