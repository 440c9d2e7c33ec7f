"""The bytes of one terminal UI, to and fro between its pseudo-terminal and a channel, neither ahead of its reader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from tovi_server.receivers.pseudo_terminal import PseudoTerminal
from tovi_server.receivers.tui_restore import Restorer

_MOST_KEYS: Final = 64 * 1024
"""Typed, and not yet read by the program; beyond it nothing is taken from the client."""
_BEHIND_S: Final = 0.25
"""A client that does not read for so long is told of; every large picture takes a moment."""
_MOST_LAST_WORDS: Final = 256 * 1024


class Screen(Protocol):
    """The client's side: a channel."""

    def write(self, data: bytes) -> None:
        """Raises OSError when nobody is there any more."""
        ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    @property
    def backlog_bytes(self) -> int:
        """Written, and not yet known to have arrived."""
        ...


class Pump:
    """Works until `close`. `on_behind` is told when the client stops reading, and when it reads on."""

    def __init__(self, terminal: PseudoTerminal, screen: Screen, *, on_behind: Callable[[bool], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._terminal = terminal
        self._screen = screen
        self._on_behind = on_behind
        self._restorer = Restorer()
        self._keys = bytearray()
        self._is_held_up = False
        self._is_behind = False
        self._is_closed = False
        self._soon_behind: asyncio.TimerHandle | None = None
        self._loop.add_reader(terminal.ours, self._show)

    def typed(self, data: bytes) -> None:
        """Keys from the client."""
        if self._is_closed:
            return
        if not self._keys:
            self._loop.add_writer(self._terminal.ours, self._pass_keys)
        self._keys += data
        self._pass_keys()
        if len(self._keys) > _MOST_KEYS:
            self._screen.pause_reading()

    def pause(self) -> None:
        """The client does not keep up, or keys are exchanged with it: the program has to wait."""
        if not self._is_held_up and not self._is_closed:
            self._is_held_up = True
            self._loop.remove_reader(self._terminal.ours)
            self._soon_behind = self._loop.call_later(_BEHIND_S, self._look_behind)

    def resume(self) -> None:
        if self._is_held_up and not self._is_closed:
            self._is_held_up = False
            self._stop_looking()
            self._loop.add_reader(self._terminal.ours, self._show)
            self._tell_behind(False)

    def close(self) -> bytes:
        """Stop; what there is to be shown at the end, the program's last words first."""
        self._is_closed = True
        self._loop.remove_reader(self._terminal.ours)
        self._loop.remove_writer(self._terminal.ours)
        self._stop_looking()
        return self._last_words() + self._restorer.restoring()

    def _show(self) -> None:
        data = self._terminal.read()
        if data is None:
            return
        if not data:
            self._loop.remove_reader(self._terminal.ours)  # its end is told by the program's
            return
        self._restorer.shown(data)
        try:
            self._screen.write(data)
        except OSError:
            return  # who runs this is told that the client is gone

    def _pass_keys(self) -> None:
        had_too_many = len(self._keys) > _MOST_KEYS
        del self._keys[: self._terminal.write(self._keys)]
        if not self._keys:
            self._loop.remove_writer(self._terminal.ours)
        if had_too_many and len(self._keys) <= _MOST_KEYS:
            self._screen.resume_reading()

    def _look_behind(self) -> None:
        if self._screen.backlog_bytes:
            self._tell_behind(True)

    def _stop_looking(self) -> None:
        if self._soon_behind is not None:
            self._soon_behind.cancel()
            self._soon_behind = None

    def _tell_behind(self, is_behind: bool) -> None:
        if is_behind != self._is_behind:
            self._is_behind = is_behind
            self._on_behind(is_behind)

    def _last_words(self) -> bytes:
        """Of a program that has ended. A client that did not read until now is spared them."""
        said = bytearray()
        while not self._is_held_up and len(said) < _MOST_LAST_WORDS and (data := self._terminal.read()):
            said += data
        self._restorer.shown(bytes(said))
        return bytes(said)
