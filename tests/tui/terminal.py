"""A person's terminal: a program on a pseudo-terminal of its own, and a screen that shows what it draws.

    with terminal(live.ssh_words(user="ada")) as person:
        person.wait_for("hello ada")
        person.keys("q")
        assert person.wait() == 0

The program is mostly a plain `ssh`, which is given `-tt` when it is named without it. Nothing is waited for by
sleeping: each wait has a deadline, and one that fails shows the screen as it was.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import pyte

DEADLINE_S: Final = 20
_PIECE_BYTES: Final = 64 * 1024


class PersonalScreen(pyte.Screen):
    """Also knows the alternate screen, which pyte does not."""

    def __init__(self, columns: int, lines: int) -> None:
        super().__init__(columns, lines)
        self.modes: dict[int, bool] = {}
        """Private modes by number, as the program left them."""

    def set_mode(self, *modes: int, **kwargs: bool) -> None:
        if kwargs.get("private"):
            self.modes.update(dict.fromkeys(modes, True))
        super().set_mode(*modes, **kwargs)

    def reset_mode(self, *modes: int, **kwargs: bool) -> None:
        if kwargs.get("private"):
            self.modes.update(dict.fromkeys(modes, False))
        super().reset_mode(*modes, **kwargs)

    def report_device_status(self, mode: int, **_: bool) -> None:
        """Not answered: the answer would be a key."""


class Terminal:
    """One program on its terminal. Not for several threads."""

    def __init__(self, words: Sequence[str], *, columns: int, lines: int, environment: Mapping[str, str]) -> None:
        self.bytes = bytearray()
        """All that was written to the terminal until now."""
        self.screen = PersonalScreen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self._ours, theirs = pty.openpty()
        self._set_size(columns, lines)
        self.program = subprocess.Popen(
            _with_terminal(words), stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.close(theirs)

    @property
    def text(self) -> str:
        """The screen, line by line, without what is empty at their ends."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def modes_on(self) -> set[int]:
        """Private modes that are switched on now, e.g. 1049 for the alternate screen, 2004 for marked pastes."""
        self.read(0)
        return {mode for mode, is_on in self.screen.modes.items() if is_on}

    def keys(self, text: str) -> None:
        """Type; special keys as a terminal sends them, e.g. `\\x1b[A`."""
        data = text.encode()
        while data:
            data = data[os.write(self._ours, data) :]

    def keys_at_once(self, data: bytes) -> int:
        """Type as much of it as the terminal takes now; how much that was."""
        os.set_blocking(self._ours, False)
        try:
            return os.write(self._ours, data)
        except BlockingIOError:
            return 0
        finally:
            os.set_blocking(self._ours, True)

    def resize(self, columns: int, lines: int) -> None:
        """Make the window another size, and tell the program."""
        self.read(0)
        self.screen.resize(lines, columns)
        self._set_size(columns, lines)
        self.program.send_signal(signal.SIGWINCH)

    def read(self, timeout_s: float) -> bool:
        """Show what there is, waiting for it so long at most; whether there was any."""
        data = self.skim(timeout_s)
        self.bytes += data
        self._stream.feed(data)
        return bool(data)

    def skim(self, timeout_s: float) -> bytes:
        """What there is, waiting for it so long at most, without showing or keeping it."""
        readable, _, _ = select.select([self._ours], [], [], timeout_s)
        try:
            return os.read(self._ours, _PIECE_BYTES) if readable else b""
        except OSError:  # Linux says EIO once the program is gone
            return b""

    def wait_for(self, text: str, deadline_s: float = DEADLINE_S) -> None:
        """Until the text is on the screen."""
        self.wait_until(lambda: text in self.text, deadline_s, what=repr(text))

    def wait_until(self, holds: Callable[[], bool], deadline_s: float = DEADLINE_S, *, what: str = "it") -> None:
        """Read on until something holds."""
        deadline = time.monotonic() + deadline_s
        while not holds():
            left_s = deadline - time.monotonic()
            if left_s <= 0 or (not self.read(min(left_s, 0.1)) and self._is_over() and not holds()):
                raise AssertionError(f"{what} was waited for; the screen is\n{self.text}\nand {self._state()}")

    def wait(self, deadline_s: float = DEADLINE_S) -> int:
        """Until the program ends by itself, showing what it still writes; its exit status."""
        deadline = time.monotonic() + deadline_s
        while self.program.poll() is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"the program goes on; the screen is\n{self.text}")
            self.read(0.05)
        while self.read(0):
            pass
        return self.program.returncode

    def close(self) -> None:
        """Drop the line: the program is killed if it is still there."""
        if self.program.poll() is None:
            self.program.send_signal(signal.SIGKILL)
            self.program.wait(DEADLINE_S)
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def _is_over(self) -> bool:
        return self.program.poll() is not None

    def _state(self) -> str:
        code = self.program.poll()
        return "the program runs" if code is None else f"the program ended with {code}"

    def _set_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


@contextlib.contextmanager
def terminal(
    words: Sequence[str],
    *,
    columns: int = 80,
    lines: int = 24,
    kind: str = "xterm-256color",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Terminal]:
    """A program on a terminal; killed at the end if it still runs. `environment` is added to a very small one."""
    small = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8", "TERM": kind}
    person = Terminal(words, columns=columns, lines=lines, environment={**small, **(environment or {})})
    try:
        yield person
    finally:
        person.close()


def _with_terminal(words: Sequence[str]) -> list[str]:
    return [words[0], "-tt", *words[1:]] if words[0] == "ssh" and "-tt" not in words else list(words)
