"""The queue screen: what it shows, asks and does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.fakes_manager import NOW, FakeManager, a_job
from tests.tui.house import LONG_REST_S, opened, rested, settled, shown
from tests.tui.lab import Lab
from tovi_server.core import views
from tovi_server.core.errors import UnavailableError
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import parse_reference
from tovi_server.core.reasons import Reason
from tovi_server.core.views import News
from tovi_tui.job_list import FRESH, MOST
from tovi_tui.screens import foot, queue
from tovi_tui.screens.queue import QueueScreen
from tovi_tui.widgets.row_table import RowTable


def asked(manager: FakeManager, verb: str) -> list[Any]:
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
        assert (411,) in [filter.ids for filter, _ in asked(manager, "jobs")]


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
        pages = [page for filter, page in asked(manager, "jobs")]
        assert [page.before for page in pages][:3] == [None, 1101, 1001]


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
        filter, _ = asked(manager, "jobs")[-1]
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
        filter, _ = asked(manager, "jobs")[-1]
        assert (filter.unfinished, filter.everybody) == (False, True)


async def test_the_order_is_remembered() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        await pilot.press("s", "S")
        await settled(pilot)
    async with opened(manager) as pilot:
        assert "by name ▲" in shown(pilot)[0]
        await pilot.press("S")
        await settled(pilot)
    assert manager.preferred["order"] == "name"


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
        await pilot.press("escape")
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


async def test_an_ended_job_says_where_its_results_are_and_cannot_be_cancelled() -> None:
    manager = Lab()
    ended = replace(manager.job_list[0], id=500, state="failed", ended_at=NOW, reason=Reason("error", "no space left"))
    manager.job_list = (ended, *manager.job_list)
    async with opened(manager) as pilot:
        assert "✗ failed no space left · results in jobs/500, f fetches them" in shown(pilot)[-2]
        await rested(pilot)
        assert asked(manager, "why") == [], "nobody asks why it waits"
        await pilot.press("c")
        await settled(pilot)
        await pilot.press("h")
        await settled(pilot)
        assert {"ended already: nothing to cancel", "ended already: nothing to hold"} <= set(told(pilot))
        assert (asked(manager, "cancel"), asked(manager, "hold")) == ([], [])


async def test_why_is_asked_once_for_where_the_cursor_rests_and_not_for_what_it_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        await rested(pilot)
        manager.asked.clear()
        monkeypatch.setattr(foot, "REST_S", LONG_REST_S)
        await pilot.press("down", "down", "down", "up")
        await rested(pilot, LONG_REST_S)
        manager.told.put_nowait(News((412,)))
        await rested(pilot, LONG_REST_S)
        assert asked(manager, "why") == [parse_reference("409")]


async def test_what_is_to_be_typed_stays_until_the_cursor_moves() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        await pilot.press("down", "f")
        manager.told.put_nowait(News((412,)))
        await rested(pilot)
        assert "fetch its results" in shown(pilot)[-2]
        await pilot.press("up")
        assert "fetch its results" not in shown(pilot)[-2]


async def test_columns_are_chosen_and_remembered() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        await pilot.press("C", *"state queue id", "enter")
        await settled(pilot)
        assert header_of(pilot) == ["STATE", "QUEUE", "JOB"]
        await pilot.press("C")
        await pilot.press(*["backspace"] * 20, *"nmae", "enter")
        await settled(pilot)
        assert 'there is no column "nmae"' in "\n".join(shown(pilot))
        assert "perhaps name" in "\n".join(shown(pilot))
        assert header_of(pilot) == ["STATE", "QUEUE", "JOB"], "as it was"
    async with opened(manager) as pilot:
        assert header_of(pilot) == ["STATE", "QUEUE", "JOB"]


async def test_columns_that_are_none_any_more_are_the_usual() -> None:
    manager = Lab()
    manager.preferred = {"columns": "id colour"}
    async with opened(manager) as pilot:
        assert header_of(pilot)[:3] == ["JOB", "NAME", "USER"]


class Knowing(Lab):
    """Knows no job of one name."""

    async def jobs(self, filter: JobFilter, page: Page) -> views.JobPage:
        found = await super().jobs(filter, page)
        return views.JobPage((), None) if filter.name == "nosuch" else found


async def test_a_filter_without_a_hit_says_so_and_how_to_drop_it() -> None:
    async with opened(Knowing()) as pilot:
        await pilot.press("slash", *"nosuch", "enter")
        await settled(pilot)
        text = "\n".join(shown(pilot))
        assert "No job is like this: nosuch" in text
        assert "esc drops the filter" in text
        await pilot.press("escape")
        await settled(pilot)
        assert "No job is like this" not in "\n".join(shown(pilot))


async def test_nothing_but_ended_jobs_names_the_key_that_shows_them() -> None:
    async with opened(FakeManager()) as pilot:
        text = "\n".join(shown(pilot))
        assert "a shows what has ended" in text
        assert "scp -P 2222 -r MY-FILES tovi.cluster:datasets/NAME/" in text
        await pilot.press("a")
        await settled(pilot)
        assert "There is no job yet." in "\n".join(shown(pilot))


async def test_held_jobs_are_found_by_what_the_list_calls_them() -> None:
    async with opened(Lab()) as pilot:
        await pilot.press("slash", *"state:held", "enter")
        await settled(pilot)
        text = "\n".join(shown(pilot))
        assert "notebook" in text
        assert "bigsim" not in text


async def test_what_changed_is_bold_until_it_is_old() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        assert not is_bold(pilot, "lens-survey")
        manager.job_list = (manager.job_list[0], replace(manager.job_list[1], state="failed"), *manager.job_list[2:])
        manager.told.put_nowait(News((411, 409)))
        await settled(pilot)
        assert is_bold(pilot, "lens-survey")
        assert not is_bold(pilot, "bigsim"), "nothing of it changed"
        later(pilot, FRESH)
        pilot.app.screen.query_one(RowTable).draw()
        await pilot.pause()
        assert not is_bold(pilot, "lens-survey")


async def test_all_that_changed_meanwhile_fades_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "FRESH", timedelta(milliseconds=10))
    manager = Lab()
    async with opened(manager) as pilot:
        for at in (1, 2):
            changed = replace(manager.job_list[at], state="failed")
            manager.job_list = (*manager.job_list[:at], changed, *manager.job_list[at + 1 :])
            manager.told.put_nowait(News((changed.id,)))
            await settled(pilot)
            await pilot.pause(0.05)
            assert is_bold(pilot, changed.name)
        later(pilot, FRESH)
        await pilot.pause(0.05)
        assert not is_bold(pilot, "lens-survey")
        assert not is_bold(pilot, "bigsim")


async def test_times_move_on_only_while_somebody_looks() -> None:
    async with opened(Lab()) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, QueueScreen)
        later(pilot, timedelta(hours=1))
        pilot.app.is_watched = False  # type: ignore[attr-defined]  # it is ours
        screen._tick()
        await pilot.pause()
        assert "1h12m" in row_of(pilot, "cifar-sweep")
        pilot.app.is_watched = True  # type: ignore[attr-defined]  # it is ours
        screen._tick()
        await pilot.pause()
        assert "2h12m" in row_of(pilot, "cifar-sweep")


async def test_the_cluster_is_not_asked_for_while_another_screen_is_in_front() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, QueueScreen)
        await pilot.press("enter")
        await settled(pilot)
        manager.asked.clear()
        screen._glance.ask()
        await settled(pilot)
        assert asked(manager, "nodes") == []
        await pilot.press("escape")
        await settled(pilot)
        assert len(asked(manager, "nodes")) == 1, "and at once when one comes back"


async def test_below_a_question_the_cluster_is_seen_and_asked_for() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, QueueScreen)
        await pilot.press("c")
        await settled(pilot)
        manager.asked.clear()
        screen._glance.ask()
        await settled(pilot)
        assert len(asked(manager, "nodes")) == 1


async def test_a_job_without_a_task_says_so_where_its_log_would_be() -> None:
    manager = FakeManager()
    manager.job_list = (a_job(),)
    manager.details = replace(manager.details, tasks=())
    async with opened(manager) as pilot:
        await pilot.press("l")
        await settled(pilot)
        assert told(pilot) == ["12 has no task that you may see"]


async def test_a_list_that_is_cut_says_so() -> None:
    manager = Lab()
    manager.job_list = tuple(a_job(number) for number in range(MOST + 1, 0, -1))
    async with opened(manager) as pilot:
        assert "queue · the first 10,000" in shown(pilot)[0]


async def test_what_is_essential_has_room_in_a_small_terminal() -> None:
    async with opened(Lab(), size=(60, 20)) as pilot:
        assert header_of(pilot)[:2] == ["JOB", "NAME"]
        assert "● running" in row_of(pilot, "cifar-sweep")
        assert "CPU 217/448" in "\n".join(shown(pilot))


def told(pilot: Pilot[None]) -> list[str]:
    """What the app said in passing."""
    return [notification.message for notification in pilot.app._notifications]  # private: toasts fade in


def row_of(pilot: Pilot[None], name: str) -> str:
    """The line of the list with that name."""
    return next(text for text in shown(pilot)[:-2] if name in text)


def header_of(pilot: Pilot[None]) -> list[str]:
    """The titles of the columns."""
    table = pilot.app.screen.query_one(RowTable)
    return shown(pilot)[table.region.y].split()


def is_bold(pilot: Pilot[None], name: str) -> bool:
    """Whether the name stands there in bold."""
    strips = pilot.app.screen._compositor.render_strips(pilot.app.size)  # private, as in `shown`
    parts = [part for strip in strips[:-2] for part in strip if name in part.text]
    return all(part.style is not None and bool(part.style.bold) for part in parts)


def later(pilot: Pilot[None], by: timedelta) -> None:
    """So much time goes by."""
    viewer = pilot.app.viewer  # type: ignore[attr-defined]  # it is ours
    now = viewer.clock() + by
    pilot.app.viewer = replace(viewer, clock=lambda: now)  # type: ignore[attr-defined]  # it is ours
