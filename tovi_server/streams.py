"""Where a command's words come from and its output goes: what receivers give to front ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from tovi_server.api import ManagerAPI


class Streams(Protocol):
    """Standard input, output and error of one command, and what is known of its terminal."""

    @property
    def columns(self) -> int | None:
        """The terminal's width; None when there is no terminal."""
        ...

    @property
    def colour(self) -> bool:
        """Whether output may be coloured: there is a terminal, and no NO_COLOR."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """The allowed part of the client's environment, e.g. LANG, TZ."""
        ...

    @property
    def stdin_is_terminal(self) -> bool: ...

    def read(self) -> AsyncIterator[bytes]:
        """Standard input in pieces, until its end. Raises ConnectionError when the client went away before."""
        ...

    async def write(self, data: bytes) -> None:
        """Send to standard output, waiting while the client does not read. Lines end in `\\n`."""
        ...

    async def write_error(self, data: bytes) -> None: ...


RunCommand = Callable[[ManagerAPI, Sequence[str], Streams], Awaitable[int]]
"""Runs the words of one command line and returns its exit status."""
