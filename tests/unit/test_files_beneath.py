"""A path opened beneath a folder never leads out of it, whichever way it is opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.files_house import RESOLVERS, open_descriptors, refusal
from tovi_server.files.beneath import Resolver


@pytest.fixture(params=list(RESOLVERS))
def resolver(request: pytest.FixtureRequest) -> Resolver:
    return RESOLVERS[request.param]


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """top/{file, folder/inner, links…} beside a secret."""
    (tmp_path / "secret").write_text("secret")
    top = tmp_path / "top"
    (top / "folder").mkdir(parents=True)
    (top / "file").write_text("file")
    (top / "folder" / "inner").write_text("inner")
    for name, target in {
        "absolute": str(tmp_path / "secret"),
        "out": "../secret",
        "folder/out": "../../secret",
        "to-file": "file",
        "to-folder": "folder",
        "folder/up": "../file",
        "chain": "to-folder/up",
        "round": "round",
        "dangling": "nothing",
        "around": "folder/../../top/file",
        "magic": "/proc/self/root",
        "itself": ".",
        "with-slash": "folder/",
    }.items():
        (top / name).symlink_to(target)
    return top


@contextmanager
def root(top: Path) -> Iterator[int]:
    opened = os.open(top, os.O_PATH | os.O_DIRECTORY)
    try:
        yield opened
    finally:
        os.close(opened)


def read(resolver: Resolver, top: Path, path: str, flags: int = os.O_RDONLY) -> str:
    with root(top) as folder, open(resolver.open(folder, path.encode(), flags)) as file:
        return file.read()


def why(resolver: Resolver, top: Path, path: str, flags: int = os.O_RDONLY) -> str:
    with root(top) as folder:
        return refusal(lambda: resolver.open(folder, path.encode(), flags))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("file", "file"),
        ("folder/inner", "inner"),
        ("./folder//inner", "inner"),
        ("folder/../file", "file"),
        ("to-file", "file"),
        ("to-folder/inner", "inner"),
        ("to-folder/up", "file"),
        ("chain", "file"),
        ("itself/itself/file", "file"),
        ("with-slash/inner", "inner"),
    ],
)
def test_what_stays_beneath_is_opened(resolver: Resolver, top: Path, path: str, content: str) -> None:
    assert content == read(resolver, top, path)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("absolute", "EXDEV"),
        ("out", "EXDEV"),
        ("folder/out", "EXDEV"),
        ("to-folder/out", "EXDEV"),
        ("around", "EXDEV"),
        ("magic/etc/passwd", "EXDEV"),
        ("..", "EXDEV"),
        ("../secret", "EXDEV"),
        ("folder/../../secret", "EXDEV"),
        ("/etc/passwd", "EXDEV"),
        ("round", "ELOOP"),
        ("dangling", "ENOENT"),
        ("file/inner", "ENOTDIR"),
        ("nothing/inner", "ENOENT"),
        ("n" * 256, "ENAMETOOLONG"),
    ],
)
def test_what_does_not_is_refused(resolver: Resolver, top: Path, path: str, reason: str) -> None:
    assert reason == why(resolver, top, path)


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_PATH, os.O_RDONLY | os.O_DIRECTORY])
def test_a_way_out_is_refused_however_it_is_opened(resolver: Resolver, top: Path, flags: int) -> None:
    assert why(resolver, top, "out", flags) == "EXDEV"


def test_a_last_link_is_not_followed_when_that_is_not_wanted(resolver: Resolver, top: Path) -> None:
    assert why(resolver, top, "to-file", os.O_RDONLY | os.O_NOFOLLOW) == "ELOOP"


def test_a_last_link_can_be_looked_at_itself(resolver: Resolver, top: Path) -> None:
    with root(top) as folder:
        opened = resolver.open(folder, b"out", os.O_PATH | os.O_NOFOLLOW)
    try:
        assert os.readlink("", dir_fd=opened) == "../secret"
    finally:
        os.close(opened)


def test_a_file_is_made_with_its_mode(resolver: Resolver, top: Path) -> None:
    with root(top) as folder:
        os.close(resolver.open(folder, b"folder/new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    assert (top / "folder" / "new").stat().st_mode & 0o777 == 0o600


def test_nothing_is_made_through_a_link_that_leads_out(resolver: Resolver, top: Path) -> None:
    (top / "new").symlink_to("../new")
    assert why(resolver, top, "new", os.O_WRONLY | os.O_CREAT) == "EXDEV"
    assert not (top.parent / "new").exists()


def test_no_descriptor_is_left_behind(resolver: Resolver, top: Path) -> None:
    before = open_descriptors()
    for path in ("chain", "out", "folder/inner", "round", "magic", "file/inner"):
        with root(top) as folder:
            try:
                os.close(resolver.open(folder, path.encode(), os.O_RDONLY))
            except OSError:
                continue
    assert before == open_descriptors()


def test_descriptors_are_closed_when_a_program_is_started(resolver: Resolver, top: Path) -> None:
    with root(top) as folder:
        opened = resolver.open(folder, b"file", os.O_RDONLY)
    try:
        assert not os.get_inheritable(opened)
    finally:
        os.close(opened)
