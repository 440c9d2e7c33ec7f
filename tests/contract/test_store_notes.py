"""What people note on jobs, and what front ends keep for them, in databases of each kind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.contract.store_house import DAWN, House, stage
from tovi_server.core.errors import QuotaExceededError, UsageError
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId
from tovi_server.store.accounts import AccountStore
from tovi_server.store.engine import Database

pytest_plugins = ("tests.contract.store_fixtures",)


@pytest.fixture
async def accounts(database: Database) -> AccountStore:
    """With ann and bob."""
    store = AccountStore(database)
    await store.add_user("ann", admin=False, now=DAWN)
    await store.add_user("bob", admin=False, now=DAWN)
    return store


async def _annotate(house: House, job: JobId, *, note: str | None = None, tags: tuple[str, ...] | None = None) -> None:
    await house.store.annotate(job, note=note, tags=tags, user="bob", now=house.now())


async def _events(house: House, job: JobId) -> list[tuple[str, str | None]]:
    found = await house.store.events(after=0, limit=100, job=job, projects=None)
    return [(event.kind, event.user) for event in found]


async def test_what_is_not_given_stays(house: House) -> None:
    job = await house.submit(note="first", tags=("a", "b"))
    await _annotate(house, job, note="second")
    assert ((await house.job(job)).note, (await house.job(job)).tags) == ("second", ("a", "b"))
    await _annotate(house, job, tags=("c",))
    assert ((await house.job(job)).note, (await house.job(job)).tags) == ("second", ("c",))


async def test_notes_and_tags_can_be_taken_away(house: House) -> None:
    job = await house.submit(note="first", tags=("a", "b"))
    await _annotate(house, job, note="", tags=())
    assert ((await house.job(job)).note, (await house.job(job)).tags) == ("", ())


async def test_others_jobs_keep_theirs(house: House) -> None:
    job, other = await house.submit(), await house.submit(note="mine", tags=("x",))
    await _annotate(house, job, note="new", tags=("y",))
    assert ((await house.job(other)).note, (await house.job(other)).tags) == ("mine", ("x",))


async def test_jobs_are_found_by_tags_that_came_later(house: House) -> None:
    job = await house.submit(tags=("old",))
    await _annotate(house, job, tags=("new",))
    found = {tag: await house.store.jobs(JobFilter(tag=tag), projects=None, page=Page()) for tag in ("old", "new")}
    assert {tag: [one.id for one in jobs] for tag, jobs in found.items()} == {"old": [], "new": [job]}


async def test_a_change_is_an_event_that_says_who(house: House) -> None:
    job = await house.submit(stage("a"), stage("b", tasks=3))
    await _annotate(house, job, note="new")
    assert (await _events(house, job))[-1] == ("annotated", "bob")


async def test_no_change_is_no_event(house: House) -> None:
    job = await house.submit()
    before = await _events(house, job)
    await _annotate(house, job)
    assert await _events(house, job) == before


@pytest.mark.parametrize("bad", ["a\0", "\ud800", "x" * 65, "", "a\nb"])
async def test_tags_that_cannot_be_kept_are_refused(house: House, bad: str) -> None:
    job = await house.submit(tags=("a",))
    with pytest.raises(UsageError):
        await _annotate(house, job, tags=(bad,))
    assert (await house.job(job)).tags == ("a",)


async def test_preferences_are_each_users_own(accounts: AccountStore) -> None:
    await accounts.prefer("ann", {"theme": "light", "größe": "ü\n☃"})
    await accounts.prefer("bob", {"theme": "dark"})
    await accounts.prefer("bob", {"größe": ""})
    assert await accounts.preferences("ann") == {"theme": "light", "größe": "ü\n☃"}
    assert await accounts.preferences("bob") == {"theme": "dark"}


async def test_preferences_are_changed_and_forgotten(accounts: AccountStore) -> None:
    await accounts.prefer("ann", {"theme": "light", "bell": "on"})
    await accounts.prefer("ann", {"theme": "dark", "bell": "", "absent": ""})
    await accounts.prefer("ann", {})
    assert await accounts.preferences("ann") == {"theme": "dark"}


async def test_preferences_last(accounts: AccountStore, database_url: str, tmp_path: Path) -> None:
    await accounts.prefer("ann", {"theme": "dark"})
    again = Database.open(database_url, base=tmp_path)
    assert await AccountStore(again).preferences("ann") == {"theme": "dark"}
    await again.close()


async def test_a_user_may_have_64_preferences(accounts: AccountStore) -> None:
    await accounts.prefer("ann", {f"p{number}": "x" for number in range(64)})
    with pytest.raises(QuotaExceededError, match="65"):
        await accounts.prefer("ann", {"one more": "x"})
    await accounts.prefer("ann", {"p0": "", "one more": "x"})
    assert len(await accounts.preferences("ann")) == 64


@pytest.mark.parametrize("value", ["x", ""])
async def test_very_many_preferences_are_refused(accounts: AccountStore, value: str) -> None:
    with pytest.raises(QuotaExceededError):
        await accounts.prefer("ann", {f"p{number}": value for number in range(100_000)})


@pytest.mark.parametrize("bad", [{"": "x"}, {"a\nb": "x"}, {"a\0": "x"}, {"a": "\ud800"}, {"a" * 65: ""}])
async def test_preferences_that_cannot_be_kept_are_refused(accounts: AccountStore, bad: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        await accounts.prefer("ann", bad)


async def test_two_servers_keep_the_same_preference_at_once(
    accounts: AccountStore, database_url: str, tmp_path: Path
) -> None:
    other = Database.open(database_url, base=tmp_path)
    stores = (accounts, AccountStore(other))
    for number in range(60):
        await asyncio.gather(*(store.prefer("ann", {f"p{number}": "x"}) for store in stores))
    assert len(await accounts.preferences("ann")) == 60
    await other.close()
