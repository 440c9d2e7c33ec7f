"""The terminal at the other end of a session: what the client said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

_INTERRUPT = b"\x03"
_END = b"\x04"


_DEFAULT_COLUMNS: Final = 80
_DEFAULT_LINES: Final = 24
_MOST_COLUMNS: Final = 1000
_MOST_LINES: Final = 500
"""A screen is kept in memory, cell by cell: a client must not make that as large as it likes."""
_MOST_PIXELS: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Size:
    """Of a window; zero pixels: they are not known."""

    columns: int
    lines: int
    width_pixels: int
    height_pixels: int

    @classmethod
    def told(cls, columns: int, lines: int, width_pixels: int, height_pixels: int) -> Self:
        """What a client says. One that does not know sends zeroes."""
        return cls(
            min(columns or _DEFAULT_COLUMNS, _MOST_COLUMNS),
            min(lines or _DEFAULT_LINES, _MOST_LINES),
            min(width_pixels, _MOST_PIXELS),
            min(height_pixels, _MOST_PIXELS),
        )


@dataclass(slots=True)
class Terminal:
    """`kind` as in TERM; the size changes when the window's does."""

    kind: str
    size: Size

    @property
    def columns(self) -> int:
        return self.size.columns

    @property
    def can_draw(self) -> bool:
        """Whether a screen can be drawn on it."""
        return self.kind not in ("", "dumb")


@dataclass(frozen=True, slots=True)
class Typed:
    """What the bytes from a terminal mean: Ctrl-C anywhere in them is an interrupt, Ctrl-D the end of input."""

    data: bytes
    interrupt: bool
    end: bool


def typed(data: bytes) -> Typed:
    """Read raw keys; Enter sends a carriage return."""
    text, end, _ = data.partition(_END)
    return Typed(text.replace(b"\r", b"\n"), interrupt=_INTERRUPT in data, end=bool(end))
