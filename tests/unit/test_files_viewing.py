"""A caller's files on a screen: pages, parts, and what may be done to them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.files_house import AUTHORIZED_KEYS, a_data_dir, a_tree, open_descriptors, put
from tovi_server.core.access import Role
from tovi_server.core.errors import ConflictError, DeniedError, NotFoundError, UsageError
from tovi_server.core.views import FileView
from tovi_server.files.attributes import Attributes
from tovi_server.files.datadir import DataDir
from tovi_server.files.tree import Tree
from tovi_server.files.viewing import MOST_BYTES, Viewing

SCANS = "datasets/scans"


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return a_data_dir(tmp_path)


@pytest.fixture
def tree(data: DataDir) -> Tree:
    tree = a_tree(data)
    tree.mkdir(b"/datasets/scans")
    return tree


@pytest.fixture
def files(tree: Tree) -> Viewing:
    return Viewing(tree)


def _names(files: Viewing, path: str = SCANS, *, after: str | None = None, limit: int = 100) -> list[str]:
    return [one.path for one in files.page(path, after=after, limit=limit).items]


def test_the_top_is_a_page_of_what_sftp_shows(files: Viewing) -> None:
    page = files.page("", after=None, limit=100)
    assert [one.path for one in page.items] == ["authorized_keys", "datasets/", "home/", "jobs/", "projects/"]
    assert not page.writable


def test_a_folder_comes_in_pages_by_name(tree: Tree, files: Viewing) -> None:
    for number in range(5):
        put(tree, f"/datasets/scans/{number}".encode())
    first = files.page(SCANS, after=None, limit=3)
    assert ([one.path for one in first.items], first.more, first.writable) == (["0", "1", "2"], True, True)
    second = files.page(SCANS, after="2", limit=3)
    assert ([one.path for one in second.items], second.more) == (["3", "4"], False)


def test_a_page_can_begin_behind_a_folder(tree: Tree, files: Viewing) -> None:
    tree.mkdir(b"/datasets/scans/b")
    put(tree, b"/datasets/scans/c")
    assert _names(files, after="b/") == ["c"]


def test_a_name_that_is_no_text_is_shown_with_escapes(tree: Tree, files: Viewing) -> None:
    put(tree, b"/datasets/scans/\xff")
    assert _names(files) == ["\\udcff"]


@pytest.mark.parametrize("year", [-(10**5), 12_000, 10**12])
def test_a_file_from_a_year_without_dates_is_shown_without_a_time(
    tree: Tree, files: Viewing, monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    strange = Attributes(stat.S_IFREG | 0o644, 5, (year - 1970) * 31_556_952.0, 0.0)
    monkeypatch.setattr(tree, "list", lambda path: iter([(b"a", strange)]))
    assert files.page(SCANS, after=None, limit=10).items == (FileView("a", 5, None),)


def test_parts_of_a_file(tree: Tree, files: Viewing) -> None:
    put(tree, b"/datasets/scans/a", b"0123456789")
    part = files.part(f"{SCANS}/a", start=3, length=4)
    assert (part.start, part.data, part.size_bytes) == (3, b"3456", 10)
    for start in (10, 30, 2**63 - 1, 10**30):
        assert files.part(f"{SCANS}/a", start=start, length=4).data == b""
    assert files.part(f"{SCANS}/a", start=-(10**30), length=-(10**30)).data == b""
    put(tree, b"/datasets/scans/large", b"x" * 600_000)
    assert len(files.part(f"{SCANS}/large", start=0, length=10**9).data) == MOST_BYTES
    assert files.part("authorized_keys", start=0, length=1000).data == AUTHORIZED_KEYS


def test_a_file_and_a_folder_with_all_in_it_are_removed(tree: Tree, files: Viewing) -> None:
    tree.mkdir(b"/datasets/scans/old")
    put(tree, b"/datasets/scans/old/a")
    put(tree, b"/datasets/scans/b")
    files.remove(f"{SCANS}/old")
    files.remove(f"{SCANS}/b")
    assert _names(files) == []


def test_a_file_gets_another_name_but_never_a_taken_one(tree: Tree, files: Viewing) -> None:
    put(tree, b"/datasets/scans/a", b"1")
    put(tree, b"/datasets/scans/b", b"2")
    with pytest.raises(ConflictError, match=r"scans/a to .*/b"):
        files.rename(f"{SCANS}/a", f"{SCANS}/b")
    files.rename(f"{SCANS}/a", f"{SCANS}/c")
    assert _names(files) == ["b", "c"]


def test_errors_name_the_path(files: Viewing) -> None:
    for path in ("datasets/none", "datasets/none/deeper", "../../etc/passwd", "\ud800"):
        with pytest.raises(NotFoundError):
            files.page(path, after=None, limit=1)
    with pytest.raises(NotFoundError, match="datasets/none"):
        files.part("datasets/none", start=0, length=1)


@pytest.mark.parametrize("path", ["datasets/a\0b", "datasets/" + "x" * 5000, "x/" * 200])
def test_paths_that_nothing_could_have_are_told_as_such(files: Viewing, path: str) -> None:
    with pytest.raises(UsageError):
        files.page(path, after=None, limit=1)
    with pytest.raises(UsageError):
        files.part(path, start=0, length=1)
    with pytest.raises(UsageError):
        files.remove(path)


def test_a_folder_is_not_read_as_a_file(files: Viewing) -> None:
    with pytest.raises(UsageError, match=SCANS):
        files.part(SCANS, start=0, length=1)


def test_what_sftp_refuses_to_change_is_refused(data: DataDir, files: Viewing) -> None:
    reader = Viewing(a_tree(data, "bob", lens=Role.VIEWER))
    assert not reader.page(SCANS, after=None, limit=1).writable
    for path in (SCANS, "jobs", "datasets"):
        with pytest.raises((DeniedError, NotFoundError)):
            reader.remove(path)
    with pytest.raises(DeniedError):
        files.remove("datasets")


def test_a_link_out_of_the_tree_leads_nowhere(data: DataDir, tmp_path: Path, files: Viewing) -> None:
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "data" / "projects" / "lens" / "datasets" / "scans"
    os.symlink(tmp_path / "secret", folder / "file")
    os.symlink(tmp_path, folder / "folder")
    with pytest.raises((DeniedError, NotFoundError)):
        files.part(f"{SCANS}/file", start=0, length=100)
    with pytest.raises((DeniedError, NotFoundError)):
        files.page(f"{SCANS}/folder", after=None, limit=10)
    files.remove(f"{SCANS}/folder")
    assert (tmp_path / "secret").exists(), "the link goes, not what it leads to"


def test_nothing_stays_open(tree: Tree, files: Viewing) -> None:
    put(tree, b"/datasets/scans/a")
    before = open_descriptors()
    for _ in range(10):
        files.page(SCANS, after=None, limit=1)
        files.part(f"{SCANS}/a", start=0, length=1)
        with pytest.raises(NotFoundError):
            files.page(f"{SCANS}/a", after=None, limit=1)
    assert open_descriptors() == before


def test_a_file_is_told_with_its_size_and_time(tree: Tree, files: Viewing) -> None:
    put(tree, b"/datasets/scans/a", b"12345")
    (shown,) = files.page(SCANS, after=None, limit=1).items
    assert isinstance(shown, FileView)
    assert shown.size_bytes == 5
    assert shown.modified_at is not None
