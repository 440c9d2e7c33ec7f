"""`tovi-server check`: looks at all that a server needs, and says what to do about what it has not."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from tovi_server.app import check_here
from tovi_server.core.findings import Finding, Standing
from tovi_server.core.safe import safe, safe_line
from tovi_server.settings import ExecutorKind, Role, Settings

_INDENT: Final = 7


async def check(root: Path, settings: Settings, *, with_task: bool, tell: Callable[[str], None]) -> int:
    """Tell each finding; the exit status, 1 where anything falls short."""
    # Ended in either way, it removes its probe task first.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _interrupt)
    is_short = False
    async for finding in _findings(root, settings, with_task=with_task):
        tell(text_of(finding))
        is_short |= finding.standing is Standing.SHORT
    return int(is_short)


def _interrupt() -> None:
    """As Ctrl-C does; also where that is ignored, as in the background of a script."""
    raise KeyboardInterrupt


def text_of(finding: Finding) -> str:
    """A line, and below it what to do."""
    lines = [f"{finding.standing:<{_INDENT}}{finding.what}: {safe_line(finding.text)}"]
    lines += [f"{'':{_INDENT + 2}}{line}" for line in safe(finding.todo).splitlines()]
    return "".join(f"{line}\n" for line in lines)


async def _findings(root: Path, settings: Settings, *, with_task: bool) -> AsyncIterator[Finding]:
    here = await asyncio.to_thread(check_here.findings, root, settings)
    for finding in here:
        yield finding
    if _is_of_a_cluster(settings) and check_here.is_there(root):
        # Importing its library takes long and much memory: nobody else needs it.
        from tovi_server.app import check_cluster

        async for finding in check_cluster.findings(root, settings, with_task=with_task):
            yield finding


def _is_of_a_cluster(settings: Settings) -> bool:
    """Receivers have no rights there."""
    return settings.executor.kind is ExecutorKind.KUBERNETES and settings.server.role is not Role.RECEIVER
