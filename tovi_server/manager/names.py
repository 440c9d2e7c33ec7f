"""Which texts may name things: refused are characters that could hurt whoever reads them on a terminal later."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tovi_server.api import SubmitOptions
from tovi_server.core.errors import UsageError
from tovi_server.core.safe import safe, safe_line

LONGEST_NAME: Final = 200
LONGEST_NOTE: Final = 4000
MOST_TAGS: Final = 32

_ACCOUNT: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)


def need_good_options(options: SubmitOptions) -> None:
    """Raises:
    UsageError: a text in the options is too long or has control characters.
    """
    lines = {"project": options.project, "name": options.name, "queue": options.queue, "key": options.key}
    for what, text in lines.items():
        if text is not None:
            need_good_line(what, text)
    need_good_tags(options.tags)
    need_good_note(options.note)


def need_good_tags(tags: Sequence[str]) -> None:
    """Raises:
    UsageError: they are too many, or one is not as `need_good_line` wants it.
    """
    for tag in tags:
        need_good_line("tag", tag)
    if len(tags) > MOST_TAGS:
        raise UsageError(f"{len(tags)} tags are too many", why=f"a job has at most {MOST_TAGS}")


def need_good_line(what: str, text: str) -> None:
    """Raises:
    UsageError: the text is empty, too long or has control characters.
    """
    if not 0 < len(text) <= LONGEST_NAME:
        raise UsageError(f"the {what} has {len(text)} characters", why=f"it may have 1 to {LONGEST_NAME}")
    if safe_line(text) != text:
        raise UsageError(f'the {what} "{safe_line(text)}" has control characters', why="they would reach terminals")


def need_good_note(text: str) -> None:
    """As `need_good_line`, for texts that may have several lines or be empty."""
    if len(text) > LONGEST_NOTE:
        raise UsageError(f"the note has {len(text)} characters", why=f"it may have at most {LONGEST_NOTE}")
    if safe(text) != text:
        raise UsageError("the note has control characters", why="they would reach terminals")


def need_account_name(what: str, name: str) -> None:
    """What users and projects are called.

    Raises:
        UsageError: it is of another form.
    """
    if _ACCOUNT.fullmatch(name) is None:
        raise UsageError(
            f'"{safe_line(name[:LONGEST_NAME])}" is no name for a {what}',
            why="it starts with a small letter or _, and has at most 32 small letters, digits, _ and -",
        )
