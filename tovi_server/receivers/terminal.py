"""The terminal at the other end of a session, as far as commands care."""

from __future__ import annotations

from dataclasses import dataclass

_INTERRUPT = b"\x03"
_END = b"\x04"


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
