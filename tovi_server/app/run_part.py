"""One part as a process: told what to do by its parent, and ended with it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress

from tovi_server.app import receiver_part, scheduler_part
from tovi_server.app.ending import exit_status
from tovi_server.app.link import Link, status_line
from tovi_server.app.start import Kind, Start


def run(start: Start, sockets: Sequence[socket.socket]) -> int:
    """Until the parent says so, or is gone; the exit status, which the parent is told."""
    link, *others = sockets
    told = link.dup()
    status = exit_status(lambda: asyncio.run(_run(start, link, others)))
    with suppress(ConnectionError):  # the parent is gone
        told.send(status_line(status))
    return status


async def _run(start: Start, link: socket.socket, others: Sequence[socket.socket]) -> None:
    if start.kind is Kind.RECEIVER:
        counter, *listening = others
        await receiver_part.run(start, await Link.open(link), counter, listening)
    else:
        await scheduler_part.run(start, await Link.open(link))
