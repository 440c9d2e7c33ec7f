"""Parts of logs and searches in files on disk: long ones, and ones that grow while they are read."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.files_house import a_data_dir, attempt
from tovi_server.core.errors import UsageError
from tovi_server.core.ids import AttemptId
from tovi_server.core.views import LogPart
from tovi_server.files import datadir
from tovi_server.files.logs import LogFiles
from tovi_server.manager import log_parts

GB = 10**9


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The file behind the log, without a byte in it."""
    folder = tmp_path / "data" / datadir.attempt_path("lens", attempt())
    folder.mkdir(parents=True)
    (folder / "stdout.log").touch()
    return folder / "stdout.log"


@pytest.fixture
def log(tmp_path: Path, written: Path) -> log_parts._Log:
    return log_parts._Log(LogFiles(a_data_dir(tmp_path)), "lens", attempt(), "out", is_final=False)


class Growing(LogFiles):
    """Somebody writes between two looks."""

    written: Path

    def size(self, *which: object) -> int:
        found = self.written.stat().st_size
        with self.written.open("ab") as file:
            file.write(b"needle")
        return found


class Counting(LogFiles):
    """As on disk, and counts what is read of it."""

    read_bytes = 0

    def read(self, project: str, attempt: AttemptId, stream: str, start: int, length: int) -> bytes:
        data = super().read(project, attempt, stream, start, length)
        self.read_bytes += len(data)
        return data


def test_for_the_end_of_a_very_long_log_nothing_else_is_read(
    log: log_parts._Log, written: Path, tmp_path: Path
) -> None:
    os.truncate(written, GB)
    with written.open("ab") as file:
        file.write(b"the end\n")
    logs = Counting(a_data_dir(tmp_path))
    part = log_parts._part(replace(log, logs=logs), -8, 100)
    assert (part.start, part.data, part.size_bytes) == (GB, b"the end\n", GB + 8)
    assert logs.read_bytes == 8


@pytest.mark.parametrize("start", [1, 2**63 - 1, 10**30])
def test_nothing_is_behind_the_end_however_far(log: log_parts._Log, written: Path, start: int) -> None:
    written.write_bytes(b"x")
    assert log_parts._part(log, start, 100) == LogPart(start, b"", 1, is_final=False)


def test_a_search_goes_through_a_log_of_100_mib_in_parts(log: log_parts._Log, written: Path) -> None:
    os.truncate(written, 100 * 2**20)
    with written.open("ab") as file:
        file.write(b"Needle")
    found: list[int] = []
    at = 0
    while at < 100 * 2**20:
        matches = log_parts._search(log, b"needle", at)
        at, found = matches.searched_to, [*found, *matches.offsets]
    assert found == [100 * 2**20]


def test_what_is_written_meanwhile_is_found_once(tmp_path: Path, written: Path) -> None:
    logs = Growing(a_data_dir(tmp_path))
    logs.written = written
    log = log_parts._Log(logs, "lens", attempt(), "out", is_final=False)
    found: list[int] = []
    at = 0
    for _ in range(5):
        matches = log_parts._search(log, b"needle", at)
        at, found = matches.searched_to, [*found, *matches.offsets]
    assert found == [0, 6, 12, 18]


def test_a_part_that_grew_meanwhile_lies_within_its_log(tmp_path: Path, written: Path) -> None:
    written.write_bytes(b"x")
    logs = Growing(a_data_dir(tmp_path))
    logs.written = written
    part = log_parts._part(log_parts._Log(logs, "lens", attempt(), "out", is_final=False), 0, 100)
    assert (part.data, part.size_bytes) == (b"xneedle", 7)


@pytest.mark.parametrize("text", ["\ud800", "a\udce9"])
def test_half_a_character_is_not_searched_for(text: str) -> None:
    with pytest.raises(UsageError, match="half a character"):
        log_parts._bytes(text)
