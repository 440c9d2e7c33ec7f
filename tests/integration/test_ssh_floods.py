"""Clients that ask for far too much, or in the wrong order: they get an end, and the others their answers."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import asyncssh
import pytest
from asyncssh.auth import MSG_USERAUTH_PK_OK
from asyncssh.constants import (
    MSG_CHANNEL_OPEN,
    MSG_CHANNEL_REQUEST,
    MSG_GLOBAL_REQUEST,
    MSG_IGNORE,
    MSG_USERAUTH_REQUEST,
)
from asyncssh.packet import Boolean, Byte, String, UInt32

from tests.ssh_edge import (
    DEADLINE_S,
    KeyList,
    Server,
    client,
    here,
    pause_reading,
    resident_bytes,
    serving,
    sleep_for_ever,
    started,
    with_limits,
)
from tovi_server.api import ManagerAPI
from tovi_server.core.access import Caller
from tovi_server.receivers.acceptor import Acceptor
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
    async def ten_megabytes(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        for _ in range(100):
            await streams.write(bytes(100_000))
        return 0

    async with serving(tmp_path, run_command=ten_megabytes, limits=with_limits(rekeys_per_minute=most)) as server:
        ended = await server.run("x", options=["-o", "RekeyLimit=1M"])

        assert ended.code == code
        assert (len(ended.out) == 10_000_000) == (code == 0)
        assert (b"keys are exchanged too often" in ended.err) == (code == 255)


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


@pytest.mark.parametrize("name", ["x", "y"], ids=["same-name", "another-name"])
@pytest.mark.parametrize("first", [True, False], ids=["probe-first", "probe-last"])
async def test_requests_that_overtake_each_other_never_mix_identities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bool, name: str
) -> None:
    """Mallory, who has an account, sends a probe for alice's key with each request, while lookups are slow."""

    async def slow_lookup(fingerprint: str) -> Caller | None:
        await asyncio.sleep(0.01)
        return await KeyList.caller_by_key(server.gate, fingerprint)

    async with serving(
        tmp_path, users=["alice", "mallory"], limits=with_limits(login_timeout=timedelta(seconds=1))
    ) as server:
        server.gate.caller_by_key = slow_lookup  # type: ignore[method-assign]
        monkeypatch.setattr(asyncssh.auth._ClientPublicKeyAuth, "_packet_handlers", {MSG_USERAUTH_PK_OK: ignore_others})
        with contextlib.suppress(asyncssh.Error, ConnectionError):
            async with asyncssh.connect(
                "127.0.0.1",
                server.port,
                client_factory=lambda: Overtaking(tmp_path, name, first=first),
                username="x",
                known_hosts=None,
                config=None,
                agent_path=None,
            ) as connection:
                assert (await connection.run()).stdout == "hello mallory\n"

        assert {caller.user for caller in server.gate.opened} <= {"mallory"}


class Overtaking(asyncssh.SSHClient):
    """Has mallory's key, and a probe for alice's before or after each request."""

    def __init__(self, keys: Path, name: str, *, first: bool) -> None:
        (self._own,) = asyncssh.load_keypairs([str(keys / "mallory")])
        (stolen,) = asyncssh.load_public_keys([str(keys / "alice.pub")])
        self._probe = (
            *(String(name), String("ssh-connection"), String("publickey"), Boolean(False)),
            *(String("ssh-ed25519"), String(stolen.public_data)),
        )
        self._first = first

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        def send(pkttype: int, *args: bytes, **rest: object) -> None:
            if self._first:
                conn.send_packet(MSG_USERAUTH_REQUEST, *self._probe)
            conn.send_packet(pkttype, *args)
            if not self._first:
                conn.send_packet(MSG_USERAUTH_REQUEST, *self._probe)

        conn.send_userauth_packet = send  # type: ignore[method-assign]
        self._offered = False

    def public_key_auth_requested(self) -> asyncssh.SSHKeyPair | None:
        offered, self._offered = self._offered, True
        return None if offered else self._own


