"""What could reach from the server's place what clients cannot from theirs: all of it is refused."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import asyncssh
import pytest

from tests.ssh_edge import client, serving
from tests.ssh_programs import shared_connection


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["-o", "ExitOnForwardFailure=yes", "-R", "0:localhost:22"], id="remote port"),
        pytest.param(["-o", "ExitOnForwardFailure=yes", "-R", "/tmp/tovi-sock:localhost:22"], id="remote socket"),
    ],
)
async def test_remote_forwards_are_refused(tmp_path: Path, options: list[str]) -> None:
    async with serving(tmp_path) as server:
        ended = await server.run("x", options=options)

        assert ended.code == 255
        assert b"remote port forwarding failed" in ended.err


@pytest.mark.parametrize("target", ["localhost:22", "169.254.169.254:80", "/var/run/docker.sock"])
async def test_local_forwards_are_refused(tmp_path: Path, target: str) -> None:
    forward = ["-W", target] if ":" in target else ["-o", "ExitOnForwardFailure=yes", "-L", f"{tmp_path}/s:{target}"]
    async with serving(tmp_path) as server:
        if ":" in target:
            ended = await server.run(options=forward)
            assert ended.code == 255
            assert b"administratively prohibited" in ended.err
        else:
            async with shared_connection(server, *forward):
                reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
                assert await reader.read() == b""
                writer.close()


@pytest.mark.parametrize("option", ["-L", "-D"])
async def test_no_forward_reaches_what_listens_beside_the_server(tmp_path: Path, option: str) -> None:
    reached = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as neighbour, serving(tmp_path) as server:
        port = neighbour.sockets[0].getsockname()[1]
        here = f"{tmp_path}/here"
        async with shared_connection(server, option, here if option == "-D" else f"{here}:127.0.0.1:{port}"):
            reader, writer = await asyncio.open_unix_connection(here)
            if option == "-D":
                writer.write(b"\x05\x01\x00" + b"\x05\x01\x00\x01\x7f\x00\x00\x01" + struct.pack(">H", port))
            await reader.read()
            writer.close()

        assert not reached.is_set()


async def test_wishes_for_an_agent_and_a_display_do_not_stop_the_command(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        ended = await server.run("x", options=["-A", "-X"])

        assert (ended.code, ended.out) == (0, b"x\n")


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
