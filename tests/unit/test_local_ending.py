"""What an end means, and what is read from the notes about it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scheduler.local import control, ending
from scheduler.local.control import Exit
from scheduler.logs import LogMarks
from tovi_server.core.events import Exited, Lost, Usage
from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.core.reasons import EndReason

ATTEMPT = AttemptId(TaskId(JobId(1), "main", 0), 1)
NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0, EndReason.OK),
        (1, EndReason.ERROR),
        (128, EndReason.ERROR),
        (129, EndReason.SIGNAL),
        (137, EndReason.SIGNAL),
        (192, EndReason.SIGNAL),
        (193, EndReason.ERROR),
        (255, EndReason.ERROR),
        (None, EndReason.ERROR),
    ],
)
def test_an_exit_code_says_how_it_ended(code: int | None, reason: EndReason) -> None:
    assert ending.of_exit_code(code) is reason


@pytest.mark.parametrize("code", [0, 143])
def test_what_it_was_ended_for_comes_before_its_exit_code(code: int) -> None:
    judged = ending.judged(Exit(code, ""), cause=EndReason.CANCELLED, ran_out_of_memory=True)
    assert judged == Exit(code, EndReason.CANCELLED)


@pytest.mark.parametrize("code", [0, 1, 137])
def test_a_program_that_lost_a_part_to_the_memory_limit_is_out_of_memory_whatever_it_says(code: int) -> None:
    judged = ending.judged(Exit(code, ""), cause=None, ran_out_of_memory=True)
    assert judged.reason == EndReason.OUT_OF_MEMORY


def test_what_a_lone_shim_ended_it_for_is_kept() -> None:
    judged = ending.judged(Exit(137, EndReason.TIMEOUT), cause=None, ran_out_of_memory=False)
    assert judged.reason == EndReason.TIMEOUT


def test_a_report_has_all_that_was_noted() -> None:
    noted = Exit(7, EndReason.ERROR, "why", NOW.timestamp(), 1.5, 2048)
    told = ending.report(ATTEMPT, noted, now=NOW)
    assert told == Exited(ATTEMPT, NOW, EndReason.ERROR, 7, "why", Usage(1.5, 2048))


def test_an_end_that_nobody_noted_is_lost() -> None:
    assert isinstance(ending.report(ATTEMPT, None, now=NOW), Lost)


def test_an_end_is_read_as_it_was_written(tmp_path: Path) -> None:
    noted = Exit(7, EndReason.ERROR, "why\n\x1b", 12.5, 1.5, 2048, complete=True)
    control.write_exit(tmp_path, noted)
    assert control.read_exit(tmp_path) == noted
    assert [path.name for path in tmp_path.iterdir()] == ["exit.json"]


def test_the_cpu_time_that_a_lone_shim_counted_is_that_of_its_children(tmp_path: Path) -> None:
    (tmp_path / "times").write_text("0m0.01s 0m0.02s\n1m2.50s 0m0.25s\n")
    assert control.read_times(tmp_path) == 62.75


@pytest.mark.parametrize("text", ["", "0m0.01s 0m0.02s\n", "x\ny\n", "a b\n1 2\n"])
def test_times_that_cannot_be_read_are_unknown(tmp_path: Path, text: str) -> None:
    (tmp_path / "times").write_text(text)
    assert control.read_times(tmp_path) is None


def test_a_link_planted_among_the_control_files_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    folder = tmp_path / "control"
    folder.mkdir()
    for name in ("log.idx", "exit.new", "ending"):
        (folder / name).symlink_to(victim)
    (folder / "stdout.log").write_text("some output")
    LogMarks(folder).look(1.0)
    control.write_ending(folder, EndReason.TIMEOUT)
    with pytest.raises(OSError, match="symbolic"):
        control.write_exit(folder, Exit(0, EndReason.OK))
    assert victim.read_text() == "as it was"
