"""The life of a job as its owner sees it through ManagerAPI, over the real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.manager_doorways import Doorway
from tests.manager_house import NO_OPTIONS, NODE, House, attempt_of, one_piece, open_house, submitted
from tovi_server.api import ManagerAPI, SubmitOptions
from tovi_server.core import views
from tovi_server.core.closing import closed_after
from tovi_server.core.errors import (
    ConflictError,
    InvalidSpecError,
    NeverFitsError,
    NotFoundError,
    QuotaExceededError,
    UsageError,
    WaitTimeoutError,
)
from tovi_server.core.events import Delayed
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId, Reference, parse_reference
from tovi_server.core.reasons import EndReason
from tovi_server.manager.settings import Images

SOON_S = 20
PIPELINE = """
name: survey
stages:
  prepare: {run: prepare}
  train:
    needs: [prepare]
    matrix: {lr: [0.1, 1e-2], seed: 0..1}
    run: train
"""


pytest_plugins = ("tests.contract.doorways",)


@pytest.fixture
async def house(tmp_path: Path, doorway: Doorway) -> AsyncIterator[House]:
    async with open_house(tmp_path, doorway) as opened:
        yield opened


@pytest.fixture
async def ada(house: House) -> ManagerAPI:
    return await house.person("ada")


def _ref(text: str | int) -> Reference:
    return parse_reference(str(text))


async def test_a_submission_lands_in_the_personal_project_and_wakes_others(house: House, ada: ManagerAPI) -> None:
    rings = len(house.rings)
    job = (await ada.show(_ref(await submitted(ada, "run: true")))).job
    assert (job.project, job.user, job.name, job.state) == ("ada", "ada", "job", "queued")
    assert len(house.rings) == rings + 1


async def test_what_the_command_line_says_beats_the_file(house: House, ada: ManagerAPI) -> None:
    options = SubmitOptions(name="mine", tags=("b",), note="why", hold=True)
    job = (await ada.show(_ref(await submitted(ada, "name: file\ntags: [a]\nrun: true", options)))).job
    assert (job.name, job.tags, job.note, job.held) == ("mine", ("a", "b"), "why", True)


async def test_images_are_said_to_be_kept_and_not_used_once(ada: ManagerAPI) -> None:
    text = "stages:\n  a: {run: x, image: slim}\n  b: {run: x, image: slim}\n  c: {run: x, image: full}"
    said = (await ada.submit(NO_OPTIONS, one_piece(text))).notices
    assert said == ("image full, slim is kept with the job and not used: tasks run on this server's own machine",)


async def test_images_that_are_used_are_no_news(tmp_path: Path) -> None:
    async with open_house(tmp_path, images=Images.OPTIONAL) as house:
        ada = await house.person("ada")
        await submitted(ada, "run: x")
        assert not (await ada.submit(NO_OPTIONS, one_piece("run: x\nimage: slim"))).notices


async def test_where_tasks_need_images_a_stage_without_one_is_refused(tmp_path: Path) -> None:
    async with open_house(tmp_path, images=Images.REQUIRED) as house:
        ada = await house.person("ada")
        with pytest.raises(InvalidSpecError, match='stage "b" names no image'):
            await submitted(ada, "stages:\n  a: {run: x, image: slim}\n  b: {run: x}")
        await submitted(ada, "defaults: {image: slim}\nstages:\n  a: {run: x}\n  b: {run: x}")


async def test_an_archive_travels_into_the_project(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, b"TARrun: true")
    details = await ada.show(_ref(job), files=True)
    assert (details.job.snapshot, [file.path for file in details.files]) == ("sha256-of-code", ["train.py"])
    assert house.files.received == [("ada", True)]


async def test_the_same_key_gives_the_same_job(ada: ManagerAPI) -> None:
    options = SubmitOptions(key="k1")
    first = await ada.submit(options, one_piece("run: true"))
    second = await ada.submit(options, one_piece("run: true"))
    assert (first.id, True, False) == (second.id, first.created, second.created)
    with pytest.raises(ConflictError):
        await ada.submit(options, one_piece("run: false"))


async def test_a_cut_connection_leaves_nothing(ada: ManagerAPI) -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield b"run: true"
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        await ada.submit(SubmitOptions(), cut())
    assert (await ada.jobs(JobFilter(), Page())).items == ()


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("", InvalidSpecError, "standard input"),
        ("rum: true", InvalidSpecError, "rum"),
        ("run: true\nresources: {cpus: 64}", NeverFitsError, "64 cpus"),
        ("run: true\narray: 0..1000", QuotaExceededError, "1001 tasks"),
        ("run: true\ndata: {x: datasets/scan}", InvalidSpecError, "scan"),
        ("run: true\nproject: nil", NotFoundError, "nil"),
        ("run: true\nqueue: fast", NotFoundError, "fast"),
    ],
)
async def test_what_cannot_be_is_refused_at_once_and_nothing_is_kept(
    ada: ManagerAPI, text: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        await submitted(ada, text)
    assert (await ada.jobs(JobFilter(), Page())).items == ()


async def test_a_dataset_that_is_not_there_is_told_with_the_nearest(house: House, ada: ManagerAPI) -> None:
    house.files.there["ada"] = ["scans"]
    with pytest.raises(InvalidSpecError) as refused:
        await submitted(ada, "run: true\ndata: {x: datasets/scan}")
    assert "scans" in refused.value.hint


async def test_check_says_what_a_file_would_do_and_keeps_nothing(house: House, ada: ManagerAPI) -> None:
    checked = await ada.check(SubmitOptions(), one_piece(PIPELINE))
    assert (checked.name, checked.tasks_total, [one.tasks_total for one in checked.stages]) == ("survey", 5, [1, 4])
    await ada.check(SubmitOptions(), one_piece("TARrun: true"))
    assert house.files.received == [("ada", False)]
    assert (await ada.jobs(JobFilter(), Page())).items == ()


async def test_show_a_stage_of_some_parameters(ada: ManagerAPI) -> None:
    job = await submitted(ada, PIPELINE)
    details = await ada.show(_ref(f"{job}.train"), where={"lr": "1e-2"})
    assert [(task.params["lr"], task.params["seed"]) for task in details.tasks] == [("1e-2", "0"), ("1e-2", "1")]
    assert details.more_tasks == 0


async def test_show_says_how_many_tasks_it_left_out(ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: true\narray: 0..99")
    details = await ada.show(_ref(job), limit=10)
    assert (len(details.tasks), details.more_tasks) == (10, 90)


async def test_show_a_task_has_its_attempts_and_one_attempt_alone(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x\nretries: 1")
    await house.run(f"{job}.main.0", EndReason.ERROR, 3)
    await house.run(f"{job}.main.0")
    task = (await ada.show(_ref(f"{job}.main.0"))).tasks[0]
    assert [(a.reason and a.reason.code, a.exit_code) for a in task.attempts] == [("error", 3), (None, 0)]
    first = (await ada.show(_ref(f"{job}.main.0/1"))).tasks[0]
    assert [attempt.attempt for attempt in first.attempts] == [1]
    with pytest.raises(NotFoundError, match="tried 2 times"):
        await ada.show(_ref(f"{job}.main.0/3"))


@pytest.mark.parametrize("part", ["1.trian", "1.train.4", "1.prepare.1", "7"])
async def test_a_part_that_does_not_exist_is_named_with_what_does(ada: ManagerAPI, part: str) -> None:
    await submitted(ada, PIPELINE)
    with pytest.raises(NotFoundError) as missing:
        await ada.show(_ref(part))
    assert part in missing.value.what
    assert missing.value.why or missing.value.hint


async def test_mine_come_first_in_the_queue(house: House, ada: ManagerAPI) -> None:
    bob = await house.person("bob")
    mine = await submitted(ada, "run: true")
    theirs = await submitted(bob, "run: true")
    page = await ada.jobs(JobFilter(unfinished=True, everybody=True), Page())
    assert [mine, theirs] == [job.id for job in page.items]
    assert page.items[1].user == "bob"


async def test_a_long_list_goes_on_where_it_ended(ada: ManagerAPI) -> None:
    ids = [await submitted(ada, "run: true") for _ in range(5)]
    first = await ada.jobs(JobFilter(), Page(limit=3))
    assert first.next is not None
    second = await ada.jobs(JobFilter(), Page(limit=3, before=JobId(first.next)))
    assert ids[::-1] == [job.id for job in (*first.items, *second.items)]
    assert second.next is None


async def test_a_queued_job_says_in_the_list_why_it_waits(house: House, ada: ManagerAPI) -> None:
    first = await submitted(ada, "run: x\nresources: {cpus: 8}")
    await house.dispatch(f"{first}.main.0")
    await submitted(ada, "run: x\nresources: {cpus: 8}")
    waits, runs = (await ada.jobs(JobFilter(), Page())).items
    assert runs.reason is None
    assert waits.reason is not None
    assert (waits.reason.code, waits.reason.data["free_cpu_millicores"]) == ("resources", 0)


async def test_why_a_task_waits_for_a_stage_has_numbers(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, PIPELINE)
    why = await ada.why(_ref(f"{job}.train"))
    assert (why.state, why.reasons[0].code, why.reasons[0].data["tasks_left"]) == ("waiting", "needs", 1)


async def test_why_a_task_is_not_started_yet_says_where_it_waits_and_for_what(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: true")
    await house.dispatch(f"{job}.main.0")
    await house.jobs.record([Delayed(attempt_of(f"{job}.main.0/1"), house.clock.now(), "the quota is used up")])
    for asked in (_ref(job), _ref(f"{job}.main.0")):
        (reason,) = (await ada.why(asked)).reasons
        assert reason.code == "starting"
        assert "it is being started on n1: the quota is used up" in reason.message


async def test_why_a_job_failed_names_task_code_and_log(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, PIPELINE)
    await house.run(f"{job}.prepare.0", EndReason.ERROR, 3)
    why = await ada.why(_ref(job))
    assert why.state == "failed"
    assert [(one.code, one.data.get("exit_code")) for one in why.reasons] == [("error", 3), ("needs-failed", None)]
    assert f"logs {job}.prepare.0" in why.reasons[0].message


async def test_why_a_held_job_waits(ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x", SubmitOptions(hold=True))
    assert [reason.code for reason in (await ada.why(_ref(job))).reasons] == ["held"]


async def test_why_a_task_that_is_tried_again_has_the_last_end_too(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x\nretries: 1")
    await house.run(f"{job}.main.0", EndReason.OUT_OF_MEMORY, 137)
    why = await ada.why(_ref(f"{job}.main.0"))
    assert [reason.code for reason in why.reasons] == ["next", "out-of-memory"]


async def test_cancel_hold_and_release_say_what_they_did(house: House, ada: ManagerAPI) -> None:
    waits, runs = [await submitted(ada, "run: x") for _ in range(2)]
    await house.dispatch(f"{runs}.main.0")
    await house.start(attempt_of(f"{runs}.main.0/1"))
    assert [one.did for one in await ada.hold((_ref(waits),))] == ["held"]
    assert [one.did for one in await ada.release((_ref(waits),))] == ["released"]
    done = await ada.cancel((_ref(waits), _ref(runs)))
    assert [one.did for one in done] == ["cancelled", "cancelling"]
    again = await ada.cancel((_ref(waits),))
    assert [(one.did, one.message) for one in again] == [("unchanged", "it is cancelled already")]


async def test_what_ended_of_itself_just_before_is_not_said_to_be_cancelled(
    house: House, ada: ManagerAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await submitted(ada, "run: x")
    await house.dispatch(f"{job}.main.0")
    request = house.jobs.request

    async def asked_too_late(*args: Any, **options: Any) -> int:
        changed = await request(*args, **options)
        await house.end(attempt_of(f"{job}.main.0/1"))
        return changed

    monkeypatch.setattr(house.jobs, "request", asked_too_late)
    (done,) = await ada.cancel((_ref(job),))
    assert (done.did, done.message) == ("unchanged", "it is succeeded already")


async def test_one_foreign_id_in_a_list_changes_nothing(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x")
    with pytest.raises(NotFoundError):
        await ada.cancel((_ref(job), _ref(99)))
    assert (await ada.show(_ref(job))).job.state == "queued"


@pytest.mark.parametrize(
    ("reason", "raw", "code"),
    [
        (EndReason.OK, 0, 0),
        (EndReason.ERROR, 3, 3),
        (EndReason.OUT_OF_MEMORY, 137, 137),
        (EndReason.TIMEOUT, 143, 124),
        (EndReason.CANCELLED, 143, 130),
    ],
)
async def test_wait_ends_with_the_code_of_the_job(
    house: House, ada: ManagerAPI, reason: EndReason, raw: int, code: int
) -> None:
    job = await submitted(ada, "run: x")
    await house.run(f"{job}.main.0", reason, raw)
    waited = await ada.wait((_ref(job),), timeout=timedelta(seconds=5), any=False)
    assert (code, code) == (waited.exit_code, waited.items[0].exit_code)


async def test_wait_hears_of_an_end_that_comes_later(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x")
    waiting = asyncio.create_task(ada.wait((_ref(job),), timeout=timedelta(seconds=10), any=False))
    await asyncio.sleep(0)
    await house.run(f"{job}.main.0", EndReason.ERROR, 7)
    assert (await waiting).exit_code == 7


async def test_wait_for_any_takes_the_first(house: House, ada: ManagerAPI) -> None:
    slow, fast = [await submitted(ada, "run: x") for _ in range(2)]
    await house.run(f"{fast}.main.0")
    waited = await ada.wait((_ref(slow), _ref(fast)), timeout=timedelta(seconds=5), any=True)
    assert [fast] == [job.id for job in waited.items]


async def test_wait_gives_up_after_its_time(ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x")
    with pytest.raises(WaitTimeoutError, match=str(job)):
        await ada.wait((_ref(job),), timeout=timedelta(milliseconds=10), any=False)


async def test_what_has_ended_is_found_in_no_time(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x")
    await house.run(f"{job}.main.0")
    waited = await ada.wait((_ref(job),), timeout=timedelta(), any=False)
    assert [job] == [one.id for one in waited.items]


async def test_what_ended_meanwhile_is_not_among_what_was_waited_for_in_vain(house: House, ada: ManagerAPI) -> None:
    done, slow = [await submitted(ada, "run: x") for _ in range(2)]
    await house.run(f"{done}.main.0")
    with pytest.raises(WaitTimeoutError) as gave_up:
        await ada.wait((_ref(done), _ref(slow)), timeout=timedelta(milliseconds=10), any=False)
    assert f"{slow} not done after" in gave_up.value.what
    assert f"{done}" not in gave_up.value.what


async def test_each_try_says_how_it_ended(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x\nretries: 1")
    await house.run(f"{job}.main.0", EndReason.ERROR, 3)
    await house.run(f"{job}.main.0")
    (task,) = (await ada.show(_ref(f"{job}.main.0"))).tasks
    first, second = task.attempts
    assert first.reason is not None
    assert (first.reason.message, first.reason.data["attempts"]) == ("ended with exit code 3", 1)
    assert second.reason is None


async def test_a_part_of_what_is_held_is_not_released_alone(ada: ManagerAPI) -> None:
    job = await submitted(ada, PIPELINE)
    await ada.hold((_ref(f"{job}.train"),))
    (task,) = await ada.release((_ref(f"{job}.train.1"),))
    assert (task.did, task.message) == (
        "unchanged",
        f"{job}.train is held; `release {job}.train` lets all of it go on",
    )
    await ada.hold((_ref(job),))
    (stage,) = await ada.release((_ref(f"{job}.prepare"),))
    assert stage.message == f"{job} is held; `release {job}` lets all of it go on"


async def test_what_holds_all_stages_is_said_once(ada: ManagerAPI) -> None:
    job = await submitted(ada, PIPELINE, SubmitOptions(hold=True))
    assert [reason.code for reason in (await ada.why(_ref(job))).reasons] == ["held"]


async def test_rerun_is_a_new_job_of_the_same_code(house: House, ada: ManagerAPI) -> None:
    old = await submitted(ada, b"TARname: survey\nparams: {epochs: 5}\nrun: x")
    new = await ada.rerun(JobId(old), failed=False, params={"epochs": "9"})
    details = await ada.show(_ref(new.id))
    assert (details.job.name, details.job.snapshot, details.tasks[0].params["epochs"]) == (
        "survey",
        "sha256-of-code",
        "9",
    )


async def test_rerun_of_what_failed_runs_only_that(house: House, ada: ManagerAPI) -> None:
    old = await submitted(ada, PIPELINE)
    await house.run(f"{old}.prepare.0")
    for index, reason in enumerate([EndReason.OK, EndReason.ERROR, EndReason.OK, EndReason.ERROR]):
        await house.run(f"{old}.train.{index}", reason, 0 if reason is EndReason.OK else 1)
    new = await ada.rerun(JobId(old), failed=True, params={})
    states = [(task.id.split(".", 1)[1], task.state) for task in (await ada.show(_ref(new.id))).tasks]
    assert states == [
        ("prepare.0", "succeeded"),
        ("train.0", "succeeded"),
        ("train.1", "queued"),
        ("train.2", "succeeded"),
        ("train.3", "queued"),
    ]


async def test_rerun_of_what_failed_needs_an_end_with_a_failure(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x")
    with pytest.raises(ConflictError, match="still queued"):
        await ada.rerun(JobId(job), failed=True, params={})
    await house.run(f"{job}.main.0")
    with pytest.raises(ConflictError, match="all tasks"):
        await ada.rerun(JobId(job), failed=True, params={})


async def test_rerun_again_with_the_same_key_is_the_same_job(house: House, ada: ManagerAPI) -> None:
    old, other = [JobId(await submitted(ada, "params: {epochs: 5}\nrun: x")) for _ in range(2)]
    first = await ada.rerun(old, failed=False, params={"epochs": "9"}, key="k")
    assert await ada.rerun(old, failed=False, params={"epochs": "9"}, key="k") == replace(first, created=False)
    for job, params in ((other, {"epochs": "9"}), (old, {"epochs": "8"})):
        with pytest.raises(ConflictError, match="used for another submission"):
            await ada.rerun(job, failed=False, params=params, key="k")


async def test_rerun_of_what_failed_keeps_its_tasks(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x\nparams: {a: 1}")
    await house.run(f"{job}.main.0", EndReason.ERROR, 1)
    new = await ada.rerun(JobId(job), failed=True, params={"a": "2"})
    assert (await ada.show(_ref(new.id))).tasks[0].params["a"] == "2"


async def test_events_of_a_job_end_with_it(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x")
    await house.run(f"{job}.main.0")
    kinds = [event.kind async for event in ada.events(_ref(job), follow=True)]
    assert (kinds[0], kinds[-1]) == ("submitted", "ended")
    assert {"dispatched", "started", "succeeded"} <= set(kinds)


async def test_nodes_show_what_is_free(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x\nresources: {cpus: 3}")
    await house.dispatch(f"{job}.main.0")
    (node,) = await ada.nodes()
    assert (NODE.name, 5000, (f"{job}.main.0",)) == (node.name, node.free.cpu_millicores, node.tasks)


async def test_every_queue_is_listed_with_its_counts(ada: ManagerAPI) -> None:
    await submitted(ada, "run: x\narray: 0..9")
    (queue,) = await ada.queues()
    assert (queue.name, queue.queued, queue.running) == ("default", 10, 0)


async def test_outputs_are_of_tasks_that_were_tried(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x\narray: 0..3")
    house.files.names_of_outputs = ("evil\x1b[2J",)
    await house.run(f"{job}.main.2")
    assert [(f"{job}.main.2", "evil\\x1b[2J")] == [(one.task, one.path) for one in await ada.outputs(_ref(job))]


async def test_no_node_known_yet_is_no_reason_to_refuse(house: House, ada: ManagerAPI) -> None:
    await house.jobs.record_nodes([], now=house.clock.now())
    assert await submitted(ada, "run: true\nresources: {cpus: 64}")


async def test_a_node_that_takes_nothing_now_still_counts(house: House, ada: ManagerAPI) -> None:
    await house.jobs.record_nodes([replace(NODE, ready=False)], now=house.clock.now())
    job = await submitted(ada, "run: true")
    assert [reason.code for reason in (await ada.why(_ref(job))).reasons] == ["no-nodes"]


async def test_what_is_queued_waits_for_the_end_of_an_outage(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: true")

    await house.jobs.record_outage("Tovi lacks the right to list nodes", now=house.clock.now())
    (during,) = (await ada.why(_ref(job))).reasons
    await house.jobs.record_outage("", now=house.clock.now())
    (after,) = (await ada.why(_ref(job))).reasons

    assert (during.code, during.message) == (
        "unavailable",
        "nothing can be started now: Tovi lacks the right to list nodes",
    )
    assert after.code == "next"


async def test_what_is_held_waits_for_its_release_in_an_outage_too(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: true", SubmitOptions(hold=True))
    await house.jobs.record_outage("the cluster is away", now=house.clock.now())

    assert [reason.code for reason in (await ada.why(_ref(job))).reasons] == ["held"]


async def test_a_list_tells_nothing_that_its_last_dear_plan_could_not_know(
    ada: ManagerAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tovi_server.manager.picture.DEAR_S", 0)
    monkeypatch.setattr("tovi_server.manager.picture._REST", 1e9)
    released, known = await submitted(ada, "run: true", SubmitOptions(hold=True)), await submitted(ada, "run: true")
    await ada.jobs(JobFilter(), Page())
    await ada.release((_ref(released),))
    new = await submitted(ada, "run: true")

    page = await ada.jobs(JobFilter(), Page())

    assert {job.id: job.reason and job.reason.code for job in page.items} == {known: "next", released: None, new: None}
    assert [reason.code for reason in (await ada.why(_ref(released))).reasons] == ["next"]


async def test_control_characters_in_names_are_refused(ada: ManagerAPI) -> None:
    with pytest.raises(UsageError):
        await submitted(ada, "run: x", SubmitOptions(name="a\x1b[2Jb"))


async def test_news_names_the_jobs_that_changed_to_who_comes_beside_others(house: House, ada: ManagerAPI) -> None:
    others, news = ada.news(), ada.news()
    async with asyncio.timeout(SOON_S), closed_after(others), closed_after(news):
        assert [await anext(others), await anext(others)] == [views.News(None)] * 2, "its watch is known now"
        assert await anext(news) == views.News(None), "at once, though nothing happens"
        job = await submitted(ada, PIPELINE)
        assert await anext(news) == views.News((job,))
        await ada.cancel((_ref(job),))
        assert await anext(news) == views.News((job,), ended=(job,))


async def test_news_come_less_often_to_each_the_more_listen(
    house: House, ada: ManagerAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    listened: list[int] = []
    monkeypatch.setattr("tovi_server.manager.news.pause_s", lambda listeners: listened.append(listeners) or 0)
    first, second = ada.news(), ada.news()
    async with asyncio.timeout(SOON_S), closed_after(first), closed_after(second):
        for news in (first, second):
            await anext(news)
        for _ in range(3):
            await submitted(ada, PIPELINE)
            await anext(first)
    assert listened[-1] == 2


async def test_who_is_the_first_to_hear_news_misses_nothing(house: House, ada: ManagerAPI) -> None:
    news = ada.news()
    async with asyncio.timeout(SOON_S), closed_after(news):
        assert await anext(news) == views.News(None)
        job = await submitted(ada, PIPELINE)
        assert (await anext(news)).jobs in (None, (job,))
