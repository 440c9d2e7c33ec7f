"""The caller's files, as over SFTP."""

from __future__ import annotations

import asyncio

from tovi_server.core import views
from tovi_server.manager import keys, projects
from tovi_server.manager.desk import Desk
from tovi_server.manager.ports import CallerFiles


async def list_files(desk: Desk, path: str, *, after: str | None, limit: int) -> views.FilePage:
    files = await _files(desk)
    return await asyncio.to_thread(files.page, path, after=after, limit=limit)


async def read_file(desk: Desk, path: str, *, start: int, length: int) -> views.FilePart:
    files = await _files(desk)
    return await asyncio.to_thread(files.part, path, start=start, length=length)


async def remove_file(desk: Desk, path: str) -> None:
    files = await _files(desk)
    await asyncio.to_thread(files.remove, path)


async def rename_file(desk: Desk, path: str, *, to: str) -> None:
    files = await _files(desk)
    await asyncio.to_thread(files.rename, path, to)


async def _files(desk: Desk) -> CallerFiles:
    lines = "".join(f"{key.line}\n" for key in await keys.keys(desk))
    return desk.files.files_of(await projects.me(desk), authorized_keys=lines.encode())
