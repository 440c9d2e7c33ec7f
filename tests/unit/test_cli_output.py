"""Tables, documents, fields, times: what a person or a program reads."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes_manager import NOW, FakeManager, FakeStreams, a_job, an_event
from tovi_cli import output_json
from tovi_cli.main import make_run_command
from tovi_cli.output_table import fitted
from tovi_cli.welcome import welcome
from tovi_server.core import cells, views
from tovi_server.core.look import Look, zone_of
from tovi_server.core.reasons import Reason

RUN = make_run_command(lambda: NOW)
HOSTILE = "a\x1b]0;x\x07\nb\u202e\tc\x9b"


async def ended(line: str, fake: FakeManager, **streams: object) -> FakeStreams:
    seen = FakeStreams(**streams)  # type: ignore[arg-type]  # tests name the fields they set
    assert await RUN(fake, shlex.split(line), seen) == 0
    return seen


async def test_an_empty_list_says_so_on_stderr() -> None:
    streams = await ended("queue", FakeManager())
    assert (streams.out, streams.err) == (b"", b"nothing waits or runs\n")


async def test_an_empty_list_as_json_is_a_document() -> None:
    streams = await ended("queue --json", FakeManager())
    assert json.loads(streams.out) == {"schema": "tovi.jobs/1", "items": [], "next": None}
    assert streams.err == b""


async def test_there_is_more_is_said_beside_the_table() -> None:
    streams = await ended("jobs", FakeManager(job_list=(a_job(),), next=12))
    assert streams.err == b"there are more: --before 12\n"


async def test_a_table_is_cut_to_the_terminal_and_to_nothing_else() -> None:
    fake = FakeManager(job_list=(a_job(name="n" * 200),))
    for columns in (20, 60, 100):
        narrow = await ended("queue", fake, columns=columns)
        assert all(len(line) <= columns for line in narrow.stdout.splitlines())
    assert "…" in narrow.stdout
    assert "n" * 200 in (await ended("queue", fake)).stdout


async def test_colour_only_where_there_is_colour() -> None:
    fake = FakeManager(job_list=(a_job(),))
    assert b"\x1b[32mrunning\x1b[0m" in (await ended("queue", fake, columns=200, colour=True)).out
    assert b"\x1b" not in (await ended("queue", fake, columns=200)).out


async def test_fields_pick_and_order_in_every_form() -> None:
    fake = FakeManager(job_list=(a_job(),))
    assert (await ended("queue --fields requested.gpus,id", fake)).stdout == "GPUS  JOB\n1     12\n"
    assert (await ended("queue --fields requested.gpus,id --jsonl", fake)).stdout == (
        '{"schema": "tovi.job/1", "requested.gpus": 1, "id": 12}\n'
    )
    items = json.loads((await ended("queue --fields requested.gpus,id --json", fake)).out)["items"]
    assert items == [{"requested.gpus": 1, "id": 12}]
    assert (await ended("show 12 --fields user,tasks_total", fake)).stdout == "ada  1\n"


async def test_an_unknown_field_names_the_nearest() -> None:
    streams = FakeStreams()
    assert await RUN(FakeManager(job_list=(a_job(),)), ["queue", "--fields", "stat"], streams) == 2
    assert "did you mean state?" in streams.stderr


async def test_metrics_get_a_column_each() -> None:
    rows = (
        views.MetricsRow("12.main.0", "succeeded", {"lr": "1e-2"}, {"loss": 0.25}),
        views.MetricsRow("12.main.1", "failed", {"lr": "1e-3"}, {"acc.top5": 0.5, "loss": 1e-9}),
    )
    streams = await ended("metrics 12", FakeManager(metrics_rows=rows))
    assert streams.stdout == (
        "TASK       STATE      lr    loss   acc.top5\n"
        "12.main.0  succeeded  1e-2  0.25   -\n"
        "12.main.1  failed     1e-3  1e-09  0.5\n"
    )


async def test_events_are_a_line_each() -> None:
    streams = await ended("events", FakeManager(event_list=(an_event(user="ada"),)))
    assert streams.stdout == "2026-01-31 12:00:00 UTC  started           12.main.0/1       by ada  node=node-1\n"


async def test_events_as_jsonl_carry_their_schema() -> None:
    streams = await ended("events --jsonl", FakeManager(event_list=(an_event(),)))
    assert json.loads(streams.out)["schema"] == "tovi.event/1"


@pytest.mark.parametrize(
    "line", ["queue", "jobs", "show 12", "show 12 --json", "queue --json", "queue --fields name,note"]
)
async def test_foreign_text_cannot_move_a_cursor(line: str) -> None:
    job = a_job(name=HOSTILE, note=HOSTILE, reason=Reason("error", HOSTILE), user=HOSTILE, spec=HOSTILE)
    fake = FakeManager(job_list=(job,), details=views.Details(job, (), 0))
    streams = await ended(line, fake, columns=None)
    assert not {character for character in streams.stdout + streams.stderr if ord(character) < 32} - {"\n", "\t"}
    assert not set("\u202e\x9b\x7f") & set(streams.stdout)


def test_json_times_are_utc_with_z() -> None:
    assert output_json.iso(datetime.fromisoformat("2026-01-31T14:00:00+02:00")) == "2026-01-31T12:00:00Z"


def test_json_has_no_infinity() -> None:
    assert output_json.plain({"a": float("inf"), "b": [float("nan"), 1.5]}) == {"a": None, "b": [None, 1.5]}


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(), "now"),
        (timedelta(minutes=3), "3m ago"),
        (timedelta(hours=2, minutes=10), "2h10m ago"),
        (timedelta(days=2), "Thu 12:00"),
        (timedelta(days=8), "2026-01-23"),
        (timedelta(minutes=-5), "in 5m"),
        (timedelta(days=-2), "2026-02-02"),
    ],
)
def test_times_are_short(ago: timedelta, text: str) -> None:
    assert Look(NOW).when(NOW - ago) == text


def test_the_zone_of_the_reader_is_used() -> None:
    look = Look(NOW, zone_of({"TZ": ":Europe/Berlin"}))
    assert look.exact(NOW) == "2026-01-31 13:00:00 CET"
    assert look.moment("2026-01-31T13:00") == NOW


@pytest.mark.parametrize("name", ["", "Nowhere/Land", "../../etc/passwd", "/etc/passwd", "\x00", "Europe", "A" * 5000])
def test_a_zone_that_is_none_is_utc(name: str) -> None:
    assert zone_of({"TZ": name}) is UTC


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 4, "abc…"),
        ("日本語", 6, "日本語"),
        ("日本語", 4, "日…"),
        ("e\u0301ab", 3, "e\u0301ab"),
    ],
)
def test_cutting_keeps_columns_true(text: str, columns: int, shown: str) -> None:
    assert cells.cut(text, columns) == shown
    assert cells.width(cells.cut(text, columns)) <= columns


def test_the_widest_column_gives_first() -> None:
    assert fitted([4, 30, 10], 40) == [4, 22, 10]
    assert fitted([4, 30], 200) == [4, 30]
    assert fitted([4, 30, 10], 10) == [4, 4]


async def test_the_welcome_says_who_where_and_what_next() -> None:
    fake = FakeManager(job_list=(a_job(3), a_job(2, state="queued"), a_job(1, state="waiting")))
    text = await welcome(fake)
    assert text.startswith("Tovi on tovi.cluster: you are ada, in project lens.\nYour jobs: 1 running, 2 waiting.\n")
    assert text.count("tovi.cluster ") >= 4
