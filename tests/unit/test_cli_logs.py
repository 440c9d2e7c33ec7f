"""Logs: raw where a program reads them, harmless where a person does."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest

from tests.fakes_manager import NOW, FakeManager, FakeStreams, a_job, a_stage, a_task
from tovi_cli.log_text import LONGEST_LINE, Lines, SafeText
from tovi_cli.main import make_run_command
from tovi_server.core.reasons import Reason
from tovi_server.core.views import Details, LogPiece

RUN = make_run_command(lambda: NOW)
HOSTILE = b"\x1b[31mred\x1b[0m \x1b]0;title\x07 \xff\x9b\r\n"


def out(task: str, data: bytes) -> LogPiece:
    return LogPiece(task, "out", data, NOW)


async def shown(line: str, *pieces: LogPiece, tasks: int = 2, columns: int | None = None) -> bytes:
    job = a_job(tasks_total=tasks, stages=(a_stage("one"), replace(a_stage("many"), tasks_total=5)))
    streams = FakeStreams(columns=columns, stdin_is_terminal=columns is not None)
    fake = FakeManager(pieces=pieces, details=Details(job, (a_task(),), 0))
    assert await RUN(fake, shlex.split(line), streams) == 0
    assert fake.closed == ["logs"]
    return streams.out


@pytest.mark.parametrize(("line", "tasks"), [("logs 12.many.0", 2), ("logs 12", 1), ("logs 12.one", 2)])
async def test_one_task_in_a_pipe_is_its_bytes(line: str, tasks: int) -> None:
    assert await shown(line, out("12.one.0", HOSTILE), tasks=tasks) == HOSTILE


@pytest.mark.parametrize("line", ["logs 12", "logs 12.many"])
async def test_several_tasks_are_lines_with_their_name(line: str) -> None:
    written = await shown(line, out("12.many.0", b"a\nb"), out("12.many.1", b"c\n"), out("12.many.0", b"b\n"))
    assert written == b"12.many.0 | a\n12.many.1 | c\n12.many.0 | bb\n"


async def test_a_last_line_without_end_is_shown() -> None:
    assert await shown("logs 12", out("12.many.0", b"a\nb")) == b"12.many.0 | a\n12.many.0 | b\n"


async def test_on_a_terminal_only_colours_pass() -> None:
    written = await shown("logs 12.many.0", out("12.many.0", HOSTILE), columns=80)
    assert written == b"\x1b[31mred\x1b[0m \\x1b]0;title\\x07 \\xff\\x9b\n"


async def test_among_several_tasks_only_colours_pass_and_end_with_the_line() -> None:
    written = await shown("logs 12", out("12.many.0", b"\x1b[31mred\nfake\r12.many.1 | x\x1b[2J\n"))
    assert written == (b"12.many.0 | \x1b[31mred\x1b[0m\n12.many.0 | fake\n12.many.0 | 12.many.1 | x\\x1b[2J\n")


async def test_timestamps_come_before_each_line() -> None:
    written = await shown("logs 12.many.0 --timestamps", out("12.many.0", b"a\n"), LogPiece("12.many.0", "err", b"b\n"))
    assert written == b"2026-01-31T12:00:00Z a\n- b\n"


async def test_jsonl_is_a_document_a_line() -> None:
    written = await shown("logs 12.many.0 --jsonl", out("12.many.0", b"a\x1b[2J\xff\n"))
    assert json.loads(written) == {
        "schema": "tovi.log/1",
        "task": "12.many.0",
        "stream": "out",
        "at": "2026-01-31T12:00:00Z",
        "text": "a\x1b[2J\\xff",
    }
    assert b"\x1b" not in written


@pytest.mark.parametrize("cut", range(len(HOSTILE) + 1))
def test_where_pieces_are_cut_makes_no_difference(cut: int) -> None:
    text = SafeText()
    assert text.feed(HOSTILE[:cut]) + text.feed(HOSTILE[cut:]) + text.end() == (
        "\x1b[31mred\x1b[0m \\x1b]0;title\\x07 \\xff\\x9b\n"
    )


HELD = Reason("held", "held; `release 12` lets it go on")
NEXT = Reason("next", "it is next")


async def said(line: str, *, reason: Reason | None = HELD, state: str = "queued") -> str:
    """On standard error, of a job that has printed nothing."""
    job, task = a_job(state=state, reason=reason), a_task(state=state, reason=reason)
    streams = FakeStreams()
    assert await RUN(FakeManager(details=Details(job, (task,), 0)), shlex.split(line), streams) == 0
    assert streams.out == b""
    return streams.stderr


@pytest.mark.parametrize("it", ["12", "12.main.0"])
async def test_of_what_has_printed_nothing_it_is_said_in_which_state_it_is(it: str) -> None:
    assert await said(f"logs {it}") == f"{it} is queued, and has printed nothing\n"


@pytest.mark.parametrize("it", ["12", "12.main.0"])
async def test_a_follower_is_told_at_once_why_there_is_nothing_yet(it: str) -> None:
    assert await said(f"logs -f {it}") == f"{it} is queued: held; `release 12` lets it go on\n"


@pytest.mark.parametrize("reason", [NEXT, None])
async def test_a_follower_of_what_starts_at_once_is_told_nothing(reason: Reason | None) -> None:
    assert await said("logs -f 12", reason=reason) == ""


@pytest.mark.parametrize("line", ["logs 12 --tail 3", "logs 12 --since 1m", "logs 12 --stream err"])
async def test_no_more_of_a_log_is_fine(line: str) -> None:
    assert await said(line, state="running", reason=None) == ""


async def test_a_follower_that_goes_away_ends_the_following_at_once() -> None:
    class Gone(FakeStreams):
        async def write(self, data: bytes) -> None:
            raise ConnectionResetError

    fake = FakeManager(pieces=(out("12.many.0", b"a\n"),), endless=True)
    with pytest.raises(ConnectionResetError) as raised:  # which keeps the frames alive
        await RUN(fake, ["logs", "12.many.0", "-f"], Gone())
    assert raised.value
    assert fake.closed == ["logs"]


@pytest.mark.parametrize(("log", "end"), [(b"\x1b[31mred", "\x1b[0m"), (b"\x1b[31mred\x1b[m", ""), (b"plain", "")])
def test_a_colour_does_not_outlive_the_log(log: bytes, end: str) -> None:
    text = SafeText()
    text.feed(log)
    assert text.end() == end


def test_a_character_in_two_pieces_is_whole() -> None:
    text = SafeText()
    assert text.feed(b"\xc3") + text.feed(b"\xbc") == "ü"


def test_a_line_that_never_ends_does_not_fill_the_memory() -> None:
    lines = Lines()
    assert lines.feed(b"x" * (LONGEST_LINE + 1)) == [b"x" * (LONGEST_LINE + 1)]
    assert lines.end() == []
