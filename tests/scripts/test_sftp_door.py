"""Stories of the real `sftp`, and of programs that speak its protocol, on a real tree; those of `scp` are beside."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import asyncssh
import pytest

from tests.file_doors import SLOW, contents, cut_off, files_served, is_held, parts, plant_links, state, until
from tests.ssh_edge import DEADLINE_S, client, pause_reading, resident_bytes, run, started
from tovi_server.receivers.counter import Claim
from tovi_server.receivers.sftp_open import READ
from tovi_server.receivers.sftp_packets import LONGEST_DATA, Reply, Request, string, uint32, uint64


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


async def test_what_jobs_leave_behind_is_not_changed_by_any_verb(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        outputs = files.job(12)
        (outputs / "best.pt").write_bytes(b"weights")
        (files.home() / "x").write_bytes(b"x")
        verbs = (
            "rm jobs/12/outputs/best.pt",
            "rename jobs/12/outputs/best.pt home/y",
            "rename home/x jobs/12/outputs/best.pt",
            "chmod 777 jobs/12/outputs/best.pt",
            "ln home/x jobs/12/outputs/y",
            "ln -s best.pt jobs/12/outputs/y",
            "mkdir jobs/12/outputs/y",
            "rmdir jobs/12/outputs",
            "cp home/x jobs/12/outputs/y",
        )
        before = state(outputs)

        ended = [await files.sftp(verb) for verb in verbs]

        assert [end.code for end in ended] == [1] * len(verbs)
        assert state(outputs) == before
        assert (files.home() / "x").read_bytes() == b"x"


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


async def test_what_is_no_sftp_ends_only_itself(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        ended = await run([*files.server.ssh(options=["-s"]), "sftp"], stdin=b"GET / HTTP/1.1\r\n\r\n")

        assert ended.code == 2
        assert ended.err.startswith(b"usage: this is not SFTP")
        assert (await files.sftp("pwd")).code == 0


async def test_a_server_that_goes_down_lets_an_upload_end(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        (files.here / "big").write_bytes(bytes(3 << 20))
        uploading = asyncio.create_task(run(files.sftp_words(*SLOW), stdin=f"put {files.here}/big home/big\n".encode()))
        await until(lambda: parts(files.home()))

        await files.server.receiver.drain(DEADLINE_S)

        assert (await uploading).code == 0
        assert (files.home() / "big").stat().st_size == 3 << 20


async def test_a_removed_key_ends_an_open_upload_and_what_came_of_it_is_not_there(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        (files.here / "big").write_bytes(bytes(8 << 20))
        async with started(files.sftp_words(*SLOW)) as uploading:
            assert uploading.stdin is not None
            uploading.stdin.write(f"put {files.here}/big home/big\n".encode())
            await uploading.stdin.drain()
            (part,) = await until(lambda: parts(files.home()))
            files.server.gate.users.clear()
            async with asyncio.timeout(5):
                assert await uploading.wait() != 0
        await until(lambda: not is_held(part))

        assert not (files.home() / "big").exists()


async def test_open_files_are_counted_over_all_sessions_of_a_user(tmp_path: Path) -> None:
    async with files_served(tmp_path, most_handles=20) as files:
        (files.home() / "x").write_bytes(b"x")
        async with client(files.server) as connection:
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
        async with client(files.server) as connection:
            process = await connection.create_process(subsystem="sftp", encoding=None, window=(1 << 31) - 1)
            process.stdin.write(request(Request.INIT, uint32(3)))
            process.stdin.write(request(Request.OPEN, uint32(0), string(b"home/big"), uint32(READ), uint32(0)))
            greeting, opened = [await answer(process) for _ in range(2)]
            before = resident_bytes()

            pause_reading(connection)
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
