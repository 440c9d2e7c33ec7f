"""Who has not logged in: limits and deadlines that let honest people in, whatever the others do."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from asyncssh.constants import MSG_IGNORE
from asyncssh.packet import Byte, String, UInt32

from tests.ssh_edge import DEADLINE_S, Server, client, greeting, make_key, rest, serving, stranger, with_limits
from tovi_server.receivers.acceptor import Acceptor


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
    limits = with_limits(failure_memory=timedelta(seconds=3))
    async with serving(tmp_path, limits=limits) as server:
        greetings = [await greeting(server) for _ in range(11)]
        assert greetings == [b"SSH-2.0-OpenSSH_compatible\r\n"] * 10 + [b""]

        async with asyncio.timeout(DEADLINE_S):
            while (await server.run("hello")).out != b"hello\n":
                await asyncio.sleep(0.25)


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


async def test_a_burst_of_newcomers_waits_in_the_kernel() -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    acceptor = Acceptor(cap=1, welcome=lambda _: None)
    acceptor.start(sock)
    states = struct.unpack("8B6I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32))
    allowed = int(Path("/proc/sys/net/core/somaxconn").read_text())
    acceptor.stop()

    assert states[-1] == min(1024, allowed)
