"""When the storm is over: wait until all jobs have ended, and read back what the server shows of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

from tests.integration.faults.client import Client
from tests.integration.faults.load import Load
from tests.integration.history import Event, History
from tests.integration.history_reading import read_event, read_job, read_truth
from tests.live import Live
from tests.ssh_edge import Ended

END_S = 180
PIECE = 1000
AT_ONCE = 6


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
    shown = await _answers(load.live, [f"show {job['id']} --json" for job in jobs])
    logs = await _answers(load.live, [f"logs {task} --attempt {attempt} --stream out" for task, attempt in attempts])
    return History(
        submits=load.submits,
        cancels=load.cancels,
        truth=read_truth(load.ground.truth),
        jobs=[read_job(json.loads(answer.out)) for answer in shown],
        events=events,
        logs={attempt: answer.out.decode() for attempt, answer in zip(attempts, logs, strict=True)},
    )


async def _all_ended(client: Client) -> None:
    """The server's own `wait` tells the moment; asked again when nothing more can be waited for."""
    deadline = time.monotonic() + END_S
    while left := json.loads((await client.insist("queue --json --limit 1000")).out)["items"]:
        if time.monotonic() > deadline:
            raise AssertionError(f"jobs do not end: {[(job['id'], job['state'], job['reason']) for job in left]}")
        ids = " ".join(str(job["id"]) for job in left[:100])
        await client.insist(f"wait {ids} --timeout 10s")


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


async def _answers(live: Live, commands: Sequence[str]) -> list[Ended]:
    """To each of them, in their order."""
    answers: dict[int, Ended] = {}
    left = list(enumerate(commands))

    async def work() -> None:
        client = Client(live)
        while left:
            number, command = left.pop()
            answers[number] = await client.insist(command)
            assert answers[number].code == 0, (command, answers[number])
        await client.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
    return [answers[number] for number in range(len(commands))]
