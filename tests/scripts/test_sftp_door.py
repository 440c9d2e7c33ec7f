"""Stories of the real `scp` and `sftp` against the SFTP door, on a real tree."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
from pathlib import Path

import asyncssh
import pytest

from tests.file_doors import KEYS, MISSING, Files, contents, cut_off, files_served, fill, parts, until
from tests.ssh_edge import run
from tovi_server.core.access import Role
from tovi_server.receivers.counter import Claim
from tovi_server.receivers.sftp_open import READ
from tovi_server.receivers.sftp_packets import LONGEST_DATA, Reply, Request, string, uint32, uint64

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")

SLOW = ("-l", "16000")
"""2 MB/s: slow enough to be cut off halfway."""


async def test_a_folder_goes_up_and_comes_back_the_same(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        sent = fill(files.here / "scans")

        up = await files.scp("-r", str(sent), "HOST:datasets/scans")
        down = await files.scp("-r", "HOST:datasets/scans", str(files.here / "back"))

        assert (up.code, up.err, down.code, down.err) == (0, b"", 0, b"")
        assert contents(files.datasets / "scans") == contents(sent)
        assert contents(files.here / "back") == contents(sent)


async def test_a_big_file_goes_up_and_comes_back_the_same(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        big = files.here / "big"
        big.write_bytes(os.urandom(1 << 20) * 64)

        up = await files.scp(str(big), "HOST:home/big")
        down = await files.scp("HOST:home/big", str(files.here / "back"))

        assert (up.code, down.code) == (0, 0)
        assert (files.here / "back").read_bytes() == big.read_bytes() == (files.home() / "big").read_bytes()


async def test_a_thousand_small_files_go_up_and_come_back(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        many = files.here / "many"
        many.mkdir()
        for number in range(1000):
            (many / f"{number}").write_bytes(os.urandom(number % 50))

        up = await files.scp("-r", str(many), "HOST:datasets/")
        down = await files.scp("-r", "HOST:datasets/many", str(files.here / "back"))

        assert (up.code, down.code) == (0, 0)
        assert contents(files.here / "back") == contents(many)


async def test_modes_and_times_come_along_when_asked_for(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        script = files.here / "run.sh"
        script.write_bytes(b"#!/bin/sh\n")
        script.chmod(0o755)
        os.utime(script, (1_000_000_000, 1_100_000_000))

        await files.scp("-p", str(script), "HOST:home/")
        await files.scp("-p", "HOST:home/run.sh", str(files.here / "back"))

        for copy in (files.home() / "run.sh", files.here / "back"):
            assert (copy.stat().st_mode & 0o777, copy.stat().st_mtime) == (0o755, 1_100_000_000)


@pytest.mark.parametrize("connection", [True, False], ids=["connection-lost", "client-killed"])
async def test_an_upload_that_is_cut_off_is_not_there_and_can_be_gone_on_with(tmp_path: Path, connection: bool) -> None:
    async with files_served(tmp_path) as files:
        big = files.here / "big"
        big.write_bytes(os.urandom(1 << 20) * 8)

        await cut_off(
            files.sftp_words(*SLOW), files.home(), stdin=f"put {big} home/big\n".encode(), connection=connection
        )
        there_before = (files.home() / "big").exists()
        came_before = parts(files.home())[0].stat().st_size
        resumed = await files.sftp(f"reput {big} home/big")

        assert (there_before, resumed.code) == (False, 0)
        assert 0 < came_before < 8 << 20
        assert (files.home() / "big").read_bytes() == big.read_bytes()
        assert parts(files.home()) == []


@pytest.mark.parametrize("connection", [True, False], ids=["connection-lost", "client-killed"])
async def test_a_file_stays_as_it_was_when_its_new_content_is_cut_off(tmp_path: Path, connection: bool) -> None:
    async with files_served(tmp_path) as files:
        big = files.here / "big"
        big.write_bytes(bytes(8 << 20))
        (files.home() / "big").write_bytes(b"old and whole")

        await cut_off(files.scp_words(*SLOW, str(big), "HOST:home/big"), files.home(), connection=connection)

        assert (files.home() / "big").read_bytes() == b"old and whole"


async def test_readers_see_the_old_content_until_the_new_is_whole(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        target, old, new = files.home() / "f", b"o" * (3 << 20), b"n" * (4 << 20)
        target.write_bytes(old)
        (files.here / "f").write_bytes(new)
        seen = set()

        copying = asyncio.create_task(files.scp("-l", "100000", str(files.here / "f"), "HOST:home/f"))
        while not copying.done():
            seen.add(target.read_bytes())
            await asyncio.sleep(0.01)

        assert (await copying).code == 0
        assert seen <= {old, new}
        assert target.read_bytes() == new


async def test_a_name_with_a_line_break_is_refused_and_the_person_is_told_why(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        (files.here / "a\nb").write_bytes(b"x")

        ended = await files.scp(str(files.here / "a\nb"), "HOST:home/")

        assert ended.code == 1
        assert b"tovi: names with control characters or line breaks are refused" in ended.err
        assert contents(files.home()) == {}


async def test_what_jobs_leave_behind_can_be_read_and_not_changed(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        outputs = files.job(12)
        (outputs / "best.pt").write_bytes(b"weights")
        (files.here / "x").write_bytes(b"x")

        down = await files.scp("-r", "HOST:jobs/12", str(files.here / "back"))
        up = await files.scp(str(files.here / "x"), "HOST:jobs/12/outputs/best.pt")
        removed = await files.sftp("rm jobs/12/outputs/best.pt")
        renamed = await files.sftp("rename jobs/12/outputs/best.pt home/x")
        dressed = await files.sftp("chmod 777 jobs/12/outputs/best.pt")

        assert (down.code, contents(files.here / "back")) == (
            0,
            {"outputs/best.pt": b"weights", "stdout.log": b"done\n"},
        )
        assert [ended.code for ended in (up, removed, renamed, dressed)] == [1, 1, 1, 1]
        assert b"tovi: what jobs leave behind is read-only" in up.err
        assert contents(outputs) == {"best.pt": b"weights"}


async def test_a_viewer_may_look_and_not_put(tmp_path: Path) -> None:
    async with files_served(tmp_path, role=Role.VIEWER) as files:
        (files.datasets / "scans").mkdir()
        (files.datasets / "scans" / "a").write_bytes(b"a")
        (files.here / "x").write_bytes(b"x")

        down = await files.scp("HOST:datasets/scans/a", str(files.here))
        up = await files.scp(str(files.here / "x"), "HOST:datasets/scans/x")

        assert (down.code, up.code) == (0, 1)
        assert b"Permission denied" in up.err
        assert b"may look at data, not change it" in up.err


async def test_sftp_does_what_people_do_with_it(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        (files.here / "x").write_bytes(b"content")

        ended = await files.sftp(
            "pwd",
            "mkdir datasets/scans",
            f"put -f {files.here}/x datasets/scans/a",
            "cd datasets/scans",
            "ln a b",
            "ln -s a c",
            "cp a d",
            "rename b e",
            "chmod 600 d",
            "ls -l",
            "df .",
            f"get c {files.here}/through-a-link",
            "rm c",
            "mkdir empty",
            "rmdir empty",
        )

        assert (ended.code, ended.err) == (0, b"")
        assert contents(files.datasets / "scans") == dict.fromkeys("ade", b"content")
        assert (files.here / "through-a-link").read_bytes() == b"content"


async def test_one_s_own_keys_can_be_read(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        ended = await files.scp("HOST:authorized_keys", str(files.here))

        assert (ended.code, (files.here / "authorized_keys").read_bytes()) == (0, KEYS)


async def test_no_verb_follows_a_planted_link_out_of_the_tree(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        outside = tmp_path / "outside"
        (outside / "folder").mkdir(parents=True)
        (outside / "secret").write_bytes(b"secret")
        places = [files.job(12), files.datasets / "scans"]
        places[1].mkdir()
        for place in places:
            plant_links(place, outside)
        before = state(outside)
        (files.here / "x").write_bytes(b"changed")

        ended = await files.sftp(*attack("jobs/12/outputs", files.here), *attack("datasets/scans", files.here))

        assert ended.code == 0
        assert state(outside) == before
        assert b"secret" not in b"".join(contents(files.here).values())
        assert b"never-listed" not in ended.out


def plant_links(place: Path, outside: Path) -> None:
    """Ways out, as a job could make them."""
    for name in ("hidden-inside", "never-listed"):
        (outside / "folder" / name).touch()
    (place / "absolute").symlink_to(outside / "secret")
    (place / "relative").symlink_to(os.path.relpath(outside / "secret", place))
    (place / "folder").symlink_to(outside / "folder")
    (place / "chain").symlink_to("relative")
    (place / "magic").symlink_to("/proc/self/root/etc/passwd")


def attack(place: str, here: Path) -> list[str]:
    """Every verb on every link; each may fail."""
    verbs = (
        "get {link} {here}/got-%s",
        "put {here}/x {link}",
        "put {here}/x {link}/x",
        "reput {here}/x {link}",
        "ls -l {link}/",
        "ls -l {link}/secret",
        "cd {link}",
        "chmod 777 {link}",
        "chmod 777 {link}/hidden-inside",
        "rename {link}/hidden-inside {place}/stolen",
        "ln {link} {place}/hard",
        "ln -s ../../../../../../outside/secret {place}/new",
        "ln -s /etc/passwd {place}/new",
        "cp {link} {place}/copied",
        "df {link}",
        "mkdir {link}/new",
        "rmdir {link}/folder",
        "rm {link}/hidden-inside",
        "get {place}/copied {here}/copied",
        "get {place}/hard {here}/hard",
    )
    links = ("absolute", "relative", "folder", "chain", "magic")
    return [
        "-" + verb.replace("%s", link).format(link=f"/{place}/{link}", place=f"/{place}", here=here)
        for link in links
        for verb in verbs
    ]


def state(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Of a tree, so that any change shows."""
    found = {str(path): path.lstat() for path in (folder, *folder.rglob("*"))}
    return {path: (stat.st_ino, stat.st_mode, stat.st_ctime_ns) for path, stat in found.items()}


