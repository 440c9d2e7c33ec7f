"""A line that is dialled again: not at once, not twice at a time, and with pauses that grow."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from tovi_cli import redial
from tovi_cli.redial import RedialedLine
from tovi_server.api import ManagerAPI
from tovi_server.api_connection import Connection
from tovi_server.core.errors import UnavailableError


class Calls:
    """In place of a Connection."""

    is_lost = False

    async def ask(self, verb: object, **arguments: object) -> str:
        await asyncio.sleep(0)
        return "answer"


class Exchange:
    """Where it is dialled."""

    def __init__(self) -> None:
        self.dials = self.hung_up = 0
        self.is_down = False
        self.last = Calls()

    @asynccontextmanager
    async def dial(self) -> AsyncIterator[Connection]:
        self.dials += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise UnavailableError(f"dial {self.dials} failed")
        self.last = Calls()
        yield cast("Connection", self.last)
        self.hung_up += 1


async def test_calls_at_once_share_one_dial() -> None:
    exchange = Exchange()
    line = RedialedLine(exchange.dial)
    await asyncio.gather(*(line.ask(ManagerAPI.me) for _ in range(20)))
    assert exchange.dials == 1
    await line.close()
    assert exchange.hung_up == 1


async def test_a_lost_line_is_dialled_again_and_the_old_one_hung_up() -> None:
    exchange = Exchange()
    line = RedialedLine(exchange.dial)
    await line.ask(ManagerAPI.me)
    exchange.last.is_lost = True
    await line.ask(ManagerAPI.me)
    assert (exchange.dials, exchange.hung_up) == (2, 1)
    await line.close()


async def test_what_is_not_dialled_again_yet_fails_as_the_last_dial_did() -> None:
    exchange = Exchange()
    exchange.is_down = True
    line = RedialedLine(exchange.dial)
    for _ in range(3):
        with pytest.raises(UnavailableError, match="dial 1 failed"):
            await line.ask(ManagerAPI.me)


async def test_pauses_grow_to_their_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = Exchange()
    exchange.is_down = True
    line = RedialedLine(exchange.dial)
    now = 1000.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    at: list[float] = []
    while len(at) < 8:
        dials = exchange.dials
        with pytest.raises(UnavailableError):
            await line.ask(ManagerAPI.me)
        if exchange.dials > dials:
            at.append(now)
        now += 0.5
    pauses = [second - first for first, second in itertools.pairwise(at)]
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert redial.LONGEST_PAUSE_S == 30
