"""What a verb is given beside its words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter

from tovi_server.api import ManagerAPI
from tovi_server.core.errors import UsageError
from tovi_server.core.safe import safe
from tovi_server.streams import Streams

OpenFile = Callable[[str], AsyncIterator[bytes]]
"""Reads a file of the machine that the words were typed on. Raises UsageError when it cannot."""


@dataclass(frozen=True, slots=True)
class Call:
    """One command under way: in whose name, where its output goes, and when it began."""

    api: ManagerAPI
    streams: Streams
    now: datetime
    words: tuple[str, ...]
    open_file: OpenFile | None
    """None where the typed names of files mean nothing: on the server."""

    async def put(self, text: str) -> None:
        """Write data to standard output; `text` is safe already and ends its lines."""
        await self.streams.write(text.encode("utf-8", "backslashreplace"))

    async def say(self, text: str) -> None:
        """Tell the person something, on standard error, made safe."""
        await self.streams.write_error(f"{safe(text)}\n".encode("utf-8", "backslashreplace"))

    def source(self, file: str) -> AsyncIterator[bytes]:
        """The bytes of `file`, or of standard input for `-`.

        Raises:
            UsageError: nothing was piped in, or the file is out of reach.
        """
        if file != "-":
            return self._file(file)
        if self.streams.stdin_is_terminal:
            raise UsageError(
                "nothing was piped in",
                why="standard input is a terminal",
                hint=f"`… {self.words[0]} < FILE`, or `tar c . | … {self.words[0]} -`",
            )
        return self.streams.read()

    def _file(self, file: str) -> AsyncIterator[bytes]:
        if self.open_file is None:
            raise UsageError(
                f'the server cannot read "{file}" on your machine',
                why="a word that belongs to no option is a file",
                hint=f"`… {self.words[0]} < {file}`; and what has spaces is quoted twice: \"--note 'it works'\"",
            )
        return self.open_file(file)


Injected = Annotated[Call, Parameter(parse=False)]
"""The parameter of every verb that is not among its words."""

Id = Annotated[
    str, Parameter(name="ID", help="A job 12, a stage 12.train, a task 12.train.3 or an attempt 12.train.3/2.")
]
JobText = Annotated[str, Parameter(name="JOB", help="A job's id.")]
Name = Annotated[str, Parameter(name="NAME")]
