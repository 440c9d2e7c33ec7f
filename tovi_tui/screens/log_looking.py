"""What is new in a log, why there is nothing in it, and its other attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tovi_server.core.ids import Reference
from tovi_tui.log_reader import LogReader
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.text.span import Span, Tone, line
from tovi_tui.widgets.log_pane import LogPane


async def look_at(screen: ToviScreen, panes: Sequence[LogPane]) -> None:
    """Why one is as it is, is asked again only when that has changed."""
    for pane in panes:
        before = pane.source.is_final, pane.source.size > 0
        await pane.look()
        if before != (pane.source.is_final, pane.source.size > 0):
            await tell_why(screen, pane)


async def tell_why(screen: ToviScreen, pane: LogPane) -> None:
    """Why it waits while nothing is written; how it ended. Nothing while it writes."""
    if pane.source.size and not pane.source.is_final:
        pane.show_state("", ())
        return
    why = await screen.manager.why(pane.reference)
    told = "; ".join(reason.message for reason in why.reasons)
    lines = [line(Span(f" {why.state}: ", Tone.DIM), told)] if told else []
    pane.show_state(why.state if pane.source.is_final else "", lines)


async def turn_attempt(screen: ToviScreen, pane: LogPane, by: int) -> None:
    """To the one before or after."""
    reader = pane.source
    if not isinstance(reader, LogReader):
        screen.say(" attempts are of one log: M or o goes back to it")
        return
    details = await screen.manager.show(reader.task)
    newest = details.tasks[0].attempt if details.tasks else 0
    wanted = (reader.attempt or newest) + by
    if not 1 <= wanted <= newest:
        screen.say(f" it was tried {newest} times")
        return
    reader.turn_to(reader.stream, wanted)
    await pane.open_end()
    await tell_why(screen, pane)


def of_attempt(reader: LogReader) -> Reference:
    """The task, and the attempt that is read."""
    return reader.task if reader.attempt is None else replace(reader.task, attempt=reader.attempt)
