"""Ids of jobs, stages, tasks and attempts, as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.core.errors import UsageError
from tovi_server.core.ids import (
    LARGEST_JOB_ID,
    AttemptId,
    JobId,
    Reference,
    TaskId,
    parse_reference,
    parse_task_id,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", Reference(JobId(12))),
        ("12.train", Reference(JobId(12), "train")),
        ("12.train.3", Reference(JobId(12), "train", 3)),
        ("12.train.3/2", Reference(JobId(12), "train", 3, 2)),
        ("1.a-b_c9.0", Reference(JobId(1), "a-b_c9", 0)),
        (str(LARGEST_JOB_ID), Reference(JobId(LARGEST_JOB_ID))),
    ],
)
def test_an_id_reads_as_its_parts_and_is_shown_as_typed(text: str, expected: Reference) -> None:
    assert (parse_reference(text), str(expected)) == (expected, text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "-1", "12.", "12.Train", "12.3", "12/2", "12.train/2", "12.train.3/", "12 ", "12\n", "١", "1" * 20),
        *(str(LARGEST_JOB_ID + 1), "12.train.3.4", "12." + "a" * 64, "../12", "12.train.-1"),
    ],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not an id"):
        parse_reference(text)


def test_the_id_of_a_task_has_all_three_parts() -> None:
    task = TaskId(JobId(12), "train", 3)
    assert (parse_task_id("12.train.3"), str(task), str(AttemptId(task, 2))) == (task, "12.train.3", "12.train.3/2")


@pytest.mark.parametrize("text", ["12", "12.train", "12.train.3/1"])
def test_other_ids_name_no_task(text: str) -> None:
    with pytest.raises(UsageError, match="names no task"):
        parse_task_id(text)


@given(st.text(max_size=30))
def test_any_text_is_an_id_or_a_named_error(text: str) -> None:
    try:
        found = parse_reference(text)
    except UsageError:
        return
    assert parse_reference(str(found)) == found
