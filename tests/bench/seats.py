"""People at terminals: `ssh tovi` on pseudo-terminals, over connections that are open already or fresh ones."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.live import Live
from tests.tui.terminal import Terminal, terminal

COLUMNS: Final = 120
LINES: Final = 30
ALTERNATE: Final = b"\x1b[?1049h"
_CURSOR: Final = "▸"
_PAGE_DOWN: Final = "\x1b[6~"
HINTS: Final = "? help"
"""On the lowest line of every screen."""


@contextlib.contextmanager
def seat(live: Live, *options: str) -> Iterator[Terminal]:
    """One person, looking at the queue."""
    words = live.ssh_words()
    with terminal([words[0], *options, *words[1:]], columns=COLUMNS, lines=LINES) as person:
        yield person


@contextlib.contextmanager
def seats(live: Live, count: int) -> Iterator[list[Terminal]]:
    """So many people, each of whom sees the queue, come one after the other."""
    with contextlib.ExitStack() as stack:
        people = []
        for _ in range(count):
            people.append(stack.enter_context(seat(live)))
            people[-1].wait_for(HINTS)
        yield people


@contextlib.contextmanager
def shared_connection(live: Live) -> Iterator[str]:
    """A connection that is logged in, for sessions of their own: the option that uses it."""
    path = Path(live.folder) / "shared"
    words = live.ssh_words()
    master = subprocess.Popen([words[0], "-M", "-N", "-S", str(path), *words[1:]], stdin=subprocess.DEVNULL)
    try:
        while not path.exists():
            time.sleep(0.01)
        yield f"-S{path}"
    finally:
        master.terminate()
        master.wait()


def drawn_after(person: Terminal, keys: str, *, mark: bytes) -> float:
    """Seconds from typing to the first bytes with that mark."""
    person.read(0)
    known = len(person.bytes)
    began = time.perf_counter()
    person.keys(keys)
    wait_for_drawn(person, mark, known)
    return time.perf_counter() - began


def pages_down(person: Terminal, times: int) -> list[float]:
    """Seconds from each key to the page below, of a queue whose jobs have no gap between their numbers."""
    at = _job_at_cursor(person)
    person.keys(_PAGE_DOWN)
    quiet(person, 1)
    step, at = at - _job_at_cursor(person), _job_at_cursor(person)
    return [drawn_after(person, _PAGE_DOWN, mark=str(at - page * step).encode()) for page in range(1, times + 1)]


def _job_at_cursor(person: Terminal) -> int:
    (line,) = [line for line in person.text.splitlines() if line.startswith(_CURSOR)]
    return int(line.split()[1])


def wait_for_drawn(person: Terminal, mark: bytes, known: int) -> None:
    """Until that mark comes after so many bytes."""
    person.wait_until(lambda: person.bytes.find(mark, known) >= 0, what=repr(mark))


def quiet(person: Terminal, for_s: float = 0.3) -> None:
    """Read until nothing comes for so long."""
    while person.read(for_s):
        pass
