"""What is put back on a terminal, by what was shown on it."""

from __future__ import annotations

import pyte
import pytest

from tests.tui.terminal import PersonalScreen
from tovi_server.receivers.tui_restore import Restorer

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


def restoring(*pieces: bytes) -> bytes:
    restorer = Restorer()
    for piece in pieces:
        restorer.shown(piece)
    return restorer.restoring()


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param((ENTER + b"picture",), id="in one piece"),
        pytest.param((b"x\x1b[?10", b"49hpicture"), id="cut in the middle"),
        pytest.param(tuple(bytes([byte]) for byte in ENTER), id="byte by byte"),
        pytest.param((ENTER + LEAVE + ENTER,), id="entered again"),
    ],
)
def test_a_screen_that_is_still_there_is_left_with_its_keyboard(pieces: tuple[bytes, ...]) -> None:
    assert b"\x1b[<u" + LEAVE in restoring(*pieces)


@pytest.mark.parametrize("pieces", [(b"words",), (ENTER + b"picture" + LEAVE,), (ENTER, b"\x1b[?1049", b"l")])
def test_a_screen_that_was_left_is_not_left_again(pieces: tuple[bytes, ...]) -> None:
    """That would move the cursor, and take a keyboard mode from a shell that has one."""
    assert LEAVE not in restoring(*pieces)
    assert b"\x1b[<u" not in restoring(*pieces)


def test_every_mode_is_off_and_the_cursor_is_there() -> None:
    screen = PersonalScreen(80, 24)
    stream = pyte.ByteStream(screen)
    modes = (1000, 1002, 1003, 1004, 1006, 1015, 1016, 1049, 2004, 2026, 2048)
    switched_on = b"".join(b"\x1b[?%dh" % mode for mode in modes) + b"\x1b[?7l\x1b[?25l\x1b[31m"
    stream.feed(switched_on + restoring(switched_on))
    assert {mode for mode, is_on in screen.modes.items() if is_on} == {7, 25}
    assert not screen.cursor.hidden
    assert screen.cursor.attrs.fg == "default"


def test_a_title_that_was_cut_is_ended() -> None:
    screen = pyte.Screen(80, 24)
    stream = pyte.ByteStream(screen)
    shown = ENTER + b"\x1b]2;half a tit"
    stream.feed(shown + restoring(shown) + b"why it ended")
    assert "why it ended" in screen.display[0]
