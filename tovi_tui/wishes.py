"""What one person has set, remembered by the manager: a few short texts by name."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from tovi_server.api import ManagerAPI
from tovi_server.core.errors import ToviError


class Wishes:
    """Known from the beginning; what changes is told to the manager, and holds for this session if that fails."""

    def __init__(self, manager: ManagerAPI, known: Mapping[str, str]) -> None:
        self._manager = manager
        self._known = dict(known)

    def get(self, name: str, usual: str) -> str:
        return self._known.get(name, usual)

    async def set(self, name: str, value: str) -> None:
        """From now on, even if the manager does not remember it."""
        with suppress(ToviError):
            await self.keep(name, value)
        self._known[name] = value

    async def keep(self, name: str, value: str) -> None:
        """The same, where it matters that it is remembered. Raises what the manager does."""
        if self._known.get(name, "") != value:
            await self._manager.prefer({name: value})
            self._known[name] = value


async def wishes_of(manager: ManagerAPI) -> Wishes:
    """Ask for them; without an answer there are none."""
    try:
        return Wishes(manager, await manager.preferences())
    except ToviError:
        return Wishes(manager, {})
