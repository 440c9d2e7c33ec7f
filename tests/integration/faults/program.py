"""The jobs of a load: a program that writes down outside Tovi what it does, and prints lines that can be counted."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

PROGRAM: Final = """\
#!/bin/sh
# job.sh TOKEN LINES PAUSE FIRST_CODE LATER_CODE: marks its start before it does anything, and its end after all else.
here=${0%/*}
token=$1 lines=$2 pause=$3 code=$4
[ "$TOVI_ATTEMPT" -eq 1 ] || code=$5
mark() { echo "$1 $TOVI_TASK $TOVI_ATTEMPT $token${2:+ $2}" >>"$here/truth"; }
mark start
exec 9>>"$here/alive/$TOVI_TASK"
flock -n 9 || mark beside
line=0
while [ "$line" -lt "$lines" ]; do
    line=$((line + 1))
    echo "$token $line"
    [ "$pause" = 0 ] || sleep "$pause"
done
mark finish "$code"
exit "$code"
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a job does: so many tasks, each of which may be tried so often and prints so much, so slowly."""

    tasks: int = 1
    tries: int = 1
    lines: int = 3
    pause: str = "0"
    first_code: int = 0
    later_code: int = 0


KINDS: Final = (
    (50, Kind()),
    (20, Kind(lines=10, pause="0.1")),
    (8, Kind(lines=12, pause="0.4")),
    (10, Kind(tries=2, first_code=3)),
    (6, Kind(lines=2, first_code=7)),
    (6, Kind(tasks=3, lines=5, pause="0.2")),
)
"""With their weights: most are over at once, some live through several kills."""


class AnyGround(Protocol):
    """Where jobs come from, and what really happened is read."""

    @property
    def truth(self) -> str:
        """Lines, as `history_reading` reads them."""

    def alive(self) -> int:
        """Of how many attempts the program has begun and not finished."""

    def any_kind(self, chance: random.Random) -> Kind: ...

    def spec(self, kind: Kind, token: str) -> str:
        """The tovi.yaml of a job."""


class Ground:
    """A folder outside Tovi that every job may write to: what really happened is read here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for place in (folder, folder / "alive"):
            place.mkdir()
            place.chmod(0o777)  # tasks may have uids of their own
        (folder / "job.sh").write_text(PROGRAM)
        (folder / "truth").touch()
        (folder / "truth").chmod(0o666)

    @property
    def truth(self) -> str:
        return (self._folder / "truth").read_text()

    def alive(self) -> int:
        """As `AnyGround.alive`."""
        words = [line.partition(" ")[0] for line in self.truth.splitlines()]
        return words.count("start") - words.count("finish")

    def any_kind(self, chance: random.Random) -> Kind:
        """As `AnyGround.any_kind`."""
        return chance.choices([kind for _, kind in KINDS], [weight for weight, _ in KINDS])[0]

    def spec(self, kind: Kind, token: str) -> str:
        """As `AnyGround.spec`."""
        array = f"array: 0..{kind.tasks - 1}\n" if kind.tasks > 1 else ""
        words = f"{token} {kind.lines} {kind.pause} {kind.first_code} {kind.later_code}"
        return (
            f"run: exec sh {self._folder}/job.sh {words}\n{array}retries: {kind.tries - 1}\n"
            "resources: {cpus: 0.01, memory: 32M, disk: 1M}\ntimeout: 10m\n"
        )
