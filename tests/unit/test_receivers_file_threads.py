"""Work in threads, and what becomes of it when nobody wants it any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tovi_server.receivers.file_threads import FileThreads


@pytest.fixture
def threads() -> Iterator[FileThreads]:
    threads = FileThreads(1)
    yield threads
    threads.close()


async def test_work_gives_its_result_or_its_error(threads: FileThreads) -> None:
    def fail() -> None:
        raise FileNotFoundError("gone")

    assert await threads.run(lambda: 5) == 5
    with pytest.raises(FileNotFoundError, match="gone"):
        await threads.run(fail)


async def test_the_loop_goes_on_while_work_blocks(threads: FileThreads) -> None:
    free = threading.Event()
    task = asyncio.create_task(threads.run(free.wait))

    await asyncio.sleep(0)
    free.set()

    assert await task


async def test_who_is_cancelled_is_let_go_when_the_work_has_ended(threads: FileThreads) -> None:
    started, free = threading.Event(), threading.Event()
    undone: list[str] = []

    def work() -> str:
        started.set()
        free.wait()
        return "opened"

    task = asyncio.create_task(threads.run(work, undo=undone.append))
    await asyncio.to_thread(started.wait)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    still_waiting = not task.done()
    free.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (still_waiting, undone) == (True, ["opened"])


async def test_there_is_nothing_to_undo_of_work_that_failed(threads: FileThreads) -> None:
    started, free = threading.Event(), threading.Event()
    undone: list[str] = []

    def work() -> str:
        started.set()
        free.wait()
        raise OSError("failed")

    task = asyncio.create_task(threads.run(work, undo=undone.append))
    await asyncio.to_thread(started.wait)
    task.cancel()
    free.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert undone == []
