"""Kubernetes' quantities, `100m`, `7804468Ki` or `1e3`, as whole numbers.

The grammar: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/. As there, an amount is at
most 2^63-1, and what does not come out even is rounded up.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Final

_LARGEST: Final = 2**63 - 1
_LARGEST_EXPONENT: Final = 30
"""Beyond it, either way, everything is the largest or the smallest amount that there is."""
_FACTORS: Final = {
    **{f"{letter}i": Fraction(2 ** (10 * power)) for power, letter in enumerate("KMGTPE", start=1)},
    **{
        letter: Fraction(10) ** power
        for letter, power in zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True)
    },
    "": Fraction(1),
}
_QUANTITY: Final = re.compile(
    r"(?P<number>[+-]?(?:[0-9]{1,99}(?:\.[0-9]{0,99})?|\.[0-9]{1,99}))"
    r"(?:[eE](?P<exponent>[+-]?[0-9]{1,9})|(?P<suffix>[KMGTPE]i|[numkMGTPE]|))",
    re.ASCII,
)


def whole(text: object) -> int:
    """Raises:
    ValueError: it is no quantity.
    """
    return _rounded(_quantity(str(text)))


def millicores(text: object) -> int:
    """Raises:
    ValueError: it is no quantity.
    """
    return _rounded(_quantity(str(text)) * 1000)


@lru_cache(maxsize=4096)  # a cluster's thousands of pods ask for the same few amounts
def _quantity(text: str) -> Fraction:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text[:60]}" is no quantity')
    number = Fraction(match["number"])
    if match["exponent"] is None:
        return number * _FACTORS[match["suffix"]]
    exponent = int(match["exponent"])
    return number * Fraction(10) ** max(-_LARGEST_EXPONENT, min(exponent, _LARGEST_EXPONENT))


def _rounded(amount: Fraction) -> int:
    return max(-_LARGEST, min(ceil(amount), _LARGEST))
