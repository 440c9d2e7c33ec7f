"""Stories of OpenSSH on a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from tests.ssh_edge import client, serving
from tests.ssh_programs import in_terminal
from tovi_server.api import ManagerAPI
from tovi_server.streams import Streams

QUIET = ("-o", "LogLevel=ERROR")
"""Without what ssh itself says at the end."""


async def test_a_terminal_without_a_command_is_welcomed(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        terminal = await in_terminal(server.ssh(*QUIET, "-tt"), columns=80)

        assert (terminal.code, terminal.shown.replace(b"\r\r", b"\r")) == (0, b"hello alice\r\n")


async def test_a_terminal_gets_its_width_and_carriage_returns(tmp_path: Path) -> None:
    async def width(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        await streams.write(f"{streams.columns} {streams.stdin_is_terminal}\n".encode())
        return 0

    async with serving(tmp_path, run_command=width) as server:
        terminal = await in_terminal(server.ssh(*QUIET, "-tt", "x"), columns=123)

        assert (terminal.code, terminal.shown.replace(b"\r\r", b"\r")) == (0, b"123 True\r\n")


async def test_without_a_terminal_there_is_no_width_and_no_colour(tmp_path: Path) -> None:
    async def width(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        await streams.write(f"{streams.columns} {streams.colour} {streams.stdin_is_terminal}\n".encode())
        return 0

    async with serving(tmp_path, run_command=width) as server:
        ended = await server.run("x")

        assert ended.out == b"None False False\n"


async def test_control_c_in_a_terminal_ends_with_130(tmp_path: Path) -> None:
    async def follow(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        await streams.write(b"following\n")
        await asyncio.Event().wait()
        return 0

    async with serving(tmp_path, run_command=follow) as server:
        terminal = await in_terminal(server.ssh(*QUIET, "-tt", "logs"), columns=80, answer=b"\x03")

        assert terminal.code == 130


async def test_the_width_follows_the_window(tmp_path: Path) -> None:
    async def width(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        await streams.write(f"{streams.columns}\n".encode())
        async for _ in streams.read():
            await streams.write(f"{streams.columns}\n".encode())
        return 0

    async with serving(tmp_path, run_command=width) as server, client(server) as connection:
        process = await connection.create_process("x", term_type="xterm", term_size=(90, 24))
        before = await process.stdout.readline()
        process.change_terminal_size(120, 24)
        process.stdin.write("\n")
        after = await process.stdout.readline()
        process.stdin.write("\x04")

        assert (before, after) == ("90\r\n", "120\r\n")
        assert (await process.wait()).exit_status == 0


async def test_no_color_and_dumb_terminals_get_no_colour(tmp_path: Path) -> None:
    async def colour(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        await streams.write(f"{streams.environment.get('TERM')} {streams.colour}\n".encode())
        return 0

    async with serving(tmp_path, run_command=colour) as server:
        shown = [
            (
                await in_terminal(["env", f"TERM={term}", *server.ssh(*QUIET, "-tt", "x", options=options)], columns=80)
            ).shown
            for term, options in [("xterm", []), ("dumb", []), ("xterm", ["-oSetEnv=NO_COLOR=1"])]
        ]

        assert [line.split() for line in shown] == [[b"xterm", b"True"], [b"dumb", b"False"], [b"xterm", b"False"]]
