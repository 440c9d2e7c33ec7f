"""What screens say, as lines: bars, columns, filters, order, words after a colon."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes_manager import NOW, a_job
from tovi_server.core.errors import ToviError, UsageError
from tovi_server.core.filters import JobFilter
from tovi_server.core.look import Look
from tovi_server.core.states import TaskState
from tovi_server.core.views import NodeView, QueueView, Requested, ServerInfo
from tovi_tui import places
from tovi_tui.text import commands, lines_to_type
from tovi_tui.text.bars import bar
from tovi_tui.text.columns import Column, fitted, header, row_line
from tovi_tui.text.commands import Control, Do, Go, Set, matching, read_command
from tovi_tui.text.filter import Scope, read_filter
from tovi_tui.text.glance import glance
from tovi_tui.text.order import COLUMNS, Order
from tovi_tui.text.span import Line, Span, Tone, cut, line, width
from tovi_tui.text.states import look_of, state_of
from tovi_tui.text.wrap import wrapped

LOOK = Look(NOW)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)


def text(spans: Line) -> str:
    return "".join(span.text for span in spans)


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
    assert all(width(tuple(Span(span.text.rstrip()) for span in piece[-1:])) <= columns for piece in pieces)
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
