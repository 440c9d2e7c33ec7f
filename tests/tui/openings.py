"""Opening terminal UIs of a live server and ending them in every way there is; and what a server has, to be counted."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests import processes
from tests.live import Live
from tests.tui.terminal import DEADLINE_S, Terminal, terminal

ALTERNATE_SCREEN: Final = 1049
NORMAL: Final = frozenset({7, 25})
"""Modes of a terminal that was put in order: lines wrap, and the cursor is there."""
ONE_RECEIVER: Final = "[server]\nreceivers = 1\n"
"""Settings with which it is known who has what."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the parts of a server have: so many processes, terminals and descriptors of each kind of process."""

    processes: int
    terminals: int
    descriptors: Mapping[str, int]


def zygotes(live: Live) -> set[int]:
    return processes.called("tovi-zygote", live.parts())


def sessions(live: Live) -> set[int]:
    return {pid for zygote in zygotes(live) for pid in processes.children(zygote)}


def receivers(live: Live) -> set[int]:
    return processes.called("tovi-receiver", live.parts())


def held(live: Live) -> Held:
    counted = {"receiver": receivers(live), "zygote": zygotes(live)}
    descriptors = {name: sum(len(_descriptors(pid, live)) for pid in pids) for name, pids in counted.items()}
    return Held(len(live.parts()), len(sessions(live)), descriptors)


def wait_held(live: Live, expected: Held, *, deadline_s: float = DEADLINE_S) -> None:
    """Wait until the server has no more and no less."""
    deadline = time.monotonic() + deadline_s
    while (found := held(live)) != expected:
        if time.monotonic() > deadline:
            raise AssertionError(f"it has {found}, and had {expected}\n{_told(live)}")
        time.sleep(0.05)


def opened(person: Terminal) -> Terminal:
    """Once it draws."""
    person.wait_until(lambda: ALTERNATE_SCREEN in person.modes_on(), what="the alternate screen")
    return person


def by_key(_: Live, person: Terminal) -> None:
    person.keys("q")
    assert (person.wait(), person.modes_on()) == (0, NORMAL)


def by_killing_the_session(live: Live, person: Terminal) -> None:
    _kill(sessions(live))
    assert (person.wait(), person.modes_on()) == (1, NORMAL)


def by_hanging_up_the_session(live: Live, person: Terminal) -> None:
    _kill(sessions(live), signal.SIGHUP)
    assert (person.wait(), person.modes_on()) == (1, NORMAL)


def by_killing_the_zygote(live: Live, person: Terminal) -> None:
    _kill(zygotes(live))
    assert (person.wait(), person.modes_on()) == (1, NORMAL)


def by_dropping_the_line(_: Live, person: Terminal) -> None:
    person.close()


def by_dropping_it_at_once(_: Live, person: Terminal) -> None:
    """Maybe before anything was there."""
    person.close()


WAYS: Final[tuple[Callable[[Live, Terminal], None], ...]] = (
    by_key,
    by_killing_the_session,
    by_hanging_up_the_session,
    by_killing_the_zygote,
    by_dropping_the_line,
    by_dropping_it_at_once,
)


def settled(live: Live) -> Held:
    """What the server has once there was a session and nobody looks any more."""
    with terminal(live.ssh_words()) as person:
        by_key(live, opened(person))
    last = held(live)
    while (now := _a_moment_later(live)) != last:
        last = now
    return last


def _a_moment_later(live: Live) -> Held:
    time.sleep(1)  # nothing tells that everything is over, which is what is to be seen
    return held(live)


def open_and_end(live: Live, times: int, dice: random.Random) -> Counter[str]:
    """So many times, in ways that `dice` choose; how often in each way."""
    done: Counter[str] = Counter()
    for _ in range(times):
        way = dice.choice(WAYS)
        with terminal(live.ssh_words()) as person:
            if way is by_dropping_it_at_once:
                person.read(dice.random() * 0.1)
            else:
                opened(person)
            way(live, person)
        done[way.__name__.removeprefix("by_").replace("_", " ")] += 1
        _wait_no_sessions(live)
    return done


def _wait_no_sessions(live: Live) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while left := sessions(live):
        assert time.monotonic() < deadline, f"sessions are left: {left}"
        time.sleep(0.01)


def _kill(pids: Collection[int], number: signal.Signals = signal.SIGKILL) -> None:
    (pid,) = pids
    os.kill(pid, number)


def _descriptors(pid: int, live: Live) -> list[str]:
    """What each of them is of, but the database's files: those of its pool come and go."""
    targets = [_target(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    return [target for target in targets if target and not target.startswith(str(live.data))]


def _target(entry: Path) -> str:
    try:
        return os.fspath(entry.readlink())
    except FileNotFoundError:  # closed just now
        return ""


def _told(live: Live) -> str:
    """Every descriptor, for a person who looks for the one too many."""
    return "\n".join(f"{pid} {target}" for pid in receivers(live) | zygotes(live) for target in _descriptors(pid, live))
