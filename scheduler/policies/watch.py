"""The policies that hold now: the policy file is read again when it changes, and taken only if it is good."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import structlog
from watchfiles import Change, awatch

from scheduler.policies.default import DEFAULT
from scheduler.policies.load import read_policies
from scheduler.policies.protocols import Policies
from tovi_server.core.errors import ToviError

log = structlog.get_logger(__name__)

_LOOK_ANYWAY_MS: Final = 5000
"""Notices of changes are only hints."""
_GATHER_MS: Final = 500
"""The database may lie in the same folder, and is written all the time: nobody is woken for each of its changes."""


class PolicyWatch:
    """Of one file, which need not exist: then the policies are those that come with Tovi."""

    def __init__(self, path: Path, *, check: Callable[[Policies], Awaitable[None]]) -> None:
        """`check` tries policies without acting on them, and raises if they cannot be used."""
        self._path = path
        self._check = check
        self._policies = DEFAULT
        self._content = b""
        """What was read last, good or not."""

    def current(self) -> Policies:
        """The newest good ones."""
        return self._policies

    async def run(self) -> None:
        """Until cancelled. The folder is watched: files appear, disappear and are replaced."""
        await self.look()
        changes = awatch(
            self._path.parent,
            watch_filter=self._is_mine,
            stop_event=asyncio.Event(),
            step=_GATHER_MS,
            rust_timeout=_LOOK_ANYWAY_MS,
            yield_on_timeout=True,
            recursive=False,
        )
        async for _ in changes:
            await self.look()

    def _is_mine(self, _: Change, path: str) -> bool:
        return Path(path).name == self._path.name

    async def look(self) -> None:
        """Read the file if it changed. What is wrong with it is logged once, and the old policies stay."""
        try:
            content = await asyncio.to_thread(self._read)
            if content == self._content:
                return
            self._content = content
            await self._take(content.decode())
        except ToviError as error:
            log.error("policy_refused", file=self._path.name, what=error.what, why=error.why)
        except Exception as error:  # a plug-in may raise anything
            log.exception("policy_refused", file=self._path.name, what=type(error).__name__, why=str(error))

    def _read(self) -> bytes:
        """Nothing when there is no file."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""

    async def _take(self, text: str) -> None:
        policies = read_policies(text)
        await self._check(policies)
        self._policies = policies
        log.info("policy_taken", file=self._path.name)
