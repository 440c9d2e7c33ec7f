"""An upload is there whole, or not at all, and what came of it can be gone on with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.files_house import a_data_dir, a_tree, get, names, open_descriptors, put, refusal
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


def hidden(data: DataDir) -> list[str]:
    return [name for name in os.listdir(data.path("projects/lens/datasets/scans")) if name.startswith(".tovi-")]


def test_nobody_sees_a_file_before_its_end(data: DataDir, tree: Tree) -> None:
    upload = tree.upload(b"/datasets/scans/a")
    upload.write_at(0, b"hello")
    other = a_tree(data, "bob")
    assert names(tree, b"/datasets/scans") == []
    with pytest.raises(FileNotFoundError):
        other.stat(b"/datasets/scans/a")
    upload.commit()
    assert get(other, b"/datasets/scans/a") == b"hello"
    assert hidden(data) == []


def test_the_old_file_is_there_until_the_new_one_is(tree: Tree) -> None:
    put(tree, b"/datasets/scans/a", b"old")
    upload = tree.upload(b"/datasets/scans/a")
    upload.write_at(0, b"new")
    assert get(tree, b"/datasets/scans/a") == b"old"
    upload.discard()
    assert get(tree, b"/datasets/scans/a") == b"old"


def test_pieces_may_come_in_any_order(tree: Tree) -> None:
    upload = tree.upload(b"/datasets/scans/a")
    upload.write_at(3, b"lo")
    upload.write_at(0, b"hel")
    upload.commit()
    assert get(tree, b"/datasets/scans/a") == b"hello"


def test_a_broken_upload_is_resumed_by_the_same_user(tree: Tree) -> None:
    upload = tree.upload(b"/datasets/scans/a")
    upload.write_at(0, b"hel")
    upload.discard()
    assert tree.stat(b"/datasets/scans/a").size == 3
    assert tree.lstat(b"/datasets/scans/a").size == 3
    again = tree.upload(b"/datasets/scans/a", resume=True)
    assert again.size == 3
    again.write_at(3, b"lo")
    again.commit()
    assert get(tree, b"/datasets/scans/a") == b"hello"


def test_others_begin_from_the_beginning(data: DataDir, tree: Tree) -> None:
    upload = tree.upload(b"/datasets/scans/a")
    upload.write_at(0, b"hel")
    upload.discard()
    other = a_tree(data, "bob")
    with pytest.raises(FileNotFoundError):
        other.stat(b"/datasets/scans/a")
    assert other.upload(b"/datasets/scans/a", resume=True).size == 0


def test_without_resume_it_begins_anew(tree: Tree) -> None:
    upload = tree.upload(b"/datasets/scans/a")
    upload.write_at(0, b"hello")
    upload.discard()
    again = tree.upload(b"/datasets/scans/a")
    again.write_at(0, b"J")
    again.commit()
    assert get(tree, b"/datasets/scans/a") == b"J"


def test_an_empty_part_is_not_kept(data: DataDir, tree: Tree) -> None:
    tree.upload(b"/datasets/scans/a").discard()
    assert hidden(data) == []


def test_two_uploads_of_one_name_do_not_mix(data: DataDir, tree: Tree) -> None:
    first, second = tree.upload(b"/datasets/scans/a"), tree.upload(b"/datasets/scans/a")
    first.write_at(0, b"first")
    second.write_at(0, b"2")
    first.commit()
    assert get(tree, b"/datasets/scans/a") == b"first"
    second.commit()
    assert get(tree, b"/datasets/scans/a") == b"2"
    assert hidden(data) == []


def test_what_is_being_uploaded_cannot_be_resumed_meanwhile(tree: Tree) -> None:
    upload = tree.upload(b"/datasets/scans/a")
    with pytest.raises(BlockingIOError):
        tree.upload(b"/datasets/scans/a", resume=True)
    upload.discard()


def test_exclusive_never_replaces(tree: Tree) -> None:
    upload = tree.upload(b"/datasets/scans/a", exclusive=True)
    upload.write_at(0, b"mine")
    put(tree, b"/datasets/scans/a", b"theirs")
    with pytest.raises(FileExistsError):
        upload.commit()
    with pytest.raises(FileExistsError):
        tree.upload(b"/datasets/scans/a", exclusive=True)
    assert get(tree, b"/datasets/scans/a") == b"theirs"


def test_an_upload_replaces_a_link_and_not_what_it_leads_to(data: DataDir, tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    data.path("projects/lens/datasets/scans/link").symlink_to(tmp_path / "secret")
    put(tree, b"/datasets/scans/link")
    assert (tmp_path / "secret").read_text() == "secret"
    assert tree.lstat(b"/datasets/scans/link").is_file


def test_a_folder_is_not_replaced(tree: Tree) -> None:
    tree.mkdir(b"/datasets/scans/folder")
    with pytest.raises(IsADirectoryError):
        tree.upload(b"/datasets/scans/folder")


def test_mode_and_times_are_those_that_were_asked_for(tree: Tree) -> None:
    upload = tree.upload(b"/datasets/scans/a", mode=0o4711)
    upload.set_times(1_000_000_000, 1_100_000_000)
    upload.write_at(0, b"late write")
    upload.commit()
    found = tree.stat(b"/datasets/scans/a")
    assert (found.mode, found.mtime) == (0o100751, 1_100_000_000)


def test_hidden_names_are_out_of_reach(data: DataDir, tree: Tree) -> None:
    upload = tree.upload(b"/datasets/scans/a")
    upload.write_at(0, b"hello")
    part = b"/datasets/scans/" + hidden(data)[0].encode()
    for reach in (tree.stat, tree.open_read, tree.remove, tree.open_update, tree.upload, tree.mkdir):
        with pytest.raises(FileNotFoundError):
            reach(part)
    upload.discard()


def test_removing_what_is_unfinished_gives_it_up(data: DataDir, tree: Tree) -> None:
    upload = tree.upload(b"/datasets/scans/a")
    upload.write_at(0, b"hello")
    upload.discard()
    tree.remove(b"/datasets/scans/a")
    assert hidden(data) == []
    with pytest.raises(FileNotFoundError):
        tree.remove(b"/datasets/scans/a")


def test_a_folder_with_nothing_but_leftovers_can_be_removed(tree: Tree) -> None:
    upload = tree.upload(b"/datasets/scans/a")
    upload.write_at(0, b"hello")
    assert refusal(lambda: tree.rmdir(b"/datasets/scans")) == "ENOTEMPTY", "somebody is uploading into it"
    upload.discard()
    tree.rmdir(b"/datasets/scans")
    assert names(tree, b"/datasets") == []


@pytest.mark.parametrize("offset", [-1, 2**43, 2**62])
def test_writes_at_absurd_places_are_refused(tree: Tree, offset: int) -> None:
    upload = tree.upload(b"/datasets/scans/a")
    assert refusal(lambda: upload.write_at(offset, b"x")) == "EFBIG"
    upload.discard()


def test_an_end_twice_is_harmless_and_leaves_no_descriptor(tree: Tree) -> None:
    before = open_descriptors()
    committed, discarded = tree.upload(b"/datasets/scans/a"), tree.upload(b"/datasets/scans/b")
    for _ in range(2):
        committed.commit()
        committed.discard()
        discarded.discard()
        discarded.commit()
    assert names(tree, b"/datasets/scans") == [b"a"]
    assert before == open_descriptors()
