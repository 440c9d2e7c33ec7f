"""What pods and labels are called: valid for Kubernetes, and no two of them the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from k8s import names
from tovi_server.core.ids import LARGEST_JOB_ID, STAGE_NAME, AttemptId, JobId, TaskId

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", re.ASCII)

stages = some.from_regex(STAGE_NAME, fullmatch=True)
near_stages = some.text("ab-_01", min_size=1, max_size=8).filter(lambda text: STAGE_NAME.fullmatch(text) is not None)
attempts = some.builds(
    AttemptId,
    some.builds(
        TaskId,
        some.one_of(some.integers(1, 120), some.integers(1, LARGEST_JOB_ID)).map(JobId),
        some.one_of(stages, near_stages),
        some.integers(0, 999_999),
    ),
    some.integers(1, 999),
)


def attempt(job: int, stage: str, index: int, number: int) -> AttemptId:
    return AttemptId(TaskId(JobId(job), stage, index), number)


def test_a_pod_is_called_as_people_call_its_attempt() -> None:
    assert names.pod_name("tovi", attempt(12, "train", 3, 2)) == "tovi-12-train-3-2"


@pytest.mark.parametrize(
    ("prefix", "stage", "begins"),
    [
        ("tovi", "fit_model", "tovi-12-fit-model-3-2-"),
        ("tovi", "a" * 63, f"tovi-12-{'a' * 44}-"),
        ("Tovi_Lab", "train", "tovi-lab-12-train-3-2-"),
        ("", "train", "12-train-3-2-"),
    ],
)
def test_a_name_that_had_to_be_changed_can_be_read_and_ends_in_a_hash(prefix: str, stage: str, begins: str) -> None:
    name = names.pod_name(prefix, attempt(12, stage, 3, 2))

    assert name.startswith(begins)
    assert re.fullmatch(r"[0-9a-f]{10}", name.removeprefix(begins))


@given(some.one_of(some.just("tovi"), some.text(max_size=70)), attempts)
def test_every_pod_has_a_name_that_is_a_dns_label(prefix: str, of: AttemptId) -> None:
    assert DNS_LABEL.fullmatch(names.pod_name(prefix, of))


@given(attempts, attempts)
def test_no_two_attempts_have_pods_of_the_same_name_or_label(one: AttemptId, other: AttemptId) -> None:
    assume(one != other)

    assert names.pod_name("tovi", one) != names.pod_name("tovi", other)
    assert names.attempt_label("tovi", one) != names.attempt_label("tovi", other)


@given(near_stages, near_stages, some.integers(0, 11), some.integers(0, 11))
def test_stages_that_differ_only_by_their_dashes_have_pods_of_different_names(
    one: str, other: str, index: int, number: int
) -> None:
    assume(one != other)
    pods = {names.pod_name("tovi", attempt(1, stage, index, number + 1)) for stage in (one, other)}

    assert len(pods) == 2


def test_names_whose_parts_could_be_cut_otherwise_are_different() -> None:
    alike = [attempt(1, "a-1", 2, 3), attempt(1, "a", 1, 2), attempt(1, "a-1-2", 3, 3), attempt(1, "a_1", 2, 3)]
    alike += [attempt(1, "a__1", 2, 3), attempt(1, "a-_1", 2, 3), attempt(1, "a_-1", 2, 3)]
    alike += [attempt(1, f"{'a' * 62}{last}", 2, 3) for last in "ab"] + [attempt(1, "a" * 62, 2, n) for n in (1, 2)]

    assert len({names.pod_name("tovi", one) for one in alike}) == len(alike)


@given(attempts)
def test_an_attempt_of_another_installation_has_another_label(of: AttemptId) -> None:
    assert names.attempt_label("one", of) != names.attempt_label("two", of)
    assert LABEL_VALUE.fullmatch(names.attempt_label("one", of))


@given(some.text(some.characters(exclude_categories=()), max_size=300))
def test_any_name_of_a_user_or_project_has_a_label(text: str) -> None:
    assert LABEL_VALUE.fullmatch(names.label(text))
    assert names.label(text)


@pytest.mark.parametrize("name", ["ada", "lens-survey", "A.b_c", "x" * 63])
def test_a_name_that_can_be_a_label_is_its_own(name: str) -> None:
    assert names.label(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "x" * 64, "a b", "é", "a\n", "a/b", "ada@example.org", "\ud800"])
def test_a_name_that_cannot_be_a_label_is_hashed(name: str) -> None:
    assert re.fullmatch(r"hash-[0-9a-f]{40}", names.label(name))
