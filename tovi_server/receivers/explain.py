"""Why a file operation failed, in words for the person at the other end."""

from __future__ import annotations

import errno
import os
from typing import Final

_EXPLAINED: Final = {errno.ENOSPC: "the server's disk is full", errno.EDQUOT: "a quota of the server's disk is used up"}


def explanation(error: OSError) -> str | None:
    """What the error's number alone does not say; None when it says it all."""
    number = error.errno or 0
    if error.strerror and error.strerror != os.strerror(number):
        return error.strerror
    return _EXPLAINED.get(number)


def in_words(error: OSError) -> str:
    """The same, or what the system calls it."""
    return explanation(error) or error.strerror or str(error)