def ignore_others(auth: asyncssh.auth._ClientPublicKeyAuth, _: int, __: int, packet: asyncssh.packet.SSHPacket) -> None:
    """Go on only with the own key; of others a polite client has asked nothing."""
    assert auth._keypair is not None
    packet.get_string()
    if packet.get_string() == auth._keypair.public_data:
        auth.create_task(auth._send_signed_request())


@pytest.mark.parametrize(("injected", "code"), [(False, 0), (True, 255)], ids=["untouched", "with-a-packet-more"])
async def test_a_packet_that_somebody_adds_to_the_first_exchange_of_keys_ends_it(
    tmp_path: Path, injected: bool, code: int
) -> None:
    """How Terrapin begins. AES-GCM would not notice; the strict exchange of keys does."""
    async with serving(tmp_path) as server, in_the_middle(server, inject=injected) as port:
        alias = f"HostKeyAlias=[127.0.0.1]:{server.port}"
        ended = await server.run("x", options=["-p", str(port), "-o", alias])

        assert (ended.code, ended.out) == (code, b"" if injected else b"x\n")


@contextlib.asynccontextmanager
async def in_the_middle(server: Server, *, inject: bool) -> AsyncIterator[int]:
    """A proxy that adds a packet after the client's first; its port."""
    ignored = Byte(MSG_IGNORE) + String(b"")
    packet = UInt32(len(ignored) + 7) + Byte(6) + ignored + bytes(6)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def meddle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection("127.0.0.1", server.port)
        back = asyncio.create_task(pump(there, writer))
        to_there.write(await reader.readline())
        size = await reader.readexactly(4)
        to_there.write(size + await reader.readexactly(int.from_bytes(size, "big")))
        if inject:
            to_there.write(packet)
        await pump(reader, to_there)
        await back

    proxy = await asyncio.start_server(meddle, "127.0.0.1", 0)
    async with proxy:
        yield proxy.sockets[0].getsockname()[1]


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
    limits = with_limits(keepalive_interval=timedelta(seconds=0.02))
    async with (
        serving(tmp_path, run_command=sleep_for_ever, limits=limits, users=["alice", "bob"]) as server,
        started(server.ssh("x")) as waiting,
    ):
        await here(waiting)
        await others_are_served(server)
        assert waiting.returncode is None


async def test_answers_to_a_login_are_acknowledged_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux forgets it after each packet, and then waits about 40 ms at each step of a login."""
    asked = []
    really = socket.socket.setsockopt

    def setsockopt(sock: socket.socket, level: int, name: int, *value: int) -> None:
        asked.append((level, name, *value))
        really(sock, level, name, *value)

    async with serving(tmp_path) as server:
        monkeypatch.setattr(socket.socket, "setsockopt", setsockopt)
        await server.run("x")

        assert asked.count((socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)) >= 5


async def test_without_descriptors_accepting_rests_and_then_goes_on() -> None:
    class Exhausted(socket.socket):
        """Fails a few times, as a process does that has too much open."""

        failures = 0

        def accept(self) -> tuple[socket.socket, object]:
            if self.failures < 2:
                self.failures += 1
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return super().accept()

    accepted: asyncio.Queue[socket.socket] = asyncio.Queue()
    sock = Exhausted()
    sock.bind(("127.0.0.1", 0))
    acceptor = Acceptor(cap=2, welcome=accepted.put_nowait)
    acceptor.start(sock)
    with socket.create_connection(sock.getsockname()):
        async with asyncio.timeout(DEADLINE_S):
            (await accepted.get()).close()
        assert sock.failures == 2
    acceptor.stop()


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


async def test_a_burst_of_newcomers_waits_in_the_kernel() -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    acceptor = Acceptor(cap=1, welcome=lambda _: None)
    acceptor.start(sock)
    states = struct.unpack("8B6I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32))
    allowed = int(Path("/proc/sys/net/core/somaxconn").read_text())
    acceptor.stop()

    assert states[-1] == min(1024, allowed)
