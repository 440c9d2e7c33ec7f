"""When the storm is over: wait until all jobs have ended, and read back what the server shows of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import asyncssh

from tests import processes
from tests.integration.faults.client import Client, connect
from tests.integration.faults.load import Load
from tests.integration.history import Event, History
from tests.integration.history_reading import read_event, read_job, read_truth
from tests.live import Live

END_S = 180
PIECE = 1000
AT_ONCE = 8
SHOWN = 3

Attempt = tuple[str, int]


async def read_history(load: Load) -> History:
    """What happened from the first submission to the end of the last job."""
    client = Client(load.live)
    try:
        await _all_ended(client)
        jobs = await _jobs(client)
        events = await _events(client)
    finally:
        await client.close()
    attempts = [(event.task, event.attempt or 0) for event in events if event.kind == "dispatched"]
    return History(
        submits=load.submits,
        cancels=load.cancels,
        truth=read_truth(load.ground.truth),
        jobs=[read_job(job) for job in jobs],
        events=events,
        logs=await _logs(load.live, attempts),
    )


async def _all_ended(client: Client) -> None:
    """The server's own `wait` tells the moment; asked again when nothing more can be waited for."""
    deadline = time.monotonic() + END_S
    while left := await _queue(client):
        if time.monotonic() > deadline:
            raise AssertionError("jobs do not end:\n" + await stories(client))
        ids = " ".join(str(job["id"]) for job in left[:100])
        await client.insist(f"wait {ids} --timeout 10s")


async def stories(client: Client) -> str:
    """All that is known of some jobs that have not ended."""
    return "\n\n".join([await _story(client, job["id"]) for job in (await _queue(client))[:SHOWN]])


async def _queue(client: Client) -> list[dict[str, Any]]:
    return list(json.loads((await client.insist("queue --json --limit 1000")).out)["items"])


async def _story(client: Client, job: int) -> str:
    """What the server says of it, its own words and its files, and the processes of its tasks."""
    told = [(await client.insist(f"{verb} {job}")).out.decode() for verb in ("show", "events", "why")]
    folder = client.live.data / f"projects/ada/jobs/{job}"
    files = [f"{path} {path.stat().st_size}" for path in sorted(folder.rglob("*")) if path.is_file()]
    about = [line for line in client.live.log.splitlines() if f'"{job}.' in line]
    running = [f"{pid} {processes.told(pid)}" for pid in sorted(processes.mentioning(folder))]
    return "\n".join([*told, *files, *about, *running])


async def _jobs(client: Client) -> list[dict[str, Any]]:
    """All of them, piece by piece."""
    found: list[dict[str, Any]] = []
    before: int | None = None
    while True:
        more = "" if before is None else f" --before {before}"
        page = json.loads((await client.insist(f"jobs --json --limit {PIECE}{more}")).out)
        found += page["items"]
        before = page["next"]
        if before is None:
            return found


async def _events(client: Client) -> list[Event]:
    answer = await client.insist("events --jsonl")
    assert answer.code == 0, answer
    return [read_event(line) for line in answer.out.decode().splitlines()]


async def _logs(live: Live, attempts: Sequence[Attempt]) -> Mapping[Attempt, str]:
    """What they printed, as people fetch it; those that never began have none."""
    logs: dict[Attempt, str] = {}
    left = list(attempts)

    async def fetch(sftp: asyncssh.SFTPClient) -> None:
        while left:
            attempt = left.pop()
            with suppress(asyncssh.SFTPNoSuchFile):
                async with sftp.open(_path(*attempt)) as log:
                    logs[attempt] = str(await log.read())

    async with await connect(live) as connection, connection.start_sftp_client() as sftp, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(fetch(sftp))
    return logs


def _path(task: str, attempt: int) -> str:
    job, _, part = task.partition(".")
    return f"/jobs/{job}/{part}/attempts/{attempt}/stdout.log"
