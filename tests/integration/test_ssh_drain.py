"""A server that goes down."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import asyncssh
import pytest

from tests.ssh_edge import DEADLINE_S, client, greeting, here, serving, sleep_for_ever, started
from tovi_server.api import ManagerAPI
from tovi_server.streams import Streams


async def test_draining_lets_running_commands_end_and_nobody_in(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def slow(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        await streams.write(b"here\n")
        await go_on.wait()
        await streams.write(b"done\n")
        return 0

    async with serving(tmp_path, run_command=slow) as server, started(server.ssh("x")) as running:
        await here(running)
        draining = asyncio.create_task(server.receiver.drain(DEADLINE_S))
        await asyncio.sleep(0)
        with pytest.raises(ConnectionRefusedError):
            await greeting(server)
        go_on.set()
        assert running.stdout is not None
        assert await running.stdout.readline() == b"done\n"
        assert await running.wait() == 0
        await draining
        await server.serving


async def test_draining_opens_no_new_session_beside_one_that_ends(tmp_path: Path) -> None:
    async with serving(tmp_path, run_command=sleep_for_ever) as server, client(server) as connection:
        process = await connection.create_process("x")
        await process.stdout.readline()
        draining = asyncio.create_task(server.receiver.drain(DEADLINE_S))
        await asyncio.sleep(0)
        with pytest.raises(asyncssh.ChannelOpenError, match="going down"):
            await connection.create_process("x")
        process.close()
        await draining


async def test_draining_closes_idle_connections_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, client(server) as connection:
        await server.receiver.drain(DEADLINE_S)
        await connection.wait_closed()
