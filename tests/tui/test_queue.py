"""The queue screen: what it shows, asks and does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes_manager import FakeManager, a_job
from tests.tui.house import opened, rested, settled, shown
from tests.tui.lab import Lab
from tovi_server.core.errors import UnavailableError
from tovi_server.core.ids import parse_reference
from tovi_server.core.views import News


def asked(manager: FakeManager, verb: str) -> list[object]:
    return [arguments for name, arguments in manager.asked if name == verb]


async def test_shows_what_waits_and_runs_with_states_in_words() -> None:
    async with opened(Lab()) as pilot:
        text = "\n".join(shown(pilot))
        for told in ("412", "cifar-sweep", "● running", "○ queued", "‖ held", "21/32 ✗2", "CPU 217/448", "12:00 UTC"):
            assert told in text


async def test_the_first_picture_costs_one_list() -> None:
    manager = Lab()
    async with opened(manager):
        assert len(asked(manager, "jobs")) == 1


async def test_a_job_that_changed_is_asked_for_alone() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        manager.job_list = (*manager.job_list[:1], replace(manager.job_list[1], state="failed"), *manager.job_list[2:])
        manager.told.put_nowait(News((411,)))
        await settled(pilot)
        assert "✗ failed" in "\n".join(shown(pilot))
        assert (411,) in [filter.ids for filter, _ in asked(manager, "jobs")]  # type: ignore[misc]  # as FakeManager notes it


async def test_a_job_that_no_longer_belongs_there_goes() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        manager.job_list = manager.job_list[1:]
        manager.told.put_nowait(News((412,)))
        await settled(pilot)
        assert "cifar-sweep" not in "\n".join(shown(pilot))


async def test_news_of_anything_loads_all_anew() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        manager.job_list = (a_job(500, name="newcomer"), *manager.job_list)
        manager.told.put_nowait(News(None))
        await settled(pilot)
        assert "newcomer" in "\n".join(shown(pilot))


async def test_a_long_queue_comes_in_pages() -> None:
    manager = Lab()
    manager.job_list = tuple(a_job(number) for number in range(1200, 0, -1))
    async with opened(manager) as pilot:
        await pilot.press("G")
        await settled(pilot)
        assert "▸ 1 " in "\n".join(shown(pilot))
        pages = [page for filter, page in asked(manager, "jobs")]  # type: ignore[misc]  # as FakeManager notes it
        assert [page.before for page in pages][:3] == [None, 701, 201]


async def test_the_line_at_the_foot_says_why_when_the_cursor_rests() -> None:
    async with opened(Lab()) as pilot:
        await pilot.press("down", "down")
        await rested(pilot)
        assert "waits for 4 h100 on one node: node-07 has 3 free" in shown(pilot)[-2]


async def test_a_first_visit_shows_what_to_type() -> None:
    async with opened(FakeManager()) as pilot:
        assert "ssh -p 2222 tovi.cluster submit < tovi.yaml" in "\n".join(shown(pilot))


async def test_a_filter_works_while_it_is_typed_and_is_in_the_title() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        await pilot.press("slash", *"user:me big")
        await settled(pilot)
        filter, _ = asked(manager, "jobs")[-1]  # type: ignore[misc]  # as FakeManager notes it
        assert (filter.user, filter.name) == ("ada", "big")
        assert "filter: user:me big" in shown(pilot)[0]
        await pilot.press("enter", "escape")
        await settled(pilot)
        assert "filter" not in shown(pilot)[0]


async def test_a_filter_that_cannot_be_meant_is_told_at_once() -> None:
    async with opened(Lab()) as pilot:
        await pilot.press("slash", *"state:runing")
        await settled(pilot)
        text = "\n".join(shown(pilot))
        assert '"runing" is no state' in text
        assert "perhaps running" in text


async def test_sorting_and_scopes_are_in_the_title() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        await pilot.press("s", "S", "a", "e")
        await settled(pilot)
        assert "queue · with ended · everybody's · by name ▲" in shown(pilot)[0]
        filter, _ = asked(manager, "jobs")[-1]  # type: ignore[misc]  # as FakeManager notes it
        assert (filter.unfinished, filter.everybody) == (False, True)


async def test_cancel_asks_and_names_what_it_hits() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        await pilot.press("c")
        await settled(pilot)
        assert "Cancel 412 cifar-sweep?" in "\n".join(shown(pilot))
        await pilot.press("enter")
        await settled(pilot)
        assert asked(manager, "cancel") == [], "nothing happens on a bare Enter"
        await pilot.press("y")
        await settled(pilot)
        assert asked(manager, "cancel") == [(parse_reference("412"),)]


async def test_what_has_not_started_can_be_held_instead() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        await pilot.press("down", "down", "c")
        await settled(pilot)
        assert "hold it instead" in "\n".join(shown(pilot))
        await pilot.press("o")
        await settled(pilot)
        assert (asked(manager, "cancel"), asked(manager, "hold")) == ([], [(parse_reference("409"),)])


async def test_marked_jobs_are_hit_together() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        await pilot.press("space", "space", "c")
        await settled(pilot)
        assert "Cancel 2 of these?" in "\n".join(shown(pilot))
        await pilot.press("y")
        await settled(pilot)
        assert asked(manager, "cancel") == [(parse_reference("412"), parse_reference("411"))]


async def test_the_same_key_holds_and_releases() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        await pilot.press("h", "down", "down", "down", "h")
        await settled(pilot)
        assert asked(manager, "hold") == [(parse_reference("412"),)]
        assert asked(manager, "release") == [(parse_reference("407"),)]


@pytest.mark.parametrize(
    ("key", "title"),
    [("enter", "job 412"), ("l", "log 412.train.18"), ("m", "metrics of 412"), ("r", "job 412 again")],
)
async def test_a_key_opens_what_it_says(key: str, title: str) -> None:
    async with opened(Lab()) as pilot:
        await pilot.press(key)
        await settled(pilot)
        assert title in shown(pilot)[0]
        await pilot.press("q")
        await settled(pilot)
        assert "queue" in shown(pilot)[0]


async def test_what_fetches_the_results_is_shown_and_copied_on_a_key() -> None:
    async with opened(Lab()) as pilot:
        await pilot.press("f")
        assert "scp -P 2222 -r tovi.cluster:jobs/412 ." in shown(pilot)[-2]
        await pilot.press("y")
        assert pilot.app.clipboard == "scp -P 2222 -r tovi.cluster:jobs/412 ."


async def test_what_is_cut_is_whole_on_a_key() -> None:
    async with opened(Lab(), size=(80, 24)) as pilot:
        await pilot.press(*["down"] * 6, "w")
        await settled(pilot)
        assert "ablation-long-name-that-does-not-fit-anywhere" in "\n".join(shown(pilot))


async def test_a_server_that_does_not_answer_is_asked_again() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        manager.error = UnavailableError("the database cannot be used now", hint="try again")
        manager.told.put_nowait(News(None))
        await settled(pilot)
        assert "the database cannot be used now" in "\n".join(shown(pilot))
        assert "cifar-sweep" in "\n".join(shown(pilot)), "what is known stays"
