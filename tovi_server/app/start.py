"""What a part of the server is told when it begins, in a file in memory that only it has open."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

from tovi_server.core.setting import Section
from tovi_server.settings import Settings


class Kind(StrEnum):
    """What parts there are."""

    RECEIVER = "receiver"
    SCHEDULER = "scheduler"


class Start(Section):
    """Numbers are those of inherited descriptors."""

    data: Path
    settings: Settings
    link: int
    """A socket to the parent."""
    sockets: tuple[int, ...] = ()
    """What a receiver accepts connections on."""
    counter: int = -1
    """A receiver's socket to who counts connections."""

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All that are inherited."""
        return tuple(one for one in (self.link, self.counter, *self.sockets) if one >= 0)


def hand_over(start: Start) -> int:
    """A descriptor from which the part can read all of it."""
    file = os.memfd_create("tovi-start", os.MFD_CLOEXEC)
    os.write(file, start.model_dump_json().encode())
    os.lseek(file, 0, os.SEEK_SET)
    return file


def take_over(file: int) -> Start:
    """What the parent handed over. None of the descriptors goes further, to tasks for instance."""
    with open(file, "rb") as opened:
        start = Start.model_validate_json(opened.read())
    for descriptor in start.descriptors:
        os.set_inheritable(descriptor, False)
    return start
