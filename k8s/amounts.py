"""Kubernetes' quantities, `100m`, `7804468Ki` or `1e3`, as whole numbers."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from math import ceil
from typing import Final

_FACTORS: Final = {
    **{f"{letter}i": Decimal(2 ** (10 * power)) for power, letter in enumerate("KMGTPE", start=1)},
    **{letter: Decimal(10 ** (3 * power)) for power, letter in enumerate("kMGTPE", start=1)},
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
}


def quantity(text: object) -> Decimal:
    """Raises:
    ValueError: it is none.
    """
    words = str(text)
    number, factor = words, Decimal(1)
    for length in (2, 1):
        if words[-length:] in _FACTORS:
            number, factor = words[:-length], _FACTORS[words[-length:]]
            break
    try:
        return Decimal(number) * factor
    except InvalidOperation:
        raise ValueError(f'"{words}" is no quantity') from None


def whole(text: object) -> int:
    """Rounded up, as Kubernetes does."""
    return ceil(quantity(text))


def millicores(text: object) -> int:
    return ceil(quantity(text) * 1000)
