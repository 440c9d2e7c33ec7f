"""Attackers with an account, and jobs that plant things: nothing outside the tree is read, changed or held up."""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import io
import os
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.files_house import (
    Jobs,
    a_data_dir,
    a_tree,
    active,
    attempt,
    get,
    names,
    open_descriptors,
    pieces,
    put,
    refusal,
)
from tests.parts import need
from tovi_server.core.errors import UnavailableError
from tovi_server.files import intake
from tovi_server.files.datadir import DataDir
from tovi_server.files.limits import IntakeLimits
from tovi_server.files.tree import Tree

SECRET = b"nobody may read this"
RACE_S = 3.0

Verb = Callable[[Tree, bytes], object]


def _read(tree: Tree, path: bytes) -> bytes:
    return get(tree, path)


def _update(tree: Tree, path: bytes) -> None:
    opened = tree.open_update(path)
    try:
        os.pwrite(opened, b"overwritten", 0)
    finally:
        os.close(opened)


VERBS: dict[str, Verb] = {
    "stat": lambda tree, path: tree.stat(path),
    "lstat": lambda tree, path: tree.lstat(path),
    "list": lambda tree, path: [name for name, _ in tree.list(path)],
    "read": _read,
    "statvfs": lambda tree, path: tree.statvfs(path),
    "readlink": lambda tree, path: tree.readlink(path),
    "put": lambda tree, path: put(tree, path, b"overwritten"),
    "update": _update,
    "truncate": lambda tree, path: tree.set_attributes(path, size=0),
    "chmod": lambda tree, path: tree.set_attributes(path, mode=0o777),
    "touch": lambda tree, path: tree.set_attributes(path, times=(0, 0)),
    "mkdir": lambda tree, path: tree.mkdir(path),
    "rmdir": lambda tree, path: tree.rmdir(path),
    "remove": lambda tree, path: tree.remove(path),
    "rename to": lambda tree, path: tree.rename(b"/datasets/scans/own", path, replace=True),
    "rename from": lambda tree, path: tree.rename(path, b"/datasets/scans/taken", replace=True),
    "link to": lambda tree, path: tree.link(b"/datasets/scans/own", path),
    "link from": lambda tree, path: tree.link(path, b"/datasets/scans/taken"),
    "symlink": lambda tree, path: tree.symlink(b"own", path),
}


class Outside:
    """What lies around the tree, and whether it is still as it was."""

    def __init__(self, data: DataDir) -> None:
        self._top = data.root.parent
        self.server = data.path("server/host_key")
        self.server.write_bytes(SECRET)
        for place in ("home/bob/notes", "projects/other/datasets/theirs/file", "projects/lens/objects/aa/bb"):
            data.path(place).parent.mkdir(parents=True, exist_ok=True)
            data.path(place).write_bytes(SECRET)
        (self._top / "outside").mkdir()
        (self._top / "outside" / "secret").write_bytes(SECRET)
        self._before = self._seen()

    def _seen(self) -> dict[str, tuple[object, ...]]:
        """All that is no dataset of lens and no home of ada."""
        found: dict[str, tuple[object, ...]] = {}
        for folder, folders, files in os.walk(self._top):
            folders[:] = [name for name in folders if not self._is_inside(f"{folder}/{name}")]
            for name in (*files, *folders):
                at = os.lstat(f"{folder}/{name}")
                content = Path(f"{folder}/{name}").read_bytes() if name in files else b""
                changed = at.st_ctime_ns if name in files else at.st_mode
                found[f"{folder}/{name}"] = (at.st_ino, changed, hashlib.sha256(content).hexdigest())
        return found

    def _is_inside(self, path: str) -> bool:
        return path.endswith(("/projects/lens/datasets", "/home/ada"))

    def need_unchanged(self) -> None:
        assert self._seen() == self._before


@pytest.fixture(params=["kernel", "walk"])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> DataDir:
    data = a_data_dir(tmp_path, resolver=request.param)
    data.create_project("other")
    data.create_home("bob")
    return data


@pytest.fixture
def tree(data: DataDir) -> Tree:
    tree = a_tree(data)
    tree.mkdir(b"/datasets/scans")
    tree.mkdir(b"/datasets/scans/folder")
    put(tree, b"/datasets/scans/own", b"own")
    return tree


@pytest.fixture
def outside(data: DataDir, tree: Tree) -> Outside:
    return Outside(data)


