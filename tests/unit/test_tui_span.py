"""Lines of spans: where two of them look different."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_tui.text.span import Line, Span, Tone, changed_columns, line, width

LINES = st.lists(st.builds(Span, st.text("ab星", max_size=3), st.sampled_from([Tone.PLAIN, Tone.BAD]))).map(tuple)


def cells_of(spans: Line) -> list[tuple[str, Tone]]:
    """What stands in each column; a wide character is in its first, and nothing in its second."""
    return [
        cell for span in spans for one in span.text for cell in [(one, span.tone), ("", span.tone)][: 1 + (one == "星")]
    ]


@given(LINES, LINES)
def test_outside_of_what_changed_both_lines_are_the_same(before: Line, after: Line) -> None:
    changed = changed_columns(before, after)
    longest = max(width(before), width(after))
    old, new = [cells_of(spans) + [(" ", Tone.PLAIN)] * (longest - width(spans)) for spans in (before, after)]
    assert all(old[at] == new[at] for at in range(longest) if at not in changed)


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (("12 ", "9s", " ada"), ("12 ", "9s", " ada"), range(7, 7)),
        (("12 ", "8s", " ada"), ("12 ", "9s", " ada"), range(3, 5)),
        (("12 ", "9s", " ada"), ("12 ", "10s", " ada"), range(3, 10)),
        (("12 ",), ("12 ", "ada"), range(3, 6)),
    ],
)
def test_only_what_differs_has_changed(before: tuple[str, ...], after: tuple[str, ...], changed: range) -> None:
    assert changed_columns(line(*before), line(*after)) == changed
