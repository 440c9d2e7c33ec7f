"""Other people's bytes never become escape sequences: what reaches a real terminal is the same for any names."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from functools import cache

import pytest

SEQUENCE = re.compile(
    rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC
    rb"|\x1b[PX^_][^\x1b]*\x1b\\"  # DCS, SOS, PM, APC
    rb"|\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    rb"|\x1b[^\[\]PX^_]"
)
PLACED = re.compile(rb"\x1b\[\d+(;\d+)?H")
SGR = re.compile(rb"\x1b\[([0-9;]*)m")
CHANGE = re.compile(rb"[34]8;2;\d+;\d+;\d+|[34]8;5;\d+|\d+")
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


@cache
def _on_terminal(*arguments: str) -> bytes:
    """All that a program writes to a terminal of 100 by 30."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    child = subprocess.Popen([sys.executable, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    data = b""
    try:
        while piece := os.read(ours, 65536):
            data += piece
    except OSError:  # the child is gone
        pass
    os.close(ours)
    assert child.wait(timeout=60) == 0, data.decode(errors="replace")[-2000:]
    return data


def _sequences(data: bytes) -> set[bytes]:
    """Where things stand, and which colours come together, is not compared: what is drawn at once depends on time."""
    return {part for sequence in SEQUENCE.findall(data) for part in _parts(PLACED.sub(b"(placed)", sequence))}


def _parts(sequence: bytes) -> list[bytes]:
    """A change of colours and the like (SGR) in its single changes, anything else as it is."""
    found = SGR.fullmatch(sequence)
    return [sequence] if found is None else CHANGE.findall(found[1])


@pytest.mark.parametrize("turn", range(4))
def test_hostile_names_send_the_sequences_of_harmless_ones(turn: int) -> None:
    hostile, harmless = (
        _on_terminal("-m", "tests.tui.wire_app", names, str(turn)) for names in ("hostile", "harmless")
    )
    assert _sequences(hostile) == _sequences(harmless)


@pytest.mark.parametrize("turn", range(4))
def test_between_the_sequences_is_text_alone(turn: int) -> None:
    data = _on_terminal("-m", "tests.tui.wire_app", "hostile", str(turn))
    text = SEQUENCE.sub(b"", data).decode()
    assert CONTROLS.findall(text) == []
