"""What can happen to a request. A test programs these: `proxy.program(faults.reset, verb="create", what="pods")`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.fault_proxy import answers
from tests.fault_proxy.exchange import Answer, Exchange, ResetError, Reshape
from tests.fault_proxy.requests import Request

Fault = Callable[[Exchange], Awaitable[web.StreamResponse]]


async def passed(exchange: Exchange) -> web.StreamResponse:
    """Nothing happens to it; in front of another fault, that one begins later."""
    if exchange.request.is_followed:
        return await exchange.relay()
    return await exchange.answer(await exchange.forward())


def refused(answer: Answer | Callable[[Request], Answer]) -> Fault:
    """It has no effect and is answered so, as with `refused(answers.too_many(3))` or `refused(answers.conflict)`."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        return await exchange.answer(answer(exchange.request) if callable(answer) else answer)

    return fault


async def reset(_: Exchange) -> web.StreamResponse:
    """Its connection is reset, and it has no effect."""
    raise ResetError


async def reset_after_effect(exchange: Exchange) -> web.StreamResponse:
    """It has its effect, and its connection is reset instead of an answer."""
    await exchange.forward()
    raise ResetError


async def reset_in_answer(exchange: Exchange) -> web.StreamResponse:
    """It has its effect, and of the answer only the first half of the body arrives."""
    answer = await exchange.forward()
    return await exchange.answer(answer, cut_after=len(answer.body) // 2)


async def silence_after_effect(exchange: Exchange) -> web.StreamResponse:
    """It has its effect, and there is no answer until the client gives up."""
    await exchange.forward()
    return await silence(exchange)


async def silence(_: Exchange) -> web.StreamResponse:
    """It has no effect, and there is no answer until the client gives up."""
    await asyncio.Event().wait()
    raise AssertionError("nobody ends this wait but by cancelling it")


def answered_after_effect(answer: Answer) -> Fault:
    """It has its effect, and is answered as if it had failed."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        await exchange.forward()
        return await exchange.answer(answer)

    return fault


def slow(seconds: float) -> Fault:
    """It has its effect, and the answer comes late."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await passed(exchange)

    return fault


def told(reshape: Reshape) -> Fault:
    """A watch tells other than what happens, by one of the functions in `events`."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        return await exchange.relay(reshape)

    return fault


async def watch_is_too_old(exchange: Exchange) -> web.StreamResponse:
    """A watch is refused with 410, as for a version that the API server has forgotten."""
    return await exchange.answer(answers.gone())