def attack(tree: Tree, verb: Verb, path: bytes) -> object:
    """What came of it; None when it was refused, as it mostly should be."""
    try:
        return verb(tree, path)
    except OSError:
        return None


PLAIN_NAMES = b"... datasets scans projects lens other home bob ada server host_key objects jobs etc ~ own".split()
ODD_NAMES = [b"..", b".", b"", b"..\\..", b"%2e%2e", b"\xc0\xae\xc0\xae", b"a\0b", b"\0", b"n" * 256, b"..;", b"\xff"]
MORE_NAMES = [b"-rf", b"$(id)", b".tovi-part-x", b"authorized_keys"]
NAMES = st.sampled_from([*PLAIN_NAMES, *ODD_NAMES, *MORE_NAMES]) | st.binary(max_size=12)
PATHS = st.builds(
    lambda front, parts, slash, back: front + slash.join(parts) + back,
    st.sampled_from([b"", b"/", b"//", b"../", b"/../../"]),
    st.lists(NAMES, max_size=9),
    st.sampled_from([b"/", b"//", b"/./"]),
    st.sampled_from([b"", b"/", b"/..", b"/."]),
)


@settings(max_examples=60, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS)
def test_no_path_leads_out(outside: Outside, tree: Tree, path: bytes) -> None:
    for verb in VERBS.values():
        attack(tree, VERBS["mkdir"], b"/datasets/scans")
        attack(tree, VERBS["put"], b"/datasets/scans/own")
        assert SECRET not in repr(attack(tree, verb, path)).encode()
    outside.need_unchanged()


@pytest.fixture
def planted(data: DataDir, outside: Outside) -> list[bytes]:
    """Links that a job could leave, and paths through them. Even if followed, they end in the test's own folder."""
    scans, top = data.path("projects/lens/datasets/scans"), data.root.parent
    targets = {
        "absolute-file": str(outside.server),
        "absolute-folder": str(top / "outside"),
        "climbs": "../../../../../outside/secret",
        "climbs-folder": "../../../../../outside",
        "to-server": "../../../../server",
        "to-other": "../../../other/datasets/theirs",
        "to-objects": "../../objects/aa",
        "chain": "chained",
        "chained": "climbs-folder",
        "folder/nested": "../../../../../server/host_key",
        "magic-root": f"/proc/self/root{top}/outside",
        "magic-folder": f"/proc/self/fd/{data.fd}",
        "round": "round",
        "dangling": "/nothing/there",
    }
    for name, target in targets.items():
        (scans / name).symlink_to(target)
    deeper = (b"", b"/secret", b"/host_key", b"/file", b"/bb", b"/server/host_key", b"/..", b"/new")
    return [b"/datasets/scans/" + name.encode() + more for name in targets for more in deeper]


@pytest.mark.parametrize("verb", VERBS)
def test_no_planted_link_is_followed_out(data: DataDir, outside: Outside, planted: list[bytes], verb: str) -> None:
    tree = a_tree(data)
    secrets = (SECRET, b"secret", b"host_key", b"theirs", b"bb")
    for path in planted:
        found = attack(tree, VERBS[verb], path)
        if verb in ("list", "read") and not path.endswith(b"/.."):
            assert not isinstance(found, bytes) or SECRET not in found
            assert not isinstance(found, list) or not set(found) & set(secrets)
    outside.need_unchanged()


def test_what_a_job_plants_in_its_outputs_is_not_followed(data: DataDir, outside: Outside) -> None:
    jobs = Jobs(data)
    jobs.add("run: 'true'\n")
    order = asyncio.run(jobs.folders().prepare(active(attempt())))
    left = order.control / "outputs"
    for name, target in {
        "key": str(outside.server),
        "up": "../exit.json",
        "far": "../../../../../../objects",
        "good": "file",
    }.items():
        (left / name).symlink_to(target)
    (left / "file").write_text("fine")
    tree = a_tree(data)
    assert get(tree, b"/jobs/1/outputs/good") == b"fine"
    for planted in (b"key", b"up", b"far", b"far/aa/bb"):
        path = b"/jobs/1/outputs/" + planted
        assert refusal(lambda path=path: tree.open_read(path)) == "EACCES"
        assert refusal(lambda path=path: tree.list(path)) == "EACCES"


