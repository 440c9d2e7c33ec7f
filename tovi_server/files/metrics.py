"""The numbers that a task left in its metrics file."""

from __future__ import annotations

import json
import math
import os
from typing import Final

from tovi_server.core.resources import MIB
from tovi_server.files.beneath import Resolver
from tovi_server.files.reading import read_small

MOST_BYTES: Final = MIB
MOST_METRICS: Final = 1000
LONGEST_NAME: Final = 200

Metrics = tuple[tuple[str, float], ...]


def read_metrics(resolver: Resolver, outputs: int, path: str) -> Metrics:
    """The numbers in a JSON object, in its order; what is no finite number is left out. Nothing when there is no file.

    Raises:
        ValueError: the file is no JSON object, or too large; the text says so.
    """
    content = read_small(resolver, outputs, path, limit=MOST_BYTES)
    if content is None:
        return ()
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON") from error
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    numbers = [(name, number) for name, value in found.items() if (number := _number(value)) is not None]
    if len(numbers) > MOST_METRICS or any(len(name) > LONGEST_NAME for name, _ in numbers):
        raise ValueError(f"it has over {MOST_METRICS} numbers, or a name over {LONGEST_NAME} characters")
    return tuple(numbers)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def to_text(metrics: Metrics) -> bytes:
    """What people find as `metrics.json`."""
    return json.dumps(dict(metrics), indent=1).encode() + os.linesep.encode()
