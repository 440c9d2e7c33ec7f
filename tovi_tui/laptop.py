"""The same screens on a person's own machine, over a manager that is elsewhere."""

from __future__ import annotations

import os
import sys

from tovi_server.api import ManagerAPI
from tovi_server.core.errors import UsageError
from tovi_tui.session import app_for


async def run_here(manager: ManagerAPI) -> int:
    """On this terminal, to its end; the exit status.

    Raises:
        UsageError: this is no terminal that can show screens.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb":
        raise UsageError(
            "the screens need a terminal", hint="in a pipe or a script, `tovi queue` and the other verbs work"
        )
    app = await app_for(manager, os.environ)
    await app.run_async()
    if app.mistake is not None:
        raise app.mistake
    return app.return_code or 0
