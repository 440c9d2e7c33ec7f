"""The old scp protocol and its command line, as texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.core.errors import UsageError
from tovi_server.receivers import scp_protocol, scp_words
from tovi_server.receivers.scp_protocol import (
    BadLineError,
    FileComes,
    FolderBegins,
    FolderEnds,
    Line,
    Problem,
    Times,
)
from tovi_server.receivers.scp_words import ScpCall


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        (b"C0644 12 a name", FileComes(0o644, 12, b"a name")),
        (b"C0000 0 \xff\xfe", FileComes(0, 0, b"\xff\xfe")),
        (b"D0755 0 folder", FolderBegins(0o755, b"folder")),
        (b"E", FolderEnds()),
        (b"T1700000000 500000 1600000000 0", Times(1700000000.5, 1600000000.0)),
        (b"\x01scp: no such file", Problem(is_over=False)),
        (b"\x02scp: lost", Problem(is_over=True)),
    ],
)
def test_each_line_has_its_meaning(line: bytes, meaning: Line) -> None:
    assert scp_protocol.read(line) == meaning


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"X0644 1 a",
        b"C0644 1 ",
        b"C0644 1 ..",
        b"D0755 0 .",
        b"C0644 1 a/b",
        b"C0644 1 /etc/passwd",
        b"C644 1 a",
        b"C00644 1 a",
        b"C0888 1 a",
        b"C0644 -1 a",
        b"C0644 99999999999999999999 a",
        b"C0644 1a",
        b"T1 0 1",
        b"T-1 0 1 0",
        b"EE",
        b"\0",
    ],
)
def test_everything_else_is_refused(line: bytes) -> None:
    with pytest.raises(BadLineError):
        scp_protocol.read(line)


@given(st.binary(max_size=100))
def test_no_bytes_upset_the_reader(line: bytes) -> None:
    try:
        meaning = scp_protocol.read(line)
    except BadLineError:
        return
    if isinstance(meaning, FileComes | FolderBegins):
        assert b"/" not in meaning.name
        assert meaning.name not in (b"", b".", b"..")


@given(
    st.integers(0, 0o777), st.integers(0, 2**62), st.binary(min_size=1).filter(lambda name: not {10, 47} & set(name))
)
def test_what_is_said_is_understood(mode: int, size: int, name: bytes) -> None:
    if name in (b".", b".."):
        return

    assert scp_protocol.read(scp_protocol.file_line(mode, size, name)[:-1]) == FileComes(mode, size, name)
    assert scp_protocol.read(scp_protocol.folder_line(mode, name)[:-1]) == FolderBegins(mode, name)


def test_times_before_1970_are_sent_as_1970() -> None:
    assert scp_protocol.times_line(-5.0, 1.9) == b"T0 0 1 0\n"


def test_a_problem_is_one_line_that_no_terminal_obeys() -> None:
    assert scp_protocol.problem("a\nb\x1b[2J") == b"\x01scp: a\\x0ab\\x1b[2J\n"


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("scp -t datasets", ScpCall(True, (b"datasets",))),
        ("scp -v -r -p -d -t -- -odd", ScpCall(True, (b"-odd",), True, True, True)),
        ("scp -pf x", ScpCall(False, (b"x",), preserve=True)),
        ("scp -f a b*", ScpCall(False, (b"a", b"b*"))),
        ("scp -q -f ~/x", ScpCall(False, (b"/x",))),
        ("scp -f ~", ScpCall(False, (b"/",))),
        ("scp -f ~other", ScpCall(False, (b"~other",))),
    ],
)
def test_the_other_end_of_scp_is_understood(line: str, call: ScpCall) -> None:
    assert scp_words.read(line.split()) == call


@pytest.mark.parametrize(
    "line",
    [
        "scp",
        "scp a b",
        "scp -t",
        "scp -t a b",
        "scp -f",
        "scp -t -f a",
        "scp -S sh -t a",
        "scp -t -oX=y a",
        "scp -3 -f a",
    ],
)
def test_any_other_command_line_is_refused(line: str) -> None:
    with pytest.raises(UsageError):
        scp_words.read(line.split())
