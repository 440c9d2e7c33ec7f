"""The terminal UI through real ssh."""

from __future__ import annotations

from typing import Final

from tests.bench import screens_beside, screens_keys, screens_line, screens_logs, screens_opening
from tests.bench.figures import Figure

TITLE: Final = "The terminal UI"
ABOUT: Final = """
Each person is a stock `ssh` on a pseudo-terminal of 120 by 30. Times run from the key, or from the start of a client
whose connection is open, to the bytes at the terminal or to what a terminal shows of them. CPU and memory are of all
processes of the server. Live means that one job changes twice a second, which twenty people are shown every 1.7 s; who
is idle looks at jobs that are more than a minute old. Whoever presses keys or downloads shares the two cores with all
clients.
"""


def bench() -> tuple[Figure, ...]:
    return (
        *screens_opening.figures(),
        *screens_keys.figures(),
        *screens_keys.figures_of_long_queue(),
        *screens_logs.figures(),
        *screens_line.figures(),
        *screens_beside.figures(),
    )
