"""Keys and the size of the window come to the event loop: nothing wakes while nobody types, and no change is missed.

Textual's own driver looks for keys in a thread, ten times a second, and a loop that sleeps may not see its signal.
"""

from __future__ import annotations

import asyncio
import os
import signal
from codecs import getincrementaldecoder
from collections.abc import Iterable
from typing import Final

from textual import constants
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

_PIECE_BYTES: Final = 4096
_ALONE_S: Final = constants.ESCAPE_DELAY + 0.01
"""An escape that nothing follows for so long is the key of that name."""


class LoopDriver(LinuxDriver):
    """To be started and stopped from within the loop."""

    def __init__(
        self, app: App[object], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._parser = XTermParser(debug)
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._alone: asyncio.TimerHandle | None = None

    def start_application_mode(self) -> None:
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual leaves it out
        resized = signal.getsignal(signal.SIGWINCH)
        if callable(resized):  # else it is in the background, and begins when it comes to the front
            self._loop.add_reader(self.fileno, self._read)
            self._loop.add_signal_handler(signal.SIGWINCH, resized, signal.SIGWINCH, None)

    def run_input_thread(self) -> None:
        """There is nothing to do in a thread."""

    def disable_input(self) -> None:
        self._loop.remove_reader(self.fileno)
        self._loop.remove_signal_handler(signal.SIGWINCH)
        super().disable_input()

    def _read(self) -> None:
        try:
            data = os.read(self.fileno, _PIECE_BYTES)
        except OSError:
            data = b""
        if not data:  # the terminal is gone, of which a signal tells too
            self._loop.remove_reader(self.fileno)
        if text := self._decoder.decode(data):
            self._process(self._parser.feed(text))
            self._wait_for_more()

    def _wait_for_more(self) -> None:
        if self._alone is not None:
            self._alone.cancel()
        self._alone = self._loop.call_later(_ALONE_S, lambda: self._process(self._parser.tick()))

    def _process(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.process_message(message)
