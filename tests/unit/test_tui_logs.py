"""Logs as lines, colours, windows, matches: any bytes of any program."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.core.look import Look
from tovi_server.core.views import LogPiece
from tovi_tui.logs import matches, title
from tovi_tui.logs.ink import PLAIN, inked
from tovi_tui.logs.lines import LONGEST_BYTES, LogLine, lines_of
from tovi_tui.logs.marking import marked
from tovi_tui.logs.rows import Rows
from tovi_tui.logs.together import MOST_BYTES, Together
from tovi_tui.logs.window import MOST_BYTES as MOST_OF_A_WINDOW
from tovi_tui.logs.window import Window
from tovi_tui.text.span import Ink, Line, Span, Tone, line, width


def text_of(spans: Line) -> str:
    return "".join(span.text for span in spans)


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        (b"", []),
        (b"a\nb", ["a", "b"]),
        (b"a\n\nb\n", ["a", "", "b"]),
        (b"dos\r\nline\r\n", ["dos", "line"]),
        (b" 10%\r 50%\r100%\n", ["100%"]),
        (b" 10%\r 50%\r", [" 50%"]),
        (b"\xff\xfe!\n", ["\ufffd\ufffd!"]),
        ("é星\n".encode(), ["é星"]),
    ],
)
def test_lines_are_what_a_terminal_would_show(data: bytes, texts: list[str]) -> None:
    assert [one.text for one in lines_of(data, 0)] == texts


def test_a_line_of_any_length_is_in_pieces_between_letters() -> None:
    lines = lines_of("星".encode() * 10_000, 7)
    assert "".join(one.text for one in lines) == "星" * 10_000
    assert max(len(one.data) for one in lines) <= LONGEST_BYTES


@given(st.lists(st.sampled_from([b"\n", b"\r", b"a" * 3000, "é".encode(), b"\xff", b""])), st.integers(0, 10**12))
def test_lines_lose_no_byte_and_know_their_places(pieces: list[bytes], start: int) -> None:
    data = b"".join(pieces)
    for one in lines_of(data, start):
        assert data[one.offset - start :][: len(one.data)] == one.data
    assert b"".join(one.data for one in lines_of(data, start)) == data.replace(b"\n", b"")


@pytest.mark.parametrize(
    ("sequence", "ink"),
    [
        ("1", Ink(bold=True)),
        ("2;3;4;7", Ink(dim=True, italic=True, underline=True, reverse=True)),
        ("31", Ink(foreground=1)),
        ("97;44", Ink(foreground=15, background=4)),
        ("107", Ink(background=15)),
        ("38;5;208", Ink(foreground=208)),
        ("48;2;1;2;300", Ink(background=(1, 2, 255))),
        ("31;0", PLAIN),
        ("", PLAIN),
        ("1;22", PLAIN),
        ("31;39", PLAIN),
        ("5", PLAIN),
        ("8", PLAIN),
        ("38;5;999", PLAIN),
        ("38;5", PLAIN),
        ("999", PLAIN),
        (";".join(["1"] * 16 + ["31"]), Ink(bold=True)),
    ],
)
def test_colours_of_the_program_are_kept(sequence: str, ink: Ink) -> None:
    assert inked(f"\x1b[{sequence}mtext", PLAIN) == ((Span("text", ink=ink),), ink)


def test_colours_go_on_in_the_next_line() -> None:
    _, ink = inked("\x1b[31mred", PLAIN)
    assert inked("still", ink)[0] == (Span("still", ink=Ink(foreground=1)),)


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\x1b]0;pwned\x07", "\x1b[K", "\x1b[38:5:1m", "\x1b[?1049l", "\x9b31m", "\x1b[", "\x1bc"]
)
def test_every_other_escape_is_seen_as_text(text: str) -> None:
    spans, ink = inked(text, PLAIN)
    assert ink == PLAIN
    assert text_of(spans).startswith("\\x")
    assert text_of(spans).isprintable()


def test_tabs_go_to_the_next_stop_whatever_colours_are_between() -> None:
    assert text_of(inked("ab\tc", PLAIN)[0]) == "ab      c"
    assert text_of(inked("\x1b[1mab\x1b[0m\tc", PLAIN)[0]) == "ab      c"


@given(st.lists(st.sampled_from([b"\x1b[", b"3", b"8;5;", b"m", b"\t", b"\r", b"\n", b"\xc2\x9b"]) | st.binary()))
def test_no_control_character_is_ever_shown(pieces: list[bytes]) -> None:
    rows = Rows()
    rows.set(lines_of(b"".join(pieces), 0), columns=20)
    for index in range(len(rows)):
        assert not [one for one in text_of(rows[index]) if unicodedata.category(one) in {"Cc", "Cf", "Cs"}]
        assert width(rows[index]) <= 21  # a space at the end of a row may stick out


def test_a_match_is_marked_in_small_and_capital_letters() -> None:
    spans = marked(line("An ERROR, error"), "error")
    assert [span.text for span in spans if span.tone is Tone.MATCH] == ["ERROR", "error"]
    assert text_of(spans) == "An ERROR, error"


@given(st.text(), st.text(max_size=3))
def test_marks_change_no_text(text: str, wanted: str) -> None:
    assert text_of(marked(line(text), wanted)) == text


def test_a_window_grows_at_both_ends_and_stays_small() -> None:
    window = Window(10**9 - 100, b"x" * 100, 10**9)
    for _ in range(20):
        window = window.with_older(b"y" * 65536)
    assert (window.start, len(window.data)) == (10**9 - 100 - 20 * 65536, MOST_OF_A_WINDOW)
    assert not window.has_end
    window = window.with_newer(b"z" * 65536, size=10**9, is_final=True)
    assert len(window.data) == MOST_OF_A_WINDOW
    assert window.data.endswith(b"z")


def test_a_line_whose_begin_is_not_there_is_left_out() -> None:
    assert [one.text for one in Window(5, b"alf\nwhole\n", 15).lines()] == ["whole"]
    assert [one.text for one in Window(0, b"half\nwhole\n", 11).lines()] == ["half", "whole"]


def test_rows_know_their_lines() -> None:
    rows = Rows()
    rows.set([LogLine(0, b"short"), LogLine(6, b"one two three four"), LogLine(25, b"end")], columns=10)
    assert [text_of(rows[index]).rstrip() for index in range(len(rows))] == ["short", "one two", "three four", "end"]
    assert (rows.rows_with(0), rows.rows_with(12), rows.rows_with(99)) == (range(1), range(1, 3), range(3, 4))
    assert [rows.offset_at(index) for index in range(4)] == [0, 6, 6, 25]


def test_no_rows_are_no_mistake() -> None:
    rows = Rows()
    assert (rows.offset_at(3), rows.rows_with(5)) == (0, range(0))


def test_rows_that_stay_are_not_made_again() -> None:
    lines, rows = [LogLine(0, b"\x1b[31mred"), LogLine(9, b"more")], Rows()
    rows.set(lines, columns=None)
    before = rows[1]
    rows.set([*lines, LogLine(14, b"new")], columns=None)
    assert rows[1] is before
    rows.set([LogLine(0, b"\x1b[32mred"), *lines[1:]], columns=None)
    assert rows[1] == (Span("more", ink=Ink(foreground=2)),)


@pytest.mark.parametrize(("origin", "place"), [(0, 10), (10, 10), (11, 20), (31, 30)])
def test_the_nearest_match_is_behind_if_any_is(origin: int, place: int) -> None:
    assert matches.nearest([10, 20, 30], origin) == place


@pytest.mark.parametrize(("place", "by", "to"), [(10, 1, 20), (30, 1, 10), (10, -1, 30), (15, -1, 10), (15, 1, 20)])
def test_matches_are_gone_through_round_about(place: int, by: int, to: int) -> None:
    assert matches.beside([10, 20, 30], place, by) == to


def test_no_matches_lead_nowhere() -> None:
    assert (matches.nearest([], 5), matches.beside([], 5, 1)) == (None, None)


def pieces(*told: tuple[str, bytes]) -> list[tuple[str, str]]:
    together = Together()
    for source, data in told:
        task, stream = source.split()
        together.add(LogPiece(task, stream, data))
    return [(one.source, one.text) for one in together.lines()]


def test_logs_together_are_in_the_order_they_came() -> None:
    told = pieces(("1 out", b"a\nb\n"), ("2 err", b"c\n"), ("1 out", b"d\n"))
    assert told == [("1 out", "a"), ("1 out", "b"), ("2 err", "c"), ("1 out", "d")]


def test_a_line_that_comes_in_pieces_is_one_line() -> None:
    told = pieces(("1 out", b"first\nhal"), ("2 out", b"other\n"), ("1 out", b"f"), ("1 out", b" done\nnext\n"))
    assert told == [("1 out", "first"), ("1 out", "half done"), ("2 out", "other"), ("1 out", "next")]


@given(
    st.lists(
        st.tuples(st.sampled_from(["1 out", "1 err", "2 out"]), st.sampled_from([b"a", b"b\n", b"\n", b"c" * 5000]))
    )
)
def test_logs_together_lose_no_byte(told: list[tuple[str, bytes]]) -> None:
    for source in ("1 out", "1 err", "2 out"):
        whole = b"".join(data for of, data in told if of == source).replace(b"\n", b"")
        assert "".join(text for of, text in pieces(*told) if of == source) == whole.decode()


def test_of_logs_together_only_the_end_is_kept() -> None:
    together = Together()
    for _ in range(100):
        together.add(LogPiece("1", "out", b"x" * 65535 + b"\n"))
    assert together.end == 100 * 65536
    assert together.end - together.start <= MOST_BYTES


def test_what_stands_before_a_line_tells_when_who_and_err() -> None:
    one = LogLine(0, b"", "12.main.3 err", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    lead = title.lead_of(Look(datetime.min.replace(tzinfo=UTC)), is_timed=True, is_named=True, has_both=True)
    assert text_of(lead(one)) == "03:04:05 12.main.3 err "
    assert text_of(lead(LogLine(0, b"", "12.main.3 out"))) == "         12.main.3     "
