"""What screens ask the manager for: parts of logs, searches, notes, preferences."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest

from tests.manager_doorways import Doorway
from tests.manager_house import House, attempt_of, open_house, submitted
from tovi_server.api import ManagerAPI
from tovi_server.core import views
from tovi_server.core.access import Role
from tovi_server.core.closing import closed_after
from tovi_server.core.errors import DeniedError, NotFoundError, QuotaExceededError, ToviError, UsageError
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId, Reference, parse_reference
from tovi_server.core.preferences import LONGEST
from tovi_server.core.reasons import EndReason
from tovi_server.manager import log_parts

pytest_plugins = ("tests.contract.doorways",)


@pytest.fixture
async def house(tmp_path: Path, doorway: Doorway) -> AsyncIterator[House]:
    async with open_house(tmp_path, doorway) as opened:
        yield opened


@pytest.fixture
async def ada(house: House) -> ManagerAPI:
    return await house.person("ada")


def _ref(text: str | int) -> Reference:
    return parse_reference(str(text))


async def _logged(house: House, ada: ManagerAPI, data: bytes) -> Reference:
    """A task that runs and has written so much."""
    job = await submitted(ada, "run: train\n")
    await house.dispatch(f"{job}.main.0")
    await house.start(attempt_of(f"{job}.main.0/1"))
    house.files.logs.write(attempt_of(f"{job}.main.0/1"), data)
    return _ref(f"{job}.main.0")


async def _part(
    api: ManagerAPI, task: Reference, start: int, length: int, *, stream: str = "out", attempt: int | None = None
) -> views.LogPart:
    return await api.log_part(task, stream=stream, attempt=attempt, start=start, length=length)


async def test_a_part_of_a_log_is_read_wherever_it_is(house: House, ada: ManagerAPI) -> None:
    task = await _logged(house, ada, b"0123456789")
    assert await _part(ada, task, 2, 3) == views.LogPart(2, b"234", 10, is_final=False)
    assert await _part(ada, task, -4, 100) == views.LogPart(6, b"6789", 10, is_final=False)
    assert await _part(ada, task, -100, 2) == views.LogPart(0, b"01", 10, is_final=False)
    assert await _part(ada, task, 50, 2) == views.LogPart(50, b"", 10, is_final=False)


async def test_no_more_of_a_log_comes_than_one_message_may_hold(house: House, ada: ManagerAPI) -> None:
    task = await _logged(house, ada, b"x" * 600_000)
    assert len((await _part(ada, task, 0, 10**9)).data) == log_parts.MOST_BYTES


async def test_a_log_is_final_when_its_attempt_ended(house: House, ada: ManagerAPI) -> None:
    task = await _logged(house, ada, b"done\n")
    await house.end(attempt_of(f"{task}/1"))
    assert (await _part(ada, task, 0, 10)).is_final


async def test_a_task_that_was_not_tried_has_an_empty_log(ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: train\n")
    assert await _part(ada, _ref(job), 0, 10) == views.LogPart(0, b"", 0, is_final=False)


async def test_nothing_comes_any_more_of_a_task_that_will_never_be_tried(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: train\n")
    await ada.cancel((_ref(job),))
    assert await _part(ada, _ref(job), 0, 10) == views.LogPart(0, b"", 0, is_final=True)
    assert await _found(ada, _ref(job), "x") == [views.LogMatches((), 0, 0)]


async def test_the_log_of_an_earlier_attempt_is_final_and_its_own(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: train\nretries: 1\n")
    task = f"{job}.main.0"
    house.files.logs.write(attempt_of(f"{task}/1"), b"first")
    house.files.logs.write(attempt_of(f"{task}/2"), b"second")
    await house.run(task, EndReason.ERROR, 1)
    await house.dispatch(task)
    assert await _part(ada, _ref(task), 0, 10) == views.LogPart(0, b"second", 6, is_final=False)
    assert await _part(ada, _ref(task), 0, 10, attempt=1) == views.LogPart(0, b"first", 5, is_final=True)
    assert await _part(ada, _ref(f"{task}/1"), 0, 10) == views.LogPart(0, b"first", 5, is_final=True)


@pytest.mark.parametrize("start", [2**63 - 1, 10**30])
async def test_a_log_does_not_reach_that_far(house: House, ada: ManagerAPI, start: int) -> None:
    task = await _logged(house, ada, b"0123456789")
    assert (await _part(ada, task, start, 10)).data == b""
    assert (await _part(ada, task, -start, 2)).data == b"01"
    assert (await _part(ada, task, 0, -start)).data == b""
    assert await _found(ada, task, "0", start) == [views.LogMatches((), 10, 10)]
    assert await _found(ada, task, "0", -start) == [views.LogMatches((0,), 10, 10)]


async def test_logs_of_other_peoples_jobs_are_theirs(house: House, ada: ManagerAPI) -> None:
    task = await _logged(house, ada, b"secret")
    eve = await house.person("eve")
    with pytest.raises(NotFoundError):
        await _part(eve, task, 0, 10)
    with pytest.raises(NotFoundError):
        await _found(eve, task, "secret")


async def test_which_log_is_meant_must_be_said(house: House, ada: ManagerAPI) -> None:
    job = await submitted(ada, "run: train\narray: 0..9\n")
    with pytest.raises(UsageError, match="has 10 tasks"):
        await _part(ada, _ref(job), 0, 10)
    task = await _logged(house, ada, b"")
    with pytest.raises(NotFoundError, match="/7"):
        await _part(ada, task, 0, 10, attempt=7)
    with pytest.raises(NotFoundError, match="/-1"):
        await _part(ada, task, 0, 10, attempt=-1)
    with pytest.raises(UsageError, match="middle"):
        await _part(ada, task, 0, 10, stream="middle")


async def _found(api: ManagerAPI, task: Reference, text: str, start: int = 0) -> list[views.LogMatches]:
    return [one async for one in api.search_log(task, stream="out", attempt=None, text=text, start=start)]


async def test_a_search_finds_a_text_in_small_and_capital_letters(house: House, ada: ManagerAPI) -> None:
    task = await _logged(house, ada, b"an Error, no error, ERROR\n")
    assert await _found(ada, task, "error") == [views.LogMatches((3, 13, 20), 26, 26)]
    assert await _found(ada, task, "error", start=4) == [views.LogMatches((13, 20), 26, 26)]
    assert await _found(ada, task, "nothing") == [views.LogMatches((), 26, 26)]


async def test_a_search_finds_what_lies_across_the_blocks_it_reads(house: House, ada: ManagerAPI) -> None:
    at = [2**20 - 3, 16 * 2**20 - 1, 17 * 2**20]
    data = bytearray(18 * 2**20)
    for place in at:
        data[place : place + 6] = b"needle"
    task = await _logged(house, ada, bytes(data))
    batches = await _found(ada, task, "needle")
    assert [offset for batch in batches for offset in batch.offsets] == at
    assert [batch.searched_to for batch in batches] == [16 * 2**20, len(data)], "it tells how far it is"


async def test_of_very_many_matches_some_come_at_a_time(house: House, ada: ManagerAPI) -> None:
    task = await _logged(house, ada, b"x" * 2500)
    batches = await _found(ada, task, "x")
    assert [len(batch.offsets) for batch in batches] == [1000, 1000, 500]
    assert [offset for batch in batches for offset in batch.offsets] == list(range(2500))


async def test_a_search_for_nothing_is_refused(house: House, ada: ManagerAPI) -> None:
    task = await _logged(house, ada, b"x")
    with pytest.raises(UsageError, match="0 characters"):
        await _found(ada, task, "")


async def test_who_closes_a_search_ends_it(house: House, ada: ManagerAPI) -> None:
    task = await _logged(house, ada, b"x" * 5000)
    search = ada.search_log(task, stream="out", attempt=None, text="x", start=0)
    assert len((await anext(search)).offsets) == 1000
    assert isinstance(search, AsyncGenerator)
    await search.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(search)


async def test_a_note_and_tags_change_whatever_became_of_the_job(house: House, ada: ManagerAPI) -> None:
    job = JobId(await submitted(ada, "run: train\n"))
    await house.run(f"{job}.main.0")
    assert (await ada.annotate(job, note="figure 3", tags=None)).note == "figure 3"
    changed = await ada.annotate(job, note=None, tags=("paper", "v2", "paper"))
    assert (changed.note, changed.tags) == ("figure 3", ("paper", "v2"))
    assert [event.kind async for event in ada.events(_ref(job), follow=False)][-1] == "annotated"


async def test_notes_are_as_good_as_at_submission(ada: ManagerAPI) -> None:
    job = JobId(await submitted(ada, "run: train\n"))
    with pytest.raises(UsageError, match="control characters"):
        await ada.annotate(job, note="\x1b[2J", tags=None)
    with pytest.raises(UsageError, match="many"):
        await ada.annotate(job, note=None, tags=tuple(f"t{number}" for number in range(1000)))


async def test_no_job_is_noted_on_that_is_not_there(ada: ManagerAPI) -> None:
    for job in (999, 10**30):
        with pytest.raises(NotFoundError):
            await ada.annotate(JobId(job), note="x", tags=None)


async def test_those_who_follow_hear_of_notes(house: House, ada: ManagerAPI) -> None:
    job = JobId(await submitted(ada, "run: train\n"))
    news = ada.news()
    async with asyncio.timeout(20), closed_after(news):
        assert [(await anext(news)).jobs for _ in range(2)] == [None, None], "and then it is watched"
        house.rings.clear()
        await ada.annotate(job, note="figure 3", tags=None)
        assert (await anext(news)).jobs == (job,)
        assert house.rings, "and at once"


async def test_who_may_not_change_a_job_may_not_note_on_it(house: House, ada: ManagerAPI) -> None:
    bob, eve = await house.person("bob"), await house.person("eve")
    await house.project("lens", {"ada": Role.OWNER, "bob": Role.VIEWER})
    await ada.use_project("lens")
    job = JobId(await submitted(ada, "project: lens\nrun: train\n"))
    with pytest.raises(DeniedError):
        await bob.annotate(job, note="mine", tags=None)
    with pytest.raises(NotFoundError):
        await eve.annotate(job, note="mine", tags=None)


async def test_a_list_of_jobs_may_name_them(ada: ManagerAPI) -> None:
    jobs = [JobId(await submitted(ada, "run: train\n")) for _ in range(3)]
    named = JobFilter(ids=(jobs[0], jobs[2], JobId(10**30)))
    assert [job.id for job in (await ada.jobs(named, Page())).items] == [jobs[2], jobs[0]]
    with pytest.raises(UsageError, match="1000"):
        await ada.jobs(JobFilter(ids=tuple(JobId(one) for one in range(1001))), Page())


async def test_preferences_are_kept_for_each_user(house: House, ada: ManagerAPI) -> None:
    bob = await house.person("bob")
    await ada.prefer({"theme": "light", "bell": "on"})
    await ada.prefer({"theme": "dark", "bell": ""})
    assert await ada.preferences() == {"theme": "dark"}
    assert await bob.preferences() == {}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({f"p{number}": "x" for number in range(65)}, QuotaExceededError),
        ({"x" * 65: "x"}, UsageError),
        ({"x": "x" * (LONGEST + 1)}, UsageError),
        ({"x": "\x00"}, UsageError),
    ],
)
async def test_preferences_are_few_and_short(ada: ManagerAPI, values: dict[str, str], kind: type[ToviError]) -> None:
    await ada.prefer({"theme": "dark"})
    with pytest.raises(kind):
        await ada.prefer(values)
    assert await ada.preferences() == {"theme": "dark"}