async def test_a_planted_fifo_is_an_error_at_once_and_holds_up_nobody(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        outputs = files.job(12)
        os.mkfifo(outputs / "fifo")
        (outputs / "link").symlink_to("fifo")
        (files.here / "x").write_bytes(b"x")

        attacks = [
            files.sftp(f"get jobs/12/outputs/{name} {files.here}/got", *["ls -l jobs/12/outputs"] * 3)
            for name in ("fifo", "link") * 3
        ]
        others = [files.scp(str(files.here / "x"), f"HOST:home/{number}") for number in range(3)]
        ended = await asyncio.gather(*attacks, *others)

        assert [end.code for end in ended] == [1] * 6 + [0] * 3
        assert not (files.here / "got").exists()


async def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with files_served(tmp_path) as files:
        (files.here / "x").write_bytes(b"x")
        monkeypatch.setattr("tovi_server.files.upload.os.pwrite", full)

        ended = await files.scp(str(files.here / "x"), "HOST:home/x")

        assert ended.code == 1
        assert b"tovi: the server's disk is full" in ended.err
        assert os.listdir(files.home()) == []


async def test_what_is_no_sftp_ends_only_itself(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        ended = await run([*files.server.ssh(options=["-s"]), "sftp"], stdin=b"GET / HTTP/1.1\r\n\r\n")

        assert ended.code == 2
        assert ended.err.startswith(b"usage: this is not SFTP")
        assert (await files.sftp("pwd")).code == 0


async def client_of(files: Files) -> asyncssh.SSHClientConnection:
    """A connection of a program, not of OpenSSH."""
    return await asyncssh.connect(
        "127.0.0.1",
        files.server.port,
        known_hosts=str(files.server.folder / "known_hosts"),
        client_keys=[str(files.server.folder / "alice")],
        username="tovi",
        config=None,
    )


async def test_open_files_are_counted_over_all_sessions_of_a_user(tmp_path: Path) -> None:
    async with files_served(tmp_path, most_handles=20) as files:
        (files.home() / "x").write_bytes(b"x")
        async with await client_of(files) as connection:
            first, second = await connection.start_sftp_client(), await connection.start_sftp_client()
            opened = [await first.open("home/x", "rb") for _ in range(15)]
            also = [await second.open("home/x", "rb") for _ in range(5)]
            with pytest.raises(asyncssh.SFTPFailure, match="too many files open"):
                await second.open("home/x", "rb")
            for file in opened:
                await file.close()
            also += [await second.open("home/x", "rb") for _ in range(5)]
            assert [await file.read() for file in also] == [b"x"] * 10
            first.exit()
            await first.wait_closed()
            for file in also:
                await file.close()
            second.exit()
            await second.wait_closed()
        await until(lambda: files.counter.take(Claim("handles", "alice", 1)) is None)


async def test_who_asks_without_reading_holds_little_memory(tmp_path: Path) -> None:
    """The client opens a window of 2 GiB, asks for 500 MiB and reads nothing."""
    async with files_served(tmp_path) as files:
        (files.home() / "big").touch()
        os.truncate(files.home() / "big", 1 << 30)
        async with await client_of(files) as connection:
            process = await connection.create_process(subsystem="sftp", encoding=None, window=(1 << 31) - 1)
            process.stdin.write(request(Request.INIT, uint32(3)))
            process.stdin.write(request(Request.OPEN, uint32(0), string(b"home/big"), uint32(READ), uint32(0)))
            greeting, opened = [await answer(process) for _ in range(2)]
            before = resident_bytes()

            connection._transport.pause_reading()  # type: ignore[union-attr]  # what no polite client can do
            places = (uint64(piece << 18) for piece in range(2000))
            reads = (request(Request.READ, uint32(0), opened[5:], place, uint32(LONGEST_DATA)) for place in places)
            process.stdin.write(b"".join(reads))
            for _ in range(10):
                assert (await files.sftp("pwd")).code == 0

            assert greeting[0] == Reply.VERSION
            assert resident_bytes() - before < 32 << 20
            connection.abort()


def request(kind: int, *fields: bytes) -> bytes:
    return string(bytes([kind]) + b"".join(fields))


async def answer(process: asyncssh.SSHClientProcess[bytes]) -> bytes:
    size = int.from_bytes(await process.stdout.readexactly(4), "big")
    return await process.stdout.readexactly(size)


def resident_bytes() -> int:
    """Memory of this process, in which the receiver is."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
