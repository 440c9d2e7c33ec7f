"""One part as a process: told what to do by its parent, and ended with it."""

from __future__ import annotations

import asyncio

from tovi_server.app.link import Link
from tovi_server.app.start import Kind, Start, take_over


def run_part(kind: Kind, told: int) -> None:
    """Until the parent says so; `told` is the descriptor of what it handed over.

    Raises:
        ExceptionGroup: what ended it otherwise: a `ParentGoneError`, or what went wrong.
    """
    asyncio.run(_run(kind, take_over(told)))


async def _run(kind: Kind, start: Start) -> None:
    link = await Link.open(start.link)
    # Only what this part needs is imported: a receiver is as small as it can be.
    if kind is Kind.RECEIVER:
        from tovi_server.app import receiver_part

        await receiver_part.run(start, link)
    else:
        from tovi_server.app import scheduler_part

        await scheduler_part.run(start, link)
