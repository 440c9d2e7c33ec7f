"""Cancel, hold and release from any screen: always asked, always named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from tovi_server.core.ids import Reference, parse_reference
from tovi_server.core.views import Controlled
from tovi_tui.screens.dialogs import Answer, Question
from tovi_tui.screens.frame import PERSON, ToviScreen
from tovi_tui.text.span import Line, Span, Tone, line

_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Target:
    """Something to control: its id, and what it is in words."""

    id: str
    name: str
    held: bool = False
    started: bool = True
    """Something of it runs, or ran: it is too late to hold it instead."""


def start_cancel(screen: ToviScreen, targets: Sequence[Target]) -> None:
    """Cancel them, asked; or say that none is left to be."""
    if targets:
        screen.work(partial(cancel, screen, targets), busy="", group=PERSON)
    else:
        screen.tell("ended already: nothing to cancel")


def start_hold(screen: ToviScreen, targets: Sequence[Target]) -> None:
    """Hold or release them; or say that none is left to be."""
    if targets:
        screen.work(partial(hold_or_release, screen, targets), busy="holding …", group="control")
    else:
        screen.tell("ended already: nothing to hold")


async def cancel(screen: ToviScreen, targets: Sequence[Target]) -> None:
    """Ask, and cancel or hold them."""
    milder = "hold it instead" if any(not target.started for target in targets) else None
    question = Question(f"Cancel {_counted(targets)}?", yes="cancel", other=milder, details=_listed(targets))
    references = tuple(parse_reference(target.id) for target in targets)
    match await screen.ask(question):
        case Answer.YES:
            screen.tell(_told(await screen.manager.cancel(references)))
        case Answer.OTHER:
            screen.tell(_told(await screen.manager.hold(references)))
        case Answer.NO:
            return
    screen.reload()


async def hold_or_release(screen: ToviScreen, targets: Sequence[Target]) -> None:
    """Hold them; when all are held, let them go on. It can be taken back with the same key, so it is not asked."""
    references = tuple(parse_reference(target.id) for target in targets)
    await (release if all(target.held for target in targets) else hold)(screen, references)


async def hold(screen: ToviScreen, references: tuple[Reference, ...]) -> None:
    screen.tell(_told(await screen.manager.hold(references)))
    screen.reload()


async def release(screen: ToviScreen, references: tuple[Reference, ...]) -> None:
    screen.tell(_told(await screen.manager.release(references)))
    screen.reload()


def _counted(targets: Sequence[Target]) -> str:
    return f"{targets[0].id} {targets[0].name}".rstrip() if len(targets) == 1 else f"{len(targets)} of these"


def _listed(targets: Sequence[Target]) -> Sequence[Line]:
    if len(targets) == 1:
        return ()
    lines = [line(Span(f"{target.id}  ", Tone.DIM), target.name) for target in targets[:_SHOWN]]
    more = len(targets) - len(lines)
    return [*lines, line(Span(f"and {more} more", Tone.DIM))] if more else lines


def _told(done: Sequence[Controlled]) -> str:
    return " · ".join(f"{one.id} {one.did}" + (f" ({one.message})" if one.message else "") for one in done[:_SHOWN])
