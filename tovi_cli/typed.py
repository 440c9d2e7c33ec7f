"""Short texts that come from standard input."""

from __future__ import annotations

from collections.abc import Sequence

from tovi_cli.call import Call
from tovi_server.core.errors import UsageError

LONGEST_KEY = 16 * 1024
"""Bytes; an RSA key of 16384 bits takes less than 3,000."""


async def key_line(call: Call, words: Sequence[str]) -> str:
    """A public key from the words, or from standard input without any. Raises UsageError: it is not one line."""
    text = " ".join(words) if words and tuple(words) != ("-",) else await _read(call)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) != 1:
        raise UsageError(f"a key is one line, and there are {len(lines)}", hint="for instance `… < id_ed25519.pub`")
    return lines[0]


async def _read(call: Call) -> str:
    data = bytearray()
    async for piece in call.source("-"):
        data += piece
        if len(data) > LONGEST_KEY:
            raise UsageError("that is too long for a public key", why=f"it has more than {LONGEST_KEY} bytes")
    return data.decode("utf-8", "replace")
