"""Clients that ask for far too much: they get an end, and the others their answers."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from asyncssh.constants import MSG_CHANNEL_OPEN, MSG_CHANNEL_REQUEST, MSG_GLOBAL_REQUEST
from asyncssh.packet import Boolean, String, UInt32

from tests.ssh_edge import (
    DEADLINE_S,
    Server,
    client,
    pause_reading,
    resident_bytes,
    serving,
    sleep_for_ever,
    started,
    with_limits,
)
from tovi_server.api import ManagerAPI
from tovi_server.receivers.counter import Claim, LocalCounter
from tovi_server.receivers.doors import Doors, Pipes
from tovi_server.streams import Streams

MUCH = 32 << 20
"""Bytes of memory that no client may cost."""


async def flood(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
    """A command that says more than anybody wants to hear."""
    while True:
        await streams.write(bytes(100_000))


async def flood_door(api: ManagerAPI, pipes: Pipes, words: Sequence[str]) -> int:
    while True:
        pipes.stdout.write(bytes(100_000))
        await pipes.stdout.drain()


async def ten_megabytes(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
    for _ in range(100):
        await streams.write(bytes(100_000))
    return 0


async def others_are_served(server: Server) -> None:
    for _ in range(10):
        assert (await server.run("-T", key="bob")).out == b"hello bob\n"


def channel_open(number: int) -> tuple[bytes, ...]:
    return String("session"), UInt32(number), UInt32(1 << 20), UInt32(32768)


async def test_a_flood_of_channels_gets_ten_sessions_and_costs_the_others_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, users=["alice", "bob"]) as server, client(server) as connection:
        before = resident_bytes()
        pause_reading(connection)
        for number in range(20_000):
            connection.send_packet(MSG_CHANNEL_OPEN, *channel_open(number))

        await others_are_served(server)
        assert resident_bytes() - before < MUCH
        assert [len(login._sessions) for login in server.receiver._logins] == [10]
        connection.abort()


async def test_a_flood_of_requests_costs_the_others_nothing(tmp_path: Path) -> None:
    users = ["alice", "bob"]
    async with serving(tmp_path, users=users, run_command=sleep_for_ever) as server, client(server) as connection:
        process = await connection.create_process("x")
        await process.stdout.readline()
        before = resident_bytes()
        pause_reading(connection)
        for number in range(20_000):
            connection.send_packet(MSG_GLOBAL_REQUEST, String("keepalive@openssh.com"), Boolean(True))
            variable = String(f"LC_{number}"), String("x" * 100)
            connection.send_packet(MSG_CHANNEL_REQUEST, UInt32(0), String("env"), Boolean(True), *variable)

        await others_are_served(server)
        assert resident_bytes() - before < MUCH
        connection.abort()


@pytest.mark.parametrize(("most", "code"), [(30, 0), (2, 255)], ids=["now-and-then", "too-often"])
async def test_who_asks_for_new_keys_all_the_time_is_sent_away(tmp_path: Path, most: int, code: int) -> None:
    async with serving(tmp_path, run_command=ten_megabytes, limits=with_limits(rekeys_per_minute=most)) as server:
        ended = await server.run("x", options=["-o", "RekeyLimit=1M"])

        assert ended.code == code
        assert (len(ended.out) == 10_000_000) == (code == 0)
        assert (b"keys are exchanged too often" in ended.err) == (code == 255)


async def test_new_keys_that_the_server_asks_for_are_not_held_against_the_client(tmp_path: Path) -> None:
    async with serving(tmp_path, run_command=ten_megabytes, limits=with_limits(rekeys_per_minute=0)) as server:
        server.receiver._options.rekey_bytes = 1 << 20
        ended = await server.run("x", options=["-v"])

        assert (ended.code, len(ended.out)) == (0, 10_000_000)
        assert ended.err.count(b"rekey in progress") + ended.err.count(b"SSH2_MSG_KEXINIT received") > 3


@pytest.mark.parametrize(("command", "subsystem"), [("x", None), (None, "tovi-api")], ids=["a-command", "a-door"])
async def test_who_says_much_without_a_rest_holds_up_nobody_and_no_memory(
    tmp_path: Path, command: str | None, subsystem: str | None
) -> None:
    """The client has left room for 2 GiB of output, and reads none of it."""
    users, doors = ["alice", "bob"], Doors(api=flood_door)
    async with (
        serving(tmp_path, users=users, run_command=flood, doors=doors) as server,
        client(server) as connection,
    ):
        before = resident_bytes()
        process = await connection.create_process(command, subsystem=subsystem, encoding=None, window=(1 << 31) - 1)
        pause_reading(connection)

        await others_are_served(server)
        assert resident_bytes() - before < MUCH
        process.close()
        connection.abort()


async def test_a_half_exchange_of_keys_holds_up_what_is_sent(tmp_path: Path) -> None:
    """The client asks for new keys, never goes on, and has left room for 2 GiB of output."""
    async with serving(tmp_path, users=["alice", "bob"], run_command=flood) as server, client(server) as connection:
        process = await connection.create_process("x", encoding=None, window=(1 << 31) - 1)
        await process.stdout.readexactly(1)
        connection.data_received = lambda data, datatype=None: None  # type: ignore[method-assign]  # go on no further
        connection._send_kexinit()
        before = resident_bytes()

        await others_are_served(server)
        assert resident_bytes() - before < MUCH
        connection.abort()


async def test_a_client_that_falls_silent_is_gone_after_a_few_keepalives(tmp_path: Path) -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def follow(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return 0

    limits = with_limits(keepalive_interval=timedelta(seconds=0.05))
    async with (
        serving(tmp_path, run_command=follow, limits=limits) as server,
        started(server.ssh("logs", "-f")) as stopped,
        asyncio.timeout(DEADLINE_S),
    ):
        await began.wait()
        os.kill(stopped.pid, signal.SIGSTOP)
        await cancelled.wait()


async def test_a_client_that_answers_keepalives_stays(tmp_path: Path) -> None:
    limits = with_limits(keepalive_interval=timedelta(seconds=0.3))
    async with (
        serving(tmp_path, run_command=sleep_for_ever, limits=limits) as server,
        started(server.ssh("x", options=["-v"])) as waiting,
        asyncio.timeout(DEADLINE_S),
    ):
        assert waiting.stderr is not None
        asked = 0
        while asked < 6 and (line := await waiting.stderr.readline()):
            asked += b"keepalive@openssh.com" in line

        assert asked == 6


async def test_clients_that_drop_leave_nothing_behind(tmp_path: Path) -> None:
    async with serving(tmp_path, run_command=sleep_for_ever) as server:
        await server.run(options=["-T"])
        before = len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())
        for _ in range(30):
            async with client(server) as connection:
                processes = [await connection.create_process("x") for _ in range(3)]
                await processes[0].stdout.readline()
                connection.abort()
        async with asyncio.timeout(DEADLINE_S):
            while server.receiver._logins:
                await asyncio.sleep(0.01)
            while (len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())) > before:
                await asyncio.sleep(0.01)

        assert isinstance(server.counter, LocalCounter)
        assert server.counter.take(Claim("user", "alice", 1), Claim("stranger", "", 1)) is None
