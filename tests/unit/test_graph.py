"""Needs between stages: order, cycles, and what ends mean for those that need them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.core.graph import Readiness, cycle, order, verdict
from tovi_server.core.job import Counts


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ([], Readiness.READY),
        ([Counts(succeeded=3)], Readiness.READY),
        ([Counts(succeeded=3), Counts(succeeded=1)], Readiness.READY),
        ([Counts(succeeded=2, running=1)], Readiness.WAIT),
        ([Counts(waiting=2)], Readiness.WAIT),
        ([Counts(queued=2), Counts(succeeded=1)], Readiness.WAIT),
        ([Counts(succeeded=2, failed=1)], Readiness.SKIP),
        ([Counts(running=2, failed=1)], Readiness.SKIP),
        ([Counts(cancelled=1)], Readiness.SKIP),
        ([Counts(skipped=1), Counts(running=1)], Readiness.SKIP),
    ],
)
def test_a_stage_may_go_wait_or_must_be_skipped(needs: list[Counts], expected: Readiness) -> None:
    assert expected is verdict(needs)


def test_stages_come_after_what_they_need_and_else_in_the_order_of_the_file() -> None:
    needs: dict[str, list[str]] = {"report": ["train"], "prepare": [], "train": ["prepare"], "other": []}
    assert order(needs) == ("prepare", "train", "report", "other")


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ({"a": [], "b": ["a"]}, ()),
        ({"a": ["a"]}, ("a",)),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, ("b", "c")),
        ({"x": [], "a": ["x", "b"], "b": ["x", "a"]}, ("a", "b")),
    ],
)
def test_a_cycle_is_named_by_its_stages_alone(needs: dict[str, list[str]], expected: tuple[str, ...]) -> None:
    assert expected == cycle(needs)


@given(st.lists(st.sets(st.integers(0, 9)), min_size=1, max_size=10))
def test_either_all_stages_have_an_order_or_there_is_a_cycle(edges: list[set[int]]) -> None:
    needs = {str(place): [str(need) for need in wanted if need < len(edges)] for place, wanted in enumerate(edges)}
    found, loop = order(needs), cycle(needs)
    assert (len(found) == len(needs)) == (not loop)
    assert all(set(needs[name]) <= set(found[: found.index(name)]) for name in found)
    assert all(following in needs[name] for name, following in zip(loop, (*loop[1:], *loop[:1]), strict=True))
