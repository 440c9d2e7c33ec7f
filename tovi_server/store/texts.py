"""Texts that both databases can keep: no NUL, no unpaired surrogate, no more than there is room for."""

from __future__ import annotations

import re
from typing import Final

from tovi_server.core.errors import UsageError
from tovi_server.core.filters import JobFilter
from tovi_server.core.job import NewJob

MOST_IDS: Final = 1000
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def check(what: str, text: str, *, longest: int) -> str:
    """The text itself.

    Raises:
        UsageError: it is too long, or has a character that cannot be kept. `what` names it.
    """
    if len(text) > longest:
        raise UsageError(f"{what} is too long", why=f"it has {len(text)} characters, and may have {longest}")
    found = _UNSTORABLE.search(text)
    if found is not None:
        raise UsageError(
            f"{what} has a character that cannot be kept", why=f"U+{ord(found[0]):04X} at place {found.start() + 1}"
        )
    return text


def storable(text: str) -> bool:
    """Whether a text could be in the database at all."""
    return _UNSTORABLE.search(text) is None


def tame(text: str, *, longest: int) -> str:
    """The text of a program, cut and with what cannot be kept replaced: nobody is there to be told."""
    return _UNSTORABLE.sub("\ufffd", text[:longest])


def check_job(new: NewJob) -> None:
    """Raises:
    UsageError: one of the job's texts cannot be kept.
    """
    for what, text, longest in (
        ("the project's name", new.project, 64),
        ("the user's name", new.user, 64),
        ("the job's name", new.name, 256),
        ("the queue's name", new.queue, 64),
        ("the note", new.note, 16_384),
        ("the key", new.key or "", 256),
        ("the tovi.yaml", new.text, 2**20),
    ):
        check(what, text, longest=longest)
    for tag in new.tags:
        check_line("a tag", tag, longest=64)


def check_line(what: str, text: str, *, longest: int) -> str:
    """As `check`, for texts of one line."""
    if not text or len(text.splitlines()) > 1:
        raise UsageError(f"{what} is not one line of text")
    return check(what, text, longest=longest)


def check_filter(filter: JobFilter) -> None:
    """Raises:
    UsageError: it looks for a text that cannot be anywhere.
    """
    for what, text in (
        ("the user", filter.user),
        ("the project", filter.project),
        ("the queue", filter.queue),
        ("the tag", filter.tag),
        ("the name", filter.name),
    ):
        check(what, text or "", longest=1024)
    if len(filter.ids) > MOST_IDS:
        raise UsageError(f"{len(filter.ids)} ids are too many", why=f"a filter may name {MOST_IDS}")
