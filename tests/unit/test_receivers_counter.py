"""Counting claims: within one process, and over sockets to the one who counts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from tovi_server.core.errors import UnavailableError
from tovi_server.receivers.counter import Claim, LocalCounter
from tovi_server.receivers.counter_link import CounterServer, RemoteCounter

ALICE = Claim("user", "alice", 2)
BOB = Claim("user", "bob", 1)


class Parent:
    """Who counts, and the receivers that ask."""

    def __init__(self) -> None:
        self.server = CounterServer()
        self.receivers: list[RemoteCounter] = []

    async def receiver(self) -> RemoteCounter:
        here, there = socket.socketpair()
        await self.server.attach(there)
        self.receivers.append(await RemoteCounter.connect(here))
        return self.receivers[-1]


@pytest.fixture
async def parent() -> AsyncIterator[Parent]:
    parent = Parent()
    yield parent
    parent.server.close()
    for receiver in parent.receivers:
        receiver.close()
    await asyncio.sleep(0)


async def test_a_claim_is_granted_up_to_its_limit() -> None:
    counter = LocalCounter()

    assert [await counter.acquire(ALICE) for _ in range(3)] == [None, None, ALICE]


async def test_a_released_claim_can_be_taken_again() -> None:
    counter = LocalCounter()
    await counter.acquire(BOB)
    counter.release(BOB)

    assert await counter.acquire(BOB) is None


async def test_several_claims_are_all_granted_or_none() -> None:
    counter = LocalCounter()
    await counter.acquire(BOB)

    assert await counter.acquire(ALICE, BOB) == BOB
    assert [await counter.acquire(ALICE) for _ in range(3)] == [None, None, ALICE]


async def test_what_one_receiver_holds_counts_for_the_others(parent: Parent) -> None:
    one, other = await parent.receiver(), await parent.receiver()
    await one.acquire(BOB)

    assert await other.acquire(ALICE, BOB) == BOB


async def test_a_receiver_that_ends_frees_all_it_held(parent: Parent) -> None:
    one, other = await parent.receiver(), await parent.receiver()
    await one.acquire(BOB)
    one.close()
    async with asyncio.timeout(5):
        while await other.acquire(BOB):
            await asyncio.sleep(0)

    assert await other.acquire(BOB) == BOB


async def test_questions_asked_at_once_get_their_own_answers(parent: Parent) -> None:
    counter = await parent.receiver()
    claims = [Claim("user", str(n % 5), 1) for n in range(50)]

    answers = await asyncio.gather(*(counter.acquire(claim) for claim in claims))

    assert answers == [None] * 5 + claims[5:]


async def test_a_cancelled_question_holds_nothing(parent: Parent) -> None:
    counter = await parent.receiver()
    asking = asyncio.create_task(counter.acquire(BOB))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    async with asyncio.timeout(5):
        while await counter.acquire(BOB):
            await asyncio.sleep(0)

    assert asking.cancelled()


async def test_without_the_parent_nobody_is_let_in(parent: Parent) -> None:
    counter = await parent.receiver()
    asking = asyncio.create_task(counter.acquire(BOB))
    await asyncio.sleep(0)
    parent.server.close()

    with pytest.raises(UnavailableError):
        await asking
    with pytest.raises(UnavailableError):
        await counter.acquire(BOB)
