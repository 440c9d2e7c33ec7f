"""Stories of the real `scp` on a real tree, each told twice: over SFTP, and in the old protocol as `scp -O`."""

from __future__ import annotations

import asyncio
import errno
import os
import shlex
from pathlib import Path

import pytest

from tests.file_doors import KEYS, SLOW, contents, cut_off, files_served, fill, parts, plant_links, state
from tests.ssh_edge import client, pause_reading, resident_bytes
from tovi_server.core.access import Role
from tovi_server.receivers.counter import Claim


@pytest.fixture(params=["-s", "-O"], ids=["over-sftp", "old-protocol"])
def mode(request: pytest.FixtureRequest) -> str:
    """The option of `scp` that says how to speak to the server."""
    return str(request.param)


async def test_a_folder_goes_up_and_comes_back_the_same(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        sent = fill(files.here / "scans")

        up = await files.scp(mode, "-r", str(sent), "HOST:datasets/scans")
        down = await files.scp(mode, "-r", "HOST:datasets/scans", str(files.here / "back"))

        assert (up.code, up.err, down.code, down.err) == (0, b"", 0, b"")
        assert contents(files.datasets / "scans") == contents(sent)
        assert contents(files.here / "back") == contents(sent)


async def test_a_big_file_goes_up_and_comes_back_the_same(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        big = files.here / "big"
        big.write_bytes(os.urandom(1 << 20) * 64)

        up = await files.scp(mode, str(big), "HOST:home/big")
        down = await files.scp(mode, "HOST:home/big", str(files.here / "back"))

        assert (up.code, down.code) == (0, 0)
        assert (files.here / "back").read_bytes() == big.read_bytes() == (files.home() / "big").read_bytes()


async def test_a_thousand_small_files_go_up_and_come_back(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        many = files.here / "many"
        many.mkdir()
        for number in range(1000):
            (many / f"{number}").write_bytes(os.urandom(number % 50))

        up = await files.scp(mode, "-r", str(many), "HOST:datasets/")
        down = await files.scp(mode, "-r", "HOST:datasets/many", str(files.here / "back"))

        assert (up.code, down.code) == (0, 0)
        assert contents(files.here / "back") == contents(many)


async def test_modes_and_times_come_along_when_asked_for(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        folder = files.here / "folder"
        folder.mkdir()
        script = folder / "run.sh"
        script.write_bytes(b"#!/bin/sh\n")
        script.chmod(0o755)
        for path in (script, folder):
            os.utime(path, (1_000_000_000, 1_100_000_000))

        await files.scp(mode, "-rp", str(folder), "HOST:home/")
        await files.scp(mode, "-rp", "HOST:home/folder", str(files.here / "back"))

        for copy in (files.home() / "folder", files.here / "back"):
            assert copy.stat().st_mtime == 1_100_000_000
            assert (copy / "run.sh").stat().st_mtime == 1_100_000_000
            assert (copy / "run.sh").stat().st_mode & 0o777 == 0o755


async def test_without_asking_a_copy_is_of_now_and_no_setuid_comes_along(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        program = files.here / "program"
        program.write_bytes(b"x")
        program.chmod(0o6755)
        os.utime(program, (1_000_000_000, 1_100_000_000))

        await files.scp(mode, str(program), "HOST:home/plain")
        await files.scp(mode, "-p", str(program), "HOST:home/kept")

        assert (files.home() / "plain").stat().st_mtime > 1_100_000_000
        assert [(files.home() / name).stat().st_mode & 0o7777 for name in ("plain", "kept")] == [0o755, 0o755]


@pytest.mark.parametrize("connection", [True, False], ids=["connection-lost", "client-killed"])
async def test_an_upload_that_is_cut_off_is_not_there(tmp_path: Path, mode: str, connection: bool) -> None:
    async with files_served(tmp_path) as files:
        (files.here / "big").write_bytes(bytes(8 << 20))

        words = files.scp_words(mode, *SLOW, str(files.here / "big"), "HOST:home/big")
        await cut_off(words, files.home(), connection=connection)

        assert [path.name for path in files.home().iterdir()] == [part.name for part in parts(files.home())]


@pytest.mark.parametrize("connection", [True, False], ids=["connection-lost", "client-killed"])
async def test_a_file_stays_as_it_was_when_its_new_content_is_cut_off(
    tmp_path: Path, mode: str, connection: bool
) -> None:
    async with files_served(tmp_path) as files:
        (files.here / "big").write_bytes(bytes(8 << 20))
        (files.home() / "big").write_bytes(b"old and whole")

        words = files.scp_words(mode, *SLOW, str(files.here / "big"), "HOST:home/big")
        await cut_off(words, files.home(), connection=connection)

        assert (files.home() / "big").read_bytes() == b"old and whole"


async def test_readers_see_the_old_content_until_the_new_is_whole(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        target, old, new = files.home() / "f", b"o" * (3 << 20), b"n" * (4 << 20)
        target.write_bytes(old)
        (files.here / "f").write_bytes(new)
        seen = set()

        copying = asyncio.create_task(files.scp(mode, "-l", "100000", str(files.here / "f"), "HOST:home/f"))
        while not copying.done():
            seen.add(target.read_bytes())
            await asyncio.sleep(0.01)

        assert (await copying).code == 0
        assert seen <= {old, new}
        assert target.read_bytes() == new


async def test_a_shorter_content_replaces_all_of_a_longer_one(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        (files.home() / "f").write_bytes(b"a long old content")
        (files.here / "f").write_bytes(b"short")

        ended = await files.scp(mode, str(files.here / "f"), "HOST:home/f")

        assert (ended.code, (files.home() / "f").read_bytes()) == (0, b"short")


async def test_a_missing_file_is_told_and_the_others_come(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        (files.home() / "there").write_bytes(b"x")

        ended = await files.scp(mode, "HOST:home/none", "HOST:home/there", str(files.here))

        assert ended.code == 1
        assert b"home/none" in ended.err
        assert contents(files.here) == {"there": b"x"}


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        (files.here / "x").write_bytes(b"x")

        ended = [await files.scp(mode, str(files.here / "x"), f"HOST:home/none/{end}") for end in ("", "x")]

        assert [end.code for end in ended] == [1, 1]
        assert [b"home/none/" in end.err for end in ended] == [True, True]
        assert contents(files.home()) == {}


async def test_a_folder_is_not_copied_without_r(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        (files.home() / "folder").mkdir()

        ended = await files.scp(mode, "HOST:home/folder", str(files.here))

        assert ended.code == 1
        assert b"home/folder" in ended.err
        assert contents(files.here) == {}


async def test_patterns_are_matched_on_the_server(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        for name in ("a.csv", "b.csv", "a.txt", ".hidden.csv"):
            (files.home() / name).write_bytes(name.encode())

        ended = await files.scp(mode, "HOST:home/*.csv", str(files.here))
        nothing = await files.scp(mode, "HOST:home/*.png", str(files.here))

        assert (ended.code, contents(files.here)) == (0, {"a.csv": b"a.csv", "b.csv": b"b.csv"})
        assert (nothing.code, b"home/*.png" in nothing.err) == (1, True)


async def test_names_that_a_shell_would_obey_are_only_names(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        names = ["$(touch pwned)", "`touch pwned`", "a; touch pwned", "| tee pwned", "&& x", "~", "-O"]
        folder = files.here / "names"
        folder.mkdir()
        for name in names:
            (folder / name).write_bytes(name.encode())

        up = await files.scp(mode, "-r", str(folder), "HOST:home/")
        there = f"home/{names[2]}"
        quoted = shlex.quote(there) if mode == "-O" else there  # the old protocol sends a command line
        one = await files.scp(mode, str(folder / names[0]), f"HOST:{quoted}")
        down = await files.scp(mode, "-r", "HOST:home/names", str(files.here / "back"))

        assert (up.code, one.code, down.code) == (0, 0, 0)
        assert contents(files.home() / "names") == contents(folder) == contents(files.here / "back")
        assert (files.home() / names[2]).read_bytes() == names[0].encode()


async def test_the_results_of_a_job_come_as_a_folder_of_its_number(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        (files.job(12) / "best.pt").write_bytes(b"weights")

        ended = await files.scp(mode, "-r", "HOST:jobs/12", str(files.here))

        assert (ended.code, ended.err) == (0, b"")
        assert contents(files.here) == {"12/outputs/best.pt": b"weights", "12/stdout.log": b"done\n"}


async def test_what_jobs_leave_behind_is_not_changed(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        outputs = files.job(12)
        (outputs / "best.pt").write_bytes(b"weights")
        (files.here / "x").write_bytes(b"x")

        ended = [
            await files.scp(mode, str(files.here / "x"), f"HOST:jobs/12/outputs/{name}") for name in ("best.pt", "new")
        ]

        assert [end.code for end in ended] == [1, 1]
        assert [b"what jobs leave behind is read-only" in end.err for end in ended] == [True, True]
        assert contents(outputs) == {"best.pt": b"weights"}


async def test_a_viewer_may_look_and_not_put(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path, role=Role.VIEWER) as files:
        (files.datasets / "scans").mkdir()
        (files.datasets / "scans" / "a").write_bytes(b"a")
        (files.here / "x").write_bytes(b"x")

        down = await files.scp(mode, "HOST:datasets/scans/a", str(files.here))
        up = await files.scp(mode, str(files.here / "x"), "HOST:datasets/scans/x")

        assert (down.code, up.code) == (0, 1)
        assert b"may look at data, not change it" in up.err
        assert contents(files.datasets) == {"scans/a": b"a"}


async def test_one_s_own_keys_can_be_read(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        ended = await files.scp(mode, "HOST:authorized_keys", str(files.here))

        assert (ended.code, (files.here / "authorized_keys").read_bytes()) == (0, KEYS)


async def test_others_homes_are_not_there(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path, users=["alice", "bob"]) as files:
        (files.home("bob") / "secret").write_bytes(b"secret")

        words = ("home/../../bob/secret", "../home/bob/secret", "bob/secret", "/etc/passwd")
        ended = [await files.scp(mode, f"HOST:{word}", str(files.here)) for word in words]

        assert [end.code for end in ended] == [1] * 4
        assert contents(files.here) == {}


async def test_links_that_lead_out_are_left_out_and_the_rest_comes(tmp_path: Path, mode: str) -> None:
    async with files_served(tmp_path) as files:
        outside = tmp_path / "outside"
        (outside / "folder").mkdir(parents=True)
        (outside / "secret").write_bytes(b"secret")
        outputs = files.job(12)
        plant_links(outputs, outside)
        os.mkfifo(outputs / "fifo")
        (outputs / "honest").write_bytes(b"honest")
        (files.here / "x").write_bytes(b"changed")
        before = state(outside)

        down = await files.scp(mode, "-r", "HOST:jobs/12/outputs", str(files.here / "back"))
        up = [
            await files.scp(mode, str(files.here / "x"), f"HOST:jobs/12/outputs/{link}")
            for link in ("absolute", "relative", "folder", "folder/new")
        ]

        assert (down.code, contents(files.here / "back")) == (1, {"honest": b"honest"})
        assert [end.code for end in up] == [1] * 4
        assert state(outside) == before


async def test_a_full_disk_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with files_served(tmp_path) as files:
        (files.here / "x").write_bytes(b"x")
        monkeypatch.setattr("tovi_server.files.upload.os.pwrite", full)

        ended = await files.scp(mode, str(files.here / "x"), "HOST:home/x")

        assert ended.code == 1
        assert b"the server's disk is full" in ended.err
        assert os.listdir(files.home()) == []


async def test_over_sftp_a_name_with_a_line_break_is_refused_and_the_person_is_told_why(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        (files.here / "a\nb").write_bytes(b"x")

        ended = await files.scp("-s", str(files.here / "a\nb"), "HOST:home/")

        assert ended.code == 1
        assert b"tovi: names with control characters or line breaks are refused" in ended.err
        assert contents(files.home()) == {}


async def test_the_old_scp_itself_makes_a_line_break_visible(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        (files.here / "a\nb").write_bytes(b"x")

        ended = await files.scp("-O", str(files.here / "a\nb"), "HOST:home/")

        assert ended.code == 0
        assert contents(files.home()) == {"a\\^Jb": b"x"}


async def test_what_a_job_named_with_control_characters_is_left_out_and_the_rest_comes(tmp_path: Path) -> None:
    """In the old protocol such a name could pass for a line of it."""
    async with files_served(tmp_path) as files:
        outputs = files.job(12)
        for name in ("a\nC0644 4 evil", "b\x1b[2J", "honest"):
            (outputs / name).write_bytes(b"data")

        ended = await files.scp("-O", "-r", "HOST:jobs/12/outputs", str(files.here / "back"))

        assert (ended.code, contents(files.here / "back")) == (1, {"honest": b"data"})
        assert b"its name has control characters" in ended.err
        assert b"\x1b" not in ended.err


@pytest.mark.parametrize(
    "said",
    [
        b"C0644 1 ../evil\nx\0",
        b"C0644 1 /evil\nx\0",
        b"C0644 1 ..\nx\0",
        b"D0755 0 ..\nC0644 1 evil\nx\0E\n",
        b"E\nC0644 1 evil\nx\0",
        b"D0755 0 folder\nE\nE\n",
        b"C0644 5 evil\nx",
        b"C0644 5 evil\n",
        b"C0644 5 evil",
        b"C0644 9223372036854775807 evil\nx",
        b"D0755 0 folder\nC0644 1 evil\nx",
        b"x" * 100_000,
        b"T1 0 1\n",
    ],
)
async def test_what_is_no_scp_leaves_no_file(tmp_path: Path, said: bytes) -> None:
    async with files_served(tmp_path) as files:
        (files.home() / "place").mkdir()

        ended = await files.server.run("scp -r -t home/place", stdin=said)

        assert ended.code == 1
        assert [path for path in files.data.path().rglob("evil*") if path.is_file()] == []


async def test_an_old_scp_needs_r_to_send_a_folder(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        ended = await files.server.run("scp -t home", stdin=b"D0755 0 folder\nE\n")

        assert ended.code == 1
        assert list(files.home().iterdir()) == []


async def test_what_the_sender_could_not_read_is_not_there(tmp_path: Path) -> None:
    """After the bytes comes its word: here that they are not those of the file."""
    async with files_served(tmp_path) as files:
        ended = await files.server.run("scp -t home", stdin=b"C0644 1 x\n?\1scp: x: Input/output error\n")

        assert ended.code == 1
        assert not (files.home() / "x").exists()


async def test_who_asks_an_old_scp_without_reading_holds_little_memory(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        (files.home() / "big").touch()
        os.truncate(files.home() / "big", 1 << 30)
        async with client(files.server) as connection:
            process = await connection.create_process("scp -f home/big", encoding=None, window=(1 << 31) - 1)
            process.stdin.write(b"\0")
            await process.stdout.readline()
            before = resident_bytes()

            pause_reading(connection)
            process.stdin.write(b"\0")
            for _ in range(10):
                assert (await files.scp("-O", "HOST:authorized_keys", str(files.here))).code == 0

            assert resident_bytes() - before < 32 << 20
            connection.abort()


async def test_folders_within_folders_within_folders_count_as_open_files(tmp_path: Path) -> None:
    async with files_served(tmp_path, most_handles=5) as files:
        (files.home() / "1/2/3/4/5/6").mkdir(parents=True)
        (files.home() / "1/x").write_bytes(b"x")

        ended = await files.scp("-O", "-r", "HOST:home/1", str(files.here))

        assert ended.code == 1
        assert b"too many files open" in ended.err
        assert (files.here / "1/x").read_bytes() == b"x"
        assert files.counter.take(Claim("handles", "alice", 1)) is None
