"""Lists of datasets and outputs, logs, and folders for people, as the manager asks for them."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.files_house import Jobs, a_data_dir, a_tree, active, attempt, exited, names, put, refusal
from tovi_server.core.access import Role
from tovi_server.core.ids import JobId, TaskId
from tovi_server.core.views import Me
from tovi_server.files.datadir import DataDir
from tovi_server.files.limits import IntakeLimits
from tovi_server.files.shared import SharedFiles
from tovi_server.files.tree import Tree
from tovi_server.manager.ports import Files


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return a_data_dir(tmp_path)


@pytest.fixture
def files(data: DataDir) -> Files:
    return SharedFiles(data, limits=IntakeLimits())


def test_datasets_are_counted(data: DataDir, files: Files) -> None:
    tree = a_tree(data)
    for path in (b"/datasets/scans", b"/datasets/scans/inner", b"/datasets/empty"):
        tree.mkdir(path)
    put(tree, b"/datasets/scans/a", b"12345")
    put(tree, b"/datasets/scans/inner/b", b"678")
    tree.symlink(b"a", b"/datasets/scans/link")
    unfinished = tree.upload(b"/datasets/scans/part")
    unfinished.write_at(0, b"x")
    tree.set_attributes(b"/datasets/scans/a", times=(0, 4_000_000_000))
    found = files.datasets("lens")
    assert [(one.name, one.files_total, one.size_bytes, one.files) for one in found] == [
        ("empty", 0, 0, ()),
        ("scans", 2, 8, ()),
    ]
    assert found[1].modified_at == datetime.fromtimestamp(4_000_000_000, UTC)
    one = files.dataset("lens", "scans")
    assert one is not None
    assert [(file.path, file.size_bytes) for file in one.files] == [("a", 5), ("inner/b", 3)]
    unfinished.discard()


@pytest.mark.parametrize("name", ["nothing", "..", ".", "", "../jobs", "scans/inner", "a\0b", "n" * 300])
def test_a_dataset_that_is_none_is_absent(data: DataDir, files: Files, name: str) -> None:
    a_tree(data).mkdir(b"/datasets/scans")
    assert files.dataset("lens", name) is None


def test_a_project_without_folders_has_nothing(files: Files) -> None:
    assert files.datasets("unknown") == ()
    assert files.manifest("unknown", JobId(1)) == ()
    assert files.outputs("unknown", [TaskId(JobId(1), "main", 0)]) == ()


def test_folders_for_people_are_made_once(data: DataDir, files: Files) -> None:
    for _ in range(2):
        files.create_project("new")
        files.create_home("bob")
    assert sorted(os.listdir(data.path("projects/new"))) == ["datasets", "env", "jobs", "objects", "trees"]
    assert data.path("home/bob").stat().st_mode & 0o777 == 0o700


async def test_outputs_are_named_as_people_find_them(data: DataDir, files: Files) -> None:
    jobs = Jobs(data)
    jobs.add("run: 'true'\n")
    jobs.add("run: 'true'\narray: 0..1\n", job=2)
    folders = jobs.folders()
    for this in (attempt(), attempt(2), attempt(2, index=1)):
        order = await folders.prepare(active(this))
        (order.control / "outputs" / "model.pt").write_text("model")
    await folders.finish(exited(attempt(2)))
    tasks = [TaskId(JobId(1), "main", 0), TaskId(JobId(2), "main", 0), TaskId(JobId(2), "main", 1)]
    tasks.append(TaskId(JobId(2), "main", 7))
    found = await asyncio.to_thread(files.outputs, "lens", tasks)
    assert [(one.task, one.path, one.size_bytes) for one in found] == [
        ("1.main.0", "jobs/1/outputs/model.pt", 5),
        ("2.main.0", "jobs/2/main.0/outputs/model.pt", 5),
        ("2.main.1", "jobs/2/main.1/outputs/model.pt", 5),
    ]
    tree = a_tree(data)
    assert all(tree.stat(one.path.encode()).size == 5 for one in found)


async def test_a_job_is_found_by_its_id_whatever_the_current_project_is(data: DataDir) -> None:
    jobs = Jobs(data)
    jobs.add("run: 'true'\n")
    await jobs.folders().prepare(active(attempt()))
    data.create_project("other")
    me = Me("ada", False, "", "other", {"other": Role.OWNER, "lens": Role.VIEWER})
    tree = Tree(data, me, authorized_keys=b"")
    assert names(tree, b"/jobs") == []
    assert tree.stat(b"/jobs/1/outputs").is_dir
    stranger = Tree(data, Me("bob", False, "", "other", {"other": Role.OWNER}), authorized_keys=b"")
    assert refusal(lambda: stranger.stat(b"/jobs/1")) == refusal(lambda: stranger.stat(b"/jobs/2")) == "ENOENT"


async def test_logs_are_read_in_pieces(data: DataDir, files: Files) -> None:
    jobs = Jobs(data)
    jobs.add("run: 'true'\n")
    this = attempt()
    assert (files.logs.size("lens", this, "out"), files.logs.read("lens", this, "err", 0, 10)) == (0, b"")
    order = await jobs.folders().prepare(active(this))
    (order.control / "stdout.log").write_bytes(b"hello world")
    (order.control / "log.idx").write_text("1000 5 0\nbroken\n1001 11 0\n1002 11")
    assert files.logs.size("lens", this, "out") == 11
    assert files.logs.read("lens", this, "out", 6, 100) == b"world"
    assert files.logs.read("lens", this, "out", 100, 100) == b""
    marks = files.logs.marks("lens", this)
    assert [(mark.at.timestamp(), mark.out, mark.err) for mark in marks] == [(1000, 5, 0), (1001, 11, 0)]


async def test_a_log_that_is_no_file_is_empty(data: DataDir, files: Files) -> None:
    jobs = Jobs(data)
    jobs.add("run: 'true'\n")
    order = await jobs.folders().prepare(active(attempt()))
    (order.control / "stdout.log").unlink()
    os.mkfifo(order.control / "stdout.log")
    assert files.logs.read("lens", attempt(), "out", 0, 10) == b""
