"""The figures: `python -m tests.bench [NAME…]` measures, says each figure in a line, and writes docs/benchmarks."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Final, Protocol, cast

from tests.bench.figures import Figure
from tests.bench.page import Made, page

BENCHES: Final = (
    "login",
    "first_line",
    "tasks",
    "submits",
    "wide",
    "lists",
    "idle",
    "pods",
    "requests",
    "dispatch",
    "scale",
    "screens",
)


class Bench(Protocol):
    """What each module here that measures has."""

    TITLE: str
    ABOUT: str

    def bench(self) -> tuple[Figure, ...]: ...


def main(words: Sequence[str]) -> int:
    asked = _asked(words)
    for name in asked.names or BENCHES:
        bench = cast(Bench, import_module(f"tests.bench.{name}"))
        made = _made(f"python -m tests.bench {name}")
        figures = bench.bench()
        for figure in figures:
            print(figure.line(), flush=True)
        asked.folder.mkdir(parents=True, exist_ok=True)
        (asked.folder / f"{name}.md").write_text(page(bench.TITLE, bench.ABOUT, figures, made))
    return 0


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--folder", type=Path, default=Path("docs/benchmarks"), help="where the pages go")
    asked = parser.parse_args(words)
    unknown = [name for name in asked.names if name not in BENCHES]
    if unknown:
        parser.error(f"there is no bench {shlex.join(unknown)}; there are {', '.join(BENCHES)}")
    return asked


def _made(command: str) -> Made:
    return Made(command, time.strftime("%Y-%m-%d", time.gmtime()), _versions(), os.getloadavg()[0])


def _versions() -> dict[str, str]:
    openssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True).stderr.split(",")[0]
    return {
        "Tovi": version("tovi"),
        "Python": platform.python_version(),
        "asyncssh": version("asyncssh"),
        "SQLite": sqlite3.sqlite_version,
        "OpenSSH": openssh.removeprefix("OpenSSH_"),
        "Linux": f"{platform.release().partition('-')[0]} on {os.cpu_count()} cores",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
