"""Kubernetes' quantities, read by its rules."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from k8s.amounts import millicores, whole

LARGEST = 2**63 - 1

AMOUNTS = {
    "0": 0,
    "7": 7,
    "+7": 7,
    "-7": -7,
    "1Ki": 1024,
    "7804468Ki": 7804468 * 1024,
    "1Mi": 2**20,
    "1.5Gi": 3 * 2**29,
    "1Ti": 2**40,
    "1Pi": 2**50,
    "1Ei": 2**60,
    "1k": 1000,
    "129M": 129_000_000,
    "2G": 2 * 10**9,
    "1T": 10**12,
    "1P": 10**15,
    "1E": 10**18,
    "1E3": 1000,
    "1e3": 1000,
    "1e-3": 1,
    "12e6": 12_000_000,
    ".5": 1,
    "5.": 5,
    "100m": 1,
    "1999m": 2,
    "1u": 1,
    "1n": 1,
    "0.0000000001": 1,
    "9223372036854775807": LARGEST,
    "9223372036854775808": LARGEST,
    "8Ei": LARGEST,
    "100E": LARGEST,
    "1e99999": LARGEST,
    "1e-99999": 1,
}

NONSENSE = [
    *("", " ", "k", "Ki", ".", "+", "-", "--1", "+-1", "1 ", " 1", "1\n", "1 Ki", "1ki", "1K", "1kI", "1KiB", "1g"),
    *(
        "1e",
        "1e+",
        "1e3Ki",
        "1e3k",
        "1e1.5",
        "1.2.3",
        "0x10",
        "1_000",
        "1,5",
        "NaN",
        "inf",
        "Infinity",
        "٣",
        "½",
        "1m1",
    ),
    *("None", "true", "9" * 500, "1e9999999999"),
]


@pytest.mark.parametrize("text", AMOUNTS)
def test_an_amount_is_read_with_its_suffix_or_exponent_rounded_up_and_at_most_what_there_can_be(text: str) -> None:
    assert whole(text) == AMOUNTS[text]


@pytest.mark.parametrize(
    ("text", "amount"),
    [("2", 2000), ("100m", 100), ("0.5", 500), ("0.0001", 1), ("1500u", 2), ("1e3", 10**6), ("1Ki", 1024000)],
)
def test_cores_are_counted_in_thousandths_rounded_up(text: str, amount: int) -> None:
    assert millicores(text) == amount


@pytest.mark.parametrize("text", NONSENSE)
def test_what_is_no_quantity_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        whole(text)


@pytest.mark.parametrize("number", [0, 7, 110])
def test_a_number_of_json_is_one_too(number: int) -> None:
    assert (whole(number), millicores(number)) == (number, 1000 * number)


numbers = some.from_regex(
    r"[+-]?(?:[0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})", fullmatch=True, alphabet=some.characters(max_codepoint=127)
)
factors = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


@given(numbers, some.sampled_from(sorted(factors)))
def test_a_suffix_means_as_much_as_its_exponent(number: str, suffix: str) -> None:
    assert whole(f"{number}{suffix}") == whole(f"{number}e{factors[suffix]}")


@given(numbers, some.sampled_from(sorted(factors)))
def test_no_amount_is_counted_as_less_than_it_is_nor_as_one_more(number: str, suffix: str) -> None:
    exact = Fraction(number) * Fraction(10) ** factors[suffix]

    assert whole(f"{number}{suffix}") >= min(exact, Fraction(LARGEST))
    assert whole(f"{number}{suffix}") < max(exact, Fraction(-LARGEST)) + 1


@given(some.text())
@example("1e5k")
def test_any_text_is_a_quantity_or_refused_and_nothing_else(text: str) -> None:
    try:
        assert abs(whole(text)) <= LARGEST
    except ValueError as error:
        assert "is no quantity" in str(error)  # noqa: PT017  # either is right
