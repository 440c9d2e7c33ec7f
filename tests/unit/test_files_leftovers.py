"""What is left behind goes away, whatever was made of it, and nothing else does."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.files_house import a_data_dir, a_tree, get, open_descriptors, put
from tovi_server.files.datadir import DataDir
from tovi_server.files.objects import Batch
from tovi_server.files.removing import remove_tree
from tovi_server.files.sweep import sweep
from tovi_server.files.upload import part_name

LONG_AGO = 1_000_000_000
YESTERDAY = datetime.fromtimestamp(LONG_AGO, UTC) + timedelta(days=1)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return a_data_dir(tmp_path)


def remove(folder: Path) -> bool:
    parent = os.open(folder.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        return remove_tree(parent, folder.name)
    finally:
        os.close(parent)


def test_a_tree_is_removed_and_what_it_links_to_is_not(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "file").write_text("x")
    (tree / "a" / "out").symlink_to("../../kept")
    os.mkfifo(tree / "fifo")
    assert remove(tree)
    assert not tree.exists()
    assert (tmp_path / "kept" / "file").exists()


def test_what_is_not_there_is_removed_already(tmp_path: Path) -> None:
    assert remove(tmp_path / "nothing")


def test_depth_costs_no_descriptors_and_no_stack(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    here = os.open(tree, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        above, here = here, os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(above)
    os.close(here)
    before = open_descriptors()
    assert remove(tree)
    assert open_descriptors() == before


def test_closed_folders_are_removed_too(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "closed" / "inner").mkdir(parents=True)
    (tree / "closed" / "inner" / "file").write_text("x")
    (tree / "closed" / "inner").chmod(0)
    (tree / "closed").chmod(0)
    tree.chmod(0)
    assert remove(tree)


def test_names_that_look_like_our_own_do_no_harm(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for number in range(5):
        (tree / f".removed-{number}" / "x" / "y").mkdir(parents=True)
    (tree / ".removed-6").write_text("x")
    (tree / "a" / "b" / "c").mkdir(parents=True)
    assert remove(tree)


def test_old_parts_of_uploads_go_and_files_stay(data: DataDir) -> None:
    tree = a_tree(data)
    tree.mkdir(b"/datasets/scans")
    put(tree, b"/datasets/scans/file")
    for path in (b"/datasets/scans/old", b"/home/old", b"/datasets/scans/new"):
        upload = tree.upload(path)
        upload.write_at(0, b"part")
        upload.discard()
    parts = (part_name("ada", b"old"), b"file")
    for folder in (data.path("projects/lens/datasets/scans"), data.path("home/ada")):
        for name in parts[: len(list(folder.iterdir()))]:
            os.utime(os.fsencode(folder) + b"/" + name, (LONG_AGO, LONG_AGO))
    assert sweep(data, before=YESTERDAY) == 2
    assert tree.stat(b"/datasets/scans/new").size == 4
    assert get(tree, b"/datasets/scans/file") == b"hello"
    with pytest.raises(FileNotFoundError):
        tree.stat(b"/home/old")


def test_an_upload_that_goes_on_is_never_swept(data: DataDir) -> None:
    tree = a_tree(data)
    upload = tree.upload(b"/home/slow")
    upload.write_at(0, b"part")
    os.utime(upload.fd, (LONG_AGO, LONG_AGO))
    assert sweep(data, before=YESTERDAY) == 0
    upload.commit()
    assert get(tree, b"/home/slow") == b"part"


def test_what_a_killed_server_was_receiving_is_swept(data: DataDir) -> None:
    with Batch(data, "lens") as batch:
        batch.add(b"content")
        (staged,) = data.path("server/staging").iterdir()
        (data.path("projects/lens/trees") / ".new-abc" / "folder").mkdir(parents=True)
        for folder in (staged, data.path("projects/lens/trees/.new-abc")):
            os.utime(folder, (LONG_AGO, LONG_AGO))
        assert sweep(data, before=YESTERDAY) == 2
    assert os.listdir(data.path("server/staging")) == os.listdir(data.path("projects/lens/trees")) == []
