"""The text in the editor as it is kept between sessions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.core.preferences import LONGEST
from tovi_tui.specs.draft import Attempt, Draft, kept_draft


@given(st.text(min_size=1).filter(str.strip))
def test_a_text_comes_back_as_it_was(text: str) -> None:
    assert kept_draft(Draft(text).kept) == Draft(text)


def test_a_submission_without_an_answer_comes_back_with_its_key() -> None:
    draft = Draft("run: x", attempt=Attempt("run: x", "lens", "abc"))
    assert kept_draft(draft.kept).sending("lens", "another") == Attempt("run: x", "lens", "abc")


def test_a_text_that_was_changed_since_it_was_sent_gets_another_key() -> None:
    draft = Draft("run: y", attempt=Attempt("run: x", "lens", "abc"))
    assert kept_draft(draft.kept).sending("lens", "another") == Attempt("run: y", "lens", "another")


@pytest.mark.parametrize(
    "draft",
    [Draft(), Draft(" \n"), Draft("run: x", queued="run: x"), Draft("x" * LONGEST), Draft("ü" * (LONGEST // 5))],
)
def test_nothing_is_kept_of_what_is_empty_queued_or_too_long(draft: Draft) -> None:
    assert draft.kept == ""


@pytest.mark.parametrize("kept", ["", "run: x", "[]", "{}", '{"text": 1}', '"text"', "{"])
def test_what_cannot_be_read_is_an_empty_draft(kept: str) -> None:
    assert kept_draft(kept) == Draft()
