"""Says once that something is away, and once that it is back."""

from __future__ import annotations

import structlog

from tovi_server.core.errors import ToviError

log = structlog.get_logger(__name__)


class Outage:
    """Many failures in a row are one."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_on = False

    def failed(self, error: ToviError) -> None:
        if not self._is_on:
            log.warning("unavailable", what=self._what, why=error.in_one_line)
        self._is_on = True

    def worked(self) -> None:
        if self._is_on:
            log.info("available_again", what=self._what)
        self._is_on = False
