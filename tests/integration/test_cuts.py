"""Connections that break in the middle: what had not come whole is not there, and what had been said before stays."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.file_doors import until
from tests.integration.faults.client import connect
from tests.live import ADMIN, Live, live_server
from tests.ssh_edge import started

pytestmark = pytest.mark.openssh


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with live_server() as live:
        yield live


def jobs(live: Live) -> list[int]:
    return [job["id"] for job in live.json("jobs")["items"]]


def staged(live: Live) -> list[Path]:
    return list((live.data / "server" / "staging").iterdir())


def archive(megabytes: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in (("tovi.yaml", b"run: true\n"), ("big", os.urandom(megabytes << 20))):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def answered(live: Live) -> Callable[[], bool]:
    """The server has done all that it was asked before: it answers, and holds nothing that is on its way in."""
    return lambda: live.ssh("whoami").code == 0 and not staged(live)


@pytest.mark.parametrize("sent", [b"", b"r", b"run: true\n", b"run: true\nname: whole to all appearances\n"])
async def test_a_job_file_that_breaks_off_is_no_job_even_if_it_could_be_one(live: Live, sent: bytes) -> None:
    before = jobs(live)
    connection = await connect(live)
    process = await connection.create_process("submit", encoding=None)
    process.stdin.write(sent)
    await connection.run("whoami")  # the server has read what was sent before

    connection.abort()

    await until(answered(live))
    assert jobs(live) == before


async def test_an_archive_that_breaks_off_leaves_neither_a_job_nor_a_file(live: Live) -> None:
    before, packed = jobs(live), archive(8)
    async with started(live.ssh_words("submit", "-")) as client:
        assert client.stdin is not None
        client.stdin.write(packed[: 5 << 20])
        await until(lambda: staged(live))

        os.kill(client.pid, signal.SIGKILL)
        await client.wait()

    await until(answered(live))
    assert jobs(live) == before


async def test_an_archive_whose_sender_ends_early_but_properly_is_told_so(live: Live) -> None:
    before = jobs(live)

    ended = live.ssh("submit", "-", stdin=archive(2)[: 1 << 20])

    assert (ended.code, ended.out) == (2, b"")
    assert ended.err.startswith(b"invalid-archive: ")
    assert jobs(live) == before


async def test_whoever_asks_again_with_the_key_gets_the_job_that_was_made(live: Live) -> None:
    first = live.ssh("submit", "--key", "k1", stdin=b"run: true\n")

    again = live.ssh("submit", "--key", "k1", stdin=b"run: true\n")

    assert (again.code, again.out) == (0, first.out)


async def test_an_upload_that_breaks_off_is_not_there_and_can_be_taken_up(live: Live, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(os.urandom(64 << 20))
    live.sftp("mkdir datasets/d")
    place = live.data / "projects" / ADMIN / "datasets" / "d"
    async with started(["scp", "-l", "40000", *live.client_options(), str(big), "tovi:datasets/d/big"]) as client:
        await until(lambda: [part for part in place.iterdir() if part.stat().st_size >= 1 << 20])

        os.kill(client.pid, signal.SIGKILL)
        await client.wait()

    assert b"big" not in live.sftp("ls -1 datasets/d").out
    assert not (place / "big").exists()
    taken_up = live.sftp(f"reput {big} datasets/d/big")
    assert taken_up.code == 0, taken_up
    assert (place / "big").read_bytes() == big.read_bytes()


async def test_the_end_of_a_view_is_not_the_end_of_the_job(live: Live) -> None:
    async with started(live.ssh_words("run", "--", "sh", "-c", "'echo begun; sleep 1; echo done'")) as client:
        assert client.stdout is not None
        while b"begun" not in await client.stdout.readline():
            pass
        os.kill(client.pid, signal.SIGKILL)
        await client.wait()
    job = jobs(live)[0]

    async with asyncio.timeout(30):
        waited = await asyncio.to_thread(live.ssh, "wait", str(job))

    assert waited.code == 0
    assert live.ssh("logs", str(job)).out == b"begun\ndone\n"
