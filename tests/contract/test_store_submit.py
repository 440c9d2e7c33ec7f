"""A submission is durable before it is acknowledged, and a wide one costs little."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contract.store_house import DAWN, House, assert_counts_are_true, new_job, stage
from tovi_server.core.errors import ConflictError, UsageError
from tovi_server.core.resources import GIB, Resources
from tovi_server.core.retry import Cause, RetryPolicy
from tovi_server.core.spec import Axis, CellSpace, DataMount, Input, Output, Priority, Range, Spec, StageSpec
from tovi_server.core.states import TaskState
from tovi_server.store.engine import Database
from tovi_server.store.jobs import JobStore

pytest_plugins = ("tests.contract.store_fixtures",)


async def test_an_acknowledged_job_is_there_after_the_database_is_opened_again(
    database_url: str, tmp_path: Path
) -> None:
    first = Database.open(database_url, base=tmp_path)
    job = await House(first).submit(name="kept")
    await first.close()
    again = Database.open(database_url, base=tmp_path)
    found = await House(again).job(job)
    await again.close()
    assert found.name == "kept"


async def test_ids_grow_from_one(house: House) -> None:
    assert [await house.submit(), await house.submit(), await house.submit()] == [1, 2, 3]


async def test_the_same_key_gives_the_same_job(house: House) -> None:
    new = new_job(key="k1", digest="d")
    first = await house.store.submit(new, now=DAWN)
    again = await house.store.submit(new, now=DAWN)
    assert ((first[0], True), (first[0], False)) == (first, again)


async def test_a_key_used_for_something_else_is_refused(house: House) -> None:
    await house.submit(key="k1", digest="d1")
    with pytest.raises(ConflictError, match="k1"):
        await house.submit(key="k1", digest="d2")


async def test_keys_of_different_users_do_not_meet(house: House) -> None:
    first = await house.submit(user="ann", key="k1", digest="d1")
    assert first != await house.submit(user="bob", key="k1", digest="d2")


async def test_a_hundred_thousand_tasks_are_one_row(house: House) -> None:
    job = await house.submit(stage(tasks=100_000))
    assert await house.rows() == {"jobs": 1, "stages": 1, "tasks": 0, "attempts": 0}
    assert await house.counts(job) == {"queued": 100_000}


async def test_cancelling_or_skipping_a_wide_stage_makes_no_rows(house: House) -> None:
    job = await house.submit(stage("a", 100_000), stage("b", 100_000, needs=("a",)))
    await house.cancel(f"{job}.a")
    assert await house.counts(job) == {"cancelled": 100_000, "skipped": 100_000}
    assert (await house.rows())["tasks"] == 0


async def test_readying_a_wide_stage_makes_no_rows(house: House) -> None:
    job = await house.submit(stage("a"), stage("b", 100_000, needs=("a",)))
    await house.run(f"{job}.a.0")
    assert await house.counts(job) == {"succeeded": 1, "queued": 100_000}
    assert (await house.rows())["tasks"] == 1


async def test_stages_that_need_others_wait(house: House) -> None:
    job = await house.submit(stage("a"), stage("b", needs=("a",)), stage("c"))
    states = {one.name: one.rest_state for one in (await house.job(job)).stages}
    assert states == {"a": TaskState.QUEUED, "b": TaskState.WAITING, "c": TaskState.QUEUED}


async def test_what_was_submitted_comes_back_as_it_was(house: House) -> None:
    full = StageSpec(
        name="train",
        run="python train.py --text 'ü \\ \"'",
        setup="pip install -r requirements.txt",
        setup_files=("requirements.txt",),
        image="python:3.12",
        env={"A": "1"},
        params={"lr": "0.1"},
        request=Resources(500, 2 * GIB, GIB, 2, ("a100", "h100"), 40 * GIB),
        timeout=timedelta(hours=3),
        retries=RetryPolicy(2, (Cause.OOM, Cause.NODE_FAILURE), (75,)),
        data=(DataMount("scans", "scans@v1"),),
        outputs=(Output("out/model.pt", "model"), Output("log")),
        metrics="metrics.json",
        cells=CellSpace(
            axes=(Axis("seed", Range(1, 3)), Axis("size", ("s", "m"))),
            exclude=({"seed": "1", "size": "s"},),
            include=({"seed": "9", "size": "x"},),
        ),
        max_concurrent=2,
        needs=("prepare",),
        inputs=(Input("clean", "prepare", None),),
    )
    spec = Spec((stage("prepare", 5), full), "n", "lab", "long", Priority.HIGH, ("t",), ("32G is 32Gi",))
    origin = await house.submit()
    job = await house.submit(spec=spec, text="stages: …\n", snapshot="sha256:abc", origin=origin)
    frozen = await house.store.frozen(job)
    assert frozen is not None
    assert (spec, "stages: …\n", "sha256:abc", origin) == (frozen.spec, frozen.text, frozen.snapshot, frozen.origin)


async def test_a_job_remembers_what_was_said_about_it(house: House) -> None:
    job = await house.submit(
        stage(tasks=3, max_concurrent=2), tags=("x", "y"), note="why\nnot", priority=100, held=True
    )
    found = await house.job(job)
    assert (found.tags, found.note, found.priority, found.held) == (("x", "y"), "why\nnot", 100, True)
    assert (2, Resources(cpu_millicores=1000)) == (found.stages[0].max_concurrent, found.stages[0].request)


@pytest.mark.parametrize(
    "bad", [{"name": "a\0b"}, {"note": "\ud800"}, {"text": "\0"}, {"tags": ("a\nb",)}, {"user": "u" * 65}]
)
async def test_texts_that_cannot_be_kept_are_refused_before_the_database(house: House, bad: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        await house.submit(**bad)
    assert (await house.rows())["jobs"] == 0


@pytest.mark.parametrize("unfinished", [(1,), (0, 2, 3, 4), (0, 1, 2, 3, 4), ()])
async def test_a_rerun_of_some_tasks_counts_the_others_as_succeeded(house: House, unfinished: tuple[int, ...]) -> None:
    job = await house.submit(stage("a", 5), stage("b", needs=("a",)), unfinished={"a": unfinished, "b": (0,)})
    tasks = await house.store.tasks(job, stage="a")
    assert list(unfinished) == [task.id.index for task in tasks if task.state is TaskState.QUEUED]
    assert 5 - len(unfinished) == sum(task.state is TaskState.SUCCEEDED for task in tasks)
    await house.database.read(assert_counts_are_true)


async def test_a_rerun_goes_on_with_the_stages_after_it(house: House) -> None:
    job = await house.submit(stage("a", 5), stage("b", needs=("a",)), unfinished={"a": (3,), "b": (0,)})
    await house.run(f"{job}.a.3")
    await house.run(f"{job}.b.0")
    assert await house.counts(job) == {"succeeded": 6}
    assert (await house.job(job)).ended_at is not None


async def test_a_stage_whose_needs_were_done_before_is_queued_at_once(house: House) -> None:
    job = await house.submit(stage("a", 5), stage("b", needs=("a",)), unfinished={"b": (0,)})
    assert await house.counts(job, "b") == {"queued": 1}


async def test_a_submission_that_fails_leaves_the_others_of_its_commit_alone(house: House) -> None:
    await house.submit(key="used", digest="1")
    store = JobStore(house.database)
    clash = new_job(key="used", digest="2")
    verbs = [store.submit(clash if number % 7 == 3 else new_job(), now=DAWN) for number in range(40)]
    answers = await asyncio.gather(*verbs, return_exceptions=True)
    failed = [number for number, answer in enumerate(answers) if isinstance(answer, BaseException)]
    assert [number for number in range(40) if number % 7 == 3] == failed
    assert all(isinstance(answers[number], ConflictError) for number in failed)
    assert 41 - len(failed) == (await house.rows())["jobs"]
