"""Where the text of an editor comes from and goes to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from tovi_server.api import ManagerAPI
from tovi_server.core.errors import InvalidSpecError, NotFoundError
from tovi_server.core.ids import parse_reference
from tovi_server.core.yaml_reader import LARGEST_BYTES
from tovi_tui.file_reader import read
from tovi_tui.text.span import Span, Tone, line

EXAMPLES: Final = (line(Span("A job such as 12, or a file of yours such as home/tovi.yaml", Tone.DIM)),)
PAUSE_S: Final = 0.5
"""After the last key what was written is looked through."""


async def sent(text: str) -> AsyncIterator[bytes]:
    """As the manager takes it."""
    yield text.encode()


async def spec_text(manager: ManagerAPI, named: str) -> str:
    """The tovi.yaml of a job, by its id, or a file, by its path.

    Raises:
        NotFoundError: there is none, or the caller may not see it.
        InvalidSpecError: it cannot be one.
    """
    return await (_of_job if named[0].isdecimal() and "/" not in named else _of_file)(manager, named)


async def _of_job(manager: ManagerAPI, named: str) -> str:
    job = (await manager.show(parse_reference(named), limit=1)).job
    if job.spec is None:
        raise NotFoundError(f"job {job.id} shows you no tovi.yaml", why="it is somebody else's")
    return job.spec


async def _of_file(manager: ManagerAPI, path: str) -> str:
    data, size = await read(manager, path, start=0, length=LARGEST_BYTES)
    if size > LARGEST_BYTES:
        raise InvalidSpecError(f"{path} has {size} bytes", why=f"a job file has at most {LARGEST_BYTES}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidSpecError(f"{path} is not UTF-8 text", why=f"byte {error.start} is not") from error
