"""Terminal UIs of people: each one a process on a pseudo-terminal, which knows nothing but the caller's manager."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from tovi_server.api import ManagerAPI
from tovi_server.core.errors import QuotaExceededError
from tovi_server.receivers.counter import Claim, Counter
from tovi_server.receivers.pseudo_terminal import PseudoTerminal
from tovi_server.receivers.settings import Limits
from tovi_server.receivers.terminal import Size
from tovi_server.receivers.tui_process import TuiProcess
from tovi_server.receivers.tui_pump import Screen
from tovi_server.receivers.tui_visit import TuiVisit
from tovi_server.receivers.tui_zygote import TuiZygote


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, and on what."""

    user: str
    manager: ManagerAPI
    environment: Mapping[str, str]
    size: Size
    screen: Screen


class TuiHost:
    """One for each receiver."""

    def __init__(self, zygote: TuiZygote, counter: Counter, limits: Limits) -> None:
        self._zygote = zygote
        self._counter = counter
        self._limits = limits

    async def run(self, viewer: Viewer, *, on_open: Callable[[TuiVisit], None]) -> None:
        """Open a terminal UI and see it through until it ends by itself; nothing of it is left then, nor on the screen.

        Raises:
            QuotaExceededError: there are too many already.
            UnavailableError: none can be started now.
            ToviError: why it did not end by itself.
        """
        async with self._counted(viewer.user):
            terminal = PseudoTerminal(viewer.size)
            try:
                await self._run_on(terminal, viewer, on_open)
            finally:
                terminal.close()

    async def _run_on(self, terminal: PseudoTerminal, viewer: Viewer, on_open: Callable[[TuiVisit], None]) -> None:
        visit: TuiVisit | None = None
        try:
            async with TuiProcess.started(self._zygote, terminal, viewer.environment) as process:
                visit = TuiVisit(process, terminal, viewer.screen, idle=self._limits.idle_timeout)
                on_open(visit)
                await visit.over(viewer.manager)
        finally:
            if visit is not None:
                with suppress(OSError):  # the client is gone
                    viewer.screen.write(visit.close())

    @asynccontextmanager
    async def _counted(self, user: str) -> AsyncIterator[None]:
        """Raises QuotaExceededError."""
        claims = (
            Claim("terminals", user, self._limits.terminals_per_user),
            Claim("terminals of all", "", self._limits.terminals),
        )
        refused = await self._counter.acquire(*claims)
        if refused is not None:
            raise _too_many(refused)
        try:
            yield
        finally:
            self._counter.release(*claims)


def _too_many(refused: Claim) -> QuotaExceededError:
    if refused.key:
        what, hint = f"{refused.key} has {refused.limit} terminals open already", "close one of them with q"
    else:
        what, hint = f"{refused.limit} terminals are open on this server already", "try again in a while"
    return QuotaExceededError(what, why="that is the limit", hint=f"{hint}; commands work as before: `help` lists them")
