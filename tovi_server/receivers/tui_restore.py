"""Putting a terminal back as it was, whatever the program on it could still do about that."""

from __future__ import annotations

from typing import Final

_ENTER: Final = b"\x1b[?1049h"
_LEAVE: Final = b"\x1b[?1049l"

_END_STRING: Final = b"\x1b\\"
"""Ends a title or the like that was cut in the middle; means nothing elsewhere."""
_LEAVE_SCREEN: Final = b"\x1b[<u" + _LEAVE
"""The keyboard's mode belongs to the alternate screen, so it goes first."""
_MODES_OFF: Final = b"".join(
    b"\x1b[?%dl" % mode
    for mode in (
        *(2026, 2048, 2004),  # frames drawn as one; sizes in the input; pastes in brackets
        *(1016, 1015, 1006, 1003, 1002, 1000, 1004),  # the mouse; focus
    )
)
_USUAL: Final = b"\x1b[?7h\x1b[?25h\x1b[0m"
"""Lines wrap, the cursor is there, and nothing is coloured."""


class Restorer:
    """Looks at what is shown, to know what there is to put back."""

    def __init__(self) -> None:
        self._in_screen = False
        self._tail = b""

    def shown(self, data: bytes) -> None:
        text = self._tail + data
        entered, left = text.rfind(_ENTER), text.rfind(_LEAVE)
        if entered != left:
            self._in_screen = entered > left
        self._tail = text[1 - len(_ENTER) :]

    def restoring(self) -> bytes:
        """To be shown at the end. Leaving a screen that was left already would move the cursor to where it once was."""
        screen = _END_STRING + _LEAVE_SCREEN if self._in_screen else b""
        return screen + _MODES_OFF + _USUAL
