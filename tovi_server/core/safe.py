"""Other people's bytes made harmless for a terminal.

Guarantees of `safe`: the result has no C0 control but newline and tab, no DEL, no C1 control, no
bidirectional or zero-width control and no unpaired surrogate; each becomes a visible escape. Text without
them is returned unchanged, and `safe(safe(x)) == safe(x)`.
"""

from __future__ import annotations

import re

_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_HOSTILE_IN_LINE = re.compile(f"[\t\n]|{_HOSTILE.pattern}")


def safe(text: str) -> str:
    """The text with each hostile character as an escape such as `\\x1b`; line breaks and tabs stay."""
    return _HOSTILE.sub(_escape, text)


def safe_line(text: str) -> str:
    """As `safe`, for names and cells of tables: line breaks and tabs become escapes too."""
    return _HOSTILE_IN_LINE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    point = ord(match[0])
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
