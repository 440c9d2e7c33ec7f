"""The long version of what `test_kills.py` samples: `python -m tests.integration.soak --kills 1000`.

Storm after storm, each on a fresh server, until so many parts were killed or the time is over. Its figures go into
docs/benchmarks/soak.md, with --pods, where tasks are pods of the cluster that TOVI_TEST_KUBECONFIG names, into
soak_pods.md; it ends with 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import shlex
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tests import kube
from tests.cluster.faults.storm import SUBMITS_PER_S as PODS_PER_S
from tests.cluster.faults.storm import pod_storm
from tests.integration.faults.storm import SUBMITS_PER_S, Outcome, storm

FIGURES: Final = Path("docs/benchmarks")
KILLS_A_STORM: Final = 50


@dataclass(frozen=True, slots=True)
class Weather:
    """A kind of storm, and what its page says of it."""

    storm: Callable[[int, int], Outcome]
    page: str
    title: str
    about: str


def main(words: Sequence[str]) -> int:
    asked = _asked(words)
    print(f"seed {asked.seed}", flush=True)
    command = f"python -m tests.integration.soak {shlex.join([*words])}".strip()
    with _pods() if asked.pods else _processes() as weather:
        outcomes = _storms(weather, asked)
    asked.figures.mkdir(parents=True, exist_ok=True)
    (asked.figures / weather.page).write_text(_page(weather, command, asked.seed, outcomes))
    return 1 if any(outcome.problems or outcome.hangs for outcome in outcomes) else 0


def _storms(weather: Weather, asked: argparse.Namespace) -> Sequence[Outcome]:
    deadline = time.monotonic() + 60 * asked.minutes if asked.minutes else float("inf")
    outcomes: list[Outcome] = []
    while (left := asked.kills - _kills(outcomes)) > 0 and time.monotonic() < deadline:
        outcomes.append(weather.storm(asked.seed + 2 * len(outcomes), min(left, KILLS_A_STORM)))
        _tell(outcomes[-1])
    return outcomes


@contextmanager
def _processes() -> Iterator[Weather]:
    about = (
        f"Each storm: a fresh server, {SUBMITS_PER_S} submissions a second arriving over SSH, and `kill -9` of the\n"
        "parent, a receiver or the scheduler at random moments, each after the server answered again."
    )
    yield Weather(lambda seed, kills: asyncio.run(storm(seed, kills)), "soak.md", "Kills under load", about)


@contextmanager
def _pods() -> Iterator[Weather]:
    about = (
        f"Each storm: a fresh server with tasks as pods of a cluster, {PODS_PER_S} submissions a second over SSH,\n"
        "and `kill -9` of the scheduler or the parent at random moments, each after the server answered again. In the\n"
        "end no pod may be left, and no finalizer."
    )
    with kube.place("tovi-soak") as place:
        yield Weather(partial(pod_storm, place), "soak_pods.md", "Kills under load, with tasks as pods", about)


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill parts of a server under load, and judge what happened.")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument(
        "--pods", action="store_true", help="tasks are pods of the cluster that TOVI_TEST_KUBECONFIG names"
    )
    parser.add_argument("--minutes", type=float, default=0, help="begin no storm after so long; 0: no limit")
    parser.add_argument("--seed", type=int, default=random.randrange(2**16))
    parser.add_argument("--figures", type=Path, default=FIGURES, help="the folder of the page")
    return parser.parse_args(words)


def _kills(outcomes: Sequence[Outcome]) -> int:
    return sum(outcome.kills.victims.total() for outcome in outcomes)


def _tell(outcome: Outcome) -> None:
    print(f"storm {outcome.seed}: {dict(outcome.kills.victims)}, {outcome.acknowledged} acknowledged", flush=True)
    for problem in (*outcome.problems, *outcome.hangs):
        print(f"  {problem}", flush=True)


def _page(weather: Weather, command: str, seed: int, outcomes: Sequence[Outcome]) -> str:
    """What was done and what came of it, as a page of the documentation."""
    rows = "".join(f"| {what} | {figure} |\n" for what, figure in _figures(outcomes))
    return (
        f"# {weather.title}\n\n"
        f"`{command}` (seed {seed}), Python {platform.python_version()}, {os.cpu_count()} cores.\n\n"
        f"{weather.about} The judge is\n"
        "`tests/integration/history.py`, which knows nothing of Tovi's code.\n\n"
        f"| Figure | |\n|---|---|\n{rows}"
    )


def _figures(outcomes: Sequence[Outcome]) -> list[tuple[str, object]]:
    victims = sum((outcome.kills.victims for outcome in outcomes), Counter[str]())
    ends = sum((outcome.ends for outcome in outcomes), Counter[str]())
    away = sorted(second for outcome in outcomes for second in outcome.kills.away_s)
    histories = [outcome.history for outcome in outcomes]
    return [
        ("kills", f"{victims.total()}: " + ", ".join(f"{count} {part}" for part, count in sorted(victims.items()))),
        ("submissions acknowledged", sum(outcome.acknowledged for outcome in outcomes)),
        ("requests without an answer", sum(one.job is None for history in histories for one in history.submits)),
        ("jobs, by how they ended", ", ".join(f"{count} {state}" for state, count in sorted(ends.items()))),
        ("programs that really started", sum(mark.what == "start" for one in histories for mark in one.truth)),
        ("programs that ran while their scheduler died", sum(outcome.kills.adopted for outcome in outcomes)),
        ("cancels acknowledged", sum(one.did is not None for history in histories for one in history.cancels)),
        ("logs read to their last line", sum(len(history.logs) for history in histories)),
        ("from a kill to the next acknowledged submission", f"median {_median(away)} s, longest {_longest(away)} s"),
        ("acknowledged and lost, doubled, or broken otherwise", sum(len(outcome.problems) for outcome in outcomes)),
        ("questions never answered though the connection stood", sum(len(outcome.hangs) for outcome in outcomes)),
    ]


def _median(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.1f}" if seconds else "-"


def _longest(seconds: Sequence[float]) -> str:
    return f"{max(seconds):.1f}" if seconds else "-"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
