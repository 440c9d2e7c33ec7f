"""Stories of plain OpenSSH against the receiver, with a gate and commands of our own behind it."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from tests.ssh_edge import DEADLINE_S, client, echo, run, serving, sleep_for_ever, started
from tests.ssh_programs import shared_connection
from tovi_server.api import ManagerAPI
from tovi_server.core.errors import NotFoundError
from tovi_server.receivers.doors import Doors, Pipes
from tovi_server.streams import Streams


async def copy(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
    """A command that gives back its standard input."""
    async for piece in streams.read():
        await streams.write(piece)
    return 0


async def test_a_command_gets_its_words_and_ends_with_its_code(tmp_path: Path) -> None:
    async def command(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        await echo(api, words, streams)
        return 7

    async with serving(tmp_path, run_command=command) as server:
        ended = await server.run("logs", "'two words'", "12", "'*'")

        assert (ended.code, ended.out) == (7, b"logs\ntwo words\n12\n*\n")


async def test_no_command_is_a_greeting(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        ended = await server.run(options=["-T"])

        assert (ended.code, ended.out, ended.err) == (0, b"hello alice\n", b"")


async def test_an_unbalanced_quote_is_shown_as_it_arrived(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        ended = await server.run("submit --note 'it")

        assert ended.code == 2
        assert b"it arrived as: submit --note 'it" in ended.err


async def test_an_error_of_ours_is_three_lines_and_its_status(tmp_path: Path) -> None:
    async def command(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        raise NotFoundError("there is no job 12", hint="`queue` lists the jobs")

    async with serving(tmp_path, run_command=command) as server:
        ended = await server.run("show", "12")

        assert (ended.code, ended.out) == (3, b"")
        assert ended.err == b"not-found: there is no job 12\n  hint: `queue` lists the jobs\n"


async def test_a_bug_in_a_command_ends_that_command_alone(tmp_path: Path) -> None:
    async def command(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        return {"good": 0}[words[0]]

    async with serving(tmp_path, run_command=command) as server:
        bad = await server.run("bad")
        good = await server.run("good")

        assert (bad.code, good.code) == (1, 0)
        assert b"Traceback" not in bad.err


async def test_output_and_errors_stay_apart(tmp_path: Path) -> None:
    async def command(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        await streams.write_error(b"talk\n")
        await streams.write(b"data\n")
        return 0

    async with serving(tmp_path, run_command=command) as server:
        ended = await server.run("x")

        assert (ended.out, ended.err) == (b"data\n", b"talk\n")


async def test_input_arrives_whole_and_binary(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    async with serving(tmp_path, run_command=copy) as server:
        ended = await server.run("cat", stdin=data)

        assert (0, data) == (ended.code, ended.out)


async def test_without_input_the_reply_is_not_lost(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        ended = await server.run("submit", options=["-n"])

        assert (ended.code, ended.out) == (0, b"submit\n")


async def test_the_allowed_environment_and_nothing_else_arrives(tmp_path: Path) -> None:
    async def command(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        await streams.write(repr(sorted(streams.environment.items())).encode())
        return 0

    options = [f"-oSetEnv={v}" for v in ["LANG=C.UTF-8 LD_PRELOAD=/evil TZ=UTC LC_TIME=de_DE LCD=1"]]
    async with serving(tmp_path, run_command=command) as server:
        ended = await server.run("env", options=options)

        assert ended.out == b"[('LANG', 'C.UTF-8'), ('LC_TIME', 'de_DE'), ('TZ', 'UTC')]"


async def test_a_slow_reader_holds_up_its_command_and_not_the_memory(tmp_path: Path) -> None:
    written = 0
    ended = asyncio.Event()

    async def flood(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        nonlocal written
        try:
            while True:
                await streams.write(bytes(100_000))
                written += 100_000
        finally:
            ended.set()

    async with serving(tmp_path, run_command=flood) as server, asyncio.timeout(DEADLINE_S):
        async with started(server.ssh("logs")) as client:
            assert client.stdout is not None
            await client.stdout.readexactly(1)
            for _ in range(3):
                await server.run()
            assert written < 20_000_000
        await ended.wait()


async def test_a_follower_whose_output_is_closed_ends(tmp_path: Path) -> None:
    async def follow(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        while True:
            await streams.write(b"line\n")
            await asyncio.sleep(0.001)

    async with serving(tmp_path, run_command=follow) as server:
        ended = await run(
            ["timeout", "10", "bash", "-c", f"{shlex.join(server.ssh('logs', '-f'))} </dev/null | head -1"]
        )

        assert (ended.code, ended.out) == (0, b"line\n")


async def test_a_client_that_goes_away_cancels_its_command(tmp_path: Path) -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def follow(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return 0

    async with serving(tmp_path, run_command=follow) as server, asyncio.timeout(DEADLINE_S):
        async with started(server.ssh("logs", "-f")):
            await began.wait()
        await cancelled.wait()


async def test_a_blank_command_is_none(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert (await server.run(" ")).out == b"hello alice\n"


async def test_a_signal_from_the_client_ends_with_130(tmp_path: Path) -> None:
    async with serving(tmp_path, run_command=sleep_for_ever) as server, client(server) as connection:
        process = await connection.create_process("x")
        await process.stdout.readline()
        process.send_signal("INT")

        assert (await process.wait()).exit_status == 130


async def test_a_door_gets_the_words_and_ends_with_its_status(tmp_path: Path) -> None:
    async def scp(api: ManagerAPI, pipes: Pipes, words: Sequence[str]) -> int:
        pipes.stdout.write(" ".join(words).encode() + await pipes.stdin.readline())
        await pipes.stdout.drain()
        return 5

    async with serving(tmp_path, doors=Doors(scp=scp)) as server:
        ended = await server.run("scp", "-t", "datasets", stdin=b"!\n")
        together = await server.run("scp", "-pt", "datasets", stdin=b"!\n")
        command = await server.run("scp", "help")

        assert (ended.code, ended.out) == (5, b"scp -t datasets!\n")
        assert together.code == 5
        assert command.out == b"scp\nhelp\n"


async def test_a_bug_behind_a_door_ends_that_session_alone(tmp_path: Path) -> None:
    async def scp(api: ManagerAPI, pipes: Pipes, words: Sequence[str]) -> int:
        return {"scp": 0}[words[1]]

    async with serving(tmp_path, doors=Doors(scp=scp)) as server, shared_connection(server) as shared:
        bad = await server.run("scp", "-t", "x", options=shared)
        good = await server.run("hello", options=shared)

        assert (bad.code, bad.err) == (1, b"failed: the server made a mistake; its log says which\n")
        assert (good.code, good.out) == (0, b"hello\n")


async def test_subsystems_open_their_doors_and_others_are_refused(tmp_path: Path) -> None:
    async def api(api: ManagerAPI, pipes: Pipes, words: Sequence[str]) -> int:
        pipes.stdout.write(b"ready\n")
        return 0

    async with serving(tmp_path, doors=Doors(api=api)) as server:
        ended = await server.run("-s", "tovi-api")
        refused = await server.run("-s", "sftp")

        assert (ended.code, ended.out) == (0, b"ready\n")
        assert b"subsystem request failed" in refused.err


async def test_many_sessions_share_one_connection(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, shared_connection(server) as shared:
        results = [await server.run(f"job{n}", options=shared) for n in range(20)]

        assert [f"job{n}\n".encode() for n in range(20)] == [ended.out for ended in results]
        assert len(server.gate.lookups) == 1
        assert server.gate.used == list(server.gate.users)


async def test_closing_one_shared_session_cancels_its_command_alone(tmp_path: Path) -> None:
    cancelled = asyncio.Event()

    async def follow(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        await streams.write(b"here\n")
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return 0

    async with (
        serving(tmp_path, run_command=follow) as server,
        shared_connection(server) as shared,
        asyncio.timeout(DEADLINE_S),
    ):
        async with started(server.ssh("logs", options=shared)) as client:
            assert client.stdout is not None
            await client.stdout.readline()
        await cancelled.wait()

        assert (await server.run(options=[*shared, "-T"])).out == b"hello alice\n"
