"""The caller's files, as over SFTP."""

from __future__ import annotations

import asyncio

from tovi_server.core import views
from tovi_server.manager import projects
from tovi_server.manager.desk import Desk


async def list_files(desk: Desk, path: str, *, after: str | None, limit: int) -> views.FilePage:
    me = await projects.me(desk)
    return await asyncio.to_thread(desk.files.list_files, me, path, after=after, limit=limit)


async def read_file(desk: Desk, path: str, *, start: int, length: int) -> views.FilePart:
    me = await projects.me(desk)
    return await asyncio.to_thread(desk.files.read_file, me, path, start=start, length=length)


async def remove_file(desk: Desk, path: str) -> None:
    me = await projects.me(desk)
    await asyncio.to_thread(desk.files.remove_file, me, path)


async def rename_file(desk: Desk, path: str, *, to: str) -> None:
    me = await projects.me(desk)
    await asyncio.to_thread(desk.files.rename_file, me, path, to)
