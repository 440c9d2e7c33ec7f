"""What one caller may use of the SSH edge: everything has a limit, and only who reaches it notices."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

import asyncssh
import pytest
from asyncssh.packet import Boolean, String, UInt32

from tests.ssh_edge import DEADLINE_S, client, here, serving, sleep_for_ever, started, with_limits
from tovi_server.api import ManagerAPI
from tovi_server.receivers import ssh_server
from tovi_server.receivers.counter_link import CounterServer, RemoteCounter
from tovi_server.streams import Streams


@pytest.mark.parametrize("cut", ["channel", "connection"])
async def test_a_cut_input_is_no_end_of_input(tmp_path: Path, cut: str) -> None:
    """Seen from a task of its own, which is not cancelled with the command."""
    readers: list[asyncio.Task[bytes]] = []

    async def whole_input(streams: Streams) -> bytes:
        data = b""
        async for piece in streams.read():
            data += piece
            await streams.write(b"more")
        return data

    async def submit(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        readers.append(asyncio.create_task(whole_input(streams)))
        await asyncio.wait(readers)
        return 0

    async with serving(tmp_path, run_command=submit) as server, client(server) as connection:
        process = await connection.create_process("submit", encoding=None)
        process.stdin.write(b"run: tr")
        await process.stdout.readexactly(4)
        if cut == "channel":
            process.close()
        else:
            connection.abort()

        with pytest.raises(ConnectionError):
            await readers[0]


async def test_a_user_has_so_many_connections_over_all_receivers(tmp_path: Path) -> None:
    parent = CounterServer()
    counters = [await counter_of(parent) for _ in range(2)]
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    limits = with_limits(connections_per_user=2)
    async with (
        serving(folders[0], limits=limits, counter=counters[0], run_command=sleep_for_ever) as one,
        serving(folders[1], limits=limits, counter=counters[1], run_command=sleep_for_ever) as two,
        started(one.ssh("x")) as first,
    ):
        await here(first)
        async with started(two.ssh("x")) as second:
            await here(second)
            refused = await one.run("x")
            assert refused.code == 255
            assert b"alice has 2 connections open already" in refused.err
        async with asyncio.timeout(DEADLINE_S):
            while (await two.run(options=["-T"])).code == 255:
                pass
    parent.close()
    for counter in counters:
        counter.close()


async def test_the_eleventh_session_of_a_connection_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path, run_command=sleep_for_ever) as server, client(server) as connection:
        processes = [await connection.create_process("x") for _ in range(10)]
        with pytest.raises(asyncssh.ChannelOpenError, match="10 sessions are open"):
            await connection.create_process("x")
        processes[0].close()
        await processes[0].wait_closed()

        assert (await connection.create_process("x")) is not None


async def test_a_removed_key_loses_its_open_connections(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, run_command=sleep_for_ever, users=["alice", "bob"]) as server,
        started(server.ssh("x")) as alice,
        started(server.ssh("x", key="bob")) as bob,
    ):
        await here(alice)
        await here(bob)
        server.gate.users = {key: user for key, user in server.gate.users.items() if user == "bob"}
        async with asyncio.timeout(5):
            assert await alice.wait() == 255

        assert bob.returncode is None


async def test_a_removed_key_opens_no_new_channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> None:
        """The check in the background has not come round yet."""

    monkeypatch.setattr(ssh_server, "close_invalid", nothing)
    async with serving(tmp_path) as server, client(server) as connection:
        server.gate.users.clear()
        with pytest.raises((asyncssh.ChannelOpenError, asyncssh.DisconnectError)):
            await run_for_ever(connection)


@pytest.mark.parametrize("size", [4000, 5000])
async def test_the_environment_has_a_size(tmp_path: Path, size: int) -> None:
    async def count(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        await streams.write(str(len(streams.environment.get("LANG", ""))).encode())
        return 0

    async with serving(tmp_path, run_command=count) as server, client(server) as connection:
        ended = await connection.run("x", env={"LANG": "x" * size})

        assert ended.stdout == ("4000" if size == 4000 else "0")


async def test_a_command_line_has_a_length(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, client(server) as connection:
        ended = await connection.run("x" * 65_537)

        assert ended.exit_status == 2
        assert "the limit is 65536" in str(ended.stderr)


@pytest.mark.parametrize(
    ("request_kind", "fields"),
    [
        (b"auth-agent-req@openssh.com", ()),
        (b"x11-req", (Boolean(False), String("MIT-MAGIC-COOKIE-1"), String("00" * 16), UInt32(0))),
        (b"exec", (String("another"),)),
        (b"shell", ()),
        (b"subsystem", (String("sftp"),)),
        (b"unheard-of", ()),
    ],
)
async def test_a_session_does_one_thing_and_no_more(
    tmp_path: Path, request_kind: bytes, fields: Sequence[bytes]
) -> None:
    """Nor does it carry an agent or a display."""
    started_commands = []

    async def command(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        started_commands.append(words)
        return await sleep_for_ever(api, words, streams)

    async with serving(tmp_path, run_command=command) as server, client(server) as connection:
        process = await connection.create_process("x")
        await process.stdout.readline()

        assert not await process.channel._make_request(request_kind, *fields)
        assert started_commands == [["x"]]


async def test_a_close_counts_at_once_though_input_waits_unread(tmp_path: Path) -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def deaf(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return 0

    async with serving(tmp_path, run_command=deaf) as server, client(server) as connection:
        process = await connection.create_process("x", encoding=None)
        process.stdin.write(bytes(1_500_000))
        await began.wait()
        process.close()
        await cancelled.wait()


async def run_for_ever(connection: asyncssh.SSHClientConnection) -> None:
    while True:
        await connection.run("x")


async def counter_of(parent: CounterServer) -> RemoteCounter:
    here, there = socket.socketpair()
    await parent.attach(there)
    return await RemoteCounter.connect(here)
