"""The terminal at the other end of a session, as far as commands care."""

from __future__ import annotations

from dataclasses import dataclass

_INTERRUPT = b"\x03"
_END = b"\x04"


_DEFAULT_COLUMNS = 80


class Terminal:
    """What the client said of it: `kind` as in TERM; the width changes when its window does."""

    def __init__(self, kind: str, *, columns: int) -> None:
        self.kind = kind
        self.columns = columns

    @property
    def columns(self) -> int:
        return self._columns

    @columns.setter
    def columns(self, columns: int) -> None:
        """A client that does not know sends 0."""
        self._columns = columns or _DEFAULT_COLUMNS


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
