"""Logs through ManagerAPI: of one task and of many, what is there and what is yet to come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.manager_doorways import Doorway
from tests.manager_house import House, attempt_of, open_house, submitted
from tovi_server.api import LogOptions, ManagerAPI
from tovi_server.core.access import Role
from tovi_server.core.errors import NotFoundError
from tovi_server.core.ids import parse_reference
from tovi_server.core.reasons import EndReason
from tovi_server.core.views import LogPiece
from tovi_server.manager import log_follow

DEADLINE_S = 10
FOLLOW = LogOptions(follow=True)


pytest_plugins = ("tests.contract.doorways",)


@pytest.fixture
async def house(tmp_path: Path, doorway: Doorway) -> AsyncIterator[House]:
    async with open_house(tmp_path, doorway) as opened:
        yield opened


@pytest.fixture
async def ada(house: House) -> ManagerAPI:
    return await house.person("ada")


def _logs(api: ManagerAPI, what: str, options: LogOptions = FOLLOW) -> AsyncIterator[LogPiece]:
    return api.logs(parse_reference(what), options)


async def _all(api: ManagerAPI, what: str, options: LogOptions = FOLLOW) -> bytes:
    async with asyncio.timeout(DEADLINE_S):
        return b"".join([piece.data async for piece in _logs(api, what, options)])


async def _next(pieces: AsyncIterator[LogPiece]) -> bytes:
    async with asyncio.timeout(DEADLINE_S):
        return (await anext(pieces)).data


async def _started(house: House, task: str, number: int = 1) -> str:
    await house.dispatch(task)
    await house.start(attempt_of(f"{task}/{number}"))
    return f"{task}/{number}"


async def test_a_job_that_never_ran_has_no_log(ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x")
    assert await _all(ada, str(job), LogOptions()) == b""


async def test_of_a_finished_task_the_newest_attempt_is_told(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x\nretries: 1")
    for number, reason in ((1, EndReason.ERROR), (2, EndReason.OK)):
        house.files.logs.write(attempt_of(f"{job}.main.0/{number}"), f"try {number}\n".encode())
        await house.run(f"{job}.main.0", reason, 0)
    assert await _all(ada, str(job), LogOptions()) == b"try 2\n"
    assert await _all(ada, str(job), LogOptions(attempt=1)) == b"try 1\n"
    assert await _all(ada, f"{job}.main.0/1", LogOptions()) == b"try 1\n"
    with pytest.raises(NotFoundError, match="tried 2 times"):
        await _all(ada, str(job), LogOptions(attempt=3))


async def test_following_tells_what_was_there_and_what_comes_until_the_end(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x")
    attempt = attempt_of(await _started(house, f"{job}.main.0"))
    house.files.logs.write(attempt, b"one\n")
    pieces = _logs(ada, str(job))
    assert await _next(pieces) == b"one\n"
    house.files.logs.write(attempt, b"two\n")
    assert await _next(pieces) == b"two\n"
    house.files.logs.write(attempt, b"three")
    await house.end(attempt)
    assert await _next(pieces) == b"three"
    assert [piece async for piece in pieces] == []


async def test_a_burst_before_the_end_is_told_whole(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x")
    attempt = attempt_of(await _started(house, f"{job}.main.0"))
    house.files.logs.write(attempt, b"one\n")
    pieces = _logs(ada, str(job))
    assert await _next(pieces) == b"one\n"
    house.files.logs.write(attempt, b"x" * 300_000)
    await house.end(attempt)
    assert sum([len(piece.data) async for piece in pieces]) == 300_000


async def test_following_starts_before_the_job_does(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x")
    pieces = _logs(ada, str(job))
    first = asyncio.create_task(_next(pieces))
    await asyncio.sleep(0)
    attempt = attempt_of(await _started(house, f"{job}.main.0"))
    house.files.logs.write(attempt, b"hello\n")
    assert await first == b"hello\n"
    await pieces.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_following_goes_on_with_the_next_try(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x\nretries: 1")
    first = attempt_of(await _started(house, f"{job}.main.0"))
    pieces = _logs(ada, str(job))
    house.files.logs.write(first, b"try 1\n")
    assert await _next(pieces) == b"try 1\n"
    await house.end(first, EndReason.ERROR, 1)
    second = attempt_of(await _started(house, f"{job}.main.0", 2))
    house.files.logs.write(second, b"try 2\n")
    assert await _next(pieces) == b"try 2\n"
    await house.end(second)
    assert [piece async for piece in pieces] == []


async def test_following_one_attempt_ends_with_it(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x\nretries: 1")
    first = attempt_of(await _started(house, f"{job}.main.0"))
    house.files.logs.write(first, b"try 1\n")
    await house.end(first, EndReason.ERROR, 1)
    assert await _all(ada, str(job), LogOptions(follow=True, attempt=1)) == b"try 1\n"


async def test_following_a_job_tells_all_its_tasks(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x\narray: 0..2")
    house.files.logs.write(attempt_of(f"{job}.main.0/1"), b"zero\n")
    await house.run(f"{job}.main.0")
    pieces = _logs(ada, str(job))
    assert await _next(pieces) == b"zero\n"
    for index in (1, 2):
        attempt = attempt_of(await _started(house, f"{job}.main.{index}"))
        house.files.logs.write(attempt, b"%d\n" % index)
        await house.end(attempt)
    assert {(piece.task, piece.data) async for piece in pieces} == {
        (f"{job}.main.1", b"1\n"),
        (f"{job}.main.2", b"2\n"),
    }


async def test_following_a_stage_leaves_out_the_others(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "stages: {a: {run: x}, b: {run: x}}")
    for stage in ("a", "b"):
        house.files.logs.write(attempt_of(f"{job}.{stage}.0/1"), stage.encode())
        await house.run(f"{job}.{stage}.0")
    assert await _all(ada, f"{job}.b") == b"b"


async def test_following_with_tail_tells_the_last_lines_and_goes_on(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x")
    attempt = attempt_of(await _started(house, f"{job}.main.0"))
    house.files.logs.write(attempt, b"1\n2\n3\n")
    pieces = _logs(ada, str(job), LogOptions(follow=True, tail=1))
    assert await _next(pieces) == b"3\n"
    house.files.logs.write(attempt, b"4\n")
    assert await _next(pieces) == b"4\n"
    await pieces.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_a_cancelled_job_that_never_ran_ends_its_followers(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x")
    following = asyncio.create_task(_all(ada, str(job)))
    await asyncio.sleep(0)
    await ada.cancel((parse_reference(str(job)),))
    assert await following == b""


async def test_a_large_log_is_told_whole_and_in_small_pieces(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: x")
    whole = b"".join(b"line %d\n" % number for number in range(200_000))
    house.files.logs.write(attempt_of(f"{job}.main.0/1"), whole)
    await house.run(f"{job}.main.0")
    pieces = [piece async for piece in _logs(ada, str(job))]
    assert b"".join(piece.data for piece in pieces) == whole
    assert max(len(piece.data) for piece in pieces) <= 2 * 64 * 1024


async def test_who_was_removed_reads_on_for_seconds_at_most(
    house: House, ada: ManagerAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_follow, "ACCESS_CHECK", timedelta(milliseconds=50))
    bob = await house.person("bob")
    await ada.set_member("ada", "bob", Role.VIEWER)
    job = await submitted(ada, "run: x")
    attempt = attempt_of(await _started(house, f"{job}.main.0"))
    house.files.logs.write(attempt, b"one\n")
    pieces = _logs(bob, str(job))
    assert await _next(pieces) == b"one\n"
    await ada.remove_member("ada", "bob")
    with pytest.raises(NotFoundError):
        await _next(pieces)
