"""What scripts depend on: JSON keys, schemas and tables, held by files.

`TOVI_UPDATE_GOLDEN=1` writes them anew; then look at each difference and say in the commit why it changed.
"""

from __future__ import annotations

import json
import os
import shlex
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes_manager import NOW, FakeManager, FakeStreams, a_job, a_stage, a_task, an_attempt, an_event
from tovi_cli.main import make_run_command
from tovi_server.core import views
from tovi_server.core.errors import NeverFitsError
from tovi_server.core.reasons import Reason

GOLDEN = Path(__file__).parent / "golden"
RUN = make_run_command(lambda: NOW)

FAILED = Reason("out-of-memory", "it used 33 GiB of 32 GiB", {"memory_bytes": 35433480192})
WAITING = Reason("resources", "needs 4 gpus; node-1 has 3 free", {"gpus": 4, "node": "node-1"})
STAGES = (
    a_stage("prepare", state="succeeded", tasks_by_state={"succeeded": 1}),
    a_stage("train", needs=("prepare",), tasks_total=60, tasks_by_state={"succeeded": 36, "failed": 2, "queued": 22}),
)
PIPELINE = a_job(
    stages=STAGES,
    tasks_total=61,
    tasks_by_state={"succeeded": 37, "failed": 2, "queued": 22},
    note="for the paper",
    snapshot="3f2a",
    spec="run: python train.py\nmatrix:\n  lr: [0.1, 1e-2]\n",
)
ENDED = a_job(
    11,
    name="",
    state="failed",
    reason=FAILED,
    ended_at=NOW - timedelta(minutes=2),
    exit_code=137,
    requested=None,
    tasks_by_state={"failed": 1},
)
QUEUED = a_job(13, name="日本語", state="queued", reason=WAITING, started_at=None, tasks_by_state={"queued": 1})
HELD = a_job(14, user="bob", state="queued", held=True, started_at=None, tasks_by_state={"queued": 1}, tags=())
TASKS = (
    a_task(
        0,
        "train",
        params={"lr": "1e-2", "seed": "1"},
        state="failed",
        reason=FAILED,
        attempt=2,
        exit_code=137,
        ended_at=NOW,
        used=views.Used(cpu_s=3723.5, memory_bytes=35433480192),
        metrics={"loss": 0.25, "bad": float("nan")},
        attempts=(an_attempt(1), an_attempt(2)),
    ),
    a_task(1, "train", state="queued", node=None, started_at=None, reason=WAITING),
)

FAKE = FakeManager(
    job_list=(HELD, QUEUED, PIPELINE, ENDED),
    next=11,
    details=views.Details(PIPELINE, TASKS, 58, (views.FileView("train.py", 120, NOW),)),
    event_list=(an_event(1), an_event(2, kind="cancel-requested", stage=None, index=None, attempt=None, user="ada")),
    metrics_rows=(views.MetricsRow("12.train.0", "succeeded", {"lr": "1e-2"}, {"loss": 0.25}),),
    waited=views.Waited(137, (ENDED,)),
    why_answer=views.Why("13", "queued", (WAITING, Reason("behind", "2 jobs are ahead", {"jobs": 2}))),
    pieces=(views.LogPiece("12.train.0", "out", b"loss 0.25\n", NOW), views.LogPiece("12.train.1", "err", b"oh\n")),
)

CASES = {
    "queue": "queue",
    "queue-json": "queue --json",
    "jobs": "jobs",
    "jobs-jsonl": "jobs --jsonl",
    "show-job": "show 12 --files",
    "show-job-json": "show 12 --files --json",
    "show-stage-json": "show 12.train --json",
    "show-task": "show 12.train.0",
    "show-task-json": "show 12.train.0 --json",
    "show-attempt-json": "show 12.train.0/2 --json",
    "why": "why 13",
    "why-json": "why 13 --json",
    "logs": "logs 12 --timestamps",
    "logs-jsonl": "logs 12 --jsonl",
    "submit-json": "submit --json",
    "check": "check",
    "check-json": "check --json",
    "wait-json": "wait 11 --json",
    "cancel-json": "cancel 12 13.train --json",
    "release": "release 12",
    "events": "events",
    "events-json": "events --json",
    "events-jsonl": "events --jsonl",
    "metrics": "metrics 12",
    "metrics-json": "metrics 12 --json",
    "outputs": "outputs 12",
    "outputs-json": "outputs 12 --json",
    "datasets": "datasets",
    "datasets-json": "datasets --json",
    "dataset-show": "dataset show scans",
    "dataset-show-json": "dataset show scans --json",
    "projects": "projects",
    "projects-json": "projects --json",
    "project-show": "project show lens",
    "project-show-json": "project show lens --json",
    "nodes": "nodes",
    "nodes-json": "nodes --json",
    "queues": "queues",
    "queues-json": "queues --json",
    "keys": "keys",
    "keys-json": "keys --json",
    "users": "admin user list",
    "users-json": "admin user list --json",
    "user-show": "admin user show bob",
    "user-show-json": "admin user show bob --json",
    "whoami": "whoami",
    "whoami-json": "whoami --json",
    "version": "version",
    "version-json": "version --json",
    "ssh-config": "ssh-config",
    "help": "help",
    "help-submit": "help submit",
}


async def output_of(line: str, fake: FakeManager = FAKE) -> str:
    streams = FakeStreams()
    await RUN(fake, shlex.split(line), streams)
    return streams.stdout


def held_by_file(name: str, text: str) -> str:
    """What the file says; writes it first when asked to."""
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("TOVI_UPDATE_GOLDEN"):
        file.write_text(text)
    return file.read_text()


@pytest.mark.parametrize("name", CASES)
async def test_output_stays_as_it_is(name: str) -> None:
    text = await output_of(CASES[name])
    assert held_by_file(name, text) == text


async def test_an_error_stays_as_it_is() -> None:
    error = NeverFitsError("task asks for 12 gpus", why="the largest node has 8", hint="ask for at most 8")
    text = await output_of("submit --json", FakeManager(error=error))
    assert held_by_file("error-json", text) == text


@pytest.mark.parametrize("name", [name for name, line in CASES.items() if "--json" in line.split()])
async def test_a_document_is_one_document_with_a_schema(name: str) -> None:
    document = json.loads(await output_of(CASES[name]))
    assert document["schema"].startswith("tovi.")
    assert document["schema"].endswith("/1")
    if isinstance(document.get("items"), list):
        assert set(document) == {"schema", "items", "next"}


@pytest.mark.parametrize("name", [name for name, line in CASES.items() if "--jsonl" in line.split()])
async def test_each_line_of_jsonl_is_a_document_with_a_schema(name: str) -> None:
    lines = (await output_of(CASES[name])).splitlines()
    assert lines
    assert all(json.loads(line)["schema"].startswith("tovi.") for line in lines)


def test_no_file_is_left_over() -> None:
    assert {file.stem for file in GOLDEN.iterdir()} == {*CASES, "error-json"}
