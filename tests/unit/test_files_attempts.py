"""What an attempt finds around it, and what becomes of what it leaves."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from scheduler.ports import Order, Owner
from tests.files_house import Jobs, a_data_dir, a_tree, active, attempt, exited, get, names, pieces, put
from tests.parts import need
from tovi_server.core.errors import NotFoundError
from tovi_server.core.reasons import EndReason
from tovi_server.files import intake
from tovi_server.files.limits import IntakeLimits

ONE = "run: 'true'\n"
WITH_OUTPUTS = "run: 'true'\noutputs: [model.pt, logs/]\nmetrics: metrics.json\n"
TWO_STAGES = """
stages:
  prepare:
    run: 'true'
    outputs: {shards: shards/}
    array: 0..2
  train:
    needs: [prepare]
    inputs: {parts: prepare.shards}
    run: 'true'
    outputs: {best: best.pt}
  report:
    needs: [train]
    inputs: {model: train.best}
    run: 'true'
"""


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(a_data_dir(tmp_path))


@pytest.fixture
def owned(jobs: Jobs) -> Jobs:
    """Tasks have a uid of their own, as when the server is root."""
    need("root")
    jobs.owner = Owner(200_001, 200_000)
    return jobs


def leave(order: Order, **files: str) -> Path:
    """What a task writes to its outputs."""
    outputs = Path(order.environment["TOVI_OUT"])
    for name, content in files.items():
        path = outputs / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        if order.owner.uid is not None:
            os.chown(path, order.owner.uid, -1)
            if path.parent != outputs:
                os.chown(path.parent, order.owner.uid, -1)
    return outputs


def task_folder(jobs: Jobs, name: str = "main.0", job: int = 1) -> Path:
    return jobs.data.path(f"projects/lens/jobs/{job}/{name}")


async def run(jobs: Jobs, *, stage: str, index: int = 0, job: int = 1, **files: str) -> None:
    """An attempt that leaves these files and succeeds."""
    folders, this = jobs.folders(), attempt(job, stage, index)
    leave(await folders.prepare(active(this)), **files)
    assert (await folders.finish(exited(this))).reason is EndReason.OK


async def test_an_attempt_finds_all_its_folders(jobs: Jobs) -> None:
    jobs.add(ONE)
    order = await jobs.folders().prepare(active(attempt()))
    assert sorted(os.listdir(order.control)) == ["outputs", "script.sh", "stderr.log", "stdout.log"]
    assert sorted(os.listdir(order.work)) == ["home", "tmp", "work"]
    assert (order.control / "script.sh").read_text() == order.script
    assert order.environment["TOVI_TASK"] == "1.main.0"
    assert order.environment["TOVI_GPUS"] == "2"
    assert order.environment["TOVI_CODE"] == ""
    assert "TOVI_ENV" not in order.environment
    for name in ("TOVI_OUT", "TOVI_DATA", "TOVI_IN", "TOVI_SCRATCH"):
        assert Path(order.environment[name]).is_dir()
    assert (task_folder(jobs).parent / "tovi.yaml").read_text() == ONE


async def test_the_script_runs_with_what_it_is_given(jobs: Jobs) -> None:
    jobs.add("run: echo $TOVI_TASK $lr >out.txt\nparams: {lr: 0.1}\noutputs: [out.txt]\n")
    folders = jobs.folders()
    order = await folders.prepare(active(attempt()))
    ran = subprocess.run(["sh", order.control / "script.sh"], env=dict(order.environment), check=False)
    assert ran.returncode == 0
    assert (await folders.finish(exited(attempt()))).reason is EndReason.OK
    assert (task_folder(jobs) / "outputs" / "out.txt").read_text() == "1.main.0 0.1\n"


async def test_preparing_again_only_describes(jobs: Jobs) -> None:
    jobs.add(ONE)
    first = await jobs.folders().prepare(active(attempt()))
    (first.control / "stdout.log").write_text("running")
    (first.work / "work" / "file").write_text("x")
    assert await jobs.folders().prepare(active(attempt())) == first
    assert (first.control / "stdout.log").read_text() == "running"
    assert (first.work / "work" / "file").exists()


async def test_preparing_goes_on_where_a_crash_ended_it(jobs: Jobs) -> None:
    jobs.add(ONE)
    first = await jobs.folders().prepare(active(attempt()))
    (first.control / "script.sh").unlink()
    (first.work / "home").rmdir()
    (first.control / "stderr.log").unlink()
    assert await jobs.folders().prepare(active(attempt())) == first
    assert (first.work / "home").is_dir()
    assert (first.control / "stderr.log").exists()


async def test_what_never_changes_is_asked_for_once(jobs: Jobs) -> None:
    jobs.add("run: 'true'\narray: 0..9\n")
    folders = jobs.folders()
    for index in range(10):
        await folders.prepare(active(attempt(index=index)))
        await folders.finish(exited(attempt(index=index)))
    assert jobs.asked == 1


async def test_folders_belong_to_whom_they_should(owned: Jobs) -> None:
    owned.add("run: 'true'\nsetup: 'true'\n")
    order = await owned.folders().prepare(active(attempt()))
    assert owned.data.path("projects/lens").stat().st_gid == 200_000
    for path, uid, mode in (
        (order.work, 200_001, 0o700),
        (order.work / "tmp", 200_001, 0o700),
        (order.control, 0, 0o2750),
        (order.control / "outputs", 200_001, 0o2750),
        (order.control / "stdout.log", 200_001, 0o600),
        (order.control / "script.sh", 0, 0o750),
        (Path(order.environment["TOVI_ENV"]), 200_001, 0o2750),
        (Path(order.environment["TOVI_IN"]), 0, 0o2750),
    ):
        found = path.stat()
        assert (path.name, found.st_uid, found.st_gid) == (path.name, uid, 200_000)
        assert (path.name, oct(stat.S_IMODE(found.st_mode))) == (path.name, oct(mode))


async def test_a_project_that_had_no_group_yet_gets_it_with_all_in_it(owned: Jobs) -> None:
    tree = a_tree(owned.data)
    tree.mkdir(b"/datasets/scans")
    put(tree, b"/datasets/scans/a")
    owned.add("run: 'true'\ndata: {scans: datasets/scans}\n")
    order = await owned.folders().prepare(active(attempt()))
    seen = Path(order.environment["TOVI_DATA"]) / "scans" / "a"
    assert (seen.stat().st_gid, seen.read_text()) == (200_000, "hello")
    assert stat.S_IMODE(owned.data.path("projects/lens/datasets/scans").stat().st_mode) == 0o2755


async def test_success_seals_the_outputs(jobs: Jobs) -> None:
    jobs.add(WITH_OUTPUTS)
    folders = jobs.folders()
    order = await folders.prepare(active(attempt()))
    leave(order, model_pt="model", logs__a="log", metrics_json='{"loss": 0.5, "epoch": 3, "name": "x", "on": true}')
    facts = await folders.finish(exited(attempt()))
    assert facts.metrics == (("loss", 0.5), ("epoch", 3.0))
    sealed = task_folder(jobs) / "outputs"
    assert (sealed / "model.pt").read_text() == "model"
    assert stat.S_IMODE(sealed.stat().st_mode) & 0o777 == 0o550
    assert stat.S_IMODE((sealed / "logs" / "a").stat().st_mode) & 0o770 == 0o440
    assert json.loads((task_folder(jobs) / "metrics.json").read_text()) == {"loss": 0.5, "epoch": 3.0}
    assert not order.work.exists()
    assert not (order.control / "outputs").exists()


async def test_finishing_again_changes_nothing(jobs: Jobs) -> None:
    jobs.add(WITH_OUTPUTS)
    folders = jobs.folders()
    leave(await folders.prepare(active(attempt())), model_pt="m", logs__a="l", metrics_json='{"loss": 0.5}')
    first = await folders.finish(exited(attempt()))
    assert await jobs.folders().finish(exited(attempt())) == first


async def test_sealing_goes_on_where_a_crash_ended_it(owned: Jobs) -> None:
    owned.add("run: 'true'\noutputs: [a.pt, b.pt]\n")
    folders = owned.folders()
    outputs = leave(await folders.prepare(active(attempt())), a_pt="a", b_pt="b")
    os.chown(outputs / "a.pt", 0, 200_000)
    os.chown(outputs, 0, -1)
    assert (await folders.finish(exited(attempt()))).reason is EndReason.OK
    assert sorted(os.listdir(task_folder(owned) / "outputs")) == ["a.pt", "b.pt"]


async def test_a_missing_output_is_a_failure(jobs: Jobs) -> None:
    jobs.add(WITH_OUTPUTS)
    folders = jobs.folders()
    order = await folders.prepare(active(attempt()))
    leave(order, model_pt="model")
    for _ in range(2):
        facts = await folders.finish(exited(attempt()))
        assert (facts.reason, facts.message) == (EndReason.OUTPUTS_MISSING, "the output logs is missing")
    assert (order.control / "outputs" / "model.pt").exists(), "what a failed attempt left is kept"
    assert not (task_folder(jobs) / "outputs").exists()


@pytest.mark.parametrize(
    ("hint", "reason"),
    [
        ("setup-failed\n", EndReason.SETUP_FAILED),
        ("outputs-missing model.pt\n", EndReason.OUTPUTS_MISSING),
        ("nonsense\n", EndReason.ERROR),
        ("x" * 10_000, EndReason.ERROR),
        ("", EndReason.ERROR),
    ],
)
async def test_what_the_script_knew_of_an_error_is_remembered(jobs: Jobs, hint: str, reason: EndReason) -> None:
    jobs.add(ONE)
    order = await jobs.folders().prepare(active(attempt()))
    (order.work / "ended").write_text(hint)
    for _ in range(2):
        assert (await jobs.folders().finish(exited(attempt(), EndReason.ERROR, 1))).reason is reason
    assert not order.work.exists()


async def test_a_hint_through_a_link_is_not_read(jobs: Jobs, tmp_path: Path) -> None:
    jobs.add(ONE)
    order = await jobs.folders().prepare(active(attempt()))
    (tmp_path / "elsewhere").write_text("setup-failed\n")
    (order.work / "ended").symlink_to(tmp_path / "elsewhere")
    assert (await jobs.folders().finish(exited(attempt(), EndReason.ERROR, 1))).reason is EndReason.ERROR


async def test_the_end_of_an_attempt_that_was_never_prepared_is_no_problem(jobs: Jobs) -> None:
    jobs.add(ONE)
    for reason in (EndReason.NODE_LOST, EndReason.START_FAILED, EndReason.ERROR):
        assert (await jobs.folders().finish(exited(attempt(), reason, None))).reason is reason


@pytest.mark.parametrize(
    ("metrics", "found"),
    [
        ('{"a": 1e400, "b": NaN, "c": 1}', (("c", 1.0),)),
        ('{"big": ' + "9" * 400 + "}", ()),
        ('{"inner": {"a": 1}}', ()),
        ("[1]", ()),
        ("nonsense", ()),
        ("[" * 100_000, ()),
        ('{"a": 1}' + " " * 1_100_000, ()),
    ],
)
async def test_metrics_are_numbers_or_nothing(jobs: Jobs, metrics: str, found: tuple[tuple[str, float], ...]) -> None:
    jobs.add("run: 'true'\nmetrics: metrics.json\n")
    folders = jobs.folders()
    leave(await folders.prepare(active(attempt())), metrics_json=metrics)
    facts = await folders.finish(exited(attempt()))
    assert (facts.reason, facts.metrics) == (EndReason.OK, found)


async def test_metrics_are_not_read_through_a_link_or_from_a_fifo(jobs: Jobs, tmp_path: Path) -> None:
    jobs.add("run: 'true'\nmetrics: metrics.json\narray: 0..1\n")
    folders = jobs.folders()
    (tmp_path / "elsewhere").write_text('{"secret": 1}')
    linked = leave(await folders.prepare(active(attempt())))
    (linked / "metrics.json").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(leave(await folders.prepare(active(attempt(index=1)))) / "metrics.json")
    for index in range(2):
        assert (await folders.finish(exited(attempt(index=index)))).metrics == ()


async def test_later_stages_find_what_earlier_ones_left(jobs: Jobs) -> None:
    jobs.add(TWO_STAGES)
    for index in range(3):
        await run(jobs, stage="prepare", index=index, shards__part=f"part {index}")
    order = await jobs.folders().prepare(active(attempt(stage="train")))
    inputs = Path(order.environment["TOVI_IN"])
    assert sorted(os.listdir(inputs)) == ["parts", "prepare"]
    assert (inputs / "prepare" / "2" / "shards" / "part").read_text() == "part 2"
    assert (inputs / "parts" / "1" / "part").read_text() == "part 1"
    await run(jobs, stage="train", best_pt="best")
    order = await jobs.folders().prepare(active(attempt(stage="report")))
    inputs = Path(order.environment["TOVI_IN"])
    assert (inputs / "train" / "best.pt").read_text() == (inputs / "model").read_text() == "best"


async def test_a_rerun_finds_what_the_first_job_left(jobs: Jobs) -> None:
    jobs.add(TWO_STAGES)
    for index in range(3):
        await run(jobs, stage="prepare", index=index, shards__part=f"first {index}")
    jobs.add(TWO_STAGES, job=2, origin=1)
    await run(jobs, job=2, stage="prepare", index=1, shards__part="second 1")
    jobs.add(TWO_STAGES, job=3, origin=2)
    order = await jobs.folders().prepare(active(attempt(3, stage="train")))
    parts = Path(order.environment["TOVI_IN"]) / "parts"
    assert [(parts / str(n) / "part").read_text() for n in range(3)] == ["first 0", "second 1", "first 2"]


async def test_outputs_that_are_gone_are_told(jobs: Jobs) -> None:
    jobs.add(TWO_STAGES)
    with pytest.raises(NotFoundError, match=r"1.prepare.0"):
        await jobs.folders().prepare(active(attempt(stage="train")))


async def test_an_attempt_under_way_is_described_again_though_its_dataset_was_deleted(jobs: Jobs) -> None:
    tree = a_tree(jobs.data)
    tree.mkdir(b"/datasets/scans")
    jobs.add("run: 'true'\ndata: {raw: datasets/scans}\n")
    order = await jobs.folders().prepare(active(attempt()))
    tree.rmdir(b"/datasets/scans")
    assert await jobs.folders().prepare(active(attempt())) == order


async def test_a_deleted_dataset_is_told(jobs: Jobs) -> None:
    tree = a_tree(jobs.data)
    tree.mkdir(b"/datasets/scans")
    jobs.add("run: 'true'\ndata: {raw: datasets/scans}\narray: 0..1\n")
    folders = jobs.folders()
    await folders.prepare(active(attempt()))
    tree.rmdir(b"/datasets/scans")
    with pytest.raises(NotFoundError, match="scans"):
        await folders.prepare(active(attempt(index=1)))


async def test_code_is_there_as_it_was_submitted(jobs: Jobs, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "tovi.yaml").write_text("run: sh go.sh\noutputs: [out]\n")
    (tmp_path / "code" / "go.sh").write_text("echo went >out; echo changed >go.sh\n")
    packed = subprocess.run(["tar", "c", "."], cwd=tmp_path / "code", stdout=subprocess.PIPE, check=True).stdout
    kept = await intake.receive(jobs.data, pieces(packed), project="lens", limits=IntakeLimits())
    jobs.add(kept.spec_text, snapshot=kept.snapshot)
    folders = jobs.folders()
    order = await folders.prepare(active(attempt()))
    assert subprocess.run(["sh", "-c", order.script], env=dict(order.environment), check=False).returncode == 0
    await folders.finish(exited(attempt()))
    assert (task_folder(jobs) / "outputs" / "out").read_text() == "went\n"
    assert (Path(order.environment["TOVI_CODE"]) / "go.sh").read_text().startswith("echo went")
    manifest = json.loads((task_folder(jobs).parent / "manifest.json").read_text())
    assert [entry["path"] for entry in manifest["entries"]] == ["go.sh", "tovi.yaml"]


async def test_setup_is_sealed_once_it_is_done(jobs: Jobs) -> None:
    jobs.add("run: test -e $TOVI_ENV/made\nsetup: touch $TOVI_ENV/made\narray: 0..1\n")
    folders = jobs.folders()
    for index in range(2):
        order = await folders.prepare(active(attempt(index=index)))
        assert subprocess.run(["sh", "-c", order.script], env=dict(order.environment), check=False).returncode == 0
        await folders.finish(exited(attempt(index=index)))
        env = Path(order.environment["TOVI_ENV"])
        assert stat.S_IMODE(env.stat().st_mode) & 0o777 == 0o550
        assert stat.S_IMODE((env / "made").stat().st_mode) & 0o770 == 0o440
        assert (await folders.finish(exited(attempt(index=index)))).reason is EndReason.OK


async def test_people_do_not_run_what_others_set_up(owned: Jobs) -> None:
    owned.add("run: 'true'\nsetup: 'true'\n")
    mine = await owned.folders().prepare(active(attempt()))
    owned.owner = Owner(200_002, 200_000)
    owned.add("run: 'true'\nsetup: 'true'\n", job=2)
    theirs = await owned.folders().prepare(active(attempt(2)))
    assert mine.environment["TOVI_ENV"] != theirs.environment["TOVI_ENV"]


async def test_what_belongs_to_others_is_not_sealed(owned: Jobs, tmp_path: Path) -> None:
    (tmp_path / "shadow").write_text("root:secret")
    (tmp_path / "shadow").chmod(0o600)
    owned.add("run: 'true'\n")
    folders = owned.folders()
    outputs = leave(await folders.prepare(active(attempt())), mine="mine")
    (outputs / "stolen").hardlink_to(tmp_path / "shadow")
    os.mkfifo(outputs / "fifo")
    (outputs / "link").symlink_to("/etc/passwd")
    tree = a_tree(owned.data)
    with pytest.raises(PermissionError):
        tree.open_read(b"/jobs/1/outputs/stolen")
    await folders.finish(exited(attempt()))
    assert sorted(os.listdir(task_folder(owned) / "outputs")) == ["link", "mine"]
    assert stat.S_IMODE((tmp_path / "shadow").stat().st_mode) == 0o600


async def test_sealing_drops_dangerous_modes_and_opens_closed_folders(owned: Jobs) -> None:
    owned.add("run: 'true'\n")
    folders = owned.folders()
    outputs = leave(await folders.prepare(active(attempt())), folder__tool="x")
    (outputs / "folder" / "tool").chmod(0o6711)
    (outputs / "folder").chmod(0)
    await folders.finish(exited(attempt()))
    sealed = task_folder(owned) / "outputs" / "folder"
    assert stat.S_IMODE((sealed / "tool").stat().st_mode) == 0o551
    assert (sealed.stat().st_uid, (sealed / "tool").stat().st_uid) == (0, 0)
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o2550


async def test_outputs_without_end_are_a_failure_and_no_crash(jobs: Jobs) -> None:
    jobs.add("run: 'true'\n")
    folders = jobs.folders()
    deep = leave(await folders.prepare(active(attempt())))
    for _ in range(300):
        deep = deep / "d"
        deep.mkdir()
    facts = await folders.finish(exited(attempt()))
    assert (facts.reason, "deep" in facts.message) == (EndReason.ERROR, True)


async def test_people_see_logs_and_outputs_of_a_job_and_nothing_else(jobs: Jobs) -> None:
    jobs.add("run: 'true'\noutputs: [model.pt]\n")
    tree = a_tree(jobs.data)
    folders = jobs.folders()
    order = await folders.prepare(active(attempt()))
    (order.control / "exit.json").write_text("{}")
    leave(order, model_pt="so far")
    assert names(tree, b"/jobs") == [b"1"]
    assert names(tree, b"/jobs/1") == [b"outputs", b"stderr.log", b"stdout.log", b"tovi.yaml"]
    assert get(tree, b"/jobs/1/outputs/model.pt") == b"so far"
    leave(order, model_pt="done")
    await folders.finish(exited(attempt()))
    assert get(tree, b"/jobs/1/outputs/model.pt") == get(tree, b"/jobs/1/main.0/outputs/model.pt") == b"done"
    for hidden in (
        b"exit.json",
        b"script.sh",
        b"stages",
        b"only-task",
        b"attempts/1/script.sh",
        b"main.0/attempts/1/exit.json",
    ):
        with pytest.raises(FileNotFoundError):
            tree.stat(b"/jobs/1/" + hidden)
    with pytest.raises(OSError, match="read-only"):
        tree.remove(b"/jobs/1/outputs/model.pt")


async def test_a_job_of_many_tasks_shows_them_and_their_attempts(jobs: Jobs) -> None:
    jobs.add("run: 'true'\narray: 0..1\nretries: 3\n")
    tree = a_tree(jobs.data)
    folders = jobs.folders()
    first = await folders.prepare(active(attempt()))
    (first.control / "stdout.log").write_text("first")
    await folders.finish(exited(attempt(), EndReason.ERROR, 1))
    second = await folders.prepare(active(attempt(number=2)))
    (second.control / "stdout.log").write_text("second")
    assert names(tree, b"/jobs/1") == [b"main.0", b"tovi.yaml"]
    assert names(tree, b"/jobs/1/main.0") == [b"attempts", b"outputs", b"stderr.log", b"stdout.log"]
    assert get(tree, b"/jobs/1/main.0/stdout.log") == b"second"
    assert get(tree, b"/jobs/1/main.0/attempts/1/stdout.log") == b"first"
    with pytest.raises(FileNotFoundError):
        tree.stat(b"/jobs/1/main.1")


async def test_tasks_that_start_at_once_share_what_one_of_them_lays_out(jobs: Jobs, tmp_path: Path) -> None:
    (tmp_path / "tovi.yaml").write_text("run: 'true'\narray: 0..9\n")
    packed = subprocess.run(["tar", "c", "tovi.yaml"], cwd=tmp_path, stdout=subprocess.PIPE, check=True).stdout
    kept = await intake.receive(jobs.data, pieces(packed), project="lens", limits=IntakeLimits())
    jobs.add(kept.spec_text, snapshot=kept.snapshot)
    one, other = jobs.folders(), jobs.folders()
    preparing = [(one, other)[index % 2].prepare(active(attempt(index=index))) for index in range(10)]
    orders = await asyncio.gather(*preparing)
    assert len({order.environment["TOVI_CODE"] for order in orders}) == 1
    assert os.listdir(jobs.data.path("projects/lens/trees")) == [kept.snapshot]
    assert os.listdir(jobs.data.path("projects/lens/jobs/1/stages")) == ["main"]
