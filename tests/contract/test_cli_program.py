"""The program `tovi`: the same words, through a stand-in for ssh that serves a FakeManager on its own pipes."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SSH = f"""\
#!{sys.executable}
import asyncio, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.fakes_manager import FakeManager, a_job
from tovi_server.core.views import LogPiece
from tovi_server.receivers.api_channel import serve_api

async def serve():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout)
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    fake = FakeManager(job_list=(a_job(),), pieces=(LogPiece("12.main.0", "out", b"\\xff raw\\n"),) * 3000)
    await serve_api(fake, reader, writer)
    sys.stderr.write(f"received {{fake.received!r}}\\n" if fake.received else "")

if sys.argv[1:] != ["-T", "tovi.test", "-s", "tovi-api"]:
    sys.exit("ssh: Could not resolve hostname")
asyncio.run(serve())
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    ssh = tmp_path / "ssh"
    ssh.write_text(SSH)
    ssh.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "TOVI_HOST": "tovi.test", "PYTHONPATH": str(ROOT)}


async def tovi(environment: dict[str, str], *words: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tovi_cli", *words),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return process.returncode, out, err


async def test_a_query_is_answered(environment: dict[str, str]) -> None:
    status, out, err = await tovi(environment, "queue", "--fields", "id,name")
    assert (status, out, err) == (0, b"JOB  NAME\n12   sweep\n", b"")


async def test_the_host_can_be_an_option(environment: dict[str, str]) -> None:
    del environment["TOVI_HOST"]
    assert (await tovi(environment, "--host", "tovi.test", "version"))[:2] == (0, b"tovi 0.1.0\n")
    assert (await tovi(environment, "--host=tovi.test", "version"))[:2] == (0, b"tovi 0.1.0\n")


async def test_a_piped_file_is_submitted_whole(environment: dict[str, str]) -> None:
    status, out, err = await tovi(environment, "submit", stdin=b"run: true")
    assert (status, out) == (0, b"12\n")
    assert b"received b'run: true'" in err


async def test_a_local_file_is_submitted(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "tovi.yaml").write_text("run: echo local")
    _, out, err = await tovi(environment, "submit", str(tmp_path / "tovi.yaml"))
    assert out == b"12\n"
    assert b"received b'run: echo local'" in err


async def test_a_local_file_that_is_not_there_is_a_wrong_word(environment: dict[str, str]) -> None:
    status, out, err = await tovi(environment, "submit", "nope.yaml")
    assert (status, out) == (2, b"")
    assert b'cannot read "nope.yaml"' in err


async def test_a_log_comes_as_its_bytes(environment: dict[str, str]) -> None:
    assert (await tovi(environment, "logs", "12.main.0"))[:2] == (0, b"\xff raw\n" * 3000)


async def test_a_host_that_does_not_answer_is_unavailable(environment: dict[str, str]) -> None:
    status, out, err = await tovi(environment, "--host", "nowhere", "queue")
    assert (status, out) == (6, b"")
    assert b"ssh: Could not resolve hostname" in err
    assert b"unavailable: the connection to the server was lost" in err


@pytest.mark.parametrize("words", [("--host", "-oProxyCommand=evil", "queue"), ("--host", "", "queue")])
async def test_a_host_that_ssh_would_take_for_an_option_is_refused(
    environment: dict[str, str], words: tuple[str, ...]
) -> None:
    status, _, err = await tovi(environment, *words)
    assert status == 2
    assert b"is not a host" in err


async def test_without_a_host_it_says_how_to_name_one(environment: dict[str, str]) -> None:
    del environment["TOVI_HOST"]
    status, _, err = await tovi(environment, "queue")
    assert status == 2
    assert b"TOVI_HOST" in err


async def test_a_reader_that_leaves_early_ends_it_quietly(environment: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_shell(
        f"{sys.executable} -m tovi_cli logs 12.main.0 | head -n 1",
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert out == b"\xff raw\n"
    assert b"Traceback" not in err
