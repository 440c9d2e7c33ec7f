"""News for a whole session: the stream is followed again, and what it may have missed meanwhile is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.fakes_manager import FakeManager
from tovi_server.core.errors import UnavailableError
from tovi_server.core.views import News
from tovi_tui import feed


class Streams(FakeManager):
    """Each call of `news` gives the next of these, which then breaks off."""

    def __init__(self, *streams: tuple[News, ...]) -> None:
        super().__init__()
        self.streams = list(streams)

    async def news(self) -> AsyncIterator[News]:
        for one in self.streams.pop(0):
            yield one
        if not self.streams:
            await asyncio.Event().wait()
        raise UnavailableError("the database cannot be used now")


async def told(manager: Streams, count: int) -> list[News]:
    heard: list[News] = []
    enough = asyncio.Event()

    def tell(news: News) -> None:
        heard.append(news)
        if len(heard) == count:
            enough.set()

    following = asyncio.create_task(feed.follow(manager, tell))
    async with asyncio.timeout(5):
        await enough.wait()
    following.cancel()
    return heard


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "RETRY_S", 0)


async def test_the_first_piece_of_all_tells_nothing() -> None:
    assert await told(Streams((News(None), News((12,)))), 1) == [News((12,))]


async def test_a_stream_that_is_followed_again_may_have_missed_anything() -> None:
    manager = Streams((News(None), News((12,))), (News(None), News((13,))))
    assert await told(manager, 3) == [News((12,)), News(None), News((13,))]


async def test_so_may_one_that_did_not_begin_at_first() -> None:
    assert await told(Streams((), (News(None),)), 1) == [News(None)]
