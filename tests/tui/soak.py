"""The long version of what `test_served.py` samples: `python -m tests.tui.soak --openings 500`.

One server; terminal UIs are opened over a real `ssh -tt` and ended in every way there is, by `kill -9` of the session
or of the zygote too. Its figures go into docs/benchmarks/soak_tui.md; it ends with 1 when anything is left.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shlex
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.live import Live, live_server
from tests.tui import openings
from tests.tui.openings import ONE_RECEIVER, Held

FIGURES: Final = Path("docs/benchmarks")
PAGE: Final = "soak_tui.md"
_TURN: Final = 50


def main(words: Sequence[str]) -> int:
    asked = _asked(words)
    print(f"seed {asked.seed}", flush=True)
    command = f"python -m tests.tui.soak {shlex.join([*words])}".strip()
    with live_server(ONE_RECEIVER) as live:
        began = time.monotonic()
        before = openings.settled(live)
        done = _open_and_end(live, asked.openings, random.Random(asked.seed))
        after = openings.settled(live)
        took_s = time.monotonic() - began
    asked.figures.mkdir(parents=True, exist_ok=True)
    (asked.figures / PAGE).write_text(_page(command, asked.seed, done, (before, after), took_s))
    return 0 if after == before else 1


def _open_and_end(live: Live, times: int, dice: random.Random) -> Counter[str]:
    done: Counter[str] = Counter()
    while (left := times - done.total()) > 0:
        done += openings.open_and_end(live, min(left, _TURN), dice)
        print(f"{done.total()} openings: {openings.held(live)}", flush=True)
    return done


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Open terminal UIs and end them in every way; see that nothing stays.")
    parser.add_argument("--openings", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(2**16))
    parser.add_argument("--figures", type=Path, default=FIGURES, help="the folder of the page")
    return parser.parse_args(words)


def _page(command: str, seed: int, done: Counter[str], held: tuple[Held, Held], took_s: float) -> str:
    before, after = held
    ways = ", ".join(f"{count} {way}" for way, count in sorted(done.items()))
    kinds = sorted(before.descriptors)
    rows = [
        ("openings, and how they ended", f"{done.total()}: {ways}"),
        ("seconds for each, with its end", f"{took_s / max(done.total(), 1):.2f}"),
        ("processes of the server, before and after", f"{before.processes}, {after.processes}"),
        ("sessions left", after.terminals),
        *(
            (f"descriptors of the {kind}, before and after", f"{before.descriptors[kind]}, {after.descriptors[kind]}")
            for kind in kinds
        ),
    ]
    return (
        "# Terminal UIs, opened and killed\n\n"
        f"`{command}` (seed {seed}), Python {platform.python_version()}, {os.cpu_count()} cores.\n\n"
        "One server with one receiver. Each opening is a stock `ssh -tt` on a pseudo-terminal. Where the server or\n"
        "the person ends it, the terminal is looked at too: every mode that was switched on is off again. The files\n"
        "of the database are not counted, since its pool opens and closes them as it likes.\n\n"
        "| Figure | |\n|---|---|\n" + "".join(f"| {what} | {figure} |\n" for what, figure in rows)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
