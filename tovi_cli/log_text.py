"""Log bytes made ready to be shown: lines, and text that a terminal can take."""

from __future__ import annotations

import codecs
import re

from tovi_server.core.safe import safe

LONGEST_LINE = 64 * 1024
"""A longer line is shown in pieces."""

_COLOUR = re.compile("\x1b\\[[0-9;:]{0,32}m")
_UNFINISHED = re.compile("(?:\x1b(?:\\[[0-9;:]{0,32})?|\r)\\Z")
RESET = "\x1b[0m"
_OFF = frozenset({RESET, "\x1b[m"})


class SafeText:
    """Turns the bytes of one log into text without control characters, but for line ends, tabs and colours.

    A carriage return alone, as progress bars use it, becomes a line end. What a piece leaves unfinished (a
    character, a colour) is kept for the next.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._rest = ""
        self._colour = RESET

    def feed(self, data: bytes) -> str:
        text = self._rest + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text)
        self._rest = unfinished[0] if unfinished else ""
        whole = text[: len(text) - len(self._rest)]
        self._colour = (_COLOUR.findall(whole) or [self._colour])[-1]
        return safe_colours(whole)

    def end(self) -> str:
        """What is left at the end of the log; a colour that it left on is switched off."""
        text, self._rest = self._rest + self._decoder.decode(b"", final=True), ""
        return safe_colours(text) + ("" if self._colour in _OFF else RESET)


def safe_colours(text: str) -> str:
    """As `core.safe`, with colour sequences (SGR) kept and carriage returns as line ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1b" not in text:
        return safe(text)
    parts = _COLOUR.split(text)
    colours = [*_COLOUR.findall(text), ""]
    return "".join(safe(part) + colour for part, colour in zip(parts, colours, strict=True))


class Lines:
    """Cuts the bytes of one log into whole lines, without their ends."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        return lines

    def end(self) -> list[bytes]:
        """The last line, when it had no end."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []
