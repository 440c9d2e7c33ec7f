"""Several logs, or out and err of one, together in one window."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from tovi_server.core.ids import Reference
from tovi_tui.log_reader import LogReader
from tovi_tui.log_stream import BOTH, LogStream
from tovi_tui.logs.title import lead_of
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.screens.log_looking import of_attempt
from tovi_tui.widgets.log_pane import LogPane
from tovi_tui.widgets.log_panes import LogPanes

MOST_LOGS: Final = 4
_GROUP: Final = "together"


async def open_together(
    screen: ToviScreen, panes: LogPanes, references: Sequence[Reference], stream: str = BOTH
) -> None:
    """Instead of those apart."""
    _end_following(screen)
    source = LogStream(screen.manager, references, stream=stream)
    await panes.show_together(LogPane(source, references[0]))
    show_lead(screen, panes)
    for number, reference in enumerate(references):
        screen.work(partial(source.follow, reference), busy="", group=f"{_GROUP} {number}")


async def mend_together(screen: ToviScreen, panes: LogPanes) -> None:
    """Follow anew, from its end, what broke off. While nobody answers, what is shown stays."""
    source = panes.front.source
    if isinstance(source, LogStream) and source.is_broken:
        await screen.manager.me()
        await open_together(screen, panes, source.references, source.stream)


async def close_together(screen: ToviScreen, panes: LogPanes) -> None:
    """Those apart are as they were."""
    _end_following(screen)
    await panes.show_apart()


async def turn_stream(screen: ToviScreen, panes: LogPanes) -> None:
    """Out, err, both, and out again."""
    pane, reader = panes.front, panes.front.source
    if not isinstance(reader, LogReader):
        await close_together(screen, panes)
        return
    if reader.stream == "err":
        await open_together(screen, panes, [of_attempt(reader)])
    reader.turn_to("err" if reader.stream == "out" else "out", reader.attempt)
    await pane.open_end()


async def turn_times(screen: ToviScreen, panes: LogPanes) -> None:
    """Only logs together have times: one alone is read from wherever in it."""
    panes.is_timed = not panes.is_timed
    reader = panes.front.source
    if isinstance(reader, LogReader):
        panes.is_timed = True
        await open_together(screen, panes, [of_attempt(reader)], reader.stream)
    else:
        show_lead(screen, panes)


def show_lead(screen: ToviScreen, panes: LogPanes) -> None:
    """What stands before each line."""
    pane, source = panes.front, panes.front.source
    if isinstance(source, LogStream):
        is_named = len(source.references) > 1 or source.references[0].index is None
        lead = lead_of(screen.look(), is_timed=panes.is_timed, is_named=is_named, has_both=source.stream == BOTH)
        pane.view.lead(lead)


def _end_following(screen: ToviScreen) -> None:
    for number in range(MOST_LOGS):
        screen.workers.cancel_group(screen, f"{_GROUP} {number}")