@contextmanager
def flipping(first: Path, second: Path) -> Iterator[list[int]]:
    """A thread that swaps two names as fast as it can, and how often it did."""
    exchange = ctypes.CDLL(None, use_errno=True).renameat2
    stop, flips = threading.Event(), [0]

    def flip() -> None:
        while not stop.is_set():
            exchange(-100, os.fsencode(first), -100, os.fsencode(second), 2)
            flips[0] += 1

    flipper = threading.Thread(target=flip)
    flipper.start()
    try:
        yield flips
    finally:
        stop.set()
        flipper.join()


def test_no_race_with_renames_leads_out(data: DataDir, tree: Tree, outside: Outside) -> None:
    scans = data.path("projects/lens/datasets/scans")
    (scans / "folder" / "secret").write_bytes(b"harmless")
    (scans / "link").symlink_to(data.root.parent / "outside")
    deadline, tried = time.monotonic() + RACE_S, 0
    with flipping(scans / "folder", scans / "link") as flips:
        while time.monotonic() < deadline:
            for name in ("read", "put", "update", "chmod", "link from", "stat"):
                assert attack(tree, VERBS[name], b"/datasets/scans/folder/secret") != SECRET
            attack(tree, VERBS["remove"], b"/datasets/scans/taken")
            attack(tree, VERBS["mkdir"], b"/datasets/scans/folder/new")
            attack(tree, VERBS["rmdir"], b"/datasets/scans/folder/new")
            tried += 9
    assert flips[0] > 100, "the racer ran"
    assert tried > 100
    outside.need_unchanged()


@pytest.mark.parametrize("verb", VERBS)
def test_a_fifo_holds_nobody_up(data: DataDir, tree: Tree, verb: str) -> None:
    os.mkfifo(data.path("projects/lens/datasets/scans/fifo"))
    before, began = open_descriptors(), time.monotonic()
    attack(tree, VERBS[verb], b"/datasets/scans/fifo")
    assert time.monotonic() - began < 30, "it waited for somebody to open the other end"
    assert open_descriptors() == before


def test_what_is_no_file_is_never_opened_as_one(data: DataDir, tree: Tree) -> None:
    scans = data.path("projects/lens/datasets/scans")
    os.mkfifo(scans / "fifo")
    (scans / "zero").symlink_to("/dev/zero")
    for path in (b"/datasets/scans/fifo", b"/datasets/scans/zero"):
        assert refusal(lambda path=path: tree.open_read(path)) == "EACCES"
        assert refusal(lambda path=path: tree.open_update(path)) in ("EACCES", "ELOOP")


def test_no_descriptor_is_lost_to_attacks(data: DataDir, planted: list[bytes]) -> None:
    tree, before = a_tree(data), open_descriptors()
    for path in planted:
        for verb in VERBS.values():
            attack(tree, verb, path)
    assert open_descriptors() == before


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of two megabytes; the test is left out where none can be mounted."""
    folder.mkdir()
    need("mount")
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m,nr_inodes=200", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_leaves_nothing_of_an_upload(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        data = a_data_dir(disk)
        tree = a_tree(data)
        tree.mkdir(b"/datasets/scans")
        put(tree, b"/datasets/scans/small", b"old")
        upload = tree.upload(b"/datasets/scans/small")
        assert refusal(lambda: upload.write_at(0, bytes(4 * 2**20))) == "ENOSPC"
        upload.discard()
        assert os.listdir(data.path("projects/lens/datasets/scans")) == ["small"]
        assert get(tree, b"/datasets/scans/small") == b"old"
        put(tree, b"/datasets/scans/small", b"new")
        data.close()


@pytest.mark.parametrize("content", [os.urandom(4 * 2**20), b""], ids=["bytes", "inodes"])
def test_a_full_disk_leaves_nothing_of_a_submission(tmp_path: Path, content: bytes) -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for number in range(1 if content else 300):
            body = content or str(number).encode()
            info = tarfile.TarInfo(f"file-{number}")
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    with small_disk(tmp_path / "disk") as disk:
        data = a_data_dir(disk)
        receiving = intake.receive(data, pieces(whole.getvalue()), project="lens", limits=IntakeLimits())
        with pytest.raises(UnavailableError, match="does not fit"):
            asyncio.run(receiving)
        assert os.listdir(data.path("server/staging")) == []
        assert os.listdir(data.path("projects/lens/objects")) == []
        assert names(a_tree(data), b"/datasets") == []
        data.close()
