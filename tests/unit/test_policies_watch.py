"""The policy file: read when it appears, changes or goes away, and never taken when it is bad."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from scheduler.policies.default import DEFAULT
from scheduler.policies.protocols import Policies
from scheduler.policies.watch import PolicyWatch
from scheduler.snapshot import StageQueue
from tests.fakes_scheduler import SOON_S

NEWEST_FIRST = 'order = "tests.unit.test_policies_watch:NewestFirst"\n'
OLDEST_FIRST = 'order = "priority-fifo"\n'
REFUSED = 'order = "tests.unit.test_policies_watch:Refused"\n'


class NewestFirst:
    def key(self, entry: StageQueue) -> tuple[float, ...]:
        return (-entry.submitted_at.timestamp(),)


class Refused(NewestFirst):
    """An order that the dry run does not like."""


class Checks:
    """The dry run; tells when a file was tried."""

    def __init__(self) -> None:
        self.tried: asyncio.Queue[Policies] = asyncio.Queue()

    async def __call__(self, policies: Policies) -> None:
        self.tried.put_nowait(policies)
        if isinstance(policies.order, Refused):
            raise ValueError("it orders nothing")

    async def next(self) -> Policies:
        async with asyncio.timeout(SOON_S):
            return await self.tried.get()


@pytest.fixture
def checks() -> Checks:
    return Checks()


@pytest.fixture
def watch(tmp_path: Path, checks: Checks) -> PolicyWatch:
    return PolicyWatch(tmp_path / "policy.toml", check=checks)


@asynccontextmanager
async def running(watch: PolicyWatch) -> AsyncIterator[None]:
    task = asyncio.create_task(watch.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def put(folder: Path, text: str) -> None:
    """As editors do: a new file under another name takes the place of the old one."""
    (folder / "new").write_text(text)
    (folder / "new").rename(folder / "policy.toml")


async def test_without_a_file_the_shipped_policies_hold(watch: PolicyWatch, checks: Checks) -> None:
    await watch.look()
    assert watch.current() is DEFAULT
    assert checks.tried.empty()


async def test_a_file_is_noticed_when_it_appears_is_replaced_and_goes_away(
    watch: PolicyWatch, checks: Checks, tmp_path: Path
) -> None:
    async with running(watch):
        put(tmp_path, NEWEST_FIRST)
        assert isinstance((await checks.next()).order, NewestFirst)
        put(tmp_path, OLDEST_FIRST)
        assert type((await checks.next()).order) is type(DEFAULT.order)
        put(tmp_path, NEWEST_FIRST)
        assert isinstance((await checks.next()).order, NewestFirst)
        (tmp_path / "policy.toml").unlink()
        assert type((await checks.next()).order) is type(DEFAULT.order)


async def test_a_good_file_holds_once_it_was_tried(watch: PolicyWatch, tmp_path: Path) -> None:
    put(tmp_path, NEWEST_FIRST)
    await watch.look()
    assert isinstance(watch.current().order, NewestFirst)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b'order = "alphabetical"', 'there is no order policy "alphabetical"'),
        (b"order = ", "the policy file is not TOML"),
        (b"\xff", "UnicodeDecodeError"),
        (REFUSED.encode(), "ValueError"),
    ],
)
async def test_a_bad_file_changes_nothing_and_is_told_of_once(
    watch: PolicyWatch, tmp_path: Path, content: bytes, what: str
) -> None:
    put(tmp_path, NEWEST_FIRST)
    await watch.look()
    good = watch.current()
    (tmp_path / "policy.toml").write_bytes(content)
    with capture_logs() as told:
        await watch.look()
        await watch.look()
    assert watch.current() is good
    assert [(entry["event"], entry["what"]) for entry in told] == [("policy_refused", what)]


async def test_a_file_that_cannot_be_read_changes_nothing(watch: PolicyWatch, tmp_path: Path) -> None:
    put(tmp_path, NEWEST_FIRST)
    await watch.look()
    good = watch.current()
    (tmp_path / "policy.toml").unlink()
    (tmp_path / "policy.toml").mkdir()
    with capture_logs() as told:
        await watch.look()
    assert watch.current() is good
    assert [entry["event"] for entry in told] == ["policy_refused"]
