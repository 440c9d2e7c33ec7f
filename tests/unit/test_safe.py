"""Foreign texts made harmless for a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.core.safe import safe, safe_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ünïcode 中 \U0001f600", "plain ünïcode 中 \U0001f600"),
        ("two\nlines\tand tab", "two\nlines\tand tab"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("a\rb", "a\\x0db"),
        ("\x7f\x9b1m", "\\x7f\\x9b1m"),
        ("\u202eexe.txt", "\\u202eexe.txt"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\udcff", "\\udcff"),
        ("\U000e0041", "\\U000e0041"),
        ("\u2028", "\\u2028"),
    ],
)
def test_what_a_terminal_would_act_on_becomes_visible(text: str, expected: str) -> None:
    assert safe(text) == expected


def test_a_name_stays_on_its_line() -> None:
    assert safe_line("a\nb\tc\x1b") == "a\\x0ab\\x09c\\x1b"


@given(st.text(st.characters()))
def test_safe_text_has_no_controls_and_stays_as_it_is(text: str) -> None:
    for made, allowed in ((safe(text), "\n\t"), (safe_line(text), "")):
        assert not [sign for sign in made if unicodedata.category(sign) in ("Cc", "Cs") and sign not in allowed]
        made.encode()
    assert safe(safe(text)) == safe(text)
    assert safe_line(safe_line(text)) == safe_line(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="\u3000")))
def test_ordinary_text_is_not_changed(text: str) -> None:
    assert safe_line(text) == text
