"""Attackers and accidents at the SSH edge: everything has a limit, and only who reaches it notices."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import asyncssh
import pytest
from asyncssh.packet import Boolean, String, UInt32

from tests.ssh_edge import (
    DEADLINE_S,
    client,
    greeting,
    here,
    make_key,
    rest,
    serving,
    sleep_for_ever,
    started,
    stranger,
    with_limits,
)
from tovi_server.api import ManagerAPI
from tovi_server.receivers import ssh_server
from tovi_server.receivers.acceptor import Acceptor
from tovi_server.receivers.counter_link import CounterServer, RemoteCounter
from tovi_server.streams import Streams


async def test_the_eleventh_stranger_of_one_source_waits_outside_and_others_get_in(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, contextlib.AsyncExitStack() as crowd:
        for _ in range(10):
            reader, _ = await crowd.enter_async_context(stranger(server, source="127.0.0.2"))
            assert await reader.readline() == b"SSH-2.0-OpenSSH_compatible\r\n"

        assert await greeting(server, source="127.0.0.2") == b""
        ended = await server.run("hello")
        assert ended.out == b"hello\n"


async def test_a_newcomer_displaces_who_idles_at_the_door(tmp_path: Path) -> None:
    limits = with_limits(strangers_few=3, strangers_most=3)
    async with serving(tmp_path, limits=limits) as server, contextlib.AsyncExitStack() as crowd:
        idle = [await crowd.enter_async_context(stranger(server, source=f"127.0.0.{n + 2}")) for n in range(3)]
        for reader, _ in idle:
            assert await reader.readline() == b"SSH-2.0-OpenSSH_compatible\r\n"

        assert (await server.run("hello")).out == b"hello\n"
        assert await rest(idle[0][0]) == b""


async def test_who_fails_ten_times_is_shut_out_for_a_while(tmp_path: Path) -> None:
    limits = with_limits(failure_memory=timedelta(seconds=1))
    async with serving(tmp_path, limits=limits) as server:
        greetings = [await greeting(server) for _ in range(11)]
        assert greetings == [b"SSH-2.0-OpenSSH_compatible\r\n"] * 10 + [b""]

        async with asyncio.timeout(DEADLINE_S):
            while not await greeting(server):
                await asyncio.sleep(0.05)
        assert (await server.run("hello")).out == b"hello\n"


async def test_guessing_keys_ends_in_a_ban(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        make_key(tmp_path, "mallory")
        guesses = [await server.run("x", key="mallory") for _ in range(11)]

        assert b"Permission denied" in guesses[9].err
        assert b"Permission denied" not in guesses[10].err


async def test_a_silent_peer_is_closed_after_the_banner_deadline(tmp_path: Path) -> None:
    limits = with_limits(banner_timeout=timedelta(seconds=0.2))
    async with serving(tmp_path, limits=limits) as server, stranger(server) as (reader, writer):
        await reader.readline()
        with contextlib.suppress(ConnectionError):
            for byte in b"SSH-2.0-dribble" * 100:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.01)

        assert await rest(reader) == b""


async def test_half_a_key_exchange_is_closed_after_the_login_deadline(tmp_path: Path) -> None:
    limits = with_limits(login_timeout=timedelta(seconds=0.2))
    async with serving(tmp_path, limits=limits) as server, stranger(server) as (reader, writer):
        writer.write(b"SSH-2.0-half\r\n")

        assert await rest(reader) != b""


async def test_a_talkative_stranger_is_cut_off(tmp_path: Path) -> None:
    ignored = b"\x02" + (1000).to_bytes(4, "big") + bytes(1000)
    packet = (len(ignored) + 7).to_bytes(4, "big") + b"\x06" + ignored + bytes(6)
    async with serving(tmp_path) as server, stranger(server) as (reader, writer):
        writer.write(b"SSH-2.0-flood\r\n" + packet * 100)
        await writer.drain()
        assert await reader.read(1) != b""

        writer.write(packet * 40)
        async with asyncio.timeout(5):
            await rest(reader)


async def test_logging_in_often_is_no_failure(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        for _ in range(15):
            async with client(server) as connection:
                assert (await connection.run("hello")).stdout == "hello\n"


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


async def test_the_eleventh_key_ends_in_the_advice_to_use_one(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        for n in range(12):
            make_key(tmp_path, f"key{n}")
        many = [word for n in range(12) for word in ("-i", f"{tmp_path}/key{n}")]
        ended = await server.run("x", key="key0", options=many)

        assert ended.code == 255
        assert b"IdentitiesOnly yes" in ended.err


async def test_the_tenth_key_may_be_the_right_one(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        for n in range(9):
            make_key(tmp_path, f"key{n}")
        many = [word for n in range(9) for word in ("-i", f"{tmp_path}/key{n}")]
        ended = await server.run("x", key="key0", options=[*many, "-i", f"{tmp_path}/alice"])

        assert ended.out == b"x\n"


async def test_a_user_has_so_many_connections_over_all_receivers(tmp_path: Path) -> None:
    parent = CounterServer()
    counters = [await _counter(parent) for _ in range(2)]
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
            await _run_for_ever(connection)


async def test_an_offered_key_that_is_not_proven_gives_nothing(tmp_path: Path) -> None:
    """Probe with the public half of alice's key, sign with mallory's."""
    async with serving(tmp_path, users=["alice"]) as server:
        make_key(tmp_path, "mallory")
        stolen = tmp_path / "stolen"
        stolen.write_bytes((tmp_path / "mallory").read_bytes())
        stolen.chmod(0o600)
        (tmp_path / "stolen.pub").write_bytes((tmp_path / "alice.pub").read_bytes())
        ended = await server.run("x", key="stolen")

        assert ended.code == 255
        assert server.gate.opened == []


async def test_identity_follows_the_key_that_signed_and_not_the_last_one_probed(tmp_path: Path) -> None:
    async with serving(tmp_path, users=["alice", "bob"]) as server:
        both = ["-i", f"{tmp_path}/bob"]
        server.gate.users = {key: user for key, user in server.gate.users.items() if user == "bob"}
        ended = await server.run(key="alice", options=[*both, "-T"])

        assert ended.out == b"hello bob\n"


async def test_rsa_with_sha1_is_refused_even_when_the_client_insists(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        server.gate.users[make_key(tmp_path, "old", "rsa")] = "old"
        (pair,) = asyncssh.load_keypairs([str(tmp_path / "old")])
        pair.sig_algorithms = (b"ssh-rsa",)
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect(
                "127.0.0.1",
                server.port,
                client_keys=[pair],
                known_hosts=None,
                config=None,
                agent_path=None,
                signature_algs=["ssh-rsa"],
            )


async def test_other_clients_may_lack_gcm(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, client(server, encryption_algs=["aes256-ctr"]) as connection:
        assert (await connection.run("hello")).stdout == "hello\n"


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


async def test_forwards_and_tunnels_are_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, client(server) as connection:
        with pytest.raises(asyncssh.ChannelOpenError, match="not offered"):
            await connection.open_connection("169.254.169.254", 80)
        with pytest.raises(asyncssh.ChannelOpenError, match="not offered"):
            await connection.open_unix_connection("/var/run/docker.sock")
        with pytest.raises(asyncssh.ChannelOpenError, match="not offered"):
            await connection.open_tun()
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("", 0, "localhost", 22)


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


async def test_a_connection_that_crashes_ends_alone(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, client(server) as bystander:
        async with stranger(server, source="127.0.0.2") as (reader, writer):
            writer.write(b"SSH-2.0-bad\r\n\x00\x00\x00\x0c\x0a\x15" + bytes(10) + b"rubbish" * 100)
            await rest(reader)

        assert (await bystander.run("hello")).stdout == "hello\n"


async def test_a_failing_gate_lets_nobody_in_and_comes_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        users, server.gate.users = server.gate.users, None  # type: ignore[assignment]  # any lookup raises
        refused = await server.run("hello")
        server.gate.users = users
        ended = await server.run("hello")

        assert (refused.code, ended.out) == (255, b"hello\n")


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


async def test_at_the_cap_newcomers_wait_until_somebody_leaves() -> None:
    accepted: asyncio.Queue[socket.socket] = asyncio.Queue()
    acceptor = Acceptor(cap=2, welcome=accepted.put_nowait)
    sock = socket.create_server(("127.0.0.1", 0))
    acceptor.start(sock)
    peers = [socket.create_connection(sock.getsockname()) for _ in range(3)]
    async with asyncio.timeout(DEADLINE_S):
        inside = [await accepted.get() for _ in range(2)]
        await asyncio.sleep(0.05)
        assert accepted.empty()

        acceptor.closed_one()
        inside.append(await accepted.get())
    acceptor.stop()
    for peer in (*peers, *inside):
        peer.close()


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


async def _run_for_ever(connection: asyncssh.SSHClientConnection) -> None:
    while True:
        await connection.run("x")


async def _counter(parent: CounterServer) -> RemoteCounter:
    here, there = socket.socketpair()
    await parent.attach(there)
    return await RemoteCounter.connect(here)
