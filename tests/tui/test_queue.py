"""The queue screen."""

from __future__ import annotations

from tests.fakes_manager import FakeManager, a_job
from tests.tui.house import opened, settled, shown
from tovi_server.core.views import News


async def test_shows_what_waits_and_runs_with_states_in_words() -> None:
    manager = FakeManager(job_list=(a_job(12), a_job(11, name="big", state="queued")))
    async with opened(manager) as pilot:
        text = "\n".join(shown(pilot))
        assert "12" in text
        assert "● running" in text
        assert "○ queued" in text


async def test_a_job_that_changed_is_seen_to() -> None:
    manager = FakeManager(job_list=(a_job(12),))
    async with opened(manager) as pilot:
        manager.job_list = (a_job(12, state="failed"),)
        manager.told.put_nowait(News((12,)))
        await settled(pilot)
        assert "✗ failed" in "\n".join(shown(pilot))
