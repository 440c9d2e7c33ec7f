"""A server that only executes: started and killed by tests. Says `started` once its first attempt does."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from scheduler.local import LocalSettings, open_local_executor
from tests.local_house import House, WallClock, following


async def serve(base: Path, run: str, timeout_s: float, grace_s: float, use_cgroups: bool) -> None:
    order = House(base).order(run, timeout_s=timeout_s, grace_s=grace_s)
    settings = LocalSettings("here", use_cgroups=use_cgroups)
    async with open_local_executor(settings, clock=WallClock()) as executor, following(executor) as follower:
        await executor.start(order)
        await follower.started(order)
        print("started", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    base, run, timeout_s, grace_s, groups = sys.argv[1:]
    asyncio.run(serve(Path(base), run, float(timeout_s), float(grace_s), groups == "cgroups"))
