"""Names that attack a terminal, a table or a program that reads its output; and harmless ones of the same width."""

from __future__ import annotations

import zlib
from typing import Final

from tovi_server.core import cells
from tovi_server.core.safe import safe_line

CORPUS: Final = (
    "\x1b]0;pwned\x07",
    "\x1b[2J\x1b[H",
    "\x1b]52;c;cHduZWQ=\x07",
    "\x1bP+q544e\x1b\\",
    "\x9b31mred",
    "\x1b]8;;file:///etc/passwd\x1b\\click\x1b]8;;\x1b\\",
    "a\r\nb\x08\x08\x7f",
    "\u202egpj.exe",
    "[bold red on white]markup[/][@click=app.quit]x[/]",
    "zero\u200bwidth\u2066",
    "e\u0301\u0301\u0301\u0301",
    "\udce9\udcff",
    "\x1b[?1049l\x1b[?1003h",
    "\x00\x05\x0e\x0f",
    "$(reboot)`id`\\",
    "星\x1b[31m系",
)


class Hostile:
    """Gives each name one of the corpus behind its first letters; always the same for the same name."""

    def __init__(self, turn: int) -> None:
        self._turn = turn

    def __call__(self, name: str) -> str:
        return name[:2] + CORPUS[(zlib.crc32(name.encode()) + self._turn) % len(CORPUS)]


class Harmless(Hostile):
    """The same names with letters in the place of the attacks, so that all stands where it stood."""

    def __call__(self, name: str) -> str:
        hostile = safe_line(super().__call__(name))
        return name[:2] + "x" * (cells.width(hostile) - cells.width(name[:2]))
