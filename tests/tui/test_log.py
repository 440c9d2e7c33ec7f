"""The log screen: each of its keys, logs of any size, and what happens while one looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from textual.pilot import Pilot

from tests.fakes_manager import NOW, FakeManager, a_job, a_task
from tests.tui.house import SIZE, opened, settled, shown
from tovi_server.api import LogOptions
from tovi_server.core import views
from tovi_server.core.errors import UnavailableError
from tovi_server.core.ids import Reference
from tovi_server.core.reasons import Reason
from tovi_tui.places import LogPlace
from tovi_tui.screens.log import LogScreen
from tovi_tui.screens.log_looking import look_at

TASK, OTHER = "12.main.0", "12.main.1"
LINES = "".join(f"line {number}\n" for number in range(1000)).encode()
HUGE = 10**9
_WIDTH = 20


def a_manager(out: bytes = LINES, err: bytes = b"", **more: object) -> FakeManager:
    logs = {(TASK, "out"): out, (TASK, "err"): err, (OTHER, "out"): b"the other\n"}
    return FakeManager(log_bytes=logs, **more)  # type: ignore[arg-type]  # tests name the fields they change


@dataclass
class HugeManager(FakeManager):
    """A log of 10^9 bytes, whose lines say where they begin; nobody has it whole."""

    size: int = HUGE
    given: int = 0
    places: tuple[int, ...] = (400_000_000, 999_999_980)
    searched: list[int] = field(default_factory=list)

    async def log_part(
        self, reference: Reference, *, stream: str, attempt: int | None, start: int, length: int
    ) -> views.LogPart:
        first = max(0, self.size + start) if start < 0 else min(start, self.size)
        end = min(first + min(length, 256 * 1024), self.size)
        begin = first - first % _WIDTH
        data = b"".join(b"at %015d \n" % at for at in range(begin, end, _WIDTH))[first - begin :][: end - first]
        self.given += len(data)
        return views.LogPart(first, data, self.size, not self.endless)

    async def search_log(
        self, reference: Reference, *, stream: str, attempt: int | None, text: str, start: int
    ) -> AsyncIterator[views.LogMatches]:
        try:
            for at in range(start, self.size, 100_000_000):
                self.searched.append(at)
                end = min(at + 100_000_000, self.size)
                yield views.LogMatches(tuple(one for one in self.places if at <= one < end), end, self.size)
        finally:
            self.closed.append("search")


@asynccontextmanager
async def log_of(
    manager: FakeManager, *tasks: str, size: tuple[int, int] = SIZE
) -> AsyncIterator[tuple[Pilot[None], LogScreen]]:
    async with opened(manager, size=size) as pilot:
        pilot.app.open(LogPlace(tasks or (TASK,)))  # type: ignore[attr-defined]  # it is Tovi's
        await settled(pilot)
        assert isinstance(pilot.app.screen, LogScreen)
        yield pilot, pilot.app.screen


async def press(pilot: Pilot[None], *keys: str) -> str:
    await pilot.press(*keys)
    await settled(pilot)
    return seen(pilot)


async def looked(pilot: Pilot[None], screen: LogScreen) -> str:
    """As the timer does it."""
    await look_at(screen, screen._panes.in_sight)
    await settled(pilot)
    return seen(pilot)


def seen(pilot: Pilot[None]) -> str:
    """Without the scroll bar."""
    return "\n".join(one.removesuffix("▐").rstrip() for one in shown(pilot))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (140, 40)])
async def test_it_opens_at_the_end(size: tuple[int, int]) -> None:
    async with log_of(a_manager(), size=size) as (pilot, _):
        assert "line 999" in seen(pilot)
        assert TASK in seen(pilot)
        assert "ended" in seen(pilot)


async def test_g_and_G_go_to_begin_and_end() -> None:  # noqa: N802  # two keys
    async with log_of(a_manager()) as (pilot, _):
        text = await press(pilot, "g")
        assert "line 0\n" in text
        assert "line 999" not in text
        assert "line 999" in await press(pilot, "G")
        assert "line 0\n" in await press(pilot, "home")
        assert "line 999" in await press(pilot, "end")


async def test_arrows_letters_and_pages_scroll() -> None:
    async with log_of(a_manager()) as (pilot, screen):
        view = screen._panes.front.view
        bottom = view.top
        for key, by in (("up", -1), ("k", -1), ("down", 1), ("j", 1), ("pageup", -view.page_lines)):
            before = view.top
            await press(pilot, key)
            assert view.top == before + by, key
        await press(pilot, "pagedown")
        assert view.top == bottom


async def test_a_huge_log_is_never_loaded_whole() -> None:
    manager = HugeManager()
    async with log_of(manager) as (pilot, screen):
        assert "at 000000999999980" in seen(pilot)
        assert manager.given <= 64 * 1024
        assert "at 000000000000000" in await press(pilot, "g")
        assert "at 0 %" in seen(pilot)
        assert "at 000000999999980" in await press(pilot, "G")
        assert "953.7 MiB" in seen(pilot)
        for _ in range(10):
            screen._panes.front.view.scroll_to_line(0)
            await press(pilot, "pageup")
        assert manager.given <= 13 * 64 * 1024
        assert sum(len(one.data) for one in screen._panes.front.source.lines()) <= 512 * 1024


async def test_scrolling_up_loads_what_is_before_and_loses_no_line() -> None:
    async with log_of(HugeManager(size=200_000)) as (pilot, screen):
        view = screen._panes.front.view
        for _ in range(4):
            view.scroll_to_line(1)
            first = view.first_offset
            await press(pilot, "up")
            await press(pilot, "down")
            assert view.first_offset == first
        offsets = [one.offset for one in screen._panes.front.source.lines()]
        assert offsets == list(range(0, 200_000, _WIDTH))


async def test_one_line_of_100_megabytes_does_no_harm() -> None:
    manager = a_manager(b"x" * 300_000)
    async with log_of(manager) as (pilot, screen):
        assert "xxx" in seen(pilot)
        assert "xxx" in await press(pilot, "w")
        assert "xxx" in await press(pilot, "pageup", "pageup")
        assert max(len(one.data) for one in screen._panes.front.source.lines()) <= 4096


async def test_what_is_written_is_seen_at_the_end() -> None:
    manager = a_manager(endless=True)
    async with log_of(manager) as (pilot, screen):
        assert "following" in seen(pilot)
        manager.log_bytes[TASK, "out"] += b"and more\n"
        assert "and more" in await looked(pilot, screen)


async def test_of_a_fast_log_only_the_end_is_read() -> None:
    manager = HugeManager(endless=True)
    async with log_of(manager) as (pilot, screen):
        given, manager.size = manager.given, 2 * HUGE
        assert "at 000001999999980" in await looked(pilot, screen)
        assert manager.given - given <= 256 * 1024


@pytest.mark.parametrize("key", ["space", "F"])
async def test_a_pause_tells_how_much_is_new_and_ends_at_the_end(key: str) -> None:
    manager = a_manager(endless=True)
    async with log_of(manager) as (pilot, screen):
        assert "paused" in await press(pilot, key)
        manager.log_bytes[TASK, "out"] += b"and more\n"
        text = await looked(pilot, screen)
        assert "paused, 9 B new" in text
        assert "and more" not in text
        text = await press(pilot, key)
        assert "and more" in text
        assert "following" in text


async def test_scrolling_up_pauses_and_the_end_follows_again() -> None:
    async with log_of(a_manager(endless=True)) as (pilot, _):
        assert "paused" in await press(pilot, "up")
        assert "following" in await press(pilot, "down")


async def test_what_ended_is_not_asked_for_again() -> None:
    manager = a_manager()
    async with log_of(manager) as (pilot, screen):
        before = len(manager.asked)
        screen._look()
        await settled(pilot)
        assert len(manager.asked) == before


async def test_an_end_is_told_with_its_reason() -> None:
    manager = a_manager(endless=True)
    async with log_of(manager) as (pilot, screen):
        manager.endless = False
        manager.why_answer = views.Why(TASK, "failed", (Reason("out-of-memory", "33.1 of 32 GiB"),))
        text = await looked(pilot, screen)
        assert "ended: failed" in text
        assert "33.1 of 32 GiB" in text


async def test_a_log_that_is_not_there_says_why() -> None:
    manager = a_manager(b"", endless=True)
    async with log_of(manager) as (pilot, screen):
        assert "nothing is written yet" in seen(pilot)
        assert "queued: needs 4 gpus; 3 are free" in seen(pilot)
        manager.log_bytes[TASK, "out"] = b"it runs\n"
        text = await looked(pilot, screen)
        assert "it runs" in text
        assert "3 are free" not in text


async def test_news_of_another_attempt_show_its_log() -> None:
    manager = a_manager()
    async with log_of(manager) as (pilot, _):
        manager.log_bytes[TASK, "out"], manager.endless = b"once more\n", True
        manager.told.put_nowait(views.News((12,)))
        await settled(pilot)
        text = await press(pilot)
        assert "once more" in text
        assert "line 999" not in text


async def test_slash_finds_marks_and_n_goes_round() -> None:
    async with log_of(a_manager()) as (pilot, screen):
        await press(pilot, "slash", *"LINE", "space", "5", "0", "enter")
        pane = screen._panes.front
        matches = pane.source.matches
        assert len(matches) == 11  # 50, and 500 to 509
        assert pane.found == matches[-1]  # nearest to the end
        assert "11 of 11 matches" in seen(pilot)
        assert "1 of 11 matches" in await press(pilot, "n")
        assert "line 50\n" in seen(pilot)
        assert "11 of 11" in await press(pilot, "N")


async def test_a_search_goes_to_the_next_place_behind_what_is_in_sight() -> None:
    async with log_of(a_manager()) as (pilot, screen):
        await press(pilot, "g")
        await press(pilot, "slash", *"line", "space", "5", "0", "enter")
        assert screen._panes.front.found == LINES.index(b"line 50\n")


async def test_what_is_nowhere_is_told() -> None:
    async with log_of(a_manager()) as (pilot, _):
        assert '"zebra" is nowhere in it' in await press(pilot, "slash", *"zebra", "enter")


async def test_a_search_through_a_huge_log_begins_where_one_is() -> None:
    manager = HugeManager()
    async with log_of(manager) as (pilot, screen):
        await press(pilot, "slash", *"at", "enter")
        assert manager.searched[0] > HUGE - 2000
        assert screen._panes.front.found == 999_999_980
        text = await press(pilot, "n")
        assert "at 000000400000000" in text
        assert manager.given < 2**20


async def test_escape_ends_the_search_and_then_leaves() -> None:
    async with log_of(a_manager()) as (pilot, screen):
        await press(pilot, "slash")
        assert screen.query_one("#search").display
        await press(pilot, "escape")
        assert not screen.query_one("#search").display
        assert "matches" in await press(pilot, "slash", *"line", "enter")
        assert "matches" not in await press(pilot, "escape")
        await press(pilot, "escape")
        assert pilot.app.screen is not screen


async def test_q_goes_back() -> None:
    async with log_of(a_manager()) as (pilot, screen):
        await press(pilot, "q")
        assert pilot.app.screen is not screen


async def test_e_goes_to_the_first_error_of_err() -> None:
    err = LINES + b"An Error\nTraceback\n" + LINES
    async with log_of(a_manager(LINES + b"error\n", err)) as (pilot, screen):
        text = await press(pilot, "e")
        assert f"{TASK} err" in text
        assert screen._panes.front.found == err.index(b"Error")
        assert "An Error" in text


async def test_e_looks_in_out_where_err_has_none_and_changes_nothing_without_any() -> None:
    async with log_of(a_manager(LINES + b"Exception!\n", LINES)) as (pilot, screen):
        assert "Exception!" in await press(pilot, "e")
        assert "out" in screen._panes.front.source.name
    async with log_of(a_manager()) as (pilot, _):
        text = await press(pilot, "e")
        assert "no error is told of" in text
        assert "line 999" in text


async def test_o_turns_from_out_to_err_to_both() -> None:
    pieces = (views.LogPiece(TASK, "out", b"hello\n", NOW), views.LogPiece(TASK, "err", b"oh\n", NOW))
    async with log_of(a_manager(err=b"bad things\n", pieces=pieces)) as (pilot, _):
        assert "bad things" in await press(pilot, "o")
        await press(pilot, "o")
        text = await press(pilot, "G")
        assert "err oh" in text
        assert "    hello" in text
        text = await press(pilot, "o")
        assert "line 999" in text
        assert "err oh" not in text


async def test_t_tells_times() -> None:
    pieces = (views.LogPiece(TASK, "out", b"hello\n", NOW),)
    async with log_of(a_manager(pieces=pieces)) as (pilot, _):
        await press(pilot, "t")
        time = f"{NOW:%H:%M:%S}"
        assert f"{time} hello" in await press(pilot, "G")
        assert f"{time} hello" not in await press(pilot, "t")


async def test_M_puts_all_tasks_together_and_apart_again() -> None:  # noqa: N802  # a key
    pieces = (views.LogPiece(TASK, "out", b"mine\n", NOW), views.LogPiece(OTHER, "out", b"yours\n", NOW))
    async with log_of(a_manager(pieces=pieces), TASK, OTHER) as (pilot, _):
        await press(pilot, "M")
        text = await press(pilot, "G")
        assert f"{TASK}     mine" in text
        assert f"{OTHER}     yours" in text
        assert "the other" in await press(pilot, "M")


async def test_a_job_of_several_tasks_is_shown_together() -> None:
    pieces = (views.LogPiece(TASK, "out", b"mine\n", NOW),)
    async with log_of(a_manager(pieces=pieces), "12") as (pilot, _):
        assert f"{TASK}     mine" in await press(pilot, "G")


async def test_following_together_ends_with_the_screen() -> None:
    manager = a_manager(endless=True)
    async with log_of(manager) as (pilot, _):
        await pilot.press("M")
        await pilot.pause()
        await pilot.press("q")
        await pilot.pause()
        assert manager.closed == ["logs"]


@dataclass
class Breaking(FakeManager):
    """The line to it breaks while logs are followed."""

    breaks: asyncio.Event = field(default_factory=asyncio.Event)

    async def logs(self, reference: Reference, options: LogOptions) -> AsyncIterator[views.LogPiece]:
        async for piece in super().logs(reference, options):
            yield piece
        await self.breaks.wait()
        raise UnavailableError("the line is cut")


async def test_logs_together_that_broke_off_are_followed_anew_when_somebody_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tovi_tui.screens.frame.RETRY_S", 0.05)
    manager = Breaking(pieces=(views.LogPiece(TASK, "out", b"before\n", NOW),))
    async with opened(manager) as pilot:
        pilot.app.open(LogPlace(("12",)))  # type: ignore[attr-defined]  # it is ours
        await until(pilot, "before")
        manager.error = UnavailableError("the manager is away")
        manager.breaks.set()
        await until(pilot, "no answer")
        await pilot.pause(0.5)
        assert "before" in seen(pilot), "what was shown stays"
        manager.breaks.clear()
        manager.error, manager.pieces = None, (views.LogPiece(TASK, "out", b"after\n", NOW),)
        await until(pilot, "after")
        assert "no answer" not in seen(pilot)


async def until(pilot: Pilot[None], text: str) -> None:
    async with asyncio.timeout(10):
        while text not in seen(pilot):
            await pilot.pause(0.05)


async def test_tab_turns_between_logs() -> None:
    async with log_of(a_manager(), TASK, OTHER) as (pilot, screen):
        assert f"▸{TASK}" in seen(pilot)
        assert "the other" in seen(pilot)
        assert f"▸{OTHER}" in await press(pilot, "tab")
        assert screen._panes.front.view.has_focus
        assert f"▸{TASK}" in await press(pilot, "shift+tab")


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_in_a_narrow_window_logs_lie_below_each_other(size: tuple[int, int]) -> None:
    async with log_of(a_manager(), TASK, OTHER, size=size) as (pilot, _):
        assert "line 999" in seen(pilot)
        assert "the other" in seen(pilot)


async def test_brackets_turn_to_other_attempts() -> None:
    task = a_task(attempt=3)
    manager = a_manager(details=views.Details(a_job(), (task,), 0))
    async with log_of(manager) as (pilot, _):
        assert "out attempt 2" in await press(pilot, "left_square_bracket")
        assert "out attempt 3" in await press(pilot, "right_square_bracket")
        assert "it was tried 3 times" in await press(pilot, "right_square_bracket")
        asked = [arguments for verb, arguments in manager.asked if verb == "log_part"]
        assert [one[2] for one in asked][-2:] == [2, 3]


async def test_a_task_that_was_never_tried_has_no_attempts() -> None:
    manager = a_manager(b"", details=views.Details(a_job(), (a_task(attempt=0),), 0))
    async with log_of(manager) as (pilot, _):
        assert "it was tried 0 times" in await press(pilot, "left_square_bracket")


async def test_w_breaks_long_lines_and_stays_where_one_is() -> None:
    async with log_of(a_manager(b"begin " + b"word " * 100 + b"END\n" + LINES)) as (pilot, _):
        assert "END" not in await press(pilot, "g")
        text = await press(pilot, "w")
        assert "begin" in text
        assert "END" in text
        assert "END" not in await press(pilot, "w")


async def test_a_match_far_in_a_long_line_is_in_sight_when_it_is_wrapped() -> None:
    log = LINES + b"word " * 600 + b"needle" + b" word" * 100 + b"\n" + LINES
    async with log_of(a_manager(log)) as (pilot, _):
        await press(pilot, "g", "w")
        assert "needle" in (await press(pilot, "slash", *"needle", "enter")).replace("is nowhere", "")
        assert "1 of 1 matches" in seen(pilot)
        assert any("needle" in one and "word" in one for one in shown(pilot))


async def test_f_says_what_fetches_the_log_that_is_seen_and_y_copies_it() -> None:
    async with log_of(a_manager()) as (pilot, _):
        await press(pilot, "o")
        line = f"ssh -p 2222 tovi.cluster logs {TASK} --stream err > {TASK}.log"
        assert line in await press(pilot, "f")
        await press(pilot, "y")
        assert pilot.app.clipboard == line


async def test_help_and_back_leave_one_where_one_was() -> None:
    async with log_of(a_manager()) as (pilot, screen):
        await press(pilot, "g")
        await pilot.press("question_mark")
        await pilot.pause()
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        assert "line 0\n" in seen(pilot)


async def test_a_smaller_window_still_shows_the_end() -> None:
    async with log_of(a_manager()) as (pilot, _):
        await pilot.resize_terminal(70, 15)
        assert "line 999" in await press(pilot)


async def test_an_answer_for_another_stream_is_not_mixed_in() -> None:
    manager = a_manager(err=b"e" * 100 + b"\n", endless=True)
    async with log_of(manager) as (pilot, screen):
        reader = screen._panes.front.source
        later = HeldBack(manager)
        manager.log_part = later.log_part  # type: ignore[method-assign]  # this test's own timing
        look = asyncio.create_task(reader.latest())
        await asyncio.sleep(0)
        manager.log_part = later.real  # type: ignore[method-assign]  # as above
        await press(pilot, "o")
        later.go()
        await look
        assert b"".join(one.data for one in reader.lines()) == b"e" * 100


class HeldBack:
    """Answers of the manager that come late."""

    def __init__(self, manager: FakeManager) -> None:
        self.real = manager.log_part
        self._going = asyncio.Event()

    def go(self) -> None:
        self._going.set()

    async def log_part(
        self, reference: Reference, *, stream: str, attempt: int | None, start: int, length: int
    ) -> views.LogPart:
        await self._going.wait()
        part = await self.real(reference, stream=stream, attempt=attempt, start=0, length=length)
        return replace(part, start=start)
