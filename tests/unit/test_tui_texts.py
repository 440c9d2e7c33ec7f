"""What screens say, as lines: bars, columns, filters, order, words after a colon."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes_manager import NOW, a_job
from tovi_server.core.errors import ToviError, UsageError
from tovi_server.core.filters import JobFilter
from tovi_server.core.look import Look
from tovi_server.core.reasons import Reason
from tovi_server.core.states import TaskState
from tovi_server.core.views import NodeView, QueueView, Requested, ServerInfo
from tovi_tui import places
from tovi_tui.text import commands, jobs, lines_to_type
from tovi_tui.text.bars import bar
from tovi_tui.text.columns import Column, fitted, header, row_line
from tovi_tui.text.commands import Control, Do, Go, Set, matching, read_command
from tovi_tui.text.empty import no_jobs
from tovi_tui.text.filter import Scope, keeps, read_filter
from tovi_tui.text.glance import glance, told_time
from tovi_tui.text.order import COLUMNS, Order, kept_order
from tovi_tui.text.sought import Sought
from tovi_tui.text.span import Line, Span, Tone, cut, line, width
from tovi_tui.text.states import look_of, state_of
from tovi_tui.text.wrap import wrapped

LOOK = Look(NOW)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)


def text(spans: Line) -> str:
    return "".join(span.text for span in spans)


def refused(read: Callable[[], object]) -> str | None:
    """The hint, where it cannot be read; None where it can."""
    try:
        read()
    except UsageError as error:
        return error.hint
    return None


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (0, 10, "░░░░"),
        (5, 10, "██░░"),
        (10, 10, "████"),
        (99, 10, "████"),
        (3, 0, "░░░░"),
        (9, 16, "██▎░"),
        (-1, 2, "░░░░"),
    ],
)
def test_a_bar_is_as_wide_as_asked_and_fine_to_an_eighth(part: float, whole: float, shown: str) -> None:
    assert bar(part, whole, 4) == shown


@given(st.floats(0, 1000), st.floats(0, 1000), st.integers(1, 40))
def test_a_bar_never_breaks_its_room(part: float, whole: float, columns: int) -> None:
    assert len(bar(part, whole, columns)) == columns


def test_every_state_has_a_glyph_and_a_word_of_its_own() -> None:
    looks = [look_of(state) for state in (*TaskState, "held")]
    assert len({look.glyph for look in looks}) == len({look.word for look in looks}) == len(looks)
    assert "?" not in {look.glyph for look in looks}


def test_a_state_of_a_newer_server_is_shown_by_its_word() -> None:
    assert text((look_of("paused").span,)) == "? paused"


def test_a_held_job_is_held_only_as_long_as_that_keeps_it_from_starting() -> None:
    assert state_of(a_job(state="queued", held=True)).word == "held"
    assert state_of(a_job(state="running", held=True)).word == "running"


@given(TEXTS, st.integers(1, 30))
def test_a_cut_line_fits_and_says_that_it_was_cut(told: str, columns: int) -> None:
    shown = cut((Span(told[:5]), Span(told[5:], Tone.BAD)), columns)
    assert width(shown) <= columns
    assert text(shown) == told or text(shown).endswith("…")


@given(TEXTS, st.integers(2, 30))
def test_a_wrapped_line_fits_and_loses_nothing_but_spaces(told: str, columns: int) -> None:
    pieces = list(wrapped((Span(told[:7]), Span(told[7:], Tone.BAD)), columns))
    assert all(width(piece) <= columns for piece in pieces)
    assert "".join(map(text, pieces)).replace(" ", "") == told.replace(" ", "")


WIDE: tuple[Column[str], ...] = (
    Column("name", "NAME", lambda row, look: line(row), 6, grow=1),
    Column("size", "SIZE", lambda row, look: line("12"), 4, right=True, drop=1),
    Column("note", "NOTE", lambda row, look: line("a note"), 6, grow=1, drop=2),
)


def test_columns_share_what_is_left_and_line_up() -> None:
    columns = fitted(WIDE, 30)
    assert text(header(columns)) == "NAME         SIZE  NOTE       "
    assert text(row_line(columns, "星系", LOOK)) == "星系           12  a note     "


def test_where_room_is_short_the_least_needed_columns_go_first() -> None:
    assert [column.key for column, _ in fitted(WIDE, 14)] == ["name", "size"]
    assert [column.key for column, _ in fitted(WIDE, 9)] == ["name"]
    assert [column.key for column, _ in fitted(WIDE, 1)] == ["name"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", JobFilter(unfinished=True)),
        ("big sim", JobFilter(unfinished=True, name="big sim")),
        ("state:running user:me", JobFilter(unfinished=True, states=(TaskState.RUNNING,), user="ada")),
        ("state:done", JobFilter(unfinished=False, states=(TaskState.SUCCEEDED,))),
        ("tag:paper project:lens queue:long", JobFilter(unfinished=True, tag="paper", project="lens", queue="long")),
        ("state:held", JobFilter(unfinished=True, states=(TaskState.WAITING, TaskState.QUEUED))),
        ("state:held state:queued", JobFilter(unfinished=True, states=(TaskState.WAITING, TaskState.QUEUED))),
    ],
)
def test_a_filter_is_read_word_by_word(typed: str, found: JobFilter) -> None:
    assert read_filter(typed, me="ada", scope=Scope()) == found


@pytest.mark.parametrize(
    ("typed", "what", "hint"),
    [
        ("sate:running", "sate:", "state"),
        ("state:runing", "runing", "running"),
        ("user:", "user:", "me"),
        ("x:y", "x:", "state"),
    ],
)
def test_a_word_that_cannot_be_meant_is_named_with_the_nearest(typed: str, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_filter(typed, me="ada", scope=Scope())
    assert what in raised.value.what
    assert hint in raised.value.hint


@given(st.text(max_size=60) | st.lists(st.sampled_from(["state:", "held", "user:me", "::", " ", "x"])).map("".join))
def test_whatever_is_typed_is_a_filter_or_an_error_with_a_hint(typed: str) -> None:
    keeps(typed, a_job())
    assert refused(lambda: read_filter(typed, me="ada", scope=Scope())) != ""


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", ["held", "queued", "running"]),
        ("held", ["held", "queued", "running"]),
        ("state:queued", ["held", "queued", "running"]),
        ("state:held", ["held"]),
        ("state:held state:running", ["held", "running"]),
        ("state:running state:held", ["held", "running"]),
    ],
)
def test_held_is_told_from_what_else_waits_only_where_it_is_asked_for(typed: str, kept: list[str]) -> None:
    jobs = [a_job(name="held", state="queued", held=True), a_job(name="queued", state="queued"), a_job(name="running")]
    assert [job.name for job in jobs if keeps(typed, job)] == kept


def test_a_held_job_that_runs_is_not_held_in_a_list() -> None:
    assert not keeps("state:held", a_job(held=True))


def test_a_job_in_one_line_says_why_and_where_its_results_are() -> None:
    failed = a_job(state="failed", ended_at=NOW, reason=Reason("out-of-memory", "out of memory: 33.1 of 32 GiB"))
    assert text(jobs.told(failed)) == (
        " 12 sweep · ✗ failed out of memory: 33.1 of 32 GiB · results in jobs/12, f fetches them"
    )
    assert text(jobs.told(a_job(note="for figure 3"))) == " 12 sweep · ● running for figure 3"


def test_columns_are_chosen_by_name_once_each_and_in_that_order() -> None:
    assert [column.key for column in jobs.chosen(" State tags  state id ")] == ["state", "tags", "id"]
    assert jobs.chosen(" ") == jobs.COLUMNS


def test_every_column_shows_every_job() -> None:
    columns = jobs.chosen(" ".join(jobs.COLUMN_NAMES))
    for job in (a_job(), a_job(ended_at=NOW, started_at=None, requested=None, tags=(), tasks_total=0)):
        assert all(width(column.cell(job, LOOK)) >= 0 for column in columns)
    told = text(row_line(fitted(columns, 400), a_job(tags=("paper", "v2"), queue="long"), LOOK))
    for part in ("lens", "long", "normal", "paper v2", "2h ago"):
        assert part in told


@given(TEXTS)
def test_whatever_is_chosen_is_columns_or_an_error_with_a_hint(typed: str) -> None:
    assert refused(lambda: jobs.chosen(typed)) != ""


@pytest.mark.parametrize(
    ("sought", "told", "not_told"),
    [
        (Sought(), ["Nothing waits or runs.", "ssh h submit < tovi.yaml", "a shows what has ended"], ["esc"]),
        (Sought(scope=Scope(ended=True)), ["There is no job yet.", "scp -r MY-FILES"], ["esc", "what has ended"]),
        (Sought("user:me x"), ["No job is like this: user:me x", "esc drops the filter"], ["submit"]),
    ],
)
def test_an_empty_list_says_what_to_do(sought: Sought, told: list[str], not_told: list[str]) -> None:
    shown = "\n".join(map(text, no_jobs(sought, ServerInfo("h", "1", 22, ()))))
    assert [part for part in told if part not in shown] == []
    assert [part for part in not_told if part in shown] == []


@pytest.mark.parametrize(("zone", "told"), [(UTC, "12:00 UTC"), (ZoneInfo("Europe/Berlin"), "13:00 CET")])
def test_the_hour_says_its_zone(zone: tzinfo, told: str) -> None:
    assert text(told_time(Look(NOW, zone))).strip() == told


def test_ones_own_jobs_come_first_and_of_each_the_newest() -> None:
    jobs = [a_job(1), a_job(2, user="bob"), a_job(3), a_job(4, user="bob")]
    assert [job.id for job in Order().sorted(jobs, me="ada")] == [3, 1, 4, 2]
    assert [job.id for job in Order(reverse=True).sorted(jobs, me="ada")] == [2, 4, 1, 3]


def test_jobs_can_be_sorted_by_every_column_and_back() -> None:
    jobs = [
        a_job(1, name="b", state="queued", started_at=None),
        a_job(2, name="A", tasks_total=4, tasks_by_state={"succeeded": 3}),
        a_job(3, name="c", state="failed", user="bob", submitted_at=NOW - timedelta(days=1), requested=None),
    ]
    assert [job.name for job in Order("name").sorted(jobs, me="ada")] == ["A", "b", "c"]
    assert [job.state for job in Order("state").sorted(jobs, me="ada")] == ["running", "queued", "failed"]
    order = Order()
    for _ in COLUMNS:
        assert sorted(job.id for job in order.sorted(jobs, me="ada")) == [1, 2, 3]
        assert [one.id for one in order.turned().turned().sorted(jobs, me="ada")] == [
            one.id for one in order.sorted(jobs, me="ada")
        ]
        order = order.next()
    assert order == Order(), "after the last column comes the first"


@pytest.mark.parametrize("order", [Order(column, reverse) for column in COLUMNS for reverse in (False, True)])
def test_an_order_is_remembered_as_a_word(order: Order) -> None:
    assert kept_order(order.kept) == order


@pytest.mark.parametrize("text", ["colour", "-", "--name", "name "])
def test_an_order_that_is_none_any_more_is_the_usual_one(text: str) -> None:
    assert kept_order(text) == Order()


@pytest.mark.parametrize(
    ("typed", "order"),
    [
        ("queue state:running x", Go(places.QueuePlace("state:running x"))),
        ("show 12", Go(places.JobPlace(12))),
        ("show 12.train.3", Go(places.JobPlace(12, "12.train.3"))),
        ("logs 12.a.1 12.a.2", Go(places.LogPlace(("12.a.1", "12.a.2")))),
        ("metrics 12", Go(places.MetricsPlace(12))),
        ("data datasets/my scans", Go(places.DataPlace("datasets/my scans"))),
        ("theme light", Set("theme", "light")),
        ("quit", Do("quit")),
    ],
)
def test_words_lead_to_places_and_deeds(typed: str, order: commands.Order) -> None:
    assert read_command(typed) == order


def test_several_can_be_controlled_at_once() -> None:
    order = read_command("cancel 12 13.train")
    assert isinstance(order, Control)
    assert [str(target) for target in order.targets] == ["12", "13.train"]


@pytest.mark.parametrize(
    "typed", ["", "shwo 12", "show", "show 1 2", "show x", "cancel", "logs", "theme", "metrics a.b.c.d"]
)
def test_what_cannot_be_meant_after_a_colon_is_an_error_with_a_way_out(typed: str) -> None:
    with pytest.raises(ToviError) as raised:
        read_command(typed)
    assert raised.value.hint or raised.value.why


def test_beginnings_find_their_words_and_so_does_what_they_do() -> None:
    assert [one.word for one in matching("can")] == ["cancel"]
    assert [one.word for one in matching("machines")] == ["nodes"]
    assert len(matching("")) == len(commands.COMMANDS)


@pytest.mark.parametrize(("port", "line_to_type"), [(22, "scp -r 'h:a b' ."), (2222, "scp -P 2222 -r 'h:a b' .")])
def test_lines_to_type_can_be_pasted_into_a_shell(port: int, line_to_type: str) -> None:
    assert lines_to_type.fetch(ServerInfo("h", "1", port, ()), "a b") == line_to_type


def _node(free: int, gpus: int, *, ready: bool = True, gpu: str | None = "h100") -> NodeView:
    whole = Requested(8000, 2**30, 2**30, 4 if gpu else 0, gpu)
    return NodeView("n", ready, whole, Requested(free, 0, 0, gpus, gpu), (), NOW)


def test_a_glance_adds_up_machines_that_are_ready() -> None:
    nodes = (_node(2000, 1), _node(0, 4), _node(8000, 0, gpu=None), _node(8000, 4, ready=False))
    told = text(glance(nodes, (QueueView("default", queued=3, running=2), QueueView("long", queued=1, running=0))))
    assert "CPU 14/24" in told
    assert "GPU 3/8 h100" in told
    assert "1 not ready" in told
    assert "running 2 · waiting 4" in told


def test_a_glance_at_nothing_is_calm() -> None:
    assert "running 0 · waiting 0" in text(glance((), ()))
