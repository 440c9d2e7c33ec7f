"""What one caller sees and may do in their tree."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.files_house import AUTHORIZED_KEYS, a_data_dir, a_tree, get, names, open_descriptors, put, refusal
from tovi_server.core.access import Role
from tovi_server.files.datadir import DataDir
from tovi_server.files.tree import Tree


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return a_data_dir(tmp_path)


@pytest.fixture
def tree(data: DataDir) -> Tree:
    tree = a_tree(data)
    tree.mkdir(b"/datasets/scans")
    return tree


def test_the_top_shows_what_there_is(tree: Tree) -> None:
    assert names(tree, b"/") == [b"authorized_keys", b"datasets", b"home", b"jobs", b"projects"]


def test_the_current_project_is_there_under_its_name_too(tree: Tree) -> None:
    put(tree, b"/datasets/scans/a")
    assert get(tree, b"/projects/lens/datasets/scans/a") == b"hello"
    assert names(tree, b"/projects") == [b"lens"]
    assert names(tree, b"/projects/lens") == [b"datasets", b"jobs"]


def test_without_a_current_project_the_rest_is_still_there(data: DataDir) -> None:
    tree = a_tree(data, ada=Role.OWNER)
    assert names(tree, b"/") == [b"authorized_keys", b"home", b"projects"]


@pytest.mark.parametrize(
    "path", [b"/projects/other", b"/projects/other/datasets", b"/server", b"/x", b"/home/../server"]
)
def test_what_one_may_not_know_of_is_absent(data: DataDir, tree: Tree, path: bytes) -> None:
    data.create_project("other")
    assert refusal(lambda: tree.stat(path)) == "ENOENT"
    assert refusal(lambda: tree.list(path)) == "ENOENT"


def test_an_admin_looks_into_every_project_and_changes_none_of_others(data: DataDir, tree: Tree) -> None:
    put(tree, b"/datasets/scans/a")
    data.path("projects", "lens", "jobs", "7").mkdir()
    root = a_tree(data, "root", admin=True, own=Role.OWNER)
    data.create_project("own")
    assert names(root, b"/projects") == [b"lens", b"own"]
    assert get(root, b"/projects/lens/datasets/scans/a") == b"hello"
    assert names(root, b"/jobs/7") == names(tree, b"/jobs/7")
    assert refusal(lambda: root.upload(b"/projects/lens/datasets/scans/b")) == "EACCES"
    assert refusal(lambda: root.remove(b"/projects/lens/datasets/scans/a")) == "EACCES"


@pytest.mark.parametrize("path", [b"/projects/nil", b"/projects/nil/datasets", b"/jobs/99"])
def test_an_admin_finds_no_project_that_is_not_there(data: DataDir, path: bytes) -> None:
    root = a_tree(data, "root", admin=True, own=Role.OWNER)
    assert refusal(lambda: root.stat(path)) == "ENOENT"


def test_dots_mean_what_they_say_and_end_at_the_top(tree: Tree) -> None:
    put(tree, b"/datasets/scans/a")
    assert get(tree, b"../../datasets/./scans/../scans//a") == b"hello"


def test_keys_can_be_read_and_not_changed(tree: Tree) -> None:
    assert get(tree, b"/authorized_keys") == AUTHORIZED_KEYS
    assert len(AUTHORIZED_KEYS) == tree.stat(b"authorized_keys").size
    assert refusal(lambda: tree.upload(b"/authorized_keys")) == "EROFS"
    assert refusal(lambda: tree.remove(b"/authorized_keys")) == "EROFS"


def test_home_is_private_to_its_user(data: DataDir, tree: Tree) -> None:
    put(tree, b"/home/notes")
    data.create_home("bob")
    bob = a_tree(data, "bob")
    assert names(bob, b"/home") == []
    assert refusal(lambda: bob.open_read(b"/home/ada/notes")) == "ENOENT"


def test_a_dataset_is_a_folder(tree: Tree) -> None:
    assert refusal(lambda: tree.upload(b"/datasets/file.csv")) == "EINVAL"
    assert refusal(lambda: tree.symlink(b"scans", b"/datasets/other")) == "EINVAL"
    assert refusal(lambda: tree.mkdir(b"/datasets/.hidden")) == "EINVAL"
    put(tree, b"/datasets/scans/a")
    assert refusal(lambda: tree.rename(b"/datasets/scans/a", b"/datasets/a", replace=True)) == "EINVAL"


def test_datasets_can_be_renamed_and_removed(tree: Tree) -> None:
    tree.rename(b"/datasets/scans", b"/datasets/images", replace=False)
    tree.rmdir(b"/datasets/images")
    assert names(tree, b"/datasets") == []


@pytest.mark.parametrize(
    ("roles", "archived", "why"),
    [
        ({"lens": Role.VIEWER}, False, "EACCES"),
        ({"lens": Role.OWNER}, True, "EROFS"),
        ({"lens": Role.MEMBER}, True, "EROFS"),
    ],
)
def test_who_may_only_look_changes_nothing(
    data: DataDir, tree: Tree, roles: dict[str, Any], archived: bool, why: str
) -> None:
    put(tree, b"/datasets/scans/a")
    looker = a_tree(data, "bob", archived=archived, **roles)
    assert get(looker, b"/datasets/scans/a") == b"hello"
    for change in (
        lambda: looker.upload(b"/datasets/scans/a"),
        lambda: looker.open_update(b"/datasets/scans/a"),
        lambda: looker.mkdir(b"/datasets/new"),
        lambda: looker.rmdir(b"/datasets/scans"),
        lambda: looker.remove(b"/datasets/scans/a"),
        lambda: looker.rename(b"/datasets/scans/a", b"/datasets/scans/b", replace=True),
        lambda: looker.link(b"/datasets/scans/a", b"/datasets/scans/b"),
        lambda: looker.symlink(b"a", b"/datasets/scans/b"),
        lambda: looker.set_attributes(b"/datasets/scans/a", mode=0o777),
    ):
        assert why == refusal(change)
    assert names(looker, b"/datasets/scans") == [b"a"]


def test_folders_of_the_tree_itself_stay(tree: Tree) -> None:
    for path in (b"/datasets", b"/home", b"/projects/lens/datasets"):
        assert refusal(lambda path=path: tree.mkdir(path)) == "EEXIST"
        assert refusal(lambda path=path: tree.rmdir(path)) == "EACCES"
        assert refusal(lambda path=path: tree.rename(path, b"/home/x", replace=True)) == "EACCES"
    for path in (b"/", b"/projects", b"/jobs"):
        assert refusal(lambda path=path: tree.rmdir(path)) == "EROFS"


def test_things_move_within_a_project_only(tree: Tree) -> None:
    put(tree, b"/home/a")
    assert refusal(lambda: tree.rename(b"/home/a", b"/datasets/scans/a", replace=True)) == "EXDEV"
    assert refusal(lambda: tree.link(b"/home/a", b"/datasets/scans/a")) == "EXDEV"


def test_renaming_replaces_only_when_asked_to(tree: Tree) -> None:
    put(tree, b"/home/a", b"a")
    put(tree, b"/home/b", b"b")
    assert refusal(lambda: tree.rename(b"/home/a", b"/home/b", replace=False)) == "EEXIST"
    tree.rename(b"/home/a", b"/home/b", replace=True)
    assert get(tree, b"/home/b") == b"a"
    assert names(tree, b"/home") == [b"b"]


def test_a_second_name_is_the_same_file(tree: Tree) -> None:
    put(tree, b"/home/a")
    tree.link(b"/home/a", b"/home/b")
    tree.set_attributes(b"/home/a", size=2)
    assert get(tree, b"/home/b") == b"he"


def test_links_stay_in_the_tree(tree: Tree) -> None:
    put(tree, b"/home/a")
    tree.mkdir(b"/home/folder")
    tree.symlink(b"../a", b"/home/folder/link")
    assert tree.readlink(b"/home/folder/link") == b"../a"
    assert tree.lstat(b"/home/folder/link").is_link
    assert get(tree, b"/home/folder/link") == b"hello"


@pytest.mark.parametrize("target", [b"/etc/passwd", b"../../x", b"a/../../../x", b"..//../x"])
def test_links_out_of_the_tree_are_not_made(tree: Tree, target: bytes) -> None:
    tree.mkdir(b"/home/folder")
    assert refusal(lambda: tree.symlink(target, b"/home/folder/link")) == "EACCES"


@pytest.mark.parametrize("name", [b"a\nb", b"a\x1b[31m", b"\x7f", b"a\xc2\x9bb", b"a\0b", b"tab\there"])
def test_names_with_control_characters_are_refused(tree: Tree, name: bytes) -> None:
    put(tree, b"/home/a")
    for make in (
        lambda: tree.upload(b"/home/" + name),
        lambda: tree.mkdir(b"/home/" + name),
        lambda: tree.rename(b"/home/a", b"/home/" + name, replace=True),
        lambda: tree.link(b"/home/a", b"/home/" + name),
        lambda: tree.symlink(b"a", b"/home/" + name),
    ):
        assert refusal(make) == "EINVAL"
    assert names(tree, b"/home") == [b"a"]


@pytest.mark.parametrize(
    "name", ["Bilder für Ömer".encode(), b"\xff\xfe", b"-rf", b"a b;c", "日本".encode(), b"trailing."]
)
def test_other_names_are_kept_byte_for_byte(tree: Tree, name: bytes) -> None:
    put(tree, b"/home/" + name)
    assert [name] == names(tree, b"/home")


def test_long_and_deep_names_are_refused(tree: Tree) -> None:
    assert refusal(lambda: tree.upload(b"/home/" + b"n" * 256)) == "ENAMETOOLONG"
    assert refusal(lambda: tree.mkdir(b"/home" + b"/d" * 128)) == "ENAMETOOLONG"
    assert refusal(lambda: tree.stat(b"/home/" + b"nnnnnnnnn/" * 500)) == "ENAMETOOLONG"


def test_modes_are_kept_without_what_is_dangerous(data: DataDir, tree: Tree) -> None:
    put(tree, b"/datasets/scans/a")
    tree.set_attributes(b"/datasets/scans/a", mode=0o6777)
    tree.set_attributes(b"/datasets/scans", mode=0o7777)
    on_disk = data.path("projects/lens/datasets/scans")
    assert 0o100755 == tree.stat(b"/datasets/scans/a").mode == (on_disk / "a").stat().st_mode
    assert on_disk.stat().st_mode == 0o042755
    assert tree.stat(b"/datasets/scans").mode == 0o040755


def test_tasks_of_the_project_can_read_whatever_mode_was_asked_for(data: DataDir, tree: Tree) -> None:
    put(tree, b"/datasets/scans/a")
    tree.set_attributes(b"/datasets/scans/a", mode=0)
    tree.set_attributes(b"/datasets/scans", mode=0)
    on_disk = data.path("projects/lens/datasets/scans")
    assert (on_disk / "a").stat().st_mode & 0o777 == 0o440
    assert on_disk.stat().st_mode & 0o777 == 0o750


def test_folders_do_not_depend_on_the_umask(data: DataDir, tree: Tree) -> None:
    before = os.umask(0o077)
    try:
        tree.mkdir(b"/datasets/closed", 0o755)
    finally:
        os.umask(before)
    assert stat.S_IMODE(data.path("projects/lens/datasets/closed").stat().st_mode) == 0o2755


def test_times_are_kept(tree: Tree) -> None:
    put(tree, b"/home/a")
    tree.set_attributes(b"/home/a", times=(1_000_000_000, 1_100_000_000))
    assert tree.stat(b"/home/a").mtime == 1_100_000_000
    assert tree.stat(b"/home/a").atime == 1_000_000_000


@pytest.mark.parametrize("size", [-1, 2**43])
def test_absurd_sizes_are_refused(tree: Tree, size: int) -> None:
    put(tree, b"/home/a")
    assert refusal(lambda: tree.set_attributes(b"/home/a", size=size)) == "EFBIG"


def test_an_update_changes_a_file_in_its_place(tree: Tree) -> None:
    put(tree, b"/home/a")
    opened = tree.open_update(b"/home/a")
    os.pwrite(opened, b"J", 0)
    os.close(opened)
    assert get(tree, b"/home/a") == b"Jello"


def test_folders_are_no_files_and_files_no_folders(tree: Tree) -> None:
    put(tree, b"/home/a")
    assert refusal(lambda: tree.open_read(b"/home")) == "EISDIR"
    assert refusal(lambda: tree.open_read(b"/jobs")) == "EISDIR"
    assert refusal(lambda: tree.list(b"/home/a")) == "ENOTDIR"
    assert refusal(lambda: tree.list(b"/authorized_keys")) == "ENOTDIR"
    assert refusal(lambda: tree.stat(b"/home/a/b")) == "ENOTDIR"
    assert refusal(lambda: tree.remove(b"/datasets/scans")) == "EISDIR"
    assert refusal(lambda: tree.rmdir(b"/home/a")) == "ENOTDIR"
    assert refusal(lambda: tree.readlink(b"/home/a")) == "EINVAL"


def test_room_on_the_disk_is_told_everywhere(tree: Tree) -> None:
    assert tree.statvfs(b"/").f_blocks == tree.statvfs(b"/datasets/scans").f_blocks > 0


def test_what_was_planted_is_listed_and_can_be_removed(data: DataDir, tree: Tree) -> None:
    scans = data.path("projects/lens/datasets/scans")
    os.mkfifo(scans / "fifo")
    (scans / "out").symlink_to("/etc/passwd")
    assert names(tree, b"/datasets/scans") == [b"fifo", b"out"]
    assert tree.readlink(b"/datasets/scans/out") == b"/etc/passwd"
    tree.remove(b"/datasets/scans/fifo")
    tree.remove(b"/datasets/scans/out")
    assert Path("/etc/passwd").exists()


def test_an_unfinished_list_leaves_no_descriptor_open(tree: Tree) -> None:
    put(tree, b"/home/a")
    put(tree, b"/home/b")
    before = open_descriptors()
    listing = tree.list(b"/home")
    next(listing)
    del listing
    assert before == open_descriptors()
