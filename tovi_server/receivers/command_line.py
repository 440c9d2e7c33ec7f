"""A command line as it arrives: one text, which the client made of its words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Final

from tovi_server.core.errors import UsageError

_SHOWN_COMMAND: Final = 500
_SCP_END: Final = re.compile("-[a-z]*[ft][a-z]*")
"""Among its options is the one that says that this is the other end of an scp; some programs put them together."""


def is_scp(words: Sequence[str]) -> bool:
    """Whether it is what a client's scp sends."""
    return words[0] == "scp" and any(map(_SCP_END.fullmatch, words))


def split(command: str, *, longest_bytes: int) -> list[str]:
    """The words of a command line, as a POSIX shell would split them; nothing is expanded."""
    size = len(command.encode())
    if size > longest_bytes:
        raise UsageError(f"the command line has {size} bytes", why=f"the limit is {longest_bytes}")
    try:
        return shlex.split(command)
    except ValueError as error:
        raise UsageError(
            "the command line cannot be split into words",
            why=f"{error}; it arrived as: {command[:_SHOWN_COMMAND]}",
            hint="ssh joins its arguments with spaces: quote twice, e.g. ssh HOST \"submit --note 'it works'\"",
        ) from error
