"""Archives come in whole and checked, in whichever form tar has them, or not at all."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.files_house import a_data_dir, open_descriptors, pieces
from tovi_server.core.errors import InvalidArchiveError, QuotaExceededError, ToviError
from tovi_server.files import intake, snapshots, unpacking
from tovi_server.files.datadir import DataDir
from tovi_server.files.intake import Intake
from tovi_server.files.limits import IntakeLimits

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SPEC = b"run: python train.py\n"
USUAL = IntakeLimits()


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return a_data_dir(tmp_path)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    code = tmp_path / "code"
    (code / "lib" / "deep").mkdir(parents=True)
    (code / "empty").mkdir()
    (code / "tovi.yaml").write_bytes(SPEC)
    (code / "train.py").write_text("print(1)\n")
    (code / "lib" / "run.sh").write_text("#!/bin/sh\n")
    (code / "lib" / "run.sh").chmod(0o755)
    (code / "lib" / "deep" / ("n" * 200)).write_bytes(os.urandom(600_000))
    (code / "link").symlink_to("lib/run.sh")
    (code / "lib" / "up").symlink_to("../train.py")
    return code


def str_of_place(value: object) -> str:
    """Archives are no names for tests."""
    return value if isinstance(value, str) else ""


async def receive(
    data: DataDir, archive: bytes, *, limits: IntakeLimits = USUAL, keep: bool = True, size: int = 7000
) -> Intake:
    return await intake.receive(data, pieces(archive, size), project="lens", limits=limits, keep=keep)


def member(name: str, content: bytes = b"", **changes: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in changes.items():
        setattr(info, field, value)
    return info, content


def archive(*members: tuple[tarfile.TarInfo, bytes], spec: bool = True, form: int = tarfile.GNU_FORMAT) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=form) as tar:
        for info, content in (*([member("tovi.yaml", SPEC)] if spec else []), *members):
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return whole.getvalue()


def nothing_is_left(data: DataDir) -> bool:
    objects = data.path("projects/lens/objects")
    return not os.listdir(data.path("server/staging")) and not [path for path in objects.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "packing",
    [
        "tar c .",
        "tar c --format=posix .",
        "tar c --format=gnu .",
        "tar cz .",
        "tar c . | gzip -1",
        "tar c *",
        "tar cb 1 .",
    ],
)
async def test_whatever_tar_makes_is_the_same_snapshot(data: DataDir, code: Path, packing: str) -> None:
    (code / "lib" / "twin").hardlink_to(code / "train.py")
    packed = subprocess.run(["sh", "-c", packing], cwd=code, stdout=subprocess.PIPE, check=True).stdout
    usual = subprocess.run(["tar", "c", "."], cwd=code, stdout=subprocess.PIPE, check=True).stdout
    found = await receive(data, packed)
    assert found.snapshot == (await receive(data, usual, size=10**6)).snapshot
    assert found.spec_text == SPEC.decode()
    assert sorted(file.path for file in found.files) == [
        f"lib/deep/{'n' * 200}",
        "lib/run.sh",
        "lib/twin",
        "tovi.yaml",
        "train.py",
    ]


async def test_zstd_is_understood(data: DataDir) -> None:
    plain = archive(member("big", os.urandom(300_000) + bytes(3_000_000)))
    packed = zstd.compress(plain)
    both = zstd.compress(plain[:5000]) + zstd.compress(plain[5000:])
    assert (await receive(data, packed)).snapshot == (await receive(data, plain)).snapshot
    assert (await receive(data, both)).snapshot == (await receive(data, plain)).snapshot


async def test_gzip_may_have_several_parts(data: DataDir) -> None:
    plain = archive(member("a", b"a"))
    packed = gzip.compress(plain[:700]) + gzip.compress(plain[700:]) + bytes(512)
    assert (await receive(data, packed, size=11)).snapshot == (await receive(data, plain)).snapshot


async def test_a_snapshot_is_laid_out_as_it_was(data: DataDir, code: Path) -> None:
    packed = subprocess.run(["tar", "c", "."], cwd=code, stdout=subprocess.PIPE, check=True).stdout
    snapshot = (await receive(data, packed)).snapshot
    snapshots.lay_out(data, "lens", snapshot)
    snapshots.lay_out(data, "lens", snapshot)
    tree = data.path(snapshots.tree_path("lens", snapshot))
    assert subprocess.run(["diff", "-r", "--no-dereference", code, tree], check=False).returncode == 0
    assert (tree / "lib" / "run.sh").stat().st_mode & 0o777 == 0o550
    assert (tree / "train.py").stat().st_mode & 0o777 == 0o440
    assert tree.stat().st_mode & 0o777 == 0o550
    assert os.listdir(data.path("projects/lens/trees")) == [snapshot]


async def test_the_same_content_is_kept_once(data: DataDir) -> None:
    await receive(data, archive(member("a", b"same"), member("b", b"same")))
    first = sorted(data.path("projects/lens/objects").rglob("*"))
    await receive(data, archive(member("a", b"same"), member("b", b"same")))
    assert sorted(data.path("projects/lens/objects").rglob("*")) == first
    assert sum(path.is_file() for path in first) == 3, "a content, the tovi.yaml and the manifest"


async def test_checking_keeps_nothing(data: DataDir) -> None:
    found = await receive(data, archive(member("big", bytes(700_000))), keep=False)
    assert (found.spec_text, found.snapshot) == (SPEC.decode(), "")
    assert nothing_is_left(data)


async def test_clutter_of_macos_is_left_out(data: DataDir) -> None:
    found = await receive(data, archive(member("._train.py", b"x"), member("lib/.DS_Store", b"x"), member("a", b"x")))
    assert [file.path for file in found.files] == ["tovi.yaml", "a"]


HOSTILE = {
    "a name that climbs": [member("../evil", b"x")],
    "a name that climbs later": [member("a/../../evil", b"x")],
    "an absolute name": [member("/etc/evil", b"x")],
    "a link out": [member("link", type=tarfile.SYMTYPE, linkname="../../etc")],
    "an absolute link": [member("link", type=tarfile.SYMTYPE, linkname="/etc")],
    "a link to nothing": [member("link", type=tarfile.SYMTYPE, linkname="")],
    "a file through a link": [member("link", type=tarfile.SYMTYPE, linkname="lib"), member("link/evil", b"x")],
    "a file beneath a file": [member("file", b"x"), member("file/evil", b"x")],
    "a folder that becomes a link": [member("a/b", b"x"), member("a", type=tarfile.SYMTYPE, linkname="lib")],
    "a name twice": [member("a", b"1"), member("./a", b"2")],
    "the spec twice": [member("./tovi.yaml", b"run: evil\n")],
    "a hard link out": [member("hard", type=tarfile.LNKTYPE, linkname="/etc/shadow")],
    "a hard link to what comes later": [member("hard", type=tarfile.LNKTYPE, linkname="later"), member("later", b"x")],
    "a hard link to a link": [
        member("link", type=tarfile.SYMTYPE, linkname="a"),
        member("hard", type=tarfile.LNKTYPE, linkname="link"),
    ],
    "a file without a name": [member("./", b"", type=tarfile.REGTYPE, linkname=""), member(".", b"x")],
    "a FIFO": [member("fifo", type=tarfile.FIFOTYPE)],
    "a device": [member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "a block device": [member("sda", type=tarfile.BLKTYPE, devmajor=8, devminor=0)],
    "a sparse file": [member("sparse", type=tarfile.GNUTYPE_SPARSE)],
    "an unknown kind": [member("odd", type=b"Z")],
    "a line break in a name": [member("a\nb", b"x")],
    "an escape in a name": [member("a\x1b]52;c;x\x07", b"x")],
    "an escape in a link": [member("link", type=tarfile.SYMTYPE, linkname="a\x1b[2J")],
    "a long name": [member("n" * 256, b"x")],
    "a long path": [member("/".join(["n" * 100] * 11), b"x")],
    "a deep path": [member("/".join("d" * 65), b"x")],
    "a folder with a content": [member("folder", b"", type=tarfile.DIRTYPE, size=10**6)],
    "a link with a content": [member("link", b"", type=tarfile.SYMTYPE, linkname="a", size=512)],
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
async def test_hostile_members_are_refused(data: DataDir, what: str, form: int) -> None:
    with pytest.raises(InvalidArchiveError):
        await receive(data, archive(member("first", os.urandom(1000)), *HOSTILE[what], form=form))
    assert nothing_is_left(data)


def pax(records: bytes, kind: bytes = b"x", spec: bool = True) -> bytes:
    """An archive with a member that an extended header of our own making speaks of."""
    header, content = member("pax", records, type=kind)
    named, _ = member("plain", b"x")
    head = archive(spec=spec)[: 1024 if spec else 0]
    padded = content + bytes(-len(content) % 512)
    return head + header.tobuf() + padded + named.tobuf() + b"x" + bytes(511) + bytes(1024)


def record(key: str, value: str) -> bytes:
    body = f" {key}={value}\n".encode()
    length = len(body) + 2
    return f"{length}".encode() + body


async def test_an_extended_header_may_name_a_member(data: DataDir) -> None:
    found = await receive(data, pax(record("path", "named")))
    assert [file.path for file in found.files] == ["tovi.yaml", "named"]


@pytest.mark.parametrize(
    "trick",
    [
        pax(record("path", "../evil")),
        pax(record("path", "/evil")),
        pax(record("path", "a\0b")),
        pax(record("path", "")[:-1]),
        pax(record("size", "99999999999")),
        pax(record("size", "-1")),
        pax(record("GNU.sparse.major", "1")),
        pax(b"99 path=short\n"),
        pax(b"path=nolength\n"),
        pax(b"0 path=x\n"),
        pax(record("path", "evil"), kind=b"g"),
        pax(record("path", "n" * 60) * 9000),
        pax(b"../../evil\0", kind=b"L"),
        pax(bytes(300_000), kind=b"L"),
        archive()[:1024] + member("x", b"y" * 10, type=b"x")[0].tobuf() + bytes(2048),
    ],
    ids=str_of_place,
)
async def test_tricks_with_extended_headers_are_refused(data: DataDir, trick: bytes) -> None:
    with pytest.raises(ToviError):
        await receive(data, trick)
    assert nothing_is_left(data)


async def test_a_comment_for_all_members_is_harmless(data: DataDir) -> None:
    found = await receive(data, pax(record("comment", "0123456789"), kind=b"g"))
    assert [file.path for file in found.files] == ["tovi.yaml", "plain"]


@pytest.mark.parametrize("packed", [lambda whole: whole, gzip.compress, lambda whole: zstd.compress(whole)])
@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.9])
async def test_a_truncated_archive_is_refused(data: DataDir, packed: type[bytes], part: float) -> None:
    whole = packed(archive(member("a", os.urandom(20_000)), member("b", os.urandom(400_000)))[:-8704])
    with pytest.raises(InvalidArchiveError, match="truncated"):
        await receive(data, whole[: int(len(whole) * part)])
    assert nothing_is_left(data)


async def test_an_archive_without_its_end_mark_is_truncated(data: DataDir) -> None:
    whole = archive(member("a", b"x" * 512))
    with pytest.raises(InvalidArchiveError, match="truncated"):
        await receive(data, whole[: 512 * 4])


@pytest.mark.parametrize(
    ("whole", "says"),
    [
        (bytes(10240), "empty"),
        (gzip.compress(bytes(10240)), "empty"),
        (b"", "empty"),
        (b"BZh91AY&SY", "bzip2"),
        (b"PK\x03\x04", "zip"),
        (b"\x1f\x8bnonsense, really", "damaged"),
        (b"\x28\xb5\x2f\xfdnonsense, really", "damaged"),
        (os.urandom(512).replace(b"B", b"C") * 2, "tar archive"),
        (archive(member("project/tovi.yaml", SPEC), spec=False), "no tovi.yaml at its top"),
        (archive(member("tovi.yaml", type=tarfile.SYMTYPE, linkname="a"), spec=False), "no tovi.yaml at its top"),
        (archive(member("tovi.yaml", type=tarfile.DIRTYPE), spec=False), "no tovi.yaml at its top"),
        (archive(member("tovi.yaml", b"\xff\xfe"), spec=False), "UTF-8"),
        (archive(member("tovi.yaml", b"#" * 1_100_000), spec=False), "tovi.yaml in the archive has"),
        (archive() + b"more" * 300_000, "after its end"),
    ],
    ids=str_of_place,
)
async def test_what_is_no_submission_is_told_so(data: DataDir, whole: bytes, says: str) -> None:
    with pytest.raises(InvalidArchiveError, match=says):
        await receive(data, whole)
    assert nothing_is_left(data)


async def test_a_missing_spec_is_told_with_what_is_there(data: DataDir) -> None:
    with pytest.raises(InvalidArchiveError) as refused:
        await receive(data, archive(member("project/tovi.yaml", SPEC), member("project/a", b""), spec=False))
    assert refused.value.why == "there are project"
    assert "tar c -C project ." in refused.value.hint


@pytest.mark.parametrize(
    "limits",
    [
        IntakeLimits(total_bytes=1000),
        IntakeLimits(file_bytes=400),
        IntakeLimits(entries=2),
    ],
)
async def test_limits_are_kept(data: DataDir, limits: IntakeLimits) -> None:
    with pytest.raises(QuotaExceededError):
        await receive(data, archive(member("a", b"x" * 500), member("b", b"x" * 500)), limits=limits)
    assert nothing_is_left(data)


async def test_hard_links_count_as_much_as_files(data: DataDir) -> None:
    twins = [member(f"twin-{n}", type=tarfile.LNKTYPE, linkname="a") for n in range(9)]
    with pytest.raises(QuotaExceededError):
        await receive(data, archive(member("a", b"x" * 500), *twins), limits=IntakeLimits(total_bytes=2000))


@pytest.mark.parametrize("pack", [gzip.compress, lambda whole: zstd.compress(whole)])
async def test_a_bomb_is_refused_before_it_is_unpacked(data: DataDir, pack: type[bytes]) -> None:
    head = archive(member("zeros", b""))[:1024]
    zeros, _ = member("zeros", b"", size=2 * 2**30)
    bomb = pack(head + zeros.tobuf() + bytes(2**27))
    with pytest.raises(InvalidArchiveError, match="grows too much"):
        await receive(data, bomb, limits=IntakeLimits(ratio=100))
    assert nothing_is_left(data)


async def test_a_huge_window_is_refused(data: DataDir) -> None:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 27}
    bomb = zstd.compress(archive(member("a", os.urandom(2**25))), options=options)
    with pytest.raises(InvalidArchiveError):
        await receive(data, bomb)


async def test_a_source_that_breaks_off_leaves_nothing(data: DataDir) -> None:
    async def broken() -> AsyncIterator[bytes]:
        async for piece in pieces(archive(member("a", os.urandom(900_000)))[:600_000]):
            yield piece
        raise ConnectionResetError("the client went away")

    before = open_descriptors()
    with pytest.raises(ConnectionError):
        await intake.receive(data, broken(), project="lens", limits=IntakeLimits())
    assert nothing_is_left(data)
    assert open_descriptors() == before


async def test_a_cancelled_intake_leaves_nothing(data: DataDir) -> None:
    stalled = asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        async for piece in pieces(archive(member("a", os.urandom(900_000)))[:600_000]):
            yield piece
        stalled.set()
        await asyncio.Event().wait()

    receiving = asyncio.create_task(intake.receive(data, stalling(), project="lens", limits=IntakeLimits()))
    await stalled.wait()
    receiving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await receiving
    assert nothing_is_left(data)


@pytest.mark.parametrize(
    ("first", "is_archive"),
    [
        (archive()[:512], True),
        (gzip.compress(b"")[:512], True),
        (b"\x28\xb5\x2f\xfd", True),
        (bytes(512), True),
        (b"PK\x03\x04", True),
        (archive()[:100], True),
        (b"run: python train.py\n", False),
        (("run: echo Grüße # " + "x" * 600).encode(), False),
        (b"", False),
    ],
    ids=str_of_place,
)
def test_archives_are_told_from_files(first: bytes, is_archive: bool) -> None:
    assert unpacking.looks_like_archive(first) == is_archive
