"""What the connections of one receiver share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass

from tovi_server.api import Gate, ManagerAPI
from tovi_server.receivers.counter import Counter
from tovi_server.receivers.doors import Doors
from tovi_server.receivers.settings import ReceiverSettings
from tovi_server.receivers.tui_host import TuiHost
from tovi_server.streams import RunCommand

Welcome = Callable[[ManagerAPI], Awaitable[str]]
"""What somebody who names no command is told: who they are here and what to type next."""

Spawn = Callable[[Coroutine[None, None, None]], "asyncio.Task[None]"]
"""Starts a session's work among the receiver's tasks."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The parts behind every session, as the composition root gave them."""

    gate: Gate
    counter: Counter
    settings: ReceiverSettings
    run_command: RunCommand
    welcome: Welcome
    doors: Doors
    tui: TuiHost | None
    """None: who has a terminal and no command is welcomed, as without one."""
    spawn: Spawn
