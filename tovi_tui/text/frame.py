"""The lines around every screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tovi_server.core.errors import ToviError
from tovi_tui.text.span import Line, Span, Tone, line, width
from tovi_tui.viewer import Viewer


def place_line(viewer: Viewer, place: str) -> Line:
    """The server, the project and where one is in it."""
    return line(" ", Span("tovi", Tone.ACCENT), Span(" · ", Tone.DIM), viewer.me.project, Span(" · ", Tone.DIM), place)


_HELP: Final = ("?", "help")


def hint_line(keys: Sequence[tuple[str, str]], columns: int) -> Line:
    """Keys, each with what it does, as many as have room before the one that tells of all."""
    for count in range(len(keys), 0, -1):
        if width(hints := _hints([*keys[:count], _HELP])) <= columns:
            return hints
    return _hints([_HELP])


def _hints(keys: Sequence[tuple[str, str]]) -> Line:
    spans = [Span(" ")]
    for key, does in keys:
        spans += [Span(key, Tone.ACCENT), Span(f" {does}  ", Tone.DIM)]
    return (*spans[:-1], Span(spans[-1].text.rstrip(), Tone.DIM))


def error_lines(error: ToviError) -> tuple[Line, ...]:
    """What went wrong, why, and a way out."""
    lines = [line(" ", Span(f"{error.code}: {error.what}", Tone.BAD))]
    if error.why:
        lines.append(line(Span("   why:  ", Tone.DIM), error.why))
    if error.hint:
        lines.append(line(Span("   hint: ", Tone.DIM), error.hint))
    return tuple(lines)


def unanswered_line(error: ToviError) -> Line:
    """Calm words for what passes by itself: nobody answers for now."""
    return line(
        " ", Span("‖ no answer from the server", Tone.WAIT), Span(f" · trying again … · {error.what}", Tone.DIM)
    )
