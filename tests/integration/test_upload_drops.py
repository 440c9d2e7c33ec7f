"""Uploads cut off at any moment: whoever looks sees nothing, or the old file, or the new one, and never a part."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from tests.file_doors import Files, child_of, files_served, is_held, parts, until
from tests.ssh_edge import started

SIZE = 4 << 20
DROPS = 10
"""Of each client."""


@pytest.mark.parametrize("client", ["sftp", "scp", "scp -O"])
async def test_a_drop_at_any_moment_shows_nobody_a_part_and_what_comes_next_is_whole(
    tmp_path: Path, client: str
) -> None:
    chance = random.Random(client)
    async with files_served(tmp_path) as files:
        target, known = files.home() / "f", {sha256(b"old").digest()}
        target.write_bytes(b"old")
        for number in range(DROPS):
            new = os.urandom(1 << 16) * (SIZE >> 16)
            known.add(sha256(new).digest())
            (files.here / "f").write_bytes(new)
            await drop(
                files, client, at=chance.randrange(SIZE), signalled=chance.choice((signal.SIGKILL, signal.SIGTERM))
            )
            assert sha256(target.read_bytes()).digest() in known, f"drop {number}"

        whole = await (
            files.sftp(f"put {files.here}/f home/f") if client == "sftp" else files.scp(*words(files, client))
        )
        assert whole.code == 0
        assert target.read_bytes() == (files.here / "f").read_bytes()
        assert parts(files.home()) == []


async def drop(files: Files, client: str, *, at: int, signalled: signal.Signals) -> None:
    """Upload `f`, and end the client, or the ssh under it, once so many bytes have come."""
    argv = (
        files.sftp_words("-l", "60000") if client == "sftp" else files.scp_words("-l", "60000", *words(files, client))
    )
    async with started(argv) as process:
        assert process.stdin is not None
        process.stdin.write(f"put {files.here}/f home/f\n".encode())
        process.stdin.close()
        ended = asyncio.create_task(process.wait())
        await until(lambda: ended.done() or come(files) >= at)
        if not ended.done():
            with contextlib.suppress(ProcessLookupError, IndexError):  # the client is just ending
                os.kill(process.pid if at % 2 else child_of(process.pid), signalled)
        await ended
    await until(lambda: not any(is_held(part) for part in parts(files.home())))


def words(files: Files, client: str) -> Sequence[str]:
    return [*client.split()[1:], f"{files.here}/f", "HOST:home/f"]


def come(files: Files) -> int:
    """Bytes of what is not there yet."""
    return sum(part.stat().st_size for part in parts(files.home()))
