"""When each key was last used, as `keys` shows it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from scheduler.ports import Clock
from tovi_server.core.errors import UnavailableError
from tovi_server.store.accounts import AccountStore

_NOTED_EVERY: Final = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class KeyUse:
    """Writes a use of a key once a minute at most: logins are many, and what they write they wait for."""

    def __init__(self, accounts: AccountStore, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._noted: dict[str, datetime] = {}

    async def note(self, fingerprint: str) -> None:
        """Nothing for callers without a key. A login does not fail for this."""
        now = self._clock.now()
        noted = self._noted.get(fingerprint)
        if not fingerprint or (noted is not None and now - noted < _NOTED_EVERY):
            return
        self._noted[fingerprint] = now
        try:
            await self._accounts.touch_key(fingerprint, now=now)
        except UnavailableError as error:
            log.warning("key_use_not_noted", key=fingerprint, error=str(error))
