"""The jobs of a load, as pods: what really happened is read in the logs of errors, to which every start adds."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.integration.faults.program import Kind

KINDS: Final = (
    (40, Kind(lines=2)),
    (20, Kind(lines=4, pause="0.5")),
    (10, Kind(tries=2, lines=1, first_code=3)),
    (10, Kind(lines=2, first_code=7)),
    (8, Kind(tasks=3, lines=2, pause="0.2")),
)
"""With their weights: pods take a second or two to start and to end, and a cluster under test has few cores."""
PROGRAM: Final = """\
set -- {token} {kind.lines} {kind.pause} {kind.first_code}
[ "$TOVI_ATTEMPT" -eq 1 ] || set -- {token} {kind.lines} {kind.pause} {kind.later_code}
mark() {{ echo "$(date +%s.%N) $2 $TOVI_TASK $TOVI_ATTEMPT $1${{3:+ $3}}" >&2; }}
mark "$1" start
exec 9<"${{TOVI_OUT%/attempts/*}}"
flock -n 9 || mark "$1" beside
line=0
while [ "$line" -lt "$2" ]; do
    line=$((line + 1))
    echo "$1 $line"
    [ "$3" = 0 ] || sleep "$3"
done
mark "$1" finish "$4"
exit "$4"
"""
"""Marks its start before it does anything, holds on to the task's folder, and marks its end after all else."""
_MARK: Final = re.compile(r"(\d+\.\d+) ((?:start|finish|beside) .*)")


@dataclass(frozen=True)
class PodGround:
    """Pods can write nowhere but in what is Tovi's: read of its data directory, as files."""

    data: Path

    @property
    def truth(self) -> str:
        """In the order of time, which is the same on all nodes of this machine."""
        marks = sorted(mark.groups() for mark in self._marks())
        return "".join(f"{words}\n" for _, words in marks)

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
        program = "".join(f"  {line}\n" for line in PROGRAM.format(token=token, kind=kind).splitlines())
        return (
            f"run: |\n{program}{array}retries: {kind.tries - 1}\n"
            "resources: {cpus: 0.05, memory: 32M, disk: 1M}\ntimeout: 10m\n"
        )

    def _marks(self) -> list[re.Match[str]]:
        logs = self.data.glob("projects/*/jobs/*/*.*/attempts/*/stderr.log")
        lines = (line for log in logs for line in log.read_text(errors="replace").splitlines())
        return [mark for line in lines if (mark := _MARK.fullmatch(line)) is not None]
