"""Lengths of time, read and shown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.core.durations import format_duration, parse_duration
from tovi_server.core.errors import UsageError
from tovi_server.core.safe import safe_line


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("4h", 14_400), ("2d12h", 216_000), ("1d1h1m1s", 90_061), ("3650d", 315_360_000)],
)
def test_a_duration_is_units_from_large_to_small(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "90",
        "0s",
        "0d0h",
        "1.5h",
        "-1h",
        "1h 30m",
        "30m1h",
        "1h1h",
        "1w",
        "1H",
        "1:30:00",
        "4h\n",
        "٣h",
        "3651d",
        "9" * 30,
    ],
)
def test_anything_else_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_duration(text)
    assert safe_line(text) in raised.value.what


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (0, "0s"),
        (0.9, "0s"),
        (59, "59s"),
        (60, "1m"),
        (61, "1m1s"),
        (11_520, "3h12m"),
        (11_525, "3h12m"),
        (86_400 + 1800, "1d"),
        (90_000, "1d1h"),
    ],
)
def test_a_length_is_shown_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text


@given(st.integers(1, 59), st.sampled_from([("s", ""), ("m", "s"), ("h", "m")]), st.integers(0, 59))
def test_what_is_shown_of_two_units_reads_as_the_same(large: int, units: tuple[str, str], small: int) -> None:
    text = f"{large % 24 or 1}{units[0]}" + (f"{small}{units[1]}" if units[1] and small else "")
    assert format_duration(parse_duration(text)) == text
