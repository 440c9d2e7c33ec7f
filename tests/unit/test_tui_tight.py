"""Of a picture only the columns that changed go out."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate
from textual.strip import Strip

from tovi_tui.tight import tight

LINES: list[dict[int, Strip | None]] = [
    {0: Strip([Segment("abc")]), 3: Strip([Segment("def"), Segment("gh")])},
    {0: None, 3: Strip([Segment("ijklm")])},
]
ENDS = [[3, 8], [3, 8]]


@pytest.mark.parametrize(
    ("spans", "sent"),
    [
        ([(0, 4, 7)], "\x1b[1;5Hefg"),
        ([(0, 2, 4)], "\x1b[1;3Hc\x1b[1;4Hd"),
        ([(0, 0, 8), (1, 0, 8)], "\x1b[1;1Habc\x1b[1;4Hdefgh\x1b[2;4Hijklm"),
        ([(0, 1, 2), (0, 7, 8), (1, 3, 4)], "\x1b[1;2Hb\x1b[1;8Hh\x1b[2;4Hi"),
    ],
)
def test_only_the_columns_of_each_span_go_out(spans: list[tuple[int, int, int]], sent: str) -> None:
    update = tight(ChopsUpdate(LINES, spans, ENDS))
    assert isinstance(update, ChopsUpdate)
    assert update.render_segments(Console(color_system=None)) == sent


def test_what_is_no_picture_of_parts_stays_as_it_is() -> None:
    assert tight("whole") == "whole"
