"""What clients, jobs and the command line leave behind, as records for the judge of histories."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.integration.history import Event, Job, Mark


def read_truth(text: str) -> list[Mark]:
    """Lines `start|finish|beside TASK ATTEMPT TOKEN [CODE]`, in the order they were written."""
    return [_mark(*line.split()) for line in text.splitlines()]


def _mark(what: str, task: str, attempt: str, token: str, code: str | None = None) -> Mark:
    return Mark(what, task, int(attempt), token, None if code is None else int(code))


def read_event(line: str) -> Event:
    """A line of `events --jsonl`."""
    it = json.loads(line)
    data = it["data"]
    return Event(
        seq=it["seq"],
        at=datetime.fromisoformat(it["at"]).timestamp(),
        kind=it["kind"],
        job=it["job"],
        stage=it["stage"],
        index=it["index"],
        attempt=it["attempt"],
        reason=data.get("reason"),
        exit_code=data.get("exit_code"),
        tasks=data.get("tasks"),
    )


def read_job(shown: Mapping[str, Any]) -> Job:
    """An item of `jobs --json`, of a job without stages."""
    return Job(
        id=shown["id"],
        name=shown["name"],
        state=shown["state"],
        stages={"main": shown["tasks_total"]},
        by_state=shown["tasks_by_state"],
    )
