"""Stories of plain OpenSSH against the receiver, with a gate and commands of our own behind it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import shlex
import shutil
import struct
import sys
import termios
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.ssh_edge import (
    DEADLINE_S,
    Ended,
    Server,
    client,
    echo,
    make_key,
    run,
    serving,
    sleep_for_ever,
    started,
    with_limits,
)
from tovi_server.api import ManagerAPI
from tovi_server.core.errors import NotFoundError
from tovi_server.receivers.algorithms import Profile
from tovi_server.receivers.doors import Doors, Pipes
from tovi_server.streams import Streams

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="needs OpenSSH's ssh")


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
            async with _master(server, *forward):
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
        async with _master(server, option, here if option == "-D" else f"{here}:127.0.0.1:{port}"):
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


async def test_a_terminal_without_a_command_is_welcomed(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        terminal = await _in_terminal(server.ssh("-tt"), columns=80)

        assert (terminal.code, terminal.shown.replace(b"\r\r", b"\r")) == (0, b"hello alice\r\n")


async def test_a_blank_command_is_none(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert (await server.run(" ")).out == b"hello alice\n"


async def test_a_terminal_gets_its_width_and_carriage_returns(tmp_path: Path) -> None:
    async def width(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        await streams.write(f"{streams.columns} {streams.stdin_is_terminal}\n".encode())
        return 0

    async with serving(tmp_path, run_command=width) as server:
        terminal = await _in_terminal(server.ssh("-tt", "x"), columns=123)

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
        terminal = await _in_terminal(server.ssh("-tt", "logs"), columns=80, answer=b"\x03")

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

    async with serving(tmp_path, doors=Doors(scp=scp)) as server, _master(server) as shared:
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


async def test_the_user_name_means_nothing_and_the_key_everything(tmp_path: Path) -> None:
    async with serving(tmp_path, users=["alice", "bob"]) as server:
        ended = await server.run(key="bob", options=["-l", "root"])

        assert ended.out == b"hello bob\n"


@pytest.mark.parametrize("name", ["x" * 65, "tab\there", "é" * 33])
async def test_a_hostile_user_name_is_refused(tmp_path: Path, name: str) -> None:
    async with serving(tmp_path) as server:
        ended = await server.run(options=["-l", name])

        assert (ended.code, ended.out) == (255, b"")


async def test_a_key_of_nobody_is_refused_without_a_trace(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        make_key(tmp_path, "mallory")
        ended = await server.run("x", key="mallory")

        assert ended.code == 255
        assert b"Permission denied (publickey)" in ended.err
        assert server.gate.opened == []


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
async def test_other_kinds_of_keys_log_in(tmp_path: Path, kind: str) -> None:
    async with serving(tmp_path) as server:
        server.gate.users[make_key(tmp_path, "carol", kind)] = "carol"
        ended = await server.run(key="carol")

        assert ended.out == b"hello carol\n"


async def test_openssh_ends_up_with_gcm(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        ended = await server.run("x", options=["-v"])

        assert b"cipher: aes128-gcm@openssh.com MAC: <implicit> compression: none" in ended.err


async def test_no_color_and_dumb_terminals_get_no_colour(tmp_path: Path) -> None:
    async def colour(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        await streams.write(f"{streams.environment.get('TERM')} {streams.colour}\n".encode())
        return 0

    async with serving(tmp_path, run_command=colour) as server:
        shown = [
            (await _in_terminal(["env", f"TERM={term}", *server.ssh("-tt", "x", options=options)], columns=80)).shown
            for term, options in [("xterm", []), ("dumb", []), ("xterm", ["-oSetEnv=NO_COLOR=1"])]
        ]

        assert [line.split() for line in shown] == [[b"xterm", b"True"], [b"dumb", b"False"], [b"xterm", b"False"]]


async def test_many_sessions_share_one_connection(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, _master(server) as shared:
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

    async with serving(tmp_path, run_command=follow) as server, _master(server) as shared, asyncio.timeout(DEADLINE_S):
        async with started(server.ssh("logs", options=shared)) as client:
            assert client.stdout is not None
            await client.stdout.readline()
        await cancelled.wait()

        assert (await server.run(options=[*shared, "-T"])).out == b"hello alice\n"


async def test_ssh_audit_finds_no_failure(tmp_path: Path) -> None:
    ended = await _audit(tmp_path, Profile.COMPATIBLE)

    assert ended.code in {0, 2}, ended.out.decode()
    assert b"[fail]" not in ended.out


async def test_ssh_audit_has_nothing_to_say_on_the_strict_profile(tmp_path: Path) -> None:
    ended = await _audit(tmp_path, Profile.STRICT)

    assert ended.code == 0, ended.out.decode()


@dataclass(frozen=True)
class Shown:
    code: int
    shown: bytes


async def _in_terminal(arguments: list[str], *, columns: int, answer: bytes = b"") -> Shown:
    """Run a program on a terminal of its own; `answer` is typed once it has shown something."""
    here, there = pty.openpty()
    ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *arguments, stdin=there, stdout=there, stderr=asyncio.subprocess.PIPE
    )
    os.close(there)
    shown = await asyncio.to_thread(_read_terminal, here, answer)
    async with asyncio.timeout(DEADLINE_S):
        code = await process.wait()
    os.close(here)
    return Shown(code, shown)


def _read_terminal(terminal: int, answer: bytes) -> bytes:
    shown = b""
    with contextlib.suppress(OSError):  # Linux says EIO at the end
        while piece := os.read(terminal, 4096):
            shown += piece
            if answer:
                os.write(terminal, answer)
                answer = b""
    return shown


@contextlib.asynccontextmanager
async def _master(server: Server, *options: str) -> AsyncIterator[list[str]]:
    """A shared connection; gives the options with which others use it."""
    shared = ["-o", f"ControlPath={server.folder}/mux"]
    nowhere = asyncio.subprocess.DEVNULL
    begin = server.ssh(options=["-f", "-N", "-M", *shared, *options])
    process = await asyncio.create_subprocess_exec(*begin, stdin=nowhere, stdout=nowhere, stderr=nowhere)
    async with asyncio.timeout(DEADLINE_S):
        assert await process.wait() == 0
    try:
        yield shared
    finally:
        await run(server.ssh(options=["-O", "exit", *shared]))


async def _audit(folder: Path, profile: Profile) -> Ended:
    limits = with_limits(trusted_sources=(ip_network("127.0.0.0/8"),))
    async with serving(folder, profile=profile, limits=limits) as server:
        program = Path(sys.executable).with_name("ssh-audit")
        return await run([str(program), "-n", "--skip-rate-test", "-p", str(server.port), "127.0.0.1"])
