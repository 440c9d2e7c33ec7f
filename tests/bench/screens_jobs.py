"""Jobs to look at: many that wait, and one that changes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from tests.live import ADMIN, Live
from tests.wire_door import wire
from tovi_server.core.ids import JobId, Reference

CHANGING: Final = Reference(JobId(1))
"""A job that is held; released it waits, as all of the machine is taken."""
_RESOURCES: Final = f"resources: {{cpus: {os.cpu_count()}}}\n"
_STAYS_S: Final = 0.5
_LOOK_S: Final = 0.1


def fill(live: Live, jobs: int) -> None:
    """So many jobs: the last runs on all CPUs, doing nothing, the others are held."""
    held = live.ssh("submit", "--hold", stdin=f"run: ':'\n{_RESOURCES}".encode())
    assert held.code == 0, held
    live.stop()
    database = str(live.data / "server" / "tovi.db")
    subprocess.run([sys.executable, "-m", "tests.bench.past", database, "1", str(jobs - 2)], check=True)
    live.start()
    taking = live.ssh("submit", stdin=f"run: sleep infinity\n{_RESOURCES}".encode())
    assert taking.code == 0, taking
    while live.json("show", taking.out.decode().strip())["state"] != "running":
        time.sleep(_LOOK_S)


@contextmanager
def changes(live: Live) -> Iterator[None]:
    """A job changes twice a second, as long as the block runs."""
    over = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        changing = threads.submit(lambda: asyncio.run(_change(live, over)))
        try:
            yield
        finally:
            over.set()
        changing.result()


async def _change(live: Live, over: threading.Event) -> None:
    async with wire(live, ADMIN) as api:
        while not over.is_set():
            for verb in (api.release, api.hold):
                await verb((CHANGING,))
                await asyncio.sleep(_STAYS_S)
