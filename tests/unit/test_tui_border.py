"""The last border before the terminal: whatever a line says, what goes out is harmless and exactly as wide."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from tests.tui.hostile import CORPUS
from tovi_server.core import cells
from tovi_tui.logs.ink import PLAIN, inked
from tovi_tui.logs.lines import lines_of
from tovi_tui.text.span import Line, Span, Tone
from tovi_tui.widgets.toned import strip_of

HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
TEXTS = st.one_of(st.text(), st.sampled_from(CORPUS), st.lists(st.sampled_from(CORPUS)).map("".join))
LINES = st.lists(st.builds(Span, TEXTS, st.sampled_from(Tone))).map(tuple)


def sent(spans: Line, columns: int) -> str:
    strip = strip_of(spans, columns, lambda *_, **__: Style(), base=Style())
    assert strip.cell_length == columns
    return strip.text


@given(LINES, st.integers(1, 120))
def test_no_line_sends_anything_but_text_of_its_width(spans: Line, columns: int) -> None:
    text = sent(spans, columns)
    assert HARMFUL.search(text) is None
    assert cells.width(text) == columns


@given(st.one_of(st.binary(), TEXTS.map(lambda text: text.encode(errors="surrogatepass"))))
def test_no_log_sends_anything_but_text_and_its_colours(data: bytes) -> None:
    ink = PLAIN
    for one in lines_of(data, 0):
        spans, ink = inked(one.text, ink)
        assert HARMFUL.search(sent(spans, 80)) is None
